//! The REST paths of tickets.

use std::sync::Arc;

use aws::idempotency::Claim;
use foundation::{
    fact::Envelope,
    id::{PersonId, TicketId},
    permission::Permission,
    problem::{Fault, Kind, Malformed, NotFound},
};
use lambda::http::{Call, Caller, MissingPermission, Reply};
use network::People;
use serde::Serialize;
use service::{
    Listing, Tickets,
    facts::TicketChanged,
    settings::{self, Settings},
    store::Step,
    ticket::{self, Author, Entry, NewReply, NewState, NewTicket, Ticket, TicketError},
};

/// What the paths share.
pub(crate) struct Desk {
    pub(crate) people: People,
    pub(crate) tickets: Tickets,
}

#[derive(Serialize)]
struct Listed {
    items: Vec<Ticket>,
    next: Option<String>,
}

pub(crate) async fn show_settings(desk: Arc<Desk>, _call: Call) -> Result<Reply, Fault> {
    Reply::ok(&desk.tickets.settings().await?)
}

pub(crate) async fn put_settings(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    Reply::ok(&desk.tickets.put_settings(call.body::<Settings>()?).await?)
}

pub(crate) async fn open(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let new: NewTicket = call.body()?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "open-ticket", &new)?;
    let about = new.about.as_ref().or(caller.person.as_ref()).ok_or(TicketError::AboutNobody)?;
    desk.people.reachable(&caller.reach(), about).await?;
    let settings = desk.tickets.settings().await?;
    let id = lambda::new_id().parse().map_err(unexpected_id)?;
    let (ticket, entry) = ticket::open(new, id, author(caller), call.received_at, &settings)?;
    let step = step(&ticket, &entry, &claim, &settings);
    let ticket = desk.tickets.open_once(step, call.received_at).await?;
    Reply::created(format!("/tickets/{}", ticket.id), &ticket)
}

pub(crate) async fn list(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let (queue, state) = (code(&call, "queue")?, code(&call, "state")?);
    let person = call.query::<PersonId>("person")?;
    let works = caller.may(Permission::TicketsWork);
    let named = person.clone().or_else(|| if works { None } else { caller.person.clone() });
    let listing = match (named, &queue, &state) {
        (Some(person), _, _) => {
            if !works {
                desk.people.reachable(&caller.reach(), &person).await?;
            }
            Listing::OfPerson(person)
        }
        (None, _, _) if !works => return Err(MissingPermission(Permission::TicketsWork).into()),
        (None, Some(queue), state) => Listing::OfQueue(queue.clone(), state.clone()),
        (None, None, Some(state)) => Listing::InState(state.clone()),
        (None, None, None) => {
            return Err(Malformed::at("query:person", "expected person, queue or state").into());
        }
    };
    let cursor = call.query::<String>("cursor")?;
    let (mut items, next) = desk.tickets.list(&listing, call.limit()?, cursor.as_deref()).await?;
    // A person has few tickets: their other filters are applied to the page, which may be short.
    items.retain(|ticket| queue.as_ref().is_none_or(|queue| *queue == ticket.queue));
    items.retain(|ticket| state.as_ref().is_none_or(|state| *state == ticket.state));
    Reply::ok(&Listed { items, next })
}

pub(crate) async fn show(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let found = desk.tickets.find(&call.path::<TicketId>("ticketId")?).await?;
    check_reach(&desk, caller, &found.ticket).await?;
    Reply::ok(&ticket::shown(found.ticket, found.history, caller.may(Permission::TicketsWork)))
}

pub(crate) async fn reply(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let new: NewReply = call.body()?;
    if new.internal && !caller.may(Permission::TicketsWork) {
        return Err(MissingPermission(Permission::TicketsWork).into());
    }
    let before = desk.tickets.head(&call.path("ticketId")?).await?;
    check_reach(&desk, caller, &before).await?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, &format!("reply {}", before.id), &new)?;
    if let Some(answer) = desk.tickets.answered(&claim).await? {
        return Reply::ok(&answer);
    }
    let settings = desk.tickets.settings().await?;
    let (after, entry) = ticket::reply(&before, new, author(caller), call.received_at, &settings)?;
    let step = step(&after, &entry, &claim, &settings);
    Reply::ok(&desk.tickets.append_once(step, call.received_at).await?)
}

pub(crate) async fn change(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let new: NewState = call.body()?;
    let before = desk.tickets.head(&call.path("ticketId")?).await?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, &format!("change {}", before.id), &new)?;
    if let Some(answer) = desk.tickets.answered(&claim).await? {
        return Reply::ok(&answer);
    }
    let settings = desk.tickets.settings().await?;
    let (after, entry) = ticket::change(&before, new, author(caller), call.received_at, &settings)?;
    let step = step(&after, &entry, &claim, &settings);
    Reply::ok(&desk.tickets.append_once(step, call.received_at).await?)
}

/// Those who work on tickets see all; everybody else those of people within reach.
async fn check_reach(desk: &Desk, caller: &Caller, ticket: &Ticket) -> Result<(), Fault> {
    if caller.may(Permission::TicketsWork) {
        return Ok(());
    }
    let found = desk.people.reachable(&caller.reach(), &ticket.about).await.map_err(Fault::from);
    // Whoever may not see the person shall not learn that the ticket exists.
    found
        .map(drop)
        .map_err(|fault| if fault.kind() == Kind::NotFound { NotFound("ticket").into() } else { fault })
}

/// A query parameter that is the code of a queue or a state.
fn code(call: &Call, name: &str) -> Result<Option<String>, Malformed> {
    let found = call.query::<String>(name)?;
    if found.as_deref().is_some_and(|code| !settings::is_code(code)) {
        return Err(Malformed::at(format!("query:{name}"), settings::CODE_EXPECTED));
    }
    Ok(found)
}

fn author(caller: &Caller) -> Author {
    Author { subject: caller.subject.clone(), person: caller.person.clone() }
}

fn step<'a>(ticket: &'a Ticket, entry: &'a Entry, claim: &'a Claim, settings: &Settings) -> Step<'a> {
    let state_name = settings.states.get(&ticket.state).map(|state| state.name.clone()).unwrap_or_default();
    let fact = TicketChanged::of(ticket, entry, state_name)
        .map(|fact| Envelope::of(fact, entry.at, entry.at, lambda::correlation()));
    Step { ticket, entry, fact, claim }
}

fn unexpected_id(error: foundation::id::InvalidId) -> Malformed {
    Malformed::at("", error.to_string())
}
