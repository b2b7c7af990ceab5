//! Walkthroughs over a deployed stack, one module an area. `CEIBA_STACK` names the stack's file; `cargo xtask test` sets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod messages;
mod reports;
mod service;
mod world;
