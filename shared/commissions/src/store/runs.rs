//! Runs in the table: made, changed under their version, listed.

use aws::{Attribute, AwsError, Condition, Write, from_item, idempotency::Claim, outbox, text, to_item};
use foundation::{
    fact::Envelope,
    id::{CycleId, ProcessId, RunId},
    problem::{Fault, NotFound},
};
use jiff::Timestamp;

use super::{Claimed, Commissions};
use crate::{
    facts::{RunFailed, StatementsPublished},
    keys,
    run::{Approval, Decision, Failure, Mode, Run, RunError, RunState},
    settlement::Visibility,
    step::Step,
};

/// How often a change is tried again when somebody else changed the run at the same moment.
const CHANGES_MAX: u32 = 5;

/// A page of runs, newest first.
#[derive(Clone, Debug)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// What the next page is asked with.
    pub next: Option<String>,
}

/// Which runs are listed, or simulations of runs.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Only those of this process.
    pub process: Option<ProcessId>,
    /// Only those of this cycle.
    pub cycle: Option<CycleId>,
}

impl RunFilter {
    pub(super) fn lets_through(&self, process: &ProcessId, cycle: &CycleId) -> bool {
        self.process.as_ref().is_none_or(|wanted| wanted == process)
            && self.cycle.as_ref().is_none_or(|wanted| wanted == cycle)
    }
}

/// A run whose execution is to be started.
#[derive(Clone, Debug)]
pub struct Started {
    /// The run.
    pub run: Run,
    /// The execution that waited and is to be ended.
    pub overtaken: Option<String>,
}

impl Commissions {
    /// A run.
    pub async fn run(&self, id: &RunId) -> Result<Run, Fault> {
        let item = self.table.get(keys::run(id)).await?.ok_or(NotFound("run"))?;
        Ok(from_item(item).map_err(AwsError::from)?)
    }

    /// The run a process has for a cycle, if there is one.
    pub async fn run_of(&self, process: &ProcessId, cycle: &CycleId) -> Result<Option<Run>, Fault> {
        let Some(slot) = self.table.get(keys::slot(process, cycle)).await? else { return Ok(None) };
        let id = slot.get("run").and_then(|id| id.as_s().ok()).and_then(|id| id.parse().ok());
        match id {
            Some(id) => Ok(Some(self.run(&id).await?)),
            None => Ok(None),
        }
    }

    /// Puts a new run in the place of its process and cycle. If there is a run that may not be replaced, it is named. `eligible`
    /// says whether the cycle can be run at all; a repeated request gets its first answer even if the cycle was settled since.
    pub async fn create_run(
        &self,
        run: Run,
        eligible: Result<(), RunError>,
        claim: Option<&Claim>,
        now: Timestamp,
    ) -> Result<Run, Fault> {
        if let Some(claim) = claim
            && let Some(first) = self.answered::<RunId>(claim).await?
        {
            return self.run(&first).await;
        }
        eligible?;
        let standing = self.run_of(&run.process, &run.cycle).await?;
        let mut writes = vec![self.new_run(&run)?];
        let slot =
            keys::slot(&run.process, &run.cycle).onto([("run".to_owned(), text(run.id.as_str()))].into());
        let free = match standing {
            None => Condition::Absent,
            Some(mut before) if before.may_be_replaced() => {
                let held = Condition::Equals("run", text(before.id.as_str()));
                before.replace();
                writes.push(self.changed_run(&mut before)?);
                held
            }
            Some(before) => return Err(already_there(&before).into()),
        };
        writes.push(Write::Put(self.table.clone(), slot, free));
        let outcome = match claim {
            Some(claim) => self.transact_once(writes, claim, &run.id, now).await,
            None => self.aws.transact(writes).await.map(|()| Claimed::Done).map_err(Fault::from),
        };
        match outcome {
            Ok(Claimed::Done) => Ok(run),
            Ok(Claimed::Before(first)) => self.run(&first).await,
            // Somebody else was quicker.
            Err(fault) => match self.run_of(&run.process, &run.cycle).await? {
                Some(other) if !other.may_be_replaced() => Err(already_there(&other).into()),
                _ => Err(fault),
            },
        }
    }

    fn new_run(&self, run: &Run) -> Result<Write, Fault> {
        Ok(Write::Put(self.table.clone(), run_item(run)?, Condition::Absent))
    }

    /// The write that changes a run, which must be as it was read.
    fn changed_run(&self, run: &mut Run) -> Result<Write, Fault> {
        let known = Condition::Equals("version", Attribute::N(run.version.to_string()));
        run.version += 1;
        Ok(Write::Put(self.table.clone(), run_item(run)?, known))
    }

    /// Changes a run and does what belongs to the change in the same transaction. `change` is asked again if somebody else
    /// changed the run at the same moment; where it gives none, nothing is written.
    pub(crate) async fn change<T>(
        &self,
        id: &RunId,
        mut change: impl FnMut(&mut Run) -> Result<Option<(T, Vec<Write>)>, Fault>,
    ) -> Result<(Run, Option<T>), Fault> {
        for _ in 0..CHANGES_MAX {
            let mut run = self.run(id).await?;
            let Some((outcome, mut writes)) = change(&mut run)? else { return Ok((run, None)) };
            writes.push(self.changed_run(&mut run)?);
            match self.aws.transact(writes).await {
                Ok(()) => return Ok((run, Some(outcome))),
                Err(error) if error.is_condition() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RunError::Changed { run: id.clone() }.into())
    }

    /// Asks for a step by hand.
    pub async fn ask_step(
        &self,
        id: &RunId,
        step: Step,
        mode: Mode,
        by: &str,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Started, Fault> {
        if let Some(overtaken) = self.answered::<Option<String>>(claim).await? {
            return Ok(Started { run: self.run(id).await?, overtaken });
        }
        let mut run = self.run(id).await?;
        if self.run_of(&run.process, &run.cycle).await?.is_none_or(|current| current.id != run.id) {
            return Err(RunError::WrongState { run: run.id, state: RunState::Superseded }.into());
        }
        let overtaken = run.ask(step, mode, by, now)?;
        let writes = vec![self.changed_run(&mut run)?];
        match self.transact_once(writes, claim, &overtaken, now).await? {
            Claimed::Done => Ok(Started { run, overtaken }),
            Claimed::Before(overtaken) => Ok(Started { run: self.run(id).await?, overtaken }),
        }
    }

    /// Records the decision about a run's bonuses; an approval makes the results visible to everyone. Gives the run and the
    /// token of the execution that waits.
    pub async fn decide(
        &self,
        id: &RunId,
        approval: Approval,
        person: Option<&str>,
        claim: &Claim,
        correlation: &str,
    ) -> Result<(Run, String), Fault> {
        let (at, by, decision) = (approval.at, approval.by.clone(), approval.decision);
        if let Some(token) = self.answered::<String>(claim).await? {
            return Ok((self.run(id).await?, token));
        }
        let mut run = self.run(id).await?;
        let process = self.process(&run.process).await?;
        if !process.configuration.lets_approve(&by, person) {
            return Err(RunError::NotAnApprover { process: process.id }.into());
        }
        let token = run.decide(approval)?;
        let mut writes = vec![self.changed_run(&mut run)?];
        if decision == Decision::Approve {
            writes.push(self.visibility_write(&run, &by, at)?);
            let fact = StatementsPublished {
                run: run.id.clone(),
                process: run.process.clone(),
                cycle: run.cycle.clone(),
            };
            writes.push(outbox::write(&self.table, &Envelope::of(fact, at, at, correlation))?);
        }
        match self.transact_once(writes, claim, &token, at).await? {
            Claimed::Done => Ok((run, token)),
            Claimed::Before(token) => Ok((self.run(id).await?, token)),
        }
    }

    fn visibility_write(&self, run: &Run, by: &str, at: Timestamp) -> Result<Write, Fault> {
        let attempt = run.result(Step::IntegrateIndicators).map_or(0, |result| result.attempt);
        let visibility =
            Visibility { run: run.id.clone(), attempt, published_at: at, published_by: by.to_owned() };
        let item = to_item(&visibility).map_err(AwsError::from)?;
        let key = keys::visible(&run.process, &run.cycle);
        Ok(Write::Put(self.table.clone(), key.onto(item), Condition::Always))
    }

    /// Records why an execution stopped, and tells it, if the run failed by it.
    pub async fn fail(
        &self,
        id: &RunId,
        execution: u32,
        failure: Failure,
        correlation: &str,
    ) -> Result<Run, Fault> {
        let changed = self.change(id, |run| {
            let step = run.open_attempt().map(|(step, _)| step);
            if !run.fail(execution, &failure) {
                return Ok(None);
            }
            let fact = Envelope::of(RunFailed::of(run, step, &failure), failure.at, failure.at, correlation);
            Ok(Some(((), vec![outbox::write(&self.table, &fact)?])))
        });
        Ok(changed.await?.0)
    }

    /// What the execution numbered `execution` has to do now.
    pub async fn advance(
        &self,
        id: &RunId,
        execution: u32,
        now: Timestamp,
    ) -> Result<(Run, crate::run::Next), Fault> {
        let mut next = crate::run::Next::Stop;
        let (run, _) = self
            .change(id, |run| {
                let before = run.clone();
                next = run.advance(execution, now);
                Ok((*run != before).then_some(((), Vec::new())))
            })
            .await?;
        Ok((run, next))
    }

    /// Everything the run made payable is paid.
    pub async fn mark_paid(&self, id: &RunId) -> Result<Run, Fault> {
        let changed = self.change(id, |run| {
            let before = run.state;
            run.paid()?;
            Ok((run.state != before).then_some(((), Vec::new())))
        });
        Ok(changed.await?.0)
    }

    /// Runs, newest first. A page may hold fewer than `limit` where a filter passes some over.
    pub async fn runs(&self, filter: &RunFilter, limit: u16, cursor: Option<&str>) -> Result<RunPage, Fault> {
        let (mut runs, next) = self.newest::<Run>(keys::RUNS, limit, cursor).await?;
        runs.retain(|run| filter.lets_through(&run.process, &run.cycle));
        Ok(RunPage { runs, next })
    }
}

fn already_there(run: &Run) -> RunError {
    RunError::AlreadyThere {
        run: run.id.clone(),
        process: run.process.clone(),
        cycle: run.cycle.clone(),
        state: run.state,
    }
}

fn run_item(run: &Run) -> Result<aws::Item, Fault> {
    let item = to_item(run).map_err(AwsError::from)?;
    Ok(keys::among_runs(keys::run(&run.id).onto(item), run.created_at, &run.id))
}
