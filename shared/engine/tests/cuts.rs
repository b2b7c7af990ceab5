//! A network that is cut, computed piece by piece and joined gives the bytes of the whole, wherever it is cut.
#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail like tests.

use engine::{
    Context, Cut, CycleResults, ExchangeRates, Facts, HandedUp, Indicators, OrderFact, OrderKind, PersonFact,
    PersonKind, Piece, Previous, Ranked, Snapshot, calculate_indicators, calculate_ranks, codec,
    finish_indicators, finish_ranks, integrate, whole_is_needed,
};
use foundation::cycle::Cycle;
use jiff::{civil::date, tz::TimeZone};
use plan::Plan;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// Somebody of a random company: parent and sponsor among those before, a customer or not, what they buy in two cycles.
#[derive(Clone, Debug)]
struct Someone {
    parent: usize,
    sponsor: usize,
    customer: bool,
    sales: [i64; 2],
}

fn company(most: usize) -> impl Strategy<Value = Vec<Someone>> {
    let index = any::<prop::sample::Index>;
    // Close parents make deep networks, far ones wide ones.
    let someone = (0_usize..4, index(), index(), prop::bool::weighted(0.15), [-60_i64..260, 0_i64..260]);
    prop::collection::vec(someone, 1..most).prop_map(|raw| {
        let of = |(place, (back, parent, sponsor, customer, sales)): (
            usize,
            (usize, prop::sample::Index, prop::sample::Index, bool, _),
        )| {
            let among = |index: prop::sample::Index| if place == 0 { 0 } else { index.index(place) };
            let near = place.saturating_sub(1 + back);
            let parent = if back == 3 { among(parent) } else { near };
            Someone { parent, sponsor: among(sponsor), customer: customer && place != 0, sales }
        };
        raw.into_iter().enumerate().map(of).collect()
    })
}

fn cycle(month: i8) -> Cycle {
    let first = date(2026, month, 1);
    Cycle::of_days(format!("2026-{month:02}").parse().unwrap(), first, first.last_of_month(), &TimeZone::UTC)
        .unwrap()
}

/// Numbers that go round, so that neither rows nor ids follow the order in which people came.
fn id(place: usize) -> String {
    format!("p{:04}", place * 7919 % 10_007)
}

fn freeze(people: &[Someone], month: usize, previous: Option<Previous<'_>>, plan: &Plan) -> Snapshot {
    let cycle = cycle(i8::try_from(month).unwrap() + 9);
    let upper = |place: usize, upper: usize| (place != 0).then(|| id(upper).parse().unwrap());
    let fact = |(place, someone): (usize, &Someone)| {
        let mut person = PersonFact::new(id(place).parse().unwrap(), upper(place, someone.parent));
        person.sponsor = upper(place, someone.sponsor);
        person.kind = if someone.customer { PersonKind::Customer } else { PersonKind::Consultant };
        person.joined_on = Some(date(2026, 9, 1 + i8::try_from(place % 28).unwrap()));
        person
    };
    let order = |(place, someone): (usize, &Someone)| {
        let volume = someone.sales[month];
        let id_of = format!("o{place}-{month}").parse().unwrap();
        let mut order =
            OrderFact::sale(id_of, id(place).parse().unwrap(), cycle.start, Decimal::from(volume.abs()));
        order.kind = if volume < 0 { OrderKind::Return } else { OrderKind::Sale };
        (volume != 0).then_some(order)
    };
    let orders: Vec<OrderFact> = people.iter().enumerate().filter_map(order).collect();
    let people: Vec<PersonFact> = people.iter().enumerate().map(fact).collect();
    let facts = Facts { cycle: &cycle, people: &people, orders: &orders };
    integrate(facts, previous, plan, ExchangeRates::of_plan(plan)).unwrap()
}

/// A plan with all of the catalogue, and with ranks that count legs, the first line and everybody below.
fn plan(leg_rank: &str) -> Plan {
    let text = |text: &str| json!({"es": text, "en": text});
    let step = |code: &str, rule: &str| json!({"code": code, "name": text(code), "rule": rule});
    let document = |enabled: &[String]| {
        json!({
            "format": 1, "name": text("Todo"), "version": 1, "time_zone": "UTC",
            "currencies": {"base": "USD"},
            "activity": {"rule": "own_vq >= 50 || TVQ >= 600"},
            "catalogue": {"own_volume_goal": "100", "leader_rank": "second", "enabled": enabled},
            "ranks": {
                "promotion": "highest", "leg_rank": leg_rank, "grace": {"cycles": 1},
                "steps": [
                    step("first", "active && own_vq >= 80"),
                    step("second", "active && (legs_with_rank('first') >= 2 || legs_with_rank('first', 3) >= 1 || GVQ >= 500 || GVQ_PAID >= 400)"),
                    step(
                        "third",
                        "frontline_with_rank('first') >= 2 && downline_with_rank('second') >= 1 || GVC_H_PAID >= 700",
                    ),
                ]
            },
        })
    };
    let all = parse(&document(&[]));
    let built_in = all.indicators().iter().filter(|planned| planned.built_in);
    let codes: Vec<String> = built_in.map(|planned| planned.definition.code.clone()).collect();
    parse(&document(&codes))
}

fn parse(document: &Value) -> Plan {
    Plan::parse(&document.to_string()).unwrap_or_else(|mistakes| {
        panic!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

/// What a cycle computed.
struct Done {
    snapshot: Snapshot,
    indicators: Indicators,
    ranked: Ranked,
}

impl Done {
    fn results(&self) -> CycleResults<'_> {
        CycleResults {
            indicators: &self.indicators,
            after_ranks: Some(&self.ranked.indicators),
            ranks: &self.ranked.ranks,
        }
    }
}

/// Two cycles, computed as a whole.
fn whole(people: &[Someone], plan: &Plan) -> [Done; 2] {
    let snapshot = freeze(people, 0, None, plan);
    let indicators = calculate_indicators(&snapshot, plan, Context::default()).unwrap();
    let ranked = calculate_ranks(&snapshot, &indicators, plan, Context::default()).unwrap();
    let first = Done { snapshot, indicators, ranked };
    let previous = Previous { snapshot: &first.snapshot, ranks: &first.ranked.ranks };
    let snapshot = freeze(people, 1, Some(previous), plan);
    let results = [Some(first.results())];
    let context =
        Context { history: std::slice::from_ref(&first.snapshot), results: &results, ..Context::default() };
    let indicators = calculate_indicators(&snapshot, plan, context).unwrap();
    let ranked = calculate_ranks(&snapshot, &indicators, plan, context).unwrap();
    [first, Done { snapshot, indicators, ranked }]
}

/// A piece as it comes back from where it was stored.
fn stored(cut: &Cut, number: usize, piece: &Piece) -> Piece {
    let files = codec::encode_snapshot(&piece.snapshot).unwrap();
    let snapshot = codec::decode_snapshot(files.people.into(), files.orders.into()).unwrap();
    cut.piece_of(number, snapshot).unwrap()
}

/// Calls `compute` with each piece of the second cycle and what the first knows of it: the parts first, then the trunk with what they
/// hand up.
fn by_piece<T>(
    cut: &Cut,
    [first, second]: &[Done; 2],
    compute: impl Fn(&Piece, Context<'_>, Option<&[HandedUp]>) -> (T, HandedUp),
) -> Vec<T> {
    let of_piece = |number: usize, handed: Option<&[HandedUp]>| {
        let piece = stored(cut, number, &cut.piece(number, &second.snapshot));
        let before = piece.earlier(&first.snapshot);
        let (indicators, ranked) = before.results(first.results());
        let results = [Some(CycleResults {
            indicators: &indicators,
            after_ranks: Some(&ranked.indicators),
            ranks: &ranked.ranks,
        })];
        let history = std::slice::from_ref(&before.snapshot);
        compute(&piece, Context { history, results: &results, ..Context::default() }, handed)
    };
    let (mut done, mut handed) = (Vec::new(), Vec::new());
    for number in 1..cut.pieces() {
        let (of_part, up) = of_piece(number, None);
        done.push(of_part);
        handed.push(HandedUp::decode(up.encode().unwrap().into()).unwrap());
    }
    done.insert(0, of_piece(0, Some(&handed)).0);
    done
}

/// The second cycle, piece by piece.
fn joined(cut: &Cut, whole: &[Done; 2], plan: &Plan) -> (Indicators, Ranked) {
    let [first, second] = whole;
    let results = [Some(first.results())];
    let context =
        Context { history: std::slice::from_ref(&first.snapshot), results: &results, ..Context::default() };
    // Whoever joins reads the past of the whole only where it is needed.
    let read =
        |after_ranks: bool| if whole_is_needed(plan, after_ranks) { context } else { Context::default() };
    let indicators = by_piece(cut, whole, |piece, context, handed| {
        piece.calculate_indicators(plan, context, handed).unwrap()
    });
    let indicators = cut.join_indicators(&indicators).unwrap();
    let indicators = finish_indicators(&second.snapshot, plan, read(false), indicators).unwrap();
    let ranked = by_piece(cut, whole, |piece, context, handed| {
        piece.calculate_ranks(&piece.indicators(&indicators), plan, context, handed).unwrap()
    });
    let (ranks, after): (Vec<_>, Vec<_>) =
        ranked.into_iter().map(|ranked| (ranked.ranks, ranked.indicators)).unzip();
    let ranked =
        Ranked { ranks: cut.join_ranks(&ranks).unwrap(), indicators: cut.join_indicators(&after).unwrap() };
    let ranked = finish_ranks(&second.snapshot, &indicators, plan, read(true), ranked).unwrap();
    (indicators, ranked)
}

fn bytes(snapshot: &Snapshot, indicators: &Indicators, ranked: &Ranked) -> [Vec<u8>; 3] {
    [
        codec::encode_indicators(indicators, snapshot).unwrap(),
        codec::encode_ranks(&ranked.ranks, snapshot).unwrap(),
        codec::encode_indicators(&ranked.indicators, snapshot).unwrap(),
    ]
}

/// A plan whose ranks ask for nothing but groups that are cut at the ranks of the cycle: the columns, and what they have to reach.
fn plan_of_groups(tree: &str, activity: &str) -> (Plan, [(&'static str, i64); 3]) {
    let text = |text: &str| json!({"es": text, "en": text});
    let group = |code: &str, rank: &str, with_self: bool, more: Value| {
        let mut one = json!({
            "code": code, "name": text(code), "unit": "points", "measure": "vq",
            "scope": {"group": {"rank": rank, "self": with_self}}, "options": {"ranks": "paid", "tree": tree},
        });
        for (field, value) in more.as_object().unwrap() {
            one[field] = value.clone();
        }
        one
    };
    let asks = [("G1", 150), ("G2", 3), ("G3", 400)];
    let step = |code: &str, (group, least): (&str, i64)| json!({"code": code, "name": text(code), "rule": format!("{group} >= {least}")});
    let plan = parse(&json!({
        "format": 1, "name": text("Grupos"), "version": 1, "time_zone": "UTC",
        "currencies": {"base": "USD"},
        "activity": {"rule": activity},
        "indicators": [
            group("G1", "second", true, json!({"filter": "active"})),
            group("G2", "first", false, json!({"measure": "people", "aggregate": "count", "unit": "people"})),
            group("G3", "third", true, json!({"window": {"last": 2}})),
        ],
        "ranks": {
            "promotion": "highest", "tree": tree, "grace": {"cycles": 1},
            "steps": [step("first", asks[0]), step("second", asks[1]), step("third", asks[2])],
        },
    }));
    (plan, asks)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rules_of_ranks_see_the_groups_that_are_stored(people in company(90), at_most in 1_usize..30, enrolment in any::<bool>()) {
        let (plan, asks) = plan_of_groups(if enrolment { "enrolment" } else { "placement" }, "own_vq >= 50");
        let done = whole(&people, &plan);
        for Done { snapshot, ranked, .. } in &done {
            for (row, earned) in (0_u32..).zip(&ranked.ranks.earned) {
                let holds = |(code, least): &(&str, i64)| {
                    Decimal::from(*least) <= ranked.indicators.value(code, row).unwrap()
                };
                let highest = asks.iter().rposition(holds).map_or(0, |place| place + 1);
                let is_consultant = snapshot.people.consultant[row as usize];
                prop_assert_eq!(usize::from(*earned), if is_consultant { highest } else { 0 });
            }
        }
        if let Some(cut) = Cut::of(&done[1].snapshot, &plan, at_most) {
            let (indicators, ranked) = joined(&cut, &done, &plan);
            prop_assert_eq!(
                bytes(&done[1].snapshot, &indicators, &ranked),
                bytes(&done[1].snapshot, &done[1].indicators, &done[1].ranked)
            );
        } else {
            prop_assert!(enrolment || people.len() <= at_most);
        }
    }
}

#[test]
fn groups_that_fit_in_each_part_and_not_in_all_of_them_are_an_error_too() {
    // Nothing else adds volumes up.
    let (plan, _) = plan_of_groups("placement", "consultant");
    let someone = |sales: i64| Someone { parent: 0, sponsor: 0, customer: true, sales: [0, sales] };
    let most = 800_000_000_000_000;
    let mut people: Vec<Someone> = (0..3).map(|place| someone(if place == 0 { 0 } else { most })).collect();
    people[0].customer = false;
    let snapshot = freeze(&people, 1, None, &plan);
    let indicators = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
    let too_large = |found: Result<Ranked, engine::EngineError>| {
        matches!(found, Err(engine::EngineError::Overflow { .. }))
    };
    assert!(too_large(calculate_ranks(&snapshot, &indicators, &plan, Context::default())));
    let cut = Cut::of(&snapshot, &plan, 1).unwrap();
    let ranked = |number: usize, handed: Option<&[HandedUp]>| {
        let piece = cut.piece(number, &snapshot);
        piece.calculate_ranks(&piece.indicators(&indicators), &plan, Context::default(), handed)
    };
    let handed: Vec<HandedUp> = (1..cut.pieces()).map(|number| ranked(number, None).unwrap().1).collect();
    assert!(too_large(ranked(0, Some(&handed)).map(|(ranked, _)| ranked)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn pieces_give_the_bytes_of_the_whole(people in company(90), sizes in [1_usize..6, 4_usize..40], paid in any::<bool>()) {
        let plan = plan(if paid { "paid" } else { "earned" });
        let done = whole(&people, &plan);
        let [_, second] = &done;
        for at_most in sizes {
            let Some(cut) = Cut::of(&second.snapshot, &plan, at_most) else {
                prop_assert!(people.len() <= at_most);
                continue;
            };
            prop_assert!(cut.parts.iter().all(|part| part.own.iter().map(ExactSizeIterator::len).sum::<usize>() <= at_most));
            let cut: Cut = serde_json::from_str(&serde_json::to_string(&cut).unwrap()).unwrap();
            let (indicators, ranked) = joined(&cut, &done, &plan);
            for (found, expected) in indicators.columns.iter().zip(&second.indicators.columns) {
                prop_assert_eq!(found, expected, "cut at {}", at_most);
            }
            prop_assert_eq!(&ranked.ranks, &second.ranked.ranks);
            prop_assert!(
                bytes(&second.snapshot, &indicators, &ranked)
                    == bytes(&second.snapshot, &second.indicators, &second.ranked)
            );
        }
    }
}

#[test]
fn long_lines_and_wide_stars_are_cut_too() {
    let plan = plan("earned");
    let someone = |parent: usize| Someone { parent, sponsor: parent, customer: false, sales: [60, 90] };
    let line: Vec<Someone> = (0..400_usize).map(|place| someone(place.saturating_sub(1))).collect();
    let star: Vec<Someone> = (0..400).map(|_| someone(0)).collect();
    for (people, trunk) in [(line, 300), (star, 1)] {
        let done = whole(&people, &plan);
        let cut = Cut::of(&done[1].snapshot, &plan, 100).unwrap();
        assert_eq!(cut.piece(0, &done[1].snapshot).snapshot.people.len(), trunk);
        let (indicators, ranked) = joined(&cut, &done, &plan);
        assert_eq!((&indicators, &ranked), (&done[1].indicators, &done[1].ranked));
    }
}

#[test]
fn what_fits_in_each_part_and_not_in_all_of_them_is_an_error_and_no_wrong_number() {
    let plan = plan("earned");
    let someone = |sales: i64| Someone { parent: 0, sponsor: 0, customer: false, sales: [0, sales] };
    let most = 800_000_000_000_000;
    let people: Vec<Someone> = (0..3).map(|place| someone(if place == 0 { 0 } else { most })).collect();
    let snapshot = freeze(&people, 1, None, &plan);
    assert!(calculate_indicators(&snapshot, &plan, Context::default()).is_err());
    let cut = Cut::of(&snapshot, &plan, 1).unwrap();
    let part = |number: usize| {
        cut.piece(number, &snapshot).calculate_indicators(&plan, Context::default(), None).unwrap().1
    };
    let handed: Vec<HandedUp> = (1..cut.pieces()).map(part).collect();
    let trunk = cut.piece(0, &snapshot).calculate_indicators(&plan, Context::default(), Some(&handed));
    assert!(matches!(trunk, Err(engine::EngineError::Overflow { .. })), "{trunk:?}");
}

#[test]
fn formulas_that_fail_for_visitors_only_do_not_fail() {
    let text = |text: &str| json!({"es": text, "en": text});
    let indicator = |code: &str, definition: Value| {
        let mut definition = definition;
        definition["code"] = json!(code);
        definition["name"] = text(code);
        definition
    };
    let plan = parse(&json!({
        "format": 1, "name": text("Visitas"), "version": 1, "time_zone": "UTC",
        "currencies": {"base": "USD"},
        // Everybody is in their own team. Of visitors a part does not know who else is.
        "activity": {"rule": "[1, 2, 3][min(N, 3) - 1] >= 1"},
        "indicators": [
            indicator("N", json!({"measure": "people", "aggregate": "count", "scope": "team", "unit": "count"})),
            indicator("F", json!({"measure": {"formula": "[0.1, 0.2, 0.3][min(N, 3) - 1]"}, "scope": "self", "unit": "points"})),
            indicator("R", json!({"measure": {"formula": "[1, 2, 3][min(N, 3) - 1] / 7"}, "scope": "self", "unit": "ratio"})),
            indicator("S", json!({"measure": "vq", "unit": "points", "scope": "team", "filter": "[1, 2, 3][min(N, 3) - 1] >= 2"})),
        ],
    }));
    let someone = |parent: usize| Someone { parent, sponsor: parent, customer: false, sales: [60, 90] };
    let people: Vec<Someone> = (0..60_usize).map(|place| someone(place.saturating_sub(1) / 2)).collect();
    let done = whole(&people, &plan);
    for at_most in [1, 7, 20] {
        let cut = Cut::of(&done[1].snapshot, &plan, at_most).unwrap();
        let (indicators, ranked) = joined(&cut, &done, &plan);
        assert_eq!((&indicators, &ranked), (&done[1].indicators, &done[1].ranked));
    }
}

#[test]
fn visitors_are_counted_once_however_many_parts_they_stand_above() {
    let plan = plan("earned");
    let someone = |sales: i64| Someone { parent: 0, sponsor: 0, customer: false, sales: [0, sales] };
    // Everybody in the first one's team fits 64 bits, ten times the first one would not.
    let people: Vec<Someone> =
        (0..11).map(|place| someone(if place == 0 { 90_000_000_000_000 } else { 1 })).collect();
    let done = whole(&people, &plan);
    let cut = Cut::of(&done[1].snapshot, &plan, 1).unwrap();
    assert_eq!(cut.parts.len(), 10);
    let (indicators, ranked) = joined(&cut, &done, &plan);
    assert_eq!((&indicators, &ranked), (&done[1].indicators, &done[1].ranked));
}

#[test]
fn what_parts_hand_up_may_have_all_digits_of_64_bits() {
    let plan = plan("earned");
    let someone = |sales: i64| Someone { parent: 0, sponsor: 0, customer: false, sales: [0, sales] };
    // Two volumes below 10^18 ten-thousandths in one part come to more than that.
    let people: Vec<Someone> =
        (0..3).map(|place| someone(if place == 0 { 0 } else { 60_000_000_000_000 })).collect();
    let snapshot = freeze(&people, 1, None, &plan);
    let cut = Cut::of(&snapshot, &plan, 2).unwrap();
    let part = cut.piece(1, &snapshot);
    let (_, handed) = part.calculate_indicators(&plan, Context::default(), None).unwrap();
    assert_eq!(HandedUp::decode(handed.encode().unwrap().into()).unwrap(), handed);
}
