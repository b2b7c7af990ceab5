//! A stretch of a load, then a message for the next one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws::Queue;
use foundation::{id::LoadId, problem::Fault};
use lambda::queue::Message;
use network::Loads;
use serde::Deserialize;

/// A stretch ends before a function that may run for five minutes could be stopped in the middle of a part.
const STRETCH: Duration = Duration::from_mins(1);

/// Loads, and the queue they go on in.
pub(crate) struct Desk {
    pub(crate) loads: Loads,
    pub(crate) queue: Queue,
}

#[derive(Deserialize)]
struct Work {
    load: LoadId,
}

pub(crate) async fn advance(desk: Arc<Desk>, message: Message) -> Result<(), Fault> {
    let work: Work = message.read()?;
    let (started, correlation) = (Instant::now(), lambda::correlation());
    while desk.loads.advance(&work.load, &correlation, lambda::now()).await? {
        if started.elapsed() > STRETCH {
            let next = serde_json::json!({ "load": work.load, "correlation": correlation });
            desk.queue.send(next.to_string()).await?;
            return Ok(());
        }
    }
    Ok(())
}
