//! The plan author's guides: what they show has to be a plan.
#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail like tests.

use plan::Plan;
use serde_json::Value;

/// The JSON texts of a guide, in order.
fn texts(guide: &str) -> Vec<Value> {
    let blocks = guide.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| serde_json::from_str(block).unwrap_or_else(|error| panic!("{error}: {block}")))
        .collect()
}

/// Lists grow, everything else is replaced.
fn add(plan: &mut Value, more: Value) {
    for (field, value) in more.as_object().unwrap().clone() {
        match (plan.get_mut(&field).and_then(Value::as_array_mut), value) {
            (Some(list), Value::Array(items)) => list.extend(items),
            (_, value) => plan[field] = value,
        }
    }
}

fn check(guide: &str) {
    let mut texts = texts(guide).into_iter();
    let mut plan = texts.next().unwrap();
    Plan::parse(&plan.to_string()).unwrap_or_else(|mistakes| panic!("the whole plan: {mistakes:#?}"));
    let mut mechanics = std::collections::BTreeSet::new();
    for more in texts {
        add(&mut plan, more.clone());
        Plan::parse(&plan.to_string()).unwrap_or_else(|mistakes| panic!("{more:#}: {mistakes:#?}"));
    }
    for bonus in plan["bonuses"].as_array().unwrap() {
        mechanics.extend(bonus["pays"].as_object().unwrap().keys().cloned());
    }
    assert_eq!(mechanics.len(), 11, "a mechanic is not shown: {mechanics:?}");
}

#[test]
fn the_english_guide_shows_plans() {
    check(include_str!("../../../docs/plan-guide.md"));
}

#[test]
fn the_spanish_guide_shows_plans() {
    check(include_str!("../../../docs/guia-del-plan.md"));
}
