//! Runs: start, look, ask for a step, decide.

use std::sync::Arc;

use aws::idempotency::Claim;
use commissions::{
    run::{Approval, Decision, Mode, Run, Start, Trigger},
    schedule::check_cycle,
    step::Step,
    store::RunFilter,
    view::{ReportView, RunView, report_of},
};
use foundation::{
    id::{CycleId, ProcessId, RunId},
    problem::{Fault, Malformed, NotFound},
};
use lambda::http::{Call, Reply};
use serde::{Deserialize, Serialize};

use crate::shop::{Listed, Shop};

/// Entries of a report that are shown; the file has all of them.
const REPORTED: usize = 200;
/// Characters of a comment.
const COMMENT_CHARACTERS_MAX: usize = 1_000;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewRun {
    process: ProcessId,
    cycle: CycleId,
    #[serde(default)]
    mode: Mode,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    mode: Option<Mode>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    decision: Decision,
    #[serde(default)]
    comment: String,
}

pub(crate) async fn start(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let new: NewRun = call.body()?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "start-run", &new)?;
    let process = shop.store.process(&new.process).await?;
    let cycle = shop
        .calendar
        .find(&new.cycle)
        .await?
        .filter(|cycle| cycle.calendar == process.configuration.calendar);
    let cycle = cycle.ok_or(NotFound("cycle in the calendar of the process"))?;
    let start = Start {
        id: lambda::new_id().parse().map_err(|_| Malformed::at("", "no id"))?,
        cycle: new.cycle,
        trigger: if new.mode == Mode::All { Trigger::Api } else { Trigger::Hand },
        by: caller.subject.clone(),
        at: call.received_at,
        correlation: lambda::correlation(),
    };
    let checked = check_cycle(&cycle, call.received_at);
    let run =
        shop.store.create_run(Run::start(&process, start), checked, Some(&claim), call.received_at).await?;
    if new.mode == Mode::All {
        shop.drive(&run).await?;
    }
    Reply::accepted(format!("/runs/{}", run.id), &RunView::of(&run, None))
}

pub(crate) async fn list(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let filter = RunFilter { process: call.query("process")?, cycle: call.query("cycle")? };
    let cursor = call.query::<String>("cursor")?;
    let page = shop.store.runs(&filter, call.limit()?, cursor.as_deref()).await?;
    let items = page.runs.iter().map(|run| RunView::of(run, None)).collect();
    Reply::ok(&Listed { items, next: page.next })
}

pub(crate) async fn show(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let run = shop.store.run(&call.path("runId")?).await?;
    let report = match report_of(&run) {
        Some((step, manifest)) => {
            let mut items = shop.store.report_of(manifest).await?;
            let total = items.len();
            items.truncate(REPORTED);
            Some(ReportView { step, total, items })
        }
        None => None,
    };
    Reply::ok(&RunView::of(&run, report))
}

pub(crate) async fn step(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let (id, step): (RunId, Step) = (call.path("runId")?, call.path("step")?);
    let asked: Asked = call.body()?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "ask-step", &(&id, step, &asked))?;
    let mode = asked.mode.unwrap_or(Mode::Single);
    let started = shop.store.ask_step(&id, step, mode, &caller.subject, &claim, call.received_at).await?;
    shop.drive(&started.run).await?;
    if let Some(token) = &started.overtaken {
        shop.call_back(token).await?;
    }
    Reply::accepted(format!("/runs/{id}"), &RunView::of(&started.run, None))
}

pub(crate) async fn decide(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let id: RunId = call.path("runId")?;
    let decided: Decided = call.body()?;
    if COMMENT_CHARACTERS_MAX < decided.comment.chars().count() {
        let expected = format!("expected at most {COMMENT_CHARACTERS_MAX} characters");
        return Err(Malformed::at("/comment", expected).into());
    }
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "decide-run", &(&id, &decided))?;
    let approval = Approval {
        decision: decided.decision,
        by: caller.subject.clone(),
        at: call.received_at,
        comment: decided.comment,
    };
    let person = caller.person.as_ref().map(foundation::id::PersonId::as_str);
    let (run, token) = shop.store.decide(&id, approval, person, &claim, &lambda::correlation()).await?;
    shop.call_back(&token).await?;
    Reply::ok(&RunView::of(&run, None))
}
