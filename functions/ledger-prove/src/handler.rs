//! Proves the ledger.

use std::sync::Arc;

use foundation::problem::Fault;
use lambda::queue::Message;
use ledger::store::Ledger;

/// One proof answers all messages of a batch: each only asks for a proof that is not older than itself. If it fails, one message that
/// comes again is enough.
pub(crate) async fn prove(ledger: Arc<Ledger>, messages: Vec<Message>) -> Vec<(String, Fault)> {
    let proof = match ledger.prove(lambda::now()).await {
        Ok(proof) => proof,
        Err(fault) => return messages.into_iter().map(|message| message.id).zip([fault]).collect(),
    };
    lambda::telemetry::count("LedgerUnbalanced", u64::from(!proof.balanced), &[]);
    if !proof.balanced {
        tracing::error!(
            accounts = ?proof.wrong_accounts,
            transfers = ?proof.wrong_transfers,
            "the ledger is out of balance"
        );
    }
    Vec::new()
}
