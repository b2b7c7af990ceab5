//! Which ranks a bonus may pay.

use plan::{
    Plan,
    bonus::{BinaryPay, Bonus, DepthByRank, LevelRates, Limit, Mechanic, Rate, RateOfRank},
};
use rust_decimal::Decimal;

use super::{
    levels::paid_depth,
    limits::amount_of_rank,
    rates::{all_ranks, reaches},
};

/// The lowest rank that is paid a level by a bonus that pays levels by rank.
pub(crate) fn lowest_rank_of_level(plan: &Plan, pays: &Mechanic, level: u16) -> Option<u8> {
    let depth: &[DepthByRank] = match pays {
        Mechanic::Unilevel(unilevel) => &unilevel.depth,
        Mechanic::Generation(generation) => &generation.depth,
        Mechanic::Matching(matching) => &matching.depth,
        _ => return None,
    };
    let paid = paid_depth(plan, depth);
    all_ranks(plan).zip(paid).find(|(_, paid)| usize::from(level) <= *paid).map(|(rank, _)| rank)
}

/// The lowest rank a bonus may pay anything; `None` if it pays nobody, whatever their rank.
pub(crate) fn lowest_rank_paid(plan: &Plan, bonus: &Bonus) -> Option<u8> {
    let leaves_some =
        |limit: &Option<Limit>, rank: u8| limit.as_ref().is_none_or(|limit| may_be_some(plan, limit, rank));
    let pays = |rank: u8| match &bonus.pays {
        Mechanic::Unilevel(unilevel) => {
            has_level_rate(plan, &unilevel.rates, rank) && is_paid_a_level(plan, &unilevel.depth, rank)
        }
        Mechanic::Generation(generation) => {
            reaches(plan, Some(&generation.rank), rank)
                && has_level_rate(plan, &generation.rates, rank)
                && is_paid_a_level(plan, &generation.depth, rank)
        }
        Mechanic::Matching(matching) => {
            has_level_rate(plan, &matching.rates, rank) && is_paid_a_level(plan, &matching.depth, rank)
        }
        Mechanic::Breakaway(breakaway) => reaches(plan, Some(&breakaway.rank), rank),
        Mechanic::Infinity(infinity) => has_rate(plan, &infinity.rates, rank),
        Mechanic::Percentage(percentage) => may_have_rate(plan, &percentage.rate, rank),
        Mechanic::Differential(differential) => may_have_rate(plan, &differential.rate, rank),
        Mechanic::Binary(binary) => {
            let is_paid = match &binary.pays {
                BinaryPay::Percentage(rate) => may_have_rate(plan, rate, rank),
                BinaryPay::Cycles(cycles) => may_be_some(plan, &cycles.amount, rank),
            };
            is_paid && leaves_some(&binary.most, rank)
        }
        _ => true,
    };
    // The plan's cap takes nothing from what is no money.
    let of_plan = |rank: u8| !bonus.award.is_money() || leaves_some(&plan.document().cap_per_person, rank);
    all_ranks(plan).find(|rank| pays(*rank) && leaves_some(&bonus.cap_per_person, *rank) && of_plan(*rank))
}

/// Whether a limit may be more than 0 for a rank.
fn may_be_some(plan: &Plan, limit: &Limit, rank: u8) -> bool {
    match limit {
        Limit::Same(amount) => !amount.is_zero(),
        Limit::ByRank { by_rank } => !amount_of_rank(plan, by_rank, rank).is_zero(),
        Limit::Rule { .. } => true,
    }
}

fn has_level_rate(plan: &Plan, rates: &LevelRates, rank: u8) -> bool {
    let some = |rates: &[Decimal]| rates.iter().any(|rate| !rate.is_zero());
    match rates {
        LevelRates::ByLevel(rates) => some(rates),
        LevelRates::ByRank(rows) => {
            let reached = rows.iter().rfind(|row| reaches(plan, row.rank.as_ref(), rank));
            reached.is_some_and(|row| some(&row.rates))
        }
        LevelRates::Rule(_) => true,
    }
}

fn is_paid_a_level(plan: &Plan, depth: &[DepthByRank], rank: u8) -> bool {
    paid_depth(plan, depth).get(usize::from(rank)).is_some_and(|levels| *levels != 0)
}

fn may_have_rate(plan: &Plan, rate: &Rate, rank: u8) -> bool {
    match rate {
        Rate::Fixed(rate) => !rate.is_zero(),
        Rate::ByRank(rows) => has_rate(plan, rows, rank),
        Rate::Brackets(_) | Rate::Rule(_) => true,
    }
}

fn has_rate(plan: &Plan, rows: &[RateOfRank], rank: u8) -> bool {
    let reached = rows.iter().rfind(|row| reaches(plan, row.rank.as_ref(), rank));
    reached.is_some_and(|row| !row.rate.is_zero())
}
