//! Tickets and the rules of their life: opening, replying, changing.

use foundation::{
    id::{PersonId, TicketId},
    problem::{FieldError, Kind, Problem},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// A subject has so many characters.
pub const SUBJECT_CHARS_MAX: usize = 200;
/// A text or reply has so many characters.
pub const TEXT_CHARS_MAX: usize = 10_000;
/// A ticket has so many entries in its history; after that a new ticket is opened.
pub const ENTRIES_MAX: u32 = 500;

/// How urgent a ticket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Can wait.
    Low,
    /// As they come.
    #[default]
    Normal,
    /// Before the others.
    High,
    /// At once.
    Urgent,
}

impl Priority {
    fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

/// Who did something: the token's subject, and the person of the network if the caller is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The token's subject.
    pub subject: String,
    /// The person, if the caller is one.
    pub person: Option<PersonId>,
}

/// A case that concerns a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id; sorts by the time of opening.
    pub id: TicketId,
    /// Whom it concerns.
    pub about: PersonId,
    /// Who opened it.
    pub opened_by: Author,
    /// The type's code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The queue that handles it.
    pub queue: String,
    /// How urgent it is.
    pub priority: Priority,
    /// The state's code.
    pub state: String,
    /// What it is about, in one line.
    pub subject: String,
    /// The case.
    pub text: String,
    /// The subject of who works on it.
    pub assignee: Option<String>,
    /// When an answer is due.
    pub due: Option<Timestamp>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// How many entries its history has; also the version that a change builds on.
    pub entries: u32,
}

/// One line of a ticket's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the history, from 1.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Author,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened to a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// It was opened.
    Opened,
    /// Somebody replied; everybody who sees the ticket sees it.
    Replied {
        /// The reply.
        text: String,
    },
    /// Somebody who works on it left a note for the others who do.
    Noted {
        /// The note.
        text: String,
    },
    /// Fields changed.
    Changed {
        /// Which, from what, to what.
        changes: Vec<Change>,
        /// The reason, if one was given.
        reason: Option<String>,
    },
}

/// A changed field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field's name.
    pub field: String,
    /// What it was.
    pub from: Option<String>,
    /// What it is.
    pub to: Option<String>,
}

/// A ticket with its history, as a viewer may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketView {
    /// The ticket.
    #[serde(flatten)]
    pub ticket: Ticket,
    /// What happened, in order.
    pub history: Vec<Entry>,
}

/// What it takes to open a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    /// Whom it concerns; the caller if left out.
    #[serde(default)]
    pub about: Option<PersonId>,
    /// The type's code.
    #[serde(rename = "type")]
    pub kind: String,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Priority,
    /// What it is about, in one line.
    pub subject: String,
    /// The case.
    pub text: String,
}

/// A reply or a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewReply {
    /// What it says.
    pub text: String,
    /// Whether only those who work on tickets see it.
    #[serde(default)]
    pub internal: bool,
}

/// A step of the work on a ticket. Fields that are left out stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewState {
    /// The next state.
    #[serde(default)]
    pub state: Option<String>,
    /// The queue it goes to.
    #[serde(default)]
    pub queue: Option<String>,
    /// Who takes it (a token's subject).
    #[serde(default)]
    pub assignee: Option<String>,
    /// How urgent it now is.
    #[serde(default)]
    pub priority: Option<Priority>,
    /// When an answer is now due.
    #[serde(default)]
    pub due: Option<Timestamp>,
    /// Why; everybody who sees the ticket sees it.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Why something cannot be done with a ticket.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// A text is empty or too long.
    #[error("the text at {pointer} has {found} characters; expected 1 to {limit}")]
    TextLength {
        /// Where in the request.
        pointer: &'static str,
        /// How many characters it has.
        found: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A code that is not in the settings.
    #[error("there is no {field} {found:?}; there is {known}")]
    Unknown {
        /// `type`, `queue` or `state`.
        field: &'static str,
        /// The refused code.
        found: String,
        /// The known codes.
        known: String,
    },
    /// The present state does not lead to the wanted one.
    #[error("the ticket is {present:?}, which leads to {allowed}, not to {wanted:?}")]
    WrongTransition {
        /// The state it is in.
        present: String,
        /// The state that was asked for.
        wanted: String,
        /// Where the present one leads.
        allowed: String,
    },
    /// The present state takes no replies.
    #[error("the ticket is {present:?} and takes no replies")]
    TakesNoReplies {
        /// The state it is in.
        present: String,
    },
    /// A change that changes nothing.
    #[error("nothing would change: the ticket is {present:?} already")]
    NothingChanges {
        /// The state it is in.
        present: String,
    },
    /// The history is full.
    #[error("the ticket has {ENTRIES_MAX} entries: open another one")]
    Full,
    /// Somebody else changed it in the meantime.
    #[error("the ticket was changed by somebody else just now")]
    ChangedMeanwhile,
    /// Nobody was named and the caller is nobody of the network.
    #[error("say at /about whom the ticket concerns")]
    AboutNobody,
}

impl Problem for TicketError {
    fn kind(&self) -> Kind {
        match self {
            Self::TextLength { .. } | Self::Unknown { .. } | Self::AboutNobody => Kind::Invalid,
            Self::Full => Kind::Rejected,
            _ => Kind::Conflict,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::TextLength { .. } => "ticket.text-length",
            Self::Unknown { .. } => "ticket.unknown-code",
            Self::WrongTransition { .. } => "ticket.wrong-transition",
            Self::TakesNoReplies { .. } => "ticket.takes-no-replies",
            Self::NothingChanges { .. } => "ticket.nothing-changes",
            Self::Full => "ticket.full",
            Self::ChangedMeanwhile => "ticket.changed-meanwhile",
            Self::AboutNobody => "ticket.about-nobody",
        }
    }
    fn fields(&self) -> Vec<FieldError> {
        let pointer = match self {
            Self::TextLength { pointer, .. } => (*pointer).to_owned(),
            Self::Unknown { field, .. } => format!("/{field}"),
            Self::AboutNobody => "/about".to_owned(),
            _ => return Vec::new(),
        };
        vec![FieldError { pointer, detail: self.to_string() }]
    }
}

/// A ticket opened at `now`, and the first line of its history.
pub fn open(
    new: NewTicket,
    id: TicketId,
    by: Author,
    now: Timestamp,
    settings: &Settings,
) -> Result<(Ticket, Entry), TicketError> {
    check_text("/subject", &new.subject, SUBJECT_CHARS_MAX)?;
    check_text("/text", &new.text, TEXT_CHARS_MAX)?;
    let kind = settings.types.get(&new.kind).ok_or_else(|| unknown("type", &new.kind, &settings.types))?;
    let about = new.about.or_else(|| by.person.clone()).ok_or(TicketError::AboutNobody)?;
    let ticket = Ticket {
        id,
        about,
        opened_by: by.clone(),
        kind: new.kind,
        queue: kind.queue.clone(),
        priority: new.priority,
        state: settings.first_state.clone(),
        subject: new.subject,
        text: new.text,
        assignee: None,
        due: kind
            .due_hours
            .and_then(|hours| now.checked_add(SignedDuration::from_hours(i64::from(hours))).ok()),
        opened_at: now,
        changed_at: now,
        entries: 1,
    };
    Ok((ticket, Entry { number: 1, at: now, by, what: What::Opened }))
}

/// The ticket after a reply or note, and its line of the history.
pub fn reply(
    ticket: &Ticket,
    new: NewReply,
    by: Author,
    now: Timestamp,
    settings: &Settings,
) -> Result<(Ticket, Entry), TicketError> {
    check_text("/text", &new.text, TEXT_CHARS_MAX)?;
    let takes_replies = settings.states.get(&ticket.state).is_none_or(|state| state.takes_replies);
    if !new.internal && !takes_replies {
        return Err(TicketError::TakesNoReplies { present: ticket.state.clone() });
    }
    let what = if new.internal { What::Noted { text: new.text } } else { What::Replied { text: new.text } };
    appended(ticket.clone(), by, now, what)
}

/// The ticket after a step of the work on it, and its line of the history.
pub fn change(
    ticket: &Ticket,
    new: NewState,
    by: Author,
    now: Timestamp,
    settings: &Settings,
) -> Result<(Ticket, Entry), TicketError> {
    if let Some(reason) = &new.reason {
        check_text("/reason", reason, TEXT_CHARS_MAX)?;
    }
    let mut after = ticket.clone();
    if let Some(wanted) = new.state {
        check_transition(&ticket.state, &wanted, settings)?;
        after.state = wanted;
    }
    if let Some(queue) = new.queue {
        if !settings.queues.contains_key(&queue) {
            return Err(unknown("queue", &queue, &settings.queues));
        }
        after.queue = queue;
    }
    if let Some(assignee) = new.assignee {
        check_text("/assignee", &assignee, SUBJECT_CHARS_MAX)?;
        after.assignee = Some(assignee);
    }
    after.priority = new.priority.unwrap_or(ticket.priority);
    after.due = new.due.or(ticket.due);
    let changes = differences(ticket, &after);
    if changes.is_empty() {
        return Err(TicketError::NothingChanges { present: ticket.state.clone() });
    }
    appended(after, by, now, What::Changed { changes, reason: new.reason })
}

/// What a viewer sees: notes are for those who work on tickets.
pub fn shown(ticket: Ticket, history: Vec<Entry>, works_on_tickets: bool) -> TicketView {
    let visible = |entry: &Entry| works_on_tickets || !matches!(entry.what, What::Noted { .. });
    TicketView { ticket, history: history.into_iter().filter(visible).collect() }
}

fn check_transition(present: &str, wanted: &str, settings: &Settings) -> Result<(), TicketError> {
    if !settings.states.contains_key(wanted) {
        return Err(unknown("state", wanted, &settings.states));
    }
    // A ticket in a state that was taken out of the settings may go anywhere, or it would be stuck.
    let Some(state) = settings.states.get(present) else { return Ok(()) };
    if present == wanted || state.next.contains(wanted) {
        return Ok(());
    }
    let allowed: Vec<_> = state.next.iter().map(String::as_str).collect();
    Err(TicketError::WrongTransition {
        present: present.to_owned(),
        wanted: wanted.to_owned(),
        allowed: if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") },
    })
}

fn differences(before: &Ticket, after: &Ticket) -> Vec<Change> {
    let fields = |ticket: &Ticket| {
        [
            ("state", Some(ticket.state.clone())),
            ("queue", Some(ticket.queue.clone())),
            ("assignee", ticket.assignee.clone()),
            ("priority", Some(ticket.priority.name().to_owned())),
            ("due", ticket.due.map(|due| due.to_string())),
        ]
    };
    let pairs = fields(before).into_iter().zip(fields(after));
    pairs
        .filter(|((_, from), (_, to))| from != to)
        .map(|((field, from), (_, to))| Change { field: field.to_owned(), from, to })
        .collect()
}

fn appended(
    mut ticket: Ticket,
    by: Author,
    now: Timestamp,
    what: What,
) -> Result<(Ticket, Entry), TicketError> {
    if ticket.entries >= ENTRIES_MAX {
        return Err(TicketError::Full);
    }
    ticket.entries += 1;
    ticket.changed_at = now;
    let entry = Entry { number: ticket.entries, at: now, by, what };
    Ok((ticket, entry))
}

fn check_text(pointer: &'static str, text: &str, limit: usize) -> Result<(), TicketError> {
    let found = text.chars().count();
    if text.trim().is_empty() || limit < found {
        return Err(TicketError::TextLength { pointer, found, limit });
    }
    Ok(())
}

fn unknown<T>(
    field: &'static str,
    found: &str,
    known: &std::collections::BTreeMap<String, T>,
) -> TicketError {
    let known = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    TicketError::Unknown { field, found: found.to_owned(), known }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn author(person: Option<&str>) -> Author {
        Author { subject: "u1".into(), person: person.map(|id| id.parse().unwrap()) }
    }

    fn new_ticket() -> NewTicket {
        let (kind, subject, text) = ("pedido".into(), "Sin entregar".into(), "Hace una semana".into());
        NewTicket { about: None, kind, priority: Priority::Normal, subject, text }
    }

    fn ticket() -> Ticket {
        open(new_ticket(), "T1".parse().unwrap(), author(Some("P1")), at(0), &Settings::default()).unwrap().0
    }

    fn to_state(state: &str) -> NewState {
        NewState { state: Some(state.into()), ..NewState::default() }
    }

    #[test]
    fn a_new_ticket_is_about_its_author_unless_it_names_somebody() {
        let opened = ticket();
        assert_eq!(
            (opened.about.as_str(), opened.queue.as_str(), opened.state.as_str()),
            ("P1", "orders", "open")
        );
        assert_eq!(opened.due, Some(at(24 * 3600)));
        let nobody = open(new_ticket(), "T1".parse().unwrap(), author(None), at(0), &Settings::default());
        assert_eq!(nobody.unwrap_err().code(), "ticket.about-nobody");
    }

    #[test]
    fn only_the_configured_steps_are_taken() {
        let cases = [
            ("open", "in-progress", true),
            ("open", "reopened", false),
            ("solved", "reopened", true),
            ("solved", "open", false),
            ("closed", "reopened", true),
            ("closed", "in-progress", false),
        ];
        for (present, wanted, allowed) in cases {
            let ticket = Ticket { state: present.into(), ..ticket() };
            let step = change(&ticket, to_state(wanted), author(None), at(1), &Settings::default());
            assert_eq!(step.is_ok(), allowed, "{present} to {wanted}");
            if let Err(error) = step {
                assert_eq!((error.kind(), error.code()), (Kind::Conflict, "ticket.wrong-transition"));
                assert!(error.to_string().contains(present), "{error}");
            }
        }
    }

    #[test]
    fn the_history_tells_each_changed_field() {
        let step =
            NewState { assignee: Some("ana".into()), reason: Some("turno".into()), ..to_state("waiting") };
        let (after, entry) = change(&ticket(), step, author(None), at(1), &Settings::default()).unwrap();
        assert_eq!((after.entries, after.changed_at), (2, at(1)));
        let What::Changed { changes, reason } = entry.what else { panic!("{entry:?}") };
        let told: Vec<_> = changes
            .iter()
            .map(|change| (change.field.as_str(), change.from.as_deref(), change.to.as_deref()))
            .collect();
        assert_eq!(told, [("state", Some("open"), Some("waiting")), ("assignee", None, Some("ana"))]);
        assert_eq!(reason.as_deref(), Some("turno"));
        let again = change(&after, to_state("waiting"), author(None), at(2), &Settings::default());
        assert_eq!(again.unwrap_err().code(), "ticket.nothing-changes");
    }

    #[test]
    fn a_closed_ticket_takes_notes_but_no_replies() {
        let closed = Ticket { state: "closed".into(), ..ticket() };
        let say = |internal| NewReply { text: "hola".into(), internal };
        let refused = reply(&closed, say(false), author(None), at(1), &Settings::default()).unwrap_err();
        assert_eq!(refused.code(), "ticket.takes-no-replies");
        assert!(reply(&closed, say(true), author(None), at(1), &Settings::default()).is_ok());
    }

    #[test]
    fn notes_are_hidden_from_those_who_do_not_work_on_tickets() {
        let (after, note) = reply(
            &ticket(),
            NewReply { text: "ojo".into(), internal: true },
            author(None),
            at(1),
            &Settings::default(),
        )
        .unwrap();
        assert_eq!(shown(after.clone(), vec![note.clone()], false).history, []);
        assert_eq!(shown(after, vec![note.clone()], true).history, [note]);
    }

    #[test]
    fn texts_and_histories_have_limits() {
        let long = NewTicket { text: "x".repeat(TEXT_CHARS_MAX + 1), ..new_ticket() };
        let blank = NewTicket { subject: " ".into(), ..new_ticket() };
        let strange = NewTicket { kind: "queja".into(), ..new_ticket() };
        for (new, code) in
            [(long, "ticket.text-length"), (blank, "ticket.text-length"), (strange, "ticket.unknown-code")]
        {
            let refused = open(new, "T1".parse().unwrap(), author(Some("P1")), at(0), &Settings::default());
            assert_eq!(refused.unwrap_err().code(), code);
        }
        let full = Ticket { entries: ENTRIES_MAX, ..ticket() };
        let refused = change(&full, to_state("waiting"), author(None), at(1), &Settings::default());
        assert_eq!(refused.unwrap_err().code(), "ticket.full");
    }
}
