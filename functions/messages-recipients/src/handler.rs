//! From a campaign to its recipients, in the background.

use std::{collections::BTreeSet, sync::Arc};

use aws::Queue;
use foundation::{
    id::{CampaignId, PersonId},
    problem::Fault,
};
use lambda::queue::Message;
use messages::{
    Messages,
    campaign::Campaign,
    filter::{Candidate, Kind, Status},
    pace,
    work::{Addressing, Batch},
};
use network::{People, person};

/// Recipients that are written down and queued at a time.
const PORTION: usize = 500;

/// What the work needs.
pub(crate) struct Register {
    pub(crate) people: People,
    pub(crate) messages: Messages,
    pub(crate) letters: Queue,
    pub(crate) workers: u16,
}

pub(crate) async fn handle(register: Arc<Register>, message: Message) -> Result<(), Fault> {
    match message.read()? {
        Addressing::Campaign { campaign } => address(&register, &campaign).await,
        Addressing::Tick { .. } => {
            let started = register.messages.start_due(lambda::now(), &lambda::correlation()).await?;
            lambda::telemetry::count("CampaignsStarted", u64::try_from(started).unwrap_or_default(), &[]);
            Ok(())
        }
    }
}

/// Done twice it finds the same people, keeps the results there are, and queues letters that find their result.
async fn address(register: &Register, id: &CampaignId) -> Result<(), Fault> {
    let campaign = register.messages.campaign(id).await?;
    let rate = register.messages.settings().await?.letters_per_second;
    let found = admitted(register, &campaign).await?;
    for portion in found.chunks(PORTION) {
        register.messages.add_recipients(id, portion, lambda::now()).await?;
        let bodies = portion.chunks(pace::batch(rate, register.workers)).map(|people| body(id, people));
        register.letters.send_many(bodies.collect::<Result<_, _>>()?).await?;
    }
    register.messages.addressed(id, found.len()).await?;
    Ok(())
}

async fn admitted(register: &Register, campaign: &Campaign) -> Result<Vec<PersonId>, Fault> {
    let reach = campaign.reach();
    let mut found = Vec::new();
    register
        .people
        .export(&mut |person| {
            if campaign.filter.admits(&candidate(&person), &reach) {
                found.push(person.id);
            }
        })
        .await?;
    Ok(found)
}

fn candidate(person: &person::Person) -> Candidate<'_> {
    Candidate {
        id: &person.id,
        kind: match person.kind {
            person::Kind::Consultant => Kind::Consultant,
            person::Kind::Customer => Kind::Customer,
        },
        status: match person.status {
            person::Status::Active => Status::Active,
            person::Status::Inactive => Status::Inactive,
            person::Status::Terminated => Status::Terminated,
        },
        country: person.country.code(),
        zone: person.zone.as_deref(),
        tags: person.tags.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        upline: &person.upline,
    }
}

fn body(campaign: &CampaignId, people: &[PersonId]) -> Result<String, Fault> {
    let batch =
        Batch { campaign: campaign.clone(), people: people.to_vec(), correlation: lambda::correlation() };
    Ok(batch.text()?)
}
