//! Runs the documents beside it: every `##` of every Markdown file is a plan with people, orders and expected results. How they are
//! written is said in `README.md`.

#![allow(clippy::unwrap_used)] // Helpers of tests may fail like tests.

mod document;
#[path = "../../oracle/tests/engine_run/mod.rs"]
mod engine_run;
mod evaluator;
mod findings;
mod scenario;

use std::path::{Path, PathBuf};

/// All Markdown files under `folder` but the README, sorted.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(documents(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("README.md")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_document_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let base: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("base.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for path in documents(folder) {
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        let document = document::parse(&name, &std::fs::read_to_string(&path).unwrap(), &base);
        let mut mistakes = match &document {
            Ok(document) => {
                document.scenarios.iter().flat_map(|one| scenario::differences(&name, one)).collect()
            }
            Err(mistake) => vec![mistake.clone()],
        };
        let pending = document.is_ok_and(|document| document.pending);
        match (pending, mistakes.is_empty()) {
            (true, true) => wrong.push(format!("{name} holds: take out its line `Not yet:`")),
            (true, false) => {}
            (false, _) => wrong.append(&mut mistakes),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_difference_is_told_with_its_line() {
    let base = serde_json::from_str(include_str!("../base.json")).unwrap();
    let text = include_str!("../percentage.md").replacen(
        "| ana | own | 350 | 0.10 | 35.00 |",
        "| ana | own | 350 | 0.10 | 35.01 |",
        1,
    );
    let document = document::parse("percentage.md", &text, &base).unwrap();
    let found: Vec<String> =
        document.scenarios.iter().flat_map(|one| scenario::differences("percentage.md", one)).collect();
    let line = text.lines().position(|line| line.contains("35.01")).unwrap() + 1;
    assert!(
        found[0].starts_with(&format!("percentage.md:{line}: this is not there; left are [")),
        "{found:?}"
    );
    assert!(found[1].contains("this is there and not expected: [amount 35.00"), "{found:?}");
    assert_eq!(found.len(), 2);
}
