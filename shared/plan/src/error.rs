//! Mistakes in a plan, each with its place.

use std::fmt;

use foundation::problem::{FieldError, Kind, Problem};
use rules::Diagnostic;
use serde::Serialize;

/// One mistake in a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PlanError {
    /// JSON pointer to the place in the document.
    pub pointer: String,
    /// Inside a rule's text: the line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Inside a rule's text (or, if the document is no JSON, in the document): the column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What stands there.
    pub found: String,
    /// What would be right there.
    pub expected: String,
}

impl PlanError {
    pub(crate) fn at(
        pointer: impl Into<String>,
        message: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            line: None,
            column: None,
            message: message.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    pub(crate) fn in_rule(pointer: &str, mistake: Diagnostic) -> Self {
        Self {
            pointer: pointer.to_owned(),
            line: Some(mistake.line),
            column: Some(mistake.column),
            message: mistake.message,
            found: mistake.found,
            expected: mistake.expected,
        }
    }
}

/// A part of the document as it is written there, for [`PlanError::found`].
pub(crate) fn as_written(part: &impl Serialize) -> String {
    serde_json::to_string(part).unwrap_or_default()
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", if self.pointer.is_empty() { "/" } else { &self.pointer })?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {} (found {}; expected {})", self.message, self.found, self.expected)
    }
}

/// A plan that cannot be saved, with all its mistakes.
#[derive(Debug, thiserror::Error)]
#[error("the plan has {} mistake(s)", .0.len())]
pub struct InvalidPlan(pub Vec<PlanError>);

impl Problem for InvalidPlan {
    fn kind(&self) -> Kind {
        Kind::Rejected
    }
    fn code(&self) -> &'static str {
        "plan.invalid"
    }
    fn fields(&self) -> Vec<FieldError> {
        let detail = |error: &PlanError| {
            let place = match (error.line, error.column) {
                (Some(line), Some(column)) => format!("line {line}, column {column}: "),
                _ => String::new(),
            };
            format!("{place}{} (found {}; expected {})", error.message, error.found, error.expected)
        };
        self.0
            .iter()
            .map(|error| FieldError { pointer: error.pointer.clone(), detail: detail(error) })
            .collect()
    }
}
