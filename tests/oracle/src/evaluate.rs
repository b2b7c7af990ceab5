//! Cycle after cycle.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use anyhow::{Context, Result};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    balances::Balance,
    bonuses::{self, Paid},
    cycle::{Cycle, Standing, Tags},
    facts::CycleInput,
    payouts::{Award, Line},
    plan::{Plan, text},
};

/// What one person comes to in one cycle.
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    /// Whether the activity rule holds.
    pub active: bool,
    /// Position of the rank earned, 0 being none.
    pub earned_rank: u8,
    /// Position of the rank paid as.
    pub paid_rank: u8,
    /// Position of the rank kept as a title.
    pub honorific_rank: u8,
    /// Cycles of grace used, this one included.
    pub grace_used: u8,
    /// Enabled indicators by code, 0 where they are missing.
    pub indicators: BTreeMap<String, Decimal>,
    /// Codes of those that are missing: means of nobody.
    pub missing: BTreeSet<String>,
    /// Payout lines, sorted.
    pub lines: Vec<Line>,
    /// Points, prizes and tags, sorted.
    pub awards: Vec<Award>,
    /// Sum of the lines, in the person's currency.
    pub total: Decimal,
}

/// Sums of the lines of a bonus in a currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many lines.
    pub lines: usize,
    /// The sum of the rounded lines.
    pub amount: Decimal,
    /// The exact sum less the sum of the rounded lines.
    pub residual: Decimal,
}

/// A settled cycle.
#[derive(Clone, Debug)]
pub struct CycleResult {
    /// Its name.
    pub cycle: String,
    /// By person's id.
    pub people: BTreeMap<String, Settlement>,
    /// By code of the bonus and currency.
    pub totals: BTreeMap<(String, String), Total>,
    /// What the next cycle is handed, sorted.
    pub handed_on: Vec<Balance>,
}

/// Evaluates all `cycles`, from the company's first one on, by the plan document. Built-in indicators that the plan uses
/// stand among its `indicators`, but for the best-known ones, which are known here too.
pub fn evaluate(plan: &Value, cycles: &[CycleInput]) -> Result<Vec<CycleResult>> {
    let plan = Plan::read(plan)?;
    let mut done: Vec<Rc<Cycle<'_>>> = Vec::new();
    let mut settled: Vec<bonuses::Settled> = Vec::new();
    let mut results = Vec::new();
    let mut handed_on: BTreeMap<String, Standing> = BTreeMap::new();
    let mut balances: Vec<Balance> = Vec::new();
    let mut tags = Tags::new();
    for input in cycles {
        let cycle = Cycle::new(&plan, input, done.clone(), &handed_on, tags.clone())?;
        let result = result(&cycle, &settled, &balances).with_context(|| format!("cycle {}", input.id))?;
        balances.clone_from(&result.handed_on);
        handed_on.clear();
        for (id, person) in &cycle.index {
            handed_on.insert(id.clone(), cycle.handed_on(*person)?);
        }
        for (id, one) in &result.people {
            let given = one.awards.iter().filter(|award| award.kind == "tag" && !award.quantity.is_zero());
            for award in given {
                tags.entry(id.clone()).or_default().insert(award.code.clone());
            }
        }
        settled.push(result.people.iter().map(|(id, one)| (id.clone(), one.lines.clone())).collect());
        results.push(result);
        done.push(Rc::new(cycle));
    }
    Ok(results)
}

fn result(cycle: &Cycle<'_>, settled: &[bonuses::Settled], balances: &[Balance]) -> Result<CycleResult> {
    cycle.climb()?;
    let Paid { lines: mut of_earner, mut awards, handed_on } = bonuses::pay(cycle, settled, balances)?;
    let mut people = BTreeMap::new();
    let mut totals: BTreeMap<(String, String), Total> = BTreeMap::new();
    for (id, person) in &cycle.index {
        let (mut indicators, mut missing) = (BTreeMap::new(), BTreeSet::new());
        for place in cycle.plan.enabled() {
            let code = text(&cycle.plan.indicators[place], "/code").unwrap_or_default().to_owned();
            let value = cycle.indicator_if_any(place, *person)?;
            if value.is_none() {
                missing.insert(code.clone());
            }
            indicators.insert(code, value.unwrap_or_default().normalize());
        }
        let lines = std::mem::take(&mut of_earner[*person]);
        for line in &lines {
            let total = totals.entry((line.bonus.clone(), line.currency.clone())).or_default();
            total.lines += 1;
            total.amount += line.amount;
            total.residual += line.exact - line.amount;
        }
        let (paid_rank, grace_used) = cycle.paid_and_grace(*person)?;
        let settlement = Settlement {
            active: cycle.is_active(*person)?,
            earned_rank: cycle.earned(*person)?,
            paid_rank,
            honorific_rank: cycle.honorific(*person)?,
            grace_used,
            indicators,
            missing,
            total: lines.iter().map(|line| line.amount).sum(),
            lines,
            awards: std::mem::take(&mut awards[*person]),
        };
        people.insert(id.clone(), settlement);
    }
    Ok(CycleResult { cycle: cycle.input.id.clone(), people, totals, handed_on })
}
