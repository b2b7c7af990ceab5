//! Routes of the functions, paths of the OpenAPI file, permissions: one set.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::repository::{folders, logical_id, source, yaml};

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Operation {
    function: String,
    /// A permission's name, [`PUBLIC`] or [`TOKEN`].
    permission: String,
}

/// What anybody may call.
const PUBLIC: &str = "-";
/// What anybody with a valid token may call.
const TOKEN: &str = "(a token)";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// `.on(Method::Get, "/me", Access::Needs(Permission::NetworkRead), …)` in the functions' sources.
fn implemented() -> BTreeMap<String, Operation> {
    let names: BTreeMap<String, &str> = foundation::permission::Permission::ALL
        .iter()
        .map(|permission| (format!("{permission:?}"), permission.name()))
        .collect();
    let mut operations = BTreeMap::new();
    for function in folders("functions") {
        let text: String = source(&function).split_whitespace().collect();
        for call in text.split(".on(Method::").skip(1) {
            let (method, rest) =
                call.split_once(",\"").unwrap_or_else(|| panic!("{function}: a route's path is no literal"));
            let (path, rest) = rest.split_once("\",").unwrap();
            let permission = if rest.starts_with("Access::Public") {
                PUBLIC.to_owned()
            } else if rest.starts_with("Access::Authenticated") {
                TOKEN.to_owned()
            } else {
                let (_, rest) = rest
                    .split_once("Permission::")
                    .unwrap_or_else(|| panic!("{function} {path}: no permission"));
                let variant: String = rest.chars().take_while(|letter| letter.is_alphanumeric()).collect();
                names
                    .get(&variant)
                    .unwrap_or_else(|| panic!("{function} {path}: no permission {variant}"))
                    .to_string()
            };
            let operation = Operation { function: function.clone(), permission };
            let known = operations.insert(format!("{} {path}", method.to_lowercase()), operation);
            assert!(known.is_none(), "{method} {path} is served twice");
        }
    }
    operations
}

fn contracted() -> BTreeMap<String, Operation> {
    let functions: BTreeMap<String, String> =
        folders("functions").into_iter().map(|function| (logical_id(&function), function)).collect();
    let contract = yaml("infra/openapi.yaml");
    let mut operations = BTreeMap::new();
    for (path, methods) in contract["paths"].as_object().unwrap() {
        for (method, operation) in
            methods.as_object().unwrap().iter().filter(|(name, _)| METHODS.contains(&name.as_str()))
        {
            let uri =
                operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"].as_str().unwrap_or_default();
            let target = uri
                .split("/functions/${")
                .nth(1)
                .and_then(|rest| rest.split(".Arn}").next())
                .unwrap_or_default();
            let function =
                functions.get(target).unwrap_or_else(|| panic!("{method} {path}: no function {target:?}"));
            let is_public = operation["security"].as_array().is_some_and(Vec::is_empty);
            let permission = match operation["x-ceiba-permission"].as_str() {
                Some(_) if is_public => {
                    panic!("{method} {path}: `security: []` and a permission contradict each other")
                }
                Some(permission) => permission,
                None if is_public => PUBLIC,
                None => TOKEN,
            };
            let permission = permission.to_owned();
            operations
                .insert(format!("{method} {path}"), Operation { function: function.clone(), permission });
        }
    }
    operations
}

#[test]
fn what_is_contracted_is_implemented_by_the_same_function_under_the_same_permission() {
    assert_eq!(implemented(), contracted());
}

#[test]
fn every_operation_says_what_it_takes_gives_and_refuses() {
    let contract = yaml("infra/openapi.yaml");
    let mut wrong = Vec::new();
    let mut names = BTreeSet::new();
    for (path, methods) in contract["paths"].as_object().unwrap() {
        for (method, operation) in
            methods.as_object().unwrap().iter().filter(|(name, _)| METHODS.contains(&name.as_str()))
        {
            let here = format!("{method} {path}");
            for member in ["operationId", "summary", "tags", "responses"] {
                if operation.get(member).is_none() {
                    wrong.push(format!("{here}: no {member}"));
                }
            }
            if !names.insert(operation["operationId"].to_string()) {
                wrong.push(format!("{here}: its operationId is used twice"));
            }
            let responses = operation["responses"].as_object().cloned().unwrap_or_default();
            if operation.get("x-ceiba-permission").is_some()
                && !(responses.contains_key("401") && responses.contains_key("403"))
            {
                wrong.push(format!("{here}: a 401 and a 403 are possible and not said"));
            }
            if path.contains('{') {
                let declared = declared_parameters(&contract, methods, operation);
                for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                    if !declared.contains(part) {
                        wrong.push(format!("{here}: {part} is not declared"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn declared_parameters(contract: &Value, path: &Value, operation: &Value) -> BTreeSet<String> {
    let lists = [&path["parameters"], &operation["parameters"]];
    let parameters = lists.into_iter().filter_map(Value::as_array).flatten();
    parameters
        .map(|parameter| match parameter["$ref"].as_str() {
            Some(reference) => contract.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null),
            None => parameter,
        })
        .map(|parameter| parameter["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The permissions table, to be read as a diff when it changes.
#[test]
fn the_table_of_operations_is_the_reviewed_one() {
    let rows = contracted().into_iter().map(|(operation, Operation { function, permission })| {
        format!("{operation} | {permission} | {function}\n")
    });
    crate::golden::compare("docs/operations.txt", &rows.collect::<String>());
}
