//! Bonuses: from indicators and ranks to payout lines.

mod breakaway;
mod caps;
mod desk;
mod differential;
mod generations;
mod infinity;
mod levels;
mod percentage;
mod rates;
mod reach;
mod shares;
mod undo;

use plan::{
    Plan, PlannedBonus, Role,
    bonus::{Differential, DifferentialBy, GenerationOverride, LevelBase, Mechanic, OrderMeasure, Per},
    indicator::{Aggregate, Indicator, Measure, Scope, Window},
};

pub use self::shares::Outcome;
use self::{desk::Desk, rates::is_marginal};
pub(crate) use self::{
    reach::{lowest_rank_of_level, lowest_rank_paid},
    shares::{OrderShares, Share, brings, shares_of_order, shares_of_person},
};
use crate::{
    failure::EngineError,
    indicators::{Context, Indicators, restored},
    payouts::{Carried, PaidBonus, PayoutLine, Payouts},
    ranks::Ranked,
    snapshot::Snapshot,
};

/// A settled cycle, for what later returns undo.
#[derive(Clone, Copy, Debug)]
pub struct SettledCycle<'a> {
    /// Its snapshot.
    pub snapshot: &'a Snapshot,
    /// What it paid.
    pub payouts: &'a Payouts,
}

/// What bonuses are computed from besides this cycle.
#[derive(Clone, Copy, Debug, Default)]
pub struct BonusContext<'a> {
    /// Earlier cycles whose orders may have been returned in this one, in any order.
    pub settled: &'a [SettledCycle<'a>],
    /// What the cycle before handed on; none: nothing.
    pub carried: Option<&'a Carried>,
    /// The process it runs in; none: all bonuses are computed, whatever processes they name.
    pub process: Option<&'a str>,
}

/// All payout lines, and what the next cycle is handed.
pub fn calculate_bonuses(
    snapshot: &Snapshot,
    indicators: &Indicators,
    ranked: &Ranked,
    plan: &Plan,
    context: BonusContext<'_>,
) -> Result<Payouts, EngineError> {
    let mut run = restored(snapshot, plan, Context::default(), &[indicators, &ranked.indicators])?;
    run.paid.clone_from(&ranked.ranks.paid);
    run.earned.clone_from(&ranked.ranks.earned);
    let mut desk = Desk::new(snapshot, plan, &run)?;
    for (number, bonus) in plan.bonuses().iter().enumerate() {
        let first = desk.lines.len();
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        desk.mechanic(number, bonus)?;
        if let Some(cap) = bonus.definition.cap_per_person {
            desk.cap_bonus(number, cap, first)?;
        }
    }
    desk.undo(context.settled)?;
    desk.cap_everything()?;
    desk.lines.sort_unstable_by_key(PayoutLine::place);
    let Desk { bonuses, conservation, lines, not_undone, .. } = desk;
    Ok(Payouts { bonuses, conservation, lines, not_undone, carried: Carried::default() })
}

impl Desk<'_> {
    /// The lines of a bonus before any cap.
    fn mechanic(&mut self, number: u16, bonus: &PlannedBonus) -> Result<(), EngineError> {
        match &bonus.definition.pays {
            Mechanic::Percentage(percentage) => self.percentage(number, bonus, percentage),
            Mechanic::Unilevel(unilevel) => self.unilevel(number, bonus, unilevel),
            Mechanic::Differential(differential) => self.differential(number, bonus, differential),
            Mechanic::Generation(generation) => self.generations(number, bonus, generation),
            Mechanic::Breakaway(breakaway) => self.breakaway(number, bonus, breakaway),
            Mechanic::Infinity(infinity) => self.infinity(number, bonus, infinity),
            // Refused when the plan is saved.
            Mechanic::Matching(_)
            | Mechanic::Pool(_)
            | Mechanic::Fixed(_)
            | Mechanic::RetailProfit(_)
            | Mechanic::Binary(_) => Ok(()),
        }
    }
}

fn paid_bonus(plan: &Plan, bonus: &PlannedBonus) -> PaidBonus {
    let of = bonus.indicator(Role::On).or(bonus.indicator(Role::Of));
    let of = of.map(|index| &plan.indicators()[index].definition);
    let brought = |on: &LevelBase| match on {
        LevelBase::Orders(measure) => Some(*measure),
        LevelBase::Indicator(_) => of.and_then(own_orders),
    };
    let measure = match &bonus.definition.pays {
        Mechanic::Unilevel(unilevel) => brought(&unilevel.on),
        Mechanic::Infinity(infinity) => brought(&infinity.on),
        Mechanic::Differential(Differential { by: DifferentialBy::Source(on), .. }) => brought(on),
        Mechanic::Generation(GenerationOverride { per: Per::Member, .. }) => of.and_then(own_orders),
        Mechanic::Percentage(percentage) if !is_marginal(&percentage.rate) => of.and_then(own_orders),
        _ => None,
    };
    PaidBonus {
        code: bonus.definition.code.clone(),
        indicator: of.map(|definition| definition.code.clone()).unwrap_or_default(),
        measure,
    }
}

/// What an indicator sums of a person's own orders of the cycle, if that is all it does.
fn own_orders(definition: &Indicator) -> Option<OrderMeasure> {
    let plain = definition.scope == Scope::Own
        && definition.aggregate == Aggregate::Sum
        && definition.window == Window::ThisCycle
        && definition.filter.is_none();
    match definition.measure {
        Measure::Vq if plain => Some(OrderMeasure::Vq),
        Measure::Vc if plain => Some(OrderMeasure::Vc),
        Measure::Net if plain => Some(OrderMeasure::Net),
        Measure::Gross if plain => Some(OrderMeasure::Gross),
        Measure::Units if plain => Some(OrderMeasure::Units),
        Measure::Points if plain => Some(OrderMeasure::Points),
        _ => None,
    }
}
