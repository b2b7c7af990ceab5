//! One row at a time, without leaving integers: for passes in which a row's values hang on those of earlier rows.

use super::{
    Bound, Row,
    plan::{Formula, Numbers, Test, Truth},
};
use crate::evaluate::Evaluator;

/// Where a row's values are, and those that come with it.
#[derive(Clone, Copy)]
pub(crate) struct Place<'l> {
    pub(crate) row: usize,
    pub(crate) live: &'l [i64],
}

impl Test {
    fn holds(self, number: i64) -> bool {
        match self {
            Self::Always(held) => held,
            Self::AtLeast(bound) => number >= bound,
            Self::AtMost(bound) => number <= bound,
            Self::Equal(bound) => number == bound,
            Self::Different(bound) => number != bound,
        }
    }
}

impl Numbers<'_> {
    #[inline]
    fn at(self, place: Place<'_>) -> Option<i64> {
        match self {
            Self::I64(values) => values.get(place.row).copied(),
            Self::I32(values) => values.get(place.row).copied().map(i64::from),
            Self::U32(values) => values.get(place.row).copied().map(i64::from),
            Self::U8(values) => values.get(place.row).copied().map(i64::from),
            Self::Live(position) => place.live.get(position).copied(),
        }
    }
}

impl Bound<'_> {
    /// The truth at a row; `None` where 64 bits do not do, which the evaluator of one record has to settle.
    pub(crate) fn truth_at(&self, truth: &Truth<'_>, place: Place<'_>) -> Option<bool> {
        let row = place.row;
        match truth {
            Truth::Constant(held) => Some(*held),
            Truth::Column(values) => values.get(row).copied(),
            Truth::Unless(mask) => mask.get(row).map(|missing| !missing),
            // Most conditions are this one: it is spared a call.
            Truth::Test(Formula::Column(numbers), test) => Some(test.holds(numbers.at(place)?)),
            Truth::Test(formula, test) => Some(test.holds(self.mantissa_at(formula, place)?)),
            Truth::Compare(relation, left, right) => {
                let (left, right) = (self.mantissa_at(left, place)?, self.mantissa_at(right, place)?);
                Some(relation.holds(left.cmp(&right)))
            }
            Truth::Coded(codes, answers) => answers.get(usize::try_from(*codes.get(row)?).ok()?).copied(),
            Truth::Bit { bits, words_per_row, bit } => {
                let word = bits.get(row.checked_mul(*words_per_row)? + bit / 64)?;
                Some(word >> (bit % 64) & 1 == 1)
            }
            Truth::Not(operand) => self.truth_at(operand, place).map(|held| !held),
            Truth::And(parts) => self.junction_at(parts, false, place),
            Truth::Or(parts) => self.junction_at(parts, true, place),
            Truth::Choose(condition, yes, no) => {
                let chosen = if self.truth_at(condition, place)? { yes } else { no };
                self.truth_at(chosen, place)
            }
            Truth::Rows(node) => {
                let record = Row { bound: self, place };
                Evaluator::new(self.program, &record).truth(node).ok()
            }
        }
    }

    /// Whether a truth hangs on a slot whose value comes with each row.
    pub(crate) fn reads_live(&self, truth: &Truth<'_>) -> bool {
        match truth {
            Truth::Constant(_)
            | Truth::Column(_)
            | Truth::Unless(_)
            | Truth::Coded(..)
            | Truth::Bit { .. } => false,
            Truth::Test(formula, _) => self.is_live(formula),
            Truth::Compare(_, left, right) => self.is_live(left) || self.is_live(right),
            Truth::Not(operand) => self.reads_live(operand),
            Truth::And(parts) | Truth::Or(parts) => parts.iter().any(|part| self.reads_live(part)),
            Truth::Choose(condition, yes, no) => {
                [condition, yes, no].into_iter().any(|part| self.reads_live(part))
            }
            Truth::Rows(node) => {
                let mut reads = false;
                node.visit_slots(&mut |slot| reads |= self.live.iter().any(|live| live.slot == slot));
                reads
            }
        }
    }

    fn is_live(&self, formula: &Formula<'_>) -> bool {
        match formula {
            Formula::Constant(_) => false,
            Formula::Column(numbers) => matches!(numbers, Numbers::Live(_)),
            Formula::Add(left, right)
            | Formula::Subtract(left, right)
            | Formula::Multiply(left, right)
            | Formula::Least(left, right)
            | Formula::Greatest(left, right) => self.is_live(left) || self.is_live(right),
            Formula::Scaled(operand, _) | Formula::Abs(operand) | Formula::Bracket(operand, _) => {
                self.is_live(operand)
            }
            Formula::Choose(condition, yes, no) => {
                self.reads_live(condition) || self.is_live(yes) || self.is_live(no)
            }
        }
    }

    fn junction_at(&self, parts: &[Truth<'_>], deciding: bool, place: Place<'_>) -> Option<bool> {
        let mut outcome = Some(!deciding);
        for part in parts {
            match self.truth_at(part, place) {
                Some(held) if held == deciding => return Some(deciding),
                Some(_) => {}
                None => outcome = None,
            }
        }
        outcome
    }

    /// The mantissa at a row; `None` where it does not fit.
    pub(crate) fn mantissa_at(&self, formula: &Formula<'_>, place: Place<'_>) -> Option<i64> {
        let at = |operand: &Formula<'_>| self.mantissa_at(operand, place);
        match formula {
            Formula::Constant(number) => Some(*number),
            Formula::Column(numbers) => numbers.at(place),
            Formula::Add(left, right) => at(left)?.checked_add(at(right)?),
            Formula::Subtract(left, right) => at(left)?.checked_sub(at(right)?),
            Formula::Multiply(left, right) => at(left)?.checked_mul(at(right)?),
            Formula::Scaled(operand, factor) => at(operand)?.checked_mul(*factor),
            Formula::Abs(operand) => at(operand)?.checked_abs(),
            Formula::Least(left, right) => Some(at(left)?.min(at(right)?)),
            Formula::Greatest(left, right) => Some(at(left)?.max(at(right)?)),
            Formula::Choose(condition, yes, no) => {
                let chosen = if self.truth_at(condition, place)? { yes } else { no };
                at(chosen)
            }
            Formula::Bracket(amount, steps) => {
                let amount = at(amount)?;
                let reached = steps.iter().take_while(|(from, _)| amount >= *from).last();
                Some(reached.map_or(0, |(_, rate)| *rate))
            }
        }
    }
}
