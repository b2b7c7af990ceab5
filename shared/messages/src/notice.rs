//! Notices: facts of other areas that somebody is told of by mail.

use std::collections::BTreeMap;

use foundation::{
    id::PersonId,
    locale::{Locale, Text},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    settings::Settings,
    template::{MailTemplate, Variables},
};

/// A letter that a fact asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The fact's id: the letter goes out for it once.
    pub fact: String,
    /// What it looks like.
    pub template: MailTemplate,
    /// Whom it goes to.
    pub audience: Audience,
    values: Variables,
    texts: BTreeMap<String, Text>,
    path: String,
}

/// Whom a notice goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A person of the network, who is to be looked up.
    Person(PersonId),
    /// A person whom the fact says all about.
    Known {
        /// Who.
        person: PersonId,
        /// Their name.
        name: String,
        /// Their address.
        address: String,
        /// Their language.
        locale: Locale,
    },
    /// Those who run the processes: the settings' addresses and these.
    Operators(Vec<String>),
}

/// What a fact asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A letter.
    Letter(Box<Notice>),
    /// Nothing: it is no news to anybody.
    Nothing,
}

// What is needed of the facts. Other members may come and go.

#[derive(Deserialize)]
struct PersonRegistered {
    fact: String,
    person: PersonId,
    name: String,
    email: String,
    locale: Locale,
}

#[derive(Deserialize)]
struct TicketChanged {
    fact: String,
    ticket: String,
    about: PersonId,
    subject: String,
    state_name: Text,
    change: String,
    state_changed: bool,
    by_person: Option<PersonId>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct RunTold {
    fact: String,
    run: String,
    process: String,
    name: Option<Text>,
    cycle: String,
    step: Option<String>,
    error: Option<String>,
    detail: Option<String>,
    #[serde(default)]
    mail: Vec<String>,
}

/// What the fact of this type asks for. An unknown type asks for nothing.
pub fn asked(fact_type: &str, detail: Value) -> Result<Asked, serde_json::Error> {
    match fact_type {
        "PersonRegistered" => serde_json::from_value(detail).map(welcome),
        "TicketChanged" => serde_json::from_value(detail).map(ticket),
        "RunWaiting" => serde_json::from_value(detail).map(|fact| run(MailTemplate::RunWaiting, fact)),
        "RunFailed" => serde_json::from_value(detail).map(|fact| run(MailTemplate::RunFailed, fact)),
        "StatementsPublished" => {
            serde_json::from_value(detail).map(|fact| run(MailTemplate::StatementsPublished, fact))
        }
        _ => Ok(Asked::Nothing),
    }
}

impl Notice {
    /// The template's variables for somebody called `name` who reads `locale`; links start with `base`.
    pub fn variables(&self, name: &str, locale: Locale, settings: &Settings, base: &str) -> Variables {
        let mut variables = self.values.clone();
        let own = [
            ("company", settings.company.clone()),
            ("name", name.to_owned()),
            ("link", format!("{}/{}", base.trim_end_matches('/'), self.path)),
        ];
        let texts = self.texts.iter().map(|(name, text)| (name.as_str(), text.in_locale(locale).to_owned()));
        for (name, value) in texts.chain(own) {
            variables.insert(name.to_owned(), Value::from(value));
        }
        variables
    }
}

fn welcome(fact: PersonRegistered) -> Asked {
    let values = [("number".to_owned(), Value::from(fact.person.as_str()))].into();
    let PersonRegistered { fact, person, name, email: address, locale } = fact;
    let audience = Audience::Known { person, name, address, locale };
    letter(fact, MailTemplate::Welcome, audience, values, BTreeMap::new(), String::new())
}

fn ticket(fact: TicketChanged) -> Asked {
    let by_themselves = fact.by_person.as_ref() == Some(&fact.about);
    // Nobody is told of their own reply, nor of work that leaves the ticket in its state. Opening is confirmed to whoever opens.
    let is_news = match fact.change.as_str() {
        "opened" => true,
        "replied" => !by_themselves,
        _ => fact.state_changed,
    };
    if !is_news {
        return Asked::Nothing;
    }
    let values = [
        ("ticket", Value::from(fact.ticket.as_str())),
        ("subject", Value::from(fact.subject)),
        ("change", Value::from(fact.change)),
        ("text", Value::from(fact.text)),
    ];
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let texts = [("state_name".to_owned(), fact.state_name)].into();
    let path = format!("tickets/{}", fact.ticket);
    letter(fact.fact, MailTemplate::TicketChanged, Audience::Person(fact.about), values, texts, path)
}

fn run(template: MailTemplate, fact: RunTold) -> Asked {
    let reason = [fact.error, fact.detail].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let values = [
        ("process", Value::from(fact.process)),
        ("cycle", Value::from(fact.cycle)),
        ("run", Value::from(fact.run.as_str())),
        ("step", Value::from(fact.step.unwrap_or_else(|| "-".to_owned()))),
        ("reason", Value::from(reason)),
    ];
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let texts = fact.name.map(|name| ("process".to_owned(), name)).into_iter().collect();
    let path = format!("runs/{}", fact.run);
    letter(fact.fact, template, Audience::Operators(fact.mail), values, texts, path)
}

fn letter(
    fact: String,
    template: MailTemplate,
    audience: Audience,
    values: Variables,
    texts: BTreeMap<String, Text>,
    path: String,
) -> Asked {
    Asked::Letter(Box::new(Notice { fact, template, audience, values, texts, path }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::Templates;

    fn ticket_fact(change: &str, by: Option<&str>, state_changed: bool) -> Value {
        json!({
            "fact": "ticket-changed-T1-2", "version": 1, "ticket": "T1", "about": "P1", "subject": "Sin entregar", "state": "waiting",
            "state_name": {"es": "En espera", "en": "Waiting"}, "change": change, "state_changed": state_changed, "number": 2,
            "by_person": by, "text": null,
        })
    }

    fn facts() -> [(&'static str, Value); 5] {
        let run = json!({
            "fact": "run-1", "run": "R1", "process": "monthly", "name": {"es": "Mensual", "en": "Monthly"}, "cycle": "2026-10",
            "step": "pay", "error": "Rejected", "detail": "sin archivo", "mail": ["ops@x.example"],
        });
        let person = json!({"fact": "person-registered-P1", "person": "P1", "name": "Ana", "email": "ana@x.example", "locale": "es"});
        [
            ("PersonRegistered", person),
            ("TicketChanged", ticket_fact("changed", None, true)),
            ("RunWaiting", run.clone()),
            ("RunFailed", run),
            (
                "StatementsPublished",
                json!({"fact": "s-1", "run": "R1", "process": "monthly", "cycle": "2026-10"}),
            ),
        ]
    }

    #[test]
    fn every_notice_has_all_that_its_template_wants() {
        let templates = Templates::new().unwrap();
        for (fact_type, detail) in facts() {
            let Asked::Letter(notice) = asked(fact_type, detail).unwrap() else { panic!("{fact_type}") };
            for locale in [Locale::Es, Locale::En] {
                let variables = notice.variables("Ana", locale, &Settings::default(), "https://x.example/");
                let rendered = templates.render(notice.template, locale, &variables);
                assert!(rendered.unwrap().text.contains("https://x.example/"), "{fact_type}");
            }
        }
    }

    #[test]
    fn names_are_told_in_the_readers_language() {
        let (_, detail) = facts()[2].clone();
        let Asked::Letter(notice) = asked("RunWaiting", detail).unwrap() else { panic!() };
        let process = |locale| notice.variables("", locale, &Settings::default(), "")["process"].clone();
        assert_eq!((process(Locale::Es), process(Locale::En)), (json!("Mensual"), json!("Monthly")));
    }

    #[test]
    fn only_news_is_told() {
        let cases = [
            ("opened", Some("P1"), false, true),
            ("replied", Some("P1"), false, false),
            ("replied", Some("P2"), false, true),
            ("replied", None, false, true),
            ("changed", None, true, true),
            ("changed", None, false, false),
        ];
        for (change, by, state_changed, told) in cases {
            let asked = asked("TicketChanged", ticket_fact(change, by, state_changed)).unwrap();
            assert_eq!(asked != Asked::Nothing, told, "{change} by {by:?}");
        }
        assert_eq!(asked("OrderPaid", json!({})).unwrap(), Asked::Nothing);
        assert!(asked("TicketChanged", json!({"fact": "x"})).is_err());
    }
}
