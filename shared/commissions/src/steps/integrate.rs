//! `integrate-network`: closes the cycle and freezes everything the run depends on.

use engine::{Facts, Previous, Ranks, Snapshot, codec};
use foundation::problem::Fault;
use jiff::Timestamp;
use plan::Plan;

use super::{
    Made, Sources, earlier_plan, earlier_snapshot, parts,
    verify::{collect, cycle},
};
use crate::{
    freeze::{CONTEXT, Context, EARLIER_MAX, Earlier, frozen_rates, under_plan},
    run::RunError,
    step::Step,
    store::{Commissions, Inputs, Work, stored},
    task::{Answer, Task},
};

/// Steps whose files later runs may look at.
const LOOKED_AT: [Step; 5] = [
    Step::IntegrateNetwork,
    Step::CalculateIndicators,
    Step::CalculateRank,
    Step::CalculateBonuses,
    Step::ApplyHonorificRank,
];

/// Closes the cycle, if it is over, and freezes people, trees, volumes, ranks, plan and exchange rates. A network of more than
/// `people_per_part` is cut, to be computed part by part.
pub async fn integrate_network(
    store: &Commissions,
    sources: &Sources,
    task: &Task,
    people_per_part: Option<usize>,
    now: Timestamp,
) -> Result<Answer, Fault> {
    let Some(mut work) = store.open(task).await? else { return Ok(task.done()) };
    if work.manifest().is_none() {
        let open = cycle(sources, &task.cycle).await?;
        if now < open.end {
            return Err(RunError::CycleOpen { cycle: open.id, end: open.end }.into());
        }
        sources.calendar.close(&task.cycle, &task.run, now).await?;
        let made = freeze(store, sources, &mut work, &open, people_per_part).await?;
        store.seal(&mut work, made).await?;
    }
    store.finish(&work, now).await?;
    Ok(task.done())
}

async fn freeze(
    store: &Commissions,
    sources: &Sources,
    work: &mut Work,
    cycle: &calendar::Cycle,
    people_per_part: Option<usize>,
) -> Result<Made, Fault> {
    let (reference, plan) = store.plan_in_force(&work.run.plan_name).await?;
    let context = Context { cycle: cycle.period(), earlier: earlier(store, sources, work, cycle).await? };
    let collected = collect(sources, &cycle.id).await?;
    let rates = frozen_rates(&plan, cycle);
    let facts = Facts { cycle: &context.cycle, people: &collected.people, orders: &collected.orders };
    let before = match context.earlier.first() {
        Some(latest) => Some(previous(store, &mut work.inputs, latest, &plan).await?),
        None => None,
    };
    let previous = before.as_ref().map(|(snapshot, ranks)| Previous { snapshot, ranks });
    let snapshot = engine::integrate(facts, previous, &plan, rates)?;
    let files = codec::encode_snapshot(&snapshot)?;
    let mut made = Made::default()
        .parquet("people.parquet", files.people)
        .parquet("orders.parquet", files.orders)
        .file("plan.json", stored(&plan)?, super::JSON)
        .json(CONTEXT, &context)?
        .count("people", snapshot.people.len())
        .count("orders", snapshot.orders.len())
        .count("earlier", context.earlier.len());
    made.plan = Some(reference);
    match people_per_part {
        Some(at_most) => parts::cut(store, work, made, (&snapshot, &plan), (&context, at_most)).await,
        None => Ok(made),
    }
}

/// The runs of earlier cycles whose results stand, the latest first.
async fn earlier(
    store: &Commissions,
    sources: &Sources,
    work: &Work,
    cycle: &calendar::Cycle,
) -> Result<Vec<Earlier>, Fault> {
    let cycles = sources.calendar.list(&cycle.calendar).await?;
    let mut found = Vec::new();
    for other in cycles.into_iter().filter(|other| other.end <= cycle.start).take(EARLIER_MAX) {
        let run = store.run_of(&work.run.process, &other.id).await?;
        let Some(run) = run.filter(crate::run::Run::stands) else { continue };
        let mut manifests = Vec::new();
        for step in LOOKED_AT.into_iter().filter(|step| run.result(*step).is_some()) {
            manifests.push(store.manifest(&run, step).await?);
        }
        found.push(Earlier::of(other.period(), run.id, manifests));
    }
    Ok(found)
}

/// Snapshot and ranks of the latest earlier run. Honorific ranks count as far as they were applied.
pub(super) async fn previous(
    store: &Commissions,
    inputs: &mut Inputs,
    latest: &Earlier,
    plan: &Plan,
) -> Result<(Snapshot, Ranks), Fault> {
    let snapshot = earlier_snapshot(store, inputs, latest).await?;
    let then = earlier_plan(store, inputs, latest, &snapshot).await?;
    let ranks = match (latest.file("honorific.parquet"), latest.file("ranks.parquet")) {
        (Some(applied), _) => codec::decode_ranks(store.input_file(inputs, applied).await?)?,
        (None, Some(ranks)) => {
            let mut ranks = codec::decode_ranks(store.input_file(inputs, ranks).await?)?;
            ranks.honorific.clone_from(&snapshot.people.honorific_rank);
            ranks
        }
        (None, None) => Ranks {
            earned: vec![0; snapshot.people.len()],
            paid: snapshot.people.previous_rank.clone(),
            honorific: snapshot.people.honorific_rank.clone(),
            grace_used: snapshot.people.grace_used.clone(),
            lock_left: snapshot.people.lock_left.clone(),
            earned_before: snapshot.people.earned_before.clone(),
        },
    };
    Ok((snapshot, under_plan(ranks, &then, plan)))
}
