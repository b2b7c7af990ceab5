//! The commission engine: snapshot, indicators, ranks, bonuses, explain, columnar files. Pure, no clock, no AWS.
