//! What the schedule starts: for each scheduled process the oldest cycle that is over and not settled, one at a time.

use calendar::{Calendar, Cycle, CycleState};
use foundation::{
    id::{CycleId, ProcessId, RunId},
    problem::Fault,
};
use jiff::Timestamp;

use crate::{
    process::Process,
    run::{Mode, Run, RunError, RunState, Start, Trigger},
    store::Commissions,
};

/// What is to be done for a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Start a run for this cycle.
    Start(CycleId),
    /// See that the execution of the run there is was started, and called back if it was decided.
    Nudge(RunId),
    /// Nothing is due, or somebody has to act first.
    Nothing,
}

/// The cycle a process has to settle next: the oldest that is over and not settled.
pub fn next_cycle(cycles: &[Cycle], now: Timestamp) -> Option<&Cycle> {
    cycles
        .iter()
        .filter(|cycle| cycle.end <= now && cycle.state != CycleState::Settled)
        .min_by_key(|cycle| cycle.start)
}

/// What is to be done for the next cycle of a process, given the run there is for it.
pub fn due(cycle: &CycleId, run: Option<&Run>) -> Due {
    match run {
        None => Due::Start(cycle.clone()),
        Some(run) if matches!(run.state, RunState::Running) && run.mode == Mode::All => {
            Due::Nudge(run.id.clone())
        }
        // It waits for somebody, somebody goes step by step, or somebody has to see why it failed.
        Some(_) => Due::Nothing,
    }
}

/// Refuses a run for a cycle that is not over or was settled.
pub fn check_cycle(cycle: &Cycle, now: Timestamp) -> Result<(), RunError> {
    if now < cycle.end {
        return Err(RunError::CycleOpen { cycle: cycle.id.clone(), end: cycle.end });
    }
    if cycle.state == CycleState::Settled {
        return Err(RunError::CycleSettled { cycle: cycle.id.clone() });
    }
    Ok(())
}

/// Runs whose executions are to be started, which were started before perhaps: the new ones and those at work. `only` looks for one
/// process, scheduled or not. `new_id` gives ids of new runs.
pub async fn look_for_due(
    store: &Commissions,
    calendar: &Calendar,
    only: Option<&ProcessId>,
    new_id: impl Fn() -> Result<RunId, Fault>,
    now: Timestamp,
    correlation: &str,
) -> Result<Vec<Run>, Fault> {
    let mut found = Vec::new();
    for process in store.processes().await? {
        let wanted = only.map_or(process.configuration.scheduled, |only| *only == process.id);
        if !wanted {
            continue;
        }
        let cycles = calendar.list(&process.configuration.calendar).await?;
        let Some(cycle) = next_cycle(&cycles, now) else { continue };
        let standing = store.run_of(&process.id, &cycle.id).await?;
        match due(&cycle.id, standing.as_ref()) {
            Due::Nothing => {}
            Due::Nudge(_) => found.extend(standing),
            Due::Start(cycle) => {
                found.extend(start(store, &process, cycle, new_id()?, now, correlation).await?);
            }
        }
    }
    Ok(found)
}

async fn start(
    store: &Commissions,
    process: &Process,
    cycle: CycleId,
    id: RunId,
    now: Timestamp,
    correlation: &str,
) -> Result<Option<Run>, Fault> {
    let start = Start {
        id,
        cycle: cycle.clone(),
        trigger: Trigger::Schedule,
        by: "schedule".to_owned(),
        at: now,
        correlation: correlation.to_owned(),
    };
    match store.create_run(Run::start(process, start), Ok(()), None, now).await {
        Ok(run) => Ok(Some(run)),
        // Somebody else started it at the same moment.
        Err(_) if store.run_of(&process.id, &cycle).await?.is_some() => Ok(None),
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn cycle(month: i8, state: CycleState) -> Cycle {
        let first_day = jiff::civil::date(2026, month, 1);
        let zone = jiff::tz::TimeZone::UTC;
        let start = first_day.to_zoned(zone.clone()).unwrap().timestamp();
        let last_day = first_day.last_of_month();
        Cycle {
            id: format!("2026-{month:02}").parse().unwrap(),
            calendar: "commercial".into(),
            first_day,
            last_day,
            start,
            end: last_day.tomorrow().unwrap().to_zoned(zone).unwrap().timestamp(),
            state,
            base: "COP".parse().unwrap(),
            rates: BTreeMap::new(),
            closed_by: None,
            settled_by: None,
            version: 1,
        }
    }

    #[test]
    fn the_oldest_cycle_that_is_over_and_not_settled_is_next() {
        use CycleState::{Closed, Open, Settled};
        let cycles = [cycle(4, Open), cycle(3, Open), cycle(2, Closed), cycle(1, Settled)];
        let next = |now: &str| next_cycle(&cycles, now.parse().unwrap()).map(|cycle| cycle.id.to_string());
        assert_eq!(next("2026-04-15T00:00:00Z").as_deref(), Some("2026-02"));
        assert_eq!(next("2026-02-28T23:59:59Z"), None, "nothing is over but what is settled");
        assert_eq!(
            next("2026-03-01T00:00:00Z").as_deref(),
            Some("2026-02"),
            "the end belongs to the next cycle"
        );
    }

    #[test]
    fn a_run_for_an_open_or_settled_cycle_is_refused() {
        let now = "2026-03-15T00:00:00Z".parse().unwrap();
        let cases = [
            (cycle(3, CycleState::Open), Some("run.cycle-open")),
            (cycle(2, CycleState::Open), None),
            (cycle(2, CycleState::Closed), None),
            (cycle(2, CycleState::Settled), Some("run.cycle-settled")),
        ];
        for (cycle, code) in cases {
            let refused = check_cycle(&cycle, now).err();
            assert_eq!(
                refused.as_ref().map(foundation::problem::Problem::code),
                code,
                "{} {:?}",
                cycle.id,
                cycle.state
            );
        }
    }
}
