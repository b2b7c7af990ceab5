//! The REST paths of payables and payment files.

use std::sync::Arc;

use aws::{Queue, idempotency::Claim};
use foundation::{
    id::{LoadId, RunId},
    permission::Permission,
    problem::Fault,
};
use lambda::http::{Call, Caller, MissingPermission, Reply};
use payouts::{
    payable::{Payable, PayableId},
    store::{Actor, Payouts, Turn},
    summary::PayoutSummary,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the paths share.
pub(crate) struct Treasury {
    pub(crate) payouts: Payouts,
    pub(crate) started: Queue,
}

#[derive(Serialize)]
struct Listed {
    summary: PayoutSummary,
    items: Vec<Payable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewHold {
    reason: String,
}

pub(crate) async fn payables(treasury: Arc<Treasury>, call: Call) -> Result<Reply, Fault> {
    of_the_company(&call)?;
    let run: RunId = call.path("runId")?;
    let cursor = call.query::<String>("cursor")?;
    let page = treasury.payouts.of_run(&run, call.limit()?, cursor.as_deref()).await?;
    let summary = treasury.payouts.summary(&run).await?;
    Reply::ok(&Listed { summary, items: page.items, next: page.next })
}

pub(crate) async fn treasury_file(treasury: Arc<Treasury>, call: Call) -> Result<Reply, Fault> {
    of_the_company(&call)?;
    Reply::ok(&treasury.payouts.treasury_link(&call.path("runId")?, call.received_at).await?)
}

pub(crate) async fn hold(treasury: Arc<Treasury>, call: Call) -> Result<Reply, Fault> {
    let caller = of_the_company(&call)?;
    let id: PayableId = call.path("payableId")?;
    let new: NewHold = call.body()?;
    let operation = format!("hold {id}");
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, &operation, &new)?;
    let (turn, actor) = (Turn::Hold(&new.reason), actor(caller, &call));
    Reply::ok(&treasury.payouts.turn_once(&id, turn, actor, &claim).await?)
}

pub(crate) async fn release(treasury: Arc<Treasury>, call: Call) -> Result<Reply, Fault> {
    let caller = of_the_company(&call)?;
    let id: PayableId = call.path("payableId")?;
    let operation = format!("release {id}");
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, &operation, &())?;
    Reply::ok(&treasury.payouts.turn_once(&id, Turn::Release, actor(caller, &call), &claim).await?)
}

pub(crate) async fn expect_file(treasury: Arc<Treasury>, call: Call) -> Result<Reply, Fault> {
    let caller = of_the_company(&call)?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "expect payment file", &())?;
    let expected = treasury.payouts.expect_file(lambda::new_id(), actor(caller, &call), &claim).await?;
    Reply::created(format!("/payment-files/{}", expected.file.id), &expected)
}

pub(crate) async fn start_file(treasury: Arc<Treasury>, call: Call) -> Result<Reply, Fault> {
    let caller = of_the_company(&call)?;
    let id: LoadId = call.path("fileId")?;
    let file = treasury.payouts.start_file(id.as_str(), actor(caller, &call)).await?;
    // After the state: if this fails the caller starts the file again.
    let message = json!({ "file": file.id, "correlation": lambda::correlation() });
    treasury.started.send(message.to_string()).await?;
    Reply::accepted(format!("/payment-files/{}", file.id), &file)
}

pub(crate) async fn show_file(treasury: Arc<Treasury>, call: Call) -> Result<Reply, Fault> {
    of_the_company(&call)?;
    let id: LoadId = call.path("fileId")?;
    Reply::ok(&treasury.payouts.show_file(id.as_str(), call.received_at).await?)
}

/// Payables of a run are those of everybody: only callers who reach everybody may see and turn them.
fn of_the_company(call: &Call) -> Result<&Caller, Fault> {
    let caller = call.caller()?;
    if caller.reach().any { Ok(caller) } else { Err(MissingPermission(Permission::AnyPerson).into()) }
}

fn actor<'a>(caller: &'a Caller, call: &Call) -> Actor<'a> {
    Actor { by: &caller.subject, at: call.received_at }
}
