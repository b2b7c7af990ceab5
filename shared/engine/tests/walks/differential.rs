//! Differential bonuses, by first-line member and by source.

use engine::{LineKind, OrderKind, SettledCycle};
use foundation::locale::Locale;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::fixture::{Company, bonus, cycle, document, parse, share};

fn differential(change: &Value) -> Value {
    let rates = json!([
        {"rank": "r1", "rate": "0.1"}, {"rank": "r2", "rate": "0.2"}, {"rank": "r3", "rate": "0.3"}
    ]);
    let mut pays = json!({"of": "TEAM", "rate": {"by-rank": rates}});
    for (field, value) in change.as_object().unwrap() {
        pays[field] = value.clone();
    }
    bonus(&json!({"differential": pays}))
}

fn by_orders(change: &Value) -> Value {
    let mut bonus = differential(change);
    bonus["pays"]["differential"]["by"] = json!({"source": {"orders": "vc"}});
    bonus
}

/// A published case: brackets over the points of the group, a point being worth 2,050.
#[test]
fn a_first_line_under_the_first_bracket_is_paid_at_the_whole_rate() {
    let steps = [("1200", "0.09"), ("2400", "0.12"), ("4000", "0.15"), ("7000", "0.18"), ("10000", "0.21")];
    let steps: Vec<Value> = steps.iter().map(|(from, rate)| json!({"from": from, "rate": rate})).collect();
    let mut document =
        document(&[differential(&json!({"rate": {"brackets": {"steps": steps}}, "own": true}))]);
    document["volumes"] = json!({"vc_value": "2050"});
    let company = Company::of("tu f1<tu f2<tu f3<tu g<f3").selling("tu=600 f1=600 f2=600 f3=600 g=600");
    let plan = parse(&document);
    let run = company.settle(&plan);
    let expected = [
        "f3<f3: 600*0.09=110700",
        "f3<g/1/1: 600*0.09=110700",
        "tu<f1/1/1: 600*0.12=147600",
        "tu<f2/1/1: 600*0.12=147600",
        "tu<f3/1/1: 1200*0.03=73800",
        "tu<tu: 600*0.12=147600",
    ];
    assert_eq!(run.lines(), expected);
    assert_eq!(run.total("tu"), Decimal::from(516_600));
    let tu = run.snapshot.people.row("tu").unwrap();
    let line = run.payouts.of(tu).iter().find(|line| line.base == 1200_0000).unwrap();
    let stored = run.stored(&plan);
    let told = stored.explain_line(&run.payouts, line).render(Locale::Es);
    assert!(told.contains("Tasa de tu 12 % menos tasa de f3 9 %"), "{told}");
    let told = stored.explain_line(&run.payouts, line).render(Locale::En);
    assert!(told.contains("Rate of tu 12 % less rate of f3 9 %"), "{told}");
}

/// A published case with a kind of volume that counts for the bracket and is not deducted: a differential on what was bought, and the
/// own rate on what only counts.
#[test]
fn a_volume_can_count_for_the_bracket_without_being_deducted() {
    let rows = [("0", "0.1"), ("10000", "0.115"), ("20000", "0.13"), ("40000", "0.15"), ("70000", "0.17")];
    let rows = rows.into_iter().chain([("115000", "0.19"), ("170000", "0.21"), ("260000", "0.23")]);
    let steps: Vec<Value> = rows.map(|(from, rate)| json!({"from": from, "rate": rate})).collect();
    let brackets = json!({"brackets": {"over": "ALL", "steps": steps}});
    let mut joining = bonus(&json!({"percentage": {"of": "JOINING", "rate": brackets}}));
    joining["code"] = json!("J");
    let mut document = document(&[differential(&json!({"rate": brackets, "own": true})), joining]);
    let indicator = |code: &str, measure: Value, scope: &str| {
        json!({
            "code": code, "name": {"es": code, "en": code}, "unit": "points", "measure": measure, "scope": scope
        })
    };
    document["indicators"].as_array_mut().unwrap().extend([
        indicator("ALL", json!("vq"), "team"),
        indicator("JOINING", json!({"formula": "ALL - TEAM"}), "self"),
    ]);
    let plan = parse(&document);
    let mut company = Company::of("self a<self b<self").selling("self=1000 a=2000 b=1000");
    for (order, all) in company.orders.iter_mut().zip([1000, 4000, 3000]) {
        order.vq = Decimal::from(all);
    }
    assert_eq!(company.settle(&plan).total("self"), Decimal::from(500));
    let company = Company::of("self a<self b<self").selling("self=2000 a=110000 b=60000");
    assert_eq!(company.settle(&plan).total("self"), Decimal::from(8420));
}

#[test]
fn a_first_line_with_the_same_rate_or_a_higher_one_pays_nothing_and_a_customer_has_none() {
    let plan = parse(&document(&[differential(&json!({"own": true}))]));
    let company = Company::of("a:2 b:2<a c:3<a d:1!<a e?<a f<b").selling("a=1 b=10 c=100 d=1000 e=10000 f=5");
    let run = company.settle(&plan);
    // D is not active: not paid for the own volume, but D's rate counts.
    let expected = [
        "a<a: 1*0.2=0.2",
        "a<d/1/1: 1000*0.1=100",
        "a<e/1/1: 10000*0.2=2000",
        "b<b: 10*0.2=2",
        "b<f/1/1: 5*0.2=1",
        "c<c: 100*0.3=30",
    ];
    assert_eq!(run.lines(), expected);
    let account = run.payouts.conservation[0];
    assert_eq!(share(account.forfeited), Decimal::from(100));
}

#[test]
fn by_source_each_earner_gets_the_rate_over_the_highest_below() {
    let company = Company::of("a:3 b:1<a c:2!<b d<c").selling("d=100 b=50");
    let cases = [
        // C takes a fifth of D's order and is not paid; B has less than C.
        (json!({}), vec!["a<b[o2]/1/1: 50*0.2=10", "a<d[o1]/3/3: 100*0.1=10"]),
        (
            json!({"own": true}),
            vec!["a<b[o2]/1/1: 50*0.2=10", "a<d[o1]/3/3: 100*0.1=10", "b<b[o2]: 50*0.1=5"],
        ),
        (json!({"where": "order.vc > 50"}), vec!["a<d[o1]/3/3: 100*0.1=10"]),
        (json!({"most": "0.25"}), vec!["a<b[o2]/1/1: 50*0.15=7.5", "a<d[o1]/3/3: 100*0.05=5"]),
    ];
    for (change, expected) in cases {
        let plan = parse(&document(&[by_orders(&change)]));
        assert_eq!(company.settle(&plan).lines(), expected, "{change}");
    }
    let run = company.settle(&parse(&document(&[by_orders(&json!({}))])));
    let account = run.payouts.conservation[0];
    // 30 of D's order, and of B's 10, as B's own rate is deducted.
    let found = [account.offered, account.paid, account.forfeited, account.unclaimed].map(share);
    assert_eq!(found, [40, 20, 20, 0].map(Decimal::from));
    // Nobody above E reaches the highest rate of the plan, which is 30 %.
    let company = Company::of("a:2 e<a").selling("e=100");
    let run = company.settle(&parse(&document(&[by_orders(&json!({}))])));
    let account = run.payouts.conservation[0];
    assert_eq!([account.paid, account.unclaimed].map(share), [20, 10].map(Decimal::from));
}

/// Who sent back more than was bought has a rate under 0 by the formula: the difference to it would pass the highest rate.
#[test]
fn a_rate_below_nothing_is_no_rate() {
    let company = Company::of("a b<a").selling("a=500 b=-20 b=10");
    for given in [json!(null), json!("GIVEN")] {
        let rate = json!({"rate": {"rule": "OWN / 1000"}, "most": "0.1", "given": given});
        let mut document = document(&[by_orders(&rate)]);
        document["indicators"].as_array_mut().unwrap().push(json!({
            "code": "GIVEN", "name": {"es": "D", "en": "G"}, "unit": "ratio", "scope": "self",
            "measure": {"formula": "OWN / 1000"}
        }));
        assert_eq!(
            company.settle(&parse(&document)).lines(),
            ["a<b[o2]/1/1: -20*0.1=-2", "a<b[o3]/1/1: 10*0.1=1"],
            "{given}"
        );
    }
}

/// The personal, team and courtesy bonus of a published case, after its volumes are compressed.
#[test]
fn what_a_source_was_given_before_is_deducted_and_rates_look_at_pairs() {
    let team = "bracket(OWN + FIRST, [500, 0.1, 1000, 0.15])";
    let personal = bonus(&json!({"percentage": {"of": "OWN", "rate": {"rule": "PERSONAL"}}}));
    let differential = by_orders(&json!({"rate": {"rule": team}, "given": "PERSONAL", "most": "0.1"}));
    let courtesy = bonus(&json!({"unilevel": {
        "on": {"indicator": "OWN"}, "qualified": "true",
        "rates": {"rule": {"rate": format!("source.PERSONAL >= {team} ? 0.05 : 0"), "levels": 1}}
    }}));
    let indicators = json!([
        {"code": "FIRST", "name": {"es": "P", "en": "F"}, "unit": "points", "measure": "vc", "scope": "frontline"},
        {
            "code": "PERSONAL", "name": {"es": "P", "en": "P"}, "unit": "ratio", "scope": "self",
            "measure": {"formula": "bracket(OWN, [50, 0.05, 100, 0.1])"}
        }
    ]);
    let company =
        Company::of("c1 c2<c1 c3<c1 c4<c2 c5<c2 c6<c3 c7<c3 c8<c6 c9<c6 c10<c7 c11<c7 c12<c10 c13<c10")
            .selling("c1=325 c2=300 c3=275 c4=250 c5=225 c6=200 c7=175 c8=150 c9=125 c10=125 c11=75 c12=50");
    let expected: [(Value, &[(&str, &str)]); 3] = [
        (personal, &[("c1", "32.5"), ("c10", "12.5"), ("c11", "3.75"), ("c12", "2.5"), ("c13", "0")]),
        (differential, &[("c1", "0"), ("c2", "0"), ("c3", "6.25"), ("c7", "0")]),
        (
            courtesy,
            &[
                ("c1", "28.75"),
                ("c2", "23.75"),
                ("c3", "18.75"),
                ("c6", "13.75"),
                ("c7", "10"),
                ("c10", "2.5"),
            ],
        ),
    ];
    for (bonus, expected) in expected {
        let mut document = document(&[bonus]);
        document["indicators"].as_array_mut().unwrap().extend(indicators.as_array().unwrap().clone());
        let run = company.settle(&parse(&document));
        for (who, amount) in expected {
            assert_eq!(run.total(who), amount.parse().unwrap(), "{who}: {:?}", run.lines());
        }
    }
}

/// Three published examples: rates by level of the career, and leaders of the same level by generation.
#[test]
fn a_leader_of_the_same_level_breaks_away_and_pays_by_generation() {
    let rates = json!([{"rank": "r1", "rate": "0.24"}, {"rank": "r2", "rate": "0.36"}, {"rank": "r3", "rate": "0.4"}]);
    let indirect = differential(&json!({"rate": {"by-rank": rates}, "own": true}));
    let mut leadership = bonus(&json!({"generation": {
        "of": "LED", "rank": "r3", "rates": {"by-level": ["0.01", "0.01"]}
    }}));
    leadership["code"] = json!("L");
    let mut document = document(&[indirect, leadership]);
    document["indicators"].as_array_mut().unwrap().push(json!({
        "code": "LED", "name": {"es": "G", "en": "G"}, "unit": "points", "measure": "vc",
        "scope": {"group": {"rank": "r3"}}, "options": {"ranks": "paid"}
    }));
    let company = Company::of("a:3 b:3<a b1:3<b c:2<a e:2<a d<a")
        .selling("a=200 b=50000 b1=50000 c=40000 e=40000 d=300");
    let run = company.settle(&parse(&document));
    assert_eq!(run.total("a"), Decimal::from(4400), "{:?}", run.lines());
}

#[test]
fn a_late_return_takes_back_each_difference() {
    let plan = parse(&document(&[by_orders(&json!({}))]));
    let mut company = Company::of("a:3 b:1<a c<b").selling("c=100");
    let september = cycle(9);
    company.orders[0].paid_at = september.start;
    let before = company.settle_after(&plan, &september, &[]);
    assert_eq!(before.lines(), ["a<c[o1]/2/2: 100*0.2=20", "b<c[o1]/1/1: 100*0.1=10"]);
    let mut company = Company::of("a:3 b:1<a c<b").selling("c=40");
    company.orders[0].id = "back".parse().unwrap();
    company.orders[0].kind = OrderKind::Return;
    company.orders[0].reverses = Some("o1".parse().unwrap());
    let settled = [SettledCycle { snapshot: &before.snapshot, payouts: &before.payouts }];
    let run = company.settle_after(&plan, &cycle(10), &settled);
    assert_eq!(run.lines(), ["undo a<c[back]/2/2: -40*0.2=-8", "undo b<c[back]/1/1: -40*0.1=-4"]);
    assert!(run.payouts.lines.iter().all(|line| line.kind == LineKind::Undo));
}

#[test]
fn what_makes_no_sense_is_refused_where_it_stands() {
    let marginal = json!({"rate": {"brackets": {"marginal": true, "steps": [{"from": "1", "rate": "0.1"}]}}});
    let own_group = bonus(&json!({"generation": {
        "of": "GROUP", "rank": "r2", "rates": {"by-level": ["0.1"]}, "counts": "own-group"
    }}));
    for (bonus, pointer) in [
        (differential(&marginal), "differential/rate/brackets/marginal"),
        (differential(&json!({"most": "0.3"})), "differential/most"),
        (differential(&json!({"given": "OWN"})), "differential/given"),
        (differential(&json!({"where": "active"})), "differential/where"),
        (by_orders(&json!({"most": "0"})), "differential/most"),
        (by_orders(&json!({"given": "NONE"})), "differential/given"),
        (own_group, "generation/per"),
    ] {
        let mistakes = plan::Plan::parse(&document(&[bonus]).to_string()).unwrap_err();
        let found: Vec<&str> = mistakes.iter().map(|mistake| mistake.pointer.as_str()).collect();
        assert_eq!(found, [format!("/bonuses/0/pays/{pointer}")]);
    }
}
