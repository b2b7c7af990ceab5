//! Evaluation over one record.

use foundation::problem::{Kind, Problem};

/// Why a rule has no value for a record. Types cannot fail: they were checked when the rule was saved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failure} at line {line}, column {column}{}", row.map_or_else(String::new, |row| format!(", row {row}")))]
pub struct EvaluationError {
    /// What happened.
    pub failure: Failure,
    /// Line of the sub-expression, from 1.
    pub line: u32,
    /// Column of the sub-expression, from 1.
    pub column: u32,
    /// The row, where columns were evaluated.
    pub row: Option<usize>,
}

/// What can happen to a checked rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A number has more than 28 digits before the point.
    #[error("a number is too large")]
    Overflow,
    /// A day lies outside the years -9999 to 9999.
    #[error("a date is out of range")]
    DateOutOfRange,
    /// There is no such element in the list.
    #[error("the list has no such element")]
    NoSuchElement,
    /// A column or a record gave a value of another type than the scope said.
    #[error("slot {0} has a value of another type than declared")]
    WrongValue(u32),
    /// The program's result is of another type than was asked for.
    #[error("the rule's result is of another type than asked for")]
    WrongResult,
}

impl Problem for EvaluationError {
    fn kind(&self) -> Kind {
        match self.failure {
            Failure::Overflow | Failure::DateOutOfRange | Failure::NoSuchElement => Kind::Rejected,
            Failure::WrongValue(_) | Failure::WrongResult => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self.failure {
            Failure::Overflow => "rule.overflow",
            Failure::DateOutOfRange => "rule.date-out-of-range",
            Failure::NoSuchElement => "rule.no-such-element",
            Failure::WrongValue(_) => "rule.wrong-value",
            Failure::WrongResult => "rule.wrong-result",
        }
    }
}
