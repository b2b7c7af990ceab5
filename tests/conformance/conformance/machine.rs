//! The state machine: its tasks are functions of the template, its retries know the edge's error names and no others.

use std::collections::BTreeSet;

use lambda::step::ERROR_NAMES;
use serde_json::{Map, Value};

use crate::repository::{read, root, yaml};

fn machine() -> Value {
    serde_json::from_str(&read("infra/commission-process.asl.json")).unwrap()
}

fn states(machine: &Value) -> Map<String, Value> {
    machine["States"].as_object().unwrap().clone()
}

#[test]
fn every_state_that_is_named_is_there_and_every_state_is_reached() {
    let machine = machine();
    let states = states(&machine);
    let mut named = BTreeSet::from([machine["StartAt"].as_str().unwrap().to_owned()]);
    for state in states.values() {
        let choices = state["Choices"].as_array().into_iter().flatten();
        let catches = state["Catch"].as_array().into_iter().flatten();
        let next =
            choices.chain(catches).chain([state]).flat_map(|holder| [&holder["Next"], &holder["Default"]]);
        named.extend(next.filter_map(Value::as_str).map(str::to_owned));
    }
    assert_eq!(named, states.keys().cloned().collect::<BTreeSet<_>>());
}

#[test]
fn every_task_and_map_retries_and_catches_what_the_edge_can_answer() {
    let all = states(&machine());
    let of_items = all.values().filter_map(|state| state["ItemProcessor"]["States"].as_object());
    for (name, state) in all.iter().chain(of_items.flatten()) {
        if state["Type"] != "Task" && state["Type"] != "Map" {
            continue;
        }
        let retries = state["Retry"].as_array().is_some_and(|rules| !rules.is_empty());
        assert!(retries, "{name} is tried once");
        let handled: BTreeSet<String> = ["Retry", "Catch"]
            .iter()
            .flat_map(|rule| state[*rule].as_array().into_iter().flatten())
            .flat_map(|rule| rule["ErrorEquals"].as_array().into_iter().flatten())
            .filter_map(|error| error.as_str().map(str::to_owned))
            .collect();
        assert!(
            ERROR_NAMES.iter().all(|error| handled.contains(*error)) || handled.contains("States.ALL"),
            "{name} handles {handled:?}, not all of {ERROR_NAMES:?}"
        );
        let foreign: Vec<_> = handled
            .iter()
            .filter(|error| {
                !error.starts_with("States.")
                    && !error.starts_with("Lambda.")
                    && !error.starts_with("Sandbox.")
            })
            .filter(|error| !ERROR_NAMES.contains(&error.as_str()))
            .collect();
        assert!(foreign.is_empty(), "{name} waits for errors nobody sends: {foreign:?}");
    }
}

#[test]
fn what_the_machine_calls_stands_in_the_template() {
    let text = read("infra/commission-process.asl.json");
    let template = yaml("template.yaml");
    let resources = template["Resources"].as_object().unwrap();
    let machine = resources
        .values()
        .find(|resource| resource["Type"].as_str().is_some_and(|kind| kind.ends_with("::StateMachine")))
        .unwrap();
    let substitutions = machine["Properties"]["DefinitionSubstitutions"].as_object().unwrap();
    let used: BTreeSet<String> = text
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name.to_owned()))
        .collect();
    assert_eq!(used, substitutions.keys().cloned().collect::<BTreeSet<_>>());
    assert!(root().join("infra/commission-process.asl.json").exists());
}
