//! CEL's language definition as tables: what holds here as there, and the deliberate differences.

use std::{fs, path::Path};

use jiff::civil::date;
use rules::{Type, Value, compile};
use rust_decimal::Decimal;

use crate::fixture::{Company, Person};

fn record() -> Person {
    Person::of(&[
        ("own_vq", Value::Number(Decimal::new(15_050, 2))),
        ("legs", Value::from(2)),
        ("country", Value::text("CO")),
        ("person.zone", Value::text("norte")),
        ("joined_on", Value::Date(date(2026, 1, 15))),
        ("active", Value::Bool(true)),
        ("tags", Value::list(vec![Value::text("vip"), Value::text("2026")])),
        ("returned", Value::from(12)),
        ("legs_with_rank('silver')", Value::from(2)),
    ])
}

/// `refused`, `error`, or the value.
fn result_of(expression: &str) -> String {
    let element_types = [Type::Number, Type::Bool, Type::Text, Type::Date, Type::list(Type::Number)];
    let types = element_types.iter().cloned().chain(element_types.iter().cloned().map(Type::list));
    let Some(program) = types.map(|ty| compile(expression, &Company, &ty)).find_map(Result::ok) else {
        return "refused".to_owned();
    };
    program.evaluate(&record()).map_or("error".to_owned(), |value| value.to_string())
}

fn table(path: &Path) -> Vec<csv::StringRecord> {
    csv::Reader::from_path(path).unwrap().into_records().map(Result::unwrap).collect()
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance"))
}

#[test]
fn every_case_of_the_tables_has_its_result() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let is_differences = path.file_stem().unwrap() == "differences";
        for case in table(&path) {
            let (name, expression, expected) =
                (&case[0], &case[1], &case[if is_differences { 3 } else { 2 }]);
            let found = result_of(expression);
            count += 1;
            if found != expected {
                wrong.push(format!("{}: {name}: {expression} is {found}, not {expected}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 200, "only {count} cases");
}

#[test]
fn the_readme_names_every_deliberate_difference() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for case in table(&folder().join("differences.csv")) {
        assert!(readme.contains(&case[1]), "`{}` is not in the README", &case[1]);
    }
}
