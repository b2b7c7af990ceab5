//! A brute-force evaluation of plans straight from the definitions in the plan guide.
//!
//! It reads a plan document as JSON and facts as rows, walks ancestors and descendants anew for every number, and shares no code with `rules`,
//! `plan` or `engine`. What it does not know it refuses.

mod balances;
mod bonuses;
mod catalogue;
mod cycle;
mod evaluate;
pub mod facts;
mod indicators;
pub mod language;
mod names;
mod network;
mod numbers;
mod payouts;
mod plan;
mod ranks;

pub use balances::Balance;
pub use evaluate::{CycleResult, Settlement, Total, evaluate};
pub use facts::CycleInput;
pub use payouts::{Award, Line};
