//! The REST paths of campaigns and mail settings.

use std::sync::Arc;

use aws::idempotency::Claim;
use foundation::{
    id::CampaignId,
    problem::{Fault, Malformed, NotFound},
    reach::Reach,
};
use lambda::http::{Call, Caller, Reply};
use messages::{
    Messages,
    campaign::{self, Campaign, NewCampaign},
    settings::Settings,
    template::Templates,
    unsubscribe::LinkKey,
};
use network::People;
use serde::Serialize;

/// What the paths share.
pub(crate) struct Office {
    pub(crate) people: People,
    pub(crate) messages: Messages,
    pub(crate) link_key: LinkKey,
    pub(crate) templates: Templates,
}

/// A page of a listing.
#[derive(Serialize)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

pub(crate) async fn settings(office: Arc<Office>, _call: Call) -> Result<Reply, Fault> {
    Reply::ok(&office.messages.settings().await?)
}

pub(crate) async fn put_settings(office: Arc<Office>, call: Call) -> Result<Reply, Fault> {
    Reply::ok(&office.messages.put_settings(call.body::<Settings>()?).await?)
}

pub(crate) async fn create(office: Arc<Office>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let new: NewCampaign = call.body()?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "create-campaign", &new)?;
    let reach: Reach = caller.reach();
    if let Some(root) = &new.filter.under {
        office.people.reachable(&reach, root).await?;
    }
    let id = lambda::new_id().parse().map_err(|_| Malformed::at("", "no id could be made"))?;
    let campaign = campaign::create(new, id, &caller.subject, &reach, call.received_at)?;
    let campaign = office.messages.create_once(campaign, &claim, &lambda::correlation()).await?;
    Reply::accepted(format!("/campaigns/{}", campaign.id), &campaign.shown())
}

pub(crate) async fn show(office: Arc<Office>, call: Call) -> Result<Reply, Fault> {
    let campaign = seen_by(&office, call.caller()?, &call.path("campaignId")?).await?;
    Reply::ok(&campaign.shown())
}

pub(crate) async fn recipients(office: Arc<Office>, call: Call) -> Result<Reply, Fault> {
    let campaign = seen_by(&office, call.caller()?, &call.path("campaignId")?).await?;
    let cursor = call.query::<String>("cursor")?;
    let (items, next) = office.messages.recipients(&campaign.id, call.limit()?, cursor.as_deref()).await?;
    Reply::ok(&Listed { items, next })
}

/// A campaign is shown to who made it and to those who reach everybody.
async fn seen_by(office: &Office, caller: &Caller, id: &CampaignId) -> Result<Campaign, Fault> {
    let campaign = office.messages.campaign(id).await?;
    if caller.reach().any || campaign.created_by == caller.subject {
        return Ok(campaign);
    }
    Err(NotFound("campaign").into())
}
