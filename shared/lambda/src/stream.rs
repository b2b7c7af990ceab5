//! The DynamoDB Streams edge. Records of a shard stay in order: the first that fails, and those after it, are delivered again.

use std::{collections::HashMap, future::Future, sync::Arc};

use aws::{Attribute, Item};
use foundation::problem::Fault;
use serde_json::{Map, Value, json};

use crate::{Error, runtime::run};

/// A change of an item.
#[derive(Clone, Debug)]
pub struct Change {
    /// The stream's id of the change: the same each time it is delivered.
    pub id: String,
    /// The item before; none if it is new.
    pub before: Option<Item>,
    /// The item after; none if it was removed.
    pub after: Option<Item>,
    sequence: String,
}

/// Serves batches of changes. The handler gives the position of the first change it could not do and why, if there is one.
pub async fn serve<S, F, H>(shared: S, handler: H) -> Result<(), Error>
where
    S: Send + Sync + 'static,
    H: Fn(Arc<S>, Vec<Change>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), (usize, Fault)>> + Send + 'static,
{
    let shared = Arc::new(shared);
    run(Arc::new(move |event: Value| {
        let changes = changes_of(&event);
        let sequences: Vec<_> = changes.iter().map(|change| change.sequence.clone()).collect();
        let work = handler(Arc::clone(&shared), changes);
        Box::pin(async move {
            let Err((position, fault)) = work.await else { return Ok(json!({ "batchItemFailures": [] })) };
            tracing::warn!(position, code = fault.code(), error = ?fault, "stream batch goes back from here");
            let from = sequences.get(position).or(sequences.first());
            Ok(json!({ "batchItemFailures": [{ "itemIdentifier": from }] }))
        })
    }))
    .await
}

fn changes_of(event: &Value) -> Vec<Change> {
    let records = event.get("Records").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let image = |record: &Value, name: &str| {
        record.pointer(&format!("/dynamodb/{name}")).and_then(Value::as_object).map(item_of)
    };
    let text = |record: &Value, pointer: &str| {
        record.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    records
        .iter()
        .map(|record| Change {
            id: text(record, "/eventID"),
            before: image(record, "OldImage"),
            after: image(record, "NewImage"),
            sequence: text(record, "/dynamodb/SequenceNumber"),
        })
        .collect()
}

fn item_of(image: &Map<String, Value>) -> Item {
    image.iter().map(|(name, value)| (name.clone(), attribute_of(value))).collect()
}

/// The stream's JSON form of a value. Binary values are not used by any table of ours.
fn attribute_of(value: &Value) -> Attribute {
    let Some((kind, inner)) = value.as_object().and_then(|tagged| tagged.iter().next()) else {
        return Attribute::Null(true);
    };
    let texts =
        || inner.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    match kind.as_str() {
        "S" => Attribute::S(inner.as_str().unwrap_or_default().to_owned()),
        "N" => Attribute::N(inner.as_str().unwrap_or_default().to_owned()),
        "BOOL" => Attribute::Bool(inner.as_bool().unwrap_or_default()),
        "SS" => Attribute::Ss(texts()),
        "NS" => Attribute::Ns(texts()),
        "L" => Attribute::L(inner.as_array().into_iter().flatten().map(attribute_of).collect()),
        "M" => Attribute::M(inner.as_object().map_or_else(HashMap::new, item_of)),
        _ => Attribute::Null(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_become_items() {
        let event = json!({"Records": [{"eventID": "e1", "dynamodb": {"SequenceNumber": "7", "NewImage": {
            "pk": {"S": "O#1"}, "vq": {"N": "12.50"}, "lines": {"L": [{"M": {"free": {"BOOL": true}}}]}
        }}}]});
        let changes = changes_of(&event);
        let after = changes[0].after.as_ref().unwrap();
        assert_eq!(aws::decimal(after, "vq").to_string(), "12.50");
        assert_eq!(after["lines"].as_l().unwrap()[0].as_m().unwrap()["free"], Attribute::Bool(true));
        assert!(changes[0].before.is_none());
    }
}
