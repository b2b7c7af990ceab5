//! Checked rules.

use std::ops::Range;

use crate::{
    columns::{Bound, Output},
    diagnostic::Diagnostic,
    evaluate::EvaluationError,
    explain::Explanation,
    scope::{Columns, Record, Scope},
    value::{Type, Value},
};

/// A checked rule: cannot fail on types, cannot loop.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) text: String,
    pub(crate) ty: Type,
    pub(crate) slots: Vec<u32>,
    pub(crate) cost: u32,
}

/// Parses and checks `text`, whose result must be of type `expected`. Reports all mistakes.
pub fn compile(text: &str, scope: &dyn Scope, expected: &Type) -> Result<Program, Vec<Diagnostic>> {
    let _ = (text, scope, expected);
    Err(Vec::new())
}

impl Program {
    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Type of its value.
    pub fn result_type(&self) -> &Type {
        &self.ty
    }

    /// The slots it reads, sorted, each once.
    pub fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// An upper bound of the elementary steps of one evaluation.
    pub fn cost(&self) -> u32 {
        self.cost
    }

    /// The value for one record.
    pub fn evaluate(&self, record: &dyn Record) -> Result<Value, EvaluationError> {
        let _ = record;
        Ok(Value::Bool(false))
    }

    /// The value with its reasons.
    pub fn explain(&self, record: &dyn Record) -> Explanation {
        let _ = record;
        Explanation::default()
    }

    /// The program made ready for many evaluations over the same columns.
    pub fn bind<'a>(&'a self, columns: &'a dyn Columns) -> Result<Bound<'a>, EvaluationError> {
        Ok(Bound { program: self, columns })
    }

    /// The values for `rows`; `out` gets one value per row.
    pub fn evaluate_columns<O: Output>(
        &self,
        columns: &dyn Columns,
        rows: Range<usize>,
        out: &mut O,
    ) -> Result<(), EvaluationError> {
        out.fill(&self.bind(columns)?, rows)
    }
}
