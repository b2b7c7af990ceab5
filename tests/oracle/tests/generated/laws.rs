//! What holds of every run, whatever the plan.

use std::collections::BTreeMap;

use engine::{Conservation, LegAccount, LineKind, codec, use_threads};
use plan::bonus::{Brackets, Differential, DifferentialBy, Mechanic, Rate};
use proptest::prelude::*;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

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

/// All files of a run, one after the other.
fn stored(computed: &[Computed]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Computed { snapshot, indicators, ranked, payouts } in computed {
        let files = codec::encode_snapshot(snapshot).unwrap();
        bytes.extend([files.people, files.orders].concat());
        bytes.extend(codec::encode_indicators(indicators, snapshot).unwrap());
        bytes.extend(codec::encode_indicators(&ranked.indicators, snapshot).unwrap());
        bytes.extend(codec::encode_ranks(&ranked.ranks, snapshot).unwrap());
        bytes.extend(codec::encode_payouts(payouts, snapshot).unwrap());
        bytes.extend(codec::encode_awards(payouts, snapshot).unwrap());
        bytes.extend(codec::encode_carried(&payouts.carried, snapshot).unwrap());
    }
    bytes
}

/// The highest rate a differential bonus gives to anybody, in thousand-millionths; none where only a rule knows.
fn top_rate(differential: &Differential) -> Option<i64> {
    let highest = |rates: Vec<Decimal>| rates.into_iter().max().unwrap_or_default();
    let top = match &differential.rate {
        Rate::Fixed(rate) => *rate,
        Rate::Brackets(brackets) => highest(brackets.steps.iter().map(|step| step.rate).collect()),
        Rate::ByRank(rows) => highest(rows.iter().map(|row| row.rate).collect()),
        Rate::Rule(_) => return differential.most.map(in_billionths),
    };
    Some(in_billionths(differential.most.map_or(top, |most| top.min(most))))
}

fn in_billionths(rate: Decimal) -> i64 {
    (rate * Decimal::from(1_000_000_000)).to_i64().unwrap()
}

/// What is paid along a path on one source, or one order, is never more than the top rate.
fn stays_under_the_top(computed: &Computed, plan: &plan::Plan) -> Result<(), TestCaseError> {
    for (number, bonus) in plan.bonuses().iter().enumerate() {
        let Mechanic::Differential(differential) = &bonus.definition.pays else { continue };
        let (DifferentialBy::Source(_), Some(top)) = (&differential.by, top_rate(differential)) else {
            continue;
        };
        let mut along: BTreeMap<(u32, u32), i64> = BTreeMap::new();
        for line in &computed.payouts.lines {
            if usize::from(line.bonus) == number && line.kind == LineKind::Earned {
                *along.entry((line.source, line.order)).or_default() += line.rate;
            }
        }
        prop_assert!(along.values().all(|rate| *rate <= top), "{along:?} pass {top}");
    }
    Ok(())
}

/// One's own rate less that of each first-line member, who gets theirs, is at most one's own rate.
fn differences_add_up(computed: &Computed, plan: &plan::Plan) -> Result<(), TestCaseError> {
    for (number, bonus) in plan.bonuses().iter().enumerate() {
        let Mechanic::Differential(differential) = &bonus.definition.pays else { continue };
        let (DifferentialBy::Member, Some(top)) = (&differential.by, top_rate(differential)) else {
            continue;
        };
        let lines = computed.payouts.lines.iter().filter(|line| usize::from(line.bonus) == number);
        let passes =
            lines.filter(|line| line.kind == LineKind::Earned).any(|line| !(0..=top).contains(&line.rate));
        prop_assert!(!passes, "a rate is under 0 or passes {top}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn differential_rates_along_a_path_never_pass_the_top(case in case()) {
        for cycle in computed(&case)? {
            stays_under_the_top(&cycle, &case.plan)?;
            differences_add_up(&cycle, &case.plan)?;
        }
    }

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

/// Each case is settled and written once for each number of threads.
fn fewer() -> ProptestConfig {
    let asked = config();
    ProptestConfig { cases: asked.cases.div_ceil(4), ..asked }
}

proptest! {
    #![proptest_config(fewer())]

    #[test]
    fn threads_change_no_byte(case in case()) {
        let mut files = Vec::new();
        for threads in [1, 2, 3, 7] {
            use_threads(threads);
            files.push(stored(&computed(&case)?));
        }
        use_threads(0);
        prop_assert!(files.windows(2).all(|two| two[0] == two[1]), "another number of threads, other bytes");
    }
}
