//! Live indicators in the area's table.

use std::{collections::BTreeMap, sync::Arc};

use aws::{Attribute, Aws, AwsError, Condition, Env, Item, Table, Update, Write, decimal, number};
use foundation::{
    id::{CycleId, PersonId},
    problem::{Kind, Problem},
};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{
    Delta, Indicators, Movement,
    batch::{Batch, Change, Marker, Target, Transaction},
    keys,
};

/// How long markers are kept, in seconds: longer than a message lives in its queue and in the dead-letter queue.
const MARKER_SECONDS: i64 = 60 * 24 * 3600;

/// The live indicators.
#[derive(Clone, Debug)]
pub struct Live {
    aws: Aws,
    table: Table,
}

/// A fact that was not applied and must come again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("fact {fact} was not applied")]
pub struct NotApplied {
    /// The fact.
    pub fact: String,
    #[source]
    cause: Arc<AwsError>,
}

impl NotApplied {
    /// The fact was not applied because of `cause`.
    pub fn because(fact: String, cause: &Arc<AwsError>) -> Self {
        Self { fact, cause: Arc::clone(cause) }
    }
}

impl Problem for NotApplied {
    fn kind(&self) -> Kind {
        self.cause.kind()
    }
    fn code(&self) -> &'static str {
        "live.not-applied"
    }
}

impl Live {
    /// The live indicators of the table in `INSIGHT_TABLE`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self { aws: aws.clone(), table: Table::from_env(aws, env, "INSIGHT_TABLE") }
    }

    /// The indicators of `person` in `cycle`. One round trip.
    pub async fn of(&self, cycle: &CycleId, person: &PersonId) -> Result<Indicators, AwsError> {
        let target = Target { cycle: cycle.clone(), person: person.clone() };
        let found = self.table.get(keys::indicators(&target)).await?;
        Ok(found.map(|item| indicators(&item)).unwrap_or_default())
    }

    /// Applies `movements`, each once whatever was applied before. Gives those that must come again, by fact.
    pub async fn apply(&self, movements: &[Movement], now: Timestamp) -> BTreeMap<String, NotApplied> {
        let mut batch = Batch::of(movements);
        let mut cause = None;
        while let Some(transaction) = batch.next_transaction() {
            match self.aws.transact(self.writes(&transaction, now)).await {
                Ok(()) => batch.applied(),
                Err(AwsError::Refused(refused)) => {
                    // Only markers have a condition; they come first.
                    let standing = transaction.markers.into_iter().zip(&refused);
                    let standing: Vec<Marker> =
                        standing.filter(|(_, found)| found.is_some()).map(|(marker, _)| marker).collect();
                    if standing.is_empty() {
                        cause = Some(Arc::new(AwsError::Refused(refused)));
                    }
                    batch.refused(&standing);
                }
                Err(error) => {
                    cause = Some(Arc::new(error));
                    batch.failed();
                }
            }
        }
        let Some(cause) = cause else { return BTreeMap::new() };
        let unapplied = batch.into_unapplied().into_iter();
        unapplied.map(|fact| (fact.clone(), NotApplied::because(fact, &cause))).collect()
    }

    fn writes(&self, transaction: &Transaction, now: Timestamp) -> Vec<Write> {
        let expires = now.as_second().saturating_add(MARKER_SECONDS);
        let markers = transaction.markers.iter().map(|marker| {
            let item = Item::from([("expires".to_owned(), Attribute::N(expires.to_string()))]);
            Write::Put(self.table.clone(), keys::marker(marker).onto(item), Condition::Absent)
        });
        let changes = transaction.changes.iter().map(|(target, change)| {
            Write::Update(self.table.clone(), keys::indicators(target), update(change), Condition::Always)
        });
        markers.chain(changes).collect()
    }
}

const NAMES: [[&str; 4]; 2] = [
    ["own_vq", "own_vc", "own_orders", "own_returns"],
    ["team_vq", "team_vc", "team_orders", "team_returns"],
];

fn update(change: &Change) -> Update {
    let mut update = Update::new();
    for (names, delta) in NAMES.into_iter().zip([change.own, change.team]) {
        let Delta { vq, vc, orders, returns } = delta;
        for (name, value) in names.into_iter().zip([vq, vc, orders.into(), returns.into()]) {
            if value != Decimal::ZERO {
                update = update.add(name, number(value));
            }
        }
    }
    // An update without a clause is none at all; a fact without volumes still leaves its person on record.
    update.add("facts", number(Decimal::ONE))
}

fn indicators(item: &Item) -> Indicators {
    let value = |name: &str| decimal(item, name).normalize();
    let [[own_vq, own_vc, own_orders, own_returns], [team_vq, team_vc, team_orders, team_returns]] =
        NAMES.map(|names| names.map(value));
    Indicators { own_vq, own_vc, own_orders, own_returns, team_vq, team_vc, team_orders, team_returns }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_what_is_read() {
        let item = Item::from([
            ("own_vq".to_owned(), Attribute::N("12.5".to_owned())),
            ("team_orders".to_owned(), Attribute::N("3".to_owned())),
            ("team_vc".to_owned(), Attribute::N("-1E+2".to_owned())),
        ]);
        let read = indicators(&item);
        assert_eq!(
            (read.own_vq.to_string(), read.team_orders, read.team_vc.normalize().to_string()),
            ("12.5".to_owned(), Decimal::from(3), "-100".to_owned())
        );
        assert_eq!(read.own_returns, Decimal::ZERO);
    }
}
