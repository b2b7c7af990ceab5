//! Commission runs: processes, plans and their versions, runs and their steps, settlements and statements.
//!
//! - [`step`], [`process`], [`plans`], [`run`], [`schedule`] are the rules: what a process may be, what a run does next, what it refuses.
//! - [`freeze`], [`settlement`], [`statement`], [`sheets`], [`view`] turn what areas know into what a run freezes, and what a run found into what people read.
//! - [`simulations`] says what can be computed anew under another plan, and how it is shown.
//! - [`steps`] is what each step of a run does, and a simulation of one, by the engine's pure functions.
//! - [`store`] does all I/O on the area's table and bucket; [`manifest`] and [`task`] are the references that steps pass on.

pub mod facts;
pub mod freeze;
mod keys;
pub mod manifest;
pub mod plans;
pub mod process;
pub mod run;
pub mod schedule;
pub mod settlement;
pub mod sheets;
pub mod simulations;
pub mod statement;
pub mod step;
pub mod steps;
pub mod store;
pub mod task;
pub mod view;

pub use store::Commissions;
