//! Tests of [`super`]: walks through runs, and what holds on every walk.

use proptest::prelude::*;

use super::*;
use crate::process::{Category, Configuration};

const STEPS: [Step; 9] = [
    Step::VerifyNetwork,
    Step::IntegrateNetwork,
    Step::CalculateIndicators,
    Step::CalculateRank,
    Step::CalculateBonuses,
    Step::IntegrateIndicators,
    Step::ValidateBonuses,
    Step::ApplyHonorificRank,
    Step::Pay,
];

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub(crate) fn started(trigger: Trigger) -> Run {
    let configuration = Configuration {
        name: Text { es: "Mensual".into(), en: "Monthly".into() },
        category: Category::Monthly,
        calendar: "commercial".into(),
        plan: "monthly".parse().unwrap(),
        steps: STEPS.to_vec(),
        scheduled: false,
        approvers: vec![],
        mail: vec![],
        version: 1,
    };
    let process = Process { id: "monthly".parse().unwrap(), configuration };
    let start = Start {
        id: "R1".parse().unwrap(),
        cycle: "2026-10".parse().unwrap(),
        trigger,
        by: "ana".into(),
        at: at(0),
        correlation: "c-12345678".into(),
    };
    Run::start(&process, start)
}

pub(crate) fn manifest(step: Step, attempt: u32) -> ManifestReference {
    ManifestReference { key: format!("{step}/{attempt}"), sha256: "0".repeat(64) }
}

fn done(run: &mut Run, step: Step, attempt: u32) -> Result<(), RunError> {
    run.finish(step, attempt, manifest(step, attempt), BTreeMap::new(), at(1))
}

fn waits(run: &mut Run, attempt: u32, token: &str) -> Result<(), RunError> {
    let step = Step::ValidateBonuses;
    run.wait(step, attempt, token.into(), manifest(step, attempt), BTreeMap::new())
}

fn approval(decision: Decision) -> Approval {
    Approval { decision, by: "eva".into(), at: at(2), comment: "revisado".into() }
}

/// Does steps until the run stops or `until` is to be done.
pub(crate) fn walk(run: &mut Run, until: Option<Step>) -> Next {
    loop {
        match run.advance(run.execution, at(1)) {
            Next::Do(step, attempt) if Some(step) != until => done(run, step, attempt).unwrap(),
            other => return other,
        }
    }
}

fn failure() -> Failure {
    Failure { error: "Broken".into(), detail: "engine".into(), at: at(3) }
}

#[test]
fn a_whole_run_goes_step_by_step_waits_and_ends_to_be_paid() {
    let mut run = started(Trigger::Schedule);
    assert_eq!(walk(&mut run, Some(Step::ValidateBonuses)), Next::Do(Step::ValidateBonuses, 1));
    waits(&mut run, 1, "t1").unwrap();
    assert_eq!(run.state, RunState::Waiting);
    assert!(!run.is_published());
    waits(&mut run, 1, "t2").unwrap();
    assert_eq!(run.decide(approval(Decision::Approve)).unwrap(), "t2");
    assert!(run.is_published());
    assert_eq!(walk(&mut run, None), Next::Stop);
    assert_eq!(run.state, RunState::PaidPending);
    run.paid().unwrap();
    assert_eq!(run.state, RunState::Paid);
}

#[test]
fn a_run_that_owes_nobody_anything_is_paid_at_once() {
    let mut run = started(Trigger::Schedule);
    walk(&mut run, Some(Step::ValidateBonuses));
    waits(&mut run, 1, "t1").unwrap();
    run.decide(approval(Decision::Approve)).unwrap();
    walk(&mut run, Some(Step::Pay));
    let nothing = BTreeMap::from([(PAYABLES.to_owned(), 0)]);
    run.finish(Step::Pay, 1, manifest(Step::Pay, 1), nothing, at(4)).unwrap();
    assert_eq!(run.advance(1, at(4)), Next::Stop);
    assert_eq!(run.state, RunState::Paid);
}

#[test]
fn asking_what_comes_next_again_gives_the_same_attempt() {
    let mut run = started(Trigger::Api);
    let first = run.advance(1, at(1));
    assert_eq!(first, Next::Do(Step::VerifyNetwork, 1));
    assert_eq!(run.advance(1, at(5)), first);
    assert_eq!(run.steps[0].attempts.len(), 1);
}

#[test]
fn by_hand_one_step_is_done_and_the_run_pauses() {
    let mut run = started(Trigger::Hand);
    assert_eq!(run.advance(run.execution, at(1)), Next::Stop, "nothing was asked for");
    run.ask(Step::VerifyNetwork, Mode::Single, "ana", at(1)).unwrap();
    assert_eq!(walk(&mut run, None), Next::Stop);
    assert_eq!(run.state, RunState::Paused);
    let refused = run.ask(Step::CalculateRank, Mode::Single, "ana", at(2)).unwrap_err();
    assert_eq!(refused.code(), "run.step-out-of-order");
    assert!(refused.to_string().contains("integrate-network"), "{refused}");
}

#[test]
fn integrating_again_drops_everything_after_it_and_keeps_what_was_written() {
    let mut run = started(Trigger::Api);
    walk(&mut run, Some(Step::CalculateBonuses));
    assert!(run.fail(1, &failure()));
    run.ask(Step::IntegrateNetwork, Mode::All, "ana", at(4)).unwrap();
    let done: Vec<_> = run.steps.iter().filter(|step| step.current.is_some()).map(|step| step.step).collect();
    assert_eq!(done, [Step::VerifyNetwork]);
    assert_eq!(run.progress(Step::CalculateIndicators).unwrap().attempts.len(), 1);
    assert_eq!(run.advance(2, at(5)), Next::Do(Step::IntegrateNetwork, 2));
}

#[test]
fn an_execution_that_was_overtaken_changes_nothing() {
    let mut run = started(Trigger::Api);
    walk(&mut run, Some(Step::ValidateBonuses));
    waits(&mut run, 1, "t1").unwrap();
    assert_eq!(run.ask(Step::CalculateBonuses, Mode::All, "ana", at(4)).unwrap().as_deref(), Some("t1"));
    assert!(!run.fail(1, &failure()), "the old execution's failure is not this run's");
    assert_eq!(run.advance(1, at(5)), Next::Stop);
    assert_eq!(waits(&mut run, 1, "t9").unwrap_err().code(), "run.superseded");
    assert_eq!(run.advance(2, at(5)), Next::Do(Step::CalculateBonuses, 2));
}

#[test]
fn a_rejected_run_can_be_done_again_and_a_published_one_cannot() {
    let mut run = started(Trigger::Api);
    walk(&mut run, Some(Step::ValidateBonuses));
    waits(&mut run, 1, "t1").unwrap();
    run.decide(approval(Decision::Reject)).unwrap();
    assert_eq!(run.state, RunState::Rejected);
    assert!(!run.fail(1, &failure()), "a rejection is no failure");
    assert!(run.may_be_replaced());
    run.ask(Step::CalculateBonuses, Mode::All, "ana", at(4)).unwrap();
    walk(&mut run, Some(Step::ValidateBonuses));
    waits(&mut run, 2, "t2").unwrap();
    run.decide(approval(Decision::Approve)).unwrap();
    walk(&mut run, Some(Step::Pay));
    assert!(run.fail(2, &failure()));
    assert!(!run.may_be_replaced());
    assert_eq!(run.ask(Step::CalculateBonuses, Mode::All, "ana", at(5)).unwrap_err().code(), "run.published");
    run.ask(Step::Pay, Mode::All, "ana", at(5)).unwrap();
    assert_eq!(walk(&mut run, None), Next::Stop);
    assert_eq!(run.state, RunState::PaidPending);
}

#[test]
fn a_decision_needs_a_run_that_waits_for_one() {
    let mut run = started(Trigger::Api);
    walk(&mut run, Some(Step::CalculateRank));
    assert_eq!(run.decide(approval(Decision::Approve)).unwrap_err().code(), "run.state");
}

/// Something that happens to a run.
#[derive(Clone, Debug)]
enum Event {
    Advance,
    AdvanceOfAnOldExecution,
    Finish,
    Ask(usize, Mode),
    Decide(Decision),
    Fail,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let mode = prop_oneof![Just(Mode::All), Just(Mode::Single)];
    let event = prop_oneof![
        4 => Just(Event::Advance),
        1 => Just(Event::AdvanceOfAnOldExecution),
        4 => Just(Event::Finish),
        2 => (0..STEPS.len(), mode).prop_map(|(step, mode)| Event::Ask(step, mode)),
        1 => prop_oneof![Just(Decision::Approve), Just(Decision::Reject)].prop_map(Event::Decide),
        1 => Just(Event::Fail),
    ];
    prop::collection::vec(event, 0..80)
}

fn happen(run: &mut Run, event: Event) {
    match event {
        Event::Advance => drop(run.advance(run.execution, at(1))),
        Event::AdvanceOfAnOldExecution => drop(run.advance(run.execution.wrapping_sub(1), at(1))),
        Event::Finish => {
            if let Some((step, attempt)) = run.open_attempt().map(|(step, open)| (step, open.attempt)) {
                let _ = match step {
                    Step::ValidateBonuses => waits(run, attempt, "t"),
                    _ => done(run, step, attempt),
                };
            }
        }
        Event::Ask(step, mode) => drop(run.ask(STEPS[step], mode, "ana", at(1))),
        Event::Decide(decision) => drop(run.decide(approval(decision))),
        Event::Fail => drop(run.fail(run.execution, &failure())),
    }
}

proptest! {
    #[test]
    fn on_every_walk_results_are_complete_attempts_count_up_and_what_is_published_stays(events in events()) {
        let mut run = started(Trigger::Api);
        let mut published: Option<Vec<StepProgress>> = None;
        for event in events {
            happen(&mut run, event);
            let first_missing = run.steps.iter().position(|step| step.current.is_none()).unwrap_or(STEPS.len());
            prop_assert!(run.steps[first_missing..].iter().all(|step| step.current.is_none()), "a result without what it was made from");
            let open = run.steps.iter().flat_map(|step| &step.attempts).filter(|attempt| attempt.is_open()).count();
            prop_assert!(open <= 1, "two attempts at work");
            prop_assert!(open == 0 || matches!(run.state, RunState::Running | RunState::Waiting), "{:?} with open work", run.state);
            for step in &run.steps {
                let numbers: Vec<_> = step.attempts.iter().map(|attempt| attempt.attempt).collect();
                prop_assert_eq!(&numbers, &(1..).take(numbers.len()).collect::<Vec<u32>>());
                if let Some(result) = step.result() {
                    prop_assert!(result.manifest.is_some() && result.failure.is_none());
                }
            }
            if let Some(before) = &published {
                prop_assert_eq!(&run.steps[..7], &before[..], "published results changed");
            } else if run.is_published() {
                published = Some(run.steps[..7].to_vec());
            }
        }
    }

    #[test]
    fn a_run_comes_back_from_its_json(events in events()) {
        let mut run = started(Trigger::Api);
        for event in events {
            happen(&mut run, event);
        }
        let text = serde_json::to_string(&run).unwrap();
        prop_assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), run);
    }
}
