//! EventBridge: facts onto the bus.

use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use crate::{Boxed, Env, clients::Aws, error::AwsError};

const SERVICE: &str = "EventBridge";
/// Entries a call takes.
const BATCH: usize = 10;

/// A bus.
#[derive(Clone, Debug)]
pub struct Bus {
    aws: Aws,
    name: String,
}

/// One event on the bus.
#[derive(Clone, Debug)]
pub struct Event {
    /// Who says so: `ceiba.orders`.
    pub source: String,
    /// What happened: `OrderPaid`.
    pub detail_type: String,
    /// The fact, as JSON.
    pub detail: String,
}

impl Bus {
    /// The bus whose name stands in the environment under `variable`.
    pub fn from_env(aws: &Aws, env: &mut Env, variable: &str) -> Self {
        Self { aws: aws.clone(), name: env.required(variable) }
    }

    /// Puts all events, ten in a call. If it fails some may be on the bus: consumers apply a fact once.
    pub fn put(&self, events: Vec<Event>) -> Boxed<'_, Result<(), AwsError>> {
        Box::pin(async move {
            for chunk in events.chunks(BATCH) {
                let entries = chunk.iter().map(|event| {
                    PutEventsRequestEntry::builder()
                        .event_bus_name(&self.name)
                        .source(&event.source)
                        .detail_type(&event.detail_type)
                        .detail(&event.detail)
                        .build()
                });
                let request = self.aws.events().put_events().set_entries(Some(entries.collect()));
                let put = request.send().await.map_err(|error| AwsError::of(SERVICE, error))?;
                if put.failed_entry_count > 0 {
                    return Err(AwsError::Busy {
                        service: SERVICE,
                        code: "FailedEntries".to_owned(),
                        source: "an event of a batch was not taken".into(),
                    });
                }
            }
            Ok(())
        })
    }
}
