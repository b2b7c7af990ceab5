//! What `lint` finds in the plans of the documents: published plans can be reached and paid, and every example shows what it says.

use std::{collections::BTreeMap, path::Path};

use lint::{Code, Finding, Severity, lint};
use plan::Plan;

use crate::document;

/// Networks tried for each plan: few, because tests are built without optimisation.
const NETWORKS: usize = 60;

/// Plans that pay more than their volume is worth, as their readings say: a point that stands for a customer, and earnings to be matched
/// that come from orders at 100 %.
const OVER: [&str; 2] = ["cases/17-affiliate-five-tiers.md", "cases/21-matching-on-downline-earnings.md"];

/// The different plans of all documents, by the first place each stands in.
fn plans() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let base = serde_json::from_str(include_str!("../base.json")).unwrap();
    let mut plans = BTreeMap::new();
    for path in crate::documents(folder) {
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        let document = document::parse(&name, &std::fs::read_to_string(&path).unwrap(), &base).unwrap();
        for scenario in document.scenarios.into_iter().filter(|_| !document.pending) {
            let json = serde_json::to_string_pretty(&scenario.plan).unwrap();
            let place = format!("{name}:{}: {}", scenario.line, scenario.title);
            plans.entry(json).or_insert(place);
        }
    }
    plans.into_iter().map(|(json, place)| (place, json)).collect()
}

fn wrong(place: &str, plan: &Plan, finding: &Finding) -> Option<String> {
    let shown = finding.example.as_ref().is_none_or(|example| example.is_shown(plan));
    let text = format!("{place}: {:?} at {}: {}", finding.code, finding.pointer, finding.message.en);
    if !shown {
        return Some(format!("not shown: {text}"));
    }
    let known = finding.code == Code::PayoutOverVolume && OVER.iter().any(|case| place.starts_with(case));
    (finding.severity == Severity::Error && !known).then_some(text)
}

#[test]
fn published_plans_have_no_errors_and_every_example_shows_what_it_says() {
    let plans = plans();
    assert!(50 < plans.len(), "{} plans", plans.len());
    let mut found = Vec::new();
    for (place, json) in plans {
        let plan = Plan::parse(&json).unwrap();
        let findings = lint(&json, NETWORKS, &mut |_| ()).unwrap();
        found.extend(findings.iter().filter_map(|finding| wrong(&place, &plan, finding)));
    }
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}
