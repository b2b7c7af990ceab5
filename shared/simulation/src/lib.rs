//! Runs of a plan over facts without a company around them: cycles, result tables, manifest, comparison. Pure: facts, dates and
//! names of files are arguments.
#![doc = include_str!("../README.md")]

mod compare;
mod forest;
mod manifest;
mod mistakes;
mod period;
mod run;
mod stored;
mod tables;

pub use compare::{Change, Comparing, Comparison, CostOfBonus, RankFlow, Side, Summary, compare};
pub use forest::{Root, root_above};
pub use manifest::{FileEntry, Manifest, PlanEntry, Settings};
pub use mistakes::{Place, RecordLines, in_facts, in_plan};
pub use period::{Occurrence, PeriodError, Span, cycles_of, span_named};
pub use run::{CycleFacts, Progress, Simulated, SimulationError, Step, simulate};
pub use stored::{OutputFile, StoreError, Stored, StoredFiles, outputs};
pub use tables::{Format, PAYOUT_CAP, ResultTable, Values, result_tables};
