//! Two plans over the same facts: who gains, who loses, what it costs, who changes rank.

use std::{collections::BTreeMap, fmt};

use engine::Volume;
use plan::{AMOUNT_SCALE, Plan};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::run::Simulated;

/// A plan and what it gave.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The run.
    pub run: &'a Simulated,
}

/// What one bonus costs under both plans, in the base currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CostOfBonus {
    /// Code of the bonus; `payout_cap` for the plan's payout cap.
    pub bonus: String,
    /// Under plan A.
    pub a: Decimal,
    /// Under plan B.
    pub b: Decimal,
}

/// What changes for a person, in the base currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The person.
    pub person: String,
    /// The total under plan A.
    pub a: Decimal,
    /// The total under plan B.
    pub b: Decimal,
    /// B less A.
    pub difference: Decimal,
    /// Code of the rank paid under plan A; empty for none.
    pub rank_a: String,
    /// Code of the rank paid under plan B.
    pub rank_b: String,
}

/// How many people have which rank under plan A and which under plan B.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RankFlow {
    /// Code of the rank paid under plan A; empty for none.
    pub a: String,
    /// Code of the rank paid under plan B.
    pub b: String,
    /// How many.
    pub people: u64,
}

/// Two plans over the same facts. Money is in the base currency, at the rates of each plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Hash of plan A.
    pub plan_a: String,
    /// Hash of plan B.
    pub plan_b: String,
    /// Everything paid under plan A.
    pub cost_a: Decimal,
    /// Everything paid under plan B.
    pub cost_b: Decimal,
    /// The cost as a share of the value of the commissionable volume under plan A; none without volume.
    pub payout_ratio_a: Option<Decimal>,
    /// The same under plan B.
    pub payout_ratio_b: Option<Decimal>,
    /// How many people are paid more under plan B.
    pub winners: u64,
    /// How many are paid less.
    pub losers: u64,
    /// How many are paid the same.
    pub unchanged: u64,
    /// Cost of each bonus of either plan, by code.
    pub bonuses: Vec<CostOfBonus>,
    /// Everyone whose pay or rank changes, the greatest gain first.
    pub changes: Vec<Change>,
    /// Between which ranks people move, from the lowest rank of plan A on; nobody in it stays.
    pub rank_flow: Vec<RankFlow>,
}

/// Decimals of money in a comparison.
const DECIMALS: u32 = 2;
/// Decimals of a payout ratio.
const RATIO_DECIMALS: u32 = 6;

/// Compares two runs over the same people.
pub fn compare(a: Side<'_>, b: Side<'_>) -> Comparison {
    let (people_a, people_b) = (totals(a), totals(b));
    let mut changes = Vec::new();
    let (mut winners, mut losers, mut unchanged) = (0, 0, 0);
    let mut flow: BTreeMap<(u8, u8), u64> = BTreeMap::new();
    for (row, total_a) in people_a.iter().enumerate() {
        let id = a.run.snapshot.people.ids.get(row);
        let other = b.run.snapshot.people.row(id).map(|other| other as usize);
        let total_b = other.and_then(|other| people_b.get(other)).copied().unwrap_or_default();
        let rank_a = a.run.ranks.paid.get(row).copied().unwrap_or(0);
        let rank_b = other.and_then(|other| b.run.ranks.paid.get(other)).copied().unwrap_or(0);
        let difference = total_b - total_a;
        match difference.cmp(&Decimal::ZERO) {
            std::cmp::Ordering::Greater => winners += 1,
            std::cmp::Ordering::Less => losers += 1,
            std::cmp::Ordering::Equal => unchanged += 1,
        }
        let (code_a, code_b) = (a.plan.rank_code(rank_a), b.plan.rank_code(rank_b));
        if code_a != code_b {
            *flow.entry((rank_a, rank_b)).or_default() += 1;
        }
        if !difference.is_zero() || code_a != code_b {
            changes.push(Change {
                person: id.to_owned(),
                a: total_a.round_dp(DECIMALS),
                b: total_b.round_dp(DECIMALS),
                difference: difference.round_dp(DECIMALS),
                rank_a: code_a.to_owned(),
                rank_b: code_b.to_owned(),
            });
        }
    }
    changes.sort_by(|one, other| {
        other.difference.cmp(&one.difference).then_with(|| one.person.cmp(&other.person))
    });
    let (cost_a, cost_b): (Decimal, Decimal) = (people_a.iter().sum(), people_b.iter().sum());
    Comparison {
        plan_a: a.plan.hash().to_owned(),
        plan_b: b.plan.hash().to_owned(),
        payout_ratio_a: ratio(a, cost_a),
        payout_ratio_b: ratio(b, cost_b),
        cost_a: cost_a.round_dp(DECIMALS),
        cost_b: cost_b.round_dp(DECIMALS),
        winners,
        losers,
        unchanged,
        bonuses: costs(a, b),
        changes,
        rank_flow: flow
            .into_iter()
            .map(|((from, to), people)| RankFlow {
                a: a.plan.rank_code(from).to_owned(),
                b: b.plan.rank_code(to).to_owned(),
                people,
            })
            .collect(),
    }
}

/// An amount of a currency in the base currency.
fn in_base(side: Side<'_>, amount: Decimal, currency: foundation::money::Currency) -> Decimal {
    let rate = side.run.snapshot.rates.rate(currency).filter(|rate| !rate.is_zero());
    rate.and_then(|rate| amount.checked_div(rate)).unwrap_or_default()
}

/// The total of each person.
fn totals(side: Side<'_>) -> Vec<Decimal> {
    let mut totals = vec![Decimal::ZERO; side.run.snapshot.people.len()];
    for line in &side.run.payouts.lines {
        if let Some(total) = totals.get_mut(line.earner as usize) {
            *total += in_base(side, line.amount(), line.currency);
        }
    }
    totals
}

fn ratio(side: Side<'_>, cost: Decimal) -> Option<Decimal> {
    let volume: i128 = side.run.snapshot.people.volumes.of(Volume::Vc).iter().map(|vc| i128::from(*vc)).sum();
    let volume = Decimal::try_from_i128_with_scale(volume, AMOUNT_SCALE).ok()?;
    let value = volume.checked_mul(side.plan.document().volumes.vc_value)?;
    (Decimal::ZERO < value).then(|| cost.checked_div(value))?.map(|ratio| ratio.round_dp(RATIO_DECIMALS))
}

fn costs(a: Side<'_>, b: Side<'_>) -> Vec<CostOfBonus> {
    let mut costs: BTreeMap<String, (Decimal, Decimal)> = BTreeMap::new();
    for (side, is_a) in [(a, true), (b, false)] {
        for total in side.run.payouts.totals() {
            let code = if total.bonus.is_empty() { "payout_cap".to_owned() } else { total.bonus.clone() };
            let cost = costs.entry(code).or_default();
            let amount = in_base(side, total.amount, total.currency);
            if is_a {
                cost.0 += amount;
            } else {
                cost.1 += amount;
            }
        }
    }
    let rounded = |(bonus, (a, b)): (String, (Decimal, Decimal))| CostOfBonus {
        bonus,
        a: a.round_dp(DECIMALS),
        b: b.round_dp(DECIMALS),
    };
    costs.into_iter().map(rounded).collect()
}

/// How many people of each list a text names.
const NAMED: usize = 20;

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = |ratio: Option<Decimal>| {
            ratio.map_or("none".to_owned(), |ratio| {
                format!("{} %", (ratio * Decimal::ONE_HUNDRED).normalize())
            })
        };
        let rank = |code: &str| if code.is_empty() { "none".to_owned() } else { code.to_owned() };
        writeln!(f, "cost: {} -> {} ({:+})", self.cost_a, self.cost_b, self.cost_b - self.cost_a)?;
        writeln!(f, "payout ratio: {} -> {}", ratio(self.payout_ratio_a), ratio(self.payout_ratio_b))?;
        writeln!(f, "winners: {}, losers: {}, unchanged: {}", self.winners, self.losers, self.unchanged)?;
        for bonus in &self.bonuses {
            writeln!(f, "bonus {}: {} -> {} ({:+})", bonus.bonus, bonus.a, bonus.b, bonus.b - bonus.a)?;
        }
        for flow in &self.rank_flow {
            writeln!(f, "rank {} -> {}: {} people", rank(&flow.a), rank(&flow.b), flow.people)?;
        }
        let gains = self.changes.iter().filter(|change| change.difference > Decimal::ZERO);
        let losses = self.changes.iter().rev().filter(|change| change.difference < Decimal::ZERO);
        for change in gains.take(NAMED) {
            writeln!(f, "gains: {} {} -> {} ({:+})", change.person, change.a, change.b, change.difference)?;
        }
        for change in losses.take(NAMED) {
            writeln!(f, "loses: {} {} -> {} ({:+})", change.person, change.a, change.b, change.difference)?;
        }
        Ok(())
    }
}
