//! Campaigns: a text of the company's (or a consultant's) own to those a filter admits.

use std::collections::BTreeMap;

use foundation::{
    id::{CampaignId, PersonId},
    locale::Locale,
    problem::{FieldError, Malformed},
    reach::Reach,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    filter::Filter,
    template::{self, Variables},
};

/// A campaign's name has so many characters.
pub const NAME_CHARS_MAX: usize = 100;
/// A subject has so many characters.
pub const SUBJECT_CHARS_MAX: usize = 200;
/// A body has so many characters.
pub const BODY_CHARS_MAX: usize = 20_000;
/// The names a campaign's texts may use.
pub const VARIABLES: [&str; 6] = ["company", "country", "name", "number", "unsubscribe_link", "zone"];

/// A subject and a body in one language. Both may name [`VARIABLES`]: `Hola, {{ name }}`. In the body a blank line starts a paragraph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// The subject line.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// What it takes to start a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    /// What the company calls it.
    pub name: String,
    /// The texts; who reads a language that is missing gets the other.
    pub texts: BTreeMap<Locale, Content>,
    /// Who gets it.
    #[serde(default)]
    pub filter: Filter,
    /// When it is sent; at once if left out.
    #[serde(default)]
    pub send_at: Option<Timestamp>,
}

/// How far a campaign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CampaignState {
    /// It waits for its time.
    Scheduled,
    /// Its recipients are being looked for; the first letters leave.
    Started,
    /// All its recipients are known.
    Addressed,
    /// Every letter has a result. Never stored: it follows from the counts.
    Finished,
}

/// A campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Its id; sorts by the time of its making.
    pub id: CampaignId,
    /// What the company calls it.
    pub name: String,
    /// The texts.
    pub texts: BTreeMap<Locale, Content>,
    /// Who gets it.
    pub filter: Filter,
    /// How far it is.
    pub state: CampaignState,
    /// The subject of who made it.
    pub created_by: String,
    /// The person who made it, if it was one of the network: the letters stay within their downline.
    pub sender: Option<PersonId>,
    /// Whether it may go to everybody.
    pub to_anybody: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is sent.
    pub send_at: Timestamp,
    /// How many people get it; known once they have all been looked for.
    #[serde(default)]
    pub recipients: Option<u64>,
    /// Letters taken by the mail service.
    #[serde(default)]
    pub sent: u64,
    /// Letters not sent because the address is suppressed.
    #[serde(default)]
    pub suppressed: u64,
    /// Letters the mail service refused, and people without a usable address.
    #[serde(default)]
    pub failed: u64,
    /// Letters that came back.
    #[serde(default)]
    pub bounced: u64,
    /// Letters that were reported.
    #[serde(default)]
    pub complained: u64,
}

impl Campaign {
    /// Whom the campaign may reach at most.
    pub fn reach(&self) -> Reach {
        Reach { person: self.sender.clone(), any: self.to_anybody }
    }

    /// The text for somebody who reads `locale`, and the language it is in.
    pub fn text(&self, locale: Locale) -> Option<(Locale, &Content)> {
        let text = self.texts.get_key_value(&locale).or_else(|| self.texts.first_key_value());
        text.map(|(locale, content)| (*locale, content))
    }

    /// The campaign as it is shown: finished once every recipient has a result.
    #[must_use]
    pub fn shown(mut self) -> Self {
        let settled = self.sent + self.suppressed + self.failed + self.bounced + self.complained;
        if self.state == CampaignState::Addressed && self.recipients == Some(settled) {
            self.state = CampaignState::Finished;
        }
        self
    }
}

/// The campaign that `new` asks for, made at `now` by `created_by` with `reach`. Every mistake in it is named.
pub fn create(
    new: NewCampaign,
    id: CampaignId,
    created_by: &str,
    reach: &Reach,
    now: Timestamp,
) -> Result<Campaign, Malformed> {
    let mut wrong = Vec::new();
    check_length(&mut wrong, "/name".to_owned(), &new.name, NAME_CHARS_MAX);
    if new.texts.is_empty() {
        wrong.push(FieldError { pointer: "/texts".to_owned(), detail: "expected es, en or both".to_owned() });
    }
    for (locale, content) in &new.texts {
        let locale = json!(locale);
        let place = format!("/texts/{}", locale.as_str().unwrap_or_default());
        let parts =
            [("subject", &content.subject, SUBJECT_CHARS_MAX), ("body", &content.body, BODY_CHARS_MAX)];
        for (part, source, limit) in parts {
            check_length(&mut wrong, format!("{place}/{part}"), source, limit);
            check_template(&mut wrong, format!("{place}/{part}"), source);
        }
    }
    if !wrong.is_empty() {
        return Err(Malformed(wrong));
    }
    let send_at = new.send_at.filter(|at| now < *at);
    Ok(Campaign {
        id,
        name: new.name,
        texts: new.texts,
        filter: new.filter,
        state: if send_at.is_some() { CampaignState::Scheduled } else { CampaignState::Started },
        created_by: created_by.to_owned(),
        sender: reach.person.clone(),
        to_anybody: reach.any,
        created_at: now,
        send_at: send_at.unwrap_or(now),
        recipients: None,
        sent: 0,
        suppressed: 0,
        failed: 0,
        bounced: 0,
        complained: 0,
    })
}

/// The variables of the frame around a campaign's text for one person: the filled subject and paragraphs.
pub fn fill(content: &Content, variables: &Variables) -> Result<Variables, template::TemplateError> {
    let filled = |name: &str, source: &str| {
        template::fill(source, variables)
            .map_err(|source| template::TemplateError { name: name.to_owned(), source })
    };
    let subject = filled("campaign subject", &content.subject)?;
    let body = filled("campaign body", &content.body)?.replace("\r\n", "\n");
    let paragraphs: Vec<Vec<&str>> = body
        .split("\n\n")
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| text.lines().collect())
        .collect();
    let mut frame = variables.clone();
    frame.insert("subject".to_owned(), Value::from(subject));
    frame.insert("paragraphs".to_owned(), json!(paragraphs));
    Ok(frame)
}

fn check_length(wrong: &mut Vec<FieldError>, pointer: String, text: &str, limit: usize) {
    let found = text.chars().count();
    if text.trim().is_empty() || limit < found {
        wrong
            .push(FieldError { pointer, detail: format!("expected 1 to {limit} characters; found {found}") });
    }
}

/// Variables are known by name, and the text is filled once with invented values, so that what cannot be sent is refused at once.
fn check_template(wrong: &mut Vec<FieldError>, pointer: String, source: &str) {
    let mut refuse = |detail: String| wrong.push(FieldError { pointer: pointer.clone(), detail });
    match template::wanted(source) {
        Err(error) => refuse(error.to_string()),
        Ok(names) => {
            let unknown: Vec<_> =
                names.iter().filter(|name| !VARIABLES.contains(&name.as_str())).cloned().collect();
            if !unknown.is_empty() {
                return refuse(format!(
                    "there is no variable {}; there is {}",
                    unknown.join(", "),
                    VARIABLES.join(", ")
                ));
            }
            let invented = VARIABLES.map(|name| (name.to_owned(), Value::from("x"))).into();
            if let Err(error) = template::fill(source, &invented) {
                refuse(error.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn new(texts: Value) -> NewCampaign {
        serde_json::from_value(json!({"name": "Cierre", "texts": texts})).unwrap()
    }

    fn make(new: NewCampaign) -> Result<Campaign, Malformed> {
        let reach = Reach { person: Some("ANA".parse().unwrap()), any: false };
        create(new, "C1".parse().unwrap(), "u1", &reach, at(0))
    }

    #[test]
    fn every_mistake_in_a_campaign_is_named() {
        let texts = json!({
            "es": {"subject": "", "body": "Hola, {{ nombre }}"},
            "en": {"subject": "Hi {{ name", "body": "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}"},
        });
        let Malformed(wrong) = make(new(texts)).unwrap_err();
        let pointers: Vec<_> = wrong.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/texts/es/subject", "/texts/es/body", "/texts/en/subject", "/texts/en/body"]);
        assert!(wrong[1].detail.contains("nombre"), "{wrong:?}");
        assert!(make(new(json!({}))).is_err());
    }

    #[test]
    fn a_campaign_waits_for_its_time_or_starts_at_once() {
        let texts = json!({"es": {"subject": "Hola", "body": "Hola"}});
        let now = make(new(texts.clone())).unwrap();
        let past = make(NewCampaign { send_at: Some(at(-5)), ..new(texts.clone()) }).unwrap();
        let later = make(NewCampaign { send_at: Some(at(60)), ..new(texts) }).unwrap();
        assert_eq!((now.state, now.send_at), (CampaignState::Started, at(0)));
        assert_eq!((past.state, past.send_at), (CampaignState::Started, at(0)));
        assert_eq!((later.state, later.send_at), (CampaignState::Scheduled, at(60)));
        assert_eq!(now.reach(), Reach { person: Some("ANA".parse().unwrap()), any: false });
    }

    #[test]
    fn who_reads_a_missing_language_gets_the_other() {
        let campaign = make(new(json!({"en": {"subject": "Hi", "body": "Hi"}}))).unwrap();
        assert_eq!(campaign.text(Locale::Es).unwrap().0, Locale::En);
    }

    #[test]
    fn it_is_finished_when_every_recipient_has_a_result() {
        let started = make(new(json!({"es": {"subject": "Hola", "body": "Hola"}}))).unwrap();
        let addressed = Campaign { state: CampaignState::Addressed, recipients: Some(4), ..started.clone() };
        let open = Campaign { sent: 2, bounced: 1, ..addressed.clone() };
        let done = Campaign { sent: 1, suppressed: 1, bounced: 1, failed: 1, ..addressed.clone() };
        assert_eq!(open.shown().state, CampaignState::Addressed);
        assert_eq!(done.shown().state, CampaignState::Finished);
        assert_eq!(Campaign { recipients: Some(0), ..addressed }.shown().state, CampaignState::Finished);
        assert_eq!(started.shown().state, CampaignState::Started);
    }

    #[test]
    fn blank_lines_part_paragraphs() {
        let content = Content {
            subject: "Hola, {{ name }}".into(),
            body: "uno\r\ndos\n\n\n\n tres {{ name }}\n".into(),
        };
        let variables = BTreeMap::from([("name".to_owned(), json!("Ana"))]);
        let frame = fill(&content, &variables).unwrap();
        assert_eq!(frame["subject"], "Hola, Ana");
        assert_eq!(frame["paragraphs"], json!([["uno", "dos"], ["tres Ana"]]));
    }
}
