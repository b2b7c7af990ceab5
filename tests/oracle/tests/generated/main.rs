//! The engine against the evaluator on random networks, plans and rule texts: every indicator, rank, line and total.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail as a test does")]

mod company;
mod dice;
#[path = "../engine_run/mod.rs"]
mod engine_run;
mod laws;
mod newcomer;
mod plan_document;
mod rule_text;

use oracle::CycleInput;
use plan::Plan;
use proptest::prelude::*;
use serde_json::{Value, json};

use self::{company::Drawn, dice::Dice};

/// Everything a case is made of.
#[derive(Clone)]
struct Case {
    document: Value,
    plan: Plan,
    cycles: Vec<CycleInput>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", serde_json::to_string_pretty(&self.document).unwrap_or_default())?;
        for cycle in &self.cycles {
            writeln!(f, "cycle {}", cycle.id)?;
            writeln!(
                f,
                "  process {:?}, rates {:?}, advances {:?}",
                cycle.process, cycle.rates, cycle.advances
            )?;
            for person in &cycle.people {
                writeln!(f, "  {person:?}")?;
            }
            for order in &cycle.orders {
                writeln!(f, "  {order:?}")?;
            }
        }
        Ok(())
    }
}

/// Codes of the built-in indicators, which are the same for all plans of this test.
fn built_in() -> Vec<String> {
    let plan = Plan::parse(
        &json!({
            "format": 1, "name": { "es": "n", "en": "n" }, "version": 1, "time_zone": "America/Bogota",
            "currencies": { "base": "COP" }, "activity": { "rule": "own_vq > 0" },
            "catalogue": { "own_volume_goal": "100" },
            "ranks": { "steps": [{ "code": "R1", "name": { "es": "n", "en": "n" }, "rule": "own_vq > 0" }] },
        })
        .to_string(),
    );
    let plan = plan.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let built_in = plan.indicators().iter().filter(|planned| planned.built_in);
    built_in.map(|planned| planned.definition.code.clone()).collect()
}

fn case() -> impl Strategy<Value = Case> {
    let numbers = |most: usize| prop::collection::vec(any::<u16>(), 0..most);
    let people = prop_oneof![
        6 => prop::collection::vec(numbers(24), 1..14),
        1 => prop::collection::vec(numbers(24), 1..60),
    ];
    let orders = prop::collection::vec(numbers(28), 0..40);
    let codes = built_in();
    let turns = prop::collection::vec(numbers(16), 0..4);
    (numbers(700), any::<u16>(), people, orders, turns, 1..4_usize).prop_map(
        move |(plan, shape, people, orders, turns, cycles)| {
            let (document, plan) = plan_document::document(&mut Dice::new(&plan), &codes);
            let ranks: Vec<String> =
                plan.document().ranks.steps.iter().map(|rank| rank.code.clone()).collect();
            let bonuses: Vec<String> = plan
                .document()
                .bonuses
                .iter()
                .filter(|bonus| bonus.award.is_money())
                .map(|bonus| bonus.code.clone())
                .collect();
            let drawn = Drawn {
                shape,
                people: &people,
                orders: &orders,
                cycles,
                ranks: &ranks,
                bonuses: &bonuses,
                turns: &turns,
            };
            Case { document, cycles: company::cycles(&drawn), plan }
        },
    )
}

/// What a number too long for one of the two says nothing about.
fn out_of_reach(reason: &anyhow::Error) -> bool {
    let text = format!("{reason:#}");
    ["too many digits", "too large", "decimals", "Overflow"].iter().any(|part| text.contains(part))
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let document = serde_json::to_value(case.plan.self_contained()).unwrap();
    let expected = oracle::evaluate(&document, &case.cycles);
    let computed = engine_run::run(&case.plan, &case.cycles);
    match (computed, expected) {
        (Ok(computed), Ok(expected)) => {
            let differences = engine_run::differences(&case.plan, &computed, &expected);
            prop_assert!(differences.is_empty(), "{}", differences.join("\n"));
            Ok(())
        }
        (Err(engine), Err(oracle)) if out_of_reach(&engine) && out_of_reach(&oracle) => {
            Err(TestCaseError::reject("neither computes it"))
        }
        (Err(engine), Err(oracle)) => Err(TestCaseError::fail(format!("both fail: {engine:#}; {oracle:#}"))),
        (Err(reason), Ok(_)) if out_of_reach(&reason) => Err(TestCaseError::reject("too many digits")),
        (Ok(_), Err(reason)) if out_of_reach(&reason) => Err(TestCaseError::reject("too many digits")),
        (Err(reason), Ok(_)) => Err(TestCaseError::fail(format!("only the engine fails: {reason:#}"))),
        (Ok(_), Err(reason)) => Err(TestCaseError::fail(format!("only the oracle fails: {reason:#}"))),
    }
}

/// As many cases as take some seconds; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let asked =
        ProptestConfig { failure_persistence: None, max_shrink_time: 60_000, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { asked } else { ProptestConfig { cases: 120, ..asked } }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_and_the_evaluator_agree(case in case()) {
        check(&case)?;
    }
}
