//! Bulk loads over REST.

use std::sync::Arc;

use access::Configuration;
use aws::{Queue, idempotency::Claim};
use foundation::{
    id::{InvalidId, LoadId},
    permission::Permission,
    problem::{Fault, Kind, Problem},
};
use jiff::Timestamp;
use lambda::http::{Call, MissingPermission, Reply};
use network::{Load, Loads, placing::Defaults};
use serde::{Deserialize, Serialize};

/// Loads, the settings that say what their lines leave open, and the queue of those that were started.
pub(crate) struct Desk {
    pub(crate) loads: Loads,
    pub(crate) configuration: Configuration,
    pub(crate) queue: Queue,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLoad {
    #[serde(default)]
    announce: bool,
}

#[derive(Serialize)]
struct Upload {
    url: String,
    expires_at: Timestamp,
}

#[derive(Serialize)]
struct LoadView {
    #[serde(flatten)]
    load: Load,
    upload: Option<Upload>,
    /// Where the file is that names each refused line.
    result_url: Option<String>,
}

/// An id of ours that is none.
#[derive(Debug, thiserror::Error)]
#[error("a made id is unsound")]
struct UnsoundId(#[from] InvalidId);

impl Problem for UnsoundId {
    fn kind(&self) -> Kind {
        Kind::Internal
    }
    fn code(&self) -> &'static str {
        "platform.id"
    }
}

/// A load writes people all over the network, so one's own downline is not enough.
fn check_reach(call: &Call) -> Result<(), Fault> {
    let is_everywhere = call.caller()?.reach().any;
    if is_everywhere { Ok(()) } else { Err(MissingPermission(Permission::AnyPerson).into()) }
}

pub(crate) async fn create(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    check_reach(&call)?;
    let by = &call.caller()?.subject;
    let new: NewLoad = call.body()?;
    let claim = Claim::new(by, call.idempotency_key()?, "people-load", &new)?;
    let settings = desk.configuration.settings().await?;
    let today = settings.today(call.received_at);
    let defaults = Defaults { currency: settings.base_currency, locale: settings.locale, today };
    let id: LoadId = lambda::new_id().parse().map_err(UnsoundId)?;
    let made = desk.loads.create(id, by, new.announce, defaults, &claim, call.received_at).await?;
    let location = format!("/people-loads/{}", made.load.id);
    let upload = Some(Upload { url: made.url, expires_at: made.expires_at });
    Reply::created(location, &LoadView { load: made.load, upload, result_url: None })
}

pub(crate) async fn start(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    check_reach(&call)?;
    let (load, must_queue) = desk.loads.start(&call.path("loadId")?).await?;
    if must_queue {
        let message = serde_json::json!({ "load": load.id, "correlation": lambda::correlation() });
        desk.queue.send(message.to_string()).await?;
    }
    let location = format!("/people-loads/{}", load.id);
    Reply::accepted(location, &LoadView { load, upload: None, result_url: None })
}

pub(crate) async fn show(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    check_reach(&call)?;
    let load = desk.loads.find(&call.path("loadId")?).await?;
    let result_url = desk.loads.result(&load).await?;
    Reply::ok(&LoadView { load, upload: None, result_url })
}
