//! One batch of a stream: the facts in it go onto the bus.

use std::sync::Arc;

use aws::{Bus, outbox};
use foundation::problem::Fault;
use lambda::stream::Change;

/// Events of one call to the bus.
const EVENTS: usize = 10;

pub(crate) async fn handle(bus: Arc<Bus>, changes: Vec<Change>) -> Result<(), (usize, Fault)> {
    let facts: Vec<_> = changes
        .iter()
        .enumerate()
        .filter_map(|(position, change)| Some((position, outbox::event(change.after.as_ref()?)?)))
        .collect();
    for events in facts.chunks(EVENTS) {
        let first = events.first().map_or(0, |(position, _)| *position);
        let events = events.iter().map(|(_, event)| event.clone()).collect();
        bus.put(events).await.map_err(|error| (first, error.into()))?;
    }
    Ok(())
}
