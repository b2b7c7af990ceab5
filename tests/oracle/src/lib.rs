//! A brute-force settlement straight from the definitions of the specification, written apart from the engine.
//!
//! It reads the generator's files and a plan document, walks every person's ancestors and descendants for every number, and shares no code
//! with `rules`, `plan` or `engine`. It knows the mechanics the demo's plan uses and refuses what it does not know.

pub mod facts;
mod indicators;
mod network;
mod numbers;
mod plan;
mod rule;
pub mod settle;
