//! What a plan says that its author may not mean: findings, each with a small network that shows it. Pure: no files, no clock.
#![doc = include_str!("../README.md")]

mod bonuses;
mod definitions;
mod finding;
mod network;
mod payout;
mod ranks;
mod reason;
mod search;
mod selling;

use foundation::locale::Text;
use plan::{Plan, PlanError};
use serde_json::Value;

pub use finding::{Code, Example, Finding, Run, Severity, Shows};
pub use network::CYCLE;

use crate::{
    network::Network,
    reason::Reasoner,
    search::{Constants, Laboratory, Seen, for_ranks, networks},
};

/// Networks that are tried unless something else is said.
pub const NETWORKS: usize = 3_000;

/// Looks through a plan document. About `most` networks are tried, always the same ones; `progress` is told how many were.
pub fn lint(
    json: &str,
    most: usize,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<Finding>, Vec<PlanError>> {
    let plan = Plan::parse(json)?;
    // What is a plan is JSON.
    let document: Value = serde_json::from_str(json).unwrap_or_default();
    let mut reasoner = Reasoner::new(&plan);
    let constants = Constants::of(&plan);
    let mut laboratory = Laboratory::new(&plan, most, progress);
    let of_ranks = for_ranks(&plan, &reasoner, &constants);
    let seen = survey(&mut laboratory, of_ranks, networks(&plan, &reasoner, &constants), most / 3);
    let mut found = ranks::check(&mut laboratory, &mut reasoner, &seen);
    found.extend(payout::check(&mut laboratory, &constants, &seen));
    found.extend(selling::check(&mut laboratory, &constants, &seen, most / 3));
    found.extend(bonuses::check(&mut laboratory, &reasoner, &constants, &seen));
    found.extend(definitions::check(&mut laboratory, &document, &seen));
    found.sort_by(|one, other| {
        other
            .severity
            .cmp(&one.severity)
            .then_with(|| one.code.cmp(&other.code))
            .then_with(|| one.pointer.cmp(&other.pointer))
    });
    Ok(found)
}

/// What the plan makes of so many networks at most, the smallest first. Half of them may be those made for ranks, which would else be
/// passed over by chance; the others are spread over all sizes.
fn survey(
    laboratory: &mut Laboratory<'_>,
    of_ranks: Vec<Network>,
    networks: Vec<Network>,
    most: usize,
) -> Vec<Seen> {
    let mut chosen = spread(of_ranks, most / 2);
    let others: Vec<Network> = networks.into_iter().filter(|network| !chosen.contains(network)).collect();
    chosen.extend(spread(others, most - chosen.len()));
    chosen.sort_by_key(|network| (network.members.len(), network.sales.len()));
    let run = |network: Network| Some(Seen { result: laboratory.run(&network)?, network });
    chosen.into_iter().filter_map(run).collect()
}

/// So many at most, evenly, the last one among them.
fn spread(networks: Vec<Network>, most: usize) -> Vec<Network> {
    let step = networks.len().div_ceil(most.max(1)).max(1);
    let mut spread: Vec<Network> = networks.into_iter().rev().step_by(step).take(most).collect();
    spread.reverse();
    spread
}

fn text(es: String, en: String) -> Text {
    Text { es, en }
}

impl Run {
    fn plain(network: &Network) -> Self {
        Self::named("base", network)
    }

    fn named(name: &str, network: &Network) -> Self {
        Self { name: name.to_owned(), orders: network.orders_csv(), plan: None }
    }

    fn of_plan(name: &str, network: &Network, plan: String) -> Self {
        Self { plan: Some(plan), ..Self::named(name, network) }
    }
}
