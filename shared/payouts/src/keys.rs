//! Key shapes of the payouts' table.

use aws::Key;
use foundation::id::RunId;

use crate::payable::PayableId;

pub(crate) fn payable(id: &PayableId) -> Key {
    Key::new(format!("PAYABLE#{id}"), "PAYABLE")
}

/// Partition of the index `run`.
pub(crate) fn run(run: &RunId) -> String {
    format!("RUN#{run}")
}

/// Counts of a run's payables.
pub(crate) fn summary(of: &RunId) -> Key {
    Key::new(run(of), "SUMMARY")
}

pub(crate) fn payment_file(id: &str) -> Key {
    Key::new(format!("PAYMENT-FILE#{id}"), "PAYMENT-FILE")
}

/// A batch of a payment file that was applied to a run's summary.
pub(crate) fn treasury_object(run: &RunId, hash: &str) -> String {
    format!("out/{run}/{hash}.csv")
}

pub(crate) fn payment_object(id: &str) -> String {
    format!("in/{id}.csv")
}

pub(crate) fn mistakes_object(id: &str) -> String {
    format!("in/{id}-mistakes.csv")
}
