//! Which crate may know which: the arrows of ARCHITECTURE.md, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// What each shared crate may depend on, of ours.
const ARROWS: &[(&str, &[&str])] = &[
    ("foundation", &[]),
    ("rules", &["foundation"]),
    ("plan", &["foundation", "rules"]),
    ("engine", &["foundation", "rules", "plan"]),
    ("simulation", &["foundation", "plan", "engine"]),
    ("lint", &["foundation", "rules", "plan", "engine", "simulation"]),
    ("memory", &[]),
    ("ceiba", &["foundation", "plan", "engine", "simulation", "lint", "memory", "oracle"]),
    ("aws", &["foundation"]),
    ("lambda", &["foundation", "aws"]),
    ("access", &["foundation", "aws"]),
    ("calendar", &["foundation", "aws"]),
    ("network", &["foundation", "aws"]),
    ("orders", &["foundation", "aws"]),
    ("ledger", &["foundation", "aws"]),
    ("service", &["foundation", "aws"]),
    ("messages", &["foundation", "aws"]),
    ("insight", &["foundation", "aws"]),
    ("payouts", &["foundation", "aws", "ledger"]),
    ("commissions", &["foundation", "aws", "plan", "engine", "simulation", "network", "calendar", "orders"]),
];
const TOOLS: &[&str] = &["testkit", "xtask", "conformance", "oracle", "e2e", "faults", "plans"];

fn packages() -> Vec<Package> {
    let metadata = MetadataCommand::new().no_deps().current_dir(crate::repository::root()).exec().unwrap();
    metadata.packages
}

fn normal(package: &Package) -> BTreeSet<String> {
    let kept = |kind: &DependencyKind| !matches!(kind, DependencyKind::Development);
    package
        .dependencies
        .iter()
        .filter(|dependency| kept(&dependency.kind))
        .map(|dependency| dependency.name.clone())
        .collect()
}

#[test]
fn no_crate_knows_one_it_may_not() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in &packages {
        let name = package.name.as_str();
        if TOOLS.contains(&name) {
            continue;
        }
        for dependency in normal(package).iter().filter(|dependency| ours.contains(dependency.as_str())) {
            let fits = match allowed.get(name) {
                Some(may) => may.contains(&dependency.as_str()),
                // A function: any shared crate, no other function, no tool.
                None => allowed.contains_key(dependency.as_str()),
            };
            if !fits {
                wrong.push(format!("{name} -> {dependency}"));
            }
        }
        let used = normal(package);
        let unused = allowed.get(name).into_iter().copied().flatten().filter(|one| !used.contains(**one));
        wrong.extend(unused.map(|one| format!("{name} -> {one} is written down and not used")));
    }
    assert!(wrong.is_empty(), "arrows that ARCHITECTURE.md does not have: {wrong:#?}");
}

#[test]
fn only_the_edges_name_the_sdk_and_the_runtime() {
    let mut wrong = Vec::new();
    for package in packages() {
        for dependency in normal(&package) {
            let owner = match dependency.as_str() {
                sdk if sdk.starts_with("aws-") => "aws",
                runtime if runtime.starts_with("lambda_") || runtime == "aws_lambda_events" => "lambda",
                _ => continue,
            };
            if package.name.as_str() != owner {
                wrong.push(format!("{} names {dependency}", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_shared_crate_has_its_arrows_written_down() {
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).chain(["testkit"]).collect();
    let folders = crate::repository::folders("shared");
    let found: BTreeSet<&str> = folders.iter().map(String::as_str).collect();
    assert_eq!(found, known);
}

#[test]
fn dependencies_are_inherited_so_that_features_are_named_once() {
    let mut wrong = Vec::new();
    for path in crate::repository::text_files() {
        if !path.ends_with("Cargo.toml") || path == "Cargo.toml" || crate::repository::is_apart(&path) {
            continue;
        }
        let text = crate::repository::read(&path);
        let mut in_dependencies = false;
        for line in text.lines() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies");
            } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
                wrong.push(format!("{path}: {line}"));
            }
        }
        if !text.contains("[lints]\nworkspace = true") {
            wrong.push(format!("{path}: the workspace's lints are not inherited"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
