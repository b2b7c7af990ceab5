//! The rule language: parse, check, evaluate over columns or one record, explain.

mod columns;
mod diagnostic;
mod evaluate;
mod explain;
mod program;
mod scope;
mod syntax;
mod value;

pub use columns::{Bound, BoolColumn, NumberColumn, Output};
pub use diagnostic::{Diagnostic, Span};
pub use evaluate::{EvaluationError, Failure};
pub use explain::{Explanation, ExplanationKind, Missing};
pub use program::{Program, compile};
pub use scope::{Column, Columns, Presence, Record, Scope, Slot};
pub use value::{Type, Value};
