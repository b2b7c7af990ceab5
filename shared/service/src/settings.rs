//! What a company's tickets may be: types, queues, states and the steps between them.

use std::collections::{BTreeMap, BTreeSet};

use foundation::{
    locale::Text,
    problem::{FieldError, Kind, Problem},
};
use serde::{Deserialize, Serialize};

/// How many types, queues or states there may be.
const ENTRIES_MAX: usize = 100;

/// Types, queues and states, each by its code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Kinds of cases.
    pub types: BTreeMap<String, TicketType>,
    /// Names of the queues.
    pub queues: BTreeMap<String, Text>,
    /// The states and where each may lead.
    pub states: BTreeMap<String, State>,
    /// The state a new ticket is in.
    pub first_state: String,
    /// How often the settings were changed; a change names the version it saw.
    #[serde(default)]
    pub version: u64,
}

/// A kind of case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketType {
    /// What people read.
    pub name: Text,
    /// The queue that new ones go to.
    pub queue: String,
    /// Hours until an answer is due; none if there is no promise.
    #[serde(default)]
    pub due_hours: Option<u16>,
}

/// A state a ticket may be in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// What people read.
    pub name: Text,
    /// The states that may follow.
    pub next: BTreeSet<String>,
    /// Whether replies are taken.
    pub takes_replies: bool,
}

/// Settings that contradict themselves.
#[derive(Debug, thiserror::Error)]
#[error("the ticket settings are wrong in {} place(s)", .0.len())]
pub struct InvalidSettings(pub Vec<FieldError>);

impl Problem for InvalidSettings {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn code(&self) -> &'static str {
        "ticket.invalid-settings"
    }
    fn fields(&self) -> Vec<FieldError> {
        self.0.clone()
    }
}

/// Somebody else changed the settings in the meantime.
#[derive(Debug, thiserror::Error)]
#[error("the settings are not at version {0} any more: read them again")]
pub struct StaleSettings(pub u64);

impl Problem for StaleSettings {
    fn kind(&self) -> Kind {
        Kind::Conflict
    }
    fn code(&self) -> &'static str {
        "ticket.stale-settings"
    }
}

impl Default for Settings {
    fn default() -> Self {
        let types = [
            ("pedido", "Pedido", "Order", "orders", 24),
            ("comision", "Comisión", "Commission", "commissions", 48),
            ("devolucion", "Cambio o devolución", "Exchange or return", "orders", 48),
            ("datos", "Datos personales", "Personal data", "support", 24),
            ("red", "Red", "Network", "support", 48),
            ("otro", "Otro", "Other", "support", 72),
        ];
        let queues = [
            ("support", "Servicio", "Support"),
            ("orders", "Pedidos", "Orders"),
            ("commissions", "Comisiones", "Commissions"),
        ];
        let states: [(_, _, _, &[&str], _); 6] = [
            ("open", "Abierto", "Open", &["in-progress", "waiting", "solved", "closed"], true),
            ("in-progress", "En curso", "In progress", &["waiting", "solved", "closed"], true),
            ("waiting", "En espera", "Waiting", &["in-progress", "solved", "closed"], true),
            ("solved", "Resuelto", "Solved", &["closed", "reopened"], true),
            ("closed", "Cerrado", "Closed", &["reopened"], false),
            ("reopened", "Reabierto", "Reopened", &["in-progress", "waiting", "solved", "closed"], true),
        ];
        let text = |es: &str, en: &str| Text { es: es.to_owned(), en: en.to_owned() };
        Self {
            types: types
                .map(|(code, es, en, queue, hours)| {
                    let queue = queue.to_owned();
                    (code.to_owned(), TicketType { name: text(es, en), queue, due_hours: Some(hours) })
                })
                .into(),
            queues: queues.map(|(code, es, en)| (code.to_owned(), text(es, en))).into(),
            states: states
                .map(|(code, es, en, next, takes_replies)| {
                    let next = next.iter().map(|&state| state.to_owned()).collect();
                    (code.to_owned(), State { name: text(es, en), next, takes_replies })
                })
                .into(),
            first_state: "open".to_owned(),
            version: 0,
        }
    }
}

impl Settings {
    /// These settings, if nothing in them points to what is not there.
    pub fn checked(self) -> Result<Self, InvalidSettings> {
        let mut wrong = Vec::new();
        let mut refuse = |pointer: String, detail: String| wrong.push(FieldError { pointer, detail });
        let codes = [
            ("types", self.types.keys().collect::<Vec<_>>()),
            ("queues", self.queues.keys().collect()),
            ("states", self.states.keys().collect()),
        ];
        for (field, found) in codes {
            if !(1..=ENTRIES_MAX).contains(&found.len()) {
                refuse(
                    format!("/{field}"),
                    format!("expected 1 to {ENTRIES_MAX} entries; found {}", found.len()),
                );
            }
            for code in found.into_iter().filter(|code| !is_code(code)) {
                refuse(format!("/{field}/{code}"), CODE_EXPECTED.to_owned());
            }
        }
        for (code, kind) in &self.types {
            if !self.queues.contains_key(&kind.queue) {
                refuse(format!("/types/{code}/queue"), format!("there is no queue {:?}", kind.queue));
            }
        }
        for (code, state) in &self.states {
            for next in state.next.iter().filter(|next| !self.states.contains_key(*next)) {
                refuse(format!("/states/{code}/next"), format!("there is no state {next:?}"));
            }
        }
        if !self.states.contains_key(&self.first_state) {
            refuse("/first_state".to_owned(), format!("there is no state {:?}", self.first_state));
        }
        if wrong.is_empty() { Ok(self) } else { Err(InvalidSettings(wrong)) }
    }
}

/// What a code looks like, in words.
pub const CODE_EXPECTED: &str = "expected 1 to 32 of lower-case letters, digits and hyphens";

/// Whether this may be the code of a type, queue or state. Codes stand in index keys, so they are kept short and plain.
pub fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_together() {
        assert_eq!(Settings::default().checked().unwrap(), Settings::default());
    }

    #[test]
    fn every_broken_reference_is_named() {
        let mut settings = Settings::default();
        settings.types.get_mut("otro").unwrap().queue = "attic".into();
        settings.states.get_mut("open").unwrap().next.insert("lost".into());
        settings.first_state = "new".into();
        settings.queues.insert("A/B".into(), Text::default());
        let InvalidSettings(wrong) = settings.checked().unwrap_err();
        let pointers: Vec<_> = wrong.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/queues/A/B", "/types/otro/queue", "/states/open/next", "/first_state"]);
    }
}
