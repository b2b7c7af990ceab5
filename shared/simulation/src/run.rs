//! A plan over earlier cycles and the one that is asked for.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use engine::{
    BonusContext, Context, CycleResults, EngineError, ExchangeRates, Facts, Indicators, OrderFact, Payouts,
    PersonFact, Previous, Ranks, SettledCycle, Snapshot, calculate_bonuses, calculate_indicators,
    calculate_ranks, integrate, with_sold_at,
};
use foundation::cycle::Cycle;
use plan::Plan;

/// Facts of a cycle.
#[derive(Clone, Debug)]
pub struct CycleFacts {
    /// The cycle.
    pub cycle: Cycle,
    /// People at its end.
    pub people: Vec<PersonFact>,
    /// Orders and returns that became commissionable in it.
    pub orders: Vec<OrderFact>,
    /// The process it is computed in, for bonuses that are paid in some processes only; none: all are.
    pub process: Option<String>,
}

/// Everything computed for a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// What it was computed from.
    pub snapshot: Snapshot,
    /// All indicators, those that need ranks last.
    pub indicators: Indicators,
    /// Ranks.
    pub ranks: Ranks,
    /// What is paid.
    pub payouts: Payouts,
}

/// What is being done for a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// People and orders are checked and frozen.
    Network,
    /// Indicators before ranks are computed.
    Indicators,
    /// Ranks and the indicators after them are computed.
    Ranks,
    /// Bonuses are computed.
    Bonuses,
}

impl Step {
    /// Name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Indicators => "indicators",
            Self::Ranks => "ranks",
            Self::Bonuses => "bonuses",
        }
    }
}

/// Where a simulation stands.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The cycle.
    pub cycle: &'a Cycle,
    /// The step that begins.
    pub step: Step,
}

/// A cycle that cannot be computed.
#[derive(Debug, thiserror::Error)]
#[error("cycle {cycle}: {source}")]
pub struct SimulationError {
    /// Its place among the cycles.
    pub place: usize,
    /// Its name.
    pub cycle: String,
    /// Why.
    pub source: EngineError,
}

/// Computes the cycles, earliest first, each with what the ones before left: paid ranks, grace and honorific ranks, lifetime
/// sums, windows, balances of bonuses, tags that bonuses gave, and lines that later returns undo. The last one is the one asked for.
pub fn simulate(
    plan: &Plan,
    cycles: &[CycleFacts],
    rates: &ExchangeRates,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<Simulated>, SimulationError> {
    // The engine wants earlier snapshots in one piece, the latest first.
    let mut snapshots: Vec<Snapshot> = Vec::new();
    let mut results: Vec<(Indicators, Ranks, Payouts)> = Vec::new();
    let mut tags = Tags::new();
    for (place, facts) in cycles.iter().enumerate() {
        let failed = |source| SimulationError { place, cycle: facts.cycle.id.to_string(), source };
        let mut at = |step| progress(Progress { cycle: &facts.cycle, step });
        at(Step::Network);
        let latest = results.last();
        let previous =
            snapshots.first().zip(latest).map(|(snapshot, (_, ranks, _))| Previous { snapshot, ranks });
        let people = with_tags(&facts.people, &tags);
        let orders = with_sold_at(&facts.orders, snapshots.iter(), plan);
        let input = Facts { cycle: &facts.cycle, people: &people, orders: &orders };
        let snapshot = integrate(input, previous, plan, rates.clone()).map_err(failed)?;
        let known: Vec<Option<CycleResults<'_>>> = results
            .iter()
            .rev()
            .map(|(indicators, ranks, _)| Some(CycleResults { indicators, after_ranks: None, ranks }))
            .collect();
        let context = Context { history: &snapshots, results: &known, ..Context::default() };
        at(Step::Indicators);
        let mut indicators = calculate_indicators(&snapshot, plan, context).map_err(failed)?;
        at(Step::Ranks);
        let ranked = calculate_ranks(&snapshot, &indicators, plan, context).map_err(failed)?;
        at(Step::Bonuses);
        let settled: Vec<SettledCycle<'_>> = snapshots
            .iter()
            .zip(results.iter().rev())
            .map(|(snapshot, (.., payouts))| SettledCycle { snapshot, payouts })
            .collect();
        let context = BonusContext {
            settled: &settled,
            carried: latest.map(|(.., payouts)| &payouts.carried),
            process: facts.process.as_deref(),
            ..BonusContext::default()
        };
        let payouts = calculate_bonuses(&snapshot, &indicators, &ranked, plan, context).map_err(failed)?;
        for (row, tag) in payouts.tags() {
            let of = snapshot.people.ids.get(row as usize).to_owned();
            tags.entry(of).or_default().insert(tag.to_owned());
        }
        snapshots.insert(0, snapshot);
        indicators.columns.extend(ranked.indicators.columns);
        results.push((indicators, ranked.ranks, payouts));
    }
    let simulated =
        |(snapshot, (indicators, ranks, payouts))| Simulated { snapshot, indicators, ranks, payouts };
    Ok(snapshots.into_iter().rev().zip(results).map(simulated).collect())
}

/// Tags that bonuses of earlier cycles gave, by person.
type Tags = BTreeMap<String, BTreeSet<String>>;

/// People with the tags they were given before.
fn with_tags<'a>(people: &'a [PersonFact], tags: &Tags) -> Cow<'a, [PersonFact]> {
    if tags.is_empty() {
        return Cow::Borrowed(people);
    }
    let mut people = people.to_vec();
    for person in &mut people {
        person.tags.extend(tags.get(person.id.as_str()).into_iter().flatten().cloned());
    }
    Cow::Owned(people)
}
