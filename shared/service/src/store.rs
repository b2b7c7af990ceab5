//! The only reader and writer of the area's table.

use aws::{
    Aws, AwsError, Condition, Env, Item, Page, Query, Table, Write, from_item, idempotency::Claim, to_item,
};
use foundation::{
    fact::Envelope,
    id::{PersonId, TicketId},
    problem::{Fault, NotFound},
};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    facts::TicketChanged,
    keys,
    settings::{Settings, StaleSettings},
    ticket::{Entry, Ticket, TicketError, TicketView},
};

/// How long a repeated request gets the first answer, in seconds: a day.
const CLAIM_SECONDS: i64 = 24 * 3600;

/// The tickets and their settings.
#[derive(Clone, Debug)]
pub struct Tickets {
    aws: Aws,
    table: Table,
}

/// Which tickets a listing shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Those that concern a person, newest first.
    OfPerson(PersonId),
    /// Those of a queue, of one state or by state.
    OfQueue(String, Option<String>),
    /// Those in a state, newest first.
    InState(String),
}

/// A change to write: the ticket as it is afterwards, the line of the history, and the claim on the caller's key.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// The ticket afterwards.
    pub ticket: &'a Ticket,
    /// The line of the history.
    pub entry: &'a Entry,
    /// The fact that leaves, if it is one to be told.
    pub fact: Option<Envelope<TicketChanged>>,
    /// The claim on the caller's key.
    pub claim: &'a Claim,
}

impl Tickets {
    /// The tickets of the table in `SERVICE_TABLE`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self { aws: aws.clone(), table: Table::from_env(aws, env, "SERVICE_TABLE") }
    }

    /// The company's settings; the defaults if there are none.
    pub async fn settings(&self) -> Result<Settings, AwsError> {
        match self.table.get(keys::settings()).await? {
            Some(item) => Ok(from_item(item)?),
            None => Ok(Settings::default()),
        }
    }

    /// Replaces the settings that are at `settings.version` (0: the defaults); gives them at their new version.
    pub async fn put_settings(&self, settings: Settings) -> Result<Settings, Fault> {
        let seen = settings.version;
        let next = Settings { version: seen + 1, ..settings.checked()? };
        let condition = if seen == 0 {
            Condition::Absent
        } else {
            Condition::Equals("version", aws::number(Decimal::from(seen)))
        };
        let item = keys::settings().onto(to_item(&next).map_err(AwsError::from)?);
        match self.table.put(item, condition).await {
            Err(error) if error.is_condition() => Err(StaleSettings(seen).into()),
            other => Ok(other.map(|()| next)?),
        }
    }

    /// The ticket, without its history.
    pub async fn head(&self, id: &TicketId) -> Result<Ticket, Fault> {
        let item = self.table.get(keys::ticket(id)).await?.ok_or(NotFound("ticket"))?;
        Ok(from_item(item).map_err(AwsError::from)?)
    }

    /// The ticket with its whole history.
    pub async fn find(&self, id: &TicketId) -> Result<TicketView, Fault> {
        let (mut ticket, mut history) = (None, Vec::new());
        let query = Query::partition(keys::partition(id)).consistent();
        for item in self.table.query_all(query).await? {
            let is_entry = item
                .get("sk")
                .and_then(|sk| sk.as_s().ok())
                .is_some_and(|sk| sk.starts_with(keys::ENTRY_PREFIX));
            if is_entry {
                history.push(from_item(item).map_err(AwsError::from)?);
            } else {
                ticket = Some(from_item(item).map_err(AwsError::from)?);
            }
        }
        Ok(TicketView { ticket: ticket.ok_or(NotFound("ticket"))?, history })
    }

    /// Writes a new ticket. The same key with the same request gives the ticket that was opened first.
    pub async fn open_once(&self, step: Step<'_>, now: Timestamp) -> Result<Ticket, Fault> {
        self.write_once(step, Condition::Absent, now).await
    }

    /// Writes a reply, note or change onto the ticket as it was read; if somebody else was quicker it is a conflict.
    pub async fn append_once(&self, step: Step<'_>, now: Timestamp) -> Result<Ticket, Fault> {
        let before = Decimal::from(step.ticket.entries.saturating_sub(1));
        self.write_once(step, Condition::Equals("entries", aws::number(before)), now).await
    }

    /// The answer that the claim's first request got, if there was one: asked before the rules, which would refuse the repetition.
    pub async fn answered(&self, claim: &Claim) -> Result<Option<Ticket>, Fault> {
        match self.table.get(claim.key()).await? {
            Some(standing) => Ok(claim.answer(&standing)?),
            None => Ok(None),
        }
    }

    /// A page of tickets and the cursor of the next one.
    pub async fn list(
        &self,
        listing: &Listing,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<(Vec<Ticket>, Option<String>), Fault> {
        let query = match listing {
            Listing::OfPerson(person) => Query::partition(person.as_str()).index("person"),
            Listing::OfQueue(queue, None) => Query::partition(queue).index("queue"),
            Listing::OfQueue(queue, Some(state)) => {
                Query::partition(queue).index("queue").prefix(format!("{state}#"))
            }
            Listing::InState(state) => Query::partition(state).index("state"),
        };
        let page: Page = self.table.query(query.descending().limit(limit).from_cursor(cursor)?).await?;
        let next = page.cursor();
        let tickets: Result<_, _> = page.items.into_iter().map(from_item).collect();
        Ok((tickets.map_err(AwsError::from)?, next))
    }

    async fn write_once(&self, step: Step<'_>, head: Condition, now: Timestamp) -> Result<Ticket, Fault> {
        let expires = now.as_second().saturating_add(CLAIM_SECONDS);
        let mut item: Item = to_item(step.ticket).map_err(AwsError::from)?;
        item.extend(keys::indexed(step.ticket));
        let entry = to_item(step.entry).map_err(AwsError::from)?;
        let entry_key = keys::entry(&step.ticket.id, step.entry.number);
        let mut writes = vec![
            step.claim.write(&self.table, step.ticket, expires)?,
            Write::Put(self.table.clone(), keys::ticket(&step.ticket.id).onto(item), head),
            Write::Put(self.table.clone(), entry_key.onto(entry), Condition::Absent),
        ];
        if let Some(fact) = &step.fact {
            writes.push(aws::outbox::write(&self.table, fact)?);
        }
        match self.aws.transact(writes).await {
            Ok(()) => Ok(step.ticket.clone()),
            Err(AwsError::Refused(reasons)) => match reasons.first() {
                Some(Some(standing)) => {
                    Ok(step.claim.answer(standing)?.unwrap_or_else(|| step.ticket.clone()))
                }
                _ => Err(TicketError::ChangedMeanwhile.into()),
            },
            Err(error) => Err(error.into()),
        }
    }
}
