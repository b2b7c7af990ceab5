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

/// The key of a posting out of the text a transfer's head names it by: neither part contains a space.
pub(crate) fn posting_at(text: &str) -> Option<Key> {
    text.split_once(' ').map(|(pk, sk)| Key::new(pk, sk))
}

pub(crate) fn last_proof() -> Key {
    Key::new("PROOF", "LAST")
}
