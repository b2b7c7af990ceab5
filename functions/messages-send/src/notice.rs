//! Letters that facts ask for.

use std::collections::BTreeMap;

use foundation::{id::PersonId, locale::Locale, problem::Fault};
use messages::{
    address::Address,
    notice::{Audience, Notice},
    sender::Outgoing,
    settings::Settings,
    store::LetterKey,
};

use crate::handler::{Post, count};

/// Somebody a notice goes to.
struct Reader {
    person: Option<PersonId>,
    name: String,
    locale: Locale,
}

/// Sends the notice to each of its addresses. If one of them has to wait the message comes again; the others have their results then.
pub(crate) async fn send(post: &Post, notice: &Notice) -> Result<(), Fault> {
    let settings = post.messages.settings().await?;
    let mut waiting = None;
    for (address, reader) in readers(post, &notice.audience, &settings).await? {
        let variables = notice.variables(&reader.name, reader.locale, &settings, &post.base);
        let content = post.templates.render(notice.template, reader.locale, &variables)?;
        let key = LetterKey::Notice(notice.fact.clone(), address.clone());
        let (claim, now) = (lambda::new_id(), lambda::now());
        let letter = Outgoing {
            key: &key,
            person: reader.person.as_ref(),
            address: &address,
            content,
            claim: &claim,
            now,
        };
        match post.sender.send(letter).await {
            Ok(outcome) => count(outcome.as_ref()),
            Err(error) => waiting = Some(error),
        }
    }
    waiting.map_or(Ok(()), |error| Err(error.into()))
}

async fn readers(
    post: &Post,
    audience: &Audience,
    settings: &Settings,
) -> Result<BTreeMap<Address, Reader>, Fault> {
    Ok(match audience {
        Audience::Known { person, name, address, locale } => {
            let reader = Reader { person: Some(person.clone()), name: name.clone(), locale: *locale };
            address.parse().ok().map(|address| (address, reader)).into_iter().collect()
        }
        Audience::Person(id) => {
            let found = post.people.find(id).await?;
            let known = found.and_then(|person| Some((person.email.parse().ok()?, person)));
            known
                .map(|(address, person)| {
                    (address, Reader { person: Some(person.id), name: person.name, locale: person.locale })
                })
                .into_iter()
                .collect()
        }
        Audience::Operators(named) => {
            let named = named.iter().filter_map(|text| text.parse().ok());
            let all = settings.operators.iter().cloned().chain(named);
            let reader =
                || Reader { person: None, name: settings.company.clone(), locale: settings.operators_locale };
            all.map(|address| (address, reader())).collect()
        }
    })
}
