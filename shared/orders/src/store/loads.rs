//! Bulk loads: their records, their files, and the transactions that write their lines.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aws::{
    Aws, AwsError, Bucket, Condition, Env, Item, Query, Update, Write, from_item, idempotency::Claim, outbox,
    text, to_attribute, to_item,
};
use bytes::Bytes;
use foundation::{
    fact::Envelope,
    id::{CycleId, LoadId, OrderId, PersonId},
    problem::NotFound,
};
use jiff::Timestamp;

use super::{Orders, OrdersError, first_item, key_of, number};
use crate::{
    facts::OrderPaid,
    failure::OrderError,
    keys,
    load::{
        FILE_BYTES_MAX, Load, LoadCycle, LoadState, PART_LINES, Placed, Refusal, Row, cut, place, read_part,
        result_file,
    },
    order::Order,
    paid::{Paid, PaidKind},
};

/// How long a file may be uploaded.
const UPLOAD_LIFETIME: Duration = Duration::from_hours(1);
/// How long the link to a result works.
const RESULT_LIFETIME: Duration = Duration::from_mins(15);
/// How long a repeated request is the same request, in seconds.
const CLAIM_SECONDS: i64 = 24 * 3600;
/// Lines of one transaction: each is an order, a row, a note of the person's first order and a fact, beside the load's progress, its
/// refused lines and the conditions on cycles.
const GROUP_LINES: usize = 23;
const GROUP_CYCLES_MAX: usize = 6;

/// The bulk loads of orders.
#[derive(Clone, Debug)]
pub struct Loads {
    aws: Aws,
    orders: Orders,
    uploads: Bucket,
}

/// A load and where its file is to be sent.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The load.
    pub load: Load,
    /// Where one PUT sends the file.
    pub url: String,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What lines are checked against.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The currency of each person there is.
    pub currencies: BTreeMap<PersonId, foundation::money::Currency>,
    /// All cycles of the calendar.
    pub cycles: Vec<LoadCycle>,
    /// For each cycle the condition that it is not settled.
    pub gates: BTreeMap<CycleId, Write>,
}

/// What is to be done next for a load.
#[derive(Clone, Debug)]
pub enum Next {
    /// Lines are to be checked and written.
    Lines(Vec<Result<Row, Refusal>>),
    /// Nothing now, but more later.
    More,
    /// Nothing any more.
    Nothing,
}

/// Orders that are there.
type KnownOrders = BTreeMap<OrderId, KnownOrder>;

/// When an order that is there was paid.
#[derive(Debug, Default)]
struct KnownOrder {
    paid_at: Option<Timestamp>,
    cycle: Option<CycleId>,
}

/// What writing a few lines came to.
#[derive(Debug, Default)]
struct Tally {
    new: Vec<Placed>,
    already: u64,
    refusals: Vec<Refusal>,
}

fn object(load: &LoadId, rest: &str) -> String {
    format!("orders/{load}/{rest}")
}

impl Loads {
    /// The loads in the table in `ORDERS_TABLE`, with their files in the bucket in `UPLOADS_BUCKET`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self {
            aws: aws.clone(),
            orders: Orders::new(aws, env),
            uploads: Bucket::from_env(aws, env, "UPLOADS_BUCKET"),
        }
    }

    /// Makes a load, once for each key, and a link to which its file can be sent.
    pub async fn create(
        &self,
        id: LoadId,
        by: &str,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Upload, OrdersError> {
        let load = Load {
            id,
            state: LoadState::Awaiting,
            by: by.to_owned(),
            created_at: now,
            finished_at: None,
            lines: 0,
            done: 0,
            loaded: 0,
            already: 0,
            refused: 0,
            cycles: BTreeSet::new(),
            recalculate: BTreeSet::new(),
            failure: None,
        };
        let table = &self.orders.table;
        let item = keys::load(&load.id).onto(to_item(&load)?);
        let writes = vec![
            claim.write(table, &load.id, now.as_second().saturating_add(CLAIM_SECONDS))?,
            Write::Put(table.clone(), item, Condition::Absent),
        ];
        let load = match self.aws.transact(writes).await {
            Ok(()) => load,
            Err(AwsError::Refused(found)) => {
                let standing = found.into_iter().next().flatten().ok_or(AwsError::ConditionFailed(None))?;
                let first: LoadId = claim.answer(&standing)?.ok_or(aws::idempotency::KeyReused)?;
                self.find(&first).await?
            }
            Err(error) => return Err(error.into()),
        };
        let url = self.uploads.link_to_put(&object(&load.id, "upload.csv"), UPLOAD_LIFETIME).await?;
        let expires_at = now.checked_add(UPLOAD_LIFETIME).unwrap_or(now);
        Ok(Upload { load, url, expires_at })
    }

    /// The load.
    pub async fn find(&self, id: &LoadId) -> Result<Load, OrdersError> {
        let found = self.orders.table.get(keys::load(id)).await?;
        Ok(from_item(found.ok_or(NotFound("load"))?)?)
    }

    /// Lets the load begin, if its file is there; says whether it still has to be put into the queue. Starting again changes nothing.
    pub async fn start(&self, id: &LoadId) -> Result<(Load, bool), OrdersError> {
        let load = self.find(id).await?;
        if !matches!(load.state, LoadState::Awaiting | LoadState::Queued) {
            return Ok((load, false));
        }
        let size = self.uploads.size(&object(id, "upload.csv")).await?.ok_or(OrderError::NoFile)?;
        if size > FILE_BYTES_MAX {
            return Err(OrderError::FileTooLarge { found: size }.into());
        }
        let update = Update::new().set("state", state(LoadState::Queued)?);
        let waiting = vec![state(LoadState::Awaiting)?, state(LoadState::Queued)?];
        match self.orders.table.update(keys::load(id), update, Condition::OneOf("state", waiting)).await {
            Ok(item) => Ok((from_item(item)?, true)),
            // It began in between.
            Err(AwsError::ConditionFailed(_)) => Ok((self.find(id).await?, false)),
            Err(error) => Err(error.into()),
        }
    }

    /// A link to the file that names each refused line; none before the load is done.
    pub async fn result(&self, load: &Load) -> Result<Option<String>, OrdersError> {
        if load.state != LoadState::Done {
            return Ok(None);
        }
        let key = object(&load.id, "result.csv");
        let name = format!("orders-load-{}.csv", load.id);
        Ok(Some(self.uploads.link_to_get(&key, &name, RESULT_LIFETIME).await?))
    }

    /// Does what needs nobody else, and gives the lines that do. Safe to repeat after any failure, and at the same time.
    pub async fn advance(&self, load: &Load, now: Timestamp) -> Result<Next, OrdersError> {
        match load.state {
            LoadState::Queued => self.prepare(load, now).await,
            LoadState::Loading if load.done < load.lines => {
                let lines_of_part = u64::try_from(PART_LINES).unwrap_or(u64::MAX);
                let part = self.part(&load.id, load.done / lines_of_part).await?;
                let done = usize::try_from(load.done % lines_of_part).unwrap_or(usize::MAX);
                Ok(Next::Lines(part.into_iter().skip(done).collect()))
            }
            LoadState::Loading => self.finish(load, now).await,
            LoadState::Awaiting | LoadState::Done | LoadState::Failed => Ok(Next::Nothing),
        }
    }

    /// Reads the file and puts it away in parts.
    async fn prepare(&self, load: &Load, now: Timestamp) -> Result<Next, OrdersError> {
        let file = self.uploads.get(&object(&load.id, "upload.csv")).await?.unwrap_or_default();
        let update = match cut(&file, PART_LINES) {
            Err(error) => Update::new()
                .set("state", state(LoadState::Failed)?)
                .set("failure", text(error.to_string()))
                .set("finished_at", text(now.to_string())),
            Ok(parts) => {
                for (part, bytes) in parts.files.into_iter().enumerate() {
                    let key = object(&load.id, &format!("parts/{part}.csv"));
                    self.uploads.put(&key, Bytes::from(bytes), "text/csv").await?;
                }
                Update::new().set("state", state(LoadState::Loading)?).set("lines", number(parts.lines))
            }
        };
        self.step(load, update, Condition::Equals("state", state(LoadState::Queued)?)).await
    }

    async fn part(&self, load: &LoadId, part: u64) -> Result<Vec<Result<Row, Refusal>>, OrdersError> {
        let bytes = self.uploads.get(&object(load, &format!("parts/{part}.csv"))).await?;
        Ok(read_part(&bytes.unwrap_or_default())?)
    }

    /// Puts all refused lines together into the file the caller fetches.
    async fn finish(&self, load: &Load, now: Timestamp) -> Result<Next, OrdersError> {
        let refused = Query::partition(keys::load(&load.id).pk).prefix(keys::REFUSED_LINES).consistent();
        let mut refusals: Vec<Refusal> = Vec::new();
        for item in self.orders.table.query_all(refused).await? {
            let RefusedLines { refused } = from_item(item)?;
            refusals.extend(refused);
        }
        let file = Bytes::from(result_file(&refusals)?);
        self.uploads.put(&object(&load.id, "result.csv"), file, "text/csv; charset=utf-8").await?;
        let update =
            Update::new().set("state", state(LoadState::Done)?).set("finished_at", text(now.to_string()));
        self.step(load, update, Condition::Equals("state", state(LoadState::Loading)?)).await
    }

    /// Notes that a piece of work is done, once. Whoever comes second goes on from where the record stands.
    async fn step(&self, load: &Load, update: Update, condition: Condition) -> Result<Next, OrdersError> {
        match self.orders.table.update(keys::load(&load.id), update, condition).await {
            Ok(item) => {
                let load: Load = from_item(item)?;
                Ok(if load.state == LoadState::Loading { Next::More } else { Next::Nothing })
            }
            Err(AwsError::ConditionFailed(_)) => Ok(Next::More),
            Err(error) => Err(error.into()),
        }
    }

    /// Checks and writes `lines`, which begin where the load stands. If somebody else goes on with the load, it stops.
    pub async fn write(
        &self,
        load: &Load,
        lines: Vec<Result<Row, Refusal>>,
        around: &Surroundings,
        correlation: &str,
        now: Timestamp,
    ) -> Result<(), OrdersError> {
        let mut known = self.known_orders(&lines).await?;
        let mut done = load.done;
        for group in lines.chunks(GROUP_LINES) {
            let mut tally = Tally::default();
            for line in group {
                let placed = match line {
                    Ok(row) => place(row, &around.currencies, &around.cycles),
                    Err(refusal) => Err(refusal.clone()),
                };
                tally.take(placed, &mut known);
            }
            let lines = u64::try_from(group.len()).unwrap_or_default();
            if !self.write_group(load, done, lines, tally, around, correlation, now).await? {
                return Ok(());
            }
            done += lines;
        }
        Ok(())
    }

    /// Those of the orders that `lines` take back that are there.
    async fn known_orders(&self, lines: &[Result<Row, Refusal>]) -> Result<KnownOrders, OrdersError> {
        let reversed: BTreeSet<&OrderId> = lines.iter().flatten().filter_map(Row::reverses).collect();
        if reversed.is_empty() {
            return Ok(KnownOrders::new());
        }
        let items = self.orders.table.get_many(reversed.into_iter().map(keys::order).collect()).await?;
        let known = |item| {
            let order: Order = from_item(item)?;
            let paid_at = order.paid.map(|paid| paid.paid_at);
            Ok((order.id, KnownOrder { paid_at, cycle: order.cycle }))
        };
        items.into_iter().map(known).collect()
    }

    /// Writes some lines in one transaction with the load's progress. False if somebody else did.
    async fn write_group(
        &self,
        load: &Load,
        done: u64,
        lines: u64,
        mut tally: Tally,
        around: &Surroundings,
        correlation: &str,
        now: Timestamp,
    ) -> Result<bool, OrdersError> {
        loop {
            let writes = self.group(load, done, lines, &tally, around, correlation, now)?;
            let keys: Vec<_> = writes.iter().map(key_of_write).collect();
            let refused = match self.aws.transact(writes).await {
                Ok(()) => return Ok(true),
                Err(AwsError::Refused(refused)) => refused,
                Err(error) => return Err(error.into()),
            };
            if refused.first().is_some_and(Option::is_some) {
                return Ok(false);
            }
            let before = tally.new.len();
            for (key, standing) in keys.into_iter().zip(refused) {
                if let (Some(key), Some(standing)) = (key, standing) {
                    tally.sort_out(&key, &standing, around);
                }
            }
            if tally.new.len() == before {
                return Err(AwsError::ConditionFailed(None).into());
            }
        }
    }

    fn group(
        &self,
        load: &Load,
        done: u64,
        lines: u64,
        tally: &Tally,
        around: &Surroundings,
        correlation: &str,
        now: Timestamp,
    ) -> Result<Vec<Write>, OrdersError> {
        let table = &self.orders.table;
        let cycles: BTreeSet<&CycleId> = tally.new.iter().map(|placed| &placed.cycle).collect();
        let mut writes = vec![self.progress(load, done, lines, tally, &cycles, around)?];
        if !tally.refusals.is_empty() {
            let item = to_item(&RefusedLines { refused: tally.refusals.clone() })?;
            let item = keys::refused_lines(&load.id, done).onto(item);
            writes.push(Write::Put(table.clone(), item, Condition::Always));
        }
        writes.extend(cycles.into_iter().filter_map(|cycle| around.gates.get(cycle)).cloned());
        let mut buyers = BTreeSet::new();
        for Placed { paid, cycle, reverses_cycle, .. } in &tally.new {
            let order = Order::loaded(load.id.clone(), paid.clone(), cycle.clone(), &load.by);
            writes.push(self.orders.put(&order, None)?);
            writes.push(self.orders.put_row(cycle, paid)?);
            if paid.kind == PaidKind::Sale && buyers.insert(&paid.person) {
                let item = first_item(&paid.person, &paid.id);
                writes.push(Write::Put(table.clone(), item, Condition::Always));
            }
            let fact = OrderPaid::of(paid, cycle.clone(), reverses_cycle.clone(), true);
            writes.push(outbox::write(table, &Envelope::of(fact, paid.paid_at, now, correlation))?);
        }
        Ok(writes)
    }

    fn progress(
        &self,
        load: &Load,
        done: u64,
        lines: u64,
        tally: &Tally,
        cycles: &BTreeSet<&CycleId>,
        around: &Surroundings,
    ) -> Result<Write, OrdersError> {
        let count = |count: usize| number(u64::try_from(count).unwrap_or_default());
        let mut update = Update::new()
            .set("done", number(done + lines))
            .add("loaded", count(tally.new.len()))
            .add("already", number(tally.already))
            .add("refused", count(tally.refusals.len()));
        let closed = around.cycles.iter().filter(|known| known.is_closed).map(|known| &known.cycle.id);
        let closed: Vec<&CycleId> = closed.filter(|id| cycles.contains(id)).collect();
        let names = |ids: &[&CycleId]| aws::Attribute::Ss(ids.iter().map(ToString::to_string).collect());
        if !cycles.is_empty() {
            update = update.add("cycles", names(&cycles.iter().copied().collect::<Vec<_>>()));
        }
        if !closed.is_empty() {
            update = update.add("recalculate", names(&closed));
        }
        let here = Condition::All(vec![
            Condition::Equals("state", state(LoadState::Loading)?),
            Condition::Equals("done", number(done)),
        ]);
        Ok(Write::Update(self.orders.table.clone(), keys::load(&load.id), update, here))
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct RefusedLines {
    refused: Vec<Refusal>,
}

impl Tally {
    /// Takes a line in: new, or refused for what stands on the lines before it.
    fn take(&mut self, placed: Result<Placed, Refusal>, known: &mut KnownOrders) {
        let mut placed = match placed {
            Ok(placed) => placed,
            Err(refusal) => return self.refusals.push(refusal),
        };
        let cycles: BTreeSet<&CycleId> = self.new.iter().map(|placed| &placed.cycle).collect();
        let unknown = placed.paid.reverses.as_ref().filter(|reversed| !known.contains_key(reversed));
        if let Some(reversed) = unknown {
            let reason =
                format!("reverses: there is no order {reversed}; a return stands after what it takes back");
            self.refusals.push(placed.refused("order.unknown-order", reason));
        } else if self.new.iter().any(|other| other.paid.id == placed.paid.id) {
            self.refusals.push(placed.refused("order.exists", "id: the same as a few lines before"));
        } else if cycles.len() >= GROUP_CYCLES_MAX && !cycles.contains(&placed.cycle) {
            let reason = "paid_at: neighbouring lines fall into too many cycles; sort the file by paid_at";
            self.refusals.push(placed.refused("order.unsorted", reason));
        } else {
            if let Some(sale) = placed.paid.reverses.as_ref().and_then(|reversed| known.get(reversed)) {
                placed.reverses_cycle.clone_from(&sale.cycle);
                placed.paid.sold_at = sale.paid_at;
            }
            let there = KnownOrder { paid_at: Some(placed.paid.paid_at), cycle: Some(placed.cycle.clone()) };
            known.insert(placed.paid.id.clone(), there);
            self.new.push(placed);
        }
    }

    /// Takes lines out again that were refused by what stands at `key`.
    fn sort_out(&mut self, key: &aws::Key, standing: &Item, around: &Surroundings) {
        let settled = around.gates.iter().find(|(_, gate)| key_of_write(gate).as_ref() == Some(key));
        let standing = from_item::<Order>(standing.clone()).ok();
        let lines = std::mem::take(&mut self.new);
        for placed in lines {
            let is_settled = settled.is_some_and(|(cycle, _)| *cycle == placed.cycle);
            // Orders loaded before it was kept do not say when what they take back was sold.
            let is_same = |paid: &Paid| Paid { sold_at: placed.paid.sold_at, ..paid.clone() } == placed.paid;
            let is_there =
                [keys::order(&placed.paid.id), keys::row(&placed.cycle, &placed.paid.id)].contains(key);
            if is_settled {
                let reason = format!("paid_at: cycle {} is settled", placed.cycle);
                self.refusals.push(placed.refused("order.cycle-settled", reason));
            } else if !is_there {
                self.new.push(placed);
            } else if standing.as_ref().and_then(|order| order.paid.as_ref()).is_some_and(is_same) {
                self.already += 1;
            } else {
                let reason = "id: there is another order with this id";
                self.refusals.push(placed.refused("order.exists", reason));
            }
        }
    }
}

fn key_of_write(write: &Write) -> Option<aws::Key> {
    match write {
        Write::Put(_, item, _) => key_of(item),
        Write::Update(_, key, ..) | Write::Delete(_, key, _) | Write::Check(_, key, _) => Some(key.clone()),
    }
}

fn state(state: LoadState) -> Result<aws::Attribute, AwsError> {
    Ok(to_attribute(&state)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second line of a file, a return, taken in and compared with the order that stands there.
    fn loaded_again(standing: impl FnOnce(Paid) -> Paid) -> Tally {
        let file = "id,person,paid_at,kind,vq,reverses\nO1,P1,2026-10-02T14:00:00Z,sale,5,\n\
                    R1,P1,2026-10-05T14:00:00Z,return,5,O1\n";
        let currencies = BTreeMap::from([("P1".parse().unwrap(), "USD".parse().unwrap())]);
        let cycle = foundation::cycle::Cycle {
            id: "2026-10".parse().unwrap(),
            start: "2026-10-01T05:00:00Z".parse().unwrap(),
            end: "2026-11-01T05:00:00Z".parse().unwrap(),
        };
        let cycles = [LoadCycle { cycle, is_closed: false, is_settled: false }];
        let parts = cut(file.as_bytes(), PART_LINES).unwrap().files;
        let (mut tally, mut known) = (Tally::default(), KnownOrders::new());
        for row in read_part(&parts[0]).unwrap() {
            tally.take(place(&row.unwrap(), &currencies, &cycles), &mut known);
        }
        let sold_at: Timestamp = "2026-10-02T14:00:00Z".parse().unwrap();
        let back = tally.new.remove(1);
        assert_eq!((back.paid.sold_at, tally.refusals.len()), (Some(sold_at), 0));
        let order =
            Order::loaded("L1".parse().unwrap(), standing(back.paid.clone()), back.cycle.clone(), "U1");
        tally.new = vec![back];
        tally.sort_out(&keys::order(&order.id), &to_item(&order).unwrap(), &Surroundings::default());
        tally
    }

    #[test]
    fn a_return_kept_before_it_said_when_its_sale_was_paid_is_the_same_in_its_file() {
        for kept in [|paid| paid, |paid| Paid { sold_at: None, ..paid }] {
            let tally = loaded_again(kept);
            assert_eq!((tally.already, tally.new.len(), tally.refusals.len()), (1, 0, 0));
        }
        let tally = loaded_again(|paid| Paid { vq: paid.vq + paid.vq, sold_at: None, ..paid });
        assert_eq!((tally.already, tally.new.len()), (0, 0));
        assert_eq!(tally.refusals[0].code, "order.exists");
    }
}
