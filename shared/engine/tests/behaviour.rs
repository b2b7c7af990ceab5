//! Single rules, each on a network small enough to check by hand, and the extremes.
#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail like tests.

use engine::{
    Adjustment, BonusContext, Context, CycleResults, EngineError, ExchangeRates, Facts, HistoryNeeded,
    Indicators, LineKind, OrderFact, OrderKind, Payouts, PersonFact, Previous, Ranked, SettledCycle,
    Snapshot, StoredRun, Violation, calculate_bonuses, calculate_indicators, calculate_ranks,
    check_settlements, codec, history_needed, integrate, read_orders, read_people, settle, verify,
};
use foundation::{cycle::Cycle, locale::Locale};
use jiff::{civil::date, tz::TimeZone};
use plan::Plan;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn cycle(month: i8) -> Cycle {
    let first = date(2026, month, 1);
    Cycle::of_days(format!("2026-{month:02}").parse().unwrap(), first, first.last_of_month(), &TimeZone::UTC)
        .unwrap()
}

fn person(id: &str, parent: Option<&str>) -> PersonFact {
    PersonFact::new(id.parse().unwrap(), parent.map(|parent| parent.parse().unwrap()))
}

fn sale(id: &str, of: &str, volume: i64, cycle: &Cycle) -> OrderFact {
    OrderFact::sale(id.parse().unwrap(), of.parse().unwrap(), cycle.start, Decimal::from(volume))
}

fn document(bonuses: &Value, ranks: &Value) -> Value {
    json!({
        "format": 1, "name": {"es": "Prueba", "en": "Test"}, "version": 1, "time_zone": "UTC",
        "currencies": {"base": "COP", "earners": [{"currency": "USD", "per_base_unit": "0.5"}]},
        "activity": {"rule": "own_vq >= 100"},
        "catalogue": {"enabled": ["PVQ", "PVC", "TVQ", "PVQ_PREV", "PVQ_R3", "PVQ_CUM", "PVQ_YTD"]},
        "ranks": ranks, "bonuses": bonuses
    })
}

fn bonus(code: &str, pays: &Value) -> Value {
    json!({"code": code, "name": {"es": code, "en": code}, "when": "true", "pays": pays})
}

fn percentage(rate: &Value) -> Value {
    bonus("pct", &json!({"percentage": {"of": "PVC", "rate": rate}}))
}

fn unilevel() -> Value {
    bonus(
        "uni",
        &json!({"unilevel": {"on": {"orders": "vc"}, "rates": {"by-level": ["0.1", "0.05"]}, "qualified": "true"}}),
    )
}

fn no_ranks() -> Value {
    json!({})
}

fn parse(document: &Value) -> Plan {
    Plan::parse(&document.to_string()).unwrap_or_else(|mistakes| {
        panic!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn freeze(plan: &Plan, cycle: &Cycle, people: &[PersonFact], orders: &[OrderFact]) -> Snapshot {
    integrate(Facts { cycle, people, orders }, None, plan, ExchangeRates::of_plan(plan)).unwrap()
}

fn pay(plan: &Plan, snapshot: &Snapshot, settled: &[SettledCycle<'_>]) -> Payouts {
    let before = calculate_indicators(snapshot, plan, Context::default()).unwrap();
    let ranked = calculate_ranks(snapshot, &before, plan, Context::default()).unwrap();
    calculate_bonuses(snapshot, &before, &ranked, plan, BonusContext { settled, ..Default::default() })
        .unwrap()
}

/// Earner, kind and amount of each line.
fn lines(payouts: &Payouts, snapshot: &Snapshot) -> Vec<(String, LineKind, String)> {
    let line = |line: &engine::PayoutLine| {
        let earner = snapshot.people.ids.get(line.earner as usize).to_owned();
        (earner, line.kind, format!("{} {}", line.amount(), line.currency))
    };
    payouts.lines.iter().map(line).collect()
}

#[test]
fn brackets_pay_the_whole_or_each_slice() {
    let brackets = |marginal: bool| {
        json!({"brackets": {"marginal": marginal, "steps": [
            {"from": "100", "rate": "0.10"}, {"from": "300", "rate": "0.20"}
        ]}})
    };
    let cases = [
        ("under the first", 99, false, None),
        ("exactly the first", 100, false, Some("10.00 COP")),
        ("exactly the second", 300, false, Some("60.00 COP")),
        ("slices of the second", 350, true, Some("30.00 COP")),
    ];
    let cycle = cycle(10);
    for (name, volume, marginal, expected) in cases {
        let plan = parse(&document(&json!([percentage(&brackets(marginal))]), &no_ranks()));
        let snapshot = freeze(&plan, &cycle, &[person("a", None)], &[sale("o", "a", volume, &cycle)]);
        let found = lines(&pay(&plan, &snapshot, &[]), &snapshot);
        let expected: Vec<_> = expected
            .into_iter()
            .map(|amount| ("a".to_owned(), LineKind::Earned, amount.to_owned()))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_line_is_rounded_once_in_the_currency_of_the_earner() {
    let plan = parse(&document(&json!([percentage(&json!({"fixed": "0.0001"}))]), &no_ranks()));
    let cycle = cycle(10);
    let mut people = [person("a", None), person("b", Some("a")), person("c", Some("a"))];
    people[1].currency = Some("USD".parse().unwrap());
    let orders = [sale("o1", "a", 150, &cycle), sale("o2", "b", 300, &cycle), sale("o3", "c", 49, &cycle)];
    let snapshot = freeze(&plan, &cycle, &people, &orders);
    let payouts = pay(&plan, &snapshot, &[]);
    let amounts: Vec<String> = lines(&payouts, &snapshot).into_iter().map(|(.., amount)| amount).collect();
    // 0.0150 and 0.0300 × 0.5 go to the even neighbour; 0.0049 rounds to 0 and stays.
    assert_eq!(amounts, ["0.02 COP", "0.02 USD", "0.00 COP"]);
    let residual: Decimal = payouts.totals().iter().map(|total| total.residual).sum();
    assert_eq!(residual, "-0.0051".parse().unwrap());
}

#[test]
fn caps_take_back_what_passes_them() {
    let mut capped = percentage(&json!({"fixed": "0.5"}));
    capped["cap_per_person"] = json!("60");
    let mut document = document(&json!([capped]), &no_ranks());
    document["payout_cap"] = json!({"share_of_vc": "0.25"});
    let plan = parse(&document);
    let cycle = cycle(10);
    let people = [person("a", None), person("b", Some("a"))];
    let snapshot =
        freeze(&plan, &cycle, &people, &[sale("o1", "a", 200, &cycle), sale("o2", "b", 40, &cycle)]);
    // a: 100 less 40; b: 20; together 80 of which 60 are allowed: everyone gives a quarter.
    let found: Vec<_> = lines(&pay(&plan, &snapshot, &[]), &snapshot);
    let expect = |who: &str, kind, amount: &str| (who.to_owned(), kind, amount.to_owned());
    assert_eq!(
        found,
        [
            expect("a", LineKind::Earned, "100.00 COP"),
            expect("a", LineKind::BonusCap, "-40.00 COP"),
            expect("a", LineKind::PayoutCap, "-15.00 COP"),
            expect("b", LineKind::Earned, "20.00 COP"),
            expect("b", LineKind::PayoutCap, "-5.00 COP"),
        ]
    );
}

#[test]
fn the_payout_cap_takes_exact_shares_so_that_halves_go_to_the_even_neighbour() {
    let mut document = document(&json!([percentage(&json!({"fixed": "0.003"}))]), &no_ranks());
    document["payout_cap"] = json!({"share_of_vc": "0.0025"});
    let plan = parse(&document);
    let cycle = cycle(10);
    let people = [person("a", None), person("b", Some("a"))];
    let orders = [sale("o1", "a", 10, &cycle), sale("o2", "b", 10, &cycle)];
    let snapshot = freeze(&plan, &cycle, &people, &orders);
    // 0.06 of which 0.05 are allowed: a sixth of 0.03 is 0.005, which goes to 0.00. A sixth cut to 28 digits would not.
    let found = lines(&pay(&plan, &snapshot, &[]), &snapshot);
    let earned = |who: &str| (who.to_owned(), LineKind::Earned, "0.03 COP".to_owned());
    assert_eq!(found, [earned("a"), earned("b")]);
}

#[test]
fn customers_have_no_rank_whatever_their_rows_say() {
    let plan = parse(&document(&json!([]), &ladder(&json!({}))));
    let mut people = [person("a", None), person("b", Some("a"))];
    people[1].kind = engine::PersonKind::Customer;
    let rank = plan.rank_code(1).to_owned();
    for column in [&mut people[1].previous_rank, &mut people[1].honorific_rank] {
        *column = Some(rank.clone());
    }
    people[1].manual_rank = Some(rank);
    people[1].rank_grace_used = 1;
    let snapshot = freeze(&plan, &cycle(10), &people, &[]);
    let row = snapshot.people.row("b").unwrap() as usize;
    let people = &snapshot.people;
    let ranks = [people.previous_rank[row], people.honorific_rank[row], people.manual_rank[row]];
    assert_eq!((ranks, people.grace_used[row]), ([0; 3], 0));
}

fn returned(id: &str, of: &str, reverses: &str, volume: i64, cycle: &Cycle) -> OrderFact {
    let mut order = sale(id, of, volume, cycle);
    order.kind = OrderKind::Return;
    order.reverses = Some(reverses.parse().unwrap());
    order
}

#[test]
fn a_return_after_settlement_is_undone_or_deducted_and_never_both() {
    let (september, october) = (cycle(9), cycle(10));
    let people = [person("a", None), person("b", Some("a")), person("c", Some("b"))];
    for (setting, volume, expected) in [
        ("undo", "100", vec![("a", "-2.00 COP"), ("a", "5.00 COP"), ("b", "-4.00 COP"), ("b", "10.00 COP")]),
        ("deduct", "60", vec![("a", "-2.00 COP"), ("a", "5.00 COP"), ("b", "-4.00 COP"), ("b", "10.00 COP")]),
    ] {
        let mut document = document(&json!([unilevel()]), &no_ranks());
        document["returns"] = json!({"after_settlement": setting});
        let plan = parse(&document);
        let before = freeze(&plan, &september, &people, &[sale("s1", "c", 100, &september)]);
        let paid = pay(&plan, &before, &[]);
        let orders = [sale("s2", "c", 100, &october), returned("r1", "c", "s1", 40, &october)];
        let snapshot = freeze(&plan, &october, &people, &orders);
        let row = snapshot.people.row("c").unwrap() as usize;
        let own = snapshot.people.volumes.of(engine::Volume::Vq)[row];
        assert_eq!(Decimal::new(own, 4), volume.parse().unwrap(), "{setting}");
        let payouts = pay(&plan, &snapshot, &[SettledCycle { snapshot: &before, payouts: &paid }]);
        let mut found: Vec<_> =
            lines(&payouts, &snapshot).into_iter().map(|(who, _, amount)| (who, amount)).collect();
        found.sort();
        let expected: Vec<_> =
            expected.into_iter().map(|(who, amount)| (who.to_owned(), amount.to_owned())).collect();
        assert_eq!(found, expected, "{setting}");
        let undone = payouts.lines.iter().filter(|line| line.kind == LineKind::Undo).count();
        assert_eq!(undone, if setting == "undo" { 2 } else { 0 });
    }
}

#[test]
fn a_return_within_the_cycle_reduces_it_and_pays_a_negative_line() {
    let plan = parse(&document(&json!([unilevel()]), &no_ranks()));
    let cycle = cycle(10);
    let people = [person("a", None), person("b", Some("a"))];
    let orders = [sale("s", "b", 100, &cycle), returned("r", "b", "s", 30, &cycle)];
    let snapshot = freeze(&plan, &cycle, &people, &orders);
    let amounts: Vec<String> =
        lines(&pay(&plan, &snapshot, &[]), &snapshot).into_iter().map(|(.., amount)| amount).collect();
    assert_eq!(amounts, ["-3.00 COP", "10.00 COP"]);
}

#[test]
fn a_return_of_an_unknown_order_is_reported() {
    let plan = parse(&document(&json!([unilevel()]), &no_ranks()));
    let cycle = cycle(10);
    let snapshot = freeze(&plan, &cycle, &[person("a", None)], &[returned("r", "a", "lost", 30, &cycle)]);
    let payouts = pay(&plan, &snapshot, &[]);
    assert_eq!(payouts.not_undone.len(), 1);
    let findings = check_settlements(&[], &payouts, &snapshot, &plan, None);
    assert_eq!(findings[0].code, "not-undone");
}

/// Reasons why returns of October are not undone, by return; and how many lines undo something.
fn not_undone(plan: &Plan, sales: &[OrderFact], returns: &[OrderFact]) -> (Vec<(String, String)>, usize) {
    let people = [person("a", None), person("b", Some("a")), person("c", Some("b")), person("d", Some("a"))];
    let before = freeze(plan, &cycle(9), &people, sales);
    let paid = pay(plan, &before, &[]);
    let snapshot = freeze(plan, &cycle(10), &people, returns);
    let payouts = pay(plan, &snapshot, &[SettledCycle { snapshot: &before, payouts: &paid }]);
    let mut found: Vec<_> = payouts.not_undone.into_iter().map(|open| (open.order, open.reason)).collect();
    found.sort();
    (found, payouts.lines.iter().filter(|line| line.kind == LineKind::Undo).count())
}

#[test]
fn nothing_is_undone_of_what_comes_back_after_the_days_of_the_plan() {
    let sales = [sale("s", "c", 100, &cycle(9))];
    let mut returns = [returned("r", "c", "s", 40, &cycle(10))];
    // From 1 September to 1 October, whatever the hour.
    returns[0].paid_at += jiff::SignedDuration::from_hours(23);
    for (within, reasons, lines) in
        [(30, vec![], 2), (29, vec![("r".to_owned(), "too-late 30".to_owned())], 0)]
    {
        let mut document = document(&json!([unilevel()]), &no_ranks());
        document["returns"] = json!({"within_days": within});
        assert_eq!(not_undone(&parse(&document), &sales, &returns), (reasons, lines), "{within}");
    }
}

#[test]
fn nothing_is_deducted_of_what_comes_back_after_the_days_of_the_plan() {
    let mut plan = document(&json!([unilevel()]), &no_ranks());
    plan["returns"] = json!({"after_settlement": "deduct", "within_days": 29});
    let plan = parse(&plan);
    let (september, october) = (cycle(9), cycle(10));
    let days = |count: i64| jiff::SignedDuration::from_hours(24 * count);
    let back = |id: &str, reverses: &str, sold_at: Option<jiff::Timestamp>| {
        // At the last hour of 1 October.
        let paid_at = october.start + jiff::SignedDuration::from_hours(23);
        OrderFact { sold_at, paid_at, ..returned(id, "c", reverses, 1, &october) }
    };
    let here = sale("here", "c", 100, &october);
    let returns = [
        ("in time", back("r", "s", Some(september.start + days(1))), None),
        ("too late", back("r", "s", Some(september.start)), Some("too-late 30")),
        (
            "too late, of an order without a name",
            back("r", "s", Some(september.start - days(31))),
            Some("too-late 61"),
        ),
        ("known from September", back("r", "sold", None), Some("too-late 30")),
        ("facts say otherwise", back("r", "sold", Some(september.start + days(1))), None),
        ("nobody knows", back("r", "s", None), None),
        ("of this cycle", back("r", "here", Some(september.start)), None),
    ];
    let people = [person("a", None), person("b", Some("a")), person("c", Some("b"))];
    let before = freeze(&plan, &september, &people, &[sale("sold", "c", 100, &september)]);
    let paid = pay(&plan, &before, &[]);
    for (name, mut order, expected) in returns {
        if name.ends_with("without a name") {
            order.reverses = None;
        }
        let orders = [here.clone(), order];
        let orders = engine::with_sold_at(&orders, [&before].into_iter(), &plan);
        let snapshot = freeze(&plan, &october, &people, &orders);
        let stored = codec::encode_snapshot(&snapshot).unwrap();
        assert_eq!(codec::decode_snapshot(stored.people.into(), stored.orders.into()).unwrap(), snapshot);
        let row = snapshot.people.row("c").unwrap() as usize;
        let own = snapshot.people.volumes.of(engine::Volume::Vq)[row];
        assert_eq!(own, if expected.is_some() { 1_000_000 } else { 990_000 }, "{name}");
        let payouts = pay(&plan, &snapshot, &[SettledCycle { snapshot: &before, payouts: &paid }]);
        let found: Vec<&str> = payouts.not_undone.iter().map(|open| open.reason.as_str()).collect();
        assert_eq!(found, Vec::from_iter(expected), "{name}");
        assert!(payouts.lines.iter().all(|line| line.kind == LineKind::Earned), "{name}");
    }
}

#[test]
fn bonuses_on_totals_that_a_returned_order_is_part_of_are_named() {
    let share = |of: &str| json!({"percentage": {"of": of, "rate": {"fixed": "0.01"}}});
    let slices = json!({"brackets": {"marginal": true, "steps": [{"from": "0", "rate": "0.01"}]}});
    let levels = json!({"on": {"orders": "vc"}, "rates": {"by-level": ["0.1", "0.05"]}, "per": "level"});
    let bonuses = json!([
        unilevel(),
        bonus("levels", &json!({"unilevel": levels})),
        bonus("team", &share("TVC_S")),
        bonus("heads", &share("TEAM_N")),
        bonus("before", &share("PVQ_PREV")),
        bonus("slices", &json!({"percentage": {"of": "PVC", "rate": slices}})),
        bonus("pool", &json!({"pool": {"fund": {"share": {"of": "COVC", "rate": "0.01"}}}})),
        bonus("amount", &json!({"fixed": {"amount": {"amount": "1"}}})),
    ]);
    let plan = parse(&document(&bonuses, &no_ranks()));
    let all = |of: &str| sale(&format!("s{of}"), of, 200, &cycle(9));
    for (of, expected) in [
        ("c", vec!["group-volume levels", "group-volume pool", "group-volume team", "own-total slices"]),
        // Nobody stands above a.
        ("a", vec!["group-volume pool", "group-volume team", "own-total slices"]),
    ] {
        let returns = [returned("r", of, &format!("s{of}"), 40, &cycle(10))];
        let (found, lines) = not_undone(&plan, &["a", "b", "c", "d"].map(all), &returns);
        let expected: Vec<_> =
            expected.into_iter().map(|reason| ("r".to_owned(), reason.to_owned())).collect();
        assert_eq!((found, lines), (expected, if of == "c" { 2 } else { 0 }), "{of}");
    }
}

fn ladder(extra: &Value) -> Value {
    let mut ranks = json!({"steps": [
        {"code": "r1", "name": {"es": "Uno", "en": "One"}, "rule": "own_vq >= 100"},
        {"code": "r2", "name": {"es": "Dos", "en": "Two"}, "rule": "own_vq >= 200"},
        {"code": "r3", "name": {"es": "Tres", "en": "Three"}, "rule": "own_vq >= 300"}
    ]});
    for (field, value) in extra.as_object().unwrap() {
        ranks[field] = value.clone();
    }
    ranks
}

#[test]
fn ranks_climb_fall_and_are_kept_as_the_plan_says() {
    let grace = json!({"grace": {"cycles": 1}});
    let one_step = json!({"grace": {"cycles": 1, "then": "one-step"}});
    let steps = json!({"max_steps_per_cycle": 1});
    let highest = json!({"max_steps_per_cycle": 1, "promotion": "highest"});
    let cases = [
        // name                           ladder     own  previous grace manual  earned paid grace
        ("all at once", json!({}), 300, 0, 0, None, (3, 3, 0)),
        ("one step from none", steps.clone(), 300, 0, 0, None, (1, 1, 0)),
        ("one step from the second", steps, 300, 2, 0, None, (3, 3, 0)),
        ("highest within reach", highest, 300, 1, 0, None, (2, 2, 0)),
        ("kept by grace", grace.clone(), 100, 3, 0, None, (1, 3, 1)),
        ("grace used up", grace.clone(), 100, 3, 1, None, (1, 1, 0)),
        ("earned again", grace.clone(), 300, 3, 1, None, (3, 3, 0)),
        ("one step down", one_step.clone(), 100, 3, 1, None, (1, 2, 1)),
        ("one step down to what is earned", one_step, 200, 3, 1, None, (2, 2, 0)),
        ("by hand", grace.clone(), 100, 1, 0, Some("r3"), (1, 3, 0)),
        ("by hand, less than before", grace, 100, 3, 1, Some("r2"), (1, 2, 1)),
    ];
    let cycle = cycle(10);
    for (name, extra, own, previous, used, manual, expected) in cases {
        let plan = parse(&document(&json!([]), &ladder(&extra)));
        let mut someone = person("a", None);
        someone.previous_rank = (previous != 0).then(|| format!("r{previous}"));
        someone.rank_grace_used = used;
        someone.manual_rank = manual.map(str::to_owned);
        someone.manual_to = Some(date(2026, 10, 31));
        let snapshot = freeze(&plan, &cycle, &[someone], &[sale("o", "a", own, &cycle)]);
        let before = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
        let ranks = calculate_ranks(&snapshot, &before, &plan, Context::default()).unwrap().ranks;
        assert_eq!((ranks.earned[0], ranks.paid[0], ranks.grace_used[0]), expected, "{name}");
    }
}

/// A rank for who has 1000 points below, up to the next person who is paid as it in this cycle.
fn silver(change: &Value) -> Plan {
    let mut ranks = json!({"promotion": "highest", "steps": [
        {"code": "member", "name": {"es": "Socio", "en": "Member"}, "rule": "own_vq >= 100"},
        {"code": "silver", "name": {"es": "Plata", "en": "Silver"}, "rule": "own_vq >= 100 && PGV >= 1000"}
    ]});
    for (field, value) in change.as_object().unwrap() {
        ranks[field] = value.clone();
    }
    let mut document = document(&json!([]), &ranks);
    document["indicators"] = json!([measure(
        "PGV",
        &json!({
            "measure": "vq", "scope": {"group": {"rank": "silver", "self": false}},
            "options": {"ranks": "paid", "tree": ranks.get("tree").cloned().unwrap_or(json!("placement"))}
        }),
    )]);
    parse(&document)
}

#[test]
fn rules_of_ranks_read_groups_cut_at_the_ranks_of_this_cycle() {
    let cycle = cycle(10);
    // dan has ema's 1000 and is silver: none of that is ben's, who misses the rank, so that his own 100 are ana's.
    let upper = [("ana", None), ("ben", Some("ana")), ("cem", Some("ana")), ("dan", Some("ben"))];
    let people: Vec<PersonFact> = upper
        .into_iter()
        .chain([("ema", Some("dan")), ("fay", Some("cem"))])
        .map(|(id, parent)| person(id, parent))
        .collect();
    let volumes = [("ana", 100), ("ben", 100), ("cem", 600), ("dan", 100), ("ema", 1000), ("fay", 500)];
    let orders: Vec<OrderFact> =
        volumes.into_iter().map(|(of, volume)| sale(&format!("o-{of}"), of, volume, &cycle)).collect();
    let run = |plan: &Plan, people: &[PersonFact], adjustments: &[Adjustment]| {
        let snapshot = freeze(plan, &cycle, people, &orders);
        let context = Context { adjustments, ..Context::default() };
        let before = calculate_indicators(&snapshot, plan, context).unwrap();
        let ranked = calculate_ranks(&snapshot, &before, plan, context).unwrap();
        let found: Vec<(u8, u8, String)> = upper
            .iter()
            .map(|(id, _)| {
                let row = snapshot.people.row(id).unwrap();
                let (earned, paid) = (&ranked.ranks.earned, &ranked.ranks.paid);
                let group = ranked.indicators.value("PGV", row).unwrap().normalize();
                (earned[row as usize], paid[row as usize], group.to_string())
            })
            .collect();
        (found, snapshot, before, ranked)
    };
    let of = |found: &[(u8, u8, String)]| {
        found.iter().map(|(earned, paid, group)| format!("{earned}{paid} {group}")).collect::<Vec<_>>()
    };
    let plan = silver(&json!({}));
    let (found, snapshot, before, ranked) = run(&plan, &people, &[]);
    assert_eq!(of(&found), ["22 1200", "11 0", "11 500", "22 1000"]);

    // What is told of it is what the rule saw.
    let stored =
        StoredRun { plan: &plan, snapshot: &snapshot, indicators: &before, ranked: &ranked, payouts: None };
    let row = |id: &str| snapshot.people.row(id).unwrap();
    let told = stored.explain_rank(row("ana"), 2).unwrap().unwrap();
    assert_eq!(told.held, Some(true), "{}", told.render(Locale::En));
    let why = stored.why_not_rank(row("cem"), 2).unwrap().unwrap();
    let short: Vec<_> = why.missing.iter().map(|one| (one.short, one.bound)).collect();
    assert_eq!(short, [(Some(Decimal::from(500)), Some(Decimal::from(1000)))]);
    let nearly: Vec<String> =
        stored.nearly_rank(2, 2).unwrap().unwrap().into_iter().map(|one| one.person).collect();
    assert_eq!(nearly, ["cem", "ben"]);

    // Paid ranks cut, also those set by hand or kept; here cem leads a group of his own.
    let mut by_hand = people.clone();
    by_hand[2].manual_rank = Some("silver".to_owned());
    let (found, ..) = run(&plan, &by_hand, &[]);
    assert_eq!(of(&found), ["11 100", "11 0", "12 500", "22 1000"]);
    let mut in_grace = people.clone();
    in_grace[2].previous_rank = Some("silver".to_owned());
    let (found, ..) = run(&silver(&json!({"grace": {"cycles": 1}})), &in_grace, &[]);
    assert_eq!(of(&found), ["11 100", "11 0", "12 500", "22 1000"]);

    // A customer cuts nothing, and what is set by hand is seen by the rule and by nobody above.
    let mut customers = people.clone();
    customers[3].kind = engine::PersonKind::Customer;
    let (found, ..) = run(&plan, &customers, &[]);
    assert_eq!(of(&found), ["22 1100", "22 1100", "11 500", "00 1000"]);
    let set = |person: &str, value: i64| Adjustment {
        person: person.to_owned(),
        indicator: "PGV".to_owned(),
        value: Decimal::from(value),
        reason: "agreed".to_owned(),
    };
    let (found, ..) = run(&plan, &people, &[set("ben", 1000)]);
    assert_eq!(of(&found), ["22 1100", "22 1000", "11 500", "22 1000"]);

    // Along the tree of the ranks, whichever that is.
    let mut enrolled = people.clone();
    enrolled[4].sponsor = Some("cem".parse().unwrap());
    let (found, ..) = run(&silver(&json!({"tree": "enrolment"})), &enrolled, &[]);
    assert_eq!(of(&found), ["11 200", "11 100", "22 1500", "11 0"]);
}

/// Two careers that share three codes, with what else of a plan a snapshot feels: continuity, what becomes of late returns, rates.
fn two_plans() -> (Plan, Plan) {
    let ranks = |codes: &[&str], extra: Value| {
        let step =
            |code: &&str| json!({"code": code, "name": {"es": code, "en": code}, "rule": "own_vq >= 100"});
        let mut ranks = extra;
        ranks["steps"] = codes.iter().map(step).collect();
        ranks
    };
    let then = document(&json!([]), &ranks(&["r1", "r2", "gone", "r3"], json!({})));
    let continuity = json!({"continuity": {"earned": 1, "of_last": 3, "asked": "to-keep"}});
    let mut now = document(&json!([unilevel()]), &ranks(&["r3", "new", "r1", "r2"], continuity));
    now["returns"] = json!({"after_settlement": "deduct", "within_days": 29});
    now["currencies"]["earners"]
        .as_array_mut()
        .unwrap()
        .push(json!({"currency": "PEN", "per_base_unit": "0.001"}));
    (parse(&then), parse(&now))
}

/// A year's title is that of its last cycle, which need not end with it.
#[test]
fn the_cycle_with_the_last_day_of_a_year_gives_the_titles_of_the_next() {
    let ranks = json!({
        "steps": [{"code": "r1", "name": {"es": "1", "en": "1"}, "rule": "own_vq >= 100"}], "honorific": "year"
    });
    let plan = parse(&document(&json!([]), &ranks));
    let titles = |first: (i16, i8, i8), last: (i16, i8, i8)| {
        let day = |(year, month, day)| date(year, month, day);
        let cycle = Cycle::of_days("c".parse().unwrap(), day(first), day(last), &TimeZone::UTC).unwrap();
        let snapshot = freeze(&plan, &cycle, &[person("a", None)], &[sale("o", "a", 100, &cycle)]);
        let indicators = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
        calculate_ranks(&snapshot, &indicators, &plan, Context::default()).unwrap().ranks.honorific
    };
    assert_eq!(titles((2026, 12, 1), (2026, 12, 31)), [1]);
    assert_eq!(titles((2026, 12, 21), (2027, 1, 3)), [1]);
    assert_eq!(titles((2026, 12, 7), (2026, 12, 20)), [0]);
    assert_eq!(titles((2027, 1, 4), (2027, 1, 17)), [0]);
}

/// A simulation that saw another snapshot than a run of the plan would have frozen would compare what nobody would have been paid.
#[test]
fn a_refrozen_snapshot_is_the_one_the_other_plan_would_have_frozen() {
    let (then, now) = two_plans();
    let (september, october) = (cycle(9), cycle(10));
    let mut people = ["a", "b", "c", "d"].map(|id| person(id, (id != "a").then_some("a")));
    people[1].previous_rank = Some("r2".to_owned());
    people[1].honorific_rank = Some("r3".to_owned());
    people[2].manual_rank = Some("r1".to_owned());
    people[3].kind = engine::PersonKind::Customer;
    let sold = [sale("s1", "c", 100, &september), sale("s2", "b", 100, &september)];
    let orders = [
        sale("s3", "c", 100, &october),
        returned("x1", "c", "s1", 40, &october),
        returned("x2", "c", "s3", 5, &october),
        OrderFact { sold_at: Some(september.start), ..returned("x3", "c", "s0", 7, &october) },
        OrderFact { sold_at: Some(october.start), ..returned("x4", "c", "s9", 2, &october) },
    ];
    let frozen = |plan: &Plan, before: Option<(&Snapshot, &engine::Ranks)>| {
        let facts = Facts { cycle: &october, people: &people, orders: &orders };
        let previous = before.map(|(snapshot, ranks)| Previous { snapshot, ranks });
        integrate(facts, previous, plan, ExchangeRates::of_plan(plan)).unwrap()
    };
    // b is not in the earlier cycle: what the facts say of b's ranks holds.
    let earlier = [people[0].clone(), people[2].clone(), people[3].clone()];
    let before = freeze(&then, &september, &earlier, &sold[..1]);
    let ranks = |codes: [u8; 3]| engine::Ranks {
        earned: codes.to_vec(),
        paid: codes.to_vec(),
        honorific: codes.to_vec(),
        grace_used: vec![1; 3],
        lock_left: vec![2; 3],
        earned_before: vec![codes.to_vec()],
    };
    // "r1" and "r3" under both plans.
    let (of_then, of_now) = (ranks([1, 4, 0]), ranks([3, 1, 0]));
    for (name, with_then, with_now) in [
        ("after another cycle", Some((&before, &of_then)), Some((&before, &of_now))),
        ("the first cycle", None, None),
    ] {
        let refrozen = |to: &Plan, before: Option<(&Snapshot, &engine::Ranks)>| {
            let previous = before.map(|(snapshot, ranks)| Previous { snapshot, ranks });
            engine::refreeze(frozen(&then, with_then), &then, to, previous).unwrap()
        };
        assert_eq!(refrozen(&now, with_now), frozen(&now, with_now), "{name}");
        assert_eq!(refrozen(&then, with_then), frozen(&then, with_then), "{name}: the same plan");
    }
    let mut elsewhere = now.document().clone();
    elsewhere.time_zone = "America/Bogota".to_owned();
    let elsewhere = parse(&serde_json::to_value(elsewhere).unwrap());
    assert!(engine::refreeze(frozen(&then, None), &then, &elsewhere, None).is_err());
}

#[test]
fn windows_read_the_snapshots_of_earlier_cycles() {
    let plan = parse(&document(&json!([]), &ladder(&json!({}))));
    let people = [person("a", None), person("b", Some("a"))];
    let mut history: Vec<Snapshot> = Vec::new();
    let mut ranks = None;
    for (month, volume) in [(8, 10), (9, 200), (10, 7)] {
        let cycle = cycle(month);
        let orders = [sale("o", "a", volume, &cycle)];
        let facts = Facts { cycle: &cycle, people: &people, orders: &orders };
        let previous = history.first().zip(ranks.as_ref());
        let previous = previous.map(|(snapshot, ranks)| Previous { snapshot, ranks });
        let snapshot = integrate(facts, previous, &plan, ExchangeRates::of_plan(&plan)).unwrap();
        let context = Context { history: &history, ..Context::default() };
        let before = calculate_indicators(&snapshot, &plan, context).unwrap();
        let ranked = calculate_ranks(&snapshot, &before, &plan, context).unwrap();
        if month == 10 {
            let row = snapshot.people.row("a").unwrap();
            assert_eq!(snapshot.people.previous_rank[row as usize], 2);
            for (code, expected) in
                [("PVQ", 7), ("PVQ_PREV", 200), ("PVQ_R3", 217), ("PVQ_CUM", 217), ("PVQ_YTD", 217)]
            {
                assert_eq!(before.value(code, row), Some(Decimal::from(expected)), "{code}");
            }
        }
        ranks = Some(ranked.ranks);
        history.insert(0, snapshot);
    }
}

/// Paid ranks, cycle by cycle from June on, of somebody who joined on the first of June and sells these volumes.
fn career(extra: &Value, volumes: &[i64]) -> Vec<u8> {
    let plan = parse(&document(&json!([]), &ladder(extra)));
    let mut before: Option<(Snapshot, Ranked)> = None;
    let mut career = Vec::new();
    for (place, volume) in volumes.iter().enumerate() {
        let cycle = cycle(6 + i8::try_from(place).unwrap());
        let mut someone = person("a", None);
        someone.joined_on = Some(date(2026, 6, 1));
        let (people, orders) = ([someone], [sale("o", "a", *volume, &cycle)]);
        let facts = Facts { cycle: &cycle, people: &people, orders: &orders };
        let previous = before.as_ref().map(|(snapshot, ranked)| Previous { snapshot, ranks: &ranked.ranks });
        let snapshot = integrate(facts, previous, &plan, ExchangeRates::of_plan(&plan)).unwrap();
        let files = codec::encode_snapshot(&snapshot).unwrap();
        assert_eq!(codec::decode_snapshot(files.people.into(), files.orders.into()).unwrap(), snapshot);
        let indicators = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
        let ranked = calculate_ranks(&snapshot, &indicators, &plan, Context::default()).unwrap();
        let stored = codec::encode_ranks(&ranked.ranks, &snapshot).unwrap();
        assert_eq!(codec::decode_ranks(stored.into()).unwrap(), ranked.ranks);
        career.push(ranked.ranks.paid[0]);
        before = Some((snapshot, ranked));
    }
    career
}

#[test]
fn continuity_and_locks_look_back_over_cycles() {
    let continuity = |asked: &str| json!({"continuity": {"earned": 2, "of_last": 3, "asked": asked}});
    let mut with_grace = continuity("for-grace");
    with_grace["grace"] = json!({"cycles": 2});
    let lock = |months: Option<u16>| json!({"lock": {"cycles": 2, "months_since_joining": months}});
    let cases = [
        // Earned 2 and 3, then 1: 2 of the last 3 were 2 or more, then only one was.
        ("to keep", continuity("to-keep"), vec![200, 300, 100, 100, 0], vec![2, 3, 2, 1, 1]),
        ("to be paid", continuity("to-be-paid"), vec![200, 300, 300, 0, 0], vec![0, 2, 3, 3, 0]),
        // 3 was earned once and has no grace; 2 was earned twice, but the person is paid as 3.
        ("for grace, earned once", with_grace.clone(), vec![200, 300, 100, 100], vec![2, 3, 1, 1]),
        ("for grace, earned twice", with_grace, vec![300, 300, 100, 100], vec![3, 3, 3, 1]),
        ("safe for two cycles", lock(None), vec![300, 0, 100, 0, 0], vec![3, 3, 3, 0, 0]),
        ("reached anew", lock(None), vec![100, 200, 0, 0, 0], vec![1, 2, 2, 2, 0]),
        // The second month ends on the last of July; what is reached in August is not safe.
        ("only new people", lock(Some(2)), vec![100, 200, 0, 300, 0], vec![1, 2, 2, 3, 0]),
        ("not new any more", lock(Some(2)), vec![0, 0, 300, 0], vec![0, 0, 3, 0]),
    ];
    for (name, extra, volumes, expected) in cases {
        assert_eq!(career(&extra, &volumes), expected, "{name}");
    }
}

/// A rank that is kept because it was earned often enough was not earned again.
#[test]
fn only_earning_a_rank_restarts_its_grace() {
    let ranks = ladder(
        &json!({"grace": {"cycles": 2}, "continuity": {"earned": 1, "of_last": 2, "asked": "to-keep"}}),
    );
    let plan = parse(&document(&json!([]), &ranks));
    let used = |own: i64| {
        let (june, july) = (cycle(6), cycle(7));
        let sold = [sale("o", "a", 300, &june)];
        let first = Facts { cycle: &june, people: &[person("a", None)], orders: &sold };
        let rates = ExchangeRates::of_plan(&plan);
        let snapshot = integrate(first, None, &plan, rates.clone()).unwrap();
        let indicators = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
        let mut ranked = calculate_ranks(&snapshot, &indicators, &plan, Context::default()).unwrap();
        ranked.ranks.grace_used = vec![1];
        let sold = [sale("o", "a", own, &july)];
        let next = Facts { cycle: &july, people: &[person("a", None)], orders: &sold };
        let previous = Previous { snapshot: &snapshot, ranks: &ranked.ranks };
        let snapshot = integrate(next, Some(previous), &plan, rates).unwrap();
        let indicators = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
        let ranks = calculate_ranks(&snapshot, &indicators, &plan, Context::default()).unwrap().ranks;
        (ranks.paid[0], ranks.grace_used[0])
    };
    assert_eq!(used(0), (3, 1));
    assert_eq!(used(300), (3, 0));
}

fn measure(code: &str, change: &Value) -> Value {
    let mut definition = json!({
        "code": code, "name": {"es": code, "en": code}, "unit": "count", "measure": "vq", "scope": "self"
    });
    for (field, value) in change.as_object().unwrap() {
        definition[field] = value.clone();
    }
    definition
}

/// Computes cycles one after the other, each with all results of those before it, and gives the last one's indicators and ranks.
fn history(
    plan: &Plan,
    cycles: &[(Cycle, Vec<PersonFact>, Vec<OrderFact>)],
) -> (Snapshot, Vec<Indicators>, Ranked) {
    let mut done: Vec<(Snapshot, Indicators, Ranked)> = Vec::new();
    for (cycle, people, orders) in cycles {
        let facts = Facts { cycle, people, orders };
        let previous = done.first().map(|(snapshot, _, ranked)| Previous { snapshot, ranks: &ranked.ranks });
        let snapshot = integrate(facts, previous, plan, ExchangeRates::of_plan(plan)).unwrap();
        let snapshots: Vec<Snapshot> = done.iter().map(|(snapshot, ..)| snapshot.clone()).collect();
        let results: Vec<Option<CycleResults<'_>>> = done
            .iter()
            .map(|(_, indicators, ranked)| {
                let (after_ranks, ranks) = (Some(&ranked.indicators), &ranked.ranks);
                Some(CycleResults { indicators, after_ranks, ranks })
            })
            .collect();
        let context = Context { history: &snapshots, results: &results, ..Context::default() };
        let before = calculate_indicators(&snapshot, plan, context).unwrap();
        let ranked = calculate_ranks(&snapshot, &before, plan, context).unwrap();
        done.insert(0, (snapshot, before, ranked));
    }
    let (snapshot, before, ranked) = done.remove(0);
    let after = ranked.indicators.clone();
    (snapshot, vec![before, after], ranked)
}

#[test]
fn windows_over_indicators_and_ranks_read_the_stored_results_of_earlier_cycles() {
    let mut document = document(&json!([]), &ladder(&json!({})));
    document["indicators"] = json!([
        measure("STREAK", &json!({"measure": {"formula": "active ? BEFORE + 1 : 0"}})),
        measure("BEFORE", &json!({"measure": {"indicator": "STREAK"}, "window": {"previous": 1}})),
        measure(
            "BEST",
            &json!({"measure": {"indicator": "PVQ"}, "aggregate": "max", "window": {"last": 3}, "options": {"over": "cycles"}})
        ),
        measure(
            "MEAN",
            &json!({"aggregate": "average", "window": {"last": 3}, "options": {"over": "cycles"}})
        ),
        measure(
            "TOPRANK",
            &json!({"measure": "rank", "aggregate": "max", "window": {"last": 3}, "options": {"over": "cycles", "ranks": "paid"}})
        ),
        measure(
            "RANK2",
            &json!({"measure": "rank", "window": {"previous": 2}, "options": {"ranks": "paid"}})
        ),
        measure("TWICE", &json!({"measure": {"formula": "2 * PVQ"}, "window": {"previous": 1}})),
        measure("QUARTER", &json!({"window": "calendar-quarter"})),
        measure("HALF", &json!({"window": "calendar-half"})),
        measure("MONTH", &json!({"window": "calendar-month"})),
        measure("PERIOD", &json!({"window": "plan-period"})),
        measure(
            "TEAMBEST",
            &json!({"measure": {"indicator": "PVQ"}, "aggregate": "max", "scope": "team", "window": {"last": 3}})
        ),
        measure("THERE", &json!({"measure": "people", "window": {"last": 9}}))
    ]);
    document["period_starts"] = json!(["2026-05-20", "2026-07-31", "2026-10-01"]);
    let plan = parse(&document);
    let needed = history_needed(&plan);
    assert!(needed.results && !needed.everything && needed.cycles == 8, "{needed:?}");
    assert_eq!(needed.starts, plan.document().period_starts);
    // July ends on the day the second period begins.
    let looked_at = HistoryNeeded { cycles: 0, period: None, ..needed };
    let wants = |month| looked_at.wants(0, &cycle(month), &cycle(9), &TimeZone::UTC);
    assert_eq!([4, 5, 6, 7, 8].map(wants), [false, false, false, true, true]);
    let cycles = [(6, 100, 0), (7, 300, 0), (8, 90, 5), (9, 100, 50)].map(|(month, a, b)| {
        let cycle = cycle(month);
        let mut people = vec![person("a", None)];
        if 8 <= month {
            people.push(person("b", Some("a")));
        }
        let mut orders = vec![sale("oa", "a", a, &cycle)];
        if 0 < b {
            orders.push(sale("ob", "b", b, &cycle));
        }
        (cycle, people, orders)
    });
    let (snapshot, indicators, _) = history(&plan, &cycles);
    let value = |code: &str, who: &str| {
        let row = snapshot.people.row(who).unwrap();
        let column = indicators.iter().find_map(|all| all.column(code)).unwrap();
        column.value(row).normalize().to_string()
    };
    for (code, a, b) in [
        ("STREAK", "1", "0"),
        ("BEFORE", "0", "0"),
        ("BEST", "300", "50"),
        // 490 over the three cycles a was there, 55 over the two b was.
        ("MEAN", "163.333333333333333333", "27.5"),
        ("TOPRANK", "3", "0"),
        ("RANK2", "3", "0"),
        ("TWICE", "180", "10"),
        ("QUARTER", "490", "55"),
        ("HALF", "490", "55"),
        ("MONTH", "100", "50"),
        ("PERIOD", "490", "55"),
        // One value per member is the member's total of the window.
        ("TEAMBEST", "490", "55"),
        ("THERE", "4", "2"),
    ] {
        assert_eq!((value(code, "a"), value(code, "b")), (a.to_owned(), b.to_owned()), "{code}");
    }
    let (snapshot, indicators, _) = history(&plan, &cycles[..2]);
    assert_eq!(indicators[0].value("STREAK", snapshot.people.row("a").unwrap()), Some(Decimal::from(2)));
}

#[test]
fn a_cycle_after_the_last_period_of_the_plan_is_refused_where_its_period_is_asked() {
    let mut document = document(&json!([]), &no_ranks());
    document["indicators"] = json!([measure("PERIOD", &json!({"window": "plan-period"}))]);
    document["period_starts"] = json!(["2026-07-01", "2026-09-30"]);
    let computed = |document: &Value, month: i8| {
        let (plan, cycle) = (parse(document), cycle(month));
        let snapshot = freeze(&plan, &cycle, &[person("a", None)], &[sale("o", "a", 40, &cycle)]);
        calculate_indicators(&snapshot, &plan, Context::default())
            .map(|found| found.value("PERIOD", 0).map(|value| value.normalize().to_string()))
    };
    // What lies before the first period is one, too.
    for month in [5, 8] {
        assert_eq!(computed(&document, month).unwrap().as_deref(), Some("40"));
    }
    let refused = computed(&document, 9).unwrap_err();
    assert!(matches!(refused, EngineError::NoPeriod { .. }), "{refused}");
    let told = "the plan has no period for cycle 2026-09, which ends on 2026-09-30: the last of period_starts is 2026-09-30";
    assert_eq!(refused.to_string(), told);
    document["indicators"][0]["enabled"] = json!(false);
    assert_eq!(computed(&document, 9).unwrap(), None);
}

#[test]
fn the_first_days_of_a_member_are_found_in_all_cycles_given() {
    let mut document = document(&json!([]), &no_ranks());
    document["indicators"] = json!([
        measure("D30", &json!({"window": {"days-since-joining": 30}})),
        measure("FIRST", &json!({"window": "lifetime", "where": "order.first_of_person"})),
        measure(
            "BEAUTY",
            &json!({"window": {"last": 2}, "where": "order.category == 'beauty' && country == 'CO'"})
        ),
        measure("BIGGEST", &json!({"aggregate": "max", "window": "lifetime", "options": {"over": "orders"}}))
    ]);
    let plan = parse(&document);
    assert!(history_needed(&plan).everything);
    let mut someone = person("a", None);
    someone.joined_on = Some(date(2026, 8, 20));
    someone.country = "CO".into();
    let order = |id: &str, day: jiff::civil::Date, volume: i64, category: &str| {
        let mut order = sale(id, "a", volume, &cycle(8));
        order.paid_at = day.to_zoned(TimeZone::UTC).unwrap().timestamp();
        order.category = category.into();
        order.first_of_person = id == "o1";
        order
    };
    let cycles = [
        (cycle(8), vec![someone.clone()], vec![order("o1", date(2026, 8, 20), 10, "beauty")]),
        (
            cycle(9),
            vec![someone.clone()],
            // The 30th day is 18 September.
            vec![order("o2", date(2026, 9, 18), 20, "beauty"), order("o3", date(2026, 9, 19), 40, "fashion")],
        ),
        (cycle(10), vec![someone], vec![order("o4", date(2026, 10, 5), 80, "beauty")]),
    ];
    let (_, indicators, _) = history(&plan, &cycles);
    for (code, expected) in [("D30", 30), ("FIRST", 10), ("BEAUTY", 100), ("BIGGEST", 80)] {
        assert_eq!(indicators[0].value(code, 0), Some(Decimal::from(expected)), "{code}");
    }
}

#[test]
fn every_violation_of_a_network_is_named() {
    let cycle = cycle(10);
    let people = [
        person("root", None),
        person("other", None),
        person("x", Some("y")),
        person("y", Some("x")),
        person("z", Some("x")),
        person("lost", Some("nobody")),
        person("root", None),
    ];
    let mut early = sale("o3", "root", 1, &cycle);
    early.paid_at = cycle.end;
    let orders =
        [sale("o1", "ghost", 1, &cycle), sale("o2", "root", 1, &cycle), sale("o2", "root", 1, &cycle), early];
    let found: Vec<String> = verify(&people, &orders, &cycle).iter().map(ToString::to_string).collect();
    for expected in [
        "person root is there twice",
        "person root is another root of the placement tree",
        "a circle in the placement tree: x -> y",
        "person z is not reached from the root of the placement tree",
        "person lost hangs under the unknown person nobody in the placement tree",
        "order o1 is of the unknown person ghost",
        "order o2 is there twice",
        "order o3 was not paid in the cycle",
    ] {
        assert!(found.iter().any(|text| text == expected), "{expected}: {found:#?}");
    }
    assert_eq!(verify(&[], &[], &cycle), [Violation::Empty]);
}

#[test]
fn files_are_refused_with_line_and_column() {
    let people = "kind,id,joined_on,surprise\n";
    let error = read_people("people.csv", people.as_bytes()).unwrap_err();
    assert_eq!(
        error.0[0].to_string().split(", expected").next().unwrap(),
        "people.csv:1, column surprise: found \"surprise\""
    );
    let people = "kind,id,joined_on\nconsultant,a,2026-10-01\nalien,b,\n,c,yesterday\n";
    let error = read_people("people.csv", people.as_bytes()).unwrap_err();
    let places: Vec<_> = error.0.iter().map(|error| (error.line, error.column.as_str())).collect();
    assert_eq!(places, [(3, "kind"), (4, "joined_on")]);
    let orders = "id,person,paid_at,vq\no1,a,2026-10-01,12.5\no2,a,2026-10-01T03:00:00Z,1e5x\n";
    let error = read_orders("orders.csv", orders.as_bytes(), &TimeZone::UTC).unwrap_err();
    assert_eq!((error.0[0].line, error.0[0].column.as_str()), (3, "vq"));
    let orders = "vq,paid_at,person,id\n12.5,2026-10-01,a,o1\n";
    let read = read_orders("orders.csv", orders.as_bytes(), &TimeZone::UTC).unwrap();
    assert_eq!((read[0].vq, read[0].units), ("12.5".parse().unwrap(), Decimal::ONE));
    let orders = "id,person,paid_at,kind,sold_at\no1,a,2026-10-01,sale,\no2,a,2026-10-01,return,2026-09-01\n";
    let read = read_orders("orders.csv", orders.as_bytes(), &TimeZone::UTC).unwrap();
    assert_eq!((read[0].sold_at, read[1].sold_at), (None, Some(cycle(9).start)));
    let error =
        read_orders("orders.csv", b"id,person,paid_at,sold_at\no1,a,2026-10-01,once\n", &TimeZone::UTC);
    assert_eq!(error.unwrap_err().0[0].column, "sold_at");
}

#[test]
fn a_sum_that_does_not_fit_names_the_person() {
    let plan = parse(&document(&json!([]), &no_ranks()));
    let cycle = cycle(10);
    let people = [person("a", None), person("b", Some("a"))];
    let most = 900_000_000_000_000;
    let orders = [sale("o1", "a", most, &cycle), sale("o2", "b", most, &cycle)];
    let snapshot = freeze(&plan, &cycle, &people, &orders);
    let error = calculate_indicators(&snapshot, &plan, Context::default()).unwrap_err();
    assert!(matches!(&error, EngineError::Overflow { person, .. } if person == "b"), "{error}");
}

#[test]
fn chains_of_ten_thousand_and_stars_of_a_hundred_thousand_are_computed() {
    let plan = parse(&document(&json!([unilevel()]), &ladder(&json!({}))));
    let cycle = cycle(10);
    let id = |index: usize| format!("p{index:06}");
    for (name, count, chain) in [("chain", 10_000, true), ("star", 100_000, false)] {
        let above = |index: usize| (index != 0).then(|| id(if chain { index - 1 } else { 0 }));
        let people: Vec<PersonFact> =
            (0..count).map(|index| person(&id(index), above(index).as_deref())).collect();
        let orders = [sale("o", &id(count - 1), 100, &cycle)];
        let snapshot = freeze(&plan, &cycle, &people, &orders);
        let before = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
        let row = snapshot.people.row(&id(0)).unwrap();
        assert_eq!(before.value("TVQ", row), Some(Decimal::from(100)), "{name}");
        let payouts = pay(&plan, &snapshot, &[]);
        assert_eq!(payouts.lines.len(), if chain { 2 } else { 1 }, "{name}");
    }
}

/// Everything the general pass does, on the shapes that hurt: deep, wide, nobody active, less than nothing.
#[test]
fn means_extremes_and_shares_stand_extreme_shapes() {
    let mut document = document(&json!([]), &ladder(&json!({})));
    document["indicators"] = json!([
        measure("MEAN", &json!({"aggregate": "average", "scope": "downline"})),
        measure("ACTIVE", &json!({"aggregate": "average", "scope": "team", "filter": "active"})),
        measure("LOWEST", &json!({"aggregate": "min", "scope": {"levels": {"from": 1, "to": 256}}})),
        measure("SHARED", &json!({"scope": "downline", "options": {"cap_per_leg": {"share": "0.5"}}})),
        measure("SECOND", &json!({"aggregate": "max", "scope": {"leg": 2}})),
        measure("ABOVE", &json!({"aggregate": "average", "scope": {"upline": {"rank": "r3"}}}))
    ]);
    let plan = parse(&document);
    let cycle = cycle(10);
    let id = |index: usize| format!("p{index:06}");
    for (name, count, chain) in [("chain", 10_000, true), ("star", 100_000, false), ("nobody else", 1, false)]
    {
        let above = |index: usize| (index != 0).then(|| id(if chain { index - 1 } else { 0 }));
        let people: Vec<PersonFact> =
            (0..count).map(|index| person(&id(index), above(index).as_deref())).collect();
        let mut back = sale("o", &id(count - 1), 90, &cycle);
        back.kind = OrderKind::Return;
        let snapshot = freeze(&plan, &cycle, &people, &[back]);
        let before = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
        let ranked = calculate_ranks(&snapshot, &before, &plan, Context::default()).unwrap();
        let value = |code: &str, row: u32| {
            let column = before.column(code).or_else(|| ranked.indicators.column(code)).unwrap();
            (!column.is_missing(row)).then(|| column.value(row))
        };
        let (first, last) =
            (snapshot.people.row(&id(0)).unwrap(), snapshot.people.row(&id(count - 1)).unwrap());
        let below = Decimal::from(count - 1);
        let mean = (count > 1).then(|| (Decimal::from(-90) / below).round_dp(18));
        assert_eq!(value("MEAN", first), mean, "{name}");
        assert_eq!(value("ACTIVE", first), None, "{name}");
        let lowest = if count == 100_000 { -90 } else { 0 };
        assert_eq!(value("LOWEST", first), Some(Decimal::from(lowest)), "{name}");
        let total = if 1 < count { -90 } else { 0 };
        assert_eq!(value("SHARED", first), Some(Decimal::from(total)), "{name}: a cap of less than 0 is 0");
        assert_eq!(value("SECOND", first), Some(Decimal::ZERO), "{name}");
        assert_eq!(value("ABOVE", last), (1 < count).then_some(Decimal::ZERO), "{name}");
    }
}

#[test]
fn a_quotient_that_does_not_fit_names_the_person() {
    let mut document = document(&json!([]), &no_ranks());
    document["indicators"] =
        json!([measure("HUGE", &json!({"unit": "ratio", "measure": {"formula": "own_vq * own_vq"}}))]);
    let plan = parse(&document);
    let cycle = cycle(10);
    let people = [person("a", None), person("b", Some("a"))];
    let snapshot = freeze(&plan, &cycle, &people, &[sale("o", "b", 100_000_000_000, &cycle)]);
    let error = calculate_indicators(&snapshot, &plan, Context::default()).unwrap_err();
    assert!(matches!(&error, EngineError::Overflow { person, .. } if person == "b"), "{error}");
}

#[test]
fn the_demo_plan_runs_and_explains_itself() {
    let text = include_str!("../../testkit/company/plan.json");
    let plan = parse(&serde_json::from_str(text).unwrap());
    let cycle = cycle(10);
    let people = [person("ana", None), person("ben", Some("ana")), person("cem", Some("ben"))];
    let orders =
        [sale("o1", "ana", 150, &cycle), sale("o2", "ben", 20, &cycle), sale("o3", "cem", 500, &cycle)];
    let snapshot = freeze(&plan, &cycle, &people, &orders);
    let before = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
    let ranked = calculate_ranks(&snapshot, &before, &plan, Context::default()).unwrap();
    let payouts = calculate_bonuses(&snapshot, &before, &ranked, &plan, BonusContext::default()).unwrap();
    let settlements = settle(&snapshot, &before, &ranked.ranks, &payouts, &plan).unwrap();
    assert!(check_settlements(&settlements, &payouts, &snapshot, &plan, None).iter().all(|one| !one.blocks));
    let run =
        StoredRun { plan: &plan, snapshot: &snapshot, indicators: &before, ranked: &ranked, payouts: None };
    let ana = snapshot.people.row("ana").unwrap();
    let line = payouts.of(ana).iter().find(|line| line.level_walked == 2).unwrap();
    // Ben is not active and takes no level: 500 × 4000 × 5.25 %.
    assert_eq!((line.level_paid, line.amount().to_string()), (1, "105000.00".to_owned()));
    let told = run.explain_line(&payouts, line).render(Locale::Es);
    for part in [
        "Bono residual: 105000.00 COP",
        "Pedido o3 de cem: 500",
        "se paga como nivel 1",
        "no ocupan nivel",
        "5.25 %",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let rank = run.explain_rank(ana, 2).unwrap().unwrap();
    assert_eq!(rank.held, Some(false));
    assert!(rank.parts.iter().any(|part| part.kind == "missing"), "{}", rank.render(Locale::Es));
    let indicator = run.explain_indicator("PVQ", ana).unwrap().render(Locale::En);
    assert!(indicator.contains("Order o1: VQ 150"), "{indicator}");
    let short = run.explain_indicator("PSVQ", ana).unwrap().render(Locale::Es);
    assert!(short.contains("Volumen calificable personal: 150"), "{short}");
}
