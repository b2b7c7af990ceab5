//! A person of the network, as stored.

use std::collections::BTreeSet;

use foundation::{id::PersonId, locale::Locale, money::Currency};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::country::Country;

/// What a person is to the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Sells, earns commissions, may have a downline.
    Consultant,
    /// Buys; nobody hangs under one.
    Customer,
}

/// Where a person stands with the company.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// In good standing.
    #[default]
    Active,
    /// Set inactive; may come back.
    Inactive,
    /// Has left; the place in the network remains.
    Terminated,
}

/// An identity document. Two people of one country never share one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Its type: `CC`, `PAS`, `DNI`, ...
    pub r#type: String,
    /// Its number: capital letters and digits.
    pub number: String,
}

/// What a person brings along from the cycle before: where commission runs start from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranks {
    /// The rank paid in the cycle before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous_rank: Option<String>,
    /// Cycles of grace already used on it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rank_grace_used: Option<u32>,
    /// The title kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub honorific_rank: Option<String>,
    /// A rank set by hand.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub manual_rank: Option<String>,
    /// Its first day.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub manual_from: Option<Date>,
    /// Its last day.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub manual_to: Option<Date>,
}

/// A consultant or a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who it is.
    pub id: PersonId,
    /// Consultant or customer.
    pub kind: Kind,
    /// Under whom the person hangs; none for the root.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<PersonId>,
    /// Who brought the person in; none for the root.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sponsor: Option<PersonId>,
    /// All ancestors in the placement tree, the root first and the parent last.
    #[serde(with = "path")]
    pub upline: Vec<PersonId>,
    /// The day the person joined.
    pub joined_on: Date,
    /// Where the person stands with the company.
    pub status: Status,
    /// Country of residence and of the document.
    pub country: Country,
    /// What the person pays and is paid in.
    pub currency: Currency,
    /// Sales territory.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub zone: Option<String>,
    /// Marks that rules and filters ask for.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub tags: BTreeSet<String>,
    /// Given names and surnames.
    pub name: String,
    /// Identity document.
    pub document: Document,
    /// E-mail address, in small letters.
    pub email: String,
    /// Phone number in international form.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<String>,
    /// The language the person is written to.
    pub locale: Locale,
    /// The name of the person's public page, by which a newcomer may name a sponsor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slug: Option<String>,
    /// What commission runs start from.
    #[serde(flatten)]
    pub ranks: Ranks,
    /// When the platform learned of the person.
    pub registered_at: Timestamp,
    /// The hash of what was registered: the same registration again is the same person.
    pub registration: String,
    /// The bulk load that brought the person.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub load: Option<String>,
}

impl Person {
    /// Edges from the root: 0 for the root.
    pub fn level(&self) -> usize {
        self.upline.len()
    }
}

/// A path as one text: a twentieth of what a list of attributes weighs in a table.
pub(crate) mod path {
    use foundation::id::PersonId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// No id contains it.
    const BETWEEN: char = '/';

    pub(crate) fn joined(path: &[PersonId]) -> String {
        let mut text = String::with_capacity(path.iter().map(|id| id.as_str().len() + 1).sum());
        for id in path {
            if !text.is_empty() {
                text.push(BETWEEN);
            }
            text.push_str(id.as_str());
        }
        text
    }

    pub(super) fn serialize<S: Serializer>(path: &[PersonId], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&joined(path))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PersonId>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let ids = text.split(BETWEEN).filter(|part| !part.is_empty());
        ids.map(|part| part.parse().map_err(D::Error::custom)).collect()
    }
}
