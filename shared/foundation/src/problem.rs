//! One way to fail: every refusal and fault of the platform is a [`Problem`], boxed as a [`Fault`] on its way out.

use std::{error::Error, fmt};

use serde::Serialize;

/// How a caller can react to a problem. The edges turn it into a status code, a step's error name or a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request is malformed (400).
    Invalid,
    /// Nobody known is asking (401).
    Unauthenticated,
    /// The caller may not do this (403).
    Forbidden,
    /// There is no such thing, or the caller may not know of it (404).
    NotFound,
    /// It contradicts what is there (409).
    Conflict,
    /// It is over a limit of size (413).
    TooLarge,
    /// Well formed, but the rules refuse it (422).
    Rejected,
    /// Try again (503).
    Unavailable,
    /// Our fault (500). Nothing of it is shown.
    Internal,
}

/// A place in a request and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// A JSON pointer into the body (`/lines/0/quantity`), or `query:limit`, `path:personId`, `header:Idempotency-Key`.
    pub pointer: String,
    /// What was found there and what was expected.
    pub detail: String,
}

/// A failure that knows how it is to be shown.
///
/// `Display` of a problem below 500 is public; its source chain never is.
pub trait Problem: Error + Send + Sync + 'static {
    /// How a caller can react.
    fn kind(&self) -> Kind;
    /// A stable name, part of the API: `order.empty`.
    fn code(&self) -> &'static str;
    /// The places in the request that are wrong.
    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

/// Any problem on its way out.
pub struct Fault(Box<dyn Problem>);

impl Fault {
    /// The problem.
    pub fn problem(&self) -> &dyn Problem {
        &*self.0
    }

    /// How a caller can react.
    pub fn kind(&self) -> Kind {
        self.0.kind()
    }

    /// The problem's stable name.
    pub fn code(&self) -> &'static str {
        self.0.code()
    }
}

impl<P: Problem> From<P> for Fault {
    fn from(problem: P) -> Self {
        Self(Box::new(problem))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A malformed request with every place that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("the request is malformed in {} place(s)", .0.len())]
pub struct Malformed(pub Vec<FieldError>);

impl Malformed {
    /// One wrong place.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }
}

impl Problem for Malformed {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn code(&self) -> &'static str {
        "request.malformed"
    }
    fn fields(&self) -> Vec<FieldError> {
        self.0.clone()
    }
}

/// A thing that is not there, or that the caller may not know of.
#[derive(Debug, thiserror::Error)]
#[error("there is no such {0}")]
pub struct NotFound(pub &'static str);

impl Problem for NotFound {
    fn kind(&self) -> Kind {
        Kind::NotFound
    }
    fn code(&self) -> &'static str {
        "not-found"
    }
}
