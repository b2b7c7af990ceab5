//! Payables and their states.

use std::{fmt, str::FromStr};

use foundation::{
    id::{CycleId, PersonId, RunId},
    money::{Currency, Money},
    problem::{FieldError, Kind, Problem},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::file::PaymentLine;

/// The id of a payable: the run, the person and the currency it is for, `2026-10-monthly-1~P1~COP`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PayableId {
    /// The run that owes it.
    pub run: RunId,
    /// Whom it is owed to.
    pub person: PersonId,
    /// In what.
    pub currency: Currency,
}

/// A text that is no payable's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a payable: {found:?}")]
pub struct InvalidPayableId {
    /// The refused text.
    pub found: String,
}

impl fmt::Display for PayableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}~{}", self.run, self.person, self.currency)
    }
}

impl FromStr for PayableId {
    type Err = InvalidPayableId;
    fn from_str(text: &str) -> Result<Self, InvalidPayableId> {
        let invalid = || InvalidPayableId { found: text.to_owned() };
        let [run, person, currency] = text.split('~').collect::<Vec<_>>()[..] else { return Err(invalid()) };
        Ok(Self {
            run: run.parse().map_err(|_| invalid())?,
            person: person.parse().map_err(|_| invalid())?,
            currency: currency.parse().map_err(|_| invalid())?,
        })
    }
}

impl TryFrom<String> for PayableId {
    type Error = InvalidPayableId;
    fn try_from(text: String) -> Result<Self, InvalidPayableId> {
        text.parse()
    }
}

impl From<PayableId> for String {
    fn from(id: PayableId) -> String {
        id.to_string()
    }
}

/// Where a payable stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayableState {
    /// To be paid; goes into treasury files.
    Pending,
    /// Held back by somebody, with a reason.
    Held,
    /// The bank refused it; goes into the next treasury file.
    Failed,
    /// Paid.
    Paid,
}

impl PayableState {
    /// All states.
    pub const ALL: [PayableState; 4] = [Self::Pending, Self::Held, Self::Failed, Self::Paid];

    /// The state's name, as stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Paid => "paid",
        }
    }

    /// Whether a treasury file asks for it.
    pub fn is_due(self) -> bool {
        matches!(self, Self::Pending | Self::Failed)
    }
}

/// How a person is paid. More come with the connectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Through the treasury file.
    #[default]
    BankTransfer,
}

impl Method {
    /// The method's name, as stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::BankTransfer => "bank-transfer",
        }
    }
}

/// What a run owes a person in a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payable {
    /// Its id.
    pub id: PayableId,
    /// The cycle it was earned in.
    pub cycle: CycleId,
    /// The person's name, as the treasury needs it.
    pub name: String,
    /// The person's document, as the treasury needs it: `CC 123`.
    pub document: String,
    /// How much; above zero.
    pub amount: Money,
    /// How it is paid.
    pub method: Method,
    /// Where it stands.
    pub state: PayableState,
    /// Why it is held or failed, or the bank's reference of the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The payment file that told the state, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// When it came into this state.
    pub since: Timestamp,
    /// Counts its changes.
    pub version: u64,
    /// Who changed it, when, from what to what; oldest first.
    #[serde(default)]
    pub history: Vec<Change>,
}

/// One change of a payable, for audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Who: a token's subject.
    pub by: String,
    /// The state before.
    pub from: PayableState,
    /// The state after.
    pub to: PayableState,
    /// The note after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why a payable does not change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayableError {
    /// It is in another state.
    #[error("the payable is {}; expected {expected}", .found.name())]
    WrongState {
        /// Its state.
        found: PayableState,
        /// The state it would have to be in.
        expected: &'static str,
    },
    /// The reason says nothing.
    #[error("a reason has 1 to {REASON_MAX} characters, at least one of them a letter or digit")]
    Reason,
}

impl Problem for PayableError {
    fn kind(&self) -> Kind {
        match self {
            Self::WrongState { .. } => Kind::Conflict,
            Self::Reason => Kind::Invalid,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::WrongState { .. } => "payable.wrong-state",
            Self::Reason => "payable.reason",
        }
    }
    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::WrongState { .. } => Vec::new(),
            Self::Reason => vec![FieldError { pointer: "/reason".to_owned(), detail: self.to_string() }],
        }
    }
}

/// Characters a reason has at most.
pub const REASON_MAX: usize = 500;
const DUE: &str = "pending or failed";

impl Payable {
    /// Held back by `by`, for `reason`.
    pub fn hold(&self, reason: &str, by: &str, at: Timestamp) -> Result<Self, PayableError> {
        let fits = reason.chars().count() <= REASON_MAX && reason.chars().any(|c| c.is_ascii_alphanumeric());
        if !fits {
            return Err(PayableError::Reason);
        }
        self.due()?;
        Ok(self.turned(PayableState::Held, Some(reason.to_owned()), by, at))
    }

    /// To be paid again, as `by` says.
    pub fn release(&self, by: &str, at: Timestamp) -> Result<Self, PayableError> {
        if self.state != PayableState::Held {
            return Err(PayableError::WrongState { found: self.state, expected: "held" });
        }
        Ok(self.turned(PayableState::Pending, None, by, at))
    }

    /// Paid or failed, as `line` of the payment file `file` says, which `by` started.
    pub fn settle(
        &self,
        line: &PaymentLine,
        file: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<Self, PayableError> {
        self.due()?;
        let to = if line.paid { PayableState::Paid } else { PayableState::Failed };
        let note = (!line.note.is_empty()).then(|| line.note.clone());
        Ok(Self { file: Some(file.to_owned()), ..self.turned(to, note, by, at) })
    }

    fn due(&self) -> Result<(), PayableError> {
        if self.state.is_due() {
            Ok(())
        } else {
            Err(PayableError::WrongState { found: self.state, expected: DUE })
        }
    }

    fn turned(&self, to: PayableState, note: Option<String>, by: &str, at: Timestamp) -> Self {
        let mut turned = self.clone();
        turned.history.push(Change { at, by: by.to_owned(), from: self.state, to, note: note.clone() });
        Self { state: to, note, file: None, since: at, version: self.version + 1, ..turned }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn payable(id: &str, amount: &str, state: PayableState) -> Payable {
        let id: PayableId = id.parse().unwrap();
        Payable {
            amount: Money::exactly(amount.parse().unwrap(), id.currency).unwrap(),
            id,
            cycle: "2026-10".parse().unwrap(),
            name: "=Ana, María".into(),
            document: "CC 1".into(),
            method: Method::BankTransfer,
            state,
            note: None,
            file: None,
            since: Timestamp::UNIX_EPOCH,
            version: 1,
            history: vec![],
        }
    }

    #[test]
    fn holding_and_releasing_are_told_with_before_after_who_and_why() {
        let at = Timestamp::from_second(5).unwrap();
        let pending = payable("r~P1~COP", "5", PayableState::Pending);
        let held = pending.hold("documents missing", "ana", at).unwrap();
        let released = held.release("ben", at).unwrap();
        assert_eq!((held.state, held.version), (PayableState::Held, 2));
        assert_eq!((released.state, released.note.as_deref()), (PayableState::Pending, None));
        let told: Vec<_> = released.history.iter().map(|c| (c.by.as_str(), c.from, c.to)).collect();
        let (pending, held) = (PayableState::Pending, PayableState::Held);
        assert_eq!(told, [("ana", pending, held), ("ben", held, pending)]);
        assert_eq!(released.history[0].note.as_deref(), Some("documents missing"));
    }

    #[test]
    fn only_what_is_due_is_held_or_settled_and_only_what_is_held_is_released() {
        let line = PaymentLine {
            payable: "r~P1~COP".parse().unwrap(),
            amount: 5.into(),
            paid: true,
            note: String::new(),
        };
        for state in PayableState::ALL {
            let found = payable("r~P1~COP", "5", state);
            assert_eq!(found.hold("x", "ana", found.since).is_ok(), state.is_due(), "{state:?}");
            assert_eq!(found.settle(&line, "f", "ana", found.since).is_ok(), state.is_due(), "{state:?}");
            assert_eq!(found.release("ana", found.since).is_ok(), state == PayableState::Held, "{state:?}");
        }
    }

    #[test]
    fn a_reason_says_something() {
        let pending = payable("r~P1~COP", "5", PayableState::Pending);
        for reason in ["", "  ", "...", &"x".repeat(REASON_MAX + 1)] {
            assert_eq!(pending.hold(reason, "ana", pending.since), Err(PayableError::Reason), "{reason:?}");
        }
    }
}
