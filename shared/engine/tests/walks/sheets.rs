//! Conservation sheets of single orders, why somebody is not paid, who is nearly there.

use std::collections::BTreeMap;

use engine::{BonusSheet, LackingKind, Outcome};
use foundation::locale::Locale;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::fixture::{Company, Run, bonus, document, parse};

fn sheets(company: &Company, bonuses: &[Value], order: &str) -> Vec<BonusSheet> {
    let plan = parse(&document(bonuses));
    let run = company.settle(&plan);
    let order = u32::try_from(run.snapshot.orders.row(order).unwrap()).unwrap();
    run.stored(&plan).order_sheet(order).unwrap().bonuses
}

/// `offered = paid + passed up + unqualified + forfeited + unclaimed`, then each share as `level holder>earner: share outcome`.
fn told(sheet: &BonusSheet) -> Vec<String> {
    assert_eq!(sheet.remainder, Decimal::ZERO);
    let accounts = [sheet.paid, sheet.passed_up, sheet.unqualified, sheet.forfeited, sheet.unclaimed];
    let accounts: Vec<String> = accounts.iter().map(|part| part.normalize().to_string()).collect();
    let mut told = vec![format!("{} = {}", sheet.offered.normalize(), accounts.join(" + "))];
    for share in &sheet.shares {
        let name = |id: &Option<String>| id.clone().unwrap_or_else(|| "-".to_owned());
        let (holder, earner, part) = (name(&share.holder), name(&share.earner), share.share.normalize());
        let outcome = serde_json::to_value(share.outcome).unwrap();
        told.push(format!("{} {holder}>{earner}: {part} {}", share.level, outcome.as_str().unwrap()));
    }
    told
}

fn unilevel(compression: &str, more: &Value) -> Value {
    let mut pays = json!({
        "on": {"orders": "vc"}, "rates": {"by-level": ["0.1", "0.05", "0.02"]}, "compression": compression
    });
    for (field, value) in more.as_object().unwrap() {
        pays[field] = value.clone();
    }
    bonus(&json!({"unilevel": pays}))
}

/// c, who brought d, is not active.
fn line() -> Company {
    Company::of("a:3 b:1<a c!<b d<c").selling("d=100 a=40")
}

#[test]
fn a_sheet_under_dynamic_compression_skips_who_is_not_qualified() {
    let sheets = sheets(&line(), &[unilevel("dynamic", &json!({}))], "o1");
    assert_eq!(
        told(&sheets[0]),
        ["17 = 15 + 0 + 0 + 0 + 2", "1 b>b: 10 paid", "2 a>a: 5 paid", "3 ->-: 2 nobody-there"]
    );
    assert_eq!(sheets[0].volume, Decimal::from(100));
    assert_eq!(sheets[0].shares[0].exact, Some(Decimal::from(10)));
}

#[test]
fn a_sheet_without_compression_names_who_lost_a_level_and_why() {
    let sheets = sheets(&line(), &[unilevel("none", &json!({}))], "o1");
    assert_eq!(
        told(&sheets[0]),
        ["17 = 7 + 0 + 10 + 0 + 0", "1 c>-: 10 unqualified", "2 b>b: 5 paid", "3 a>a: 2 paid"]
    );
    let text = sheets[0].reason().render(Locale::En);
    for part in [
        "Bonus: volume 100, offered 17 = 7 paid + 0 passed up + 10 unqualified + 0 forfeited + 0 unclaimed (remainder 0)",
        "Level 1: 10 % = 10 c takes the level without being qualified and loses the share",
        "this must hold: active",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let text = sheets[0].reason().render(Locale::Es);
    assert!(text.contains("c ocupa el nivel sin estar calificado"), "{text}");
}

#[test]
fn a_sheet_under_roll_up_says_to_whom_a_share_passed() {
    let sheets = sheets(&line(), &[unilevel("roll-up", &json!({}))], "o1");
    assert_eq!(
        told(&sheets[0]),
        ["17 = 7 + 10 + 0 + 0 + 0", "1 c>b: 10 passed-up", "2 b>b: 5 paid", "3 a>a: 2 paid"]
    );
}

#[test]
fn who_fails_the_condition_or_whose_rank_is_too_low_loses_the_share() {
    let mut fussy = unilevel("roll-up", &json!({}));
    fussy["when"] = json!("rank >= 2");
    let depth = json!({"depth": [{"rank": "r1", "levels": 1}, {"rank": "r3", "levels": 3}]});
    let mut shallow = unilevel("none", &depth);
    shallow["code"] = json!("C");
    let sheets = sheets(&line(), &[fussy, shallow], "o1");
    assert_eq!(
        told(&sheets[0]),
        ["17 = 2 + 0 + 0 + 15 + 0", "1 c>b: 10 fails-when", "2 b>b: 5 fails-when", "3 a>a: 2 paid"]
    );
    assert_eq!(
        told(&sheets[1]),
        ["17 = 2 + 0 + 10 + 5 + 0", "1 c>-: 10 unqualified", "2 b>b: 5 rank-too-low", "3 a>a: 2 paid"]
    );
    let text = sheets[1].reason().render(Locale::En);
    assert!(text.contains("the paid rank is r1 and must be at least r3"), "{text}");
}

#[test]
fn an_order_has_its_part_of_what_is_paid_on_the_volume_of_its_buyer() {
    let company = Company::of("a b<a").selling("b=60 b=40 a=10");
    let on_own = unilevel("none", &json!({"on": {"indicator": "OWN"}}));
    let on_team = bonus(&json!({"percentage": {"of": "TEAM", "rate": {"fixed": "0.1"}}}));
    let plan = parse(&document(&[on_own, {
        let mut one = on_team;
        one["code"] = json!("T");
        one
    }]));
    let run = company.settle(&plan);
    let of = |order: &str| {
        let order = u32::try_from(run.snapshot.orders.row(order).unwrap()).unwrap();
        run.stored(&plan).order_sheet(order).unwrap()
    };
    assert_eq!(
        told(&of("o1").bonuses[0]),
        ["10.2 = 6 + 0 + 0 + 0 + 4.2", "1 a>a: 6 paid", "2 ->-: 3 nobody-there", "3 ->-: 1.2 nobody-there"]
    );
    assert_eq!(told(&of("o2").bonuses[0])[1], "1 a>a: 4 paid");
    assert_eq!(of("o1").not_on_orders, ["T"]);
    assert!(of("o1").reason().render(Locale::Es).contains("No se pagan por pedido: T"));
}

/// Ranks that are earned, and a bonus with a condition.
fn ladder() -> Value {
    let depth = json!({"depth": [{"rank": "r1", "levels": 1}, {"rank": "r2", "levels": 3}]});
    let mut levels = unilevel("none", &depth);
    levels["when"] = json!("own_vq >= 50");
    let mut document = document(&[levels]);
    document["ranks"]["steps"][0]["rule"] = json!("own_vq >= 100");
    document["ranks"]["steps"][1]["rule"] = json!("own_vq >= 50 && legs_with_rank('r1') >= 2");
    document
}

fn why_not(run: &Run, plan: &plan::Plan, who: &str, rank: u8) -> Vec<String> {
    let row = run.snapshot.people.row(who).unwrap();
    let found = run.stored(plan).why_not_rank(row, rank).unwrap().unwrap();
    found.missing.into_iter().map(|one| one.text.en).collect()
}

#[test]
fn what_is_missing_for_a_rank_holds_the_ranks_under_it() {
    let plan = parse(&ladder());
    let run = Company::of("a b<a c<a d?<c e<c").selling("a=60 b=100 c=80 d=10").settle(&plan);
    assert_eq!(
        why_not(&run, &plan, "a", 2),
        [
            "Qualifying volume, personal is 60 and must be at least 100 (40 short)",
            "legs_with_rank('r1') is 1 and must be at least 2 (1 short)"
        ]
    );
    assert_eq!(why_not(&run, &plan, "b", 1), [""; 0]);
    assert_eq!(why_not(&run, &plan, "a", 3).last().unwrap(), "the rule holds for nobody");
    assert!(why_not(&run, &plan, "d", 1).contains(&"customers do not earn".to_owned()));
}

#[test]
fn legs_with_several_people_of_a_rank_are_told_as_they_were_counted() {
    let mut document = ladder();
    document["ranks"]["steps"][1]["rule"] = json!("legs_with_rank('r1', 2) >= 1");
    let plan = parse(&document);
    let run = Company::of("a b<a c<a d?<c e<c").selling("a=100 b=100 c=80 e=100").settle(&plan);
    let short = "legs_with_rank('r1', 2) is 0 and must be at least 1 (1 short)";
    assert_eq!(why_not(&run, &plan, "a", 2), [short]);
    // The head of a leg is of it.
    let run = Company::of("a b<a c<a d?<c e<c").selling("a=100 b=100 c=100 e=100").settle(&plan);
    assert_eq!(why_not(&run, &plan, "a", 2), [""; 0]);
    let stored = run.stored(&plan);
    let told = stored.explain_rank(run.snapshot.people.row("a").unwrap(), 2).unwrap().unwrap();
    assert_eq!(told.held, Some(true), "{}", told.render(Locale::En));
}

#[test]
fn who_misses_one_condition_for_a_rank_is_listed_nearest_first() {
    let plan = parse(&ladder());
    let run = Company::of("a b<a c<a d?<c e<c").selling("a=60 b=100 c=80 d=99").settle(&plan);
    let stored = run.stored(&plan);
    let near = stored.nearly_rank(1, 100).unwrap().unwrap();
    let names: Vec<(&str, Option<Decimal>)> =
        near.iter().map(|one| (one.person.as_str(), one.missing.short)).collect();
    let short = |number: i64| Some(Decimal::from(number));
    assert_eq!(names, [("c", short(20)), ("a", short(40)), ("e", short(100))]);
    assert_eq!(stored.nearly_rank(1, 1).unwrap().unwrap().len(), 1);
    assert_eq!(
        near[0].reason().text.es,
        "c: Volumen calificable personal es 80 y debe ser al menos 100 (faltan 20)"
    );
    assert_eq!(stored.nearly_rank(9, 100).unwrap(), None);
    // Of b only the legs are missing; nobody can earn the third rank.
    let near = stored.nearly_rank(2, 100).unwrap().unwrap();
    assert_eq!(near.iter().map(|one| one.person.as_str()).collect::<Vec<_>>(), ["b"]);
    assert!(stored.nearly_rank(3, 100).unwrap().unwrap().is_empty());
}

#[test]
fn what_is_missing_for_a_bonus_is_complete() {
    let plan = parse(&ladder());
    let company = Company::of("a b<a c<b e<b d!<a f<d").selling("a=100 b=100 c=40 e=100 d=70 f=90");
    let run = company.settle(&plan);
    let stored = run.stored(&plan);
    let of = |who: &str| {
        let row = run.snapshot.people.row(who).unwrap();
        stored.why_not_bonus(&run.payouts, "B", row).unwrap().unwrap()
    };
    let kinds = |who: &str| of(who).missing.into_iter().map(|one| one.kind).collect::<Vec<_>>();
    // a has rank 1 and is paid level 1; what c, e and f brought on level 2 is lost for the rank.
    assert_eq!(kinds("a"), []);
    assert_eq!(of("a").lost, BTreeMap::from([(Outcome::RankTooLow, "11.5".parse().unwrap())]));
    assert_eq!(kinds("b"), []);
    assert_eq!(kinds("c"), [LackingKind::Condition, LackingKind::Rank]);
    // Not active, so not qualified, and without a rank.
    assert_eq!(kinds("d"), [LackingKind::Condition, LackingKind::Rank]);
    assert_eq!(of("d").lost, BTreeMap::from([(Outcome::Unqualified, Decimal::from(9))]));
    assert_eq!(kinds("e"), [LackingKind::NothingToPayOn]);
    assert!(of("e").reason().render(Locale::Es).contains("no hay nada sobre lo que pagar"));
    assert_eq!(stored.why_not_bonus(&run.payouts, "X", 0).unwrap(), None);
    // f meets the condition without the rank; the others miss both or nothing.
    let near = stored.nearly_bonus("B", 100).unwrap().unwrap();
    let near: Vec<(&str, LackingKind)> =
        near.iter().map(|one| (one.person.as_str(), one.missing.kind)).collect();
    assert_eq!(near, [("f", LackingKind::Rank)]);
}

#[test]
fn only_levels_out_of_reach_ask_for_a_rank() {
    let mut plan = ladder();
    plan["bonuses"][0]["pays"]["unilevel"]["rates"] = json!({"by-level": ["0", "0.05"]});
    let plan = parse(&plan);
    let run = Company::of("a b<a c<b").selling("a=100 c=40").settle(&plan);
    let row = run.snapshot.people.row("a").unwrap();
    let found = run.stored(&plan).why_not_bonus(&run.payouts, "B", row).unwrap().unwrap();
    let texts: Vec<&str> = found.missing.iter().map(|one| one.text.en.as_str()).collect();
    assert_eq!(texts, ["the paid rank is r1 and must be at least r2"]);
    assert_eq!(found.lost, BTreeMap::from([(Outcome::RankTooLow, Decimal::from(2))]));
}
