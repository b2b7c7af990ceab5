//! Bonuses that walk the tree: each rule on a network small enough to check by hand, and laws on random ones.
#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail like tests.

mod differential;
mod fixture;
mod generations;
mod infinity;
mod laws;
mod rates;
mod sheets;
