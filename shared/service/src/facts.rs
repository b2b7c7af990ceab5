//! What the other areas hear of tickets.

use foundation::{
    fact::Fact,
    id::{PersonId, TicketId},
};
use serde::{Deserialize, Serialize};

use crate::ticket::{Entry, Ticket, What};

/// A ticket was opened, replied to, or changed. Notes are not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketChanged {
    /// The ticket.
    pub ticket: TicketId,
    /// Whom it concerns.
    pub about: PersonId,
    /// Its subject line.
    pub subject: String,
    /// The state it is in now.
    pub state: String,
    /// The state's name in Spanish and English, as the settings have it.
    pub state_name: foundation::locale::Text,
    /// `opened`, `replied` or `changed`.
    pub change: String,
    /// Whether the state is another one than before.
    pub state_changed: bool,
    /// The line of the history.
    pub number: u32,
    /// The person who did it, if it was one of the network.
    pub by_person: Option<PersonId>,
    /// The reply, or the reason of a change.
    pub text: Option<String>,
}

impl Fact for TicketChanged {
    const TYPE: &'static str = "TicketChanged";
    const SOURCE: &'static str = "ceiba.service";
    fn id(&self) -> String {
        format!("ticket-changed-{}-{}", self.ticket, self.number)
    }
}

impl TicketChanged {
    /// The fact of `entry`, if it is one to be told.
    pub fn of(ticket: &Ticket, entry: &Entry, state_name: foundation::locale::Text) -> Option<Self> {
        let (change, text) = match &entry.what {
            What::Opened => ("opened", None),
            What::Replied { text } => ("replied", Some(text.clone())),
            What::Changed { reason, .. } => ("changed", reason.clone()),
            What::Noted { .. } => return None,
        };
        let state_changed = match &entry.what {
            What::Changed { changes, .. } => changes.iter().any(|change| change.field == "state"),
            _ => false,
        };
        Some(Self {
            ticket: ticket.id.clone(),
            about: ticket.about.clone(),
            subject: ticket.subject.clone(),
            state: ticket.state.clone(),
            state_name,
            change: change.to_owned(),
            state_changed,
            number: entry.number,
            by_person: entry.by.person.clone(),
            text,
        })
    }
}
