//! The loops. They are kept plain, so that the compiler turns them into vector instructions.

use super::{
    Bound, Row,
    plan::{Formula, Numbers, Test, Truth},
    rows::Place,
};
use crate::{evaluate::Evaluator, syntax::Relation};

/// Rows per block: what is in between stays in the first-level cache.
pub(crate) const BLOCK: usize = 1024;

/// Memory for what is in between, used again for each block.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Something did not fit: the block has to be computed again, row by row.
    pub(crate) failed: bool,
    numbers: Vec<Vec<i64>>,
    truths: Vec<Vec<bool>>,
}

impl Scratch {
    fn take_numbers(&mut self) -> Vec<i64> {
        self.numbers.pop().unwrap_or_else(|| vec![0; BLOCK])
    }

    fn take_truths(&mut self) -> Vec<bool> {
        self.truths.pop().unwrap_or_else(|| vec![false; BLOCK])
    }
}

/// How a result joins what is there.
trait Join {
    fn join(there: bool, new: bool) -> bool;
}

struct Replace;
struct Both;
struct Either;

impl Join for Replace {
    fn join(_there: bool, new: bool) -> bool {
        new
    }
}

impl Join for Both {
    fn join(there: bool, new: bool) -> bool {
        there & new
    }
}

impl Join for Either {
    fn join(there: bool, new: bool) -> bool {
        there | new
    }
}

/// An integer of a column.
trait Whole: Copy + PartialOrd + Into<i64> + TryFrom<i64> {
    const LEAST: i64;
    const MOST: i64;
}

impl Whole for i64 {
    const LEAST: i64 = i64::MIN;
    const MOST: i64 = i64::MAX;
}

impl Whole for i32 {
    const LEAST: i64 = i32::MIN as i64;
    const MOST: i64 = i32::MAX as i64;
}

impl Whole for u32 {
    const LEAST: i64 = 0;
    const MOST: i64 = u32::MAX as i64;
}

impl Whole for u8 {
    const LEAST: i64 = 0;
    const MOST: i64 = u8::MAX as i64;
}

fn apply<J: Join, T: Copy>(values: &[T], out: &mut [bool], holds: impl Fn(T) -> bool) {
    for (place, value) in out.iter_mut().zip(values) {
        *place = J::join(*place, holds(*value));
    }
}

fn fill<J: Join>(out: &mut [bool], held: bool) {
    for place in out {
        *place = J::join(*place, held);
    }
}

/// The test in the column's own width: what its type cannot hold is decided ahead.
fn test_column<J: Join, T: Whole>(values: &[T], test: Test, out: &mut [bool]) {
    let bound = match test {
        Test::Always(held) => return fill::<J>(out, held),
        Test::AtLeast(bound) | Test::AtMost(bound) | Test::Equal(bound) | Test::Different(bound) => bound,
    };
    let Ok(narrow) = T::try_from(bound) else {
        let above = bound > T::MOST;
        let held = match test {
            Test::AtLeast(_) => !above,
            Test::AtMost(_) => above,
            Test::Different(_) => true,
            Test::Equal(_) | Test::Always(_) => false,
        };
        debug_assert!(above || bound < T::LEAST);
        return fill::<J>(out, held);
    };
    match test {
        Test::AtLeast(_) => apply::<J, T>(values, out, |value| value >= narrow),
        Test::AtMost(_) => apply::<J, T>(values, out, |value| value <= narrow),
        Test::Equal(_) => apply::<J, T>(values, out, |value| value == narrow),
        Test::Different(_) => apply::<J, T>(values, out, |value| value != narrow),
        Test::Always(_) => {}
    }
}

fn compare(relation: Relation, left: &[i64], right: &[i64], out: &mut [bool]) {
    fn each(left: &[i64], right: &[i64], out: &mut [bool], holds: impl Fn(i64, i64) -> bool) {
        for ((place, left), right) in out.iter_mut().zip(left).zip(right) {
            *place = holds(*left, *right);
        }
    }
    match relation {
        Relation::Equal => each(left, right, out, |a, b| a == b),
        Relation::Different => each(left, right, out, |a, b| a != b),
        Relation::Less => each(left, right, out, |a, b| a < b),
        Relation::AtMost => each(left, right, out, |a, b| a <= b),
        Relation::Greater => each(left, right, out, |a, b| a > b),
        Relation::AtLeast => each(left, right, out, |a, b| a >= b),
    }
}

fn widen<T: Whole>(values: &[T], out: &mut [i64]) {
    for (place, value) in out.iter_mut().zip(values) {
        *place = (*value).into();
    }
}

/// `out = operation(out, other)`; true if one did not fit.
fn combine(out: &mut [i64], other: &[i64], operation: impl Fn(i64, i64) -> (i64, bool)) -> bool {
    let mut failed = false;
    for (place, other) in out.iter_mut().zip(other) {
        let (result, overflowed) = operation(*place, *other);
        *place = result;
        failed |= overflowed;
    }
    failed
}

fn block_of<T>(values: &[T], start: usize, length: usize) -> &[T] {
    values.get(start..start + length).unwrap_or_default()
}

impl Bound<'_> {
    /// The truths of the rows from `start` on.
    pub(crate) fn truths(&self, truth: &Truth<'_>, start: usize, out: &mut [bool], scratch: &mut Scratch) {
        let length = out.len();
        match truth {
            Truth::Constant(held) => out.fill(*held),
            Truth::Column(values) => out.copy_from_slice(block_of(values, start, length)),
            Truth::Unless(mask) => {
                apply::<Replace, bool>(block_of(mask, start, length), out, |missing| !missing);
            }
            Truth::Test(formula, test) => self.test::<Replace>(formula, *test, start, out, scratch),
            Truth::Compare(relation, left, right) => {
                let (mut first, mut second) = (scratch.take_numbers(), scratch.take_numbers());
                self.mantissas(left, start, &mut first[..length], scratch);
                self.mantissas(right, start, &mut second[..length], scratch);
                compare(*relation, &first[..length], &second[..length], out);
                scratch.numbers.extend([first, second]);
            }
            Truth::Coded(codes, answers) => {
                for (place, code) in out.iter_mut().zip(block_of(codes, start, length)) {
                    let answer = usize::try_from(*code).ok().and_then(|code| answers.get(code));
                    scratch.failed |= answer.is_none();
                    *place = answer.copied().unwrap_or(false);
                }
            }
            Truth::Bit { bits, words_per_row, bit } => {
                let words = bits.get(start * words_per_row..).unwrap_or_default();
                let words = words.chunks_exact((*words_per_row).max(1));
                for (place, words) in out.iter_mut().zip(words) {
                    *place = words.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1);
                }
            }
            Truth::Not(operand) => {
                self.truths(operand, start, out, scratch);
                for place in out {
                    *place = !*place;
                }
            }
            Truth::And(parts) => self.junction::<Both>(parts, start, out, scratch),
            Truth::Or(parts) => self.junction::<Either>(parts, start, out, scratch),
            Truth::Choose(condition, yes, no) => {
                let (mut chosen, mut other) = (scratch.take_truths(), scratch.take_truths());
                self.truths(condition, start, &mut chosen[..length], scratch);
                self.truths(yes, start, out, scratch);
                self.truths(no, start, &mut other[..length], scratch);
                for ((place, chosen), other) in out.iter_mut().zip(&chosen).zip(&other) {
                    *place = if *chosen { *place } else { *other };
                }
                scratch.truths.extend([chosen, other]);
            }
            Truth::Rows(node) => {
                for (position, place) in out.iter_mut().enumerate() {
                    let record = Row { bound: self, place: Place { row: start + position, live: &[] } };
                    let held = Evaluator::new(self.program, &record).truth(node);
                    scratch.failed |= held.is_err();
                    *place = held.unwrap_or(false);
                }
            }
        }
    }

    /// `&&` or `||` of the parts, one joined to the other; stops where the outcome is settled for the whole block.
    fn junction<J: Join>(&self, parts: &[Truth<'_>], start: usize, out: &mut [bool], scratch: &mut Scratch) {
        let neutral = J::join(true, false) == J::join(false, false);
        out.fill(neutral);
        for (position, part) in parts.iter().enumerate() {
            if position > 0 && !out.contains(&neutral) {
                return;
            }
            if let Truth::Test(formula, test) = part {
                self.test::<J>(formula, *test, start, out, scratch);
                continue;
            }
            let mut other = scratch.take_truths();
            self.truths(part, start, &mut other[..out.len()], scratch);
            apply_pairs::<J>(&other, out);
            scratch.truths.push(other);
        }
    }

    fn test<J: Join>(
        &self,
        formula: &Formula<'_>,
        test: Test,
        start: usize,
        out: &mut [bool],
        scratch: &mut Scratch,
    ) {
        let length = out.len();
        match formula {
            Formula::Column(Numbers::I64(values)) => {
                test_column::<J, i64>(block_of(values, start, length), test, out);
            }
            Formula::Column(Numbers::I32(values)) => {
                test_column::<J, i32>(block_of(values, start, length), test, out);
            }
            Formula::Column(Numbers::U32(values)) => {
                test_column::<J, u32>(block_of(values, start, length), test, out);
            }
            Formula::Column(Numbers::U8(values)) => {
                test_column::<J, u8>(block_of(values, start, length), test, out);
            }
            other => {
                let mut numbers = scratch.take_numbers();
                self.mantissas(other, start, &mut numbers[..length], scratch);
                test_column::<J, i64>(&numbers[..length], test, out);
                scratch.numbers.push(numbers);
            }
        }
    }

    /// The mantissas of the rows from `start` on.
    pub(crate) fn mantissas(
        &self,
        formula: &Formula<'_>,
        start: usize,
        out: &mut [i64],
        scratch: &mut Scratch,
    ) {
        let length = out.len();
        match formula {
            Formula::Constant(number) => out.fill(*number),
            Formula::Column(Numbers::I64(values)) => out.copy_from_slice(block_of(values, start, length)),
            Formula::Column(Numbers::I32(values)) => widen(block_of(values, start, length), out),
            Formula::Column(Numbers::U32(values)) => widen(block_of(values, start, length), out),
            Formula::Column(Numbers::U8(values)) => widen(block_of(values, start, length), out),
            // Whole blocks have no live values: `has_rows` refuses them.
            Formula::Column(Numbers::Live(_)) => scratch.failed = true,
            Formula::Add(left, right) => {
                self.pairs(left, right, start, out, scratch, i64::overflowing_add);
            }
            Formula::Subtract(left, right) => {
                self.pairs(left, right, start, out, scratch, i64::overflowing_sub);
            }
            Formula::Multiply(left, right) => {
                self.pairs(left, right, start, out, scratch, i64::overflowing_mul);
            }
            Formula::Least(left, right) => {
                self.pairs(left, right, start, out, scratch, |a, b| (a.min(b), false));
            }
            Formula::Greatest(left, right) => {
                self.pairs(left, right, start, out, scratch, |a, b| (a.max(b), false));
            }
            Formula::Scaled(operand, factor) => {
                self.mantissas(operand, start, out, scratch);
                scratch.failed |= combine_with(out, |value| value.overflowing_mul(*factor));
            }
            Formula::Abs(operand) => {
                self.mantissas(operand, start, out, scratch);
                scratch.failed |= combine_with(out, i64::overflowing_abs);
            }
            Formula::Choose(condition, yes, no) => {
                let (mut chosen, mut other) = (scratch.take_truths(), scratch.take_numbers());
                self.truths(condition, start, &mut chosen[..length], scratch);
                self.mantissas(yes, start, out, scratch);
                self.mantissas(no, start, &mut other[..length], scratch);
                for ((place, chosen), other) in out.iter_mut().zip(&chosen).zip(&other) {
                    *place = if *chosen { *place } else { *other };
                }
                scratch.truths.push(chosen);
                scratch.numbers.push(other);
            }
            Formula::Bracket(amount, steps) => {
                let mut amounts = scratch.take_numbers();
                self.mantissas(amount, start, &mut amounts[..length], scratch);
                out.fill(0);
                for (from, rate) in steps {
                    for (place, amount) in out.iter_mut().zip(&amounts) {
                        *place = if amount >= from { *rate } else { *place };
                    }
                }
                scratch.numbers.push(amounts);
            }
        }
    }

    fn pairs(
        &self,
        left: &Formula<'_>,
        right: &Formula<'_>,
        start: usize,
        out: &mut [i64],
        scratch: &mut Scratch,
        operation: impl Fn(i64, i64) -> (i64, bool),
    ) {
        let mut other = scratch.take_numbers();
        self.mantissas(left, start, out, scratch);
        self.mantissas(right, start, &mut other[..out.len()], scratch);
        scratch.failed |= combine(out, &other, operation);
        scratch.numbers.push(other);
    }
}

fn combine_with(out: &mut [i64], operation: impl Fn(i64) -> (i64, bool)) -> bool {
    let mut failed = false;
    for place in out {
        let (result, overflowed) = operation(*place);
        *place = result;
        failed |= overflowed;
    }
    failed
}

fn apply_pairs<J: Join>(new: &[bool], out: &mut [bool]) {
    apply::<J, bool>(new, out, |held| held);
}
