//! What only an emulator allows: its services spoken to directly, past the API.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{api::Client, stack::Stack};

/// Calls an AWS service that speaks JSON, such as `DynamoDB_20120810.Scan` of `dynamodb`.
pub fn call(stack: &Stack, service: &str, target: &str, body: &Value) -> Result<Value> {
    let endpoint = stack.endpoint.as_deref().context("this is done on an emulator only")?;
    let scope = format!("Credential=test/20260101/{}/{service}/aws4_request", stack.region);
    let reply = Client::new(endpoint)
        .request("POST", "/")
        // Emulators take any signature; the scope says which service is meant.
        .header("Authorization", &format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00"))
        .header("X-Amz-Target", target)
        .header("Content-Type", "application/x-amz-json-1.0")
        .bytes(body.to_string().into_bytes())
        .send()?;
    if !reply.is_success() {
        bail!("{target}: {reply}");
    }
    Ok(reply.body())
}

/// Every item of a table, as DynamoDB writes them (`{"pk": {"S": "…"}}`).
pub fn scan(stack: &Stack, table: &str) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut start = Value::Null;
    loop {
        let mut request = json!({ "TableName": stack.table(table)? });
        if !start.is_null() {
            request["ExclusiveStartKey"] = start;
        }
        let mut page = call(stack, "dynamodb", "DynamoDB_20120810.Scan", &request)?;
        items.extend(page["Items"].as_array_mut().map(std::mem::take).unwrap_or_default());
        start = page["LastEvaluatedKey"].take();
        if start.is_null() {
            return Ok(items);
        }
    }
}
