//! Functions that survive the failure of any of their AWS calls. `CEIBA_STACK` names the stack's file; `cargo xtask test` sets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod payouts;
mod runs;
