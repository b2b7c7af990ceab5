//! The limit of everyone, where it may be another for each person.

use plan::{
    AMOUNT_SCALE, Plan,
    bonus::{AmountOfRank, Limit, Rate, RateOfRank},
};
use rules::Program;
use rust_decimal::Decimal;

use super::{
    desk::Desk,
    rates::{all_ranks, reaches},
};
use crate::failure::EngineError;

/// The limit of everyone, made ready.
pub(super) enum Limits<T> {
    Same(T),
    /// By paid rank, that of who has none first.
    ByRank(Vec<T>),
    /// By row.
    Each(Vec<T>),
}

impl<T: Copy> Limits<T> {
    /// The limit of a row.
    pub(super) fn of(&self, desk: &Desk<'_>, row: usize) -> T {
        match self {
            Self::Same(limit) => *limit,
            Self::ByRank(limits) => limits[usize::from(desk.run.paid[row])],
            Self::Each(limits) => limits[row],
        }
    }
}

impl Desk<'_> {
    /// The limit of everyone, `of` what; a limit that is a rule comes with it, and `ready` makes an amount ready.
    pub(super) fn limits<T>(
        &self,
        (limit, rule): (&Limit, Option<&Program>),
        of: &str,
        ready: impl Fn(Decimal) -> Result<T, EngineError>,
    ) -> Result<Limits<T>, EngineError> {
        match limit {
            Limit::Same(amount) => ready(*amount).map(Limits::Same),
            Limit::ByRank { by_rank } => {
                let of = |rank: u8| ready(amount_of_rank(self.plan, by_rank, rank));
                all_ranks(self.plan).map(of).collect::<Result<_, _>>().map(Limits::ByRank)
            }
            Limit::Rule { .. } => {
                let Some(rule) = rule else { return ready(Decimal::ZERO).map(Limits::Same) };
                let of = || format!("a limit of {of}");
                let values = self.run.numbers(rule, AMOUNT_SCALE, of)?.into_iter();
                let amount = |value: i64| ready(Decimal::new(value.max(0), AMOUNT_SCALE));
                values.map(amount).collect::<Result<_, _>>().map(Limits::Each)
            }
        }
    }
}

/// The amount of the highest row that a rank reaches; 0 if it reaches none.
pub(crate) fn amount_of_rank(plan: &Plan, rows: &[AmountOfRank], rank: u8) -> Decimal {
    let reached = rows.iter().rfind(|row| reaches(plan, Some(&row.rank), rank));
    reached.map_or(Decimal::ZERO, |row| row.amount)
}

/// A limit as a rate of everyone, for what is paid for each of something.
pub(super) fn as_rate(limit: &Limit) -> Rate {
    match limit {
        Limit::Same(amount) => Rate::Fixed(*amount),
        Limit::ByRank { by_rank } => {
            let row = |row: &AmountOfRank| RateOfRank { rank: Some(row.rank.clone()), rate: row.amount };
            Rate::ByRank(by_rank.iter().map(row).collect())
        }
        Limit::Rule { rule } => Rate::Rule(rule.clone()),
    }
}
