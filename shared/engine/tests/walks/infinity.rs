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

/// Levels at 5 % and 5 %, and 1 % for rank 3 after them.
fn after_levels(compression: &str) -> plan::Plan {
    let mut levels = bonus(&json!({"unilevel": {
        "on": {"orders": "vc"}, "rates": {"by-level": ["0.05", "0.05"]}, "compression": compression
    }}));
    levels["code"] = json!("L");
    parse(&document(&[levels, infinity(&json!({"rates": [{"rank": "r3", "rate": "0.01"}], "after": "L"}))]))
}

#[test]
fn who_has_a_level_of_the_bonus_before_is_not_past_its_levels() {
    let plan = after_levels("dynamic");
    let company = Company::of("a:3 b<a c!<b d<c e<d").selling("d=100 e=200 b=400");
    let run = company.settle(&plan);
    // C takes no level: of d's order a has level 2, of b's nobody has.
    let expected = [
        "a<b[o3]/1/1: 400*0.05=20",
        "a<d[o1]/3/2: 100*0.05=5",
        "a<e[o2]/4/4: 200*0.01=2",
        "b<d[o1]/2/1: 100*0.05=5",
        "b<e[o2]/3/2: 200*0.05=10",
        "d<e[o2]/1/1: 200*0.05=10",
    ];
    assert_eq!(run.lines(), expected);
    let row = run.snapshot.people.row("a").unwrap();
    let line = run.payouts.of(row).iter().find(|line| line.level_paid == 4).unwrap();
    let told = run.stored(&plan).explain_line(&run.payouts, line).render(Locale::En);
    assert!(told.contains("b has the last level (2) of Bonus"), "{told}");
}

#[test]
fn a_level_that_is_not_paid_counts_as_had() {
    let company = Company::of("a:3 b<a c!<b d<c e<d").selling("d=100 e=200");
    // C has level 2 of e's order, and b level 2 of d's.
    let run = company.settle(&after_levels("none"));
    let infinite = ["a<d[o1]/3/3: 100*0.01=1", "a<e[o2]/4/4: 200*0.01=2"];
    let levels = ["b<d[o1]/2/2: 100*0.05=5", "d<e[o2]/1/1: 200*0.05=10"];
    assert_eq!(run.lines(), [infinite, levels].concat());
    // The share of C passes up to B; the level stays with C.
    let run = company.settle(&after_levels("roll-up"));
    let passed =
        ["b<d[o1]/2/1: 100*0.05=5", "b<d[o1]/2/2: 100*0.05=5", "b<e[o2]/3/2: 200*0.05=10", levels[1]];
    assert_eq!(run.lines(), [infinite.as_slice(), &passed].concat());
}
