//! Key shapes of the payouts' table.
//!
//! What belongs to a run stands in one partition, so that a treasury file is written from what is true now and not from an index that
//! lags behind.

use aws::Key;
use foundation::id::RunId;

use crate::{
    batch::{EarningBatch, PaymentBatch},
    payable::PayableId,
};

pub(crate) const PAYABLE: &str = "PAYABLE#";
pub(crate) const SUMMARY: &str = "SUMMARY#";

pub(crate) fn run(run: &RunId) -> String {
    format!("RUN#{run}")
}

pub(crate) fn payable(id: &PayableId) -> Key {
    Key::new(run(&id.run), format!("{PAYABLE}{}~{}", id.person, id.currency))
}

/// A part of the counts of a run's payables.
pub(crate) fn summary(of: &RunId, part: usize) -> Key {
    Key::new(run(of), format!("{SUMMARY}{part:02}"))
}

/// What became of a batch of earnings.
pub(crate) fn earning_batch(batch: &EarningBatch) -> Key {
    Key::new(run(&batch.run), format!("EARNED#{}#{:06}", batch.currency, batch.number))
}

pub(crate) fn payment_file(id: &str) -> Key {
    Key::new(format!("PAYMENT-FILE#{id}"), "PAYMENT-FILE")
}

pub(crate) const PAID_BATCH: &str = "PAID#";

/// What became of a batch of a payment file.
pub(crate) fn payment_batch(file: &str, batch: &PaymentBatch) -> Key {
    let sort = format!("{PAID_BATCH}{}#{}#{:06}", batch.run, batch.currency, batch.number);
    Key::new(format!("PAYMENT-FILE#{file}"), sort)
}

pub(crate) fn treasury_object(run: &RunId, hash: &str) -> String {
    format!("out/{run}/{hash}.csv")
}

/// Where a payment file is uploaded to.
pub(crate) fn uploaded_object(id: &str) -> String {
    format!("in/{id}/upload.csv")
}

/// The content that was found in order; what is uploaded later does not change it.
pub(crate) fn checked_object(id: &str, hash: &str) -> String {
    format!("in/{id}/{hash}.csv")
}

pub(crate) fn mistakes_object(id: &str) -> String {
    format!("in/{id}/mistakes.csv")
}
