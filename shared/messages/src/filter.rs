//! Who a campaign goes to.

use std::collections::BTreeSet;

use foundation::{id::PersonId, reach::Reach};
use serde::{Deserialize, Serialize};

/// What a person is in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Sells and earns.
    Consultant,
    /// Buys.
    Customer,
}

/// How a person stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Takes part.
    Active,
    /// Takes a pause.
    Inactive,
    /// Has left.
    Terminated,
}

/// Conditions on people, all of which must hold. One that is left out holds for everybody; within one, any value will do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// What they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Vec<Kind>>,
    /// How they stand. Those who have left get mail only if this names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Vec<Status>>,
    /// ISO 3166 codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Vec<String>>,
    /// Sales territories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<Vec<String>>,
    /// Tags, of which the person has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Only this person's downline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under: Option<PersonId>,
}

/// A person as the filter sees them.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Their id.
    pub id: &'a PersonId,
    /// What they are.
    pub kind: Kind,
    /// How they stand.
    pub status: Status,
    /// ISO 3166 code.
    pub country: &'a str,
    /// Sales territory, if one.
    pub zone: Option<&'a str>,
    /// Tags.
    pub tags: BTreeSet<&'a str>,
    /// Their ancestors.
    pub upline: &'a [PersonId],
}

impl Filter {
    /// Whether a campaign of somebody with `reach` goes to `person`.
    pub fn admits(&self, person: &Candidate<'_>, reach: &Reach) -> bool {
        let any = |wanted: &Option<Vec<String>>, found: Option<&str>| {
            wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|wanted| Some(wanted.as_str()) == found))
        };
        reach.covers(person.id, person.upline)
            && self.kind.as_ref().is_none_or(|kinds| kinds.contains(&person.kind))
            && self
                .status
                .as_ref()
                .map_or(person.status != Status::Terminated, |wanted| wanted.contains(&person.status))
            && any(&self.country, Some(person.country))
            && any(&self.zone, person.zone)
            && self.tags.as_ref().is_none_or(|tags| tags.iter().any(|tag| person.tags.contains(tag.as_str())))
            && self.under.as_ref().is_none_or(|root| person.upline.contains(root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_conditions_hold_and_nobody_out_of_reach_gets_mail() {
        let id = |text: &str| text.parse::<PersonId>().unwrap();
        let (ben, upline) = (id("BEN"), [id("ROOT"), id("ANA")]);
        let person = Candidate {
            id: &ben,
            kind: Kind::Consultant,
            status: Status::Inactive,
            country: "CO",
            zone: Some("north"),
            tags: BTreeSet::from(["founder"]),
            upline: &upline,
        };
        let all = Reach { person: None, any: true };
        let of = |text: &str| Reach { person: Some(id(text)), any: false };
        let cases = [
            ("{}", &all, true),
            (
                r#"{"kind":["consultant"],"status":["inactive","active"],"country":["CO"],"zone":["north"]}"#,
                &all,
                true,
            ),
            (r#"{"kind":["customer"]}"#, &all, false),
            (r#"{"status":["active"]}"#, &all, false),
            (r#"{"country":[]}"#, &all, false),
            (r#"{"zone":["south"]}"#, &all, false),
            (r#"{"tags":["x","founder"]}"#, &all, true),
            (r#"{"tags":["x"]}"#, &all, false),
            (r#"{"under":"ANA"}"#, &all, true),
            (r#"{"under":"BEN"}"#, &all, false),
            ("{}", &of("ANA"), true),
            ("{}", &of("CEM"), false),
            ("{}", &Reach::default(), false),
        ];
        for (filter, reach, admitted) in cases {
            let read: Filter = serde_json::from_str(filter).unwrap();
            assert_eq!(read.admits(&person, reach), admitted, "{filter} {reach:?}");
        }
        let gone = Candidate { status: Status::Terminated, ..person };
        assert!(!Filter::default().admits(&gone, &all));
        assert!(serde_json::from_str::<Filter>(r#"{"colour":["red"]}"#).is_err());
    }
}
