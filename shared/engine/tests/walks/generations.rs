//! Overrides by generation of leaders, and groups that break away.

use foundation::locale::Locale;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::fixture::{Company, bonus, document, parse, share};

fn generation(change: &Value) -> Value {
    let mut pays = json!({"of": "GROUP", "rank": "r2", "rates": {"by-level": ["0.1", "0.05"]}});
    for (field, value) in change.as_object().unwrap() {
        pays[field] = value.clone();
    }
    bonus(&json!({"generation": pays}))
}

fn chain(b: &str) -> Company {
    Company::of(&format!("a:2 {b}<a x<b c:3<x d<c")).selling("b=200 x=100 c=40 d=60")
}

#[test]
fn a_leaders_group_is_paid_to_the_leaders_above_by_generation() {
    let cases = [
        ("b:2", "none", vec!["a<b/1/1: 300*0.1=30", "a<c/2/2: 100*0.05=5", "b<c/1/1: 100*0.1=10"]),
        ("b:2!", "none", vec!["a<b/1/1: 300*0.1=30", "a<c/2/2: 100*0.05=5"]),
        ("b:2!", "dynamic", vec!["a<b/1/1: 300*0.1=30", "a<c/2/1: 100*0.1=10"]),
        ("b:2!", "roll-up", vec!["a<b/1/1: 300*0.1=30", "a<c/2/1: 100*0.1=10", "a<c/2/2: 100*0.05=5"]),
    ];
    for (b, compression, expected) in cases {
        let plan = parse(&document(&[generation(&json!({"compression": compression}))]));
        let by_leader = chain(b).settle(&plan);
        assert_eq!(by_leader.lines(), expected, "{b} {compression}");
        // Member by member, what is paid is the same.
        let members = json!({"compression": compression, "of": "OWN", "per": "member"});
        let by_member = chain(b).settle(&parse(&document(&[generation(&members)])));
        for who in ["a", "b"] {
            assert_eq!(by_member.total(who), by_leader.total(who), "{b} {compression} {who}");
        }
    }
}

#[test]
fn ones_own_group_can_be_generation_one() {
    let own = json!({"of": "OWN", "per": "member", "counts": "own-group"});
    let plan = parse(&document(&[generation(&own)]));
    let run = chain("b:2").settle(&plan);
    let expected = [
        "a<b/2/2: 200*0.05=10",
        "a<x/2/2: 100*0.05=5",
        "b<c/2/2: 40*0.05=2",
        "b<d/2/2: 60*0.05=3",
        "b<x/1/1: 100*0.1=10",
        "c<d/1/1: 60*0.1=6",
    ];
    assert_eq!(run.lines(), expected);
    let row = run.snapshot.people.row("b").unwrap();
    let line = run.payouts.of(row).iter().find(|line| line.level_paid == 2).unwrap();
    let told = run.stored(&plan).explain_line(&run.payouts, line).render(Locale::En);
    assert!(told.contains("is paid as generation 2"), "{told}");
    // An unqualified leader makes no generation: the group is part of the next one's own.
    let mut dynamic = generation(&own);
    dynamic["pays"]["generation"]["compression"] = json!("dynamic");
    let run = chain("b:2!").settle(&parse(&document(&[dynamic])));
    let expected = [
        "a<b/2/1: 200*0.1=20",
        "a<c/3/2: 40*0.05=2",
        "a<d/3/2: 60*0.05=3",
        "a<x/2/1: 100*0.1=10",
        "c<d/1/1: 60*0.1=6",
    ];
    assert_eq!(run.lines(), expected);
}

#[test]
fn rates_and_depth_go_by_the_rank_of_the_earner() {
    let rates =
        json!({"by-rank": [{"rank": "r2", "rates": ["0.02"]}, {"rank": "r3", "rates": ["0.03", "0.03"]}]});
    let depth = json!([{"rank": "r3", "levels": 1}]);
    let company = Company::of("a:3 b:2<a c:2<b").selling("c=100 b=10");
    let plan = parse(&document(&[generation(&json!({"rates": rates}))]));
    assert_eq!(
        company.settle(&plan).lines(),
        ["a<b/1/1: 10*0.03=0.3", "a<c/2/2: 100*0.03=3", "b<c/1/1: 100*0.02=2"]
    );
    let plan = parse(&document(&[generation(&json!({"rates": rates, "depth": depth}))]));
    let run = company.settle(&plan);
    assert_eq!(run.lines(), ["a<b/1/1: 10*0.03=0.3"]);
    assert_eq!(share(run.payouts.conservation[0].forfeited), Decimal::from(5));
}

fn breakaway(minimum: Option<&str>) -> Value {
    bonus(&json!({"breakaway": {"of": "GROUP", "rank": "r2", "rate": "0.04", "minimum": minimum}}))
}

#[test]
fn a_leader_hands_up_a_guaranteed_minimum_out_of_what_comes_from_below() {
    let cases = [
        // name, minimum, group of B, what A and B get
        ("no minimum", None, 300, "12", "16"),
        ("all of it is handed up", Some("1000"), 300, "28", "0"),
        ("part of it is handed up", Some("1000"), 900, "40", "12"),
        ("nothing is lacking", Some("1000"), 1000, "40", "16"),
    ];
    for (name, minimum, group, a, b) in cases {
        let plan = parse(&document(&[breakaway(minimum)]));
        for (who, status) in [("active", ""), ("not active", "!")] {
            let company = Company::of(&format!("a:2 b:2{status}<a x<b c:2<x"));
            let run = company.selling(&format!("a=5000 x={group} c=400")).settle(&plan);
            let of_b = if status.is_empty() { b } else { "0" };
            let found = (run.total("a"), run.total("b"));
            assert_eq!(
                found,
                (a.parse().unwrap(), of_b.parse().unwrap()),
                "{name}, B {who}: {:?}",
                run.lines()
            );
            // What leaders' groups are worth is offered; that of the leader nobody stands above is unclaimed.
            let account = run.payouts.conservation[0];
            assert_eq!(
                share(account.offered),
                Decimal::from(5000 + group + 400) * "0.04".parse::<Decimal>().unwrap()
            );
            assert_eq!(share(account.unclaimed), Decimal::from(200));
        }
    }
    let plan = parse(&document(&[breakaway(Some("1000"))]));
    let run = Company::of("a:2 b:2<a c:2<b").selling("b=900 c=400").settle(&plan);
    assert_eq!(run.lines(), ["a<b/1/1: 1000*0.04=40", "b<b: -100*0.04=-4", "b<c/1/1: 400*0.04=16"]);
    let row = run.snapshot.people.row("b").unwrap();
    let handed = run.payouts.of(row).iter().find(|line| line.amount < 0).unwrap();
    let told = run.stored(&plan).explain_line(&run.payouts, handed).render(Locale::Es);
    assert!(told.contains("mínimo garantizado"), "{told}");
}
