//! Key shapes of the ledger's table.

use aws::Key;
use jiff::Timestamp;

use crate::account::Account;

pub(crate) const BALANCE: &str = "BALANCE";
pub(crate) const POSTING: &str = "POSTING#";
pub(crate) const TRANSFER: &str = "TRANSFER";

pub(crate) fn transfer(key: &str) -> Key {
    Key::new(format!("TRANSFER#{key}"), TRANSFER)
}

pub(crate) fn account(account: &Account) -> String {
    format!("ACCOUNT#{account}")
}

pub(crate) fn balance(of: &Account) -> Key {
    Key::new(account(of), BALANCE)
}

/// Postings stand in the order of the time they were true at.
pub(crate) fn posting(of: &Account, occurred_at: Timestamp, transfer: &str) -> Key {
    Key::new(account(of), format!("{POSTING}{:020}#{transfer}", occurred_at.as_microsecond()))
}

pub(crate) fn last_proof() -> Key {
    Key::new("PROOF", "LAST")
}
