//! Typed identifiers, so that a person's id is never taken for an order's.

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id has 1 to 64 characters out of letters, digits, '-', '_' and '.'; found {found:?}")]
pub struct InvalidId {
    /// The refused text.
    pub found: String,
}

fn checked(text: String) -> Result<String, InvalidId> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if fits { Ok(text) } else { Err(InvalidId { found: text }) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                checked(text).map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                checked(text.to_owned()).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A person of the network (consultant or customer), or of the back office.
    PersonId
    /// An order.
    OrderId
    /// A product of the catalogue.
    ProductId
    /// A cycle of a calendar, for example `2026-10`.
    CycleId
    /// A configured process: `daily`, `monthly`, `annual` or a company's own.
    ProcessId
    /// One execution of a process for one cycle.
    RunId
    /// A simulation of a stored run under another plan.
    SimulationId
    /// A bulk load.
    LoadId
    /// A ticket.
    TicketId
    /// An e-mail campaign.
    CampaignId
    /// A requested report.
    ReportId
}

#[cfg(test)]
mod tests {
    use super::PersonId;

    #[test]
    fn ids_that_could_break_a_key_or_a_path_are_refused() {
        for text in ["", "a/b", "a#b", "a b", "ñ", &"x".repeat(65)] {
            assert!(text.parse::<PersonId>().is_err(), "{text:?}");
        }
        assert_eq!("P-0001_a.b".parse::<PersonId>().unwrap().as_str(), "P-0001_a.b");
    }
}
