//! What a run owes people becomes payables; payables leave as a treasury file and come back as a payment file. Nothing is paid twice.
//!
//! Earning and paying are ledger transfers in the transactions that make and settle the payables:
//! earning moves from the company's commissions expense to the person's commissions account, paying from there to the bank.

pub mod batch;
pub mod file;
mod keys;
pub mod payable;
pub mod store;
