//! The outbox: facts leave in the transaction that makes them true, and a stream carries them to the bus.

use foundation::fact::{Envelope, Fact};

use crate::{
    AwsError, Condition, Event, Key, Table, Write,
    item::{Attribute, Item, text},
};

/// How long a fact stays in its table, in seconds: a week, for people who look for it.
const KEPT_SECONDS: i64 = 7 * 24 * 3600;

/// The write that lets `fact` leave, to go into the transaction that makes it true. The same fact again changes nothing.
pub fn write<F: Fact>(table: &Table, fact: &Envelope<F>) -> Result<Write, AwsError> {
    let detail = serde_json::to_string(fact).map_err(|error| AwsError::Failed {
        service: "outbox",
        code: "Unserializable".to_owned(),
        source: Box::new(error),
    })?;
    let expires = fact.known_at.as_second().saturating_add(KEPT_SECONDS);
    let item = Item::from([
        ("fact".to_owned(), text(F::TYPE)),
        ("source".to_owned(), text(F::SOURCE)),
        ("detail".to_owned(), text(detail)),
        ("expires".to_owned(), Attribute::N(expires.to_string())),
    ]);
    let key = Key::new(format!("FACT#{}", fact.fact), "FACT");
    Ok(Write::Put(table.clone(), key.onto(item), Condition::Always))
}

/// The event for the bus, read out of an outbox item that a stream delivered; none if it is another kind of item.
pub fn event(item: &Item) -> Option<Event> {
    let field = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    field("pk").filter(|pk| pk.starts_with("FACT#"))?;
    Some(Event { source: field("source")?, detail_type: field("fact")?, detail: field("detail")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_outbox_items_become_events() {
        let item = Item::from([
            ("pk".to_owned(), text("FACT#order-paid-O1")),
            ("fact".to_owned(), text("OrderPaid")),
            ("source".to_owned(), text("ceiba.orders")),
            ("detail".to_owned(), text("{}")),
        ]);
        let found = event(&item).unwrap();
        assert_eq!((found.source.as_str(), found.detail_type.as_str()), ("ceiba.orders", "OrderPaid"));
        let mut other = item;
        other.insert("pk".to_owned(), text("ORDER#O1"));
        assert!(event(&other).is_none());
    }
}
