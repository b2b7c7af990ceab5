//! The only I/O on the commissions table and the runs bucket.

mod files;
mod plans;
mod processes;
mod runs;
mod settlements;

use aws::{Aws, AwsError, Bucket, Env, Table, Write, idempotency::Claim};
use foundation::problem::Fault;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

pub use files::{Made, Work};
pub(crate) use plans::{checked, stored};
pub use runs::{RunFilter, RunPage, Started};
pub use settlements::{SettlementPage, Shown};

/// How long a repetition of a request is known, in seconds: a day.
const CLAIM_SECONDS: i64 = 24 * 3600;

/// Processes, plans, runs, settlements and the files of runs.
#[derive(Clone, Debug)]
pub struct Commissions {
    aws: Aws,
    table: Table,
    bucket: Bucket,
}

/// What became of a write that claims an idempotency key.
enum Claimed<T> {
    /// It was done.
    Done,
    /// The same request was done before; its answer.
    Before(T),
}

impl Commissions {
    /// Reads `COMMISSIONS_TABLE` and `RUNS_BUCKET`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self {
            aws: aws.clone(),
            table: Table::from_env(aws, env, "COMMISSIONS_TABLE"),
            bucket: Bucket::from_env(aws, env, "RUNS_BUCKET"),
        }
    }

    /// Does `writes` and claims the key in one transaction. A refused write of another position comes back as an error.
    async fn transact_once<T: Serialize + DeserializeOwned>(
        &self,
        mut writes: Vec<Write>,
        claim: &Claim,
        answer: &T,
        now: Timestamp,
    ) -> Result<Claimed<T>, Fault> {
        let position = writes.len();
        writes.push(claim.write(&self.table, answer, now.as_second().saturating_add(CLAIM_SECONDS))?);
        match self.aws.transact(writes).await {
            Ok(()) => Ok(Claimed::Done),
            Err(AwsError::Refused(refused)) => match refused.get(position).and_then(Option::as_ref) {
                Some(standing) => match claim.answer(standing)? {
                    Some(before) => Ok(Claimed::Before(before)),
                    None => Err(AwsError::Refused(refused).into()),
                },
                None => Err(AwsError::Refused(refused).into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The answer to an earlier request with this key, if there was one.
    async fn answered<T: DeserializeOwned>(&self, claim: &Claim) -> Result<Option<T>, Fault> {
        match self.table.get(claim.key()).await? {
            Some(standing) => Ok(claim.answer(&standing)?),
            None => Ok(None),
        }
    }
}
