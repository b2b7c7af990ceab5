//! Facts of commission runs, as they go onto the bus.

use foundation::{
    fact::Fact,
    id::{CycleId, ProcessId, RunId},
    locale::Text,
};
use serde::{Deserialize, Serialize};

use crate::{
    run::{Failure, Run},
    step::Step,
};

const SOURCE: &str = "ceiba.commissions";

/// A run waits for somebody to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunWaiting {
    /// The run.
    pub run: RunId,
    /// Its process.
    pub process: ProcessId,
    /// What people call the process.
    pub name: Text,
    /// Its cycle.
    pub cycle: CycleId,
    /// The step that waits.
    pub step: Step,
    /// The attempt that waits.
    pub attempt: u32,
    /// Warnings of the checks.
    pub warnings: u64,
    /// Where to tell it.
    pub mail: Vec<String>,
}

impl Fact for RunWaiting {
    const TYPE: &'static str = "RunWaiting";
    const SOURCE: &'static str = SOURCE;
    fn id(&self) -> String {
        format!("run-waiting-{}-{}-{}", self.run, self.step, self.attempt)
    }
}

/// A run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFailed {
    /// The run.
    pub run: RunId,
    /// Its process.
    pub process: ProcessId,
    /// What people call the process.
    pub name: Text,
    /// Its cycle.
    pub cycle: CycleId,
    /// The execution that failed, counted from 1.
    pub execution: u32,
    /// The step that failed; none if no step was at work.
    pub step: Option<Step>,
    /// The error's name in the state machine.
    pub error: String,
    /// What is known of it.
    pub detail: String,
    /// Where to tell it.
    pub mail: Vec<String>,
}

impl RunFailed {
    /// That `run` failed at `step`.
    pub fn of(run: &Run, step: Option<Step>, failure: &Failure) -> Self {
        Self {
            run: run.id.clone(),
            process: run.process.clone(),
            name: run.name.clone(),
            cycle: run.cycle.clone(),
            execution: run.execution,
            step,
            error: failure.error.clone(),
            detail: failure.detail.clone(),
            mail: run.mail.clone(),
        }
    }
}

impl Fact for RunFailed {
    const TYPE: &'static str = "RunFailed";
    const SOURCE: &'static str = SOURCE;
    fn id(&self) -> String {
        format!("run-failed-{}-{}", self.run, self.execution)
    }
}

/// Everyone may see their statement of a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementsPublished {
    /// The run.
    pub run: RunId,
    /// Its process.
    pub process: ProcessId,
    /// Its cycle.
    pub cycle: CycleId,
}

impl Fact for StatementsPublished {
    const TYPE: &'static str = "StatementsPublished";
    const SOURCE: &'static str = SOURCE;
    fn id(&self) -> String {
        format!("statements-published-{}", self.run)
    }
}
