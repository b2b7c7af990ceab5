//! What the queues of mail and campaigns carry.

use foundation::{
    id::{CampaignId, PersonId},
    problem::{Kind, Problem},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::notice::{Asked, asked};

/// A few recipients of a campaign: one message of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The campaign.
    pub campaign: CampaignId,
    /// The recipients.
    pub people: Vec<PersonId>,
    /// The id that leads through the logs.
    pub correlation: String,
}

/// Work for the sender of mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Letters of a campaign.
    Batch(Batch),
    /// A fact, and what it asks for.
    Fact(Asked),
}

/// Work for the one who looks for recipients.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Addressing {
    /// A campaign has started.
    Campaign {
        /// Which.
        campaign: CampaignId,
    },
    /// A minute has passed: campaigns whose time has come are to be started.
    Tick {
        /// Always true.
        tick: bool,
    },
}

/// A message of a queue that is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("a message is neither a batch of a campaign nor a known fact")]
pub struct UnknownWork(#[source] serde_json::Error);

impl Problem for UnknownWork {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn code(&self) -> &'static str {
        "message.unknown-work"
    }
}

impl Batch {
    /// The message's text.
    pub fn text(&self) -> Result<String, UnknownWork> {
        serde_json::to_string(self).map_err(UnknownWork)
    }
}

impl Work {
    /// The work in a message's text: an event of the bus, or a batch.
    pub fn read(text: &str) -> Result<Self, UnknownWork> {
        let mut value: Value = serde_json::from_str(text).map_err(UnknownWork)?;
        let detail = value.get_mut("detail").map(Value::take);
        match (value.get("detail-type").and_then(Value::as_str), detail) {
            (Some(fact_type), Some(detail)) => asked(fact_type, detail).map(Self::Fact).map_err(UnknownWork),
            _ => serde_json::from_value(value).map(Self::Batch).map_err(UnknownWork),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_and_facts_are_told_apart() {
        let batch = Work::read(r#"{"campaign":"C1","people":["P1"],"correlation":"abcdefgh"}"#).unwrap();
        assert!(matches!(batch, Work::Batch(Batch { people, .. }) if people.len() == 1));
        let fact = Work::read(r#"{"detail-type":"OrderPaid","detail":{"order":"O1"}}"#).unwrap();
        assert_eq!(fact, Work::Fact(Asked::Nothing));
        assert!(Work::read(r#"{"order":"O1"}"#).is_err());
    }

    #[test]
    fn the_sample_events_are_what_the_functions_read() {
        let bodies = |event: &str| -> Vec<String> {
            let event: Value = serde_json::from_str(event).unwrap();
            let records = event["Records"].as_array().unwrap().iter();
            records.map(|record| record["body"].as_str().unwrap().to_owned()).collect()
        };
        for event in [
            include_str!("../../../events/messages-send/person-registered.json"),
            include_str!("../../../events/messages-send/ticket-changed.json"),
        ] {
            let read = Work::read(&bodies(event)[0]).unwrap();
            assert!(matches!(read, Work::Fact(Asked::Letter(_))), "{read:?}");
        }
        let batch = include_str!("../../../events/messages-send/campaign-batch.json");
        assert!(matches!(Work::read(&bodies(batch)[0]).unwrap(), Work::Batch(_)));
        for event in [
            include_str!("../../../events/messages-feedback/bounce.json"),
            include_str!("../../../events/messages-feedback/complaint.json"),
        ] {
            let told = crate::feedback::read(&bodies(event)[0]).unwrap().unwrap();
            assert_eq!(told.suppress.len(), 1);
        }
    }

    #[test]
    fn a_tick_is_no_campaign() {
        let read = |text: &str| serde_json::from_str::<Addressing>(text).unwrap();
        assert_eq!(read(r#"{"tick":true}"#), Addressing::Tick { tick: true });
        assert!(matches!(read(r#"{"campaign":"C1","fact":"f"}"#), Addressing::Campaign { .. }));
    }
}
