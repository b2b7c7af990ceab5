//! Registrations over REST.

use std::sync::Arc;

use access::{Configuration, Settings};
use aws::idempotency::Claim;
use foundation::{
    problem::{Fault, Malformed},
    reach::Reach,
};
use lambda::http::{Call, Reply};
use network::{
    Entry, Kind, People, Receipt, Registration, RegistrationError, Request, placing::Defaults, registration,
};
use serde_json::Value;

/// People, and the settings that say what a registration leaves open.
pub(crate) struct Desk {
    pub(crate) people: People,
    pub(crate) configuration: Configuration,
}

pub(crate) async fn register(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let body: Value = call.body()?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "register", &body)?;
    let registration = Entry::read(&body, registration::BACK_OFFICE)?;
    let settings = desk.configuration.settings().await?;
    let request = request(&call, Some(caller.reach()), claim, &settings);
    created(&desk.people.register(&registration, &request).await?)
}

pub(crate) async fn register_publicly(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let body: Value = call.body()?;
    let claim = Claim::new("public", call.idempotency_key()?, "register-publicly", &body)?;
    let registration = Entry::read(&body, registration::PUBLIC)?;
    let settings = desk.configuration.settings().await?;
    check_rules(&registration, &settings)?;
    let request = request(&call, None, claim, &settings);
    created(&desk.people.register(&registration, &request).await?)
}

/// Whether the company takes this registration from a public page.
fn check_rules(registration: &Registration, settings: &Settings) -> Result<(), Fault> {
    let kind = match registration.kind {
        Kind::Consultant => "consultant",
        Kind::Customer => "customer",
    };
    if !settings.registration.is_public || !settings.registration.public_kinds.contains(kind) {
        return Err(RegistrationError::NotPublic.into());
    }
    if registration.sponsor.is_none() {
        return Err(Malformed::at("/sponsor", "is required").into());
    }
    Ok(())
}

fn request(call: &Call, reach: Option<Reach>, claim: Claim, settings: &Settings) -> Request {
    Request {
        reach,
        claim,
        fresh: lambda::new_id(),
        defaults: Defaults {
            currency: settings.base_currency,
            locale: settings.locale,
            today: settings.today(call.received_at),
        },
        now: call.received_at,
        correlation: lambda::correlation(),
    }
}

fn created(receipt: &Receipt) -> Result<Reply, Fault> {
    Reply::created(format!("/people/{}", receipt.id), receipt)
}
