//! Evaluation over columns: loops over blocks of fixed-point integers where a rule allows it, row by row where it does not.
//!
//! The loops are a short cut and nothing else. Whatever does not fit 64 bits in a block is computed again for that block by
//! the evaluator of one record, so both give the same values and the same failures.

mod kernels;
mod plan;
mod rows;

use std::ops::Range;

use jiff::{ToSpan, civil::Date};
use rust_decimal::Decimal;

use crate::{
    diagnostic::Span,
    evaluate::{EvaluationError, Evaluator, Failure, Fault},
    program::{Program, tidy},
    scope::{Column, Columns, Record},
    value::{Type, Value},
};
use kernels::{BLOCK, Scratch};
use plan::{Formula, Planner, Truth};
use rows::Place;

/// Decimals a fixed-point column can have.
pub(crate) const SCALE_MAX: u32 = 18;

/// A program bound to columns: bind once, evaluate as many ranges of rows as there are, on any thread.
pub struct Bound<'a> {
    program: &'a Program,
    columns: Vec<BoundColumn<'a>>,
    live: Vec<Live>,
    plan: Plan<'a>,
}

/// A slot whose value comes with each row instead of standing in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// The slot, of type number.
    pub slot: u32,
    /// Decimals of its values, at most 18.
    pub scale: u32,
}

/// A column the program reads.
pub(crate) struct BoundColumn<'a> {
    pub(crate) slot: u32,
    pub(crate) column: Column<'a>,
    pub(crate) missing: Option<&'a [bool]>,
}

enum Plan<'a> {
    Truth(Truth<'a>),
    Number(Formula<'a>, u32),
    Rows,
}

/// One truth per row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoolColumn {
    /// The truths; `values[0]` belongs to the first row asked for.
    pub values: Vec<bool>,
}

/// One number per row: fixed-point where all fit, exact decimals otherwise.
#[derive(Clone, Debug)]
pub enum NumberColumn {
    /// `values[row] / 10^scale`.
    Fixed {
        /// The mantissas; `values[0]` belongs to the first row asked for.
        values: Vec<i64>,
        /// Decimals.
        scale: u32,
    },
    /// Exact decimals, the first for the first row asked for.
    Exact(Vec<Decimal>),
}

impl Default for NumberColumn {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl NumberColumn {
    /// How many numbers it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Fixed { values, .. } => values.len(),
            Self::Exact(values) => values.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at a position.
    pub fn get(&self, position: usize) -> Option<Decimal> {
        match self {
            Self::Fixed { values, scale } => {
                let number = Decimal::from_i128_with_scale(i128::from(*values.get(position)?), *scale);
                Some(number.normalize())
            }
            Self::Exact(values) => values.get(position).copied(),
        }
    }
}

/// Where the values of a program over columns go.
pub trait Output {
    /// Replaces the content by the values for `rows`.
    fn fill(&mut self, bound: &Bound<'_>, rows: Range<usize>) -> Result<(), EvaluationError>;
}

impl Output for BoolColumn {
    fn fill(&mut self, bound: &Bound<'_>, rows: Range<usize>) -> Result<(), EvaluationError> {
        self.values.clear();
        self.values.resize(rows.len(), false);
        bound.holds(rows, &mut self.values)
    }
}

impl Output for NumberColumn {
    fn fill(&mut self, bound: &Bound<'_>, rows: Range<usize>) -> Result<(), EvaluationError> {
        // The memory of an earlier use is used again.
        let mut mantissas = match std::mem::take(self) {
            Self::Fixed { values, .. } => values,
            Self::Exact(_) => Vec::new(),
        };
        mantissas.clear();
        *self = bound.numbers(rows, mantissas)?;
        Ok(())
    }
}

/// The row of bound columns as a record.
struct Row<'b, 'a> {
    bound: &'b Bound<'a>,
    place: Place<'b>,
}

impl Record for Row<'_, '_> {
    fn value(&self, slot: u32) -> Value {
        let live = self.bound.live.iter().position(|live| live.slot == slot);
        if let Some((live, digits)) =
            live.and_then(|at| Some((self.bound.live.get(at)?, self.place.live.get(at)?)))
        {
            return Value::Number(Decimal::from_i128_with_scale(i128::from(*digits), live.scale));
        }
        let bound = self.bound.column(slot);
        // A value of no type there is: reported as `WrongValue`.
        bound.and_then(|bound| value_at(&bound.column, self.place.row)).unwrap_or_else(nowhere)
    }

    fn is_missing(&self, slot: u32) -> bool {
        let missing = self.bound.column(slot).and_then(|bound| bound.missing);
        missing.is_some_and(|missing| missing.get(self.place.row).copied().unwrap_or(false))
    }
}

fn nowhere() -> Value {
    Value::list(vec![Value::Bool(false), Value::text("")])
}

pub(crate) fn value_at(column: &Column<'_>, row: usize) -> Option<Value> {
    Some(match column {
        Column::Fixed { values, scale } => {
            Value::Number(Decimal::from_i128_with_scale(i128::from(*values.get(row)?), *scale))
        }
        Column::Count(values) => Value::Number(Decimal::from(*values.get(row)?)),
        Column::Code(values) => Value::Number(Decimal::from(*values.get(row)?)),
        Column::Exact(values) => Value::Number(*values.get(row)?),
        Column::Bool(values) => Value::Bool(*values.get(row)?),
        Column::Text { codes, dictionary } => {
            Value::Text(dictionary.get(usize::try_from(*codes.get(row)?).ok()?)?.clone())
        }
        Column::Date(days) => {
            Value::Date(epoch().checked_add(0.days().try_days(i64::from(*days.get(row)?)).ok()?).ok()?)
        }
        Column::Set { bits, words_per_row, dictionary } => {
            let words = bits.get(row * words_per_row..(row + 1) * words_per_row)?;
            let is_in = |bit: usize| words.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1);
            let members = dictionary.iter().enumerate().filter(|(bit, _)| is_in(*bit));
            Value::list(members.map(|(_, text)| Value::Text(text.clone())).collect())
        }
        Column::Constant(value) => value.clone(),
    })
}

/// Day 0 of date columns: 1970-01-01.
pub(crate) fn epoch() -> Date {
    jiff::civil::date(1970, 1, 1)
}

fn rows_of(column: &Column<'_>) -> Option<usize> {
    match column {
        Column::Fixed { values, .. } => Some(values.len()),
        Column::Count(values) => Some(values.len()),
        Column::Code(values) => Some(values.len()),
        Column::Exact(values) => Some(values.len()),
        Column::Bool(values) => Some(values.len()),
        Column::Text { codes, .. } => Some(codes.len()),
        Column::Date(days) => Some(days.len()),
        Column::Set { bits, words_per_row, .. } => Some(bits.len() / (*words_per_row).max(1)),
        Column::Constant(_) => None,
    }
}

fn fits(column: &Column<'_>, ty: &Type) -> bool {
    match (column, ty) {
        (Column::Fixed { scale, .. }, Type::Number) => *scale <= SCALE_MAX,
        (Column::Count(_) | Column::Code(_) | Column::Exact(_), Type::Number)
        | (Column::Bool(_), Type::Bool)
        | (Column::Text { .. }, Type::Text)
        | (Column::Date(_), Type::Date) => true,
        (Column::Set { .. }, Type::List(element)) => **element == Type::Text,
        (Column::Constant(value), ty) => value.is_of(ty),
        _ => false,
    }
}

impl<'a> Bound<'a> {
    pub(crate) fn new(
        program: &'a Program,
        columns: &'a dyn Columns,
        live: &[Live],
    ) -> Result<Self, EvaluationError> {
        let mut bound = Vec::new();
        for (slot, declared) in &program.uses {
            if let Some(live) = live.iter().find(|live| live.slot == *slot) {
                if declared.ty != Type::Number || live.scale > SCALE_MAX {
                    let fault = Fault { failure: Failure::WrongValue(*slot), span: Span::default() };
                    return Err(fault.located(&program.text, None));
                }
                continue;
            }
            let column = columns.column(*slot);
            if !fits(&column, &declared.ty) {
                let fault = Fault { failure: Failure::WrongValue(*slot), span: Span::default() };
                return Err(fault.located(&program.text, None));
            }
            let is_certain = declared.presence == crate::scope::Presence::Always;
            let missing = if is_certain { None } else { columns.missing(*slot) };
            bound.push(BoundColumn { slot: *slot, column, missing });
        }
        let planner = Planner { program, columns: &bound, live };
        let root = &program.root;
        let plan = match root.ty {
            Type::Bool => Plan::Truth(planner.truth(root)),
            Type::Number => {
                planner.formula(root).map_or(Plan::Rows, |fixed| Plan::Number(fixed.formula, fixed.scale))
            }
            _ => Plan::Rows,
        };
        Ok(Self { program, columns: bound, live: live.to_vec(), plan })
    }

    fn column(&self, slot: u32) -> Option<&BoundColumn<'a>> {
        let position = self.columns.binary_search_by_key(&slot, |bound| bound.slot).ok()?;
        self.columns.get(position)
    }

    fn has_rows(&self, rows: &Range<usize>) -> Result<(), EvaluationError> {
        if let Some(live) = self.live.iter().find(|live| self.program.uses.contains_key(&live.slot)) {
            let fault = Fault { failure: Failure::TooFewRows(live.slot), span: Span::default() };
            return Err(fault.located(&self.program.text, None));
        }
        for bound in &self.columns {
            let lengths = [rows_of(&bound.column), bound.missing.map(<[bool]>::len)];
            if lengths.into_iter().flatten().any(|length| length < rows.end) {
                let fault = Fault { failure: Failure::TooFewRows(bound.slot), span: Span::default() };
                return Err(fault.located(&self.program.text, None));
            }
        }
        Ok(())
    }

    /// The value of one row, by the evaluator of one record; `live` has the values of the live slots, in their order.
    pub fn value(&self, row: usize, live: &[i64]) -> Result<Value, EvaluationError> {
        let record = Row { bound: self, place: Place { row, live } };
        let mut evaluator = Evaluator::new(self.program, &record);
        let value = evaluator.value(&self.program.root).map(tidy);
        value.map_err(|fault| fault.located(&self.program.text, Some(row)))
    }

    /// Whether the condition holds for one row; `live` has the values of the live slots, in their order.
    ///
    /// Much faster than the evaluation of a record, but slower than whole columns.
    pub fn holds_at(&self, row: usize, live: &[i64]) -> Result<bool, EvaluationError> {
        let Plan::Truth(truth) = &self.plan else { return Err(self.wrong_result()) };
        if let Some(held) = self.truth_at(truth, Place { row, live }) {
            return Ok(held);
        }
        self.value(row, live)?.as_bool().ok_or_else(|| self.wrong_result())
    }

    /// For each of `rows`, whether the condition may hold: `false` where the parts that need no live slot rule it out. `true` is
    /// returned if nothing needs a live slot, so that who may, does. `None` if somebody's values have to be looked at one by one,
    /// because the condition can fail or is of another shape; `out`, with as many places as `rows`, says nothing then.
    pub fn screen(&self, rows: Range<usize>, out: &mut [bool]) -> Option<bool> {
        let Plan::Truth(truth) = &self.plan else { return None };
        if out.len() != rows.len() || !self.columns_reach(&rows) {
            return None;
        }
        let all = [truth];
        let parts: Vec<&Truth<'_>> = match truth {
            Truth::And(parts) => parts.iter().collect(),
            _ => all.to_vec(),
        };
        let (live, settled): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| self.reads_live(part));
        let mut scratch = Scratch::default();
        let mut held = [false; BLOCK];
        for (block, may_hold) in out.chunks_mut(BLOCK).enumerate() {
            may_hold.fill(true);
            for part in &settled {
                let held = &mut held[..may_hold.len()];
                self.truths(part, rows.start + block * BLOCK, held, &mut scratch);
                for (may_hold, held) in may_hold.iter_mut().zip(held) {
                    *may_hold &= *held;
                }
                if !may_hold.contains(&true) {
                    break;
                }
            }
            if scratch.failed {
                return None;
            }
        }
        Some(live.is_empty())
    }

    fn columns_reach(&self, rows: &Range<usize>) -> bool {
        self.columns.iter().all(|bound| {
            let lengths = [rows_of(&bound.column), bound.missing.map(<[bool]>::len)];
            lengths.into_iter().flatten().all(|length| rows.end <= length)
        })
    }

    fn wrong_result(&self) -> EvaluationError {
        Fault { failure: Failure::WrongResult, span: Span::default() }.located(&self.program.text, None)
    }

    /// Whether the condition holds, for each of `rows`; `out` has as many places.
    pub fn holds(&self, rows: Range<usize>, out: &mut [bool]) -> Result<(), EvaluationError> {
        let Plan::Truth(truth) = &self.plan else { return Err(self.wrong_result()) };
        if out.len() != rows.len() {
            return Err(self.wrong_result());
        }
        self.has_rows(&rows)?;
        let mut scratch = Scratch::default();
        for (block, part) in out.chunks_mut(BLOCK).enumerate() {
            let start = rows.start + block * BLOCK;
            scratch.failed = false;
            self.truths(truth, start, part, &mut scratch);
            if scratch.failed {
                for (position, held) in part.iter_mut().enumerate() {
                    let value = self.value(start + position, &[])?;
                    *held = value.as_bool().ok_or_else(|| self.wrong_result())?;
                }
            }
        }
        Ok(())
    }

    fn numbers(&self, rows: Range<usize>, mut mantissas: Vec<i64>) -> Result<NumberColumn, EvaluationError> {
        self.has_rows(&rows)?;
        let Plan::Number(formula, scale) = &self.plan else {
            return self.exact(rows.clone(), Vec::with_capacity(rows.len()));
        };
        mantissas.resize(rows.len(), 0);
        let mut scratch = Scratch::default();
        for block in 0..rows.len().div_ceil(BLOCK) {
            let from = block * BLOCK;
            let until = rows.len().min(from + BLOCK);
            scratch.failed = false;
            if let Some(part) = mantissas.get_mut(from..until) {
                self.mantissas(formula, rows.start + from, part, &mut scratch);
            }
            if scratch.failed {
                // What is done stays; the rest is computed exactly.
                let done = NumberColumn::Fixed { values: mantissas, scale: *scale };
                let numbers = (0..from).filter_map(|position| done.get(position)).collect();
                return self.exact(rows.start + from..rows.end, numbers);
            }
        }
        Ok(NumberColumn::Fixed { values: mantissas, scale: *scale })
    }

    fn exact(&self, rows: Range<usize>, mut numbers: Vec<Decimal>) -> Result<NumberColumn, EvaluationError> {
        for row in rows {
            let number = self.value(row, &[])?.as_number().ok_or_else(|| self.wrong_result())?;
            numbers.push(number);
        }
        Ok(NumberColumn::Exact(numbers))
    }
}
