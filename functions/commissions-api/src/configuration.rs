//! Plans and processes.

use std::sync::Arc;

use aws::idempotency::Claim;
use commissions::{
    plans::{PlanName, PlanVersion},
    process::Configuration,
};
use foundation::problem::{Fault, Malformed};
use lambda::http::{Call, Reply};
use serde::Serialize;
use serde_json::Value;

use crate::shop::{Listed, Shop};

/// A version of a plan with its document.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    version: PlanVersion,
    document: Value,
}

/// The name a plan is kept under: the one the caller gives, or one made of the plan's Spanish title.
fn name_of(call: &Call, document: &Value) -> Result<PlanName, Malformed> {
    if let Some(name) = call.query("name")? {
        return Ok(name);
    }
    let title = document.pointer("/name/es").and_then(Value::as_str).unwrap_or("plan");
    PlanName::of_title(title).map_err(|error| Malformed::at("/name/es", error.to_string()))
}

pub(crate) async fn save_plan(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let document: Value = call.body()?;
    let name = name_of(&call, &document)?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "save-plan", &(&name, &document))?;
    let document = document.to_string();
    let saved = shop.store.save_plan(name, &document, &claim, &caller.subject, call.received_at).await?;
    Reply::created(format!("/plans/{}/{}", saved.name, saved.version), &saved)
}

pub(crate) async fn plans(shop: Arc<Shop>, _call: Call) -> Result<Reply, Fault> {
    Reply::ok(&Listed { items: shop.store.plan_versions(None).await?, next: None })
}

pub(crate) async fn plan(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let version = shop.store.plan_version(&call.path("planName")?, call.path("planVersion")?).await?;
    let document = shop.store.plan_document(&version.hash).await?;
    let document = serde_json::from_slice(&document).unwrap_or_default();
    Reply::ok(&Shown { version, document })
}

pub(crate) async fn publish(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let (name, version) = (call.path("planName")?, call.path("planVersion")?);
    Reply::ok(&shop.store.publish_plan(&name, version, call.received_at).await?)
}

pub(crate) async fn retire(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let (name, version) = (call.path("planName")?, call.path("planVersion")?);
    Reply::ok(&shop.store.retire_plan(&name, version, call.received_at).await?)
}

pub(crate) async fn processes(shop: Arc<Shop>, _call: Call) -> Result<Reply, Fault> {
    Reply::ok(&Listed { items: shop.store.processes().await?, next: None })
}

pub(crate) async fn configure(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let configuration: Configuration = call.body()?;
    Reply::ok(&shop.store.configure(call.path("processId")?, configuration).await?)
}
