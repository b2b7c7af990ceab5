//! Keys of the commissions table and of objects in the runs bucket that no manifest names.

use aws::{Item, Key, text};
use foundation::id::{CycleId, PersonId, ProcessId, RunId, SimulationId};
use jiff::Timestamp;

use crate::plans::PlanName;

/// Partition of all processes.
pub(crate) const PROCESSES: &str = "PROCESS";
/// Partition of all versions of plans.
pub(crate) const PLANS: &str = "PLAN";
/// The index of runs and simulations by time and of settlements by run.
pub(crate) const RUN_INDEX: &str = "run";
/// Partition of all runs in the index.
pub(crate) const RUNS: &str = "RUNS";
/// Partition of all simulations in the index.
pub(crate) const SIMULATIONS: &str = "SIMULATIONS";

pub(crate) fn process(id: &ProcessId) -> Key {
    Key::new(PROCESSES, id.as_str())
}

pub(crate) fn plan(name: &PlanName, version: u32) -> Key {
    Key::new(PLANS, format!("{}{version:08}", plan_prefix(name)))
}

pub(crate) fn plan_prefix(name: &PlanName) -> String {
    format!("{name}#")
}

pub(crate) fn run(id: &RunId) -> Key {
    Key::new(format!("RUN#{id}"), "RUN")
}

pub(crate) fn simulation(id: &SimulationId) -> Key {
    Key::new(format!("SIMULATION#{id}"), "SIMULATION")
}

/// The folder of a simulation's files, with a slash at its end.
pub(crate) fn simulation_folder(id: &SimulationId) -> String {
    format!("simulations/{id}/")
}

/// Which run a process has for a cycle.
pub(crate) fn slot(process: &ProcessId, cycle: &CycleId) -> Key {
    Key::new(format!("SLOT#{process}"), cycle.as_str())
}

/// That everyone may see the results of a cycle.
pub(crate) fn visible(process: &ProcessId, cycle: &CycleId) -> Key {
    Key::new(format!("VISIBLE#{cycle}#{process}"), "VISIBLE")
}

/// What the codes in the settlements of a cycle are called.
pub(crate) fn legend(process: &ProcessId, cycle: &CycleId) -> Key {
    Key::new(format!("LEGEND#{cycle}#{process}"), "LEGEND")
}

pub(crate) fn settlement(person: &PersonId, process: &ProcessId, cycle: &CycleId) -> Key {
    Key::new(format!("SETTLEMENT#{person}"), format!("{cycle}#{process}"))
}

/// A page of statement lines, from 1.
pub(crate) fn lines(person: &PersonId, process: &ProcessId, cycle: &CycleId, page: u32) -> Key {
    Key::new(format!("SETTLEMENT#{person}"), format!("{cycle}#{process}#LINES#{page:04}"))
}

/// `item` with its place in the index of runs.
pub(crate) fn among_runs(item: Item, created_at: Timestamp, id: &RunId) -> Item {
    by_time(item, RUNS, created_at, id.as_str())
}

/// `item` with its place in the index of simulations.
pub(crate) fn among_simulations(item: Item, requested_at: Timestamp, id: &SimulationId) -> Item {
    by_time(item, SIMULATIONS, requested_at, id.as_str())
}

fn by_time(mut item: Item, partition: &str, made_at: Timestamp, id: &str) -> Item {
    item.insert("runpk".to_owned(), text(partition));
    item.insert("runsk".to_owned(), text(time_order(made_at, id)));
    item
}

/// The sort key of what was made at a moment. Everything is made after 1970, so the digits sort by time.
fn time_order(made_at: Timestamp, id: &str) -> String {
    format!("{:015}#{id}", made_at.as_millisecond())
}

/// Partition of a run's settlements in the index.
pub(crate) fn settlements(run: &RunId) -> String {
    format!("SETTLEMENTS#{run}")
}

/// The object a plan's document lies under.
pub(crate) fn plan_document(hash: &str) -> String {
    format!("plans/{hash}.json")
}

/// The object a person's statement as a file lies under. `attempt` is that of the step that wrote the settlements; `audience` keeps
/// what the back office sees apart from what people see.
pub(crate) fn statement_file(run: &RunId, attempt: u32, person: &PersonId, audience: &str) -> String {
    format!("statements/{run}/{attempt}/{audience}/{person}.csv")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_sort_by_time() {
        let later = Timestamp::from_second(1_790_000_000).unwrap();
        assert!(time_order(Timestamp::UNIX_EPOCH, "R1") < time_order(later, "R1"));
    }

    #[test]
    fn the_newest_version_of_a_plan_sorts_last() {
        let name: PlanName = "monthly".parse().unwrap();
        assert!(plan(&name, 9) < plan(&name, 10));
    }
}
