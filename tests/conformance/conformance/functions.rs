//! One folder, one Lambda, one name.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::repository::{folders, logical_id, read, root, source, yaml};

#[test]
fn a_functions_folder_package_resource_and_events_have_one_name() {
    let template = yaml("template.yaml");
    let functions = folders("functions");
    let resources = template["Resources"].as_object().unwrap();
    let deployed: BTreeSet<&str> = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function")
        .map(|(name, _)| name.as_str())
        .collect();
    let expected: Vec<String> = functions.iter().map(|function| logical_id(function)).collect();
    let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
    assert_eq!(deployed, expected, "functions of template.yaml and folders of functions/");
    for function in &functions {
        let manifest = read(&format!("functions/{function}/Cargo.toml"));
        assert!(
            manifest.contains(&format!("name = \"{function}\"")),
            "{function}: the package has another name"
        );
        let code = &resources[&logical_id(function)]["Properties"]["CodeUri"];
        assert_eq!(
            code.as_str().unwrap().trim_end_matches('/'),
            format!("target/lambda/{function}"),
            "{function}: CodeUri"
        );
    }
}

#[test]
fn every_function_has_a_sample_event_and_every_sample_event_a_function() {
    let functions = folders("functions");
    assert_eq!(folders("events"), functions);
    for function in functions {
        let cases: Vec<_> = std::fs::read_dir(root().join("events").join(&function))
            .unwrap()
            .map(|case| case.unwrap().path())
            .collect();
        assert!(!cases.is_empty(), "{function} has no sample event");
        for case in cases {
            let text = std::fs::read_to_string(&case).unwrap();
            assert!(serde_json::from_str::<Value>(&text).is_ok(), "{} is not JSON", case.display());
        }
    }
}

#[test]
fn a_function_is_wiring_and_handlers_only() {
    for function in folders("functions") {
        let text = source(&function);
        assert!(text.starts_with("//!"), "{function}: the first line says what it does");
        let edge = ["Routes::over", "queue::serve", "stream::serve", "step::serve", "authorizer::serve"];
        assert!(edge.iter().any(|edge| text.contains(edge)), "{function} serves no edge");
        assert!(text.contains("env.complete()?"), "{function} does not report its missing configuration");
    }
}
