//! The rule language: parse, check, evaluate over columns or one record, explain.
