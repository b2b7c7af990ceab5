//! One message: the next piece of work of one load.

use std::{collections::BTreeSet, sync::Arc};

use aws::Queue;
use calendar::{Calendar, CycleState};
use foundation::{id::PersonId, problem::Fault};
use lambda::queue::Message;
use network::People;
use orders::{
    load::{LoadCycle, Refusal, Row, Turn},
    store::loads::{Loads, Next, Surroundings},
};

/// What messages share.
pub(crate) struct Desk {
    pub(crate) people: People,
    pub(crate) calendar: Calendar,
    pub(crate) loads: Loads,
    pub(crate) queue: Queue,
}

pub(crate) async fn handle(desk: Arc<Desk>, message: Message) -> Result<(), Fault> {
    let turn: Turn = message.read()?;
    let load = desk.loads.find(&turn.load).await?;
    let now = lambda::now();
    match desk.loads.advance(&load, now).await? {
        Next::Nothing => return Ok(()),
        Next::More => {}
        Next::Lines(lines) => {
            let around = desk.surroundings(&lines).await?;
            desk.loads.write(&load, lines, &around, &turn.correlation, now).await?;
        }
    }
    Ok(desk.queue.send(serde_json::json!(turn).to_string()).await?)
}

impl Desk {
    /// What the people and the calendar say about these lines.
    async fn surroundings(&self, lines: &[Result<Row, Refusal>]) -> Result<Surroundings, Fault> {
        let people: BTreeSet<&PersonId> = lines.iter().flatten().map(Row::person).collect();
        let people: Vec<PersonId> = people.into_iter().cloned().collect();
        let people = self.people.find_many(&people).await?;
        let mut around = Surroundings {
            currencies: people.into_iter().map(|person| (person.id, person.currency)).collect(),
            ..Surroundings::default()
        };
        for cycle in self.calendar.list(Calendar::COMMERCIAL).await? {
            around.gates.insert(cycle.id.clone(), self.calendar.require_unsettled(&cycle.id)?);
            around.cycles.push(LoadCycle {
                is_closed: cycle.state != CycleState::Open,
                is_settled: cycle.state == CycleState::Settled,
                cycle: cycle.period(),
            });
        }
        Ok(around)
    }
}
