//! Why the command ends without a result, and with which exit code.

use std::{io::Write, process::ExitCode};

/// Mistakes that are listed; the others are counted.
const LISTED: usize = 100;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Something that should not happen.
    Internal = 1,
    /// The command was asked for what it cannot do.
    Usage = 2,
    /// A file cannot be found, read or written.
    File = 3,
    /// People or orders cannot be read.
    Facts = 4,
    /// The plan has mistakes.
    Plan = 5,
    /// People and orders make no network.
    Network = 6,
    /// A number cannot be computed.
    Computation = 7,
    /// The run knows no such person, bonus, rank, indicator or order.
    Unknown = 8,
    /// A run is not what its manifest, its signature or the other evaluator says.
    Different = 9,
    /// A plan has errors or warnings, which are printed.
    Findings = 10,
}

/// A command that ends without a result.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    /// All mistakes, a line each.
    pub(crate) lines: Vec<String>,
}

impl Failure {
    pub(crate) fn new(cause: Cause, line: impl Into<String>) -> Self {
        Self { cause, lines: vec![line.into()] }
    }

    pub(crate) fn file(path: &std::path::Path, error: &impl std::fmt::Display) -> Self {
        Self::new(Cause::File, format!("{}: {error}", path.display()))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.cause as u8)
    }

    /// Lists the mistakes on the standard error.
    pub(crate) fn tell(&self) {
        let mut stream = std::io::stderr().lock();
        for line in self.lines.iter().take(LISTED) {
            // Nobody is left to be told of a standard error that is closed.
            let _ = writeln!(stream, "error: {line}");
        }
        if let Some(more) = self.lines.len().checked_sub(LISTED).filter(|more| 0 < *more) {
            let _ = writeln!(stream, "error: and {more} more");
        }
    }
}
