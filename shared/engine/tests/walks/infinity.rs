//! Infinity bonuses: blocked by the next of the same or a higher rank, or paying the difference.

use foundation::locale::Locale;
use serde_json::{Value, json};

use crate::fixture::{Company, bonus, document, parse};

fn infinity(change: &Value) -> Value {
    let rates = json!([{"rank": "r1", "rate": "0.01"}, {"rank": "r3", "rate": "0.03"}]);
    let mut pays = json!({"on": {"orders": "vc"}, "rates": rates});
    for (field, value) in change.as_object().unwrap() {
        pays[field] = value.clone();
    }
    bonus(&json!({"infinity": pays}))
}

#[test]
fn the_same_or_a_higher_rank_blocks_with_all_below() {
    let plan = parse(&document(&[infinity(&json!({}))]));
    // C blocks A and B, though C is not active; B, of a lower rank than A, does not block A.
    let company = Company::of("a:3 b:1<a c:3!<b d<c e<b f?<e").selling("a=1 c=10 d=100 e=1000 f=10000");
    let run = company.settle(&plan);
    let expected = [
        "a<e[o4]/2/2: 1000*0.03=30",
        "a<f[o5]/3/3: 10000*0.03=300",
        "b<e[o4]/1/1: 1000*0.01=10",
        "b<f[o5]/2/2: 10000*0.01=100",
    ];
    assert_eq!(run.lines(), expected);
    let row = run.snapshot.people.row("a").unwrap();
    let line = &run.payouts.of(row)[0];
    let told = run.stored(&plan).explain_line(&run.payouts, line).render(Locale::Es);
    assert!(told.contains("nadie de rango r3 o mayor"), "{told}");
}

#[test]
fn the_difference_is_paid_over_the_highest_rate_below() {
    let company = Company::of("a:3 b:1<a c:3!<b d<c e<b").selling("a=1 c=10 d=100 e=1000");
    let run = company.settle(&parse(&document(&[infinity(&json!({"difference": true}))])));
    assert_eq!(run.lines(), ["a<e[o4]/2/2: 1000*0.02=20", "b<e[o4]/1/1: 1000*0.01=10"]);
}

#[test]
fn levels_before_the_first_paid_one_still_block() {
    let company = Company::of("a:3 b:3<a c<b d:1<a e<d").selling("c=100 e=10");
    let run = company.settle(&parse(&document(&[infinity(&json!({"from_level": 2}))])));
    assert_eq!(run.lines(), ["a<e[o2]/2/2: 10*0.03=0.3"]);
}

#[test]
fn only_what_where_says_counts() {
    let company = Company::of("a:3 b<a c<b").selling("b=10 c=100");
    let run = company.settle(&parse(&document(&[infinity(&json!({"where": "order.vq > 10"}))])));
    assert_eq!(run.lines(), ["a<c[o2]/2/2: 100*0.03=3"]);
}

#[test]
fn without_ranks_everyone_is_paid_by_the_first_consultant_above() {
    let everyone = json!({"rates": [{"rate": "0.1"}], "on": {"indicator": "OWN"}});
    let company = Company::of("a b<a c?<b d?<c").selling("a=1 b=10 d=100");
    // B blocks A as a consultant of the same rank, which is none; customers block nothing.
    assert_eq!(company.settle(&parse(&document(&[infinity(&everyone)]))).lines(), ["b<d/2/2: 100*0.1=10"]);
}
