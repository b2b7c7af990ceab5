//! What plans say about several bonuses: alternatives, caps, holds, awards, processes, advances.

use engine::{Advance, BalanceKind, BonusContext, LackingKind, LineKind};
use foundation::locale::Locale;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::fixture::{Company, bonus, carried, cycle, document, mistakes, own, parse, plan, with};

fn unilevel() -> Value {
    bonus("uni", &json!({"unilevel": {"on": {"indicator": "OWN"}, "rates": {"by-level": ["0.1"]}}}))
}

#[test]
fn of_an_alternative_the_greatest_is_paid_or_the_first() {
    let people = Company::of("a b<a c<b").selling("a=100 b=100 c=5");
    for (pays, expected) in [
        ("greatest", ["a<b uni 10", "b own 5", "c own 0.25"]),
        ("first", ["a own 5", "b own 5", "c own 0.25"]),
    ] {
        let mut document = document(&[unilevel(), own("own", "0.05")]);
        document["alternatives"] = json!([{"bonuses": ["own", "uni"], "pays": pays}]);
        let run = people.settle(&parse(&document));
        assert_eq!(run.lines(), expected, "{pays}");
    }
    // Equal ones: the first named.
    let mut document = document(&[unilevel(), own("own", "0.1")]);
    document["alternatives"] = json!([{"bonuses": ["own", "uni"]}]);
    let run = people.settle(&parse(&document));
    assert_eq!(run.lines(), ["a own 10", "b own 10", "c own 0.5"]);
    assert_eq!(run.payouts.conservation[0].not_chosen, (105 * 10_i128.pow(12)));
}

#[test]
fn the_cap_of_a_bonus_is_shared_in_proportion() {
    let plan = plan(&[with(own("own", "0.1"), &json!({"cap": "30"}))]);
    let run = Company::of("a b$<a c<a").selling("a=300 b=200 c=100").settle(&plan);
    // 30 + 20 + 10 dollars, half of which is allowed; b is paid in euros.
    let expected = [
        "a own 30",
        "a own bonus-total-cap -15",
        "b own 10",
        "b own bonus-total-cap -5",
        "c own 10",
        "c own bonus-total-cap -5",
    ];
    assert_eq!(run.lines(), expected);
    assert_eq!(run.payouts.conservation[0].capped, 30 * 10_i128.pow(13));
}

/// Matching capped by rank, as published plans have it: r1 gets 15 at most, r3 40, who has neither nothing.
#[test]
fn a_cap_per_person_may_be_by_rank() {
    let caps = json!({"by-rank": [{"rank": "r1", "amount": "15"}, {"rank": "r3", "amount": "40"}]});
    let matching = json!({"matching": {"of": ["own"], "rates": {"by-level": ["0.5"]}}});
    let plan = plan(&[own("own", "0.1"), with(bonus("match", &matching), &json!({"cap_per_person": caps}))]);
    for (rank, amounts) in [
        ("", vec!["a match bonus-cap -50", "a<b match 50"]),
        (":1", vec!["a match bonus-cap -35", "a<b match 50"]),
        (":2", vec!["a match bonus-cap -35", "a<b match 50"]),
        (":3", vec!["a match bonus-cap -10", "a<b match 50"]),
        // 40 dollars at most are 20 euros.
        (":3$", vec!["a match bonus-cap -5", "a<b match 25"]),
    ] {
        let run = Company::of(&format!("a{rank} b<a")).selling("b=1000").settle(&plan);
        let of_matching: Vec<String> =
            run.lines().into_iter().filter(|line| line.contains(" match ")).collect();
        assert_eq!(of_matching, amounts, "{rank}");
    }
    let run = Company::of("a:2 b<a").selling("b=1000").settle(&plan);
    let cap = run.payouts.lines.iter().find(|line| line.kind == LineKind::BonusCap).unwrap();
    let text = run.stored(&plan).explain_line(&run.payouts, cap).render(Locale::En);
    assert!(text.contains("The cap is 15 USD") && text.contains("Paid rank: r2"), "{text}");
    // What the cap leaves is for r1 on.
    let none = Company::of("a b<a").selling("b=1000").settle(&plan);
    let row = none.snapshot.people.row("a").unwrap();
    let missing = none.stored(&plan).why_not_bonus(&none.payouts, "match", row).unwrap().unwrap().missing;
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(missing[0].kind, LackingKind::Rank);
}

#[test]
fn a_cap_per_person_may_be_a_rule() {
    let plan = plan(&[with(own("own", "0.5"), &json!({"cap_per_person": {"rule": "OWN / 3 - 10"}}))]);
    let run = Company::of("a b<a c<a").selling("a=100 b=20 c=-20").settle(&plan);
    // 50 of 23.3333, 10 of less than nothing; what is taken back itself is not capped.
    let expected = ["a own 50", "a own bonus-cap -26.67", "b own 10", "b own bonus-cap -10", "c own -10"];
    assert_eq!(run.lines(), expected);
}

#[test]
fn the_cap_of_a_bonus_may_be_a_share_of_what_the_company_made() {
    let share = |of: &str| json!({"cap": {"share": {"of": of, "rate": "0.04"}}});
    let capped = plan(&[with(own("own", "0.1"), &share("ALL"))]);
    let people = Company::of("a b$<a");
    // 4 % of 500 are 20 dollars, of the 50 that are offered.
    let run = people.clone().selling("a=300 b=200").settle(&capped);
    let expected = ["a own 30", "a own bonus-total-cap -18", "b own 10", "b own bonus-total-cap -6"];
    assert_eq!(run.lines(), expected);
    assert_eq!(run.payouts.conservation[0].capped, 30 * 10_i128.pow(13));
    // Nothing is allowed of less than nothing.
    let run = people.selling("a=100 b=-200").settle(&capped);
    assert_eq!(run.lines(), ["a own 10", "a own bonus-total-cap -10", "b own -10"]);
    let told = mistakes(&document(&[with(own("own", "0.1"), &share("OWN"))]));
    assert!(told.contains("/bonuses/0/cap/share/of: not of the company"), "{told}");
}

#[test]
fn a_cap_per_person_covers_everything() {
    let mut document = document(&[own("own", "0.5"), own("more", "0.2")]);
    document["cap_per_person"] = json!("60");
    let plan = parse(&document);
    let run = Company::of("a b<a").selling("a=100 b=50").settle(&plan);
    assert_eq!(run.lines(), ["a  person-cap -10", "a more 20", "a own 50", "b more 10", "b own 25"]);
    let free = Company::of("a b<a").selling("a=10").settle(&plan);
    assert_eq!(free.payouts.bonuses.len(), 2);
}

#[test]
fn a_cap_on_everything_may_be_by_rank_or_a_rule() {
    let mut document = document(&[own("own", "0.5"), own("more", "0.2")]);
    document["cap_per_person"] =
        json!({"by-rank": [{"rank": "r1", "amount": "20"}, {"rank": "r3", "amount": "100"}]});
    let plan = parse(&document);
    let run = Company::of("a:2 b:3<a c<a d:1$<a").selling("a=100 b=200 c=10 d=100").settle(&plan);
    let capped: Vec<String> = run.lines().into_iter().filter(|line| line.contains("person-cap")).collect();
    assert_eq!(capped, ["a  person-cap -50", "b  person-cap -40", "c  person-cap -7", "d  person-cap -25"]);
    let line = run.payouts.lines.iter().find(|line| line.kind == LineKind::PersonCap).unwrap();
    let text = run.stored(&plan).explain_line(&run.payouts, line).render(Locale::En);
    assert!(text.contains("The cap is 20 USD") && text.contains("Paid rank: r2"), "{text}");
    // What the cap leaves is for r1 on.
    let row = run.snapshot.people.row("c").unwrap();
    let missing = run.stored(&plan).why_not_bonus(&run.payouts, "own", row).unwrap().unwrap().missing;
    assert!(missing.iter().any(|one| one.kind == LackingKind::Rank), "{missing:?}");

    document["cap_per_person"] = json!({"rule": "OWN / 3 - 10"});
    let run = Company::of("a b<a").selling("a=100 b=20").settle(&parse(&document));
    let capped: Vec<String> = run.lines().into_iter().filter(|line| line.contains("person-cap")).collect();
    // 70 of 23.3333, 14 of less than nothing.
    assert_eq!(capped, ["a  person-cap -46.67", "b  person-cap -14"]);
}

#[test]
fn what_is_held_is_paid_when_the_rule_holds_no_more_or_is_lost() {
    let held = with(own("own", "0.1"), &json!({"hold": {"while": "rank < r1", "at_most_cycles": 2}}));
    let plan = plan(&[held]);
    let (without, with_rank) = (Company::of("a"), Company::of("a:1"));
    let first = without.clone().selling("a=100").settle_in(&plan, &cycle(1), &BonusContext::default());
    assert_eq!(first.lines(), ["a own 10", "a own held -10"]);
    assert_eq!(first.carried(BalanceKind::Held), ["a 10"]);
    assert_eq!(first.payouts.conservation[0].held, 10 * 10_i128.pow(13));
    let second = without.clone().selling("a=50").settle_in(&plan, &cycle(2), &carried(&first));
    assert_eq!(second.carried(BalanceKind::Held), ["a 10", "a 5"]);
    let released = with_rank.selling("a=20").settle_in(&plan, &cycle(3), &carried(&second));
    assert_eq!(released.lines(), ["a own 2", "a own released 15"]);
    assert_eq!(released.carried(BalanceKind::Held), [""; 0]);
    let third = without.clone().selling("").settle_in(&plan, &cycle(3), &carried(&second));
    assert_eq!(third.lines(), ["a own lost 0"]);
    let lost = third.payouts.lines.iter().find(|line| line.kind == LineKind::Lost).unwrap();
    assert_eq!(lost.base(), Decimal::TEN);
    assert_eq!(third.carried(BalanceKind::Held), ["a 5"]);
}

#[test]
fn what_was_held_in_another_currency_is_changed_when_it_is_released() {
    let plan = plan(&[with(own("own", "0.1"), &json!({"hold": {"while": "rank < r1"}}))]);
    let first = Company::of("r a<r").selling("a=100").settle_in(&plan, &cycle(1), &BonusContext::default());
    let mut moved = Company::of("r a$<r");
    moved.people[1].manual_rank = Some("r1".to_owned());
    let second = moved.settle_in(&plan, &cycle(2), &carried(&first));
    assert_eq!(second.lines(), ["a own released 5"]);
}

/// 3.33 and 3.33 dollars are 1.665 euros each: 3.33 together, not twice 1.66 or 1.67.
#[test]
fn what_is_released_in_another_currency_is_rounded_once() {
    let plan = plan(&[with(own("own", "0.1"), &json!({"hold": {"while": "rank < r1"}}))]);
    let people = Company::of("r a<r").selling("a=33.3");
    let first = people.settle_in(&plan, &cycle(1), &BonusContext::default());
    let second = people.settle_in(&plan, &cycle(2), &carried(&first));
    let mut moved = Company::of("r a$<r");
    moved.people[1].manual_rank = Some("r1".to_owned());
    let third = moved.settle_in(&plan, &cycle(3), &carried(&second));
    assert_eq!(third.lines(), ["a own released 3.33"]);
    assert_eq!(third.payouts.totals()[0].residual, Decimal::ZERO);
}

#[test]
fn points_prizes_and_tags_are_never_summed_with_money() {
    let award = |code: &str, award: &Value| {
        with(bonus(code, &json!({"fixed": {"amount": {"amount": "1"}}})), &json!({"award": award}))
    };
    let mut document = document(&[
        with(own("pts", "0.15"), &json!({"award": "points"})),
        award("car", &json!({"prize": "car"})),
        award("star", &json!({"tag": "star"})),
        own("own", "0.1"),
    ]);
    document["volumes"] = json!({"vc_value": "3"});
    let run = Company::of("a$").selling("a=110").settle(&parse(&document));
    // 16.5 points, half to even, whatever a point of volume or a euro is worth.
    assert_eq!(run.awards(), ["a pts 16", "a car 1", "a star 1"]);
    assert_eq!(run.lines(), ["a own 16.5"]);
    assert_eq!(run.payouts.totals().len(), 1);
}

#[test]
fn a_bonus_is_computed_in_its_processes_and_keeps_its_balances_in_others() {
    let monthly = with(own("own", "0.1"), &json!({"processes": ["monthly"], "hold": {"while": "rank < r1"}}));
    let plan = plan(&[monthly, own("always", "0.1")]);
    let people = Company::of("a").selling("a=100");
    let in_process = |process: &'static str| BonusContext { process: Some(process), ..Default::default() };
    let monthly = people.settle_in(&plan, &cycle(1), &in_process("monthly"));
    assert_eq!(monthly.lines(), ["a always 10", "a own 10", "a own held -10"]);
    let context = BonusContext { carried: Some(&monthly.payouts.carried), ..in_process("weekly") };
    let weekly = people.settle_in(&plan, &cycle(2), &context);
    assert_eq!(weekly.lines(), ["a always 10"]);
    assert_eq!(weekly.payouts.carried, monthly.payouts.carried);
}

#[test]
fn advances_are_deducted_and_who_left_keeps_owing() {
    let advance = |person: &str, currency: &str, amount: i64| Advance {
        person: person.to_owned(),
        bonus: "own".to_owned(),
        currency: currency.parse().unwrap(),
        amount,
    };
    let plan = plan(&[own("own", "0.1")]);
    let advances = [advance("a", "USD", 400), advance("b", "USD", 300), advance("gone", "USD", 100)];
    let run = Company::of("a b$<a").selling("a=100 b=100").settle_with(&plan, &advances);
    assert_eq!(run.lines(), ["a own 10", "a own advance -4", "b own 5", "b own advance -1.5"]);
    assert_eq!(run.carried(BalanceKind::Advance), ["gone 1"]);
    let back = Company::of("a gone<a").settle_after(&plan, 11, &run);
    assert_eq!(back.lines(), ["gone own advance -1"]);
}

/// A plan with a minimum payout, and a tenth of one's own volume.
fn with_minimum(amount: &str) -> Value {
    let mut document = document(&[own("own", "0.1")]);
    document["minimum_payout"] = json!({ "amount": amount });
    document
}

#[test]
fn what_is_under_the_minimum_payout_waits_and_is_paid_with_what_comes_later() {
    let plan = parse(&with_minimum("50"));
    let people = Company::of("a b<a");
    let first = people.clone().selling("a=300 b=600").settle_in(&plan, &cycle(1), &BonusContext::default());
    assert_eq!(first.lines(), ["a  below-minimum -30", "a own 30", "b own 60"]);
    assert_eq!(first.carried(BalanceKind::BelowMinimum), ["a 30"]);
    // A cycle without anything for a: no line, and the balance grows older.
    let idle = people.clone().selling("b=500").settle_after(&plan, 2, &first);
    assert_eq!(idle.lines(), ["b own 50"]);
    let (before, after) = (&first.payouts.carried.0[0], &idle.payouts.carried.0[0]);
    assert_eq!((after.since, after.cycles, after.value), (before.since, 1, before.value));
    let more = people.clone().selling("a=100").settle_after(&plan, 3, &idle);
    assert_eq!(more.lines(), ["a  below-minimum -40", "a  brought-forward 30", "a own 10"]);
    let balance = &more.payouts.carried.0[0];
    assert_eq!((balance.since, balance.cycles, balance.bonus.as_str()), (before.since, 2, ""));
    let paid = people.selling("a=100").settle_after(&plan, 4, &more);
    assert_eq!(paid.lines(), ["a  brought-forward 40", "a own 10"]);
    assert!(paid.payouts.carried.0.is_empty());
}

#[test]
fn what_is_less_than_nothing_waits_whatever_the_minimum_and_a_plan_without_one_brings_it_forward() {
    let plan = parse(&with_minimum("0"));
    let people = Company::of("a b<a");
    let first = people.clone().selling("a=-300 b=0.1").settle_in(&plan, &cycle(1), &BonusContext::default());
    assert_eq!(first.lines(), ["a  below-minimum 30", "a own -30", "b own 0.01"]);
    assert_eq!(first.carried(BalanceKind::BelowMinimum), ["a -30"]);
    let even = people.clone().selling("a=300").settle_after(&plan, 2, &first);
    assert_eq!(even.lines(), ["a  brought-forward -30", "a own 30"]);
    assert!(even.payouts.carried.0.is_empty());
    let without = parse(&document(&[own("own", "0.1")]));
    let let_go = people.selling("").settle_after(&without, 2, &first);
    assert_eq!(let_go.lines(), ["a  brought-forward -30"]);
    assert!(let_go.payouts.carried.0.is_empty());
}

#[test]
fn what_waits_is_kept_for_who_is_away_and_changed_with_their_currency() {
    let plan = parse(&with_minimum("50"));
    let first = Company::of("r a<r b<r").selling("a=300 b=333.3").settle_in(
        &plan,
        &cycle(1),
        &BonusContext::default(),
    );
    let away = Company::of("r").selling("r=500").settle_after(&plan, 2, &first);
    assert_eq!(away.lines(), ["r own 50"]);
    assert_eq!(away.carried(BalanceKind::BelowMinimum), ["a 30", "b 33.33"]);
    assert!(away.payouts.carried.0.iter().all(|balance| balance.cycles == 1));
    // Euros now, half as many: 15 of before and 10; 16.665 to 16.66 and 1.
    let back = Company::of("r a$<r b$<r").selling("a=200 b=20").settle_after(&plan, 3, &away);
    assert_eq!(
        back.lines(),
        [
            "a  brought-forward 15",
            "a own 10",
            "b  below-minimum -17.66",
            "b  brought-forward 16.66",
            "b own 1"
        ]
    );
    let balance = &back.payouts.carried.0[0];
    assert_eq!(balance.currency.unwrap().code(), "EUR");
}

#[test]
fn the_minimum_payout_comes_after_caps_and_advances() {
    let mut document = with_minimum("30");
    document["cap_per_person"] = json!("40");
    let plan = parse(&document);
    let advance =
        Advance { person: "a".into(), bonus: "own".into(), currency: "USD".parse().unwrap(), amount: 1500 };
    let run = Company::of("a b<a").selling("a=500 b=500").settle_with(&plan, &[advance]);
    let expected = [
        "a  below-minimum -25",
        "a  person-cap -10",
        "a own 50",
        "a own advance -15",
        "b  person-cap -10",
        "b own 50",
    ];
    assert_eq!(run.lines(), expected);
    // What waited is not capped again.
    let next = Company::of("a b<a").selling("a=500").settle_after(&plan, 11, &run);
    assert_eq!(next.lines(), ["a  brought-forward 25", "a  person-cap -10", "a own 50"]);
    let told = next.stored(&plan).explain_line(&next.payouts, &next.payouts.lines[2]);
    let told = told.render(Locale::En);
    assert!(told.contains("Plan: 25.00 USD, due since earlier cycles"), "{told}");
}

#[test]
fn a_minimum_payout_is_not_negative() {
    let told = mistakes(&with_minimum("-1"));
    assert!(told.contains("/minimum_payout/amount: negative amount"), "{told}");
}
