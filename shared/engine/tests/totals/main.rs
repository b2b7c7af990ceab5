//! Bonuses on totals and what one cycle hands to the next: each rule on a company small enough to check by hand,
//! published cases, and laws on random companies.
#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail like tests.

mod binary;
mod fixture;
mod laws;
mod plan_wide;
mod sums;
