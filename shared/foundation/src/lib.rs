//! Words every crate shares: money, cycles, ids, locale, permissions, reach, problems.
//!
//! Nothing here knows AWS, reads a clock or a random source, or is asynchronous: time and ids come in as arguments.

pub mod cycle;
pub mod digest;
pub mod fact;
pub mod id;
pub mod locale;
pub mod money;
pub mod permission;
pub mod problem;
pub mod reach;
