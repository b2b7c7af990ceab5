//! The same scenario by the evaluator that shares nothing with the engine: every rank, indicator and line.

use std::collections::BTreeMap;

use foundation::cycle::Cycle;
use jiff::tz::TimeZone;
use oracle::{
    CycleInput, Line, Settlement,
    facts::{Person, orders_in, people_in},
};
use plan::Plan;
use simulation::Simulated;

use crate::scenario::{Row, agrees, payouts, row};

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
pub(crate) fn differences(plan: &Plan, inputs: &[CycleInput], results: &[Simulated]) -> Vec<String> {
    if inputs.iter().any(|input| PEOPLE < input.people.len()) {
        return Vec::new();
    }
    let mut document = plan.document().clone();
    let built_in = plan.indicators().iter().filter(|indicator| indicator.built_in && indicator.needed);
    document.indicators.extend(built_in.map(|indicator| indicator.definition.clone()));
    let expected = match oracle::evaluate(&serde_json::to_value(&document).unwrap(), inputs) {
        Ok(expected) => expected,
        Err(reason) => return vec![format!("the evaluator fails: {reason:#}")],
    };
    let mut wrong = Vec::new();
    for (result, expected) in results.iter().zip(expected) {
        let mut lines: Vec<Row> = payouts(result);
        for (id, person) in &expected.people {
            let here = format!("{id} in {}", expected.cycle);
            wrong.extend(of_person(result, id, person).into_iter().map(|text| format!("{here}: {text}")));
            for line in &person.lines {
                let said = said(id, line);
                let is_it = |found: &Row| said.iter().all(|(column, cell)| agrees(cell, &found[column]));
                match lines.iter().position(is_it) {
                    Some(place) => drop(lines.swap_remove(place)),
                    None => wrong.push(format!("{here}: only the evaluator has {said:?}")),
                }
            }
        }
        wrong.extend(lines.iter().map(|line| format!("{}: the evaluator has no {line:?}", expected.cycle)));
    }
    wrong
}

fn of_person(result: &Simulated, id: &str, other: &Settlement) -> Vec<String> {
    let Some(at) = result.snapshot.people.row(id) else { return vec!["the engine knows nobody".to_owned()] };
    let (ranks, row) = (&result.ranks, at as usize);
    let found = (ranks.earned[row], ranks.paid[row], ranks.honorific[row], ranks.grace_used[row]);
    let expected = (other.earned_rank, other.paid_rank, other.honorific_rank, other.grace_used);
    let mut wrong = Vec::new();
    if found != expected {
        wrong.push(format!("ranks and grace are {found:?}, the evaluator has {expected:?}"));
    }
    if result.indicators.active[row] != other.active {
        wrong.push(format!("the evaluator has active {}", other.active));
    }
    for (code, value) in &other.indicators {
        let found = result.indicators.value(code, at);
        if found.is_some_and(|found| found != *value) {
            wrong.push(format!("{code} is {found:?}, the evaluator has {value}"));
        }
    }
    wrong
}

/// A line as a scenario writes it.
fn said(earner: &str, line: &Line) -> Row {
    let bonus = if line.bonus.is_empty() { "payout_cap" } else { &line.bonus };
    row([
        ("earner", earner.to_owned()),
        ("bonus", bonus.to_owned()),
        ("kind", line.kind.clone()),
        ("source", line.source.clone()),
        ("order", line.order.clone()),
        ("level_walked", line.level_walked.to_string()),
        ("level_paid", line.level_paid.to_string()),
        ("base", line.base.normalize().to_string()),
        ("rate", line.rate.normalize().to_string()),
        ("amount", line.amount.to_string()),
        ("currency", line.currency.clone()),
    ])
}
