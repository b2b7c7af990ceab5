//! The one way out for letters: claim, hand over, write the result.

use aws::{AwsError, Letter, Mailbox};
use foundation::{
    id::PersonId,
    problem::{Kind, Problem},
};
use jiff::Timestamp;

use crate::{
    address::Address,
    dispatch::{Claimed, Refusal, refusal},
    store::{LetterKey, Messages, Outcome},
    template::Rendered,
};

/// Sends letters and keeps their results.
#[derive(Clone, Debug)]
pub struct Sender {
    messages: Messages,
    mailbox: Mailbox,
}

/// A letter ready to go.
#[derive(Clone, Debug)]
pub struct Outgoing<'a> {
    /// Its place in the table.
    pub key: &'a LetterKey,
    /// The person it goes to, if it is one of the network.
    pub person: Option<&'a PersonId>,
    /// The address.
    pub address: &'a Address,
    /// What it says.
    pub content: Rendered,
    /// Who sends it: fresh for each attempt.
    pub claim: &'a str,
    /// When.
    pub now: Timestamp,
}

/// Why a letter has no result yet.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Another sender has claimed it.
    #[error("another sender is at this letter")]
    Elsewhere,
    /// The mail service takes nothing at the moment.
    #[error("the mail service takes no letters at the moment")]
    Refused(#[source] AwsError),
    /// The table.
    #[error(transparent)]
    Table(#[from] AwsError),
}

impl Problem for SendError {
    fn kind(&self) -> Kind {
        Kind::Unavailable
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Elsewhere => "message.elsewhere",
            Self::Refused(_) => "message.refused-for-now",
            Self::Table(_) => "message.table",
        }
    }
}

impl Sender {
    /// Sends from `mailbox`, with results in `messages`.
    pub fn new(messages: Messages, mailbox: Mailbox) -> Self {
        Self { messages, mailbox }
    }

    /// Sends a letter unless it has its result. Says what became of it; `None` if it had one.
    pub async fn send(&self, letter: Outgoing<'_>) -> Result<Option<Outcome>, SendError> {
        let Outgoing { key, person, address, content, claim, now } = letter;
        match self.messages.claim(key, person, address, claim, now).await? {
            Claimed::Done => return Ok(None),
            Claimed::Elsewhere => return Err(SendError::Elsewhere),
            Claimed::Suppressed(reason) => {
                let outcome = Outcome::Suppressed(reason);
                let is_new = self.messages.settle(key, None, &outcome, now).await?;
                return Ok(is_new.then_some(outcome));
            }
            Claimed::Ours => {}
        }
        let letter = Letter {
            to: address.to_string(),
            subject: content.subject,
            html: content.html,
            text: content.text,
        };
        let outcome = match self.mailbox.send(letter).await {
            Ok(id) => Outcome::Sent(id),
            Err(error) => match refusal(&error) {
                Refusal::OfLetter(reason) => Outcome::Failed(reason),
                Refusal::ForNow => {
                    self.messages.release(key, claim, now).await?;
                    return Err(SendError::Refused(error));
                }
            },
        };
        self.messages.settle(key, Some(claim), &outcome, now).await?;
        Ok(Some(outcome))
    }
}
