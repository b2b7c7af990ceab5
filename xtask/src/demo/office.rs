//! The people of the back office who run the demo, each with the role they need.

use std::time::Duration;

use anyhow::{Context, Result};
use jiff::SignedDuration;
use serde_json::Value;
use testkit::{
    api::{Client, Reply, until},
    stack::Stack,
};

use crate::issuer;

const PATIENCE: Duration = Duration::from_mins(15);
const STEP: Duration = Duration::from_millis(500);

pub(super) struct Office {
    /// Configures, loads, reads everything.
    pub(super) admin: Client,
    /// Runs and approves commissions.
    pub(super) commercial: Client,
    /// Pays them.
    pub(super) treasury: Client,
}

impl Office {
    pub(super) fn open(stack: &Stack) -> Result<Self> {
        let client = |role: &str| {
            let token = issuer::token(stack, role, None, SignedDuration::from_hours(2))?;
            anyhow::Ok(Client::new(&stack.api_url).with_token(&token))
        };
        Ok(Self {
            admin: client("company-admin")?,
            commercial: client("commercial")?,
            treasury: client("treasury")?,
        })
    }
}

/// Posts under a key that is the same in every demo of this stack, so that nothing is made twice.
pub(super) fn post(client: &Client, path: &str, key: &str, body: &Value) -> Result<Reply> {
    client.request("POST", path).idempotency_key(key).json(body)?.send()
}

/// Reads `path` until `fits` gives something.
pub(super) fn await_body<T>(
    client: &Client,
    path: &str,
    fits: impl Fn(&Value) -> Result<Option<T>>,
) -> Result<T> {
    until(path, PATIENCE, STEP, || {
        let body: Value = client.get(path)?.success()?;
        fits(&body)
    })
}

/// Every item of a listing, page after page.
pub(super) fn all(client: &Client, path: &str) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = match &cursor {
            None => format!("{path}{sign}limit=100"),
            Some(cursor) => format!("{path}{sign}limit=100&cursor={cursor}"),
        };
        let mut body: Value = client.get(&page)?.success()?;
        let found = body["items"].as_array_mut().with_context(|| format!("{path} is no listing"))?;
        items.append(found);
        match body["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(items),
        }
    }
}

/// A member of a body that has to be a text.
pub(super) fn text(body: &Value, pointer: &str) -> Result<String> {
    let found = body.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("the answer has no text at {pointer}: {body}"))?.to_owned())
}
