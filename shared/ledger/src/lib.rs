//! Points, wallet money and commissions are accounts in one ledger, kept by double entry.
//!
//! A [`transfer::Transfer`] moves amounts between accounts; for each unit (a currency or a kind of points) its postings sum to zero.
//! Postings never change; a mistake is undone by the [reverse](transfer::Transfer::reversed) transfer.
//! A balance is kept beside its account and changed in the transaction that writes the posting; [`proof`] shows that both agree.

pub mod account;
mod keys;
pub mod proof;
pub mod store;
pub mod transfer;
