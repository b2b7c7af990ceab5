//! Cycles over REST.

use std::sync::Arc;

use access::Configuration;
use calendar::{Calendar, Cycle, Draft};
use foundation::{
    id::CycleId,
    problem::{Fault, NotFound},
};
use lambda::http::{Call, Reply};
use serde::Serialize;

/// Cycles, and the settings that say in which time zone their days are and in which currency their rates end.
pub(crate) struct Desk {
    pub(crate) calendar: Calendar,
    pub(crate) configuration: Configuration,
}

#[derive(Serialize)]
struct Cycles {
    items: Vec<Cycle>,
    next: Option<String>,
}

pub(crate) async fn list(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let calendar: Option<String> = call.query("calendar")?;
    let items = desk.calendar.list(calendar.as_deref().unwrap_or(Calendar::COMMERCIAL)).await?;
    Reply::ok(&Cycles { items, next: None })
}

pub(crate) async fn show(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let id: CycleId = call.path("cycleId")?;
    Reply::ok(&desk.calendar.find(&id).await?.ok_or(NotFound("cycle"))?)
}

pub(crate) async fn put(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let id: CycleId = call.path("cycleId")?;
    let draft: Draft = call.body()?;
    let settings = desk.configuration.settings().await?;
    Reply::ok(&desk.calendar.put(&id, draft, settings.base_currency, &settings.zone()).await?)
}
