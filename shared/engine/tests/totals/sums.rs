//! Matching, pools, fixed amounts, retail profit, periods.

use std::collections::BTreeMap;

use engine::{
    Advance, BalanceKind, BonusContext, ExchangeRates, Facts, OrderFact, Previous, SettledCycle, integrate,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::fixture::{
    Company, Run, bonus, carried, cycle, cycle_of, document, mistakes, own, parse, plan, with,
};

fn matching(rates: &Value, more: &Value) -> Value {
    let mut matching = json!({"of": ["own"], "rates": rates});
    for (name, value) in more.as_object().unwrap() {
        matching[name] = value.clone();
    }
    bonus("match", &json!({"matching": matching}))
}

#[test]
fn matching_pays_on_the_sum_of_what_somebody_earned() {
    // Case 21: 20 % of 50; 10 % of 50 + 30 in one line; nothing without earnings.
    let people = Company::of("SPONSOR DOWN<SPONSOR");
    let matched = |rate: &str, sales: &str| {
        let plan = plan(&[
            own("own", "0.5"),
            own("more", "0.3"),
            with(
                matching(&json!({"by-level": [rate]}), &json!({"of": ["own", "more"]})),
                &json!({"when": "own_vq == 0"}),
            ),
        ]);
        let run = people.clone().selling(sales).settle(&plan);
        run.lines().into_iter().filter(|line| line.contains("match")).collect::<Vec<_>>()
    };
    assert_eq!(matched("0.1", "DOWN=100"), ["SPONSOR<DOWN match 8"]);
    assert_eq!(matched("0.2", "DOWN=62.5"), ["SPONSOR<DOWN match 10"]);
    assert_eq!(matched("0.2", ""), [""; 0]);
}

#[test]
fn matching_by_level_and_rank_reaches_as_deep_as_the_rank() {
    let rates =
        json!({"by-rank": [{"rank": "r1", "rates": ["0.1"]}, {"rank": "r2", "rates": ["0.2", "0.05"]}]});
    let plan = plan(&[own("own", "0.1"), matching(&rates, &json!({}))]);
    let run = Company::of("a:2 b:1<a c<b d<c").selling("c=1000 d=500 b=0").settle(&plan);
    let expected = ["a<c match 5", "b<c match 10", "c own 100", "d own 50"];
    assert_eq!(run.lines(), expected);
}

#[test]
fn matching_compresses_like_levels() {
    let people = Company::of("a b!<a c<b").selling("c=1000");
    for (compression, expected) in [
        ("none", vec!["a<c match 5"]),
        ("dynamic", vec!["a<c match 10"]),
        ("roll-up", vec!["a<c match 10", "a<c match 5"]),
    ] {
        let more = json!({"compression": compression});
        let plan = plan(&[own("own", "0.1"), matching(&json!({"by-level": ["0.1", "0.05"]}), &more)]);
        let run = people.settle(&plan);
        let found: Vec<_> = run.lines().into_iter().filter(|line| line.contains("match")).collect();
        assert_eq!(found, expected, "{compression}");
    }
}

#[test]
fn matching_by_generation_counts_leaders() {
    // a leads over b (no leader), c leads, d is in the group of c, e in that of nobody but a.
    let more = json!({"by": {"generation": {"rank": "r2"}}});
    let plan = plan(&[own("own", "0.1"), matching(&json!({"by-level": ["0.1", "0.05"]}), &more)]);
    let run = Company::of("top:3 a:2<top b<a c:2<b d<c e<a").selling("c=100 d=200 e=300").settle(&plan);
    let found: Vec<_> = run.lines().into_iter().filter(|line| line.contains("match")).collect();
    // e is in the group of a: generation 1 of top only.
    assert_eq!(found, ["a<c match 1", "a<d match 2", "top<c match 0.5", "top<d match 1", "top<e match 3"]);
}

#[test]
fn earnings_in_another_currency_are_matched_in_the_base_currency() {
    let plan = plan(&[own("own", "0.1"), matching(&json!({"by-level": ["0.1"]}), &json!({}))]);
    let run = Company::of("a b$<a c$<b").selling("b=100 c=33.33").settle(&plan);
    // b: 5.00 EUR = 10 USD; c: 3.333 USD = 1.6665 EUR, 1.67 EUR = 3.34 USD, a tenth of which is 0.167 EUR.
    assert_eq!(run.lines(), ["a<b match 1", "b own 5", "b<c match 0.17", "c own 1.67"]);
}

#[test]
fn what_is_held_or_capped_is_not_matched() {
    let plan = plan(&[
        with(own("own", "1"), &json!({"cap_per_person": "60", "hold": {"while": "rank < r1"}})),
        matching(&json!({"by-level": ["0.5"]}), &json!({"of": ["own"]})),
    ]);
    let run = Company::of("a b:1<a c<a").selling("b=100 c=10").settle(&plan);
    let expected = ["a<b match 30", "b own 100", "b own bonus-cap -40", "c own 10", "c own held -10"];
    assert_eq!(run.lines(), expected);
}

/// Case 17: ten and forty affiliates on level 1, and so on down, each paid for each customer.
#[test]
fn a_percentage_of_what_five_levels_earned() {
    let rate = json!({"rule": "own_vq >= 1000 ? 10 : own_vq >= 500 ? 9 : own_vq >= 100 ? 8 : 7"});
    let plan = plan(&[
        bonus("own", &json!({"percentage": {"of": "OWN", "rate": rate}})),
        matching(&json!({"by-level": ["0.06", "0.03", "0.02", "0.01", "0.005"]}), &json!({})),
    ]);
    let levels: [&[(usize, i64)]; 5] = [
        &[(10, 200), (40, 75)],
        &[(50, 150), (200, 50)],
        &[(100, 100), (900, 30)],
        &[(3000, 20)],
        &[(5000, 15)],
    ];
    let (mut people, mut sales) = (vec!["me".to_owned()], vec!["me=600".to_owned()]);
    let mut above = "me".to_owned();
    for (level, groups) in levels.into_iter().enumerate() {
        for (group, (count, customers)) in groups.iter().enumerate() {
            for number in 0..*count {
                people.push(format!("l{level}g{group}n{number}<{above}"));
                sales.push(format!("l{level}g{group}n{number}={customers}"));
            }
        }
        above = format!("l{level}g0n0");
    }
    let (people, sales) = (people.join(" "), sales.join(" "));
    let run = Company::of(&people).selling(&sales).settle(&plan);
    let me = run.snapshot.people.row("me").unwrap();
    let mut paid: BTreeMap<u16, (Decimal, Decimal)> = BTreeMap::new();
    for line in run.payouts.of(me) {
        let paid = paid.entry(line.level_paid).or_default();
        *paid = (paid.0 + line.amount(), paid.1 + line.exact_amount());
    }
    let text = |amount: Decimal| amount.normalize().to_string();
    let exact: Vec<_> = paid.values().map(|(_, exact)| text(*exact)).collect();
    assert_eq!(exact, ["5400", "2220", "3900", "5380", "4200", "2625"]);
    // Each line is rounded by itself: 5,000 times 0.525. A plan that is to pay 2,625 pays a percentage of the sum of a level.
    let rounded: Vec<_> = paid.values().map(|(rounded, _)| text(*rounded)).collect();
    assert_eq!(rounded, ["5400", "2220", "3900", "5380", "4200", "2600"]);
}

fn pool(fields: &Value) -> Value {
    bonus("pool", &json!({"pool": fields}))
}

/// Case 34: equal parts and parts by points, rounded down.
#[test]
fn a_pool_is_shared_out_and_what_does_not_divide_is_left() {
    let down = |amount: &str| json!({"fund": {"amount": amount}, "rounding": "down"});
    let by_points = |amount: &str| json!({"fund": {"amount": amount}, "rounding": "down", "shares": "OWN"});
    let equal = |count: usize| {
        let people = (0..count).map(|number| format!("m{number}<r")).collect::<Vec<_>>().join(" ");
        format!("r! {people}")
    };
    let cases = [
        ("four", down("1000"), equal(4), "", vec!["250"; 4]),
        ("three", down("100"), equal(3), "", vec!["33.33"; 3]),
        ("one", down("500"), equal(1), "", vec!["500"]),
        ("nobody", down("500"), equal(0), "", vec![]),
        ("even", by_points("1500"), equal(2), "m0=5000 m1=5000", vec!["750", "750"]),
        ("80 to 20", by_points("1000"), equal(2), "m0=10000 m1=2500", vec!["800", "200"]),
        ("without points", by_points("500"), equal(1), "", vec![]),
    ];
    for (name, fields, people, sales, expected) in cases {
        let plan = plan(&[pool(&fields)]);
        let run = Company::of(&people).selling(sales).settle(&plan);
        let found: Vec<_> =
            run.payouts.lines.iter().map(|line| line.amount().normalize().to_string()).collect();
        assert_eq!(found, expected, "{name}");
        let fund: Decimal = fields["fund"]["amount"].as_str().unwrap().parse().unwrap();
        let all = if expected.is_empty() { Decimal::ZERO } else { fund };
        assert_eq!(run.exactly_paid("pool"), all, "{name}");
    }
    let plan = plan(&[pool(&down("10000"))]);
    let run = Company::of(&equal(100)).settle(&plan);
    assert!(run.payouts.lines.iter().all(|line| line.amount() == Decimal::ONE_HUNDRED));
}

/// Case 33: 6.25 % of ten million over 5,000 shares; six shares are 750.
#[test]
fn shares_of_a_rank_are_worth_what_the_company_sold() {
    let fund = json!({"share": {"of": "ALL", "rate": "0.0625"}});
    let plan = plan(&[pool(&json!({"fund": fund, "shares": "rank >= r3 ? 6 : OWN / 2"}))]);
    let run = Company::of("M:3 other<M c?<M").selling("other=9988 c=9990012").settle(&plan);
    assert_eq!(run.lines()[0], "M pool 750");
}

#[test]
fn the_value_of_a_share_is_rounded_first_where_the_plan_says_so() {
    let pool_of = |decimals: u8, rounding: &str| {
        pool(
            &json!({"fund": {"amount": "100"}, "shares": "OWN", "value_decimals": decimals, "rounding": rounding}),
        )
    };
    let people = Company::of("a b<a").selling("a=1 b=2");
    let run = people.settle(&plan(&[pool_of(0, "down")]));
    assert_eq!(run.lines(), ["a pool 33", "b pool 66"]);
    assert_eq!(run.payouts.conservation[0].kept, 10_i128.pow(13));
    let run = people.settle(&plan(&[pool_of(1, "up")]));
    assert_eq!(run.lines(), ["a pool 33.4", "b pool 66.8"]);
    assert_eq!(run.payouts.conservation[0].kept, -2 * 10_i128.pow(12));
    // A share worth nothing makes no line.
    let run = Company::of("a b<a").selling("a=100 b=200").settle(&plan(&[pool_of(0, "down")]));
    assert_eq!(run.lines(), [""; 0]);
}

#[test]
fn the_best_get_parts_by_position_and_equal_ones_stand_by_number() {
    let fields = json!({"fund": {"amount": "100"}, "shares": "OWN", "positions": ["5", "3", "2"]});
    let run = Company::of("r a<r b<r c<r d<r").selling("d=10 b=20 c=10 a=5").settle(&plan(&[pool(&fields)]));
    assert_eq!(run.lines(), ["b pool 50", "c pool 30", "d pool 20"]);
    let run = Company::of("r a<r b<r").selling("b=20").settle(&plan(&[pool(&fields)]));
    assert_eq!(run.lines(), ["b pool 100"]);
}

#[test]
fn a_pool_rounds_once_in_each_currency() {
    let run = Company::of("a b$<a c<a").settle(&plan(&[pool(&json!({"fund": {"amount": "1"}}))]));
    // A third of a dollar is 0.1666... euros.
    assert_eq!(run.lines(), ["a pool 0.33", "b pool 0.17", "c pool 0.33"]);
    // A third of 100 at 0.03 is 1 exactly, which rounding down leaves.
    let mut document = document(&[pool(&json!({"fund": {"amount": "100"}, "rounding": "down"}))]);
    document["currencies"]["earners"][0]["per_base_unit"] = json!("0.03");
    let run = Company::of("a$ b$<a c$<a").settle(&parse(&document));
    assert_eq!(run.lines(), ["a pool 1", "b pool 1", "c pool 1"]);
}

#[test]
fn a_pool_of_many_shares_is_exact_at_a_rate_of_many_decimals() {
    let fields = json!({"fund": {"amount": "30"}, "shares": "OWN", "rounding": "down"});
    let plan = plan(&[pool(&fields)]);
    let mut rates = ExchangeRates::of_plan(&plan);
    rates.per_base_unit.insert("EUR".parse().unwrap(), "0.500000000000000001".parse().unwrap());
    let people: Vec<String> = (0..29).map(|number| format!("m{number:02}$<r")).collect();
    let sales: Vec<String> = (0..29).map(|number| format!("m{number:02}=9000000000")).collect();
    let sales = format!("r=9000000000 {}", sales.join(" "));
    let company = Company::of(&format!("r {}", people.join(" "))).selling(&sales);
    let facts = Facts { cycle: &cycle(1), people: &company.people, orders: &company.orders };
    let snapshot = integrate(facts, None, &plan, rates).unwrap();
    let lines = Run::of(snapshot, &plan, &[], &BonusContext::default()).lines();
    assert_eq!((lines.len(), &*lines[0], &*lines[29]), (30, "m00 pool 0.5", "r pool 1"));
}

fn fixed(fields: &Value) -> Value {
    bonus("fix", &json!({"fixed": fields}))
}

#[test]
fn amounts_are_the_same_or_by_rank_or_by_a_rule() {
    let people = Company::of("a:3 b:1<a c<a d!<a").selling("c=10 b=7");
    let cases = [
        (json!({"amount": "5"}), vec!["a fix 5", "b fix 5", "c fix 5"]),
        (
            json!({"by-rank": [{"rank": "r1", "amount": "10"}, {"rank": "r2", "amount": "20"}]}),
            vec!["a fix 20", "b fix 10"],
        ),
        (json!({"rule": "OWN * 1.5"}), vec!["b fix 10.5", "c fix 15"]),
    ];
    for (amount, expected) in cases {
        let run = people.settle(&plan(&[fixed(&json!({"amount": amount}))]));
        assert_eq!(run.lines(), expected, "{amount}");
    }
}

#[test]
fn a_rank_is_rewarded_when_it_is_reached_for_the_first_time() {
    let amounts = json!({"by-rank": [{"rank": "r1", "amount": "10"}, {"rank": "r2", "amount": "20"}, {"rank": "r3", "amount": "40"}]});
    let mut people = Company::of("new:2 back:2<new up:3<new same:1<new");
    for (person, previous, honorific) in [(1, None, Some("r2")), (2, Some("r1"), None), (3, Some("r1"), None)]
    {
        people.people[person].previous_rank = previous.map(str::to_owned);
        people.people[person].honorific_rank = honorific.map(str::to_owned);
    }
    let run = people.settle(&plan(&[fixed(&json!({"amount": amounts, "on": {"reaching-rank": {}}}))]));
    assert_eq!(run.lines(), ["new fix 10", "new fix 20", "up fix 20", "up fix 40"]);
    let only = json!({"amount": amounts, "on": {"reaching-rank": {"only_reached": true}}});
    assert_eq!(people.settle(&plan(&[fixed(&only)])).lines(), ["new fix 20", "up fix 40"]);
}

#[test]
fn once_is_once_and_yearly_is_once_a_year() {
    let people = Company::of("a").selling("a=1");
    let paid = |times: &str| {
        let plan = plan(&[fixed(&json!({"amount": {"amount": "5"}, "times": times}))]);
        let first = people.settle_in(&plan, &cycle_of(2025, 11), &BonusContext::default());
        let second = people.settle_in(&plan, &cycle_of(2025, 12), &carried(&first));
        let third = people.settle_in(&plan, &cycle_of(2026, 1), &carried(&second));
        let fourth = people.settle_in(&plan, &cycle_of(2026, 2), &carried(&third));
        [first, second, third, fourth].map(|run| run.payouts.lines.len())
    };
    assert_eq!(paid("each-cycle"), [1, 1, 1, 1]);
    assert_eq!(paid("yearly"), [1, 0, 1, 0]);
    assert_eq!(paid("once"), [1, 0, 0, 0]);
}

#[test]
fn who_was_left_out_by_an_alternative_was_not_paid_once() {
    let mut document =
        document(&[own("own", "1"), fixed(&json!({"amount": {"amount": "5"}, "times": "once"}))]);
    document["alternatives"] = json!([{"bonuses": ["own", "fix"]}]);
    let plan = parse(&document);
    let people = Company::of("a");
    let first = people.clone().selling("a=10").settle(&plan);
    assert_eq!(first.lines(), ["a own 10"]);
    let second = people.selling("a=1").settle_after(&plan, 11, &first);
    assert_eq!(second.lines(), ["a fix 5"]);
}

fn sold(id: &str, to: &str, customer: i64, consultant: i64) -> OrderFact {
    let mut order = OrderFact::sale(id.parse().unwrap(), to.parse().unwrap(), cycle(10).start, Decimal::ZERO);
    (order.customer_price, order.consultant_price) = (Decimal::from(customer), Decimal::from(consultant));
    order
}

/// Case 54: retail 1,000 less wholesale 700.
#[test]
fn the_first_consultant_above_a_customer_earns_the_margin() {
    let mut people = Company::of("D e<D k?<e l?<k m?<D");
    people.orders = vec![
        sold("o1", "m", 1000, 700),
        sold("o2", "l", 100, 70),
        sold("o3", "e", 100, 70),
        sold("o4", "k", 50, 50),
    ];
    let mut returned = sold("o5", "k", 40, 30);
    returned.kind = engine::OrderKind::Return;
    people.orders.push(returned);
    let retail = |fields: &Value| plan(&[bonus("retail", &json!({"retail-profit": fields}))]);
    assert_eq!(
        people.settle(&retail(&json!({}))).lines(),
        ["D<m retail 300", "e<k retail -10", "e<l retail 30"]
    );
    let half = json!({"share": "0.5", "where": "!order.is_return && source_is_ignored"});
    assert!(mistakes(&document(&[bonus("retail", &json!({"retail-profit": half}))])).contains("/where"));
    let half = json!({"share": "0.5", "where": "!order.is_return"});
    assert_eq!(people.settle(&retail(&half)).lines(), ["D<m retail 150", "e<l retail 15"]);
}

#[test]
fn a_consultant_who_is_not_paid_does_not_pass_the_margin_up() {
    let mut people = Company::of("D e!<D k?<e");
    people.orders = vec![sold("o1", "k", 100, 70)];
    let run = people.settle(&plan(&[bonus("retail", &json!({"retail-profit": {}}))]));
    assert_eq!(run.lines(), [""; 0]);
    assert_eq!(run.payouts.conservation[0].forfeited, 30 * 10_i128.pow(13));
}

#[test]
fn the_margin_of_an_order_that_comes_back_later_is_undone() {
    let plan = plan(&[bonus("retail", &json!({"retail-profit": {}}))]);
    let mut people = Company::of("D k?<D");
    people.orders = vec![sold("o1", "k", 100, 70)];
    let before = people.settle(&plan);
    let mut back = sold("r1", "k", 50, 35);
    back.kind = engine::OrderKind::Return;
    back.reverses = Some("o1".parse().unwrap());
    people.orders = vec![back];
    let settled = [SettledCycle { snapshot: &before.snapshot, payouts: &before.payouts }];
    let run = people.settle_in(&plan, &cycle(11), &BonusContext { settled: &settled, ..Default::default() });
    assert_eq!(run.lines(), ["D<k retail undo -15"]);
    // In euros since then, of which one is two dollars.
    people.people = Company::of("D$ k?<D").people;
    let run = people.settle_in(&plan, &cycle(11), &BonusContext { settled: &settled, ..Default::default() });
    assert_eq!(run.lines(), ["D<k retail undo -7.5"]);
}

/// The whole-period bracket of published plans: the second payment pays the whole at the bracket reached, less the first one.
#[test]
fn a_period_is_paid_as_a_whole() {
    let rate =
        json!({"brackets": {"steps": [{"from": "1", "rate": "0.2"}, {"from": "1000", "rate": "0.25"}]}});
    let percentage = json!({"percentage": {"of": "OWN2", "rate": rate, "true_up": "quarter"}});
    let plan = plan(&[with(bonus("own", &percentage), &json!({"when": "status == 'active'"}))]);
    let people = Company::of("a b<a");
    let months = |sales: [&str; 3], second: &str| {
        let first = people.clone().selling(sales[0]).settle_in(&plan, &cycle(7), &BonusContext::default());
        let after = |people: Company, sales: &str, month: i8, before: &Run| {
            let people = people.selling(sales);
            let mut orders = people.orders.clone();
            for order in &mut orders {
                order.paid_at = cycle(month).start;
            }
            let facts = Facts { cycle: &cycle(month), people: &people.people, orders: &orders };
            let previous = Previous { snapshot: &before.snapshot, ranks: &before.ranked.ranks };
            let snapshot = integrate(facts, Some(previous), &plan, ExchangeRates::of_plan(&plan)).unwrap();
            Run::of(snapshot, &plan, std::slice::from_ref(&before.snapshot), &carried(before))
        };
        let second = after(Company::of(second), sales[1], 8, &first);
        let third = after(people.clone(), sales[2], 10, &second);
        [first.lines(), second.lines(), third.lines()]
    };
    assert_eq!(
        months(["a=400", "a=800", "a=100"], "a b<a"),
        [vec!["a own 80"], vec!["a own 300", "a own true-up -80"], vec!["a own 180"]]
    );
    // Who is not paid in the second month owes nothing for the first one.
    assert_eq!(months(["a=400", "", ""], "a! b<a")[1], [""; 0]);
}

#[test]
fn what_a_period_was_paid_is_handed_on() {
    let percentage = json!({"percentage": {"of": "OWN", "rate": {"fixed": "0.1"}, "true_up": "year"}});
    let plan = plan(&[with(bonus("own", &percentage), &json!({"cap_per_person": "25"}))]);
    let people = Company::of("a");
    let first = people.clone().selling("a=400").settle_in(&plan, &cycle(1), &BonusContext::default());
    assert_eq!(first.carried(BalanceKind::Period), ["a 25"]);
    let second = people.clone().selling("a=500").settle_in(&plan, &cycle(2), &carried(&first));
    assert_eq!(second.lines(), ["a own 50", "a own true-up -25"]);
    assert_eq!(second.carried(BalanceKind::Period), ["a 50"]);
    let fallen = people.selling("a=100").settle_in(&plan, &cycle(3), &carried(&second));
    assert_eq!(fallen.lines(), ["a own 10", "a own true-up -50"]);
    assert_eq!(fallen.carried(BalanceKind::Period), ["a 10"]);
}

#[test]
fn rules_ask_what_an_earlier_bonus_paid_after_its_own_caps() {
    let capped =
        with(own("own", "0.1"), &json!({"cap_per_person": "25", "hold": {"while": "status == 'held'"}}));
    let fixed = |rule: &str| json!({"fixed": {"amount": {"rule": rule}}});
    let more = with(bonus("more", &fixed("100 - paid('own')")), &json!({"when": "paid('own') >= 10"}));
    // Of what asks and is asked again.
    let last =
        with(bonus("last", &fixed("paid('more')")), &json!({"when": "paid('own') + paid('more') > 0"}));
    let mut document = document(&[capped, more, last]);
    document["cap_per_person"] = json!("120");
    let plan = parse(&document);
    let run = Company::of("a b<a c<a").selling("a=90 b=100 c=400").settle(&plan);
    assert_eq!(
        run.lines(),
        [
            "a own 9",
            "b  person-cap -70",
            "b last 90",
            "b more 90",
            "b own 10",
            "c  person-cap -55",
            "c last 75",
            "c more 75",
            "c own 40",
            "c own bonus-cap -15",
        ]
    );
    let row = run.snapshot.people.row("a").unwrap();
    let why = run.stored(&plan).why_not_bonus(&run.payouts, "more", row).unwrap().unwrap();
    let told: Vec<&str> = why.missing.iter().map(|one| one.text.en.as_str()).collect();
    assert_eq!(told, ["paid('own') is 9 and must be at least 10 (1 short)"]);
    let near = run.stored(&plan).nearly_bonus("more", 5).unwrap().unwrap();
    assert_eq!(near.iter().map(|one| one.person.as_str()).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn what_a_bonus_paid_is_told_again_without_advances() {
    let more = json!({"fixed": {"amount": {"rule": "paid('own') + 1"}}});
    let more = with(bonus("more", &more), &json!({"when": "paid('own') >= 20"}));
    let plan = plan(&[own("own", "0.1"), more]);
    let advance = Advance {
        person: "a".to_owned(),
        bonus: "own".to_owned(),
        currency: "USD".parse().unwrap(),
        amount: 600,
    };
    let run = Company::of("a").selling("a=190").settle_with(&plan, &[advance]);
    assert_eq!(run.lines(), ["a own 19", "a own advance -6"]);
    let row = run.snapshot.people.row("a").unwrap();
    let why = run.stored(&plan).why_not_bonus(&run.payouts, "more", row).unwrap().unwrap();
    let told: Vec<&str> = why.missing.iter().map(|one| one.text.en.as_str()).collect();
    assert_eq!(told, ["paid('own') is 19 and must be at least 20 (1 short)"]);
}

#[test]
fn a_period_of_the_plan_is_paid_as_a_whole() {
    let percentage = json!({"percentage": {"of": "OWN", "rate": {"fixed": "0.1"}, "true_up": "plan-period"}});
    let mut document = document(&[bonus("own", &percentage)]);
    document["period_starts"] = json!(["2026-01-15", "2026-03-31", "2026-06-01"]);
    let plan = parse(&document);
    let people = Company::of("a");
    let first = people.clone().selling("a=400").settle_in(&plan, &cycle(1), &BonusContext::default());
    let second = people.clone().selling("a=500").settle_in(&plan, &cycle(2), &carried(&first));
    assert_eq!(second.lines(), ["a own 50", "a own true-up -40"]);
    assert_eq!(second.carried(BalanceKind::Period), ["a 50"]);
    // March ends on the day the next one begins.
    let next = people.selling("a=100").settle_in(&plan, &cycle(3), &carried(&second));
    assert_eq!(next.lines(), ["a own 10"]);
    assert_eq!(next.carried(BalanceKind::Period), ["a 10"]);
}

/// Two people in the first line are two, whatever a point is worth.
#[test]
fn who_is_counted_is_worth_one_whatever_a_point_is_worth() {
    let mut document =
        document(&[bonus("heads", &json!({"percentage": {"of": "FRONT", "rate": {"fixed": "3"}}}))]);
    document["volumes"] = json!({"vc_value": "0.5"});
    let indicators = document["indicators"].as_array_mut().unwrap();
    indicators.push(json!({
        "code": "FRONT", "name": {"es": "f", "en": "f"}, "unit": "count", "measure": "vc", "aggregate": "count",
        "scope": "frontline",
    }));
    let run = Company::of("a b<a c<a").selling("b=10 c=20").settle(&parse(&document));
    assert_eq!(run.lines(), ["a heads 6"]);
}

/// A balance of nothing would grow old in the files and tell nobody anything.
#[test]
fn nothing_is_handed_on_of_lines_that_cancel_each_other_out() {
    let percentage = json!({"percentage": {"of": "OWN", "rate": {"fixed": "0.1"}, "true_up": "year"}});
    let plan = plan(&[with(bonus("own", &percentage), &json!({"cap_per_person": "0.001"}))]);
    let run = Company::of("a").selling("a=400").settle_in(&plan, &cycle(1), &BonusContext::default());
    assert_eq!(run.lines().len(), 2);
    assert_eq!(run.carried(BalanceKind::Period), [""; 0]);
}

#[test]
fn what_makes_no_sense_is_refused_when_it_is_saved() {
    let with_own = |other: Value| document(&[other, own("own", "0.1")]);
    let cases = [
        (with_own(matching(&json!({"by-level": ["0.1"]}), &json!({}))), "/bonuses/0/pays/matching/of/0"),
        (document(&[matching(&json!({"by-level": ["0.1"]}), &json!({}))]), "no such bonus"),
        (document(&[pool(&json!({"fund": {"share": {"of": "OWN", "rate": "0.1"}}}))]), "not of the company"),
        (document(&[fixed(&json!({"amount": {"amount": "1"}, "on": {"reaching-rank": {}}}))]), "which rank"),
        (document(&[with(own("own", "1"), &json!({"award": {"prize": "car"}}))]), "a prize or a tag"),
        (document(&[with(own("own", "1"), &json!({"award": "points", "cap": "5"}))]), "only of money"),
    ];
    for (document, expected) in cases {
        let found = mistakes(&document);
        assert!(found.contains(expected), "{expected}: {found}");
    }
    let mut alternatives = document(&[own("own", "0.1"), own("two", "0.1")]);
    alternatives["alternatives"] = json!([{"bonuses": ["own", "two"]}, {"bonuses": ["own"]}]);
    let found = mistakes(&alternatives);
    assert!(found.contains("named twice") && found.contains("nothing to choose from"), "{found}");
}
