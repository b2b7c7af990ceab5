//! The REST paths of bulk loads of orders.

use std::sync::Arc;

use aws::{Queue, idempotency::Claim};
use foundation::{
    id::LoadId,
    permission::Permission,
    problem::{Fault, Malformed},
};
use jiff::Timestamp;
use lambda::http::{Call, MissingPermission, Reply};
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
struct LoadView {
    #[serde(flatten)]
    load: Load,
    upload: Option<UploadLink>,
    /// Where the file is that names each refused line.
    result_url: Option<String>,
}

/// A load writes orders of people all over the network, so one's own downline is not enough.
fn check_reach(call: &Call) -> Result<(), Fault> {
    let is_everywhere = call.caller()?.reach().any;
    if is_everywhere { Ok(()) } else { Err(MissingPermission(Permission::AnyPerson).into()) }
}

pub(crate) async fn create(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    check_reach(&call)?;
    let caller = call.caller()?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "create-order-load", &())?;
    let id: LoadId = lambda::new_id()
        .parse()
        .map_err(|error: foundation::id::InvalidId| Malformed::at("", error.to_string()))?;
    let upload = desk.loads.create(id, &caller.subject, &claim, call.received_at).await?;
    let location = format!("/order-loads/{}", upload.load.id);
    let link = UploadLink { url: upload.url, expires_at: upload.expires_at };
    Reply::created(location, &LoadView { load: upload.load, upload: Some(link), result_url: None })
}

pub(crate) async fn start(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    check_reach(&call)?;
    let (load, is_waiting) = desk.loads.start(&call.path("loadId")?).await?;
    if is_waiting {
        let turn = Turn { load: load.id.clone(), correlation: lambda::correlation() };
        desk.queue.send(serde_json::json!(turn).to_string()).await?;
    }
    let location = format!("/order-loads/{}", load.id);
    Reply::accepted(location, &LoadView { load, upload: None, result_url: None })
}

pub(crate) async fn show(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    check_reach(&call)?;
    let load = desk.loads.find(&call.path("loadId")?).await?;
    let result_url = desk.loads.result(&load).await?;
    Reply::ok(&LoadView { load, upload: None, result_url })
}
