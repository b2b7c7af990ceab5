//! Why, and why not.

use foundation::locale::Locale;
use jiff::civil::date;
use rules::{ExplanationKind, Program, Type, Value, compile};

use crate::fixture::{Company, Person};

fn program(text: &str) -> Program {
    compile(text, &Company, &Type::Bool).unwrap()
}

fn person() -> Person {
    Person::of(&[
        ("own_vq", Value::from(80)),
        ("group_vc", Value::from(1_234_567)),
        ("legs", Value::from(2)),
        ("rank", Value::from(1)),
        ("country", Value::text("CO")),
        ("joined_on", Value::Date(date(2026, 1, 15))),
        ("active", Value::Bool(false)),
        ("legs_with_rank('silver')", Value::from(1)),
    ])
}

fn missing(text: &str) -> Option<Vec<String>> {
    let found = program(text).explain(&person()).missing()?;
    Some(found.into_iter().map(|missing| missing.text).collect())
}

#[test]
fn the_smallest_set_of_missing_conditions_is_found() {
    let cases: [(&str, Option<&[&str]>); 17] = [
        ("own_vq >= 50", Some(&[])),
        ("own_vq >= 100", Some(&["own_vq >= 100"])),
        ("own_vq >= 100 && legs >= 2 && rank >= 3", Some(&["own_vq >= 100", "rank >= 3"])),
        ("own_vq >= 100 && legs >= 3 || rank >= 3", Some(&["rank >= 3"])),
        ("own_vq >= 100 || legs >= 3", Some(&["own_vq >= 100"])),
        // One condition that serves both sides is less than one for each.
        ("(own_vq >= 100 || legs >= 3) && (rank >= 3 || legs >= 3)", Some(&["legs >= 3"])),
        ("!(legs >= 2)", Some(&["legs >= 2"])),
        ("!(own_vq < 100 || legs < 3)", Some(&["own_vq < 100", "legs < 3"])),
        ("!(legs >= 2 && own_vq < 100)", Some(&["legs >= 2"])),
        ("active ? own_vq >= 10 : own_vq >= 100", Some(&["active"])),
        ("active ? own_vq >= 100 && legs > 2 : rank > 5", Some(&["rank > 5"])),
        ("active", Some(&["active"])),
        ("country in ['MX']", Some(&["country in ['MX']"])),
        ("false", None),
        ("1 > 2 && active", None),
        ("active && !active", None),
        // Turning `active` alone would break what holds now.
        ("(active || false) && (!active || rank > 5)", Some(&["active", "rank > 5"])),
    ];
    for (text, expected) in cases {
        let expected = expected.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(missing(text), expected, "{text}");
    }
}

#[test]
fn what_is_missing_is_said_in_spanish_and_english() {
    let label = |text: &str| match text {
        "own_vq" => Some("VQ personal".to_owned()),
        _ => None,
    };
    let cases = [
        (
            "own_vq >= 100",
            "VQ personal es 80 y debe ser al menos 100 (faltan 20)",
            "VQ personal is 80 and must be at least 100 (20 short)",
        ),
        (
            "100.5 <= own_vq",
            "VQ personal es 80 y debe ser al menos 100,5 (faltan 20,5)",
            "VQ personal is 80 and must be at least 100.5 (20.5 short)",
        ),
        (
            "group_vc <= 1000",
            "group_vc es 1.234.567 y debe ser como máximo 1.000 (sobran 1.233.567)",
            "group_vc is 1,234,567 and must be at most 1,000 (1,233,567 too many)",
        ),
        (
            "group_vc < own_vq",
            "group_vc es 1.234.567 y debe ser menor que 80",
            "group_vc is 1,234,567 and must be less than 80",
        ),
        (
            "group_vc <= own_vq",
            "group_vc es 1.234.567 y debe ser como máximo VQ personal (80) (sobran 1.234.487)",
            "group_vc is 1,234,567 and must be at most VQ personal (80) (1,234,487 too many)",
        ),
        ("!(legs == 2)", "legs es 2 y debe ser distinto de 2", "legs is 2 and must be other than 2"),
        ("country == 'MX'", "country es «CO» y debe ser «MX»", "country is “CO” and must be “MX”"),
        (
            "joined_on >= date('2026-02-01')",
            "joined_on es 2026-01-15 y debe ser al menos 2026-02-01",
            "joined_on is 2026-01-15 and must be at least 2026-02-01",
        ),
        ("active", "debe cumplirse: active", "this must hold: active"),
        (
            "!country.startsWith('C')",
            "no debe cumplirse: country.startsWith('C')",
            "this must not hold: country.startsWith('C')",
        ),
    ];
    for (text, spanish, english) in cases {
        let found = program(text).explain(&person()).missing().unwrap();
        assert_eq!(found.len(), 1, "{text}");
        if text != "group_vc < own_vq" {
            assert_eq!(found[0].render(Locale::Es, &label), spanish, "{text}");
            assert_eq!(found[0].render(Locale::En, &label), english, "{text}");
        }
    }
}

#[test]
fn the_tree_shows_every_comparison_with_what_it_saw() {
    let text = "own_vq >= plan.threshold\n && (group_vc / legs > 1000 || !active)";
    let explanation = program(text).explain(&person());
    let expected = "✗ todas estas condiciones\n\
        \x20 ✗ own_vq (80) ≥ 100\n\
        \x20 ✓ al menos una de estas condiciones\n\
        \x20   ✓ group_vc / legs (617.283,5) > 1.000\n\
        \x20     group_vc / legs = 617.283,5\n\
        \x20       group_vc = 1.234.567\n\
        \x20       legs = 2\n\
        \x20   ✓ no debe cumplirse\n\
        \x20     ✗ active\n";
    assert_eq!(explanation.render(Locale::Es, &|_| None), expected);
    let english =
        explanation.render(Locale::En, &|text| (text == "plan.threshold").then(|| "the goal".to_owned()));
    assert!(english.starts_with("✗ all of these\n  ✗ own_vq (80) ≥ the goal (100)\n"), "{english}");
    let comparisons: Vec<_> =
        explanation.comparisons().iter().map(|part| (part.span.position(text), part.held())).collect();
    assert_eq!(comparisons, [((1, 1), Some(false)), ((2, 6), Some(true))]);
}

#[test]
fn elements_of_a_list_are_explained_one_by_one() {
    let explanation = program("['CO', 'MX'].all(c, country == c)").explain(&person());
    assert_eq!(explanation.kind, ExplanationKind::Elements);
    let held: Vec<_> = explanation.parts.iter().skip(1).map(rules::Explanation::held).collect();
    assert_eq!(held, [Some(true), Some(false)]);
}

#[test]
fn a_part_without_value_says_why() {
    let explanation = program("[1, 2][legs] == 1 || active").explain(&person());
    assert_eq!(explanation.held(), None);
    assert!(explanation.render(Locale::Es, &|_| None).contains("la lista no tiene ese elemento"));
    assert!(explanation.render(Locale::En, &|_| None).contains("the list has no such element"));
}
