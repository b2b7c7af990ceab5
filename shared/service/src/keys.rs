//! Key shapes of the area's table.
//!
//! | item | pk | sk | indexes |
//! | --- | --- | --- | --- |
//! | ticket | `TICKET#<id>` | `TICKET` | `person`: person, id · `queue`: queue, `<state>#<id>` · `state`: state, id |
//! | line of a history | `TICKET#<id>` | `ENTRY#<number, 4 digits>` | |
//! | settings | `SETTINGS` | `SETTINGS` | |

use aws::{Item, Key, text};
use foundation::id::TicketId;

use crate::ticket::Ticket;

pub(crate) const ENTRY_PREFIX: &str = "ENTRY#";

pub(crate) fn partition(id: &TicketId) -> String {
    format!("TICKET#{id}")
}

pub(crate) fn ticket(id: &TicketId) -> Key {
    Key::new(partition(id), "TICKET")
}

pub(crate) fn entry(id: &TicketId, number: u32) -> Key {
    Key::new(partition(id), format!("{ENTRY_PREFIX}{number:04}"))
}

pub(crate) fn settings() -> Key {
    Key::new("SETTINGS", "SETTINGS")
}

/// The keys under which the indexes find `ticket`.
pub(crate) fn indexed(ticket: &Ticket) -> Item {
    let keys = [
        ("personpk", ticket.about.to_string()),
        ("personsk", ticket.id.to_string()),
        ("queuepk", ticket.queue.clone()),
        ("queuesk", format!("{}#{}", ticket.state, ticket.id)),
        ("statepk", ticket.state.clone()),
        ("statesk", ticket.id.to_string()),
    ];
    keys.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
}
