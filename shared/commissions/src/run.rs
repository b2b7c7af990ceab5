//! Runs: what has been done, what comes next, what may be asked for. Every decision about a run is made here.

use std::collections::BTreeMap;

use foundation::{
    id::{CycleId, ProcessId, RunId},
    locale::Text,
    problem::{Kind, Problem},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{plans::PlanReference, process::Process, step::Step};

/// What the step `pay` counts its payables as.
pub(crate) const PAYABLES: &str = "payables";

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Made; no step was asked for yet.
    Created,
    /// An execution is at work.
    Running,
    /// Waits for a person's decision.
    Waiting,
    /// The step that was asked for by hand is done.
    Paused,
    /// A step failed; it can be asked for again.
    Failed,
    /// Somebody rejected the bonuses.
    Rejected,
    /// Another run of the cycle took its place.
    Superseded,
    /// All steps are done; the process does not pay.
    Finished,
    /// Payables are made and not all of them paid.
    PaidPending,
    /// Everything is paid.
    Paid,
}

impl RunState {
    /// The state's name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
            Self::Finished => "finished",
            Self::PaidPending => "paid-pending",
            Self::Paid => "paid",
        }
    }
}

/// Whether an execution goes on after the step at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// With all steps that follow.
    #[default]
    All,
    /// Only this step.
    Single,
}

/// What started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// The schedule.
    Schedule,
    /// A request for the whole run.
    Api,
    /// A request for a run whose steps are asked for one by one.
    Hand,
}

/// Where a step's manifest lies, and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestReference {
    /// Key of the object.
    pub key: String,
    /// SHA-256 of the object.
    pub sha256: String,
}

/// Why a step did not end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The error's name in the state machine, or `Superseded`.
    pub error: String,
    /// What is known of it.
    pub detail: String,
    /// When it was recorded.
    pub at: Timestamp,
}

/// What somebody decided about the bonuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Approve or reject.
    pub decision: Decision,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub comment: String,
}

/// A decision about the bonuses of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Everyone may see theirs, and they are paid.
    Approve,
    /// They are wrong.
    Reject,
}

/// One try at a step. It is open until it has ended one way or the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counts from 1 within the step.
    pub attempt: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// Who asked for it: a token's subject, or `schedule`.
    pub started_by: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestReference>,
    /// What it counted: people, orders, lines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// Why it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// With what the waiting execution is called back. Never leaves the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

impl Attempt {
    fn is_open(&self) -> bool {
        self.finished_at.is_none()
    }
}

/// What was done of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepProgress {
    /// The step.
    pub step: Step,
    /// The attempt whose result counts; none if it was not done, or dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<u32>,
    /// All attempts, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}

impl StepProgress {
    /// The attempt whose result counts.
    pub fn result(&self) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| Some(attempt.attempt) == self.current)
    }

    fn open(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|attempt| attempt.is_open())
    }
}

/// One execution of a process for one cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The process.
    pub process: ProcessId,
    /// What people call the process.
    pub name: Text,
    /// The cycle.
    pub cycle: CycleId,
    /// Where it is.
    pub state: RunState,
    /// Whether the execution at work goes on by itself.
    pub mode: Mode,
    /// What started it.
    pub trigger: Trigger,
    /// Counts the executions of the state machine that worked on it. Only the last may change it.
    pub execution: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// Who asked for the execution at work.
    pub driven_by: String,
    /// The process's plan.
    pub plan_name: crate::plans::PlanName,
    /// The plan it computes by, since the network was integrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanReference>,
    /// Where e-mails about it go.
    #[serde(default)]
    pub mail: Vec<String>,
    /// Its steps, in order.
    pub steps: Vec<StepProgress>,
    /// Why it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The id that leads through the logs.
    pub correlation: String,
    /// Counts its changes.
    pub version: u64,
}

/// What an execution has to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This attempt at this step.
    Do(Step, u32),
    /// Nothing more.
    Stop,
}

/// Why a run cannot do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The process has no such step.
    #[error("{step} is not a step of process {process}")]
    NotAStep {
        /// The step.
        step: Step,
        /// The process.
        process: ProcessId,
    },
    /// A step before it is not done.
    #[error("step {step} is out of order: {missing} comes before it and is not done")]
    OutOfOrder {
        /// The step.
        step: Step,
        /// The first step that is missing.
        missing: Step,
    },
    /// The bonuses are visible to everyone, so nothing under them may change.
    #[error("step {step} cannot run again: the results of run {run} are published")]
    Published {
        /// The step.
        step: Step,
        /// The run.
        run: RunId,
    },
    /// The run is in a state that does not allow it.
    #[error("run {run} is {}", .state.name())]
    WrongState {
        /// The run.
        run: RunId,
        /// Its state.
        state: RunState,
    },
    /// The attempt is not the one that is open.
    #[error("attempt {attempt} at {step} is not the one at work")]
    Superseded {
        /// The step.
        step: Step,
        /// The attempt.
        attempt: u32,
    },
    /// The cycle is not over.
    #[error("cycle {cycle} is open until {end}")]
    CycleOpen {
        /// The cycle.
        cycle: CycleId,
        /// Its end.
        end: Timestamp,
    },
    /// The cycle is settled.
    #[error("cycle {cycle} is settled")]
    CycleSettled {
        /// The cycle.
        cycle: CycleId,
    },
    /// There is a run of the process and the cycle.
    #[error("run {run} of process {process} and cycle {cycle} is {}", .state.name())]
    AlreadyThere {
        /// The run there is.
        run: RunId,
        /// The process.
        process: ProcessId,
        /// The cycle.
        cycle: CycleId,
        /// Its state.
        state: RunState,
    },
    /// The caller is not among the approvers.
    #[error("the approvers of process {process} are others")]
    NotAnApprover {
        /// The process.
        process: ProcessId,
    },
    /// Somebody else changed the run at the same moment.
    #[error("run {run} was changed at the same moment; try again")]
    Changed {
        /// The run.
        run: RunId,
    },
}

impl Problem for RunError {
    fn kind(&self) -> Kind {
        match self {
            // A step that was superseded must not be tried again; no request meets that.
            Self::NotAStep { .. } | Self::CycleOpen { .. } | Self::Superseded { .. } => Kind::Rejected,
            Self::NotAnApprover { .. } => Kind::Forbidden,
            Self::OutOfOrder { .. }
            | Self::Published { .. }
            | Self::WrongState { .. }
            | Self::AlreadyThere { .. }
            | Self::CycleSettled { .. }
            | Self::Changed { .. } => Kind::Conflict,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::NotAStep { .. } => "run.not-a-step",
            Self::OutOfOrder { .. } => "run.step-out-of-order",
            Self::Published { .. } => "run.published",
            Self::WrongState { .. } => "run.state",
            Self::Superseded { .. } => "run.superseded",
            Self::CycleOpen { .. } => "run.cycle-open",
            Self::CycleSettled { .. } => "run.cycle-settled",
            Self::AlreadyThere { .. } => "run.already-there",
            Self::NotAnApprover { .. } => "run.not-an-approver",
            Self::Changed { .. } => "run.changed",
        }
    }
}

/// Who starts a run, when, and how.
#[derive(Clone, Debug)]
pub struct Start {
    /// The id of the new run.
    pub id: RunId,
    /// The cycle.
    pub cycle: CycleId,
    /// What starts it.
    pub trigger: Trigger,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The id that leads through the logs.
    pub correlation: String,
}

impl Run {
    /// A new run of `process`. One that is started by hand does nothing until a step is asked for.
    pub fn start(process: &Process, start: Start) -> Self {
        let by_hand = start.trigger == Trigger::Hand;
        let steps = &process.configuration.steps;
        Self {
            id: start.id,
            process: process.id.clone(),
            name: process.configuration.name.clone(),
            cycle: start.cycle,
            state: if by_hand { RunState::Created } else { RunState::Running },
            mode: if by_hand { Mode::Single } else { Mode::All },
            trigger: start.trigger,
            execution: u32::from(!by_hand),
            created_at: start.at,
            created_by: start.by.clone(),
            driven_by: start.by,
            plan_name: process.configuration.plan.clone(),
            plan: None,
            mail: process.configuration.mail.clone(),
            steps: steps
                .iter()
                .map(|step| StepProgress { step: *step, current: None, attempts: Vec::new() })
                .collect(),
            failure: None,
            correlation: start.correlation,
            version: 1,
        }
    }

    /// The name of the execution at work: the same execution cannot be started twice.
    pub fn execution_name(&self) -> String {
        format!("{}-{}", self.id, self.execution)
    }

    /// What was done of a step of this run.
    pub fn progress(&self, step: Step) -> Option<&StepProgress> {
        self.steps.iter().find(|progress| progress.step == step)
    }

    /// The result of a step that counts.
    pub fn result(&self, step: Step) -> Option<&Attempt> {
        self.progress(step).and_then(StepProgress::result)
    }

    /// The attempt that is open, and its step.
    pub fn open_attempt(&self) -> Option<(Step, &Attempt)> {
        self.steps.iter().find_map(|progress| Some((progress.step, progress.open()?)))
    }

    /// Whether everyone may see the results.
    pub fn is_published(&self) -> bool {
        self.result(Step::ValidateBonuses).is_some()
    }

    /// Whether later cycles may build on its results.
    pub fn stands(&self) -> bool {
        self.is_published() || self.state == RunState::Finished
    }

    /// Whether another run of the same cycle may take this one's place.
    pub fn may_be_replaced(&self) -> bool {
        !self.is_published()
            && matches!(self.state, RunState::Failed | RunState::Rejected | RunState::Created)
    }

    /// This run after another took its place.
    pub fn replace(&mut self) {
        self.state = RunState::Superseded;
    }

    fn wrong_state(&self) -> RunError {
        RunError::WrongState { run: self.id.clone(), state: self.state }
    }

    fn position(&self, step: Step) -> Result<usize, RunError> {
        let place = self.steps.iter().position(|progress| progress.step == step);
        place.ok_or_else(|| RunError::NotAStep { step, process: self.process.clone() })
    }

    /// Opens the next attempt at a step and drops what later steps made.
    fn begin(&mut self, place: usize, now: Timestamp) -> u32 {
        for later in self.steps.iter_mut().skip(place) {
            later.current = None;
        }
        let started_by = self.driven_by.clone();
        let Some(progress) = self.steps.get_mut(place) else { return 0 };
        let attempt = progress.attempts.last().map_or(1, |last| last.attempt + 1);
        progress.attempts.push(Attempt {
            attempt,
            started_at: now,
            started_by,
            finished_at: None,
            manifest: None,
            counts: BTreeMap::new(),
            failure: None,
            token: None,
            approval: None,
        });
        attempt
    }

    /// Asks for a step by hand. Gives the token of the execution that waited and is now to be ended, if there is one.
    pub fn ask(
        &mut self,
        step: Step,
        mode: Mode,
        by: &str,
        now: Timestamp,
    ) -> Result<Option<String>, RunError> {
        use RunState::{Created, Failed, Finished, PaidPending, Paused, Rejected, Waiting};
        let place = self.position(step)?;
        if self.is_published() && self.position(Step::ValidateBonuses).is_ok_and(|last| place <= last) {
            return Err(RunError::Published { step, run: self.id.clone() });
        }
        let pays_again = self.state == PaidPending && step == Step::Pay;
        if !pays_again && !matches!(self.state, Created | Failed | Finished | Paused | Rejected | Waiting) {
            return Err(self.wrong_state());
        }
        if let Some(missing) = self.steps.iter().take(place).find(|earlier| earlier.current.is_none()) {
            return Err(RunError::OutOfOrder { step, missing: missing.step });
        }
        let waiting = self.close_open(&Failure {
            error: "Superseded".to_owned(),
            detail: format!("{step} was asked for again"),
            at: now,
        });
        by.clone_into(&mut self.driven_by);
        self.begin(place, now);
        self.state = RunState::Running;
        self.mode = mode;
        self.execution += 1;
        self.failure = None;
        Ok(waiting)
    }

    fn close_open(&mut self, failure: &Failure) -> Option<String> {
        let open = self
            .steps
            .iter_mut()
            .find_map(|progress| progress.attempts.last_mut().filter(|last| last.is_open()))?;
        open.finished_at = Some(failure.at);
        open.failure = Some(failure.clone());
        open.token.take()
    }

    /// What the execution numbered `execution` has to do now; opens the attempt if there is none. Asked again it says the same.
    pub fn advance(&mut self, execution: u32, now: Timestamp) -> Next {
        if execution != self.execution || self.state != RunState::Running {
            return Next::Stop;
        }
        if let Some((step, open)) = self.open_attempt() {
            return Next::Do(step, open.attempt);
        }
        let Some(place) = self.steps.iter().position(|progress| progress.current.is_none()) else {
            self.state = match self.result(Step::Pay).map(|paid| paid.counts.get(PAYABLES)) {
                None => RunState::Finished,
                // Nobody is owed anything, so that no payment will ever say that all is paid.
                Some(Some(0)) => RunState::Paid,
                Some(_) => RunState::PaidPending,
            };
            return Next::Stop;
        };
        if self.mode == Mode::Single {
            self.state = RunState::Paused;
            return Next::Stop;
        }
        let attempt = self.begin(place, now);
        Next::Do(self.steps[place].step, attempt)
    }

    fn open_mut(&mut self, step: Step, attempt: u32) -> Result<&mut Attempt, RunError> {
        let progress = self.steps.iter_mut().find(|progress| progress.step == step);
        progress
            .and_then(|progress| progress.attempts.last_mut())
            .filter(|last| last.attempt == attempt && last.is_open())
            .ok_or(RunError::Superseded { step, attempt })
    }

    /// Whether this attempt's result counts already, so that there is nothing left to do for it.
    pub fn is_done(&self, step: Step, attempt: u32) -> bool {
        self.progress(step).is_some_and(|progress| progress.current == Some(attempt))
    }

    /// Makes the attempt's result the one that counts.
    pub fn finish(
        &mut self,
        step: Step,
        attempt: u32,
        manifest: ManifestReference,
        counts: BTreeMap<String, u64>,
        now: Timestamp,
    ) -> Result<(), RunError> {
        let open = self.open_mut(step, attempt)?;
        open.finished_at = Some(now);
        open.manifest = Some(manifest);
        open.counts = counts;
        self.make_current(step, attempt);
        Ok(())
    }

    /// Notes what the open attempt wrote without ending it. Says whether that was news.
    pub fn note(
        &mut self,
        step: Step,
        attempt: u32,
        manifest: &ManifestReference,
        counts: &BTreeMap<String, u64>,
    ) -> Result<bool, RunError> {
        let open = self.open_mut(step, attempt)?;
        let news = open.manifest.as_ref() != Some(manifest);
        open.manifest = Some(manifest.clone());
        open.counts.clone_from(counts);
        Ok(news)
    }

    fn make_current(&mut self, step: Step, attempt: u32) {
        if let Some(progress) = self.steps.iter_mut().find(|progress| progress.step == step) {
            progress.current = Some(attempt);
        }
    }

    /// The attempt has its result and waits for a decision; `token` calls the execution back. Told again with another token, that counts.
    pub fn wait(
        &mut self,
        step: Step,
        attempt: u32,
        token: String,
        manifest: ManifestReference,
        counts: BTreeMap<String, u64>,
    ) -> Result<(), RunError> {
        if !matches!(self.state, RunState::Running | RunState::Waiting) {
            return Err(RunError::Superseded { step, attempt });
        }
        let open = self.open_mut(step, attempt)?;
        open.manifest = Some(manifest);
        open.counts = counts;
        open.token = Some(token);
        self.state = RunState::Waiting;
        Ok(())
    }

    /// Records the decision about the bonuses. Gives the token of the execution that waits for it.
    pub fn decide(&mut self, approval: Approval) -> Result<String, RunError> {
        let wrong = self.wrong_state();
        if self.state != RunState::Waiting {
            return Err(wrong);
        }
        let (decision, at) = (approval.decision, approval.at);
        let attempt = self.open_attempt().filter(|(step, _)| *step == Step::ValidateBonuses);
        let attempt = attempt.map(|(_, open)| open.attempt).ok_or_else(|| wrong.clone())?;
        let open = self.open_mut(Step::ValidateBonuses, attempt)?;
        let token = open.token.clone().ok_or(wrong)?;
        open.finished_at = Some(at);
        open.approval = Some(approval);
        match decision {
            Decision::Approve => {
                self.make_current(Step::ValidateBonuses, attempt);
                self.state = RunState::Running;
            }
            Decision::Reject => self.state = RunState::Rejected,
        }
        Ok(token)
    }

    /// Records why the execution numbered `execution` stopped. Says whether this run failed by it: one that was decided,
    /// superseded or is driven by another execution did not.
    pub fn fail(&mut self, execution: u32, failure: &Failure) -> bool {
        if execution != self.execution || !matches!(self.state, RunState::Running | RunState::Waiting) {
            return false;
        }
        self.close_open(failure);
        self.state = RunState::Failed;
        self.failure = Some(failure.clone());
        true
    }

    /// The token of the execution that waited for a decision that was made: it is called back again in case nobody did.
    pub fn decided_token(&self) -> Option<&str> {
        self.result(Step::ValidateBonuses)?.token.as_deref()
    }

    /// Everything is paid.
    pub fn paid(&mut self) -> Result<(), RunError> {
        match self.state {
            RunState::PaidPending | RunState::Paid => {
                self.state = RunState::Paid;
                Ok(())
            }
            _ => Err(self.wrong_state()),
        }
    }

    /// Since when it has been where it is.
    pub fn since(&self) -> Timestamp {
        let moments = self.steps.iter().flat_map(|progress| &progress.attempts);
        moments
            .map(|attempt| attempt.finished_at.unwrap_or(attempt.started_at))
            .fold(self.created_at, Timestamp::max)
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
pub(crate) mod tests;
