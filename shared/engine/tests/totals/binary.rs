//! Binary bonuses: legs, what is matched, what is carried.

use engine::{BalanceKind, BonusContext, Carried, CarriedBalance};
use foundation::locale::Locale;
use serde_json::{Value, json};

use crate::fixture::{Company, bonus, carried, document, mistakes, plan, with};

fn binary(pays: &Value, more: &Value) -> Value {
    let mut binary = json!({"of": "OWN", "pays": pays});
    for (name, value) in more.as_object().unwrap() {
        binary[name] = value.clone();
    }
    bonus("bin", &json!({"binary": binary}))
}

fn percent(rate: &str) -> Value {
    json!({"percentage": {"fixed": rate}})
}

fn brought(legs: &[(&str, i128)]) -> Carried {
    let balance = |(person, volume): &(&str, i128)| CarriedBalance {
        person: (*person).to_owned(),
        bonus: "bin".to_owned(),
        kind: BalanceKind::Leg,
        since: 0,
        cycles: 0,
        currency: None,
        value: volume * 10_i128.pow(24),
    };
    Carried(legs.iter().map(balance).collect())
}

/// Case 27: a tenth of the weaker side; what is not matched is used next time.
#[test]
fn the_weaker_leg_is_paid_and_the_rest_is_carried() {
    let tagged = json!({"legs": {"tagged": {"left": "left", "right": "right"}}});
    let people = Company::of("A B#left<A C#right<A");
    for legs in [json!({}), json!({"legs": "strongest-and-rest"}), tagged] {
        let plan = plan(&[binary(&percent("0.1"), &legs)]);
        let first = people.clone().selling("B=100 C=500").settle(&plan);
        assert_eq!(first.lines(), ["A bin 10"]);
        assert_eq!(first.carried(BalanceKind::Leg), ["C 400"]);
        let second = people.clone().selling("B=50 C=20").settle_after(&plan, 11, &first);
        assert_eq!(second.lines(), ["A bin 5"]);
        assert_eq!(second.carried(BalanceKind::Leg), ["C 370"]);
        let carried = brought(&[("B", 400)]);
        let context = BonusContext { carried: Some(&carried), ..Default::default() };
        let consumed = people.clone().selling("B=400 C=400");
        let consumed = consumed.settle_in(&plan, &crate::fixture::cycle(10), &context);
        assert_eq!(consumed.lines(), ["A bin 40"]);
        assert_eq!(consumed.carried(BalanceKind::Leg), ["B 400"]);
        let other = people.clone().selling("B=6000 C=5000").settle(&plan);
        assert_eq!(other.lines(), ["A bin 500"]);
        assert_eq!(other.carried(BalanceKind::Leg), ["B 1000"]);
    }
}

/// Case 24: one per cent of the weaker leg for who has held the fifth rank; here the third of three.
#[test]
fn the_weaker_leg_of_who_once_had_the_rank() {
    let rated = with(binary(&percent("0.01"), &json!({})), &json!({"when": "honorific_rank >= r3"}));
    let mut people = Company::of("top A1<top l1<A1 r1<A1 A2<top l2<A2 r2<A2");
    let people_with = |people: &mut Company, rank: &str| {
        for person in [1, 4] {
            people.people[person].honorific_rank = Some(rank.to_owned());
        }
        people.clone().selling("l1=5000 r1=8000 l2=2000 r2=7000").settle(&plan(std::slice::from_ref(&rated)))
    };
    assert_eq!(people_with(&mut people, "r3").lines(), ["A1 bin 50", "A2 bin 20"]);
    assert_eq!(people_with(&mut people, "r1").lines(), [""; 0]);
}

#[test]
fn volume_counts_in_the_leg_of_everyone_above() {
    let plan = plan(&[binary(&percent("0.1"), &json!({}))]);
    let run = Company::of("a b<a c<b d<b e<a").selling("a=999 b=10 c=100 d=60 e=50").settle(&plan);
    // b: 100 and 60; a: 170 and 50. What b matched counts for a all the same.
    assert_eq!(run.lines(), ["a bin 5", "b bin 6"]);
    assert_eq!(run.carried(BalanceKind::Leg), ["b 120", "c 40"]);
}

#[test]
fn the_rest_is_everything_but_the_strongest_leg() {
    let people = Company::of("a b<a c<a d<a").selling("b=100 c=40 d=30");
    let two = people.settle(&plan(&[binary(&percent("0.1"), &json!({}))]));
    assert_eq!(two.lines(), ["a bin 4"]);
    assert_eq!(two.carried(BalanceKind::Leg), ["b 60", "d 30"]);
    let rest = json!({"legs": "strongest-and-rest"});
    let rest = people.settle(&plan(&[binary(&percent("0.1"), &rest)]));
    assert_eq!(rest.lines(), ["a bin 7"]);
    assert_eq!(rest.carried(BalanceKind::Leg), ["b 30"]);
    // The rest may be the stronger one.
    let people = Company::of("a b<a c<a d<a").selling("b=100 c=80 d=70");
    let rest = people.settle(&plan(&[binary(&percent("0.1"), &json!({"legs": "strongest-and-rest"}))]));
    assert_eq!(rest.lines(), ["a bin 10"]);
    assert_eq!(rest.carried(BalanceKind::Leg), ["d 50"]);
}

#[test]
fn cycles_take_their_volume_of_each_leg() {
    let cycles = json!({"cycles": {"strong": "200", "weak": "100", "amount": "15"}});
    let people = Company::of("a b<a c<a").selling("b=1000 c=350");
    let run = people.settle(&plan(&[binary(&cycles, &json!({}))]));
    assert_eq!(run.lines(), ["a bin 45"]);
    assert_eq!(run.carried(BalanceKind::Leg), ["b 400", "c 50"]);
    let most = people.settle(&plan(&[binary(&cycles, &json!({"most": "2"}))]));
    assert_eq!(most.lines(), ["a bin 30"]);
    assert_eq!(most.carried(BalanceKind::Leg), ["b 600", "c 150"]);
    let flushed = people.settle(&plan(&[binary(&cycles, &json!({"most": "2", "flush_over_most": true}))]));
    assert_eq!(flushed.lines(), ["a bin 30"]);
    assert_eq!(flushed.carried(BalanceKind::Leg), ["b 400", "c 50"]);
    assert_eq!(flushed.payouts.conservation[0].capped, 15 * 10_i128.pow(13));
}

#[test]
fn what_is_carried_can_be_limited_or_lost() {
    let people = Company::of("a b<a c<a").selling("b=1000 c=300");
    for (more, lines, carried) in [
        (json!({"carry": "flush"}), "a bin 30", vec![]),
        (json!({"carry_most": "500"}), "a bin 30", vec!["b 500"]),
        (json!({"most": "100"}), "a bin 10", vec!["b 900", "c 200"]),
        (json!({"most": "100", "flush_over_most": true}), "a bin 10", vec!["b 700"]),
    ] {
        let run = people.settle(&plan(&[binary(&percent("0.1"), &more)]));
        assert_eq!(run.lines(), [lines], "{more}");
        assert_eq!(run.carried(BalanceKind::Leg), carried, "{more}");
    }
}

#[test]
fn who_is_not_paid_keeps_the_legs_or_loses_them() {
    let people = Company::of("a! b<a c<a").selling("b=1000 c=300");
    let kept = people.settle(&plan(&[binary(&percent("0.1"), &json!({}))]));
    assert_eq!(
        (kept.lines(), kept.carried(BalanceKind::Leg)),
        (vec![], vec!["b 1000".into(), "c 300".into()])
    );
    let lost = people.settle(&plan(&[binary(&percent("0.1"), &json!({"flush_unpaid": true}))]));
    assert_eq!((lost.lines(), lost.carried(BalanceKind::Leg)), (vec![], vec![]));
    // Nobody without a rate uses anything up.
    let by_rank = json!({"percentage": {"by-rank": [{"rank": "r1", "rate": "0.1"}]}});
    let unrated =
        Company::of("a b<a c<a").selling("b=1000 c=300").settle(&plan(&[binary(&by_rank, &json!({}))]));
    assert_eq!(unrated.carried(BalanceKind::Leg), ["b 1000", "c 300"]);
}

#[test]
fn what_a_leg_carries_goes_where_its_head_goes() {
    let plan = plan(&[binary(&percent("0.1"), &json!({}))]);
    let first = Company::of("a b<a c<a d<a").selling("b=100 d=500").settle(&plan);
    assert_eq!(first.carried(BalanceKind::Leg), ["d 400"]);
    let moved = Company::of("a b<a c<b d<b").selling("c=50");
    let moved = moved.settle_in(&plan, &crate::fixture::cycle(11), &carried(&first));
    assert_eq!(moved.lines(), ["b bin 5"]);
    let gone = Company::of("a b<a c<a").selling("c=50");
    let gone = gone.settle_in(&plan, &crate::fixture::cycle(11), &carried(&first));
    assert_eq!(gone.carried(BalanceKind::Leg), ["c 50"]);
    assert_eq!(gone.payouts.conservation[0].legs.unwrap().flushed, 400 * 10_000);
}

#[test]
fn returns_weigh_on_the_leg_they_came_from() {
    let plan = plan(&[binary(&percent("0.1"), &json!({}))]);
    let run = Company::of("a b<a c<a").selling("b=100 c=30 c=-80").settle(&plan);
    assert_eq!(run.lines(), [""; 0]);
    assert_eq!(run.carried(BalanceKind::Leg), ["b 100", "c -50"]);
}

#[test]
fn legs_need_two_tags_and_brackets_something_to_compare() {
    let tagged = json!({"legs": {"tagged": {"left": "x", "right": "x"}}});
    assert!(mistakes(&document(&[binary(&percent("0.1"), &tagged)])).contains("one tag for both legs"));
    let brackets = json!({"percentage": {"brackets": {"steps": [{"from": "1", "rate": "0.1"}]}}});
    assert!(mistakes(&document(&[binary(&brackets, &json!({}))])).contains("brackets over nothing"));
}

#[test]
fn cycles_may_turn_the_sides_where_that_makes_for_more() {
    let cycles =
        |sides: &str| json!({"cycles": {"strong": "600", "weak": "300", "amount": "50", "sides": sides}});
    for (sales, sides, lines, carried) in [
        ("b=900 c=900", "stronger", "a bin 50", vec!["b 300", "c 600"]),
        ("b=900 c=900", "either", "a bin 100", vec![]),
        // Both ways round there are two cycles; the stronger leg gives as much as it can.
        ("b=1400 c=950", "either", "a bin 100", vec!["b 200", "c 350"]),
        ("b=1200 c=1000", "either", "a bin 100", vec!["c 400"]),
        // Three, one of them turned.
        ("b=1500 c=1250", "either", "a bin 150", vec!["c 50"]),
        // 2,700 would do for three cycles, but only if one of them could be turned by half.
        ("b=1350 c=1350", "either", "a bin 100", vec!["b 150", "c 750"]),
        // A leg that holds little bounds them all.
        ("b=9000 c=700", "either", "a bin 100", vec!["b 7800", "c 100"]),
    ] {
        let run =
            Company::of("a b<a c<a").selling(sales).settle(&plan(&[binary(&cycles(sides), &json!({}))]));
        assert_eq!(run.lines(), [lines], "{sales} {sides}");
        assert_eq!(run.carried(BalanceKind::Leg), carried, "{sales} {sides}");
    }
    let people = Company::of("a b<a c<a").selling("b=900 c=900");
    let most = people.settle(&plan(&[binary(&cycles("either"), &json!({"most": "1"}))]));
    assert_eq!(
        (most.lines(), most.carried(BalanceKind::Leg)),
        (vec!["a bin 50".into()], vec!["b 300".into(), "c 600".into()])
    );
    let flushed = json!({"most": "1", "flush_over_most": true});
    let flushed = people.settle(&plan(&[binary(&cycles("either"), &flushed)]));
    assert_eq!((flushed.lines(), flushed.carried(BalanceKind::Leg)), (vec!["a bin 50".into()], vec![]));
}

/// Every pair of small legs, with every way to divide the cycles gone through.
#[test]
fn cycles_on_either_side_are_as_many_as_the_legs_hold() {
    for (strong, weak) in [(2, 1), (3, 1), (3, 2), (5, 3), (7, 2), (1, 1)] {
        let cycles = json!({"cycles": {
            "strong": strong.to_string(), "weak": weak.to_string(), "amount": "1", "sides": "either"
        }});
        let plan = plan(&[binary(&cycles, &json!({}))]);
        for b in 1..16_i64 {
            for c in 1..=b {
                let holds = |straight: i64, turned: i64| {
                    straight * strong + turned * weak <= b && straight * weak + turned * strong <= c
                };
                let ways = (0..=b).flat_map(|straight| (0..=c).map(move |turned| (straight, turned)));
                let (straight, turned) =
                    ways.filter(|(s, t)| holds(*s, *t)).max_by_key(|(s, t)| (s + t, *s)).unwrap();
                let run = Company::of("a b<a c<a").selling(&format!("b={b} c={c}")).settle(&plan);
                let lines = match straight + turned {
                    0 => vec![],
                    times => vec![format!("a bin {times}")],
                };
                assert_eq!(run.lines(), lines, "{strong}:{weak} of {b} and {c}");
                let left = [
                    ("b", b - straight * strong - turned * weak),
                    ("c", c - straight * weak - turned * strong),
                ];
                let left =
                    left.iter().filter(|(_, left)| *left != 0).map(|(leg, left)| format!("{leg} {left}"));
                assert_eq!(
                    run.carried(BalanceKind::Leg),
                    left.collect::<Vec<_>>(),
                    "{strong}:{weak} of {b} and {c}"
                );
            }
        }
    }
}

#[test]
fn the_most_may_be_by_rank_or_by_a_rule() {
    let most =
        json!({"most": {"by-rank": [{"rank": "r1", "amount": "100"}, {"rank": "r3", "amount": "250"}]}});
    let plan = plan(&[binary(&percent("0.1"), &most)]);
    // r2 has what r1 has; who has no rank is paid nothing and uses nothing up.
    for (rank, lines, carried) in [
        ("", vec![], vec!["b 300", "c 300"]),
        (":1", vec!["a bin 10"], vec!["b 200", "c 200"]),
        (":2", vec!["a bin 10"], vec!["b 200", "c 200"]),
        (":3", vec!["a bin 25"], vec!["b 50", "c 50"]),
    ] {
        let run = Company::of(&format!("a{rank} b<a c<a")).selling("b=300 c=300").settle(&plan);
        assert_eq!(run.lines(), lines, "{rank}");
        assert_eq!(run.carried(BalanceKind::Leg), carried, "{rank}");
    }
    let rule = crate::fixture::plan(&[binary(&percent("0.1"), &json!({"most": {"rule": "OWN * 2 - 100"}}))]);
    let run = |own: &str| Company::of("a b<a c<a").selling(&format!("a={own} b=300 c=300")).settle(&rule);
    assert_eq!(run("70").lines(), ["a bin 4"]);
    // Less than 0 is 0.
    assert_eq!(run("10").lines(), [""; 0]);
    // Of cycles only whole ones are paid.
    let cycles = json!({"cycles": {"strong": "100", "weak": "100", "amount": "5"}});
    let whole = crate::fixture::plan(&[binary(&cycles, &json!({"most": {"rule": "2.9"}}))]);
    let run = Company::of("a b<a c<a").selling("b=300 c=300").settle(&whole);
    assert_eq!(
        (run.lines(), run.carried(BalanceKind::Leg)),
        (vec!["a bin 10".into()], vec!["b 100".into(), "c 100".into()])
    );
}

#[test]
fn a_cycle_may_pay_by_rank_or_by_a_rule() {
    let pays = |amount: &Value| json!({"cycles": {"strong": "100", "weak": "100", "amount": amount}});
    let by_rank = pays(&json!({"by-rank": [{"rank": "r1", "amount": "5"}, {"rank": "r2", "amount": "7.5"}]}));
    let by_rank = plan(&[binary(&by_rank, &json!({}))]);
    // Who is paid nothing for a cycle uses nothing up.
    for (rank, lines, carried) in [
        ("", vec![], vec!["b 250", "c 250"]),
        (":1", vec!["a bin 10"], vec!["b 50", "c 50"]),
        (":3", vec!["a bin 15"], vec!["b 50", "c 50"]),
        (":3$", vec!["a bin 7.5"], vec!["b 50", "c 50"]),
    ] {
        let run = Company::of(&format!("a{rank} b<a c<a")).selling("b=250 c=250").settle(&by_rank);
        assert_eq!(run.lines(), lines, "{rank}");
        assert_eq!(run.carried(BalanceKind::Leg), carried, "{rank}");
        let Some(line) = run.payouts.lines.first() else { continue };
        let text = run.stored(&by_rank).explain_line(&run.payouts, line).render(Locale::En);
        assert!(text.contains("Each cycle pays") && text.contains("Paid rank"), "{text}");
    }
    let rule = plan(&[binary(&pays(&json!({"rule": "OWN / 8 - 1"})), &json!({}))]);
    let run = |own: &str| Company::of("a b<a c<a").selling(&format!("a={own} b=250 c=250")).settle(&rule);
    assert_eq!(run("12").lines(), ["a bin 1"]);
    assert_eq!(run("4").carried(BalanceKind::Leg), ["b 250", "c 250"]);
}

#[test]
fn limits_that_make_no_sense_are_refused_when_they_are_saved() {
    let cycles =
        |sides: &str| json!({"cycles": {"strong": "100", "weak": "200", "amount": "5", "sides": sides}});
    let rows = |amounts: [&str; 2]| json!({"by-rank": [{"rank": "r1", "amount": amounts[0]}, {"rank": "r2", "amount": amounts[1]}]});
    assert!(
        mistakes(&document(&[binary(&cycles("either"), &json!({}))])).contains("less than of the other leg")
    );
    plan(&[binary(&cycles("stronger"), &json!({"most": rows(["0", "3"])}))]);
    for (most, expected) in [
        (rows(["1", "2.5"]), "parts of cycles"),
        (rows(["-1", "2"]), "negative amount"),
        (json!("2.5"), "parts of cycles"),
        (json!("0"), "must be positive"),
        (json!({"by-rank": []}), "no amount"),
        (
            json!({"by-rank": [{"rank": "r2", "amount": "1"}, {"rank": "r1", "amount": "1"}]}),
            "ranks out of order",
        ),
        (json!({"by-rank": [{"rank": "r9", "amount": "1"}]}), "no such rank"),
        (json!({"rule": "OWN > 1"}), "most/rule"),
    ] {
        let found = mistakes(&document(&[binary(&cycles("stronger"), &json!({"most": most}))]));
        assert!(found.contains(expected) && found.contains("/bonuses/0/pays/binary/most"), "{most}: {found}");
    }
}
