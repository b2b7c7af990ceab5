//! The reports in the area's table, their files and their queue.

use std::time::Duration;

use aws::{
    Aws, AwsError, Bucket, Condition, Env, Queue, Table, Update, Write, from_item, idempotency::Claim,
    number, text, to_attribute, to_item,
};
use foundation::{
    digest::sha256_hex,
    id::ReportId,
    problem::{Fault, NotFound},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Report, ReportState, keys};

const DAY: i64 = 24 * 3600;
/// How long a report is kept, in seconds; the bucket's rule removes the file then too.
const KEPT_SECONDS: i64 = 30 * DAY;
/// How long a link to a file is good.
const LINK_LIFETIME: Duration = Duration::from_mins(15);

/// The reports.
#[derive(Clone, Debug)]
pub struct Reports {
    aws: Aws,
    table: Table,
    files: Bucket,
}

/// A message of the queue: make this report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Which.
    pub report: ReportId,
    /// The id that leads through the logs.
    pub correlation: String,
}

impl Reports {
    /// The reports of the table in `INSIGHT_TABLE` with files in the bucket in `REPORTS_BUCKET`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self {
            aws: aws.clone(),
            table: Table::from_env(aws, env, "INSIGHT_TABLE"),
            files: Bucket::from_env(aws, env, "REPORTS_BUCKET"),
        }
    }

    /// Writes a new report down and queues it. The same key with the same request gives the first report, which is queued again if
    /// nobody has begun with it: the first request may have ended between the two.
    pub async fn ask_once(
        &self,
        report: Report,
        claim: &Claim,
        queue: &Queue,
        correlation: &str,
    ) -> Result<Report, Fault> {
        let at = report.requested_at.as_second();
        let mut item = keys::report(&report.id).onto(to_item(&report).map_err(AwsError::from)?);
        item.insert("expires".to_owned(), number(Decimal::from(at + KEPT_SECONDS)));
        let writes = vec![
            claim.write(&self.table, &report.id, at + DAY)?,
            Write::Put(self.table.clone(), item, Condition::Absent),
        ];
        let report = match self.aws.transact(writes).await {
            Ok(()) => report,
            Err(AwsError::Refused(reasons)) => {
                let standing = reasons.into_iter().next().flatten().ok_or(NotFound("report"))?;
                let first = claim.answer::<ReportId>(&standing)?.ok_or(NotFound("report"))?;
                self.find(&first).await?
            }
            Err(error) => return Err(error.into()),
        };
        if report.state == ReportState::Queued {
            let work = Work { report: report.id.clone(), correlation: correlation.to_owned() };
            let body = serde_json::to_string(&work).map_err(super::ReportError::file)?;
            queue.send(body).await?;
        }
        Ok(report)
    }

    /// The report.
    pub async fn find(&self, id: &ReportId) -> Result<Report, Fault> {
        let item = self.table.get(keys::report(id)).await?.ok_or(NotFound("report"))?;
        Ok(from_item(item).map_err(AwsError::from)?)
    }

    /// A short-lived link to the file of a report that is ready.
    pub async fn link(&self, report: &Report) -> Result<Option<String>, AwsError> {
        if report.state != ReportState::Ready {
            return Ok(None);
        }
        let (key, name) = (keys::object(report), report.file_name());
        self.files.link_to_get(&key, &name, LINK_LIFETIME).await.map(Some)
    }

    /// Says how many orders were looked at.
    pub async fn progressed(&self, id: &ReportId, orders_read: u64) -> Result<(), AwsError> {
        let update = Update::new()
            .set("state", to_attribute(&ReportState::Making)?)
            .set("orders_read", number(Decimal::from(orders_read)));
        self.unless_done(id, update).await
    }

    /// Writes the file, then says that it is there. Done twice it is the same file.
    pub async fn finish(&self, report: &Report, rows: u64, file: Vec<u8>) -> Result<(), AwsError> {
        let size = u64::try_from(file.len()).unwrap_or_default();
        let hash = sha256_hex(&file);
        self.files.put(&keys::object(report), file.into(), report.request.format.media_type()).await?;
        let update = Update::new()
            .set("state", to_attribute(&ReportState::Ready)?)
            .set("rows", number(Decimal::from(rows)))
            .set("bytes", number(Decimal::from(size)))
            .set("sha256", text(hash));
        self.unless_done(&report.id, update).await
    }

    /// Says that the report cannot be made, and why.
    pub async fn fail(&self, id: &ReportId, reason: &str) -> Result<(), AwsError> {
        let update =
            Update::new().set("state", to_attribute(&ReportState::Failed)?).set("reason", text(reason));
        self.unless_done(id, update).await
    }

    /// A report that has its end keeps it: a second delivery of its message changes nothing.
    async fn unless_done(&self, id: &ReportId, update: Update) -> Result<(), AwsError> {
        let open = vec![to_attribute(&ReportState::Queued)?, to_attribute(&ReportState::Making)?];
        match self.table.update(keys::report(id), update, Condition::OneOf("state", open)).await {
            Err(error) if error.is_condition() => Ok(()),
            other => other.map(drop),
        }
    }
}
