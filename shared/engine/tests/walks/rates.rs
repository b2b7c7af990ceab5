//! Rates of people and of levels, by fixed number, bracket, rank and rule; which orders count, and what of them.

use engine::PayoutLine;
use foundation::locale::Locale;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::fixture::{Company, bonus, document, parse, share};

fn percentage(rate: &Value) -> Value {
    bonus(&json!({"percentage": {"of": "OWN", "rate": rate}}))
}

#[test]
fn everyone_has_the_rate_of_their_rank_bracket_or_rule() {
    let company = Company::of("a:3 b:1<a c<a").selling("a=100 b=100 c=200");
    let by_rank = json!({"by-rank": [{"rank": "r1", "rate": "0.1"}, {"rank": "r2", "rate": "0.2"}]});
    let for_all = json!({"by-rank": [{"rate": "0.05"}, {"rank": "r3", "rate": "0.3"}]});
    let quotient = json!({"rule": "OWN / 3000"});
    let constant = json!({"rule": "rank >= r1 ? 0.1 : 0"});
    let cases = [
        (by_rank, vec!["a<a: 100*0.2=20", "b<b: 100*0.1=10"]),
        (for_all, vec!["a<a: 100*0.3=30", "b<b: 100*0.05=5", "c<c: 200*0.05=10"]),
        // 100 / 3000 and 200 / 3000 are kept with 9 decimals.
        (
            quotient,
            vec!["a<a: 100*0.033333333=3.33", "b<b: 100*0.033333333=3.33", "c<c: 200*0.066666667=13.33"],
        ),
        (constant, vec!["a<a: 100*0.1=10", "b<b: 100*0.1=10"]),
    ];
    for (rate, expected) in cases {
        let plan = parse(&document(&[percentage(&rate)]));
        assert_eq!(company.settle(&plan).lines(), expected, "{rate}");
    }
}

#[test]
fn brackets_over_a_quotient_compare_the_quotient() {
    let mut document = document(&[percentage(&json!({
        "brackets": {"over": "HALF", "steps": [{"from": "0.5", "rate": "0.1"}, {"from": "0.75", "rate": "0.2"}]}
    }))]);
    let half = json!({
        "code": "HALF", "name": {"es": "Parte", "en": "Part"}, "unit": "ratio", "measure": {"formula": "OWN / 200"},
        "scope": "self"
    });
    document["indicators"].as_array_mut().unwrap().push(half);
    let run = Company::of("a b<a c<a").selling("a=99 b=100 c=150").settle(&parse(&document));
    assert_eq!(run.lines(), ["b<b: 100*0.1=10", "c<c: 150*0.2=30"]);
    document["bonuses"][0]["pays"]["percentage"]["of"] = json!("HALF");
    let mistakes = plan::Plan::parse(&document.to_string()).unwrap_err();
    assert_eq!(mistakes[0].pointer, "/bonuses/0/pays/percentage/of");
}

fn unilevel(change: &Value) -> Value {
    let mut pays = json!({"on": {"orders": "vc"}, "rates": {"by-level": ["0.1", "0.05"]}});
    for (field, value) in change.as_object().unwrap() {
        pays[field] = value.clone();
    }
    bonus(&json!({"unilevel": pays}))
}

/// The lower of two ranks decides the rate (a published case): an upline never earns the rate of a rank the buyer has not.
#[test]
fn a_rate_by_rule_sees_the_earner_the_source_the_order_and_the_level() {
    let rate =
        "rank == 0 || source.rank == 0 ? 0 : bracket(min(rank, source.rank), [1, 200, 2, 500, 3, 1000])";
    let pays = json!({"on": {"orders": "count"}, "rates": {"rule": {"rate": rate, "levels": 1}}});
    let plan = parse(&document(&[unilevel(&pays)]));
    for (upline, buyer, expected) in [
        (1, 1, 200),
        (1, 2, 200),
        (1, 3, 200),
        (2, 1, 200),
        (2, 2, 500),
        (2, 3, 500),
        (3, 1, 200),
        (3, 2, 500),
        (3, 3, 1000),
        (0, 1, 0),
        (1, 0, 0),
    ] {
        let rank = |rank: i32| if rank == 0 { String::new() } else { format!(":{rank}") };
        let company = Company::of(&format!("u{} b{}<u", rank(upline), rank(buyer))).selling("b=1");
        assert_eq!(company.settle(&plan).total("u"), Decimal::from(expected), "{upline} over {buyer}");
    }

    let rate = "order.vc >= 100 ? 0.1 / level_paid : source.OWN / 10000";
    let plan = parse(&document(&[unilevel(&json!({"rates": {"rule": {"rate": rate, "levels": 2}}}))]));
    let run = Company::of("a b<a c<b").selling("c=100 c=50").settle(&plan);
    let expected = [
        "a<c[o1]/2/2: 100*0.05=5",
        "a<c[o2]/2/2: 50*0.015=0.75",
        "b<c[o1]/1/1: 100*0.1=10",
        "b<c[o2]/1/1: 50*0.015=0.75",
    ];
    assert_eq!(run.lines(), expected);
    let a = run.snapshot.people.row("a").unwrap();
    let line = run.payouts.of(a).iter().find(|line| line.base == 50_0000).unwrap();
    let told = run.stored(&plan).explain_line(&run.payouts, line).render(Locale::En);
    for part in ["order.vc: 50", "source.OWN: 150", "level_paid: 2", "50 × 1.5 % = 0.75 USD"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_share_that_passes_up_is_at_the_rate_the_rule_gives_the_one_who_lost_it() {
    for (rate_of, expected) in
        [("loser", ["a<c[o1]/2/1: 100*0.1=10"]), ("receiver", ["a<c[o1]/2/1: 100*0.3=30"])]
    {
        let rates = json!({"rule": {"rate": "rank * 0.1", "levels": 1}});
        let pays = json!({"rates": rates, "compression": "roll-up", "roll_up_rate": rate_of});
        let run =
            Company::of("a:3 b:1!<a c<b").selling("c=100").settle(&parse(&document(&[unilevel(&pays)])));
        assert_eq!(run.lines(), expected, "{rate_of}");
    }
}

#[test]
fn only_orders_and_members_count_for_whom_where_holds() {
    let mut company = Company::of("a b<a").selling("b=100 b=200 b=400");
    company.people[1].joined_on = Some("2026-08-03".parse().unwrap());
    company.people[1].country = "CO".to_owned();
    company.orders[0].first_of_person = true;
    company.orders[1].category = "kit".to_owned();
    company.orders[2].paid_at = "2026-10-02T23:59:59Z".parse().unwrap();
    for (condition, expected) in [
        ("order.first_of_person", "10"),
        ("order.category in ['kit', 'other']", "20"),
        // The 59th, 59th and 60th day.
        ("order.days_since_joining < 60", "30"),
        ("order.days_since_joining == 60 && order.vc > 1", "40"),
        ("country == 'CO' && OWN > 500", "70"),
        ("has(joined_on) && month(joined_on) == 8", "70"),
        ("order.paid_on > cycle_start", "40"),
        ("has(joined_on) && months_between(joined_on, cycle_end) == 2", "70"),
        ("cycle_end == date('2026-10-30') || order.customer_price > 0", "0"),
        ("consultant && !active", "0"),
    ] {
        let run = company.settle(&parse(&document(&[unilevel(&json!({"where": condition}))])));
        assert_eq!(run.total("a"), expected.parse().unwrap(), "{condition}");
    }
    let by_member = json!({"on": {"indicator": "OWN"}, "where": "'vip' in tags"});
    let plan = parse(&document(&[unilevel(&by_member)]));
    let mut company = Company::of("a b<a c<a").selling("b=100 c=200");
    company.people[2].tags = vec!["old".to_owned(), "vip".to_owned()];
    assert_eq!(company.settle(&plan).lines(), ["a<c/1/1: 200*0.1=20"]);
}

#[test]
fn orders_are_paid_on_by_points_units_count_and_margin() {
    let mut company = Company::of("a b<a").selling("b=100");
    let order = &mut company.orders[0];
    order.points = Decimal::from(7);
    order.units = Decimal::from(3);
    order.customer_price = Decimal::from(50);
    order.consultant_price = Decimal::from(30);
    order.currency = Some("EUR".parse().unwrap());
    let mut document = document(&[unilevel(&json!({}))]);
    document["volumes"] = json!({"points_value": "2"});
    for (measure, base, amount) in [
        ("points", 7, "1.4"),
        ("units", 3, "0.3"),
        ("count", 1, "0.1"),
        ("margin", 40, "4"),
        ("net", 200, "20"),
    ] {
        document["bonuses"][0]["pays"]["unilevel"]["on"] = json!({"orders": measure});
        let run = company.settle(&parse(&document));
        assert_eq!(run.lines(), [format!("a<b[o1]/1/1: {base}*0.1={amount}")], "{measure}");
    }
}

/// A published case: ten ancestors are paid by level, whether active or not.
#[test]
fn a_chain_of_eleven_is_paid_by_ten_levels() {
    let rates: Vec<&str> =
        vec!["0.25", "0.12", "0.08", "0.05", "0.03", "0.03", "0.03", "0.02", "0.02", "0.02"];
    let mut bonus = unilevel(&json!({"rates": {"by-level": rates}, "qualified": "true"}));
    bonus["when"] = json!("true");
    let company = Company::of("u0! u1!<u0 u2<u1 u3<u2 u4<u3 u5<u4 u6<u5 u7<u6 u8<u7 u9<u8 u10<u9");
    let run = company.selling("u10=100").settle(&parse(&document(&[bonus])));
    for (who, amount) in [25, 12, 8, 5, 3, 3, 3, 2, 2, 2].into_iter().enumerate() {
        assert_eq!(run.total(&format!("u{}", 9 - who)), Decimal::from(amount));
    }
    assert_eq!((run.lines().len(), share(run.payouts.conservation[0].paid)), (10, Decimal::from(65)));
}

/// A published case: who is not engaged is skipped when levels are counted; the earner has rank 6.
#[test]
fn levels_are_counted_over_those_who_are_engaged() {
    let rates = json!({"by-level": ["0.05", "0.05", "0.05", "0.05", "0.05", "0.05", "0.01", "0.01"]});
    let mut company =
        Company::of("you l1!<you l2<l1 l3!<l2 l4<l3 l5<l4 l6<l5 l7!<l6 l8<l7 l9<l8 l10<l9 l11!<l10 l12<l11")
            .selling("l2=100 l4=100 l5=100 l6=100 l8=100 l9=100 l10=100 l12=100");
    company.orders.reverse();
    let plan = parse(&document(&[unilevel(&json!({"rates": rates, "compression": "dynamic"}))]));
    let run = company.settle(&plan);
    assert_eq!(run.total("you"), Decimal::from(32));
    let you = run.snapshot.people.row("you").unwrap();
    let last = run.payouts.of(you).iter().find(|line| line.level_walked == 12).unwrap();
    let told = run.stored(&plan).explain_line(&run.payouts, last).render(Locale::En);
    assert!(told.contains("l12 is 12 level(s) below and is paid as level 8"), "{told}");
}

/// S is paid one level and g three; c is s, the others are g.
#[test]
fn who_is_not_paid_a_level_is_skipped_at_that_level_only() {
    let ranks = json!([{"rank": "r1", "levels": 1}, {"rank": "r2", "levels": 3}]);
    let settled = |people: &str, per: &str| {
        let pays = json!({
            "rates": {"by-level": ["0.1", "0.05", "0.03"]}, "depth": ranks, "compression": "dynamic-by-level", "per": per
        });
        let plan = parse(&document(&[unilevel(&pays)]));
        let run = Company::of(people).selling("e=100").settle(&plan);
        (plan, run)
    };
    let (plan, run) = settled("a:2 b:2<a c:1<b d:2<c e:2<d", "source");
    let expected = ["a<e[o1]/4/3: 100*0.03=3", "b<e[o1]/3/2: 100*0.05=5", "d<e[o1]/1/1: 100*0.1=10"];
    assert_eq!(run.lines(), expected);
    let row = run.snapshot.people.row("b").unwrap();
    let told = run.stored(&plan).explain_line(&run.payouts, &run.payouts.of(row)[0]).render(Locale::En);
    assert!(told.contains("or their rank does not reach it"), "{told}");
    // Level 1 is c's where d is not qualified; d, who takes none, is skipped at every level.
    let (_, run) = settled("a:2 b:2<a c:1<b d:2!<c e:2<d", "source");
    let expected = ["a<e[o1]/4/3: 100*0.03=3", "b<e[o1]/3/2: 100*0.05=5", "c<e[o1]/2/1: 100*0.1=10"];
    assert_eq!(run.lines(), expected);
    let account = &run.payouts.conservation[0];
    assert_eq!((account.unqualified, account.forfeited, account.unclaimed), (0, 0, 0));
    // Nobody above d is paid level 2: it is nobody's.
    let (_, run) = settled("a b:1<a c<b d:2<c e:2<d", "source");
    assert_eq!(run.lines(), ["d<e[o1]/1/1: 100*0.1=10"]);
    assert_eq!(share(run.payouts.conservation[0].unclaimed), Decimal::from(8));
    // Together, the level one stands at is explained by those who bring it.
    let (plan, run) = settled("a:2 b:2<a c:1<b d:2<c e:2<d", "level");
    assert_eq!(run.lines(), ["a<a/3/3: 100*0.03=3", "b<b/2/2: 100*0.05=5", "d<d/1/1: 100*0.1=10"]);
    let row = run.snapshot.people.row("a").unwrap();
    let told = run.stored(&plan).explain_line(&run.payouts, &run.payouts.of(row)[0]).render(Locale::En);
    assert!(told.contains("e: 100"), "{told}");
}

#[test]
fn lines_per_level_are_the_sums_of_the_lines_per_source() {
    let company = Company::of("a:3 b:1<a c!<b d:2<c e<d f?<d g:1<c h<g i!<h j<i")
        .selling("b=10 c=20.5 d=30 d=5 e=40 f=50 g=60 g=-60 h=70 i=80 j=90.25");
    let by_rank =
        json!({"by-rank": [{"rates": ["0.1", "0.02"]}, {"rank": "r2", "rates": ["0.2", "0.07", "0.01"]}]});
    let cases = [
        (json!({"by-level": ["0.1", "0.05", "0", "0.02"]}), "none", "placement"),
        (json!({"by-level": ["0.1", "0.05", "0", "0.02"]}), "dynamic", "enrolment"),
        (by_rank.clone(), "dynamic", "placement"),
        (by_rank, "dynamic-by-level", "placement"),
        (json!({"by-level": ["0.1", "0.05", "0.03", "0.02"]}), "dynamic-by-level", "enrolment"),
    ];
    for (rates, compression, tree) in cases {
        for on in [json!({"orders": "vc"}), json!({"indicator": "OWN"})] {
            let settled = |per: &str| {
                let pays = json!({"unilevel": {
                    "on": on, "rates": rates, "compression": compression, "tree": tree, "per": per,
                    "qualified": "active", "depth": [{"levels": 2}, {"rank": "r1", "levels": 3}]
                }});
                company.settle(&parse(&document(&[bonus(&pays)])))
            };
            let (by_source, by_level) = (settled("source"), settled("level"));
            let mut sums = std::collections::BTreeMap::<(u32, u16), (i64, i64, i128)>::new();
            for line in &by_source.payouts.lines {
                let sum = sums.entry((line.earner, line.level_paid)).or_insert((0, line.rate, 0));
                (sum.0, sum.2) = (sum.0 + line.base, sum.2 + line.exact);
            }
            sums.retain(|_, (base, ..)| *base != 0);
            let lines = by_level.payouts.lines.iter();
            let levels: Vec<_> = lines
                .map(|line| ((line.earner, line.level_paid), (line.base, line.rate, line.exact)))
                .collect();
            assert_eq!(levels, sums.into_iter().collect::<Vec<_>>(), "{rates} {compression} {tree} {on}");
            assert_eq!(by_level.payouts.conservation, by_source.payouts.conservation);
        }
    }
}

#[test]
fn the_first_ones_pass_up_in_the_order_in_which_they_joined() {
    // e and c joined on one day, d on an unknown one, which comes first.
    let mut company = Company::of("a b<a c<b d<b e<b f<c").selling("b=100 c=100 d=100 e=100 f=100");
    for (place, day) in [(2, 9), (4, 9), (5, 20)] {
        company.people[place].joined_on = Some(jiff::civil::date(2026, 1, day));
    }
    let pays = |numbers: &Value| json!({"rates": {"by-level": ["0.5"]}, "pass_up": {"numbers": numbers}});
    for (numbers, expected) in [
        (json!([1]), ["a<b", "a<d", "b<c", "b<e", "b<f"]),
        (json!([2]), ["a<b", "a<c", "b<d", "b<e", "c<f"]),
        (json!([3]), ["a<b", "a<e", "b<c", "b<d", "c<f"]),
    ] {
        let run = company.settle(&parse(&document(&[unilevel(&pays(&numbers))])));
        let paid: Vec<String> = run.lines().iter().map(|line| line[..3].to_owned()).collect();
        assert_eq!(paid, expected, "{numbers}");
    }
    let plan = parse(&document(&[unilevel(&pays(&json!([1])))]));
    let run = company.settle(&plan);
    let of_d = |line: &&PayoutLine| run.snapshot.people.ids.get(line.source as usize) == "d";
    let line = run.payouts.lines.iter().find(of_d).unwrap();
    let text = run.stored(&plan).explain_line(&run.payouts, line).render(Locale::En);
    assert!(text.contains("d is below b and passes up to a in this bonus"), "{text}");
}

#[test]
fn levels_of_an_indicator_are_those_of_a_bonus_under_dynamic_compression() {
    let pays = json!({"rates": {"by-level": ["1", "1", "1"]}, "compression": "dynamic", "per": "level", "qualified": "active"});
    let mut document = document(&[unilevel(&pays)]);
    for level in 1..=3 {
        let code = format!("PL{level}");
        document["indicators"].as_array_mut().unwrap().push(json!({
            "code": code, "name": {"es": code, "en": code}, "unit": "points", "measure": "vc", "scope": {"level": level},
            "options": {"qualified": "active"}
        }));
    }
    let run = Company::of("a b!<a c<b d?<c e<d f!<e g<f")
        .selling("a=1 b=20 c=300 d=4000 e=50000 f=600000 g=7000000")
        .settle(&parse(&document));
    let at = |who: &str, level: u16| {
        run.indicators.value(&format!("PL{level}"), run.snapshot.people.row(who).unwrap()).unwrap()
    };
    let found: Vec<Decimal> = (1..=3).map(|level| at("a", level)).collect();
    assert_eq!(found, [320, 54000, 7_600_000].map(Decimal::from));
    // Who takes no level has what they would if they did.
    assert_eq!([at("b", 1), at("b", 2)], [300, 54000].map(Decimal::from));
    for who in ["a", "c", "e", "g"] {
        let row = run.snapshot.people.row(who).unwrap();
        for level in 1..=3 {
            let line = run.payouts.of(row).iter().find(|line| line.level_paid == level);
            assert_eq!(at(who, level), line.map_or(Decimal::ZERO, PayoutLine::base), "{who} {level}");
        }
    }
}
