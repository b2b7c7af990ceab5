//! Shapes of this area's keys.

use aws::Key;

use crate::role::RoleName;

pub(crate) const ROLES: &str = "ROLES";
/// All changes, latest last.
pub(crate) const CHANGES: &str = "CHANGES";

pub(crate) fn settings() -> Key {
    Key::new("COMPANY", "SETTINGS")
}

pub(crate) fn role(name: &RoleName) -> Key {
    Key::new(ROLES, name.as_str())
}

/// A change, in the order of time. A correlation id keeps two of one moment apart.
pub(crate) fn change(at: jiff::Timestamp, correlation: &str) -> Key {
    Key::new(CHANGES, format!("{:020}#{correlation}", at.as_microsecond()))
}
