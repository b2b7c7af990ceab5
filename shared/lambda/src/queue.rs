//! The SQS edge: messages one by one or as a batch; those that fail go back, the others do not.

use std::{future::Future, sync::Arc};

use foundation::problem::Fault;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    Error,
    runtime::{Boxed, Handler, run},
    telemetry,
};

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// SQS's id of it.
    pub id: String,
    /// Its text: what was sent to the queue, or an EventBridge event.
    pub body: String,
    /// How often it was delivered, this time included.
    pub deliveries: u32,
}

/// A message whose text is not what its reader expects.
#[derive(Debug, thiserror::Error)]
#[error("the message is not a {expected}")]
pub struct Unreadable {
    expected: &'static str,
    #[source]
    source: serde_json::Error,
}

impl foundation::problem::Problem for Unreadable {
    fn kind(&self) -> foundation::problem::Kind {
        foundation::problem::Kind::Invalid
    }
    fn code(&self) -> &'static str {
        "message.unreadable"
    }
}

impl Message {
    /// The value in the message, or in the `detail` of the EventBridge event that it is.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        let read = serde_json::from_str::<Value>(&self.body).and_then(|mut value| {
            let is_event = value.get("detail-type").is_some() && value.get("detail").is_some();
            serde_json::from_value(if is_event { value["detail"].take() } else { value })
        });
        read.map_err(|source| Unreadable { expected: std::any::type_name::<T>(), source })
    }

    fn correlation(&self) -> Option<String> {
        let value: Value = serde_json::from_str(&self.body).ok()?;
        let holder = value.get("detail").unwrap_or(&value);
        holder.get(telemetry::CORRELATION_FIELD)?.as_str().map(str::to_owned)
    }
}

/// Serves message by message.
pub async fn serve_each<S, F, H>(shared: S, handler: H) -> Result<(), Error>
where
    S: Send + Sync + 'static,
    H: Fn(Arc<S>, Message) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), Fault>> + Send + 'static,
{
    let shared = Arc::new(shared);
    let handler = Arc::new(handler);
    let each: BatchHandler = Arc::new(move |messages: Vec<Message>| {
        let shared = Arc::clone(&shared);
        let handler = Arc::clone(&handler);
        Box::pin(async move {
            let mut failed = Vec::new();
            for message in messages {
                let (id, correlation) = (message.id.clone(), message.correlation());
                let work = handler(Arc::clone(&shared), message);
                if let Err(fault) = telemetry::under(correlation.as_deref(), work).await {
                    failed.push((id, fault));
                }
            }
            failed
        })
    });
    run(edge(each)).await
}

/// Serves a batch at a time, for consumers that put several messages into one write. The handler gives the ids it could not do and why.
pub async fn serve_batch<S, F, H>(shared: S, handler: H) -> Result<(), Error>
where
    S: Send + Sync + 'static,
    H: Fn(Arc<S>, Vec<Message>) -> F + Send + Sync + 'static,
    F: Future<Output = Vec<(String, Fault)>> + Send + 'static,
{
    let shared = Arc::new(shared);
    run(edge(Arc::new(move |messages| Box::pin(handler(Arc::clone(&shared), messages))))).await
}

type BatchHandler = Arc<dyn Fn(Vec<Message>) -> Boxed<Vec<(String, Fault)>> + Send + Sync>;

fn edge(handler: BatchHandler) -> Handler {
    Arc::new(move |event: Value| {
        let work = handler(messages_of(&event));
        Box::pin(async move {
            let mut failures = Vec::new();
            for (id, fault) in work.await {
                tracing::warn!(message = id, code = fault.code(), error = ?fault, "message goes back to its queue");
                failures.push(json!({ "itemIdentifier": id }));
            }
            Ok(json!({ "batchItemFailures": failures }))
        })
    })
}

fn messages_of(event: &Value) -> Vec<Message> {
    let records = event.get("Records").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |record: &Value, pointer: &str| {
        record.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    records
        .iter()
        .map(|record| Message {
            id: text(record, "/messageId"),
            body: text(record, "/body"),
            deliveries: text(record, "/attributes/ApproximateReceiveCount").parse().unwrap_or(1),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_read_the_same_from_a_message_and_from_an_event() {
        let message = |body: &str| Message { id: "1".into(), body: body.into(), deliveries: 1 };
        let plain = message(r#"{"order":"O1","correlation":"abcd1234"}"#);
        let event =
            message(r#"{"detail-type":"OrderPaid","detail":{"order":"O1","correlation":"abcd1234"}}"#);
        assert_eq!(plain.read::<Value>().unwrap(), event.read::<Value>().unwrap());
        assert_eq!(event.correlation().as_deref(), Some("abcd1234"));
        assert!(message("{").read::<Value>().is_err());
    }
}
