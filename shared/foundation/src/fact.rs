//! Facts: what an area tells the others, each with the time it was true and the time it became known.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of a fact's shape that is written today.
pub const VERSION: u32 = 1;

/// Something that happened, as the area it happened in tells it.
pub trait Fact: Serialize {
    /// What happened: `OrderPaid`. Consumers subscribe to it.
    const TYPE: &'static str;
    /// Who says so: `ceiba.orders`.
    const SOURCE: &'static str;

    /// The fact's id, made from its cause (`order-paid-<order>`), so that writing it again is the same fact.
    fn id(&self) -> String;
}

/// A fact with what all facts have. In JSON the members of both stand side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<F> {
    /// The fact's id: consumers apply it once.
    pub fact: String,
    /// The version of its shape.
    pub version: u32,
    /// When it was true.
    pub occurred_at: Timestamp,
    /// When it became known.
    pub known_at: Timestamp,
    /// The id that leads through the logs, from the request that caused it.
    pub correlation: String,
    /// What happened.
    #[serde(flatten)]
    pub body: F,
}

impl<F: Fact> Envelope<F> {
    /// `body`, true since `occurred_at`, known since `known_at`, under the caller's correlation id.
    pub fn of(body: F, occurred_at: Timestamp, known_at: Timestamp, correlation: impl Into<String>) -> Self {
        Self {
            fact: body.id(),
            version: VERSION,
            occurred_at,
            known_at,
            correlation: correlation.into(),
            body,
        }
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Paid {
        order: String,
        vq: Decimal,
    }

    impl Fact for Paid {
        const TYPE: &'static str = "Paid";
        const SOURCE: &'static str = "ceiba.test";
        fn id(&self) -> String {
            format!("paid-{}", self.order)
        }
    }

    #[test]
    fn a_fact_comes_back_from_its_json_and_lies_flat_in_it() {
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let paid = Paid { order: "O1".into(), vq: "12.50".parse().unwrap() };
        let envelope = Envelope::of(paid, at, at, "c-12345678");
        let json = serde_json::to_value(&envelope).unwrap();
        assert_eq!(json["fact"], "paid-O1");
        assert_eq!(json["vq"], "12.50");
        assert_eq!(serde_json::from_value::<Envelope<Paid>>(json).unwrap(), envelope);
    }
}
