//! Who changed what, when, from what to what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::role::RoleName;

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The company's settings.
    Settings,
    /// A role.
    Role(RoleName),
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What was changed.
    pub subject: Subject,
    /// The token's subject who changed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The request's correlation id.
    pub correlation: String,
    /// What stood there; null if it was never configured.
    pub before: Value,
    /// What stands there since.
    pub after: Value,
}
