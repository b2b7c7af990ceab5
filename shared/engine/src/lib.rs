//! The commission engine: snapshot, indicators, ranks, bonuses, explain, columnar files. Pure, no clock, no AWS.
#![doc = include_str!("../README.md")]

mod amount;
mod bonuses;
pub mod codec;
mod columns;
mod cut;
mod edge;
mod exact;
mod explain;
mod fact_columns;
mod facts;
mod failure;
mod fold;
mod groups;
mod indicators;
mod pairs;
mod past;
mod payouts;
mod ranks;
mod reduce;
mod settlement;
mod snapshot;
mod table;
mod threads;
mod verify;
mod view;

pub use amount::{EXACT_SCALE, RATE_SCALE, from_exact, from_minor};
pub use bonuses::{BonusContext, Outcome, SettledCycle, calculate_bonuses};
pub use columns::{Dictionary, NONE, Sets, Texts, Tree};
pub use cut::{Cut, EarlierPiece, Part, Piece, finish_indicators, finish_ranks, whole_is_needed};
pub use edge::HandedUp;
pub use exact::MISSING;
pub use explain::{
    BonusSheet, Lacking, LackingKind, NearlyThere, OrderSheet, Reason, SheetShare, StoredRun, WhyNot,
};
pub use fact_columns::{IndexedFacts, Link, OrderColumns, PeopleColumns};
pub use facts::{
    FactError, ORDER_COLUMNS, OrderFact, OrderKind, PEOPLE_COLUMNS, PersonFact, PersonKind, UnreadableFacts,
    read_orders, read_people, record_lines,
};
pub use failure::{EngineError, UnknownRank};
pub use indicators::{Adjustment, Context, IndicatorColumn, Indicators, Values, calculate_indicators};
pub use past::{CycleResults, HistoryNeeded, history_needed};
pub use payouts::{
    Advance, AwardLine, BalanceKind, BonusTotal, Carried, CarriedBalance, Conservation, LegAccount, LineKind,
    NotUndone, PaidBonus, PayoutLine, Payouts, Totals,
};
pub use ranks::{Ranked, Ranks, calculate_ranks, explain_rank, rank_label, rank_under_plan};
pub use settlement::{
    BonusAmount, Finding, Settlement, Settlements, check_settlements, settle, totals_by_currency,
};
pub use snapshot::{
    ExchangeRates, Facts, NO_DAY, NO_MOMENT, Orders, People, Previous, Snapshot, Volume, Volumes, integrate,
    integrate_columns, refreeze, with_sold_at,
};
pub use table::{Cells, Coded, Column, write as write_table};
pub use threads::use_threads;
pub use verify::{Branch, Violation, verify};

/// Version of the engine, as manifests name it: another version may compute other bytes.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
