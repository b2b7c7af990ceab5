//! The questions of the state machine.

use std::sync::Arc;

use aws::Workflow;
use calendar::Calendar;
use commissions::{
    Commissions,
    run::{Failure, Next},
    schedule,
    task::{Decided, MachineFailure, Question, execution_input},
};
use foundation::{
    id::RunId,
    problem::{Fault, Malformed},
};

pub(crate) struct Shared {
    pub(crate) store: Commissions,
    pub(crate) calendar: Calendar,
    pub(crate) machine: Workflow,
}

pub(crate) async fn handle(shared: Arc<Shared>, question: Question) -> Result<Decided, Fault> {
    let execution = question.execution.unwrap_or_default();
    if let (Some(run), Some(_)) = (&question.run, &question.fact) {
        let run = shared.store.mark_paid(run).await?;
        return Ok(Decided::nothing(run.correlation));
    }
    match (&question.run, &question.failure) {
        (Some(run), Some(failure)) => record(&shared, run, execution, failure).await,
        (Some(run), None) => advance(&shared, run, execution).await,
        (None, None) => look(&shared, &question).await,
        // Looking for due runs failed: the log says why, and the schedule asks again.
        (None, Some(_)) => Ok(Decided::nothing(lambda::correlation())),
    }
}

async fn advance(shared: &Shared, run: &RunId, execution: u32) -> Result<Decided, Fault> {
    let (run, next) = shared.store.advance(run, execution, lambda::now()).await?;
    Ok(match next {
        Next::Do(step, attempt) => {
            let parts = if step.is_computed_by_parts() { shared.store.parts_of(&run).await? } else { None };
            Decided { parts, ..Decided::step(&run, step, attempt) }
        }
        Next::Stop => Decided::nothing(run.correlation),
    })
}

async fn record(
    shared: &Shared,
    run: &RunId,
    execution: u32,
    failure: &MachineFailure,
) -> Result<Decided, Fault> {
    let failure = Failure { error: failure.error.clone(), detail: failure.detail(), at: lambda::now() };
    let run = shared.store.fail(run, execution, failure, &lambda::correlation()).await?;
    lambda::telemetry::count("RunsFailed", 1, &[("Process", run.process.as_str())]);
    Ok(Decided::nothing(run.correlation))
}

/// Starts what is due, each run in an execution of its own. Starting one again is no second execution.
async fn look(shared: &Shared, question: &Question) -> Result<Decided, Fault> {
    let correlation = lambda::correlation();
    let only = question.process.as_ref();
    let found =
        schedule::look_for_due(&shared.store, &shared.calendar, only, fresh, lambda::now(), &correlation)
            .await?;
    for run in found {
        shared.machine.start(&run.execution_name(), execution_input(&run)).await?;
        if let Some(token) = run.decided_token() {
            shared.machine.succeed(token, "{}".to_owned()).await?;
        }
    }
    Ok(Decided::nothing(correlation))
}

fn fresh() -> Result<RunId, Fault> {
    lambda::new_id()
        .parse()
        .map_err(|error: foundation::id::InvalidId| Malformed::at("", error.to_string()).into())
}
