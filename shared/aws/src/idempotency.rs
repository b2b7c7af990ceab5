//! Idempotency keys: the same key with the same request gives the first answer, with another request a conflict.
//!
//! A claim is written in the same transaction as what it claims, in the area's own table, so that both happen or neither.

use foundation::{
    digest::sha256_hex,
    problem::{Kind, Malformed, Problem},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    AwsError, Condition, Key, Table, Write,
    item::{Item, text},
};

/// A caller's key for a request, and the request's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    key: Key,
    request: String,
}

/// The key was used for another request.
#[derive(Debug, thiserror::Error)]
#[error("this idempotency key was used for another request")]
pub struct KeyReused;

impl Problem for KeyReused {
    fn kind(&self) -> Kind {
        Kind::Conflict
    }
    fn code(&self) -> &'static str {
        "idempotency.key-reused"
    }
}

impl Claim {
    /// The claim of `caller` with the value of the header `Idempotency-Key`, which has 1 to 128 printable characters.
    /// `request` is whatever makes two requests the same.
    pub fn new(
        caller: &str,
        key: &str,
        operation: &str,
        request: &impl Serialize,
    ) -> Result<Self, Malformed> {
        let fits = (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            return Err(Malformed::at(
                "header:Idempotency-Key",
                "expected 1 to 128 printable ASCII characters without spaces",
            ));
        }
        let request = serde_json::to_vec(request).map_err(|error| Malformed::at("", error.to_string()))?;
        let request = sha256_hex(&[operation.as_bytes(), b"\n", &request].concat());
        Ok(Self { key: Key::new(format!("IDEMPOTENCY#{caller}#{key}"), "CLAIM"), request })
    }

    /// Where the claim stands in the area's table.
    pub fn key(&self) -> Key {
        self.key.clone()
    }

    /// The write that claims the key, to go into the transaction; `answer` is what a repetition is to be told.
    /// `expires` (epoch seconds) lets the table's TTL remove it.
    pub fn write(&self, table: &Table, answer: &impl Serialize, expires: i64) -> Result<Write, AwsError> {
        let mut item = self.key.onto(Item::new());
        item.insert("request".to_owned(), text(&self.request));
        let answer = serde_json::to_string(answer).map_err(|error| AwsError::Failed {
            service: "idempotency",
            code: "Unserializable".to_owned(),
            source: Box::new(error),
        })?;
        item.insert("answer".to_owned(), text(answer));
        item.insert("expires".to_owned(), crate::item::Attribute::N(expires.to_string()));
        Ok(Write::Put(table.clone(), item, Condition::Absent))
    }

    /// The first answer, read out of the claim that stands there. `Err(KeyReused)` if it is of another request.
    pub fn answer<T: DeserializeOwned>(&self, standing: &Item) -> Result<Option<T>, KeyReused> {
        let field = |name: &str| standing.get(name).and_then(|value| value.as_s().ok());
        if field("request") != Some(&self.request) {
            return Err(KeyReused);
        }
        Ok(field("answer").and_then(|answer| serde_json::from_str(answer).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_request_gets_the_first_answer_and_another_is_refused() {
        let claim = Claim::new("P1", "key-1", "place", &serde_json::json!({"quantity": 1})).unwrap();
        let other = Claim::new("P1", "key-1", "place", &serde_json::json!({"quantity": 2})).unwrap();
        let mut standing = Item::new();
        standing.insert("request".into(), text(&claim.request));
        standing.insert("answer".into(), text("\"O1\""));
        assert_eq!(claim.answer::<String>(&standing).unwrap().as_deref(), Some("O1"));
        assert!(other.answer::<String>(&standing).is_err());
        assert_eq!(claim.key(), other.key());
    }

    #[test]
    fn keys_that_could_not_be_stored_are_refused() {
        for key in ["", "a b", "ñ", &"x".repeat(129)] {
            assert!(Claim::new("P1", key, "place", &0).is_err(), "{key:?}");
        }
    }
}
