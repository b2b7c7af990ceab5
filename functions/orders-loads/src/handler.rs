//! The REST paths of bulk loads of orders.

use std::sync::Arc;

use aws::{Queue, idempotency::Claim};
use foundation::{
    id::LoadId,
    problem::{Fault, Malformed},
};
use jiff::Timestamp;
use lambda::http::{Call, Reply};
use orders::{
    load::{Load, Turn},
    store::loads::Loads,
};
use serde::Serialize;

/// What the paths share.
pub(crate) struct Desk {
    pub(crate) loads: Loads,
    pub(crate) queue: Queue,
}

#[derive(Serialize)]
struct UploadLink {
    url: String,
    expires_at: Timestamp,
}

#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    load: Load,
    upload: UploadLink,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    load: Load,
    /// A short-lived link to the refused lines, once the load is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    result_url: Option<String>,
}

pub(crate) async fn create(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "create-order-load", &())?;
    let id: LoadId = lambda::new_id()
        .parse()
        .map_err(|error: foundation::id::InvalidId| Malformed::at("", error.to_string()))?;
    let upload = desk.loads.create(id, &caller.subject, &claim, call.received_at).await?;
    let link = UploadLink { url: upload.url, expires_at: upload.expires_at };
    Reply::created(format!("/order-loads/{}", upload.load.id), &Created { load: upload.load, upload: link })
}

pub(crate) async fn start(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let (load, is_waiting) = desk.loads.start(&call.path("loadId")?).await?;
    if is_waiting {
        let turn = Turn { load: load.id.clone(), correlation: lambda::correlation() };
        desk.queue.send(serde_json::json!(turn).to_string()).await?;
    }
    Reply::accepted(format!("/order-loads/{}", load.id), &load)
}

pub(crate) async fn show(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let load = desk.loads.find(&call.path("loadId")?).await?;
    let result_url = desk.loads.result(&load).await?;
    Reply::ok(&Shown { load, result_url })
}
