//! The files the rules are about.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Whether a file belongs to what is no member of the workspace: peers to compare with, targets for another compiler.
pub(crate) fn is_apart(path: &str) -> bool {
    ["tests/peers/", "tests/fuzz/libfuzzer/"].iter().any(|folder| path.starts_with(folder))
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A YAML file as JSON, CloudFormation's short tags written out (`!Ref X` as `{"Ref": "X"}`).
pub(crate) fn yaml(path: &str) -> Value {
    plain(serde_yaml_ng::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}")))
}

fn plain(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => json!(flag),
        Yaml::Number(number) => serde_json::to_value(number).unwrap(),
        Yaml::String(text) => json!(text),
        Yaml::Sequence(items) => items.into_iter().map(plain).collect(),
        Yaml::Mapping(members) => {
            let member = |(name, value): (Yaml, Yaml)| {
                let name = match name {
                    Yaml::String(text) => text,
                    Yaml::Number(number) => number.to_string(),
                    other => panic!("a member's name is {other:?}"),
                };
                (name, plain(value))
            };
            Value::Object(members.into_iter().map(member).collect::<Map<_, _>>())
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let tag = tag.trim_start_matches('!');
            let name = if matches!(tag, "Ref" | "Condition") { tag.to_owned() } else { format!("Fn::{tag}") };
            json!({ name: plain(tagged.value) })
        }
    }
}

/// Names of the folders in `path`, sorted.
pub(crate) fn folders(path: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root().join(path)) else { return Vec::new() };
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Every file of the repository that is text of ours, relative to its root, sorted.
pub(crate) fn text_files() -> Vec<String> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    let root = root();
    let mut names: Vec<_> =
        found.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !matches!(
                name,
                "target" | ".git" | ".ceiba" | ".aws-sam" | "node_modules" | ".hypothesis" | "__pycache__"
            ) {
                collect(&path, found);
            }
        } else if name != "Cargo.lock" && name != "LICENSE" {
            found.push(path);
        }
    }
}

/// `orders-api` as `OrdersApi`.
pub(crate) fn logical_id(function: &str) -> String {
    let capital = |part: &str| part[..1].to_uppercase() + &part[1..];
    function.split('-').map(capital).collect()
}

/// The Rust source of a function, all files together.
pub(crate) fn source(function: &str) -> String {
    let folder = root().join("functions").join(function).join("src");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}
