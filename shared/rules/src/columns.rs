//! Evaluation over columns.

use std::ops::Range;

use rust_decimal::Decimal;

use crate::{evaluate::EvaluationError, program::Program, scope::Columns};

/// A program bound to columns.
pub struct Bound<'a> {
    pub(crate) program: &'a Program,
    pub(crate) columns: &'a dyn Columns,
}

/// One truth per row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoolColumn {
    /// The truths; `values[0]` belongs to the first row asked for.
    pub values: Vec<bool>,
}

/// One number per row: fixed-point where all fit, exact decimals otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberColumn {
    /// `values[row] / 10^scale`.
    Fixed {
        /// The mantissas.
        values: Vec<i64>,
        /// Decimals.
        scale: u32,
    },
    /// Exact decimals.
    Exact(Vec<Decimal>),
}

impl Default for NumberColumn {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

/// Where the values of a program over columns go.
pub trait Output {
    /// Replaces the content by the values for `rows`.
    fn fill(&mut self, bound: &Bound<'_>, rows: Range<usize>) -> Result<(), EvaluationError>;
}

impl Output for BoolColumn {
    fn fill(&mut self, bound: &Bound<'_>, rows: Range<usize>) -> Result<(), EvaluationError> {
        let _ = (bound.program, bound.columns);
        self.values.clear();
        self.values.resize(rows.len(), false);
        Ok(())
    }
}

impl Output for NumberColumn {
    fn fill(&mut self, bound: &Bound<'_>, rows: Range<usize>) -> Result<(), EvaluationError> {
        let _ = (bound.program, bound.columns, rows);
        Ok(())
    }
}
