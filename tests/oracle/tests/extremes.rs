//! The engine against the evaluator on the shapes and amounts that hurt.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail as a test does")]

mod engine_run;

use std::collections::BTreeMap;

use jiff::civil::date;
use oracle::{
    CycleInput,
    facts::{Order, Person},
};
use plan::Plan;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn bonus(code: &str, pays: &Value) -> Value {
    json!({ "code": code, "name": { "es": code, "en": code }, "pays": pays })
}

/// A plan with something of most mechanics; `more` goes over it.
fn document(more: &Value) -> Value {
    let rank =
        |code: &str, rule: &str| json!({ "code": code, "name": { "es": code, "en": code }, "rule": rule });
    let levels = |compression: &str| {
        json!({ "unilevel": {
            "on": { "orders": "vc" }, "rates": { "by-level": ["0.1", "0.05", "0.03"] }, "compression": compression
        } })
    };
    let mut document = json!({
        "format": 1, "name": { "es": "n", "en": "n" }, "version": 1, "time_zone": "America/Bogota",
        "currencies": { "base": "COP" }, "activity": { "rule": "status == 'active' && own_vq > 0" },
        "catalogue": { "own_volume_goal": "100", "enabled": ["PVQ", "PVC"] },
        "ranks": { "steps": [
            rank("R1", "own_vq >= 50"), rank("R2", "active && frontline_with_rank('R1') >= 1"),
        ] },
        "bonuses": [
            bonus("LEVELS", &levels("none")),
            bonus("SKIP", &levels("dynamic")),
            bonus("UP", &levels("roll-up")),
            bonus("DIFF", &json!({ "differential": {
                "of": "PVC", "by": { "source": { "orders": "vc" } },
                "rate": { "by-rank": [{ "rate": "0.01" }, { "rank": "R1", "rate": "0.05" }, { "rank": "R2", "rate": "0.12" }] }
            } })),
            bonus("INF", &json!({ "infinity": {
                "on": { "orders": "vc" }, "rates": [{ "rank": "R1", "rate": "0.02" }], "difference": true
            } })),
            bonus("MATCH", &json!({ "matching": { "of": ["LEVELS", "DIFF"], "rates": { "by-level": ["0.1"] } } })),
            bonus("POOL", &json!({ "pool": { "fund": { "amount": "1000" }, "shares": "own_vq" } })),
            bonus("ONCE", &json!({ "fixed": { "amount": { "amount": "5" }, "times": "once" } })),
        ],
        "payout_cap": { "share_of_vc": "0.3" },
        "cap_per_person": "100000000",
    });
    for (field, value) in more.as_object().unwrap() {
        document[field] = value.clone();
    }
    document
}

/// The bonuses of the plan without some.
fn but(without: &[&str]) -> Vec<Value> {
    let all = document(&json!({}))["bonuses"].as_array().unwrap().clone();
    all.into_iter().filter(|bonus| without.iter().all(|code| bonus["code"] != *code)).collect()
}

fn cycle(people: Vec<Person>, orders: Vec<Order>) -> CycleInput {
    CycleInput {
        id: "2026-10".to_owned(),
        first_day: date(2026, 10, 1),
        last_day: date(2026, 10, 31),
        people,
        orders,
        rates: BTreeMap::new(),
        process: None,
        advances: Vec::new(),
    }
}

fn id(index: usize) -> String {
    format!("p{index:06}")
}

/// `count` people, each under the one that `parent` says.
fn people(count: usize, parent: impl Fn(usize) -> usize) -> Vec<Person> {
    let person = |index: usize| Person {
        id: id(index),
        parent: if index == 0 { String::new() } else { id(parent(index)) },
        ..Person::default()
    };
    (0..count).map(person).collect()
}

fn order(number: usize, buyer: usize, volume: Decimal) -> Order {
    Order {
        id: format!("o{number:06}"),
        person: id(buyer),
        paid_at: "2026-10-05".to_owned(),
        kind: if volume.is_sign_negative() { "return" } else { "" }.to_owned(),
        vq: volume.abs(),
        vc: volume.abs(),
        net: volume.abs(),
        ..Order::default()
    }
}

/// Settles alike; returns how many lines there are.
fn alike(document: &Value, cycle: CycleInput) -> usize {
    let plan = Plan::parse(&document.to_string()).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let cycles = [cycle];
    let expected = oracle::evaluate(&serde_json::to_value(plan.self_contained()).unwrap(), &cycles).unwrap();
    let computed = engine_run::run(&plan, &cycles).unwrap();
    let differences = engine_run::differences(&plan, &computed, &expected);
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(20)].join("\n"));
    computed[0].payouts.lines.len()
}

#[test]
fn chains_of_ten_thousand_settle_alike() {
    let people = people(10_000, |index| index - 1);
    let sold = |number: usize| order(number, number * 999, Decimal::from(40 + number));
    let orders: Vec<Order> = (0..10).map(sold).chain([order(10, 9_999, Decimal::ONE_HUNDRED)]).collect();
    let plan = document(&json!({ "bonuses": but(&["INF"]) }));
    assert!(20 < alike(&plan, cycle(people, orders)));
}

#[test]
fn stars_of_a_hundred_thousand_settle_alike() {
    let people = people(100_000, |_| 0);
    let orders =
        (0..1_000).map(|number| order(number, number * 98, Decimal::from(30 + number % 50))).collect();
    let plan = document(&json!({ "bonuses": but(&["SKIP", "UP", "INF", "ONCE"]) }));
    assert!(1_000 < alike(&plan, cycle(people, orders)));
}

#[test]
fn an_empty_network_is_refused_and_nobody_active_is_nobody_paid() {
    let plan = Plan::parse(&document(&json!({})).to_string()).unwrap();
    let Err(refused) = engine_run::run(&plan, &[cycle(Vec::new(), Vec::new())]) else {
        panic!("it is settled")
    };
    assert!(refused.to_string().contains("the network has no people"), "{refused:#}");
    assert_eq!(alike(&document(&json!({})), cycle(people(1, |_| 0), Vec::new())), 0);
    let mut all = people(50, |index| (index - 1) / 2);
    for person in &mut all {
        "inactive".clone_into(&mut person.status);
    }
    let orders = (0..50).map(|number| order(number, number, Decimal::ONE_HUNDRED)).collect();
    assert_eq!(alike(&document(&json!({})), cycle(all, orders)), 0);
}

#[test]
fn volumes_below_nothing_settle_alike() {
    let people = people(40, |index| (index - 1) / 3);
    // Everyone buys a little and brings back more than that.
    let bought = (0..40).map(|number| order(number, number, Decimal::from(10 + number)));
    let back = (0..40)
        .filter(|number| number % 3 != 0)
        .map(|number| order(100 + number, number, Decimal::from(-60)));
    let always = json!({ "activity": { "rule": "status == 'active'" }, "payout_cap": null });
    assert!(0 < alike(&document(&always), cycle(people, bought.chain(back).collect())));
}

/// Millions of millions, and the least there is.
#[test]
fn amounts_at_both_ends_settle_alike() {
    let people = people(30, |index| (index - 1) / 2);
    let large = Decimal::from(99_999_999_999_u64);
    let least = Decimal::new(1, 4);
    let orders =
        (0..30).map(|number| order(number, number, if number % 2 == 0 { large } else { least })).collect();
    let document =
        document(&json!({ "bonuses": but(&["POOL"]), "payout_cap": null, "cap_per_person": null }));
    assert!(0 < alike(&document, cycle(people, orders)));
}
