//! Payables, treasury files, payment results.
