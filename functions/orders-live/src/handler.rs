//! A batch of facts: merged, and applied once each.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use foundation::{
    fact::Envelope,
    id::{CycleId, PersonId},
    problem::{Fault, NotFound},
};
use insight::live::{Delta, Live, Movement};
use lambda::queue::{Message, Unreadable};
use network::{People, Person};
use orders::{
    facts::{OrderCancelled, OrderPaid},
    paid::PaidKind,
};
use rust_decimal::Decimal;

/// What batches share.
pub(crate) struct Desk {
    pub(crate) people: People,
    pub(crate) live: Live,
}

/// What a fact says about volumes.
struct Moved {
    fact: String,
    cycle: CycleId,
    person: PersonId,
    delta: Delta,
}

pub(crate) async fn handle(desk: Arc<Desk>, messages: Vec<Message>) -> Vec<(String, Fault)> {
    let mut failed: Vec<(String, Fault)> = Vec::new();
    let mut moved: Vec<(String, Moved)> = Vec::new();
    for message in messages {
        match read(&message) {
            Ok(fact) => moved.extend(fact.map(|fact| (message.id, fact))),
            Err(error) => failed.push((message.id, error.into())),
        }
    }
    let buyers: BTreeSet<PersonId> = moved.iter().map(|(_, fact)| fact.person.clone()).collect();
    let mut movements = Vec::with_capacity(moved.len());
    match desk.people.find_many(&buyers.into_iter().collect::<Vec<_>>()).await {
        Ok(people) => {
            let people: BTreeMap<PersonId, Person> =
                people.into_iter().map(|person| (person.id.clone(), person)).collect();
            for (message, fact) in moved {
                match people.get(&fact.person) {
                    Some(person) => movements.push((message, movement(fact, person))),
                    None => failed.push((message, NotFound("person").into())),
                }
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            failed.extend(moved.into_iter().map(|(message, fact)| {
                (message, insight::live::NotApplied::because(fact.fact, &error).into())
            }));
        }
    }
    let (ids, movements): (Vec<_>, Vec<_>) = movements.into_iter().unzip();
    let unapplied = desk.live.apply(&movements, lambda::now()).await;
    let again = ids.into_iter().zip(movements).filter_map(|(message, movement)| {
        Some((message, Fault::from(unapplied.get(&movement.fact)?.clone())))
    });
    failed.extend(again);
    failed
}

/// What the fact in `message` moves; nothing if it says that something else does.
fn read(message: &Message) -> Result<Option<Moved>, Unreadable> {
    if let Ok(Envelope { fact, body: paid, .. }) = message.read::<Envelope<OrderPaid>>() {
        let (vq, vc) = (paid.amounts.vq, paid.amounts.vc);
        let delta = match paid.kind {
            PaidKind::Sale => Delta::sale(vq, vc),
            // What it takes back is undone by the next run, and the volumes of this cycle stay as they are.
            PaidKind::Return if paid.is_late() => Delta::returned(Decimal::ZERO, Decimal::ZERO),
            PaidKind::Return => Delta::returned(vq, vc),
        };
        return Ok(Some(Moved { fact, cycle: paid.cycle, person: paid.person, delta }));
    }
    let Envelope { fact, body: cancelled, .. } = message.read::<Envelope<OrderCancelled>>()?;
    let delta = Delta::cancelled(cancelled.amounts.vq, cancelled.amounts.vc);
    let is_moving = cancelled.was_paid && cancelled.returned_as.is_none();
    let cycle = cancelled.cycle.filter(|_| is_moving);
    Ok(cycle.map(|cycle| Moved { fact, cycle, person: cancelled.person, delta }))
}

fn movement(moved: Moved, person: &Person) -> Movement {
    Movement {
        fact: moved.fact,
        cycle: moved.cycle,
        person: moved.person,
        upline: person.upline.clone(),
        delta: moved.delta,
    }
}
