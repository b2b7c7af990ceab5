//! Two plans over the same facts: who gains, who loses, what it costs, who changes rank.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use engine::{EngineError, Payouts, Ranks, Snapshot};
use foundation::money::Currency;
use plan::{AMOUNT_SCALE, Plan};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    run::Simulated,
    tables::{PAYOUT_CAP, ResultTable, Values},
};

/// A plan and what it gave.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What the run was computed from.
    pub snapshot: &'a Snapshot,
    /// Its ranks.
    pub ranks: &'a Ranks,
    /// What it paid.
    pub payouts: &'a Payouts,
}

impl<'a> Side<'a> {
    /// A plan and a run of it.
    pub fn of(plan: &'a Plan, run: &'a Simulated) -> Self {
        Self { plan, snapshot: &run.snapshot, ranks: &run.ranks, payouts: &run.payouts }
    }
}

/// What one bonus costs under both plans, in the base currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostOfBonus {
    /// Code of the bonus; `payout_cap` for the plan's own caps and its minimum payout.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankFlow {
    /// Code of the rank paid under plan A; empty for none.
    pub a: String,
    /// Code of the rank paid under plan B.
    pub b: String,
    /// How many.
    pub people: u64,
}

/// What changes for all together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Hash of plan A.
    pub plan_a: String,
    /// Hash of plan B.
    pub plan_b: String,
    /// The base currency of plan A, in which money is compared.
    pub currency: Currency,
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
    /// Between which ranks people move, from the lowest rank of plan A on; nobody in it stays.
    pub rank_flow: Vec<RankFlow>,
}

/// Two plans over the same facts. Money is in the base currency, at the rates of each plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// What changes for all together.
    #[serde(flatten)]
    pub summary: Summary,
    /// Everyone whose pay or rank changes, the greatest gain first.
    pub changes: Vec<Change>,
}

/// Decimals of money in a comparison.
const DECIMALS: u32 = 2;
/// Decimals of a payout ratio.
const RATIO_DECIMALS: u32 = 6;

/// Compares two runs over the same people.
pub fn compare(a: Side<'_>, b: Side<'_>) -> Comparison {
    Comparing::of(a, b).finish()
}

/// What both plans gave a person in the cycles so far, with the ranks of the last one.
#[derive(Clone, Debug, Default)]
struct Person {
    a: Decimal,
    b: Decimal,
    rank_a: (u8, String),
    rank_b: (u8, String),
}

/// A comparison over cycles that come one after the other, being made: what is paid is added up, ranks are those of the last cycle.
#[derive(Clone, Debug)]
pub struct Comparing {
    plan_a: String,
    plan_b: String,
    currency: Currency,
    people: BTreeMap<String, Person>,
    bonuses: BTreeMap<String, (Decimal, Decimal)>,
    /// The value of the commissionable volume; none where it is too large.
    volume_a: Option<Decimal>,
    volume_b: Option<Decimal>,
}

impl Comparing {
    /// The comparison of the first cycle.
    pub fn of(a: Side<'_>, b: Side<'_>) -> Self {
        let mut comparing = Self {
            plan_a: String::new(),
            plan_b: String::new(),
            currency: a.snapshot.rates.base,
            people: BTreeMap::new(),
            bonuses: BTreeMap::new(),
            volume_a: Some(Decimal::ZERO),
            volume_b: Some(Decimal::ZERO),
        };
        comparing.add(a, b);
        comparing
    }

    /// The cycle that comes next, over the same people as both sides see it. The plans are called by those of the last cycle.
    pub fn add(&mut self, a: Side<'_>, b: Side<'_>) {
        a.plan.hash().clone_into(&mut self.plan_a);
        b.plan.hash().clone_into(&mut self.plan_b);
        self.volume_a =
            self.volume_a.and_then(|value| value.checked_add(a.snapshot.value_of_volume(a.plan)?));
        self.volume_b =
            self.volume_b.and_then(|value| value.checked_add(b.snapshot.value_of_volume(b.plan)?));
        let (totals_a, totals_b) = (totals(a), totals(b));
        for (row, total_a) in totals_a.iter().enumerate() {
            let id = a.snapshot.people.ids.get(row);
            let other = b.snapshot.people.row(id).map(|other| other as usize);
            let person = self.people.entry(id.to_owned()).or_default();
            person.a += total_a;
            person.b += other.and_then(|other| totals_b.get(other)).copied().unwrap_or_default();
            person.rank_a = rank(a, Some(row));
            person.rank_b = rank(b, other);
        }
        for (side, is_a) in [(a, true), (b, false)] {
            for total in side.payouts.totals() {
                let code = if total.bonus.is_empty() { PAYOUT_CAP.to_owned() } else { total.bonus.clone() };
                let cost = self.bonuses.entry(code).or_default();
                *(if is_a { &mut cost.0 } else { &mut cost.1 }) +=
                    side.snapshot.rates.in_base(total.amount, total.currency);
            }
        }
    }

    /// What changes.
    pub fn finish(self) -> Comparison {
        let mut changes = Vec::new();
        let (mut winners, mut losers, mut unchanged) = (0, 0, 0);
        let mut flow: BTreeMap<_, u64> = BTreeMap::new();
        let (mut cost_a, mut cost_b) = (Decimal::ZERO, Decimal::ZERO);
        for (id, person) in self.people {
            cost_a += person.a;
            cost_b += person.b;
            let difference = person.b - person.a;
            match difference.cmp(&Decimal::ZERO) {
                std::cmp::Ordering::Greater => winners += 1,
                std::cmp::Ordering::Less => losers += 1,
                std::cmp::Ordering::Equal => unchanged += 1,
            }
            let has_moved = person.rank_a.1 != person.rank_b.1;
            if has_moved {
                *flow.entry((person.rank_a.clone(), person.rank_b.clone())).or_default() += 1;
            }
            if has_moved || !difference.is_zero() {
                changes.push(Change {
                    person: id,
                    a: person.a.round_dp(DECIMALS),
                    b: person.b.round_dp(DECIMALS),
                    difference: difference.round_dp(DECIMALS),
                    rank_a: person.rank_a.1,
                    rank_b: person.rank_b.1,
                });
            }
        }
        changes.sort_by(|one, other| {
            other.difference.cmp(&one.difference).then_with(|| one.person.cmp(&other.person))
        });
        let rank_flow = flow.into_iter().map(|(((_, a), (_, b)), people)| RankFlow { a, b, people });
        let cost = |(bonus, (a, b)): (String, (Decimal, Decimal))| CostOfBonus {
            bonus,
            a: a.round_dp(DECIMALS),
            b: b.round_dp(DECIMALS),
        };
        let summary = Summary {
            plan_a: self.plan_a,
            plan_b: self.plan_b,
            currency: self.currency,
            payout_ratio_a: ratio(self.volume_a, cost_a),
            payout_ratio_b: ratio(self.volume_b, cost_b),
            cost_a: cost_a.round_dp(DECIMALS),
            cost_b: cost_b.round_dp(DECIMALS),
            winners,
            losers,
            unchanged,
            bonuses: self.bonuses.into_iter().map(cost).collect(),
            rank_flow: rank_flow.collect(),
        };
        Comparison { summary, changes }
    }
}

/// Position and code of the rank somebody is paid as; that of nobody is no rank.
fn rank(side: Side<'_>, row: Option<usize>) -> (u8, String) {
    let position = row.and_then(|row| side.ranks.paid.get(row)).copied().unwrap_or(0);
    (position, side.plan.rank_code(position).to_owned())
}

/// The total of each person.
fn totals(side: Side<'_>) -> Vec<Decimal> {
    let mut totals = vec![Decimal::ZERO; side.snapshot.people.len()];
    for line in &side.payouts.lines {
        if let Some(total) = totals.get_mut(line.earner as usize) {
            *total += side.snapshot.rates.in_base(line.amount(), line.currency);
        }
    }
    totals
}

fn ratio(value: Option<Decimal>, cost: Decimal) -> Option<Decimal> {
    let value = value.filter(|value| Decimal::ZERO < *value)?;
    cost.checked_div(value).map(|ratio| ratio.round_dp(RATIO_DECIMALS))
}

impl Comparison {
    /// Everyone whose pay or rank changes, as a table.
    pub fn changes_table(&self) -> Result<ResultTable<'_>, EngineError> {
        let money = |amount: fn(&Change) -> Decimal| {
            let fixed = |change: &Change| {
                let mut amount = amount(change);
                amount.rescale(AMOUNT_SCALE);
                i64::try_from(amount.mantissa()).map_err(|_| EngineError::Overflow {
                    person: change.person.clone(),
                    what: "the total".to_owned(),
                })
            };
            let values = self.changes.iter().map(fixed).collect::<Result<Vec<_>, _>>()?;
            Ok::<_, EngineError>(Values::Number(Cow::Owned(values), AMOUNT_SCALE))
        };
        let text = |text: fn(&Change) -> &str| {
            Values::Text(self.changes.iter().map(|change| Cow::Borrowed(text(change))).collect())
        };
        let columns = vec![
            ("person".to_owned(), text(|change| &change.person)),
            ("a".to_owned(), money(|change| change.a)?),
            ("b".to_owned(), money(|change| change.b)?),
            ("difference".to_owned(), money(|change| change.difference)?),
            ("rank_a".to_owned(), text(|change| &change.rank_a)),
            ("rank_b".to_owned(), text(|change| &change.rank_b)),
        ];
        Ok(ResultTable { name: "changes", rows: self.changes.len(), columns })
    }
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
        let Summary { cost_a, cost_b, winners, losers, unchanged, .. } = &self.summary;
        let (ratio_a, ratio_b) = (self.summary.payout_ratio_a, self.summary.payout_ratio_b);
        writeln!(f, "cost: {cost_a} -> {cost_b} ({:+})", cost_b - cost_a)?;
        writeln!(f, "payout ratio: {} -> {}", ratio(ratio_a), ratio(ratio_b))?;
        writeln!(f, "winners: {winners}, losers: {losers}, unchanged: {unchanged}")?;
        for bonus in &self.summary.bonuses {
            writeln!(f, "bonus {}: {} -> {} ({:+})", bonus.bonus, bonus.a, bonus.b, bonus.b - bonus.a)?;
        }
        for flow in &self.summary.rank_flow {
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
