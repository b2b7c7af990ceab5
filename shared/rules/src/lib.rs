//! The rule language: parse, check, evaluate over columns or one record, explain.
#![doc = include_str!("../README.md")]

mod check;
mod columns;
mod condition;
mod diagnostic;
mod evaluate;
mod explain;
mod lexer;
mod parser;
mod program;
mod scope;
mod syntax;
mod value;

pub use columns::{BoolColumn, Bound, Live, NumberColumn, Output};
pub use condition::{Condition, Term, Test};
pub use diagnostic::{Diagnostic, Span};
pub use evaluate::{EvaluationError, Failure};
pub use explain::{Explanation, ExplanationKind, Label, Missing, Wanted};
pub use program::{Program, compile, limits};
pub use scope::{Column, Columns, Presence, Record, Scope, Slot};
pub use syntax::Relation;
pub use value::{Type, Value};
