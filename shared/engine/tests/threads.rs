//! Threads change nothing: every number is the same on any number of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use engine::{
    BonusContext, Context, ExchangeRates, IndexedFacts, Link, NONE, OrderColumns, PeopleColumns, Texts,
    calculate_bonuses, calculate_indicators, calculate_ranks, codec, integrate_columns, use_threads,
};
use foundation::cycle::Cycle;
use jiff::{civil::date, tz::TimeZone};
use plan::Plan;

/// Enough for several tiles of a pass, so that it is cut where people stand deep.
const PEOPLE: u32 = 6_000;
/// They hang one under the other, in the middle of the others.
const CHAIN: std::ops::Range<u32> = 1_000..1_400;
const W: &str = include_str!("../../../tests/bench/plans/w.json");
const FULL: &str = include_str!("../../../tests/bench/plans/full.json");

/// W, with rules that ask for everything that can be asked for below.
fn asking() -> String {
    let mut document: serde_json::Value = serde_json::from_str(W).unwrap();
    let group = serde_json::json!({"code": "W_GROUP", "name": {"es": "Grupo", "en": "Group"}, "unit": "points", "measure": "vc",
        "scope": {"group": {"rank": "r3", "self": false}}, "options": {"ranks": "paid"}});
    document["indicators"].as_array_mut().unwrap().push(group);
    let rules = [
        "frontline_with_rank('r1') >= 2",
        "downline_with_rank('r2') >= 3 && W_GROUP >= 100",
        "legs_with_rank('r3') >= 2",
        "legs_with_rank('r1', 3) >= 2 && W_GROUP >= 50",
        "downline_with_rank('r5') >= 2 && legs_with_rank('r2', 2) >= 2",
        "legs_with_rank('r4') >= 2",
    ];
    for (step, rule) in rules.into_iter().enumerate() {
        document["ranks"]["steps"][step + 1]["rule"] = rule.into();
    }
    document["ranks"]["grace"] = serde_json::json!({"cycles": 1, "then": "one-step"});
    document.to_string()
}

fn facts() -> IndexedFacts {
    let mut state = 11_u64;
    let mut below = |limit: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % u64::from(limit)).unwrap()
    };
    let first = date(2026, 10, 1);
    let cycle =
        Cycle::of_days("2026-10".parse().unwrap(), first, first.last_of_month(), &TimeZone::UTC).unwrap();
    let (mut ids, mut order_ids) = (Texts::default(), Texts::default());
    let (mut parent, mut buyer, mut vq) = (Vec::new(), Vec::new(), Vec::new());
    for person in 0..PEOPLE {
        // Not in the order of the rows.
        ids.push(&format!("P{:08}", u64::from(person) * 7_919 % 100_000_007));
        parent.push(match person {
            0 => NONE,
            one if CHAIN.contains(&one) => one - 1,
            one => below(one),
        });
        for _ in 0..below(3) {
            order_ids.push(&format!("O{:08}", u64::from(below(1 << 20)) << 20 | buyer.len() as u64));
            buyer.push(person);
            vq.push(i64::from(below(5_000_000)));
        }
    }
    let people = PeopleColumns { ids, parent: Link::Rows(parent), ..PeopleColumns::default() };
    let orders = OrderColumns {
        ids: order_ids,
        paid_at: vec![cycle.start.as_microsecond(); buyer.len()],
        person: Link::Rows(buyer),
        vc: vq.clone(),
        vq,
        ..OrderColumns::default()
    };
    IndexedFacts::of(&cycle, people, orders).unwrap()
}

#[test]
fn every_number_is_the_same_on_any_number_of_threads() {
    for document in [W, FULL, &asking()] {
        let plan = Plan::parse(document).unwrap();
        let run = |threads: usize| {
            use_threads(threads);
            let snapshot = integrate_columns(facts(), None, &plan, ExchangeRates::of_plan(&plan)).unwrap();
            let indicators = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
            let ranked = calculate_ranks(&snapshot, &indicators, &plan, Context::default()).unwrap();
            let payouts =
                calculate_bonuses(&snapshot, &indicators, &ranked, &plan, BonusContext::default()).unwrap();
            let files = codec::encode_snapshot(&snapshot).unwrap();
            let stored = codec::decode_snapshot(files.people.clone().into(), files.orders.clone().into());
            assert!(stored.unwrap() == snapshot, "{threads} threads");
            let written = codec::encode_payouts(&payouts, &snapshot).unwrap();
            (files, indicators, ranked, payouts, written)
        };
        let one = run(1);
        assert!(!one.3.lines.is_empty());
        let reached: BTreeSet<u8> = one.2.ranks.earned.iter().copied().collect();
        assert!(4 < reached.len(), "only {reached:?}");
        for threads in [2, 3, 8] {
            assert!(run(threads) == one, "{threads} threads");
        }
    }
}
