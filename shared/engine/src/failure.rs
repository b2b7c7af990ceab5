//! Why a step of a run cannot be computed.

use std::fmt;

use foundation::problem::{Kind, Problem};
use jiff::civil::Date;

use crate::verify::Violation;

/// A rank of a person that the plan does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRank {
    /// The person.
    pub person: String,
    /// The column of the facts.
    pub column: &'static str,
    /// The code.
    pub found: String,
}

impl fmt::Display for UnknownRank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "person {} has the unknown rank {:?} in {}", self.person, self.found, self.column)
    }
}

/// Why a step of a run cannot be computed. Nothing is ever rounded, cut or left out instead.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The facts make no network.
    #[error("the network has {} violation(s); the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Network(Vec<Violation>),
    /// A number does not fit.
    #[error("{what} of person {person} is too large")]
    Overflow {
        /// The person at whom it happened.
        person: String,
        /// What was being computed.
        what: String,
    },
    /// An amount of an order, or the sum that it is added to, does not fit.
    #[error("{what} is too large")]
    TooLarge {
        /// What it is, with whose.
        what: String,
        /// The order.
        order: String,
        /// The column of the facts.
        column: &'static str,
    },
    /// A number has more decimals than are kept.
    #[error("{what} of {of} has more than {decimals} decimals: {found}")]
    TooFine {
        /// What it is.
        what: &'static str,
        /// Whose it is: an order or a person.
        of: String,
        /// Decimals that are kept.
        decimals: u32,
        /// The refused number.
        found: String,
    },
    /// A person or an order has a currency the run has no rate for.
    #[error("there is no exchange rate for {currency}, the currency of {of}")]
    NoRate {
        /// The currency.
        currency: String,
        /// Whose it is.
        of: String,
    },
    /// People have ranks the plan does not know: the first thousand of them, in the order of the facts.
    #[error("{} unknown rank(s); the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    UnknownRanks(Vec<UnknownRank>),
    /// A rule cannot be evaluated for a person.
    #[error("the rule of {of} fails for person {person}: {reason}")]
    Rule {
        /// What the rule decides.
        of: String,
        /// The person.
        person: String,
        /// What failed.
        reason: String,
    },
    /// The plan's own periods end before the cycle does.
    #[error(
        "the plan has no period for cycle {cycle}, which ends on {day}: the last of period_starts is {end}"
    )]
    NoPeriod {
        /// Id of the cycle.
        cycle: String,
        /// Its last day.
        day: Date,
        /// The day the last period ends before.
        end: Date,
    },
    /// Two inputs of a step do not belong together.
    #[error("{0}")]
    Mismatch(String),
    /// A window reaches into cycles whose snapshots were not given.
    #[error("{indicator} needs the snapshots of {needed} earlier cycle(s), {given} were given")]
    HistoryMissing {
        /// Code of the indicator.
        indicator: String,
        /// Earlier cycles it needs.
        needed: usize,
        /// Earlier cycles there were.
        given: usize,
    },
    /// A stored file is not what it should be.
    #[error("the file {file} cannot be read: {reason}")]
    File {
        /// Which file.
        file: &'static str,
        /// Why.
        reason: String,
    },
}

impl Problem for EngineError {
    fn kind(&self) -> Kind {
        match self {
            Self::File { .. } | Self::Mismatch(_) | Self::HistoryMissing { .. } => Kind::Internal,
            _ => Kind::Rejected,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Network(_) => "run.network-invalid",
            Self::Overflow { .. } | Self::TooLarge { .. } => "run.overflow",
            Self::TooFine { .. } => "run.too-fine",
            Self::NoRate { .. } => "run.no-rate",
            Self::UnknownRanks(_) => "run.unknown-rank",
            Self::Rule { .. } => "run.rule-failed",
            Self::NoPeriod { .. } => "run.no-period",
            Self::Mismatch(_) => "run.mismatch",
            Self::HistoryMissing { .. } => "run.history-missing",
            Self::File { .. } => "run.file",
        }
    }
}
