//! The payouts' table and bucket: the only place that reads and writes them.

mod files;

use std::time::Duration;

use aws::{
    Attribute, Aws, AwsError, Bucket, Condition, Env, Item, Query, Table, Write, idempotency::Claim, number,
    text,
};
use bytes::Bytes;
use foundation::{
    digest::sha256_hex,
    fact::{Envelope, Fact},
    id::RunId,
    problem::{Fault, Kind, NotFound, Problem},
};
use jiff::Timestamp;
use ledger::store::{Ledger, LedgerError};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    batch::{EarningBatch, Owed},
    file::TreasuryFile,
    keys,
    payable::{Payable, PayableId},
    summary::{PARTS, PayoutSummary, Tally},
};

/// How long a link to a file works.
const LINK_LIFETIME: Duration = Duration::from_mins(5);
/// How long an idempotency key is remembered, in seconds: a week.
const CLAIM_SECONDS: i64 = 7 * 24 * 3600;
/// How often a decision is made anew when others change what it was made from.
const ATTEMPTS: u32 = 5;
const CSV: &str = "text/csv; charset=utf-8";

/// Payables and payment files.
#[derive(Clone, Debug)]
pub struct Payouts {
    aws: Aws,
    table: Table,
    bucket: Bucket,
}

/// All payables of a run are paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentsMade {
    /// The run.
    pub run: RunId,
}

impl Fact for PaymentsMade {
    const TYPE: &'static str = "PaymentsMade";
    const SOURCE: &'static str = "ceiba.payouts";
    fn id(&self) -> String {
        format!("payments-made-{}", self.run)
    }
}

/// What somebody does with a payable.
#[derive(Clone, Copy, Debug)]
pub enum Turn<'a> {
    /// Holds it back, for a reason.
    Hold(&'a str),
    /// Lets it be paid again.
    Release,
}

/// Who changes something, and when.
#[derive(Clone, Copy, Debug)]
pub struct Actor<'a> {
    /// A token's subject.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
}

/// Why payouts refuse something.
#[derive(Debug, thiserror::Error)]
pub enum PayoutError {
    /// The run made this batch before, out of other earnings.
    #[error("batch {0} was made of other earnings")]
    EarningsChanged(String),
    /// A payable of the batch exists without it.
    #[error("a payable of batch {0} exists already")]
    PayableExists(String),
    /// Others changed the same thing at each attempt.
    #[error("others are changing the same thing; try again")]
    Contended,
    /// A file could not be written.
    #[error("a file could not be written")]
    Unwritable(#[from] csv::Error),
}

impl Problem for PayoutError {
    fn kind(&self) -> Kind {
        match self {
            Self::EarningsChanged(_) | Self::PayableExists(_) | Self::Unwritable(_) => Kind::Internal,
            Self::Contended => Kind::Unavailable,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::EarningsChanged(_) => "payouts.earnings-changed",
            Self::PayableExists(_) => "payouts.payable-exists",
            Self::Contended => "payouts.contended",
            Self::Unwritable(_) => "payouts.unwritable",
        }
    }
}

/// A page of a run's payables.
#[derive(Clone, Debug, Serialize)]
pub struct PayablePage {
    /// In the order of the people's ids as text.
    pub items: Vec<Payable>,
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Payouts {
    /// The table named by `PAYOUTS_TABLE` and the bucket named by `PAYMENTS_BUCKET`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self {
            aws: aws.clone(),
            table: Table::from_env(aws, env, "PAYOUTS_TABLE"),
            bucket: Bucket::from_env(aws, env, "PAYMENTS_BUCKET"),
        }
    }

    /// Makes the payables of `batch` and posts what was earned, once. Repeated with the same earnings it gives what was made the first
    /// time, whatever has happened to the accounts since.
    pub async fn owe(&self, ledger: &Ledger, batch: &EarningBatch, now: Timestamp) -> Result<Owed, Fault> {
        for _ in 0..ATTEMPTS {
            let carried = ledger.balances(&batch.carried_accounts()).await?;
            let settled = batch.settle(&carried, now)?;
            let mut writes = ledger.writes_if(&settled.transfer, &settled.expected);
            let marker_at = writes.len();
            writes.push(self.marker(batch, &settled.owed)?);
            let mut tally = Tally::default();
            for payable in &settled.payables {
                tally.made(payable);
                writes.push(Write::Put(self.table.clone(), payable_item(payable)?, Condition::Absent));
            }
            writes.extend(self.count(&batch.run, batch.number, tally));
            let Err(error) = self.aws.transact(writes).await else { return Ok(settled.owed) };
            if let Some(standing) = refused_at(&error, marker_at) {
                return made_before(batch, standing);
            }
            match Ledger::refusal(&settled.transfer, error) {
                // Another run carried something for one of these people at the same moment.
                Err(Some(LedgerError::Moved(_))) => {}
                Err(Some(refusal)) => return Err(refusal.into()),
                Ok(_) | Err(None) => {
                    return Err(PayoutError::PayableExists(settled.transfer.key().to_owned()).into());
                }
            }
        }
        Err(PayoutError::Contended.into())
    }

    fn marker(&self, batch: &EarningBatch, owed: &Owed) -> Result<Write, AwsError> {
        let mut item = keys::earning_batch(batch).onto(aws::to_item(owed)?);
        item.insert("content".to_owned(), text(batch.content()));
        Ok(Write::Put(self.table.clone(), item, Condition::Absent))
    }

    fn count(&self, run: &RunId, part: usize, tally: Tally) -> Option<Write> {
        let key = keys::summary(run, part % PARTS);
        tally.update().map(|change| Write::Update(self.table.clone(), key, change, Condition::Always))
    }

    /// How many payables `run` has in each state, and how much they come to.
    pub async fn summary(&self, run: &RunId) -> Result<PayoutSummary, AwsError> {
        let query = Query::partition(keys::run(run)).prefix(keys::SUMMARY).consistent();
        Ok(PayoutSummary::of_parts(&self.table.query_all(query).await?))
    }

    /// A page of a run's payables.
    pub async fn of_run(&self, run: &RunId, limit: u16, cursor: Option<&str>) -> Result<PayablePage, Fault> {
        let query = payables_of(run).limit(limit).from_cursor(cursor)?;
        let page = self.table.query(query).await?;
        let next = page.cursor();
        let items = page.items.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(PayablePage { items, next })
    }

    /// Holds or releases a payable, once for the claimed key.
    pub async fn turn_once(
        &self,
        id: &PayableId,
        turn: Turn<'_>,
        actor: Actor<'_>,
        claim: &Claim,
    ) -> Result<Payable, Fault> {
        for _ in 0..ATTEMPTS {
            let found = self.table.get_many(vec![keys::payable(id), claim.key()]).await?;
            let (claimed, payable): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|item| is_at(item, &claim.key().pk));
            if let Some(standing) = claimed.first() {
                return answered(claim, standing);
            }
            let before: Payable = read(payable.into_iter().next().ok_or(NotFound("payable"))?)?;
            let after = match turn {
                Turn::Hold(reason) => before.hold(reason, actor.by, actor.at)?,
                Turn::Release => before.release(actor.by, actor.at)?,
            };
            let mut tally = Tally::default();
            tally.turned(&before, &after);
            let expires = actor.at.as_second().saturating_add(CLAIM_SECONDS);
            let mut writes = vec![claim.write(&self.table, &after, expires)?, self.replace(&before, &after)?];
            writes.extend(self.count(&id.run, 0, tally));
            match self.aws.transact(writes).await {
                Ok(()) => return Ok(after),
                Err(AwsError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(PayoutError::Contended.into())
    }

    fn replace(&self, before: &Payable, after: &Payable) -> Result<Write, AwsError> {
        let unchanged = Condition::Equals("version", number(Decimal::from(before.version)));
        Ok(Write::Put(self.table.clone(), payable_item(after)?, unchanged))
    }

    /// Writes the treasury file of what is due of `run` now, named by its content; gives its key.
    pub async fn write_treasury_file(&self, run: &RunId) -> Result<String, Fault> {
        let mut file = TreasuryFile::new().map_err(PayoutError::Unwritable)?;
        let mut cursor = None;
        loop {
            let page = self.table.query(payables_of(run).after(cursor)).await?;
            for item in page.items {
                file.add(&read(item)?).map_err(PayoutError::Unwritable)?;
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let csv = file.finish().map_err(PayoutError::Unwritable)?;
        let key = keys::treasury_object(run, &sha256_hex(&csv));
        self.bucket.put_once(&key, Bytes::from(csv), CSV).await?;
        Ok(key)
    }

    /// A short-lived link to the treasury file of what is due of `run` now, and until when it works.
    /// A run that owes nothing has none.
    pub async fn treasury_link(&self, run: &RunId, now: Timestamp) -> Result<Link, Fault> {
        if self.summary(run).await?.payables == 0 {
            return Err(NotFound("treasury file").into());
        }
        let key = self.write_treasury_file(run).await?;
        let url = self.bucket.link_to_get(&key, &format!("treasury-{run}.csv"), LINK_LIFETIME).await?;
        Ok(Link::until(url, now, LINK_LIFETIME))
    }

    /// Tells that all of a run is paid, if it is. The same fact again changes nothing.
    pub async fn tell_if_paid(&self, run: RunId, correlation: &str, now: Timestamp) -> Result<bool, Fault> {
        if !self.summary(&run).await?.is_complete() {
            return Ok(false);
        }
        let fact = Envelope::of(PaymentsMade { run }, now, now, correlation);
        self.aws.transact(vec![aws::outbox::write(&self.table, &fact)?]).await?;
        Ok(true)
    }
}

/// A short-lived link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The address.
    pub url: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl Link {
    fn until(url: String, now: Timestamp, lifetime: Duration) -> Self {
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or_default();
        let expires_at = Timestamp::from_second(now.as_second().saturating_add(seconds)).unwrap_or(now);
        Self { url, expires_at }
    }
}

fn payables_of(run: &RunId) -> Query {
    Query::partition(keys::run(run)).prefix(keys::PAYABLE).consistent()
}

fn payable_item(payable: &Payable) -> Result<Item, AwsError> {
    Ok(keys::payable(&payable.id).onto(aws::to_item(payable)?))
}

fn read<T: DeserializeOwned>(item: Item) -> Result<T, AwsError> {
    Ok(aws::from_item(item)?)
}

fn is_at(item: &Item, pk: &str) -> bool {
    item.get("pk").and_then(|value| value.as_s().ok()).is_some_and(|found| found == pk)
}

/// The first answer to a request that was made before.
fn answered<T: DeserializeOwned>(claim: &Claim, standing: &Item) -> Result<T, Fault> {
    claim.answer(standing)?.ok_or_else(|| PayoutError::Contended.into())
}

/// The item that stood in the way of a transaction's write at `position`.
fn refused_at(error: &AwsError, position: usize) -> Option<&Item> {
    let AwsError::Refused(reasons) = error else { return None };
    reasons.get(position)?.as_deref()
}

fn made_before(batch: &EarningBatch, standing: &Item) -> Result<Owed, Fault> {
    if standing.get("content").and_then(|value: &Attribute| value.as_s().ok()) == Some(&batch.content()) {
        return Ok(read(standing.clone())?);
    }
    let key = keys::earning_batch(batch);
    Err(PayoutError::EarningsChanged(format!("{} {}", key.pk, key.sk)).into())
}

#[cfg(test)]
mod tests {
    use foundation::money::Money;

    use super::*;
    use crate::batch::{Earning, earned};

    fn batch(amount: &str) -> EarningBatch {
        let earning = Earning {
            person: "P1".parse().unwrap(),
            name: "Ana".into(),
            document: "CC 1".into(),
            amount: Money::exactly(amount.parse().unwrap(), "COP".parse().unwrap()).unwrap(),
        };
        earned(&"r".parse().unwrap(), &"2026-10".parse().unwrap(), vec![earning]).unwrap().remove(0)
    }

    #[test]
    fn a_batch_that_was_made_before_gives_what_was_made_then() {
        let owed = Owed { payables: 1, owed: 7.into(), carried: 3.into() };
        let mut standing = aws::to_item(&owed).unwrap();
        standing.insert("content".into(), text(batch("10").content()));
        assert_eq!(made_before(&batch("10.00"), &standing).unwrap(), owed);
        let error = made_before(&batch("11"), &standing).unwrap_err();
        assert_eq!(error.code(), "payouts.earnings-changed");
    }
}
