//! The payouts' table and bucket: the only place that reads and writes them.

use std::{collections::BTreeMap, time::Duration};

use aws::{
    Attribute, Aws, AwsError, Bucket, Condition, Env, Item, Page, Query, Table, Update, Write, number, text,
};
use bytes::Bytes;
use foundation::{
    digest::sha256_hex,
    fact::{Envelope, Fact},
    id::RunId,
    problem::{Fault, Kind, NotFound, Problem},
};
use jiff::Timestamp;
use ledger::store::{Ledger, Posted};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    batch::{EarningBatch, PaymentBatch, paid},
    file::{
        FILE_BYTES_MAX, Mistake, Mistakes, PaymentLine, check_payments, paid_note, read_payments,
        treasury_csv,
    },
    keys,
    payable::{Payable, PayableId, PayableState},
};

/// How long a link to a file works.
const LINK_LIFETIME: Duration = Duration::from_mins(5);
/// How long an upload link works.
const UPLOAD_LIFETIME: Duration = Duration::from_mins(15);

/// Payables and payment files.
#[derive(Clone, Debug)]
pub struct Payouts {
    aws: Aws,
    table: Table,
    bucket: Bucket,
    ledger: Ledger,
}

/// How many payables a run made and how many of them are paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PayoutSummary {
    /// Made.
    pub payables: u64,
    /// Paid.
    pub paid: u64,
}

impl PayoutSummary {
    /// Whether everything that was made is paid.
    pub fn is_complete(self) -> bool {
        self.payables == self.paid
    }
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

/// Where a payment file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// It has a link to be uploaded to.
    Expected,
    /// It is being read.
    Started,
    /// It has mistakes; nothing of it was applied.
    Refused,
    /// All of it was applied.
    Applied,
}

/// A payment file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentFile {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: FileState,
    /// Who made it.
    pub by: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Lines it has, once it was read.
    #[serde(default)]
    pub lines: u64,
    /// Lines that say paid.
    #[serde(default)]
    pub paid: u64,
    /// The first mistakes; all of them stand in the file behind the link.
    #[serde(default)]
    pub mistakes: Vec<Mistake>,
}

/// Mistakes shown with a payment file.
const MISTAKES_SHOWN: usize = 20;

/// Why a payable or a file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PayoutError {
    /// The payable is in another state.
    #[error("the payable is {found}; expected {expected}")]
    WrongState {
        /// Its state.
        found: String,
        /// The state it would have to be in.
        expected: &'static str,
    },
    /// Nothing was uploaded.
    #[error("nothing was uploaded to the file's link")]
    NotUploaded,
    /// The uploaded file is too large.
    #[error("a payment file has at most {FILE_BYTES_MAX} bytes; found {0}")]
    TooLarge(u64),
    /// A file could not be written.
    #[error("a file could not be written")]
    Unwritable(#[source] csv::Error),
}

impl Problem for PayoutError {
    fn kind(&self) -> Kind {
        match self {
            Self::WrongState { .. } => Kind::Conflict,
            Self::NotUploaded => Kind::Rejected,
            Self::TooLarge(_) => Kind::TooLarge,
            Self::Unwritable(_) => Kind::Internal,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::WrongState { .. } => "payable.wrong-state",
            Self::NotUploaded => "payment-file.not-uploaded",
            Self::TooLarge(_) => "payment-file.too-large",
            Self::Unwritable(_) => "payouts.unwritable",
        }
    }
}

impl Payouts {
    /// The table named by `PAYOUTS_TABLE` and the bucket named by `PAYMENTS_BUCKET`, over the ledger.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self {
            aws: aws.clone(),
            table: Table::from_env(aws, env, "PAYOUTS_TABLE"),
            bucket: Bucket::from_env(aws, env, "PAYMENTS_BUCKET"),
            ledger: Ledger::new(aws, env),
        }
    }

    /// Makes the payables of `batch` and posts what was earned, once. Safe to repeat.
    pub async fn owe(&self, run: &RunId, batch: &EarningBatch) -> Result<Posted, Fault> {
        let mut writes = self.ledger.writes(&batch.transfer);
        for payable in &batch.payables {
            let mut item = keys::payable(&payable.id).onto(aws::to_item(payable).map_err(AwsError::from)?);
            item.insert("runpk".to_owned(), text(keys::run(run)));
            item.insert("runsk".to_owned(), text(payable.id.to_string()));
            writes.push(Write::Put(self.table.clone(), item, Condition::Absent));
        }
        let made = number(Decimal::from(batch.payables.len()));
        let count = Update::new().add("payables", made).add("paid", number(Decimal::ZERO));
        writes.push(Write::Update(self.table.clone(), keys::summary(run), count, Condition::Always));
        self.transact(&batch.transfer, writes).await
    }

    async fn transact(
        &self,
        transfer: &ledger::transfer::Transfer,
        writes: Vec<Write>,
    ) -> Result<Posted, Fault> {
        match self.aws.transact(writes).await {
            Ok(()) => Ok(Posted::Now),
            Err(error) => match Ledger::refusal(transfer, error) {
                Ok(posted) => Ok(posted),
                Err(Some(refusal)) => Err(refusal.into()),
                Err(None) => {
                    Err(PayoutError::WrongState { found: "changed".to_owned(), expected: "unchanged" }.into())
                }
            },
        }
    }

    /// How many payables `run` made and how many are paid.
    pub async fn summary(&self, run: &RunId) -> Result<PayoutSummary, AwsError> {
        let item = self.table.get(keys::summary(run)).await?.unwrap_or_default();
        Ok(summary_of(&item))
    }

    /// A page of a run's payables, in the order of their ids.
    pub async fn of_run(
        &self,
        run: &RunId,
        limit: u16,
        cursor: Option<Item>,
    ) -> Result<(Vec<Payable>, Option<Item>), Fault> {
        let query = Query::partition(keys::run(run)).index("run").limit(limit).after(cursor);
        let Page { items, next } = self.table.query(query).await?;
        let payables =
            items.into_iter().map(aws::from_item).collect::<Result<_, _>>().map_err(AwsError::from)?;
        Ok((payables, next))
    }

    async fn all_of_run(&self, run: &RunId) -> Result<Vec<Payable>, Fault> {
        let items = self.table.query_all(Query::partition(keys::run(run)).index("run")).await?;
        Ok(items.into_iter().map(aws::from_item).collect::<Result<_, _>>().map_err(AwsError::from)?)
    }

    /// Holds a payable that is due back.
    pub async fn hold(&self, id: &PayableId, reason: &str, now: Timestamp) -> Result<Payable, Fault> {
        let due = Condition::OneOf("state", vec![state(PayableState::Pending), state(PayableState::Failed)]);
        self.turn(id, PayableState::Held, Some(reason), due, "pending or failed", now).await
    }

    /// Lets a held payable be paid again.
    pub async fn release(&self, id: &PayableId, now: Timestamp) -> Result<Payable, Fault> {
        let held = Condition::Equals("state", state(PayableState::Held));
        self.turn(id, PayableState::Pending, None, held, "held", now).await
    }

    async fn turn(
        &self,
        id: &PayableId,
        to: PayableState,
        note: Option<&str>,
        condition: Condition,
        expected: &'static str,
        now: Timestamp,
    ) -> Result<Payable, Fault> {
        let change = Update::new().set("state", state(to)).set("since", text(now.to_string()));
        let change = match note {
            Some(note) => change.set("note", text(note)),
            None => change.remove("note"),
        };
        match self
            .table
            .update(keys::payable(id), change, Condition::All(vec![Condition::Present, condition]))
            .await
        {
            Ok(item) => Ok(aws::from_item(item).map_err(AwsError::from)?),
            Err(AwsError::ConditionFailed(Some(standing))) if !standing.is_empty() => {
                let standing: Payable = aws::from_item(*standing).map_err(AwsError::from)?;
                Err(PayoutError::WrongState { found: standing.state.name().to_owned(), expected }.into())
            }
            Err(AwsError::ConditionFailed(_)) => Err(NotFound("payable").into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the treasury file of what is due of `run` now, named by its content; gives its key.
    pub async fn write_treasury_file(&self, run: &RunId) -> Result<String, Fault> {
        let csv = treasury_csv(self.all_of_run(run).await?).map_err(PayoutError::Unwritable)?;
        let key = keys::treasury_object(run, &sha256_hex(&csv));
        self.bucket.put_once(&key, Bytes::from(csv), "text/csv; charset=utf-8").await?;
        Ok(key)
    }

    /// A short-lived link to a treasury file.
    pub async fn treasury_link(&self, run: &RunId, key: &str) -> Result<String, AwsError> {
        self.bucket.link_to_get(key, &format!("treasury-{run}.csv"), LINK_LIFETIME).await
    }

    /// A new payment file and the link it is to be uploaded to.
    pub async fn expect_file(
        &self,
        id: String,
        by: &str,
        now: Timestamp,
    ) -> Result<(PaymentFile, String), Fault> {
        let file = PaymentFile {
            state: FileState::Expected,
            by: by.to_owned(),
            made_at: now,
            lines: 0,
            paid: 0,
            mistakes: Vec::new(),
            id,
        };
        let item = keys::payment_file(&file.id).onto(aws::to_item(&file).map_err(AwsError::from)?);
        self.table.put(item, Condition::Always).await?;
        let link = self.bucket.link_to_put(&keys::payment_object(&file.id), UPLOAD_LIFETIME).await?;
        Ok((file, link))
    }

    /// The payment file, and a link to the list of its mistakes if it has any.
    pub async fn file(&self, id: &str) -> Result<(PaymentFile, Option<String>), Fault> {
        let item = self.table.get(keys::payment_file(id)).await?.ok_or(NotFound("payment file"))?;
        let file: PaymentFile = aws::from_item(item).map_err(AwsError::from)?;
        if file.mistakes.is_empty() {
            return Ok((file, None));
        }
        let link = self.bucket.link_to_get(&keys::mistakes_object(id), "mistakes.csv", LINK_LIFETIME).await?;
        Ok((file, Some(link)))
    }

    /// Marks a file that was uploaded as started. A started one may be started again.
    pub async fn start_file(&self, id: &str) -> Result<PaymentFile, Fault> {
        let size = self.bucket.size(&keys::payment_object(id)).await?.ok_or(PayoutError::NotUploaded)?;
        if size > FILE_BYTES_MAX {
            return Err(PayoutError::TooLarge(size).into());
        }
        let open = Condition::OneOf("state", vec![text("expected"), text("started")]);
        let change = Update::new().set("state", text("started"));
        match self
            .table
            .update(keys::payment_file(id), change, Condition::All(vec![Condition::Present, open]))
            .await
        {
            Ok(item) => Ok(aws::from_item(item).map_err(AwsError::from)?),
            Err(AwsError::ConditionFailed(Some(standing))) if !standing.is_empty() => {
                let file: PaymentFile = aws::from_item(*standing).map_err(AwsError::from)?;
                let found = if file.state == FileState::Applied { "applied" } else { "refused" };
                Err(PayoutError::WrongState { found: found.to_owned(), expected: "expected" }.into())
            }
            Err(AwsError::ConditionFailed(_)) => Err(NotFound("payment file").into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a started file, checks all of it, and only then applies it, batch by batch. Safe to repeat.
    pub async fn apply_file(
        &self,
        id: &str,
        correlation: &str,
        now: Timestamp,
    ) -> Result<PaymentFile, Fault> {
        let (mut file, _) = self.file(id).await?;
        if matches!(file.state, FileState::Applied | FileState::Refused) {
            return Ok(file);
        }
        let bytes = self.bucket.get(&keys::payment_object(id)).await?.ok_or(PayoutError::NotUploaded)?;
        match self.checked_lines(id, &bytes).await? {
            Err(Mistakes(mistakes)) => {
                self.write_mistakes(id, &mistakes).await?;
                file.state = FileState::Refused;
                file.mistakes = mistakes.into_iter().take(MISTAKES_SHOWN).collect();
            }
            Ok(lines) => {
                file.lines = u64::try_from(lines.len()).unwrap_or(u64::MAX);
                // Transfers of a retry must have the first try's time, so that its postings land on the same keys.
                file.paid = self.apply(id, lines, file.made_at, correlation, now).await?;
                file.state = FileState::Applied;
            }
        }
        let item = keys::payment_file(id).onto(aws::to_item(&file).map_err(AwsError::from)?);
        self.table.put(item, Condition::Always).await?;
        Ok(file)
    }

    async fn checked_lines(
        &self,
        id: &str,
        bytes: &[u8],
    ) -> Result<Result<Vec<PaymentLine>, Mistakes>, Fault> {
        let lines = match read_payments(bytes) {
            Ok(lines) => lines,
            Err(mistakes) => return Ok(Err(mistakes)),
        };
        let wanted = lines.iter().map(|(_, line)| keys::payable(&line.payable)).collect();
        let mut owed = BTreeMap::new();
        for item in self.table.get_many(wanted).await? {
            let payable: Payable = aws::from_item(item).map_err(AwsError::from)?;
            owed.insert(payable.id.clone(), payable);
        }
        Ok(check_payments(&lines, &owed, id).map(|()| lines.into_iter().map(|(_, line)| line).collect()))
    }

    async fn write_mistakes(&self, id: &str, mistakes: &[Mistake]) -> Result<(), Fault> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for mistake in mistakes {
            writer.serialize(mistake).map_err(PayoutError::Unwritable)?;
        }
        let csv = writer.into_inner().map_err(|error| PayoutError::Unwritable(error.into_error().into()))?;
        self.bucket.put(&keys::mistakes_object(id), Bytes::from(csv), "text/csv; charset=utf-8").await?;
        Ok(())
    }

    /// Applies checked lines; gives how many were paid.
    async fn apply(
        &self,
        file: &str,
        lines: Vec<PaymentLine>,
        occurred_at: Timestamp,
        correlation: &str,
        now: Timestamp,
    ) -> Result<u64, Fault> {
        let (settled, refused): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.paid);
        for line in refused {
            let due =
                Condition::OneOf("state", vec![state(PayableState::Pending), state(PayableState::Failed)]);
            self.turn(&line.payable, PayableState::Failed, Some(&line.note), due, "pending or failed", now)
                .await?;
        }
        let runs: std::collections::BTreeSet<RunId> =
            settled.iter().map(|line| line.payable.run.clone()).collect();
        let count = u64::try_from(settled.len()).unwrap_or(u64::MAX);
        for batch in paid(file, settled, occurred_at)? {
            self.settle(file, &batch, now).await?;
        }
        for run in runs {
            self.tell_if_complete(run, correlation, now).await?;
        }
        Ok(count)
    }

    /// One batch: the transfer, the payables turned to paid, the runs' counts. A payable that changed since the check stops the file.
    async fn settle(&self, file: &str, batch: &PaymentBatch, now: Timestamp) -> Result<Posted, Fault> {
        let mut writes = self.ledger.writes(&batch.transfer);
        let mut counts = BTreeMap::<&RunId, u64>::new();
        for line in &batch.lines {
            let due =
                Condition::OneOf("state", vec![state(PayableState::Pending), state(PayableState::Failed)]);
            let change = Update::new()
                .set("state", state(PayableState::Paid))
                .set("note", text(paid_note(file, &line.note)))
                .set("since", text(now.to_string()));
            writes.push(Write::Update(self.table.clone(), keys::payable(&line.payable), change, due));
            *counts.entry(&line.payable.run).or_default() += 1;
        }
        for (run, paid) in counts {
            let count = Update::new().add("paid", number(Decimal::from(paid)));
            writes.push(Write::Update(self.table.clone(), keys::summary(run), count, Condition::Always));
        }
        self.transact(&batch.transfer, writes).await
    }

    async fn tell_if_complete(&self, run: RunId, correlation: &str, now: Timestamp) -> Result<(), Fault> {
        if !self.summary(&run).await?.is_complete() {
            return Ok(());
        }
        let fact = Envelope::of(PaymentsMade { run }, now, now, correlation);
        self.aws.transact(vec![aws::outbox::write(&self.table, &fact)?]).await?;
        Ok(())
    }
}

fn state(state: PayableState) -> Attribute {
    text(state.name())
}

fn summary_of(item: &Item) -> PayoutSummary {
    let count = |name: &str| aws::decimal(item, name).try_into().unwrap_or_default();
    PayoutSummary { payables: count("payables"), paid: count("paid") }
}
