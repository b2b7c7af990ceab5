//! What a run owes people becomes payables; payables leave as a treasury file and come back as a payment file. Nothing is paid twice.
//!
//! Earning and paying are ledger transfers in the transactions that make and settle the payables. An earning moves from the company's
//! commissions expense to the person: as much as the person is owed after earlier debts to the commissions account, which is the sum of
//! the person's unpaid payables; the rest, a debt that was made or repaid, to the account of what is carried. Paying moves from the
//! commissions account to the bank.

pub mod batch;
pub mod file;
mod keys;
pub mod payable;
pub mod payment_file;
pub mod store;
pub mod summary;
