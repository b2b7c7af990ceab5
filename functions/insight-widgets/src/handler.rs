//! The REST path of live indicators.

use std::sync::Arc;

use calendar::Calendar;
use foundation::{
    id::{CycleId, PersonId},
    problem::{Fault, NotFound},
};
use insight::live::{Indicators, Live};
use lambda::http::{Call, Reply};
use network::People;
use serde::Serialize;

/// What the path shares.
pub(crate) struct Desk {
    pub(crate) people: People,
    pub(crate) calendar: Calendar,
    pub(crate) live: Live,
}

#[derive(Serialize)]
struct Shown {
    person: PersonId,
    cycle: CycleId,
    #[serde(flatten)]
    indicators: Indicators,
}

/// Of the cycle that is asked for, or of the one that contains this moment.
pub(crate) async fn live(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let person = call.path::<PersonId>("personId")?;
    desk.people.reachable(&call.caller()?.reach(), &person).await?;
    let cycle = match call.query::<CycleId>("cycle")? {
        Some(cycle) => desk.calendar.find(&cycle).await?.map(|cycle| cycle.id),
        None => desk.calendar.cycle_at(call.received_at).await?.map(|cycle| cycle.id),
    };
    let cycle = cycle.ok_or(NotFound("cycle"))?;
    let indicators = desk.live.of(&cycle, &person).await?;
    Reply::ok(&Shown { person, cycle, indicators })
}
