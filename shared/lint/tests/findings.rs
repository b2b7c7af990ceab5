//! A plan per kind of finding, and plans without any. Every example is computed anew from its texts.
#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail like tests.

use lint::{Code, Finding, Severity, Shows, lint};
use plan::Plan;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// Networks tried for each plan: few, because tests are built without optimisation.
const NETWORKS: usize = 450;

fn named(code: &str) -> Value {
    json!({"es": code, "en": code})
}

fn rank(code: &str, rule: &str) -> Value {
    json!({"code": code, "name": named(code), "rule": rule})
}

fn bonus(code: &str, pays: &Value) -> Value {
    json!({"code": code, "name": named(code), "pays": pays})
}

fn when(mut bonus: Value, rule: &str) -> Value {
    bonus["when"] = json!(rule);
    bonus
}

/// Five per cent of own volume, or another rate.
fn own(rate: &Value) -> Value {
    json!({"percentage": {"of": "own_vc", "rate": rate}})
}

/// A plan in which nothing is left open, with what `more` says.
fn plan(more: &Value) -> String {
    let mut plan = json!({
        "format": 1, "name": named("plan"), "version": 1, "time_zone": "UTC",
        "currencies": {"base": "USD", "rounding": "half-even"},
        "activity": {"rule": "own_vq >= 100"},
        "catalogue": {"enabled": ["PVQ", "PVC"]},
        "bonuses": [bonus("own", &own(&json!({"fixed": "0.05"})))],
    });
    for (field, value) in more.as_object().unwrap() {
        plan[field] = value.clone();
    }
    plan.to_string()
}

/// The findings of a plan, each of which is shown by its example.
fn found(json: &str) -> Vec<Finding> {
    let plan = Plan::parse(json).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let found = lint(json, NETWORKS, &mut |_| ()).unwrap();
    for finding in &found {
        if let Some(example) = &finding.example {
            assert!(example.is_shown(&plan), "not shown: {finding:#?}");
        }
        assert!(finding.pointer.is_empty() || finding.pointer.starts_with('/'), "{}", finding.pointer);
    }
    found
}

/// The one finding of a kind at a place.
fn one<'a>(found: &'a [Finding], code: Code, pointer: &str) -> &'a Finding {
    let mut fits = found.iter().filter(|finding| finding.code == code && finding.pointer == pointer);
    fits.next().unwrap_or_else(|| panic!("no {code:?} at {pointer}: {found:#?}"))
}

fn codes(found: &[Finding]) -> Vec<Code> {
    found.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_clean_plan_has_no_findings() {
    let plain = plan(&json!({
        "ranks": {"promotion": "sequential", "steps": [
            rank("silver", "active"),
            rank("gold", "team_vc >= 1000 && active_legs >= 2"),
            rank("diamond", "team_vc >= 3000 && legs_with_rank('gold') >= 2"),
        ]},
        "bonuses": [
            bonus("own", &own(&json!({"brackets": {"marginal": false, "steps": [
                {"from": "100", "rate": "0.03"}, {"from": "500", "rate": "0.06"}]}}))),
            bonus("levels", &json!({"unilevel": {"on": {"orders": "vc"}, "rates": {"by-level": ["0.05", "0.03"]}}})),
        ],
    }));
    assert_eq!(found(&plain), []);
}

#[test]
fn a_rank_whose_conditions_exclude_each_other_cannot_be_reached() {
    let json = plan(&json!({"ranks": {"promotion": "sequential", "steps": [
        rank("silver", "active"),
        rank("gold", "own_vq < 50 || active_legs >= 3 && active_legs < 3"),
        rank("diamond", "team_vc >= 1000"),
    ]}}));
    let found = found(&json);
    let gold = one(&found, Code::RankUnreachable, "/ranks/steps/1/rule");
    assert_eq!(gold.severity, Severity::Error);
    // The activity rule is what excludes the first way.
    assert!(gold.message.en.contains("active && (own_vq < 50 ||"), "{}", gold.message.en);
    assert!(gold.message.es.contains("no puede cumplirse"), "{}", gold.message.es);
    assert!(one(&found, Code::RankUnreachable, "/ranks/steps/2/rule").message.en.contains("needs gold too"));
    assert!(matches!(&gold.example.as_ref().unwrap().shows, Shows::NobodyEarns { rank } if rank == "gold"));
}

#[test]
fn a_rank_that_is_only_set_by_hand_is_a_note() {
    let json = plan(&json!({"ranks": {"promotion": "sequential", "steps": [
        rank("silver", "false"), rank("gold", "active")]}}));
    let found = found(&json);
    assert!(
        one(&found, Code::RankUnreachable, "/ranks/steps/0/rule").message.en.contains("only set by hand")
    );
    assert!(found.iter().all(|finding| finding.severity == Severity::Note), "{found:#?}");
}

#[test]
fn a_rank_that_needs_itself_below_cannot_be_reached() {
    let circle = |promotion: &str| {
        plan(&json!({"ranks": {"promotion": promotion, "steps": [
            rank("silver", "active"),
            rank("gold", "downline_with_rank('diamond') >= 1"),
            rank("diamond", "legs_with_rank('gold') >= 1"),
        ]}}))
    };
    for promotion in ["sequential", "highest"] {
        let found = found(&circle(promotion));
        let places: Vec<&str> = found
            .iter()
            .filter(|finding| finding.code == Code::RankUnreachable)
            .map(|finding| finding.pointer.as_str())
            .collect();
        assert_eq!(places, ["/ranks/steps/1/rule", "/ranks/steps/2/rule"], "{promotion}");
    }
}

#[test]
fn more_of_a_higher_rank_than_of_a_lower_one_cannot_be() {
    let json = plan(&json!({"ranks": {"promotion": "sequential", "steps": [
        rank("silver", "active"),
        rank("gold", "active_legs >= 1"),
        rank("diamond", "legs_with_rank('gold') >= 2 && legs_with_rank('silver') < 2"),
        rank("crown", "frontline_with_rank('silver') > downline_with_rank('silver')"),
    ]}}));
    let found = found(&json);
    one(&found, Code::RankUnreachable, "/ranks/steps/2/rule");
}

#[test]
fn what_the_search_does_not_reach_is_not_called_unreachable() {
    // Nobody has 1000 legs in a network of 120, which proves nothing.
    let json = plan(&json!({"ranks": {"promotion": "sequential", "steps": [
        rank("silver", "active"), rank("gold", "active_legs >= 1000")]}}));
    let found = found(&json);
    assert_eq!(codes(&found), [Code::RankNotReached]);
    assert_eq!(found[0].severity, Severity::Note);
}

#[test]
fn ranks_that_need_many_of_the_one_below_are_reached() {
    let json = plan(&json!({"ranks": {"promotion": "sequential", "steps": [
        rank("one", "own_vq >= 200"),
        rank("two", "legs_with_rank('one') >= 3 && team_vc >= 2500"),
        rank("three", "legs_with_rank('two') >= 2 && active_legs >= 4"),
        rank("four", "frontline_with_rank('three') >= 2"),
    ]}}));
    assert_eq!(found(&json), []);
}

#[test]
fn a_rank_that_a_higher_one_swallows_is_never_held() {
    let json = plan(&json!({"ranks": {"promotion": "sequential", "steps": [
        rank("silver", "own_vq >= 100"), rank("gold", "own_vq >= 100 || team_vc >= 9000"), rank("diamond", "own_vq >= 300")]}}));
    let found = found(&json);
    let silver = one(&found, Code::RankNeverHeld, "/ranks/steps/0/rule");
    let example = silver.example.as_ref().unwrap();
    assert_eq!(example.people.lines().count(), 2, "one person is enough: {}", example.people);
    assert!(!found.iter().any(|finding| finding.pointer == "/ranks/steps/1/rule"), "{found:#?}");
}

#[test]
fn a_rank_that_one_falls_to_step_by_step_is_held() {
    let falls = |then: &str| {
        plan(&json!({"ranks": {"promotion": "sequential", "grace": {"cycles": 1, "then": then}, "steps": [
            rank("silver", "own_vq >= 100"), rank("gold", "own_vq >= 100 || team_vc >= 9000")]}}))
    };
    one(&found(&falls("to-earned")), Code::RankNeverHeld, "/ranks/steps/0/rule");
    assert_eq!(found(&falls("one-step")), []);
}

#[test]
fn thirty_ranks_reached_step_by_step_are_looked_through() {
    let steps: Vec<Value> = (1..=30).map(|place| rank(&format!("r{place}"), "own_vq >= 100")).collect();
    let json = plan(&json!({"ranks": {"promotion": "sequential", "max_steps_per_cycle": 1, "steps": steps}}));
    assert_eq!(found(&json), []);
    let mut tried = 0;
    lint(&json, NETWORKS, &mut |number| tried = number).unwrap();
    assert!(tried <= NETWORKS, "{tried}");
}

#[test]
fn what_is_asked_to_be_more_than_a_constant_is_tried() {
    let json = plan(&json!({
        "activity": {"rule": "own_vq > 500"},
        "ranks": {"promotion": "sequential", "steps": [
            rank("silver", "own_vq > 500"), rank("gold", "frontline_with_rank('silver') >= 2")]},
        "bonuses": [when(bonus("own", &own(&json!({"fixed": "0.05"}))), "own_vq > 500 && active_legs >= 2")],
    }));
    assert_eq!(found(&json), []);
}

#[test]
fn constants_as_large_as_numbers_go_are_looked_through() {
    let most = Decimal::MAX;
    let json = plan(&json!({"ranks": {"promotion": "highest", "steps": [
        rank("silver", &format!("active_legs > {most}")),
        rank("gold", &format!("active_legs < -{most}")),
        rank("diamond", &format!("active_legs > {}", u64::MAX)),
    ]}}));
    let found = found(&json);
    one(&found, Code::RankUnreachable, "/ranks/steps/1/rule");
    one(&found, Code::RankNotReached, "/ranks/steps/2/rule");
}

#[test]
fn a_bracket_that_falls_pays_less_for_more() {
    let json = plan(&json!({"bonuses": [bonus("own", &own(&json!({"brackets": {"marginal": false, "steps": [
        {"from": "100", "rate": "0.10"}, {"from": "500", "rate": "0.05"}]}})))]}));
    let found = found(&json);
    let finding =
        one(&found, Code::SellingMorePaysLess, "/bonuses/0/pays/percentage/rate/brackets/steps/1/rate");
    assert_eq!(finding.severity, Severity::Warning);
    let example = finding.example.as_ref().unwrap();
    let Shows::PaidLess { person, before, after } = &example.shows else { panic!("{example:?}") };
    assert_eq!(person, "p1");
    assert!(after < before);
    assert_eq!(example.people.lines().count(), 2, "{}", example.people);
    assert_eq!(example.runs[1].orders.lines().count(), example.runs[0].orders.lines().count() + 1);
}

#[test]
fn a_condition_that_ends_pays_less_for_more() {
    let json = plan(&json!({"bonuses": [
        when(bonus("small", &own(&json!({"rule": "own_vq <= 300 ? 0.10 : 0.02"}))), "active")]}));
    one(&found(&json), Code::SellingMorePaysLess, "/bonuses/0/pays/percentage/rate/rule");
}

#[test]
fn a_group_that_breaks_away_costs_who_stands_above() {
    let json = plan(&json!({
        "indicators": [{"code": "own_group", "name": named("group"), "unit": "points", "measure": "vc",
            "scope": {"group": {"rank": "leader"}}, "options": {"ranks": "paid"}}],
        "ranks": {"promotion": "sequential", "steps": [rank("leader", "own_vq >= 500")]},
        "bonuses": [bonus("group", &json!({"percentage": {"of": "own_group", "rate": {"fixed": "0.05"}}}))],
    }));
    let found = found(&json);
    let finding = one(&found, Code::TeamSellingMorePaysLess, "/bonuses/0/pays/percentage/rate");
    assert_eq!(finding.severity, Severity::Note);
}

#[test]
fn rates_above_one_hundred_per_cent_pay_more_than_the_volume() {
    let json = plan(&json!({"bonuses": [bonus("levels", &json!({"unilevel": {"on": {"orders": "vc"},
        "rates": {"by-level": ["0.40", "0.40", "0.40"]}}}))]}));
    let found = found(&json);
    let finding = one(&found, Code::PayoutOverVolume, "/bonuses/0/pays");
    assert_eq!(finding.severity, Severity::Error);
    let Shows::PaidOver { paid, volume, .. } = finding.example.as_ref().unwrap().shows else {
        panic!("{finding:?}")
    };
    assert!(volume < paid, "{paid} of {volume}");
}

#[test]
fn an_amount_pays_more_than_a_small_volume_only() {
    let amount = json!({"fixed": {"amount": {"amount": "150"}}});
    let found = found(&plan(&json!({"bonuses": [bonus("gift", &amount)]})));
    assert_eq!(one(&found, Code::PayoutOverVolume, "/bonuses/0/pays").severity, Severity::Warning);
}

#[test]
fn what_only_ranks_set_by_hand_pay_is_a_note() {
    // An amount, and a rate that pays too much of any volume.
    for pays in [json!({"fixed": {"amount": {"amount": "5000"}}}), own(&json!({"fixed": "1.5"}))] {
        let json = plan(&json!({
            "ranks": {"promotion": "sequential", "steps": [rank("star", "active_legs >= 1000")]},
            "bonuses": [when(bonus("gift", &pays), "rank >= star")],
        }));
        let found = found(&json);
        let finding = one(&found, Code::PayoutOverVolume, "/bonuses/0/pays");
        assert_eq!(finding.severity, Severity::Note);
        assert!(finding.example.as_ref().unwrap().people.contains(",star\n"));
    }
}

#[test]
fn a_stated_share_and_a_cap_are_passed() {
    let json = plan(&json!({"checks": {"payout_share": "0.04"}}));
    assert_eq!(one(&found(&json), Code::PayoutOverStated, "/bonuses/0/pays").severity, Severity::Warning);
    let json = plan(&json!({"payout_cap": {"share_of_vc": "0.04"}}));
    assert_eq!(
        one(&found(&json), Code::PayoutCapReduces, "/payout_cap/share_of_vc").severity,
        Severity::Note
    );
}

#[test]
fn a_bonus_whose_condition_cannot_hold_is_never_paid() {
    let json = plan(&json!({"bonuses": [
        bonus("own", &own(&json!({"fixed": "0.05"}))),
        when(bonus("never", &own(&json!({"fixed": "0.05"}))), "active && own_vq < 100"),
        when(bonus("customers", &own(&json!({"fixed": "0.05"}))), "kind == 'customer'"),
    ]}));
    let found = found(&json);
    one(&found, Code::BonusNeverPaid, "/bonuses/1/when");
    one(&found, Code::BonusNeverPaid, "/bonuses/2/when");
    assert_eq!(found.len(), 2, "{found:#?}");
    // What is proved needs no network.
    let proved = lint(&json, 0, &mut |_| ()).unwrap();
    one(&proved, Code::BonusNeverPaid, "/bonuses/1/when");
}

#[test]
fn a_bonus_that_another_always_beats_is_never_chosen() {
    let two = |pays: &str| {
        plan(&json!({
            "bonuses": [
                bonus("more", &own(&json!({"fixed": "0.10"}))),
                when(bonus("less", &own(&json!({"brackets": {"marginal": false, "steps": [{"from": "200", "rate": "0.08"}]}}))), "active && own_vq >= 150"),
            ],
            "alternatives": [{"bonuses": ["more", "less"], "pays": pays}],
        }))
    };
    for pays in ["greatest", "first"] {
        let found = found(&two(pays));
        let finding = one(&found, Code::AlternativeNeverChosen, "/alternatives/0/bonuses/1");
        assert_eq!(finding.severity, Severity::Warning, "{pays}");
        assert!(finding.message.en.contains("more always pays"), "{}", finding.message.en);
    }
}

#[test]
fn a_higher_rate_that_comes_second_is_not_proved_to_win() {
    // Of the smallest orders both pay the same, and the first is taken.
    let json = plan(&json!({
        "bonuses": [bonus("less", &own(&json!({"fixed": "0.100"}))), bonus("more", &own(&json!({"fixed": "0.101"})))],
        "alternatives": [{"bonuses": ["less", "more"], "pays": "greatest"}],
    }));
    let found = found(&json);
    let finding = one(&found, Code::AlternativeNeverChosen, "/alternatives/0/bonuses/0");
    assert_eq!(finding.severity, Severity::Note);
    assert!(finding.message.en.contains("not proved"), "{}", finding.message.en);
}

#[test]
fn a_threshold_between_two_rules_is_found() {
    let two = |below: &str, above: &str| {
        plan(&json!({"bonuses": [
            when(bonus("small", &own(&json!({"fixed": "0.05"}))), below),
            when(bonus("large", &own(&json!({"fixed": "0.05"}))), above),
        ]}))
    };
    one(&found(&two("own_vq < 500", "own_vq > 500")), Code::ThresholdGap, "/bonuses/0");
    one(&found(&two("own_vq <= 500", "own_vq >= 500")), Code::ThresholdOverlap, "/bonuses/0");
    let good = found(&two("own_vq < 500", "own_vq >= 500"));
    assert_eq!(good, []);
}

#[test]
fn an_overlap_names_the_two_that_are_paid() {
    let json = plan(&json!({"bonuses": [
        when(bonus("crowd", &own(&json!({"fixed": "0.05"}))), "own_vq >= 500 && active_legs >= 50"),
        when(bonus("small", &own(&json!({"fixed": "0.05"}))), "own_vq <= 500"),
        when(bonus("large", &own(&json!({"fixed": "0.05"}))), "own_vq >= 500"),
    ]}));
    let found = found(&json);
    let overlap = one(&found, Code::ThresholdOverlap, "/bonuses/1");
    assert!(overlap.message.en.contains("large, small are paid at once"), "{}", overlap.message.en);
}

#[test]
fn thresholds_that_show_nothing_leave_networks_for_what_is_open() {
    let bonuses: Vec<Value> = (1..=6)
        .flat_map(|place| {
            let asked = |relation: &str| format!("own_vq {relation} {place}50 && active_legs >= 50");
            let gated = |code: String, relation| {
                when(bonus(&code, &own(&json!({"fixed": "0.05"}))), &asked(relation))
            };
            [gated(format!("under{place}"), "<"), gated(format!("over{place}"), ">")]
        })
        .chain([bonus("own", &own(&json!({"fixed": "0.05"})))])
        .collect();
    let json = plan(&json!({"currencies": {"base": "USD"}, "bonuses": bonuses}));
    one(&found(&json), Code::TwoReadings, "/currencies/rounding");
}

#[test]
fn indicators_that_nothing_uses_are_found() {
    let indicator = |code: &str, scope: &str| json!({"code": code, "name": named(code), "unit": "points", "measure": "vq", "scope": scope});
    let mut off = indicator("off", "frontline");
    off["enabled"] = json!(false);
    let json = plan(&json!({
        "catalogue": {"enabled": ["PVQ", "PVC", "TVC"], "hidden": ["TVC"]},
        "indicators": [off, indicator("mine", "self"), indicator("shown", "downline")],
    }));
    let found = found(&json);
    one(&found, Code::IndicatorUnused, "/indicators/0");
    one(&found, Code::IndicatorUnused, "/catalogue/enabled/2");
    let twice: Vec<&str> = found
        .iter()
        .filter(|finding| finding.code == Code::IndicatorTwice)
        .map(|finding| finding.pointer.as_str())
        .collect();
    assert!(twice.contains(&"/indicators/1"), "PVQ is own VQ: {found:#?}");
    assert!(found.iter().all(|finding| finding.severity == Severity::Note && finding.example.is_some()));
}

#[test]
fn what_the_plan_leaves_open_is_computed_both_ways() {
    let json = plan(&json!({
        "currencies": {"base": "USD"},
        "volumes": {"vq_value": "2", "vc_value": "1"},
        "indicators": [{"code": "both", "name": named("both"), "unit": "points", "scope": "self",
            "measure": {"formula": "own_vq + own_vc"}}],
        "ranks": {"steps": [rank("one", "own_vq >= 100"), rank("two", "team_vc >= 300")]},
        "bonuses": [
            bonus("slices", &own(&json!({"brackets": {"steps": [{"from": "100", "rate": "0.03"}, {"from": "500", "rate": "0.061"}]}}))),
            bonus("formula", &json!({"percentage": {"of": "both", "rate": {"fixed": "0.01"}}})),
            bonus("rise", &json!({"fixed": {"on": {"reaching-rank": {}},
                "amount": {"by-rank": [{"rank": "one", "amount": "1"}, {"rank": "two", "amount": "2"}]}}})),
        ],
    }));
    let found = found(&json);
    for pointer in [
        "/currencies/rounding",
        "/bonuses/0/pays/percentage/rate/brackets/marginal",
        "/bonuses/2/pays/fixed/on/reaching-rank/only_reached",
    ] {
        assert_eq!(one(&found, Code::TwoReadings, pointer).severity, Severity::Note);
    }
    let formula = one(&found, Code::TwoReadings, "/volumes/vc_value");
    assert_eq!(formula.severity, Severity::Warning);
    // Only what the formula pays is compared: the value of VC changes the other bonuses too.
    let shows = &formula.example.as_ref().unwrap().shows;
    assert!(matches!(shows, Shows::Pays { bonus, .. } if bonus == "formula"), "{shows:?}");
}

#[test]
fn a_currency_of_large_units_rounds_everything_away() {
    // A hundredth of this currency is worth 50 of the base currency.
    let json = plan(&json!({"currencies": {"base": "USD", "rounding": "half-even",
        "earners": [{"currency": "MXN", "per_base_unit": "18"}, {"currency": "EUR", "per_base_unit": "0.0002"}]}}));
    let found = found(&json);
    assert_eq!(codes(&found), [Code::RoundingDecides]);
    assert_eq!(one(&found, Code::RoundingDecides, "/currencies/earners/1").severity, Severity::Warning);
    let tiny = plan(&json!({"bonuses": [bonus("own", &own(&json!({"fixed": "0.00001"})))]}));
    one(&self::found(&tiny), Code::RoundingDecides, "/currencies/base");
}

#[test]
fn the_same_plan_gives_the_same_findings() {
    let json = plan(&json!({"bonuses": [bonus("own", &own(&json!({"brackets": {"steps": [
        {"from": "100", "rate": "0.10"}, {"from": "500", "rate": "0.05"}]}})))]}));
    assert_eq!(found(&json), found(&json));
    let mut tried = Vec::new();
    lint(&json, NETWORKS, &mut |number| tried.push(number)).unwrap();
    assert!(
        tried.windows(2).all(|pair| pair[1] == pair[0] + 1) && tried.len() < 3 * NETWORKS,
        "{}",
        tried.len()
    );
}

#[test]
fn an_example_that_shows_something_else_is_not_shown() {
    let json = plan(&json!({"checks": {"payout_share": "0.04"}}));
    let plan = Plan::parse(&json).unwrap();
    let mut example = found(&json).remove(0).example.unwrap();
    assert!(example.is_shown(&plan));
    example.runs[0].orders = "id,person,paid_at,vc\no1,p1,2026-01-15,1\n".to_owned();
    assert!(!example.is_shown(&plan));
}
