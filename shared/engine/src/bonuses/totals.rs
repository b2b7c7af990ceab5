//! Whose orders the base of a bonus is made of, where it is made of more than one person's orders of the cycle.

use plan::{
    Plan, PlannedBonus, PlannedIndicator, Role, Source,
    bonus::{LevelBase, LinesPer, Mechanic},
    indicator::{Generation, Group, Measure, Scope, Window},
};

use crate::payouts::Totals;

/// Whose orders the base of a bonus is made of; `None` if it is made of no orders of the cycle.
pub(super) fn of_bonus(plan: &Plan, bonus: &PlannedBonus) -> Option<Totals> {
    let of = bonus.indicator(Role::On).or(bonus.indicator(Role::Of));
    let of = of.and_then(|index| of_indicator(plan, plan.indicators().get(index)?));
    match &bonus.definition.pays {
        Mechanic::Unilevel(unilevel) if unilevel.per == LinesPer::Level => {
            let brought = match unilevel.on {
                LevelBase::Orders(_) => Some(Totals::Own),
                LevelBase::Indicator(_) => of,
            };
            brought.map(of_those_below)
        }
        Mechanic::Binary(_) => of.map(of_those_below),
        // What was earned from other bonuses is lowered with their lines, and amounts and profits are no totals.
        Mechanic::Matching(_) | Mechanic::Fixed(_) | Mechanic::RetailProfit(_) => None,
        _ => of,
    }
}

/// A total of those below, each with these totals.
fn of_those_below(each: Totals) -> Totals {
    within(each, Totals::Below)
}

/// Of members who are `scope` as seen from the source, each with the totals of `each`.
fn within(each: Totals, scope: Totals) -> Totals {
    match (each, scope) {
        (Totals::Company, _) | (_, Totals::Company) => Totals::Company,
        (each, Totals::Own) => each,
        (Totals::Own, scope) => scope,
        (Totals::Team, Totals::Team) => Totals::Team,
        _ => Totals::Below,
    }
}

/// Of both.
fn together(one: Totals, other: Totals) -> Totals {
    match (one, other) {
        (Totals::Company, _) | (_, Totals::Company) => Totals::Company,
        (one, other) if one == other => one,
        _ => Totals::Team,
    }
}

fn of_indicator(plan: &Plan, planned: &PlannedIndicator) -> Option<Totals> {
    let definition = &planned.definition;
    // Earlier cycles are not felt by a return of this one. That also ends what measures itself.
    if matches!(definition.window, Window::Previous(_)) {
        return None;
    }
    let at = |index: usize| of_indicator(plan, plan.indicators().get(index)?);
    let each = match &definition.measure {
        Measure::Vq
        | Measure::Vc
        | Measure::Net
        | Measure::Gross
        | Measure::Orders
        | Measure::Units
        | Measure::Points => Some(Totals::Own),
        Measure::Indicator(_) => planned.measured.and_then(at),
        Measure::Formula(_) => {
            let slots = planned.formula.iter().flat_map(rules::Program::slots);
            let read = slots.filter_map(|slot| match plan.source(*slot) {
                Some(Source::Indicator(index)) => at(index),
                _ => None,
            });
            read.reduce(together)
        }
        _ => None,
    };
    each.map(|each| within(each, of_scope(&definition.scope)))
}

fn of_scope(scope: &Scope) -> Totals {
    match scope {
        Scope::Own => Totals::Own,
        Scope::Team
        | Scope::Group(Group { with_self: true, .. })
        | Scope::Generation(Generation { number: 0, .. }) => Totals::Team,
        // Those above are not below anybody: anybody may be among them.
        Scope::Upline { .. } | Scope::Company => Totals::Company,
        _ => Totals::Below,
    }
}
