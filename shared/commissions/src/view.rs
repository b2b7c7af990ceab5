//! Runs as people see them: progress per step, since when, by whom. Task tokens stay inside.

use std::collections::BTreeMap;

use foundation::{
    id::{CycleId, ProcessId, RunId},
    locale::Text,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    plans::PlanReference,
    run::{Approval, Attempt, Failure, ManifestReference, Mode, Run, RunState, StepProgress, Trigger},
    step::Step,
};

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// It is still to come, or what it made was dropped.
    Todo,
    /// It is at work.
    Running,
    /// It waits for a decision.
    Waiting,
    /// Its result counts.
    Done,
    /// Its last attempt failed.
    Failed,
}

/// An attempt as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptView<'a> {
    attempt: u32,
    started_at: Timestamp,
    started_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<&'a ManifestReference>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    counts: &'a BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<&'a Approval>,
}

impl<'a> From<&'a Attempt> for AttemptView<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            attempt: attempt.attempt,
            started_at: attempt.started_at,
            started_by: &attempt.started_by,
            finished_at: attempt.finished_at,
            manifest: attempt.manifest.as_ref(),
            counts: &attempt.counts,
            failure: attempt.failure.as_ref(),
            approval: attempt.approval.as_ref(),
        }
    }
}

/// A step as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepView<'a> {
    step: Step,
    state: StepState,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<u32>,
    attempts: Vec<AttemptView<'a>>,
}

/// How much of a run is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ProgressView {
    /// Steps whose results count.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
}

/// What a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingView {
    /// The step that waits.
    pub step: Step,
    /// Since when.
    pub since: Timestamp,
}

/// A list that a step wrote for people: violations of the network, findings about the bonuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportView {
    /// The step that wrote it.
    pub step: Step,
    /// How many entries there are.
    pub total: usize,
    /// The first of them.
    pub items: Vec<Value>,
}

/// A run as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunView<'a> {
    id: &'a RunId,
    process: &'a ProcessId,
    name: &'a Text,
    cycle: &'a CycleId,
    state: RunState,
    mode: Mode,
    trigger: Trigger,
    created_at: Timestamp,
    created_by: &'a str,
    driven_by: &'a str,
    since: Timestamp,
    progress: ProgressView,
    published: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a PlanReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<WaitingView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a Failure>,
    steps: Vec<StepView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<ReportView>,
    correlation: &'a str,
}

fn state_of(run: &Run, progress: &StepProgress) -> StepState {
    let Some(last) = progress.attempts.last() else { return StepState::Todo };
    match (progress.current, last.finished_at, run.state) {
        (Some(_), ..) => StepState::Done,
        (None, None, RunState::Waiting) => StepState::Waiting,
        (None, None, _) => StepState::Running,
        (None, Some(_), _) if last.failure.is_some() => StepState::Failed,
        (None, Some(_), _) => StepState::Todo,
    }
}

impl<'a> RunView<'a> {
    /// What is shown of `run`, with the report of the step that wrote one.
    pub fn of(run: &'a Run, report: Option<ReportView>) -> Self {
        let waiting = run.open_attempt().filter(|_| run.state == RunState::Waiting);
        let step = |progress: &'a StepProgress| StepView {
            step: progress.step,
            state: state_of(run, progress),
            current: progress.current,
            attempts: progress.attempts.iter().map(AttemptView::from).collect(),
        };
        let done = run.steps.iter().filter(|progress| progress.current.is_some()).count();
        Self {
            id: &run.id,
            process: &run.process,
            name: &run.name,
            cycle: &run.cycle,
            state: run.state,
            mode: run.mode,
            trigger: run.trigger,
            created_at: run.created_at,
            created_by: &run.created_by,
            driven_by: &run.driven_by,
            since: run.since(),
            progress: ProgressView { done, total: run.steps.len() },
            published: run.is_published(),
            plan: run.plan.as_ref(),
            waiting_for: waiting.map(|(step, open)| WaitingView { step, since: open.started_at }),
            failure: run.failure.as_ref(),
            steps: run.steps.iter().map(step).collect(),
            report,
            correlation: &run.correlation,
        }
    }
}

/// Where the newest report of a run lies: that of the checks, or else that of the network.
pub fn report_of(run: &Run) -> Option<(Step, &ManifestReference)> {
    [Step::ValidateBonuses, Step::VerifyNetwork].into_iter().find_map(|step| {
        let last = run.progress(step)?.attempts.last()?;
        Some((step, last.manifest.as_ref()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{at, manifest, started, walk};

    #[test]
    fn a_waiting_run_says_for_what_and_keeps_its_token_to_itself() {
        let mut run = started(Trigger::Api);
        walk(&mut run, Some(Step::ValidateBonuses));
        let step = Step::ValidateBonuses;
        run.wait(step, 1, "secret-token".into(), manifest(step, 1), BTreeMap::new()).unwrap();
        let view = RunView::of(&run, None);
        let json = serde_json::to_value(&view).unwrap();
        assert!(!json.to_string().contains("secret-token"));
        assert_eq!(json["state"], "waiting");
        assert_eq!(json["waiting_for"]["step"], "validate-bonuses");
        assert_eq!(json["waiting_for"]["since"], at(1).to_string());
        assert_eq!(json["progress"], serde_json::json!({"done": 6, "total": 9}));
        let states: Vec<_> = view.steps.iter().map(|step| step.state).collect();
        assert_eq!(states[5..8], [StepState::Done, StepState::Waiting, StepState::Todo]);
        assert_eq!(report_of(&run).unwrap().0, Step::ValidateBonuses);
    }
}
