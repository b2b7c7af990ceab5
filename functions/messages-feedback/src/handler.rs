//! From a notification to a suppressed address and a letter's result.

use std::sync::Arc;

use foundation::problem::{Fault, NotFound};
use lambda::queue::Message;
use messages::{Messages, feedback, suppression::Suppression};

/// How often a notification is tried that came before its letter's result was written.
const PATIENCE: u32 = 3;

pub(crate) async fn handle(messages: Arc<Messages>, message: Message) -> Result<(), Fault> {
    let Some(told) = feedback::read(&message.body)? else { return Ok(()) };
    let now = lambda::now();
    for (address, reason) in &told.suppress {
        let suppression = Suppression {
            address: address.clone(),
            reason: *reason,
            since: now,
            detail: Some(told.reason.clone()),
            campaign: None,
        };
        messages.suppress(&suppression).await?;
    }
    lambda::telemetry::count("Feedback", 1, &[("State", told.state.name())]);
    if messages.record(&told, now).await? || PATIENCE <= message.deliveries {
        return Ok(());
    }
    Err(NotFound("letter").into())
}
