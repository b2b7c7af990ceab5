//! Applies a payment file.

use std::sync::Arc;

use foundation::problem::Fault;
use lambda::queue::Message;
use ledger::store::Ledger;
use payouts::store::Payouts;
use serde::Deserialize;

/// What a file is applied to.
pub(crate) struct Results {
    pub(crate) payouts: Payouts,
    pub(crate) ledger: Ledger,
}

#[derive(Deserialize)]
struct Started {
    file: String,
}

pub(crate) async fn apply(results: Arc<Results>, message: Message) -> Result<(), Fault> {
    let Started { file } = message.read()?;
    let correlation = lambda::correlation();
    let applied = results.payouts.apply_file(&results.ledger, &file, &correlation, lambda::now()).await?;
    for (name, lines) in [("PaymentsPaid", applied.paid), ("PaymentsFailed", applied.failed)] {
        lambda::telemetry::count(name, lines, &[]);
    }
    Ok(())
}
