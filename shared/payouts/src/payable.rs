//! Payables and their states.

use std::{fmt, str::FromStr};

use foundation::{
    id::{CycleId, PersonId, RunId},
    money::{Currency, Money},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// When it came into this state.
    pub since: Timestamp,
}
