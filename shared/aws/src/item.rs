//! Items of DynamoDB tables and the values in them.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};

/// A value of an item.
pub type Attribute = aws_sdk_dynamodb::types::AttributeValue;
/// A row of a table.
pub type Item = HashMap<String, Attribute>;

/// An item that does not have the shape its reader expects.
#[derive(Debug, thiserror::Error)]
#[error("a stored item is not a {expected}")]
pub struct ItemError {
    /// The type that was expected.
    pub expected: &'static str,
    /// What serde said.
    #[source]
    pub source: serde_dynamo::Error,
}

/// `value` as an item. Decimals that carry `serde-str` become strings; counters are written with [`number`].
pub fn to_item<T: Serialize>(value: &T) -> Result<Item, ItemError> {
    serde_dynamo::to_item(value).map_err(|source| ItemError { expected: std::any::type_name::<T>(), source })
}

/// `value` as a single attribute.
pub fn to_attribute<T: Serialize>(value: &T) -> Result<Attribute, ItemError> {
    serde_dynamo::to_attribute_value(value)
        .map_err(|source| ItemError { expected: std::any::type_name::<T>(), source })
}

/// The value stored in `item`; attributes it does not know (keys, markers) are passed over.
pub fn from_item<T: DeserializeOwned>(mut item: Item) -> Result<T, ItemError> {
    // Values that refuse members they do not know are read, too: the key is not one of theirs.
    item.remove("pk");
    item.remove("sk");
    serde_dynamo::from_item(item).map_err(|source| ItemError { expected: std::any::type_name::<T>(), source })
}

/// A text attribute.
pub fn text(value: impl Into<String>) -> Attribute {
    Attribute::S(value.into())
}

/// A number attribute, which counters add to.
pub fn number(value: Decimal) -> Attribute {
    Attribute::N(value.normalize().to_string())
}

/// The exact number stored under `name`; 0 if there is none.
pub fn decimal(item: &Item, name: &str) -> Decimal {
    match item.get(name) {
        Some(Attribute::N(text) | Attribute::S(text)) => {
            text.parse().or_else(|_| Decimal::from_scientific(text)).unwrap_or_default()
        }
        _ => Decimal::ZERO,
    }
}
