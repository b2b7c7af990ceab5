//! Live indicators and reports.

pub mod live;
pub mod reports;
