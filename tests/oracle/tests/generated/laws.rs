//! What holds of every run, whatever the plan.

use engine::{Conservation, LegAccount, LineKind};
use plan::bonus::{Brackets, Mechanic, Rate};
use proptest::prelude::*;

use super::{Case, case, config, engine_run, engine_run::Computed};

fn computed(case: &Case) -> Result<Vec<Computed>, TestCaseError> {
    engine_run::run(&case.plan, &case.cycles).map_err(|_| TestCaseError::reject("not computed"))
}

/// Each row somewhere else: backwards, and every third one first.
fn mixed<T: Clone>(rows: &[T]) -> Vec<T> {
    let backwards: Vec<T> = rows.iter().rev().cloned().collect();
    (0..3).flat_map(|first| backwards.iter().skip(first).step_by(3).cloned().collect::<Vec<_>>()).collect()
}

fn is_marginal(mechanic: &Mechanic) -> bool {
    matches!(mechanic, Mechanic::Percentage(percentage)
        if matches!(percentage.rate, Rate::Brackets(Brackets { marginal: true, .. })))
}

/// Mechanics whose account is of base × rate of their lines.
fn keeps_account(mechanic: &Mechanic) -> bool {
    use Mechanic::{Breakaway, Differential, Generation, Infinity, Percentage, Unilevel};
    matches!(
        mechanic,
        Percentage(_) | Unilevel(_) | Differential(_) | Generation(_) | Breakaway(_) | Infinity(_)
    ) && !is_marginal(mechanic)
}

fn close(computed: &Computed, plan: &plan::Plan) -> Result<(), TestCaseError> {
    for (number, bonus) in plan.bonuses().iter().enumerate() {
        let account = &computed.payouts.conservation[number];
        prop_assert_eq!(account.remainder(), 0, "account of {}", &bonus.definition.code);
        if let Some(LegAccount { brought, carried_in, matched, carried_out, flushed }) = account.legs {
            prop_assert_eq!(brought + carried_in, matched + carried_out + flushed);
        }
        let Conservation { paid, rolled_up, capped, held, paid_before, not_chosen, .. } = *account;
        let taken_back = [capped, held, paid_before, not_chosen].iter().any(|part| *part != 0);
        if !keeps_account(&bonus.definition.pays) || taken_back || !bonus.definition.award.is_money() {
            continue;
        }
        let of_bonus = computed
            .payouts
            .lines
            .iter()
            .filter(|line| usize::from(line.bonus) == number && line.kind == LineKind::Earned);
        let lines: i128 = of_bonus.map(|line| i128::from(line.base) * i128::from(line.rate)).sum();
        prop_assert_eq!(lines, paid + rolled_up, "lines of {}", &bonus.definition.code);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn conservation_accounts_close_and_are_made_of_the_lines(case in case()) {
        for cycle in computed(&case)? {
            close(&cycle, &case.plan)?;
        }
    }

    #[test]
    fn the_order_of_people_and_orders_changes_nothing(case in case()) {
        let mut other = case.clone();
        for cycle in &mut other.cycles {
            (cycle.people, cycle.orders) = (mixed(&cycle.people), mixed(&cycle.orders));
        }
        for (one, other) in computed(&case)?.into_iter().zip(computed(&other)?) {
            prop_assert_eq!(one.snapshot, other.snapshot);
            prop_assert_eq!(one.ranked, other.ranked);
            prop_assert_eq!(one.payouts, other.payouts);
        }
    }
}
