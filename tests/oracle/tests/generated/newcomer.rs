//! Somebody who buys nothing changes nobody's pay.

use std::collections::BTreeMap;

use oracle::{
    CycleInput,
    facts::{Order, Person},
};
use plan::Plan;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{
    company::{self, Drawn},
    config, engine_run,
};

/// A plan whose rules ask for volume and for people who have some.
const PLAN: &str = include_str!("../../../../shared/testkit/company/plan.json");

fn pay(plan: &Plan, cycles: &[CycleInput]) -> Vec<BTreeMap<String, Decimal>> {
    let computed = engine_run::run(plan, cycles).unwrap();
    let of_cycle = computed.iter().map(|cycle| {
        let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
        for line in &cycle.payouts.lines {
            let earner = cycle.snapshot.people.ids.get(line.earner as usize);
            *sums.entry(earner.to_owned()).or_default() += line.amount();
        }
        sums
    });
    of_cycle.collect()
}

/// In currencies of the plan, with volumes it asks for.
fn in_the_plans_terms(cycles: &mut [CycleInput]) {
    for cycle in cycles {
        for Person { currency, .. } in &mut cycle.people {
            if ["CLP", "KWD"].contains(&currency.as_str()) {
                "USD".clone_into(currency);
            }
        }
        for Order { currency, vq, vc, .. } in &mut cycle.orders {
            currency.clear();
            (*vq, *vc) = (*vq * Decimal::TWO, *vc * Decimal::TWO);
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn somebody_without_volume_changes_nobodys_pay(
        people in prop::collection::vec(prop::collection::vec(any::<u16>(), 24), 1..20),
        orders in prop::collection::vec(prop::collection::vec(any::<u16>(), 28), 0..40),
        shape in any::<u16>(),
        under in any::<prop::sample::Index>(),
        customer in any::<bool>(),
    ) {
        let plan = Plan::parse(PLAN).unwrap();
        let ranks = ["asociado", "bronce", "plata", "oro"].map(str::to_owned);
        let drawn = Drawn { shape, people: &people, orders: &orders, cycles: 2, ranks: &ranks, bonuses: &[], turns: &[] };
        let mut cycles = company::cycles(&drawn);
        in_the_plans_terms(&mut cycles);
        let before = pay(&plan, &cycles);
        for cycle in &mut cycles {
            let upper = under.get(&cycle.people).id.clone();
            let kind = if customer { "customer" } else { "consultant" }.to_owned();
            cycle.people.push(Person { id: "new".to_owned(), kind, parent: upper, ..Person::default() });
        }
        prop_assert_eq!(pay(&plan, &cycles), before);
    }
}
