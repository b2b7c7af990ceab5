//! Payment files: announced, uploaded, started, checked as a whole, then applied batch by batch.
//!
//! What was found in order is kept under its hash and applied to its end, also over retries: each batch leaves a marker with its outcome in
//! the transaction that applies it, so that it is applied once.

use std::{collections::BTreeMap, time::Duration};

use aws::{AwsError, Condition, Write, idempotency::Claim, number};
use bytes::Bytes;
use foundation::{
    digest::sha256_hex,
    id::RunId,
    problem::{Fault, NotFound},
};
use jiff::Timestamp;
use ledger::store::Ledger;
use rust_decimal::Decimal;
use serde::Serialize;

use super::{
    ATTEMPTS, Actor, CLAIM_SECONDS, CSV, LINK_LIFETIME, Link, PayoutError, Payouts, answered, is_at, read,
};
use crate::{
    batch::{Applying, BatchOutcome, PaymentBatch, batches},
    file::{
        FILE_BYTES_MAX, MISTAKES_MAX, Mistake, Mistakes, PaymentLine, check_payments, mistakes_csv,
        read_payments,
    },
    keys,
    payable::{Payable, PayableId},
    payment_file::{FileError, FileState, PaymentFile},
    summary::Tally,
};

/// How long an upload link works.
const UPLOAD_LIFETIME: Duration = Duration::from_mins(15);
/// Lines that are compared with their payables in one round trip.
const CHECK_CHUNK: usize = 100;

/// A payment file and where it is to be uploaded to.
#[derive(Clone, Debug, Serialize)]
pub struct ExpectedFile {
    /// The file.
    #[serde(flatten)]
    pub file: PaymentFile,
    /// Where its content is sent with one PUT.
    pub upload: Link,
}

/// A payment file, and a link to the list of its mistakes if it has any.
#[derive(Clone, Debug, Serialize)]
pub struct ShownFile {
    /// The file.
    #[serde(flatten)]
    pub file: PaymentFile,
    /// All its mistakes, as CSV.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mistakes_file: Option<Link>,
}

impl Payouts {
    /// A new payment file and the link it is to be uploaded to, once for the claimed key; a repetition gets the same file and a new link.
    pub async fn expect_file(
        &self,
        id: String,
        actor: Actor<'_>,
        claim: &Claim,
    ) -> Result<ExpectedFile, Fault> {
        let mut file = PaymentFile::expected(id, actor.by, actor.at);
        let item = keys::payment_file(&file.id).onto(aws::to_item(&file).map_err(AwsError::from)?);
        let expires = actor.at.as_second().saturating_add(CLAIM_SECONDS);
        let writes = vec![
            claim.write(&self.table, &file.id, expires)?,
            Write::Put(self.table.clone(), item, Condition::Absent),
        ];
        if let Err(error) = self.aws.transact(writes).await {
            let Some(standing) = super::refused_at(&error, 0) else { return Err(error.into()) };
            file = self.file(&answered::<String>(claim, standing)?).await?;
        }
        let url = self.bucket.link_to_put(&keys::uploaded_object(&file.id), UPLOAD_LIFETIME).await?;
        Ok(ExpectedFile { file, upload: Link::until(url, actor.at, UPLOAD_LIFETIME) })
    }

    async fn file(&self, id: &str) -> Result<PaymentFile, Fault> {
        Ok(read(self.table.get(keys::payment_file(id)).await?.ok_or(NotFound("payment file"))?)?)
    }

    /// The payment file as it is shown.
    pub async fn show_file(&self, id: &str, now: Timestamp) -> Result<ShownFile, Fault> {
        let file = self.file(id).await?;
        if file.mistakes.is_empty() {
            return Ok(ShownFile { file, mistakes_file: None });
        }
        let key = keys::mistakes_object(id);
        let url = self.bucket.link_to_get(&key, &format!("mistakes-{id}.csv"), LINK_LIFETIME).await?;
        Ok(ShownFile { file, mistakes_file: Some(Link::until(url, now, LINK_LIFETIME)) })
    }

    /// Starts a file that was uploaded. One that is being worked on may be started again; that changes nothing.
    pub async fn start_file(&self, id: &str, actor: Actor<'_>) -> Result<PaymentFile, Fault> {
        let before = self.file(id).await?;
        let after = before.start(actor.by, actor.at)?;
        if after == before {
            return Ok(after);
        }
        let size = self.bucket.size(&keys::uploaded_object(id)).await?.ok_or(FileError::NotUploaded)?;
        if size > FILE_BYTES_MAX {
            return Err(FileError::TooLarge(size).into());
        }
        self.change(&before, &after).await?;
        Ok(after)
    }

    async fn change(&self, before: &PaymentFile, after: &PaymentFile) -> Result<(), AwsError> {
        let item = keys::payment_file(&after.id).onto(aws::to_item(after)?);
        let unchanged = Condition::Equals("version", number(Decimal::from(before.version)));
        self.table.put(item, unchanged).await
    }

    /// Does what is left to do of a started file: checks all of it, then applies all of it. Safe to repeat at any point.
    pub async fn apply_file(
        &self,
        ledger: &Ledger,
        id: &str,
        correlation: &str,
        now: Timestamp,
    ) -> Result<PaymentFile, Fault> {
        let file = self.file(id).await?;
        match file.state {
            FileState::Started => match self.check(&file, now).await? {
                Ok(accepted) => self.apply(ledger, accepted, correlation, now).await,
                Err(refused) => Ok(refused),
            },
            FileState::Applying => self.apply(ledger, file, correlation, now).await,
            FileState::Refused | FileState::Applied | FileState::PartlyApplied => Ok(file),
            FileState::Expected => Err(FileError::WrongState(FileState::Expected).into()),
        }
    }

    /// `Err` is the refused file.
    async fn check(
        &self,
        file: &PaymentFile,
        now: Timestamp,
    ) -> Result<Result<PaymentFile, PaymentFile>, Fault> {
        let uploaded = keys::uploaded_object(&file.id);
        // The link may have been used again since the file was started.
        let size = self.bucket.size(&uploaded).await?.ok_or(FileError::NotUploaded)?;
        let checked = if size > FILE_BYTES_MAX {
            let detail = FileError::TooLarge(size).to_string();
            Err(Mistakes(vec![Mistake { line: 0, detail }]))
        } else {
            let bytes = self.bucket.get(&uploaded).await?.ok_or(FileError::NotUploaded)?;
            self.checked(&bytes).await?.map(|lines| (lines.len(), bytes))
        };
        match checked {
            Ok((lines, bytes)) => {
                let hash = sha256_hex(&bytes);
                self.bucket.put_once(&keys::checked_object(&file.id, &hash), bytes, CSV).await?;
                let accepted = file.accept(hash, lines);
                self.change(file, &accepted).await?;
                Ok(Ok(accepted))
            }
            Err(Mistakes(mistakes)) => {
                self.write_mistakes(&file.id, &mistakes).await?;
                let refused = file.refuse(&mistakes, now);
                self.change(file, &refused).await?;
                Ok(Err(refused))
            }
        }
    }

    async fn checked(&self, bytes: &[u8]) -> Result<Result<Vec<(u64, PaymentLine)>, Mistakes>, Fault> {
        let lines = match read_payments(bytes) {
            Ok(lines) => lines,
            Err(mistakes) => return Ok(Err(mistakes)),
        };
        let mut mistakes = Vec::new();
        for chunk in lines.chunks(CHECK_CHUNK) {
            let wanted = chunk.iter().map(|(_, line)| keys::payable(&line.payable)).collect();
            let owed = by_id(self.table.get_many(wanted).await?)?;
            mistakes.extend(check_payments(chunk, &owed));
            if mistakes.len() >= MISTAKES_MAX {
                mistakes.truncate(MISTAKES_MAX);
                break;
            }
        }
        Ok(if mistakes.is_empty() { Ok(lines) } else { Err(Mistakes(mistakes)) })
    }

    async fn write_mistakes(&self, id: &str, mistakes: &[Mistake]) -> Result<(), Fault> {
        let csv = mistakes_csv(mistakes).map_err(PayoutError::Unwritable)?;
        Ok(self.bucket.put(&keys::mistakes_object(id), Bytes::from(csv), CSV).await?)
    }

    async fn apply(
        &self,
        ledger: &Ledger,
        file: PaymentFile,
        correlation: &str,
        now: Timestamp,
    ) -> Result<PaymentFile, Fault> {
        let key = keys::checked_object(&file.id, file.sha256.as_deref().unwrap_or_default());
        let bytes = self.bucket.get(&key).await?.ok_or(FileError::NotUploaded)?;
        let how = Applying { file: &file.id, by: file.started_by.as_deref().unwrap_or_default(), at: now };
        let mut sum = BatchOutcome::default();
        let mut runs = std::collections::BTreeSet::<RunId>::new();
        for batch in batches(read_payments(&bytes)?) {
            let outcome = self.apply_batch(ledger, &batch, how).await?;
            sum.paid += outcome.paid;
            sum.failed += outcome.failed;
            sum.left.extend(outcome.left);
            runs.insert(batch.run);
        }
        for run in runs {
            self.tell_if_paid(run, correlation, now).await?;
        }
        sum.left.sort_by_key(|mistake| mistake.line);
        if !sum.left.is_empty() {
            self.write_mistakes(&file.id, &sum.left).await?;
        }
        let applied = file.apply(sum.paid, sum.failed, &sum.left, now);
        self.change(&file, &applied).await?;
        Ok(applied)
    }

    async fn apply_batch(
        &self,
        ledger: &Ledger,
        batch: &PaymentBatch,
        how: Applying<'_>,
    ) -> Result<BatchOutcome, Fault> {
        let marker = keys::payment_batch(how.file, batch);
        for _ in 0..ATTEMPTS {
            let mut wanted = vec![marker.clone()];
            wanted.extend(batch.lines.iter().map(|(_, line)| keys::payable(&line.payable)));
            let found = self.table.get_many(wanted).await?;
            let (marked, payables): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|item| is_at(item, &marker.pk));
            if let Some(done) = marked.into_iter().next() {
                return Ok(read(done)?);
            }
            let applied = batch.apply(&by_id(payables)?, how)?;
            let mut writes =
                applied.transfer.as_ref().map(|transfer| ledger.writes(transfer)).unwrap_or_default();
            let done = marker.onto(aws::to_item(&applied.outcome).map_err(AwsError::from)?);
            writes.push(Write::Put(self.table.clone(), done, Condition::Absent));
            let mut tally = Tally::default();
            for (before, after) in &applied.turned {
                tally.turned(before, after);
                writes.push(self.replace(before, after)?);
            }
            writes.extend(self.count(&batch.run, batch.number, tally));
            match self.aws.transact(writes).await {
                Ok(()) => return Ok(applied.outcome),
                // Somebody held one of them, or another file was quicker: what is there now decides.
                Err(AwsError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(FileError::Contended.into())
    }
}

fn by_id(items: Vec<aws::Item>) -> Result<BTreeMap<PayableId, Payable>, AwsError> {
    let payables = items.into_iter().map(read::<Payable>);
    payables.map(|payable| payable.map(|payable| (payable.id.clone(), payable))).collect()
}
