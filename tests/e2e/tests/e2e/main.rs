//! Walkthroughs over a deployed stack, one module an area. `CEIBA_STACK` names the stack's file; `cargo xtask test` sets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod access;
mod live;
mod messages;
mod network;
mod orders;
mod payouts;
mod reports;
mod runs;
mod service;
mod simulations;
mod world;
