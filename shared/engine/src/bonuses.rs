//! Bonuses: from indicators and ranks to payout lines.

mod accounts;
mod advances;
mod ahead;
mod alternatives;
mod balances;
mod binary;
mod breakaway;
mod caps;
mod desk;
mod differential;
mod fixed;
mod generations;
mod holds;
mod infinity;
mod levels;
mod limits;
mod matching;
mod minimum;
mod pass_up;
mod payments;
mod percentage;
mod periods;
mod pool;
mod rates;
mod reach;
mod retail;
mod shares;
mod together;
mod totals;
mod undo;

use plan::{
    Plan, PlannedBonus, Role,
    bonus::{
        Differential, DifferentialBy, GenerationOverride, LevelBase, LinesPer, Mechanic, OrderMeasure, Per,
    },
    indicator::{Aggregate, Indicator, Measure, Scope, Window},
};

pub use self::shares::Outcome;
use self::{ahead::Aheads, desk::Desk, rates::is_marginal};
pub(crate) use self::{
    limits::amount_of_rank,
    pass_up::passed_up,
    payments::restore_payments,
    reach::{lowest_rank_of_level, lowest_rank_paid},
    shares::{OrderShares, Share, brings, shares_of_order, shares_of_person},
    together::{brought_to_level, holder_of_last_level},
};
use crate::{
    failure::EngineError,
    indicators::{Context, Indicators, restored},
    payouts::{Advance, Carried, LineKind, PaidBonus, Payouts, in_order},
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
    /// What was paid on account of this cycle before its end, to be deducted.
    pub advances: &'a [Advance],
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
    let mut desk = Desk::new(snapshot, plan, &run, context)?;
    // First, so that whoever is paid on what others earned is paid on what is left of it.
    desk.undo(context.settled)?;
    let here = |bonus: &PlannedBonus| bonus.definition.runs_in(context.process);
    let mut aheads = desk.ahead(here);
    for (number, bonus) in (0_u16..).zip(plan.bonuses()) {
        if here(bonus) {
            desk.know_payments(number, bonus)?;
            desk.bonus(number, bonus, &mut aheads)?;
        }
        desk.finish_known(number, context.process)?;
    }
    desk.cap_everything()?;
    desk.deduct(context.advances)?;
    desk.keep_below_minimum()?;
    desk.close_accounts()?;
    desk.awards.sort_by_key(|award| (award.earner, award.bonus, award.source, award.order, award.level_paid));
    let Desk { bonuses, conservation, lines, awards, not_undone, balances, .. } = desk;
    let lines = in_order(lines, snapshot.people.len());
    Ok(Payouts { bonuses, conservation, lines, awards, not_undone, carried: balances.carried() })
}

impl Desk<'_> {
    /// The lines of a bonus up to its cap per person.
    fn bonus(&mut self, number: u16, bonus: &PlannedBonus, aheads: &mut Aheads) -> Result<(), EngineError> {
        let first = self.lines.len();
        self.mechanic_or_ahead(number, bonus, aheads)?;
        match &bonus.definition.cap_per_person {
            Some(cap) => {
                let of = format!("bonus {}", bonus.definition.code);
                let caps = self.limits((cap, bonus.rule(Role::Cap)), &of, Ok)?;
                let sums = self.sums(number, &self.lines[first..], |_| true)?;
                self.cap_persons(number, LineKind::BonusCap, &caps, sums)
            }
            None => Ok(()),
        }
    }

    /// The lines of a bonus before any cap.
    fn mechanic(&mut self, number: u16, bonus: &PlannedBonus) -> Result<(), EngineError> {
        match &bonus.definition.pays {
            Mechanic::Percentage(percentage) => self.percentage(number, bonus, percentage),
            Mechanic::Unilevel(unilevel) => self.unilevel(number, bonus, unilevel),
            Mechanic::Differential(differential) => self.differential(number, bonus, differential),
            Mechanic::Generation(generation) => self.generations(number, bonus, generation),
            Mechanic::Breakaway(breakaway) => self.breakaway(number, bonus, breakaway),
            Mechanic::Matching(matching) => self.matching(number, bonus, matching),
            Mechanic::Pool(pool) => self.pool(number, bonus, pool),
            Mechanic::Infinity(infinity) => self.infinity(number, bonus, infinity),
            Mechanic::Fixed(fixed) => self.fixed(number, bonus, fixed),
            Mechanic::RetailProfit(retail) => self.retail_profit(number, bonus, retail),
            Mechanic::Binary(binary) => self.binary(number, bonus, binary),
        }
    }

    /// What comes after it is known what a bonus pays whom: the cap on all together, what is remembered, what is held.
    fn finish(&mut self, number: u16, bonus: &PlannedBonus) -> Result<(), EngineError> {
        let definition = &bonus.definition;
        if let Some(cap) = &definition.cap {
            let cap = self.allowed(number, bonus, cap)?;
            let sums = self.sums_of_bonus(number)?;
            self.cap_together(number, LineKind::BonusTotalCap, cap, sums)?;
        }
        match &definition.pays {
            Mechanic::Fixed(fixed) => self.remember_paid(number, &definition.code, fixed.times),
            Mechanic::Percentage(percentage) if percentage.true_up.is_some() => {
                self.remember_period(number, bonus)?;
            }
            _ => {}
        }
        self.hold(number, bonus)
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
        Mechanic::Unilevel(unilevel) if unilevel.per == LinesPer::Source => brought(&unilevel.on),
        Mechanic::Infinity(infinity) => brought(&infinity.on),
        Mechanic::Differential(Differential { by: DifferentialBy::Source(on), .. }) => brought(on),
        Mechanic::Generation(GenerationOverride { per: Per::Member, .. }) => of.and_then(own_orders),
        Mechanic::RetailProfit(_) => Some(OrderMeasure::Margin),
        // What is deducted later of what a period was paid is undone with it.
        Mechanic::Percentage(percentage)
            if !is_marginal(&percentage.rate) && percentage.true_up.is_none() =>
        {
            of.and_then(own_orders)
        }
        _ => None,
    };
    PaidBonus {
        code: bonus.definition.code.clone(),
        indicator: of.map(|definition| definition.code.clone()).unwrap_or_default(),
        measure,
        totals: if measure.is_none() { totals::of_bonus(plan, bonus) } else { None },
        award: bonus.definition.award.clone(),
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
