//! Payment files and the states they go through.

use foundation::problem::{Kind, Problem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::file::{FILE_BYTES_MAX, Mistake};

/// Where a payment file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// It has a link to be uploaded to.
    Expected,
    /// It is to be read and checked.
    Started,
    /// It has mistakes; nothing of it was applied.
    Refused,
    /// It is in order and being applied.
    Applying,
    /// All of it was applied.
    Applied,
    /// All of it was applied but the lines among its mistakes, whose payables changed after it was checked.
    PartlyApplied,
}

impl FileState {
    /// The state's name, as stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Started => "started",
            Self::Refused => "refused",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::PartlyApplied => "partly-applied",
        }
    }
}

/// A payment file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentFile {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: FileState,
    /// Who made it.
    pub made_by: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// When it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was refused or applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// SHA-256 of the content that is applied, since it was found in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Lines it has, once it was found in order.
    #[serde(default)]
    pub lines: u64,
    /// Lines that turned their payable to paid.
    #[serde(default)]
    pub paid: u64,
    /// Lines that turned their payable to failed.
    #[serde(default)]
    pub failed: u64,
    /// The first mistakes; up to 1000 stand in the file behind the link.
    #[serde(default)]
    pub mistakes: Vec<Mistake>,
    /// Counts its changes.
    pub version: u64,
}

/// Mistakes that are shown with the file.
const MISTAKES_SHOWN: usize = 20;

/// Why a payment file cannot be started or applied.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is in another state.
    #[error("the payment file is {}; expected expected, started or applying", .0.name())]
    WrongState(FileState),
    /// Nothing was uploaded.
    #[error("nothing was uploaded to the file's link")]
    NotUploaded,
    /// It is too large.
    #[error("a payment file has at most {FILE_BYTES_MAX} bytes; found {0}")]
    TooLarge(u64),
    /// Others changed its payables at each attempt.
    #[error("the payables of the file are being changed by others")]
    Contended,
}

impl Problem for FileError {
    fn kind(&self) -> Kind {
        match self {
            Self::WrongState(_) => Kind::Conflict,
            Self::NotUploaded => Kind::Rejected,
            Self::TooLarge(_) => Kind::TooLarge,
            Self::Contended => Kind::Unavailable,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::WrongState(_) => "payment-file.wrong-state",
            Self::NotUploaded => "payment-file.not-uploaded",
            Self::TooLarge(_) => "payment-file.too-large",
            Self::Contended => "payment-file.contended",
        }
    }
}

impl PaymentFile {
    /// A file that `by` announces.
    pub fn expected(id: String, by: &str, at: Timestamp) -> Self {
        Self {
            id,
            state: FileState::Expected,
            made_by: by.to_owned(),
            made_at: at,
            started_by: None,
            started_at: None,
            finished_at: None,
            sha256: None,
            lines: 0,
            paid: 0,
            failed: 0,
            mistakes: Vec::new(),
            version: 1,
        }
    }

    /// Started by `by`. One that is being worked on stays as it is: starting it again only wakes whoever works on it.
    pub fn start(&self, by: &str, at: Timestamp) -> Result<Self, FileError> {
        match self.state {
            FileState::Expected => Ok(Self {
                state: FileState::Started,
                started_by: Some(by.to_owned()),
                started_at: Some(at),
                ..self.next()
            }),
            FileState::Started | FileState::Applying => Ok(self.clone()),
            other => Err(FileError::WrongState(other)),
        }
    }

    /// Found with mistakes.
    #[must_use]
    pub fn refuse(&self, mistakes: &[Mistake], at: Timestamp) -> Self {
        let mistakes = mistakes.iter().take(MISTAKES_SHOWN).cloned().collect();
        Self { state: FileState::Refused, mistakes, finished_at: Some(at), ..self.next() }
    }

    /// Found in order, with this content.
    #[must_use]
    pub fn accept(&self, sha256: String, lines: usize) -> Self {
        let lines = u64::try_from(lines).unwrap_or(u64::MAX);
        Self { state: FileState::Applying, sha256: Some(sha256), lines, ..self.next() }
    }

    /// Applied, but for the lines that are left.
    #[must_use]
    pub fn apply(&self, paid: u64, failed: u64, left: &[Mistake], at: Timestamp) -> Self {
        let state = if left.is_empty() { FileState::Applied } else { FileState::PartlyApplied };
        let mistakes = left.iter().take(MISTAKES_SHOWN).cloned().collect();
        Self { state, paid, failed, mistakes, finished_at: Some(at), ..self.next() }
    }

    fn next(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_started_once_and_not_after_its_end() {
        let at = Timestamp::UNIX_EPOCH;
        let expected = PaymentFile::expected("f1".into(), "ana", at);
        let started = expected.start("ben", at).unwrap();
        assert_eq!(started.started_by.as_deref(), Some("ben"));
        assert_eq!(started.start("cem", at).unwrap(), started);
        let applying = started.accept("hash".into(), 1);
        assert_eq!(applying.start("cem", at).unwrap(), applying);
        for ended in [started.refuse(&[], at), applying.apply(1, 0, &[], at)] {
            assert!(matches!(ended.start("cem", at), Err(FileError::WrongState(_))), "{ended:?}");
        }
    }

    #[test]
    fn lines_that_were_left_make_a_file_partly_applied() {
        let at = Timestamp::UNIX_EPOCH;
        let file = PaymentFile::expected("f1".into(), "ana", at);
        assert_eq!(file.apply(2, 0, &[], at).state, FileState::Applied);
        let left = vec![Mistake { line: 2, detail: "held".into() }; 30];
        let partly = file.apply(1, 0, &left, at);
        assert_eq!((partly.state, partly.mistakes.len()), (FileState::PartlyApplied, MISTAKES_SHOWN));
    }
}
