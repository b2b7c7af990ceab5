//! DynamoDB: tables with a partition key `pk` and a sort key `sk`, conditions and updates as values.

use std::{collections::HashMap, fmt::Write as _, time::Duration};

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        ConditionCheck, Delete, KeysAndAttributes, Put, PutRequest, ReturnValue,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update as SdkUpdate, WriteRequest,
    },
};

use crate::{
    Boxed,
    clients::{Aws, count_round_trip},
    error::AwsError,
    item::{Attribute, Item, text},
};

const SERVICE: &str = "DynamoDB";
/// Items a `BatchWriteItem` takes.
const BATCH_WRITE: usize = 25;
/// Keys a `BatchGetItem` takes.
const BATCH_GET: usize = 100;
/// How often what DynamoDB left undone of a batch is sent again.
const BATCH_ATTEMPTS: u32 = 8;
/// How often a transaction is tried that is in conflict with others.
const TRANSACTION_ATTEMPTS: u32 = 5;

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// The key (`pk`, `sk`).
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// `item` with this key in it.
    pub fn onto(&self, mut item: Item) -> Item {
        item.extend(self.clone().attributes());
        item
    }

    fn attributes(self) -> Item {
        HashMap::from([("pk".to_owned(), text(self.pk)), ("sk".to_owned(), text(self.sk))])
    }
}

/// What must hold of the item that stands there for a write to be done.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Nothing.
    Always,
    /// There is no item.
    Absent,
    /// There is an item.
    Present,
    /// The attribute has this value.
    Equals(&'static str, Attribute),
    /// The attribute is missing or has another value.
    Differs(&'static str, Attribute),
    /// The attribute is at least this.
    AtLeast(&'static str, Attribute),
    /// The attribute is less than this, or missing.
    Below(&'static str, Attribute),
    /// The attribute is missing.
    Missing(&'static str),
    /// The attribute is one of these.
    OneOf(&'static str, Vec<Attribute>),
    /// All of these.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
}

/// Changes to one item. Several changes of one kind go into one clause.
#[derive(Clone, Debug, Default)]
pub struct Update {
    set: Vec<(String, Attribute)>,
    set_once: Vec<(String, Attribute)>,
    append: Vec<(String, Attribute)>,
    add: Vec<(String, Attribute)>,
    remove: Vec<String>,
}

impl Update {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the attribute.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: Attribute) -> Self {
        self.set.push((name.into(), value));
        self
    }

    /// Sets the attribute if it is missing.
    #[must_use]
    pub fn set_once(mut self, name: impl Into<String>, value: Attribute) -> Self {
        self.set_once.push((name.into(), value));
        self
    }

    /// Appends `value` to a list, which is made if it is missing.
    #[must_use]
    pub fn append(mut self, name: impl Into<String>, value: Attribute) -> Self {
        self.append.push((name.into(), Attribute::L(vec![value])));
        self
    }

    /// Adds to a number (a missing one is 0), or to a set.
    #[must_use]
    pub fn add(mut self, name: impl Into<String>, value: Attribute) -> Self {
        self.add.push((name.into(), value));
        self
    }

    /// Removes the attribute.
    #[must_use]
    pub fn remove(mut self, name: impl Into<String>) -> Self {
        self.remove.push(name.into());
        self
    }
}

/// One write of a transaction.
#[derive(Clone, Debug)]
pub enum Write {
    /// Puts an item.
    Put(Table, Item, Condition),
    /// Changes an item.
    Update(Table, Key, Update, Condition),
    /// Deletes an item.
    Delete(Table, Key, Condition),
    /// Only asks for a condition.
    Check(Table, Key, Condition),
}

/// A question to one partition of a table or of one of its indexes.
#[derive(Clone, Debug)]
pub struct Query {
    index: Option<&'static str>,
    pk: String,
    sort: Sort,
    descending: bool,
    limit: Option<u16>,
    cursor: Option<Item>,
    consistent: bool,
}

#[derive(Clone, Debug)]
enum Sort {
    All,
    Prefix(String),
    Between(String, String),
}

impl Query {
    /// Everything under `pk`.
    pub fn partition(pk: impl Into<String>) -> Self {
        Self {
            index: None,
            pk: pk.into(),
            sort: Sort::All,
            descending: false,
            limit: None,
            cursor: None,
            consistent: false,
        }
    }

    /// Asks the index `name`, whose keys are `<name>pk` and `<name>sk`.
    #[must_use]
    pub fn index(mut self, name: &'static str) -> Self {
        self.index = Some(name);
        self
    }

    /// Only sort keys that start with `prefix`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.sort = Sort::Prefix(prefix.into());
        self
    }

    /// Only sort keys from `first` to `last`, both included.
    #[must_use]
    pub fn between(mut self, first: impl Into<String>, last: impl Into<String>) -> Self {
        self.sort = Sort::Between(first.into(), last.into());
        self
    }

    /// Last first.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// At most so many items in a page.
    #[must_use]
    pub fn limit(mut self, items: u16) -> Self {
        self.limit = Some(items);
        self
    }

    /// What was written before is seen. Not for indexes.
    #[must_use]
    pub fn consistent(mut self) -> Self {
        self.consistent = true;
        self
    }

    /// The name of the partition key that is asked for.
    pub(crate) fn partition_name(&self) -> String {
        format!("{}pk", self.index.unwrap_or_default())
    }

    /// The partition that is asked for.
    pub(crate) fn partition_value(&self) -> &String {
        &self.pk
    }

    /// Goes on after the item with these key attributes (see [`Page::next`]).
    #[must_use]
    pub fn after(mut self, cursor: Option<Item>) -> Self {
        self.cursor = cursor;
        self
    }
}

/// Items, and where the next page starts.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The items.
    pub items: Vec<Item>,
    /// Key attributes of the last item, if there is more.
    pub next: Option<Item>,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    aws: Aws,
    name: String,
}

impl Table {
    /// The table whose name stands in the environment under `variable`.
    pub fn from_env(aws: &Aws, env: &mut crate::Env, variable: &str) -> Self {
        Self { aws: aws.clone(), name: env.required(variable) }
    }

    /// The item at `key`, with everything that was written before.
    pub fn get(&self, key: Key) -> Boxed<'_, Result<Option<Item>, AwsError>> {
        Box::pin(async move {
            count_round_trip();
            let request = self.aws.dynamo().get_item().table_name(&self.name).consistent_read(true);
            let answer = request.set_key(Some(key.attributes())).send().await;
            answer.map(|found| found.item).map_err(|error| AwsError::of(SERVICE, error))
        })
    }

    /// The items at `keys`, up to 100 in one round trip; missing ones are left out, the order is not kept.
    pub fn get_many(&self, keys: Vec<Key>) -> Boxed<'_, Result<Vec<Item>, AwsError>> {
        Box::pin(async move {
            let mut found = Vec::with_capacity(keys.len());
            for chunk in keys.chunks(BATCH_GET) {
                let mut wanted: Vec<Item> = chunk.iter().cloned().map(Key::attributes).collect();
                for attempt in 0..BATCH_ATTEMPTS {
                    pause_before(attempt).await;
                    count_round_trip();
                    let request =
                        KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
                    let request = request.map_err(|error| failed("InvalidBatch", error))?;
                    let answer =
                        self.aws.dynamo().batch_get_item().request_items(&self.name, request).send().await;
                    let answer = answer.map_err(|error| AwsError::of(SERVICE, error))?;
                    found.extend(answer.responses.into_iter().flat_map(HashMap::into_values).flatten());
                    wanted = answer
                        .unprocessed_keys
                        .into_iter()
                        .flat_map(HashMap::into_values)
                        .flat_map(|left| left.keys)
                        .collect();
                    if wanted.is_empty() {
                        break;
                    }
                }
                if !wanted.is_empty() {
                    return Err(left_undone());
                }
            }
            Ok(found)
        })
    }

    /// Puts `item` if `condition` holds of the one that stands there, which comes back in [`AwsError::ConditionFailed`].
    pub fn put(&self, item: Item, condition: Condition) -> Boxed<'_, Result<(), AwsError>> {
        Box::pin(async move {
            count_round_trip();
            let mut expression = Expression::default();
            let condition = expression.condition(&condition);
            let request = self.aws.dynamo().put_item().table_name(&self.name).set_item(Some(item));
            let answer = request
                .set_condition_expression(condition)
                .set_expression_attribute_names(expression.names())
                .set_expression_attribute_values(expression.values())
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            match answer {
                Ok(_) => Ok(()),
                Err(error) => Err(match error.as_service_error() {
                    Some(
                        aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(
                            failed,
                        ),
                    ) => AwsError::ConditionFailed(failed.item.clone().map(Box::new)),
                    _ => AwsError::of(SERVICE, error),
                }),
            }
        })
    }

    /// Changes the item at `key` if `condition` holds; gives it as it is afterwards.
    pub fn update(
        &self,
        key: Key,
        update: Update,
        condition: Condition,
    ) -> Boxed<'_, Result<Item, AwsError>> {
        Box::pin(async move {
            count_round_trip();
            let mut expression = Expression::default();
            let condition = expression.condition(&condition);
            let update = expression.update(update);
            let answer = self
                .aws
                .dynamo()
                .update_item()
                .table_name(&self.name)
                .set_key(Some(key.attributes()))
                .update_expression(update)
                .set_condition_expression(condition)
                .set_expression_attribute_names(expression.names())
                .set_expression_attribute_values(expression.values())
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            match answer {
                Ok(done) => Ok(done.attributes.unwrap_or_default()),
                Err(error) => Err(match error.as_service_error() {
                    Some(
                        aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(failed),
                    ) => AwsError::ConditionFailed(failed.item.clone().map(Box::new)),
                    _ => AwsError::of(SERVICE, error),
                }),
            }
        })
    }

    /// One page of answers.
    pub fn query(&self, query: Query) -> Boxed<'_, Result<Page, AwsError>> {
        Box::pin(async move {
            count_round_trip();
            let index = query.index.unwrap_or_default();
            let names = HashMap::from([
                ("#pk".to_owned(), format!("{index}pk")),
                ("#sk".to_owned(), format!("{index}sk")),
            ]);
            let mut values = HashMap::from([(":pk".to_owned(), text(query.pk))]);
            let (names, expression) = match query.sort {
                Sort::All => (HashMap::from([("#pk".to_owned(), format!("{index}pk"))]), "#pk = :pk"),
                Sort::Prefix(prefix) => {
                    values.insert(":first".to_owned(), text(prefix));
                    (names, "#pk = :pk AND begins_with(#sk, :first)")
                }
                Sort::Between(first, last) => {
                    values.insert(":first".to_owned(), text(first));
                    values.insert(":last".to_owned(), text(last));
                    (names, "#pk = :pk AND #sk BETWEEN :first AND :last")
                }
            };
            let answer = self
                .aws
                .dynamo()
                .query()
                .table_name(&self.name)
                .set_index_name(query.index.map(str::to_owned))
                .key_condition_expression(expression)
                .set_expression_attribute_names(Some(names))
                .set_expression_attribute_values(Some(values))
                .scan_index_forward(!query.descending)
                .set_limit(query.limit.map(i32::from))
                .set_exclusive_start_key(query.cursor)
                .consistent_read(query.consistent)
                .send()
                .await
                .map_err(|error| AwsError::of(SERVICE, error))?;
            Ok(Page { items: answer.items.unwrap_or_default(), next: answer.last_evaluated_key })
        })
    }

    /// All answers, page after page.
    pub fn query_all(&self, query: Query) -> Boxed<'_, Result<Vec<Item>, AwsError>> {
        Box::pin(async move {
            let mut all = Vec::new();
            let mut cursor = query.cursor.clone();
            loop {
                let page = self.query(query.clone().after(cursor)).await?;
                all.extend(page.items);
                cursor = page.next;
                if cursor.is_none() {
                    return Ok(all);
                }
            }
        })
    }

    /// One page of one of `segments` parts of the whole table. For background work only, never for a request.
    pub fn scan(
        &self,
        segment: u16,
        segments: u16,
        cursor: Option<Item>,
    ) -> Boxed<'_, Result<Page, AwsError>> {
        Box::pin(async move {
            count_round_trip();
            let request = self.aws.dynamo().scan().table_name(&self.name).consistent_read(true);
            let answer = request
                .segment(i32::from(segment))
                .total_segments(i32::from(segments))
                .set_exclusive_start_key(cursor)
                .send()
                .await
                .map_err(|error| AwsError::of(SERVICE, error))?;
            Ok(Page { items: answer.items.unwrap_or_default(), next: answer.last_evaluated_key })
        })
    }

    /// Puts all `items`, unconditionally, 25 in a round trip. Safe to repeat.
    pub fn put_many(&self, items: Vec<Item>) -> Boxed<'_, Result<(), AwsError>> {
        Box::pin(async move {
            let mut items = items.into_iter().peekable();
            while items.peek().is_some() {
                let mut left = Vec::with_capacity(BATCH_WRITE);
                for item in items.by_ref().take(BATCH_WRITE) {
                    let put = PutRequest::builder()
                        .set_item(Some(item))
                        .build()
                        .map_err(|error| failed("InvalidBatch", error))?;
                    left.push(WriteRequest::builder().put_request(put).build());
                }
                for attempt in 0..BATCH_ATTEMPTS {
                    pause_before(attempt).await;
                    count_round_trip();
                    let answer =
                        self.aws.dynamo().batch_write_item().request_items(&self.name, left).send().await;
                    let answer = answer.map_err(|error| AwsError::of(SERVICE, error))?;
                    left = answer
                        .unprocessed_items
                        .into_iter()
                        .flat_map(HashMap::into_values)
                        .flatten()
                        .collect();
                    if left.is_empty() {
                        break;
                    }
                }
                if !left.is_empty() {
                    return Err(left_undone());
                }
            }
            Ok(())
        })
    }
}

impl Aws {
    /// Does all `writes` (at most 100, of any tables) or none of them. The refused ones stand in [`AwsError::Refused`].
    pub fn transact(&self, writes: Vec<Write>) -> Boxed<'_, Result<(), AwsError>> {
        Box::pin(async move {
            let mut items = Vec::with_capacity(writes.len());
            for write in writes {
                items.push(transact_item(write)?);
            }
            let mut attempt = 0;
            loop {
                pause_before(attempt).await;
                count_round_trip();
                let request = self.dynamo().transact_write_items().set_transact_items(Some(items.clone()));
                let done = request.send().await.map(drop).map_err(transaction_error);
                // The SDK does not retry a cancelled transaction, though one in conflict with another only came too early.
                let is_late =
                    matches!(&done, Err(AwsError::Busy { code, .. }) if code == "TransactionConflict");
                attempt += 1;
                if !is_late || attempt == TRANSACTION_ATTEMPTS {
                    return done;
                }
            }
        })
    }
}

fn transaction_error(error: SdkError<TransactWriteItemsError>) -> AwsError {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error()
    else {
        return AwsError::of(SERVICE, error);
    };
    let reasons = canceled.cancellation_reasons();
    if !reasons.iter().any(|reason| reason.code() == Some("ConditionalCheckFailed")) {
        // Conflicts and throttling: nothing was refused, only late.
        let code = reasons
            .iter()
            .filter_map(|reason| reason.code())
            .find(|code| *code != "None")
            .unwrap_or("Canceled")
            .to_owned();
        let source = Box::new(error);
        return match code.as_str() {
            "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded" => {
                AwsError::Busy { service: SERVICE, code, source }
            }
            _ => AwsError::Failed { service: SERVICE, code, source },
        };
    }
    AwsError::Refused(
        reasons
            .iter()
            .map(|reason| {
                (reason.code() == Some("ConditionalCheckFailed"))
                    .then(|| Box::new(reason.item.clone().unwrap_or_default()))
            })
            .collect(),
    )
}

fn transact_item(write: Write) -> Result<TransactWriteItem, AwsError> {
    let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
    let mut expression = Expression::default();
    let built = TransactWriteItem::builder();
    let invalid = |error| failed("InvalidTransaction", error);
    Ok(match write {
        Write::Put(table, item, condition) => {
            let condition = expression.condition(&condition);
            let put = Put::builder()
                .table_name(table.name)
                .set_item(Some(item))
                .set_condition_expression(condition);
            built.put(
                put.set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values())
                    .return_values_on_condition_check_failure(all_old)
                    .build()
                    .map_err(invalid)?,
            )
        }
        Write::Update(table, key, update, condition) => {
            let condition = expression.condition(&condition);
            let update = expression.update(update);
            let change = SdkUpdate::builder().table_name(table.name).set_key(Some(key.attributes()));
            built.update(
                change
                    .update_expression(update)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values())
                    .return_values_on_condition_check_failure(all_old)
                    .build()
                    .map_err(invalid)?,
            )
        }
        Write::Delete(table, key, condition) => {
            let condition = expression.condition(&condition);
            let delete = Delete::builder().table_name(table.name).set_key(Some(key.attributes()));
            built.delete(
                delete
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values())
                    .return_values_on_condition_check_failure(all_old)
                    .build()
                    .map_err(invalid)?,
            )
        }
        Write::Check(table, key, condition) => {
            let condition = expression.condition(&condition);
            let check = ConditionCheck::builder().table_name(table.name).set_key(Some(key.attributes()));
            built.condition_check(
                check
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values())
                    .return_values_on_condition_check_failure(all_old)
                    .build()
                    .map_err(invalid)?,
            )
        }
    }
    .build())
}

fn failed(code: &str, error: impl std::error::Error + Send + Sync + 'static) -> AwsError {
    AwsError::Failed { service: SERVICE, code: code.to_owned(), source: Box::new(error) }
}

fn left_undone() -> AwsError {
    AwsError::Busy {
        service: SERVICE,
        code: "UnprocessedItems".to_owned(),
        source: "the table did not take the whole batch".into(),
    }
}

async fn pause_before(attempt: u32) {
    if attempt > 0 {
        tokio::time::sleep(Duration::from_millis(25 << attempt)).await;
    }
}

/// Names and values of an expression, each behind a placeholder, so that no attribute name can be a reserved word.
#[derive(Default)]
struct Expression {
    names: Vec<(String, String)>,
    values: Vec<(String, Attribute)>,
}

impl Expression {
    fn name(&mut self, name: &str) -> String {
        if let Some((placeholder, _)) = self.names.iter().find(|(_, known)| known == name) {
            return placeholder.clone();
        }
        let placeholder = format!("#n{}", self.names.len());
        self.names.push((placeholder.clone(), name.to_owned()));
        placeholder
    }

    fn value(&mut self, value: Attribute) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.push((placeholder.clone(), value));
        placeholder
    }

    fn condition(&mut self, condition: &Condition) -> Option<String> {
        let compare = |this: &mut Self, name: &str, sign: &str, value: &Attribute| {
            format!("{} {sign} {}", this.name(name), this.value(value.clone()))
        };
        Some(match condition {
            Condition::Always => return None,
            Condition::Absent => format!("attribute_not_exists({})", self.name("pk")),
            Condition::Present => format!("attribute_exists({})", self.name("pk")),
            Condition::Missing(name) => format!("attribute_not_exists({})", self.name(name)),
            Condition::Equals(name, value) => compare(self, name, "=", value),
            Condition::Differs(name, value) => compare(self, name, "<>", value),
            Condition::AtLeast(name, value) => compare(self, name, ">=", value),
            Condition::Below(name, value) => {
                let missing = format!("attribute_not_exists({})", self.name(name));
                format!("({missing} OR {})", compare(self, name, "<", value))
            }
            Condition::OneOf(name, values) => {
                let values: Vec<_> = values.iter().map(|value| self.value(value.clone())).collect();
                format!("{} IN ({})", self.name(name), values.join(", "))
            }
            Condition::All(conditions) => self.joined(conditions, " AND ")?,
            Condition::Any(conditions) => self.joined(conditions, " OR ")?,
        })
    }

    fn joined(&mut self, conditions: &[Condition], word: &str) -> Option<String> {
        let parts: Vec<_> = conditions.iter().filter_map(|condition| self.condition(condition)).collect();
        (!parts.is_empty()).then(|| format!("({})", parts.join(word)))
    }

    fn update(&mut self, update: Update) -> String {
        let mut set = Vec::new();
        for (name, value) in update.set {
            set.push(format!("{} = {}", self.name(&name), self.value(value)));
        }
        for (name, value) in update.set_once {
            let name = self.name(&name);
            set.push(format!("{name} = if_not_exists({name}, {})", self.value(value)));
        }
        for (name, value) in update.append {
            let name = self.name(&name);
            let empty = self.value(Attribute::L(Vec::new()));
            set.push(format!("{name} = list_append(if_not_exists({name}, {empty}), {})", self.value(value)));
        }
        let add: Vec<_> = update
            .add
            .into_iter()
            .map(|(name, value)| format!("{} {}", self.name(&name), self.value(value)))
            .collect();
        let remove: Vec<_> = update.remove.iter().map(|name| self.name(name)).collect();
        let mut text = String::new();
        for (word, parts) in [("SET", set), ("ADD", add), ("REMOVE", remove)] {
            if !parts.is_empty() {
                let _ = write!(text, "{word} {} ", parts.join(", "));
            }
        }
        text
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.iter().cloned().collect())
    }

    fn values(&self) -> Option<HashMap<String, Attribute>> {
        (!self.values.is_empty()).then(|| self.values.iter().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_names_each_attribute_once_and_groups_its_clauses() {
        let mut expression = Expression::default();
        let condition = expression.condition(&Condition::All(vec![
            Condition::Present,
            Condition::Equals("state", text("draft")),
            Condition::Always,
        ]));
        let update = Update::new()
            .set("state", text("placed"))
            .append("history", text("x"))
            .add("count", text("1"))
            .remove("ttl");
        assert_eq!(condition.unwrap(), "(attribute_exists(#n0) AND #n1 = :v0)");
        assert_eq!(
            expression.update(update),
            "SET #n1 = :v1, #n2 = list_append(if_not_exists(#n2, :v2), :v3) ADD #n3 :v4 REMOVE #n4 "
        );
    }
}
