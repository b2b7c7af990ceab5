//! The template: least privilege, dead letters, retention, encryption.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::repository::{source, yaml};

fn resources() -> Map<String, Value> {
    yaml("template.yaml")["Resources"].as_object().unwrap().clone()
}

fn of_type(kind: &str) -> BTreeMap<String, Value> {
    resources().into_iter().filter(|(_, resource)| resource["Type"] == kind).collect()
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        single => vec![single.clone()],
    }
}

/// (function, action, resource) of every policy statement.
fn grants() -> Vec<(String, String, String)> {
    let mut grants = Vec::new();
    for (function, resource) in of_type("AWS::Serverless::Function") {
        for policy in list(&resource["Properties"]["Policies"]) {
            assert!(policy.is_object(), "{function}: a managed policy grants more than it needs: {policy}");
            for statement in list(&policy["Statement"]) {
                for action in list(&statement["Action"]) {
                    for target in list(&statement["Resource"]) {
                        grants.push((
                            function.clone(),
                            action.as_str().unwrap().to_owned(),
                            target.to_string(),
                        ));
                    }
                }
            }
        }
    }
    grants
}

#[test]
fn no_policy_allows_more_than_it_names() {
    let wrong: Vec<_> = grants()
        .into_iter()
        .filter(|(_, action, target)| action.contains('*') || target == "\"*\"")
        // SES identities cannot be named before they exist; sending is bound to the sender by a condition.
        .filter(|(_, action, _)| action != "ses:SendEmail")
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_permissions_table_is_the_reviewed_one() {
    let mut rows: Vec<_> = grants()
        .into_iter()
        .map(|(function, action, target)| format!("{function} | {action} | {target}\n"))
        .collect();
    rows.sort();
    rows.dedup();
    crate::golden::compare("docs/permissions.txt", &rows.concat());
}

#[test]
fn every_queue_has_a_dead_letter_queue_that_somebody_watches() {
    let queues = of_type("AWS::SQS::Queue");
    let alarms = of_type("AWS::CloudWatch::Alarm");
    for (name, queue) in &queues {
        if name.ends_with("DeadLetters") {
            let watched = alarms.values().any(|alarm| {
                alarm["Properties"]["Dimensions"].to_string().contains(&format!("\"{name}.QueueName\""))
                    || alarm["Properties"]["Dimensions"]
                        .to_string()
                        .contains(&format!("\"{name}\",\"QueueName\""))
            });
            assert!(watched, "no alarm watches {name}");
            continue;
        }
        let redrive = &queue["Properties"]["RedrivePolicy"];
        assert!(
            redrive["maxReceiveCount"].as_u64().is_some_and(|count| (2..=10).contains(&count)),
            "{name}: {redrive}"
        );
        assert!(
            redrive["deadLetterTargetArn"].to_string().contains(&format!("{name}DeadLetters")),
            "{name}: {redrive}"
        );
    }
}

#[test]
fn a_queues_messages_stay_hidden_for_longer_than_their_consumer_may_take() {
    let queues = of_type("AWS::SQS::Queue");
    for (function, resource) in of_type("AWS::Serverless::Function") {
        let timeout = resource["Properties"]["Timeout"].as_u64().unwrap_or(15);
        for (_, event) in resource["Properties"]["Events"].as_object().into_iter().flatten() {
            if event["Type"] == "SQS" || event["Type"] == "DynamoDB" {
                let answers = list(&event["Properties"]["FunctionResponseTypes"]);
                assert!(
                    answers.iter().any(|answer| answer == "ReportBatchItemFailures"),
                    "{function} reports no single failures"
                );
            }
            if event["Type"] == "SQS" {
                let target = event["Properties"]["Queue"].to_string();
                let queue = queues.iter().find(|(name, _)| {
                    target.contains(&format!("\"{name}\"")) || target.contains(&format!("\"{name}.Arn\""))
                });
                let (name, queue) = queue.unwrap_or_else(|| panic!("{function}: no queue {target}"));
                let hidden = queue["Properties"]["VisibilityTimeout"].as_u64().unwrap_or(30);
                assert!(
                    hidden >= 6 * timeout,
                    "{name}: hidden for {hidden} s, {function} may take {timeout} s"
                );
            }
        }
    }
}

#[test]
fn every_table_can_be_protected_restored_and_encrypted_by_parameters() {
    for (name, table) in of_type("AWS::DynamoDB::Table") {
        let properties = &table["Properties"];
        assert_eq!(properties["DeletionProtectionEnabled"]["Ref"], "DeletionProtection", "{name}");
        let restore = &properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
        assert_eq!(restore["Ref"], "PointInTimeRecovery", "{name}");
        assert!(properties["SSESpecification"].to_string().contains("EncryptionKeyArn"), "{name}");
        assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST", "{name}");
    }
}

#[test]
fn buckets_are_private_and_encrypted() {
    for (name, bucket) in of_type("AWS::S3::Bucket") {
        let properties = &bucket["Properties"];
        let block = &properties["PublicAccessBlockConfiguration"];
        for member in ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] {
            assert_eq!(block[member], true, "{name}: {member}");
        }
        assert!(properties.get("BucketEncryption").is_some(), "{name} is not encrypted");
    }
}

#[test]
fn every_function_keeps_its_log_for_the_configured_time() {
    let groups = of_type("AWS::Logs::LogGroup");
    for function in of_type("AWS::Serverless::Function").keys() {
        let group = groups
            .get(&format!("{function}LogGroup"))
            .unwrap_or_else(|| panic!("{function} has no log group"));
        assert_eq!(group["Properties"]["RetentionInDays"]["Ref"], "LogRetentionDays", "{function}");
    }
}

/// A variable that no code reads is a privilege nobody needs; one that is not set stops the function at its start.
#[test]
fn a_function_has_a_policy_for_each_table_it_is_told_of() {
    let grants = grants();
    for (function, resource) in of_type("AWS::Serverless::Function") {
        for (variable, value) in
            resource["Properties"]["Environment"]["Variables"].as_object().into_iter().flatten()
        {
            let Some(table) = value["Ref"].as_str().filter(|name| name.ends_with("Table")) else { continue };
            let granted = grants.iter().any(|(holder, action, target)| {
                *holder == function && action.starts_with("dynamodb:") && target.contains(table)
            });
            assert!(granted, "{function} is told of {table} ({variable}) and may not use it");
        }
    }
}

#[test]
fn what_is_served_to_the_public_is_served_by_functions_that_the_api_may_call() {
    let permissions = of_type("AWS::Lambda::Permission");
    for function in of_type("AWS::Serverless::Function").keys() {
        let folder = crate::repository::folders("functions")
            .into_iter()
            .find(|folder| crate::repository::logical_id(folder) == *function)
            .unwrap();
        if !source(&folder).contains("Routes::over") {
            continue;
        }
        let allowed = permissions.values().any(|permission| {
            permission["Properties"]["FunctionName"].to_string().contains(&format!("\"{function}\""))
                || permission["Properties"]["FunctionName"]
                    .to_string()
                    .contains(&format!("\"{function}.Arn\""))
        });
        assert!(allowed, "the API may not call {function}");
    }
}
