//! The house's own rules, without network: crates, template, API contract, state machine, permissions, events and text agree.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail as a test does")]

mod arrows;
mod contract;
mod functions;
mod golden;
mod machine;
mod repository;
mod template;
mod text;
