//! The evaluator's own reading of the rule language, held against the tables of the language.

use std::{fs, path::Path};

use anyhow::Result;
use jiff::civil::date;
use oracle::language::{Names, Rule, Value};
use rust_decimal::Decimal;

/// The record the tables speak of.
struct Somebody;

impl Names for Somebody {
    fn name(&self, name: &str) -> Result<Option<Value>> {
        let number = |mantissa: i64, scale| Value::Number(Decimal::new(mantissa, scale));
        Ok(Some(match name {
            "own_vq" => number(15_050, 2),
            "legs" => number(2, 0),
            "country" => Value::from("CO"),
            "person.zone" => Value::from("norte"),
            "joined_on" => Value::Date(date(2026, 1, 15)),
            "cycle_end" => Value::Date(date(2026, 2, 1)),
            "active" => Value::Bool(true),
            "tags" => Value::List(vec![Value::from("2026"), Value::from("vip")]),
            "returned" => number(12, 0),
            "silver" => number(3, 0),
            "plan.threshold" => number(100, 0),
            "group_vc" | "rank" | "ratio" | "goal" => number(0, 0),
            _ => return Ok(None),
        }))
    }

    fn is_missing(&self, name: &str) -> Result<bool> {
        Ok(name == "goal")
    }

    fn call(&self, function: &str, _: &[Value]) -> Result<Option<Value>> {
        Ok((function == "legs_with_rank").then_some(Value::Number(Decimal::TWO)))
    }
}

fn value_of(text: &str) -> String {
    Rule::read(text)
        .and_then(|rule| rule.value(&Somebody))
        .map_or("error".to_owned(), |value| value.to_string())
}

/// What a checked language refuses is not looked at: the evaluator is only given rules that were accepted.
#[test]
fn every_accepted_case_of_the_tables_has_its_result() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/rules/tests/conformance"));
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        for case in csv::Reader::from_path(&path).unwrap().into_records().map(Result::unwrap) {
            let (expression, expected) = (&case[1], &case[case.len() - 1]);
            if expected == "refused" {
                continue;
            }
            count += 1;
            let found = value_of(expression);
            if found != expected {
                wrong.push(format!("{expression} is {found}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(180 < count, "only {count} cases");
}
