//! The only I/O on the commissions table and the runs bucket.

mod files;
mod plans;
mod processes;
mod runs;
mod settlements;
mod simulations;

use aws::{Aws, AwsError, Bucket, Env, Query, Table, Write, from_item, idempotency::Claim};
use foundation::problem::Fault;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::keys;

pub(crate) use files::Inputs;
pub use files::{Made, Work};
pub(crate) use plans::{checked, stored};
pub use runs::{RunFilter, RunPage, Started};
pub use settlements::{SettlementPage, Shown};
pub use simulations::SimulationPage;

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

    /// What a partition of the index by time holds, newest first, and what the next page is asked with.
    async fn newest<T: DeserializeOwned>(
        &self,
        partition: &str,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<(Vec<T>, Option<String>), Fault> {
        let query = Query::partition(partition).index(keys::RUN_INDEX).descending().limit(limit);
        let page = self.table.query(query.from_cursor(cursor)?).await?;
        let next = page.cursor();
        let found: Vec<T> =
            page.items.into_iter().map(from_item).collect::<Result<_, _>>().map_err(AwsError::from)?;
        Ok((found, next))
    }

    /// The answer to an earlier request with this key, if there was one.
    async fn answered<T: DeserializeOwned>(&self, claim: &Claim) -> Result<Option<T>, Fault> {
        match self.table.get(claim.key()).await? {
            Some(standing) => Ok(claim.answer(&standing)?),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws::{Key, from_item, text, to_item};

    use crate::{
        process::{Category, Configuration, Process},
        run::{Run, Start, Trigger},
        settlement::{BonusAmount, Settlement},
        step::Step,
    };

    fn process() -> Process {
        let configuration = Configuration {
            name: foundation::locale::Text { es: "Mensual".into(), en: "Monthly".into() },
            category: Category::Monthly,
            calendar: "commercial".into(),
            plan: "monthly".parse().unwrap(),
            steps: vec![Step::VerifyNetwork],
            scheduled: true,
            approvers: vec![],
            mail: vec![],
            version: 3,
        };
        Process { id: "monthly".parse().unwrap(), configuration }
    }

    fn stored<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
        let mut item = Key::new("a", "b").onto(to_item(value).unwrap());
        item.insert("runpk".into(), text("RUNS"));
        from_item(item).unwrap()
    }

    #[test]
    fn what_is_stored_comes_back_and_its_keys_are_passed_over() {
        assert_eq!(stored(&process()), process());
        let start = Start {
            id: "R1".parse().unwrap(),
            cycle: "2026-10".parse().unwrap(),
            trigger: Trigger::Api,
            by: "ana".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
            correlation: "c-12345678".into(),
        };
        let mut run = Run::start(&process(), start);
        run.advance(1, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(stored(&run), run);
        let settlement = Settlement {
            person: "P1".parse().unwrap(),
            run: "R1".parse().unwrap(),
            attempt: 1,
            process: "monthly".parse().unwrap(),
            cycle: "2026-10".parse().unwrap(),
            active: true,
            earned_rank: String::new(),
            paid_rank: "SILVER".into(),
            honorific_rank: String::new(),
            currency: "COP".parse().unwrap(),
            total: "-6.02".parse().unwrap(),
            bonuses: vec![BonusAmount { bonus: String::new(), amount: "-6.02".parse().unwrap(), lines: 1 }],
            indicators: BTreeMap::from([("GVC".into(), "12345678901234567890.1234".parse().unwrap())]),
            lines: 1,
            pages: 1,
        };
        assert_eq!(stored(&settlement), settlement);
    }

    #[test]
    fn a_process_is_shown_flat_and_reads_back_what_it_shows() {
        let shown = serde_json::to_value(process()).unwrap();
        assert_eq!(shown["steps"][0], "verify-network");
        assert_eq!(shown["version"], 3);
        let mut body = shown;
        body.as_object_mut().unwrap().remove("id");
        assert_eq!(serde_json::from_value::<Configuration>(body.clone()).unwrap(), process().configuration);
        body["stepz"] = serde_json::json!([]);
        assert!(serde_json::from_value::<Configuration>(body).is_err(), "an unknown member is a mistake");
    }
}
