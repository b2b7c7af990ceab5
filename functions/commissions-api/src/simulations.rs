//! Simulations: ask for one, look how far it is and what it found.

use std::sync::Arc;

use aws::idempotency::Claim;
use commissions::{
    plans::PlanName,
    simulations::{Asked, CYCLES_MAX, Other, Simulation, SimulationView, Which},
    store::RunFilter,
};
use foundation::{
    id::{CycleId, ProcessId, RunId},
    problem::{Fault, FieldError, Malformed},
};
use lambda::http::{Call, Reply};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shop::{Listed, Shop, must_see_bonuses, sees_bonuses};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewSimulation {
    run: Option<RunId>,
    process: Option<ProcessId>,
    cycle: Option<CycleId>,
    #[serde(default = "one")]
    cycles: u8,
    plan: Option<Version>,
    document: Option<Value>,
}

fn one() -> u8 {
    1
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Version {
    name: PlanName,
    version: u32,
}

impl NewSimulation {
    /// Which run, and under which plan.
    fn read(self) -> Result<(Which, Other), Malformed> {
        let which = match (self.run, self.process, self.cycle) {
            (Some(run), None, None) => Ok(Which::Run(run)),
            (None, Some(process), Some(cycle)) => Ok(Which::Of(process, cycle)),
            _ => Err(("/run", "expected a run, or a process and a cycle".to_owned())),
        };
        let other = match (self.plan, self.document) {
            (Some(plan), None) => Ok(Other::Version(plan.name, plan.version)),
            (None, Some(document)) => Ok(Other::Document(document)),
            _ => Err(("/plan", "expected a version of a plan, or a document".to_owned())),
        };
        let cycles = if (1..=CYCLES_MAX).contains(&self.cycles) {
            Ok(())
        } else {
            Err(("/cycles", format!("expected 1 to {CYCLES_MAX}")))
        };
        match (which, cycles, other) {
            (Ok(which), Ok(()), Ok(other)) => Ok((which, other)),
            (which, cycles, other) => {
                let mistakes = [which.err(), cycles.err(), other.err()].into_iter().flatten();
                let field =
                    |(pointer, detail): (&str, String)| FieldError { pointer: pointer.to_owned(), detail };
                Err(Malformed(mistakes.map(field).collect()))
            }
        }
    }
}

pub(crate) async fn ask(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let new: NewSimulation = call.body()?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "ask-simulation", &new)?;
    let asked = Asked {
        id: lambda::new_id().parse().map_err(|_| Malformed::at("", "no id could be made"))?,
        cycles: new.cycles,
        by: caller.subject.clone(),
        at: call.received_at,
        correlation: lambda::correlation(),
    };
    let (which, other) = new.read()?;
    let simulation = if let Some(first) = shop.store.asked_before(&claim).await? {
        first
    } else {
        let run = shop.store.simulated_run(&which).await?;
        must_see_bonuses(caller, run.is_published())?;
        let plan = shop.store.simulated_plan(&run, &other).await?;
        shop.store.ask_simulation(Simulation::of(&run, plan, asked)?, &claim).await?
    };
    shop.store.queue_simulation(&simulation, &shop.simulations).await?;
    let view = SimulationView::of(&simulation, sees_bonuses(caller, simulation.published), Vec::new());
    Reply::accepted(format!("/simulations/{}", simulation.id), &view)
}

pub(crate) async fn list(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let filter = RunFilter { process: call.query("process")?, cycle: call.query("cycle")? };
    let cursor = call.query::<String>("cursor")?;
    let page = shop.store.simulations(&filter, call.limit()?, cursor.as_deref()).await?;
    let view = |one| SimulationView::of(one, sees_bonuses(caller, one.published), Vec::new());
    let items = page.simulations.iter().map(view).collect();
    Reply::ok(&Listed { items, next: page.next })
}

pub(crate) async fn show(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let simulation = shop.store.simulation(&call.path("simulationId")?).await?;
    let sees = sees_bonuses(call.caller()?, simulation.published);
    let files = if sees { shop.store.simulation_files(&simulation).await? } else { Vec::new() };
    Reply::ok(&SimulationView::of(&simulation, sees, files))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_names_one_run_and_one_plan() {
        let plan = json!({"name": "monthly", "version": 2});
        let cases = [
            (json!({"run": "R1", "plan": plan}), vec![]),
            (json!({"process": "monthly", "cycle": "2026-10", "document": {}}), vec![]),
            (json!({"process": "monthly", "plan": plan}), vec!["/run"]),
            (json!({"run": "R1", "cycle": "2026-10", "plan": plan}), vec!["/run"]),
            (json!({"run": "R1", "plan": plan, "document": {}}), vec!["/plan"]),
            (json!({"run": "R1", "cycles": 12, "plan": plan}), vec![]),
            (json!({"cycles": 0}), vec!["/run", "/cycles", "/plan"]),
            (json!({"run": "R1", "cycles": 13, "plan": plan}), vec!["/cycles"]),
        ];
        for (request, expected) in cases {
            let read = serde_json::from_value::<NewSimulation>(request.clone()).unwrap().read();
            let pointers: Vec<_> = read.err().into_iter().flat_map(|Malformed(fields)| fields).collect();
            let pointers: Vec<_> = pointers.iter().map(|field| field.pointer.as_str()).collect();
            assert_eq!(pointers, expected, "{request}");
        }
        assert!(serde_json::from_value::<NewSimulation>(json!({"runs": "R1"})).is_err());
    }
}
