//! The same scenario by the evaluator that shares nothing with the engine: every rank, indicator, line, award and balance.

use std::collections::BTreeMap;

use foundation::cycle::Cycle;
use jiff::tz::TimeZone;
use oracle::{
    CycleInput,
    facts::{Person, orders_in, people_in},
};
use plan::Plan;

use crate::engine_run;

/// A cycle out of the text of its files. Several tops get a company above them, as a simulation gives them.
pub(crate) fn input(name: &str, cycle: &Cycle, zone: &TimeZone, people: &str, orders: &str) -> CycleInput {
    let mut people = people_in(people).unwrap();
    let is_top = |person: &&mut Person| person.parent.is_empty();
    if 1 < people.iter_mut().filter(is_top).count() {
        for person in people.iter_mut().filter(is_top) {
            "company".clone_into(&mut person.parent);
        }
        let (id, kind) = ("company".to_owned(), "customer".to_owned());
        people.push(Person { id, kind, ..Person::default() });
    }
    CycleInput {
        id: name.to_owned(),
        first_day: cycle.start.to_zoned(zone.clone()).date(),
        last_day: cycle.end.to_zoned(zone.clone()).date().yesterday().unwrap(),
        people,
        orders: orders_in(orders).unwrap(),
        rates: BTreeMap::new(),
        process: None,
        advances: Vec::new(),
    }
}

/// Networks up to this size are settled twice; the evaluator walks them anew for every number.
const PEOPLE: usize = 500;

/// What the evaluator says differently.
pub(crate) fn differences(plan: &Plan, inputs: &[CycleInput]) -> Vec<String> {
    if inputs.iter().any(|input| PEOPLE < input.people.len()) {
        return Vec::new();
    }
    let document = serde_json::to_value(plan.self_contained()).unwrap();
    let both = oracle::evaluate(&document, inputs)
        .and_then(|expected| Ok(engine_run::differences(plan, &engine_run::run(plan, inputs)?, &expected)));
    both.unwrap_or_else(|reason| vec![format!("it cannot be compared: {reason:#}")])
}
