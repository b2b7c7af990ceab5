//! What a message of the mail queues asks for.

use std::sync::Arc;

use foundation::problem::Fault;
use lambda::queue::Message;
use messages::{
    Messages, Sender, notice::Asked, store::Outcome, template::Templates, unsubscribe::LinkKey, work::Work,
};
use network::People;

use crate::{campaign, notice};

/// What sending needs.
pub(crate) struct Post {
    pub(crate) people: People,
    pub(crate) messages: Messages,
    pub(crate) sender: Sender,
    pub(crate) link_key: LinkKey,
    pub(crate) templates: Templates,
    /// Base of links, without what follows.
    pub(crate) base: String,
    /// How many of this function send campaigns side by side.
    pub(crate) workers: u16,
}

pub(crate) async fn handle(post: Arc<Post>, message: Message) -> Result<(), Fault> {
    match Work::read(&message.body)? {
        Work::Batch(batch) => campaign::send(&post, batch).await,
        Work::Fact(Asked::Letter(letter)) => notice::send(&post, &letter).await,
        Work::Fact(Asked::Nothing) => Ok(()),
    }
}

/// Counts a letter's result.
pub(crate) fn count(outcome: Option<&Outcome>) {
    let name = match outcome {
        Some(Outcome::Sent(_)) => "sent",
        Some(Outcome::Suppressed(_)) => "suppressed",
        Some(Outcome::Failed(_)) => "failed",
        None => return,
    };
    lambda::telemetry::count("Letters", 1, &[("Outcome", name)]);
}
