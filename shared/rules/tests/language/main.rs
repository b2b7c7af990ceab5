//! The rule language from outside: mistakes, conformance, columns against records, explanations.
// Helpers of tests may unwrap as tests do.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod columns;
mod conditions;
mod conformance;
mod diagnostics;
mod explanations;
mod fixture;
