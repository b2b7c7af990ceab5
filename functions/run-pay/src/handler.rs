//! What was earned becomes payables and ledger transfers.

use std::{collections::BTreeMap, sync::Arc};

use calendar::Calendar;
use commissions::{
    Commissions,
    steps::{Payment, open_payment, settle_payment},
    task::{Answer, Task},
};
use foundation::{id::PersonId, money::Money, problem::Fault};
use ledger::store::Ledger;
use network::{People, Person};
use payouts::{
    batch::{Earning, earned},
    store::Payouts,
};

pub(crate) struct Shared {
    pub(crate) store: Commissions,
    pub(crate) calendar: Calendar,
    pub(crate) people: People,
    pub(crate) ledger: Ledger,
    pub(crate) payouts: Payouts,
}

pub(crate) async fn handle(shared: Arc<Shared>, task: Task) -> Result<Answer, Fault> {
    let Some(payment) = open_payment(&shared.store, &task).await? else { return Ok(task.done()) };
    let earnings = named(&shared.people, &payment).await?;
    let mut payables = 0;
    for batch in earned(&task.run, &task.cycle, earnings)? {
        payables += shared.payouts.owe(&shared.ledger, &batch, payment.approved_at).await?.payables;
    }
    shared.payouts.write_treasury_file(&task.run).await?;
    settle_payment(&shared.store, &shared.calendar, payment, payables, lambda::now()).await?;
    lambda::telemetry::count("PayablesMade", payables, &[("Process", task.process.as_str())]);
    Ok(task.done())
}

/// The earnings with what the treasury needs to know of each person.
async fn named(people: &People, payment: &Payment) -> Result<Vec<Earning>, Fault> {
    let ids: Vec<PersonId> = payment.earnings.iter().map(|(person, _)| person.clone()).collect();
    let known = people.find_many(&ids).await?;
    let known: BTreeMap<PersonId, Person> =
        known.into_iter().map(|person| (person.id.clone(), person)).collect();
    let named = |(person, amount): &(PersonId, Money)| {
        let known = known.get(person);
        Earning {
            person: person.clone(),
            name: known.map_or_else(String::new, |known| known.name.clone()),
            document: known.map_or_else(String::new, |known| {
                format!("{} {}", known.document.r#type, known.document.number)
            }),
            amount: *amount,
        }
    };
    Ok(payment.earnings.iter().map(named).collect())
}
