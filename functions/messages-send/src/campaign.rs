//! Letters of campaigns, one after the other at their pace.

use std::{collections::BTreeMap, time::Duration};

use foundation::{id::PersonId, problem::Fault};
use messages::{
    address::Address,
    campaign::{self, Campaign},
    pace,
    sender::Outgoing,
    settings::Settings,
    store::{LetterKey, Outcome},
    template::{MailTemplate, Rendered, Variables},
    unsubscribe::Leave,
    work::Batch,
};
use network::person::Person;

use crate::handler::{Post, count};

/// Sends the letters of a batch that have no result yet. If one has to wait the message comes again and passes over the others.
pub(crate) async fn send(post: &Post, batch: Batch) -> Result<(), Fault> {
    let campaign = post.messages.campaign(&batch.campaign).await?;
    let settings = post.messages.settings().await?;
    let waiting = post.messages.waiting(&campaign.id, &batch.people).await?;
    let ids: Vec<PersonId> = waiting.iter().cloned().collect();
    let people = post.people.find_many(&ids).await?;
    let mut people: BTreeMap<PersonId, Person> =
        people.into_iter().map(|person| (person.id.clone(), person)).collect();
    let gap = pace::gap(settings.letters_per_second, post.workers);
    let mut fault = None;
    for id in waiting {
        match one(post, &campaign, &settings, &id, people.remove(&id)).await {
            Ok(outcome) => {
                count(outcome.as_ref());
                pause_after(outcome.as_ref(), gap).await;
            }
            // The service takes nothing now: the rest of the batch would fare no better.
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    fault.map_or(Ok(()), Err)
}

async fn one(
    post: &Post,
    campaign: &Campaign,
    settings: &Settings,
    id: &PersonId,
    person: Option<Person>,
) -> Result<Option<Outcome>, Fault> {
    let key = LetterKey::Recipient(campaign.id.clone(), id.clone());
    let now = lambda::now();
    let addressed = person.and_then(|person| Some((person.email.parse::<Address>().ok()?, person)));
    let Some((address, person)) = addressed else { return failed(post, &key, "no-address").await };
    // A text that breaks on one person's values would break each time: the others must not wait for it.
    let Ok(content) = rendered(post, campaign, settings, &person, &address) else {
        return failed(post, &key, "template").await;
    };
    let claim = lambda::new_id();
    let letter = Outgoing { key: &key, person: Some(id), address: &address, content, claim: &claim, now };
    Ok(post.sender.send(letter).await?)
}

async fn failed(post: &Post, key: &LetterKey, reason: &str) -> Result<Option<Outcome>, Fault> {
    let outcome = Outcome::Failed(reason.to_owned());
    let is_new = post.messages.settle(key, None, &outcome, lambda::now()).await?;
    Ok(is_new.then_some(outcome))
}

fn rendered(
    post: &Post,
    campaign: &Campaign,
    settings: &Settings,
    person: &Person,
    address: &Address,
) -> Result<Rendered, Fault> {
    let token = post.link_key.token(&Leave { address: address.clone(), campaign: campaign.id.clone() })?;
    let (locale, content) =
        campaign.text(person.locale).ok_or(foundation::problem::NotFound("campaign text"))?;
    let language = if locale == foundation::locale::Locale::En { "en" } else { "es" };
    let base = post.base.trim_end_matches('/');
    let variables = Variables::from([
        ("company".to_owned(), settings.company.as_str().into()),
        ("country".to_owned(), person.country.code().into()),
        ("name".to_owned(), person.name.as_str().into()),
        ("number".to_owned(), person.id.as_str().into()),
        ("zone".to_owned(), person.zone.as_deref().unwrap_or_default().into()),
        (
            "unsubscribe_link".to_owned(),
            format!("{base}/public/unsubscribe?token={token}&locale={language}").into(),
        ),
    ]);
    let frame = campaign::fill(content, &variables)?;
    Ok(post.templates.render(MailTemplate::Campaign, locale, &frame)?)
}

/// Only what the mail service saw counts for its rate.
async fn pause_after(outcome: Option<&Outcome>, gap: Duration) {
    if matches!(outcome, Some(Outcome::Sent(_) | Outcome::Failed(_))) {
        tokio::time::sleep(gap).await;
    }
}
