//! What a rule asks, without a record, is what it answers with one.

use proptest::prelude::*;
use rules::{Condition, Record, Relation, Test, Type, Value, compile};

use crate::fixture::{Company, Person};

const RULES: [&str; 19] = [
    "own_vq >= 100 && (legs > 2 || !active)",
    "!(own_vq < 100 || group_vc + 50 >= 300) && active",
    "100 <= own_vq && 500 > own_vq",
    "active ? own_vq >= 50 : group_vc > 100",
    "(active ? own_vq : group_vc) >= 100",
    "min(own_vq, group_vc) >= 100 || max(own_vq, legs) < 2",
    "min(own_vq, group_vc) <= 100 && max(own_vq, legs) > 2",
    "bracket(own_vq, [100, 1, 300, 2]) >= 2 || bracket(group_vc, [100, 1, 200, 0]) < 1",
    "-own_vq < -100 && 300 - own_vq > 0",
    "country in ['CO', 'MX'] && !('vip' in tags)",
    "country == 'CO' || country != 'MX' && own_vq == group_vc",
    "own_vq * 2 >= 200 && own_vq - 1 != 99",
    "legs_with_rank('silver') >= 2 && active == (legs > 1)",
    "(active == false) != true",
    "has(goal) ? goal > 3 : false",
    "tags.exists(tag, tag == 'vip') || 1 < 2 && own_vq > 0",
    // What would be copied too often stays whole.
    "(own_vq > 99 && group_vc > 99 && legs > 1 && active && country == 'CO' && own_vq < 300 && group_vc < 250 ? own_vq : legs) >= 100",
    "((((active ? legs > 1 : own_vq > 50) ? active : legs > 2) ? own_vq >= 100 : group_vc > 100) ? active : own_vq > 300) || legs > 2",
    "bracket(own_vq + group_vc + legs + own_vq + group_vc, [100, 1, 300, 2]) >= 2",
];

/// Whether a condition holds for somebody, each term being worked out by itself.
fn holds(condition: &Condition, person: &Person) -> bool {
    match condition {
        Condition::Constant(held) => *held,
        Condition::All(parts) => parts.iter().all(|part| holds(part, person)),
        Condition::Any(parts) => parts.iter().any(|part| holds(part, person)),
        Condition::Test(Test { term, relation, value }) => {
            let seen = match term.slot {
                Some(slot) => person.value(slot),
                None => compile(&term.text, &Company, &term.ty).unwrap().evaluate(person).unwrap(),
            };
            relation.holds(seen.cmp(value))
        }
    }
}

proptest! {
    #[test]
    fn a_condition_holds_where_its_rule_does(
        own in prop::sample::select(vec![0, 1, 50, 99, 100, 101, 299, 300, 500]),
        group in prop::sample::select(vec![0, 99, 100, 200, 249, 250, 251]),
        legs in 0_i64..4, active: bool, vip: bool, goal in prop::option::of(0_i64..6),
        country in prop::sample::select(vec!["CO", "MX", "PE"]),
    ) {
        let tags = if vip { vec![Value::text("vip")] } else { Vec::new() };
        let mut person = Person::of(&[
            ("own_vq", Value::from(own)), ("group_vc", Value::from(group)), ("legs", Value::from(legs)),
            ("active", Value::from(active)), ("tags", Value::list(tags)), ("country", Value::from(country)),
            ("legs_with_rank('silver')", Value::from(legs)),
        ]);
        if let Some(goal) = goal {
            person.0.insert(9, Value::from(goal));
        }
        for rule in RULES {
            let program = compile(rule, &Company, &Type::Bool).unwrap();
            let held = program.holds(&person).unwrap();
            prop_assert_eq!(holds(&program.condition(), &person), held, "{}", rule);
            prop_assert_eq!(holds(&program.condition().negated(), &person), !held, "not: {}", rule);
        }
    }
}

fn asked(rule: &str) -> String {
    compile(rule, &Company, &Type::Bool).unwrap().condition().to_string()
}

#[test]
fn a_condition_is_shown_as_comparisons() {
    let cases = [
        ("100 <= own_vq && !(legs < 3)", "own_vq >= 100 && legs >= 3"),
        ("!(active && country in ['CO', 'MX'])", "!active || (country != 'CO' && country != 'MX')"),
        ("own_vq + 10 > 50", "own_vq > 40"),
        (
            "own_vq == group_vc && !tags.exists(tag, tag == 'vip')",
            "own_vq == group_vc && !(tags.exists(tag, tag == 'vip'))",
        ),
        ("bracket(own_vq, [100, 1, 300, 2]) >= 1", "(own_vq >= 100 && own_vq < 300) || own_vq >= 300"),
        ("rank >= silver", "rank >= 3"),
    ];
    for (rule, expected) in cases {
        assert_eq!(asked(rule), expected, "{rule}");
    }
}

#[test]
fn thresholds_are_all_constants_that_something_is_compared_with() {
    let found = |rule: &str, ty: &Type| -> Vec<(String, Relation, String)> {
        let tests = compile(rule, &Company, ty).unwrap().thresholds();
        tests.into_iter().map(|test| (test.term.text, test.relation, test.value.to_string())).collect()
    };
    assert_eq!(
        found("own_vq < 500 ? 0.10 : bracket(group_vc, [100, 0.05, 900, 0.07])", &Type::Number),
        [
            ("own_vq".to_owned(), Relation::Less, "500".to_owned()),
            ("group_vc".to_owned(), Relation::AtLeast, "100".to_owned()),
            ("group_vc".to_owned(), Relation::AtLeast, "900".to_owned()),
        ]
    );
    assert_eq!(found("own_vq * legs", &Type::Number), []);
    let legs = ("legs".to_owned(), Relation::AtLeast, "3".to_owned());
    assert_eq!(found("group_vc > own_vq * (legs >= 3 ? 2 : 1)", &Type::Bool), std::slice::from_ref(&legs));
    assert_eq!(found("own_vq * (legs >= 3 ? 2 : 1) >= 100", &Type::Bool).last(), Some(&legs));
}

/// Conditions and brackets one in the other, as deep as a rule may go.
#[test]
fn what_is_nested_is_not_copied_with_every_level() {
    let decided = |inner: String, _| format!("({inner} ? active : legs > 1)");
    let conditions = (0..30).fold("active".to_owned(), decided);
    let steps: Vec<String> = (1..20).map(|step| format!("{step}, {}", step + 1)).collect();
    let rated = |inner: String, _| format!("bracket({inner}, [{}])", steps.join(", "));
    let brackets = (0..20).fold("own_vq".to_owned(), rated) + " >= 10";
    for rule in [conditions, brackets] {
        let program = compile(&rule, &Company, &Type::Bool).unwrap();
        let shown = program.condition().to_string();
        assert!(shown.len() < 100_000, "{} bytes of {}", shown.len(), rule.len());
        assert!(program.thresholds().len() < 10_000, "{}", program.thresholds().len());
    }
}
