//! `verify-network`: is what is there fit for a run?

use engine::{OrderFact, PersonFact, Violation};
use foundation::{
    id::CycleId,
    problem::{Fault, Kind, NotFound, Problem},
};
use jiff::Timestamp;

use super::Sources;
use crate::{
    freeze::{order_fact, person_fact},
    store::{Commissions, Made},
    task::{Answer, Task},
};

/// Violations that are said in the failure; all of them are in the step's file.
const SAID: usize = 20;

/// A network that is not fit for a run.
#[derive(Debug, thiserror::Error)]
#[error("the network has {count} violation(s): {said}")]
struct Unfit {
    count: usize,
    said: String,
}

impl Problem for Unfit {
    fn kind(&self) -> Kind {
        Kind::Rejected
    }
    fn code(&self) -> &'static str {
        "run.network-invalid"
    }
}

/// Everybody, and the orders of a cycle.
pub(super) struct Collected {
    /// People.
    pub(super) people: Vec<PersonFact>,
    /// Orders.
    pub(super) orders: Vec<OrderFact>,
}

/// The cycle, which must be there.
pub(super) async fn cycle(sources: &Sources, id: &CycleId) -> Result<calendar::Cycle, Fault> {
    Ok(sources.calendar.find(id).await?.ok_or(NotFound("cycle"))?)
}

/// Reads people and orders at the same time.
pub(super) async fn collect(sources: &Sources, cycle: &CycleId) -> Result<Collected, Fault> {
    let (mut people, mut orders) = (Vec::new(), Vec::new());
    let mut take_person = |person| people.push(person_fact(person));
    let mut take_order = |paid| orders.push(order_fact(paid));
    let (all_people, all_orders) = tokio::join!(
        sources.people.export(&mut take_person),
        sources.orders.export_cycle(cycle, &mut take_order),
    );
    all_people?;
    all_orders?;
    Ok(Collected { people, orders })
}

/// Checks the trees and the orders' people. A network that is not fit is refused with the list of violations.
pub async fn verify_network(
    store: &Commissions,
    sources: &Sources,
    task: &Task,
    now: Timestamp,
) -> Result<Answer, Fault> {
    let Some(mut work) = store.open(task).await? else { return Ok(task.done()) };
    if work.manifest().is_none() {
        let cycle = cycle(sources, &task.cycle).await?.period();
        let collected = collect(sources, &task.cycle).await?;
        let violations = engine::verify(&collected.people, &collected.orders, &cycle);
        let made = Made::default()
            .count("people", collected.people.len())
            .count("orders", collected.orders.len())
            .count("violations", violations.len());
        store.seal(&mut work, made.json("report.json", &violations)?).await?;
    }
    let found =
        work.manifest().and_then(|manifest| manifest.counts.get("violations").copied()).unwrap_or_default();
    if found == 0 {
        store.finish(&work, now).await?;
        return Ok(task.done());
    }
    store.note(&work).await?;
    let violations: Vec<Violation> = store.report(&work).await?;
    let said: Vec<_> = violations.iter().take(SAID).map(ToString::to_string).collect();
    Err(Unfit { count: violations.len(), said: said.join("; ") }.into())
}
