//! Accounts, transfers, postings by double entry.
