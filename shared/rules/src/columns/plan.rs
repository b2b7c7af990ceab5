//! From a checked rule and the columns it reads to loops over integers.

use jiff::Unit;
use rust_decimal::Decimal;

use super::{BoundColumn, Live, SCALE_MAX, epoch};
use crate::{
    evaluate::Evaluator,
    program::{Function, Node, Op, Program, Slices},
    scope::{Column, Record},
    syntax::{Operator, Relation},
    value::{Type, Value},
};

/// Distinct texts for which a condition is worked out ahead.
const TABLE_MAX: usize = 65_536;

/// A condition over columns.
pub(crate) enum Truth<'a> {
    Constant(bool),
    Column(&'a [bool]),
    /// True where the mask is false.
    Unless(&'a [bool]),
    Test(Formula<'a>, Test),
    Compare(Relation, Formula<'a>, Formula<'a>),
    /// The answer for each entry of the dictionary.
    Coded(&'a [u32], Vec<bool>),
    /// Whether bit `bit` of the row's words is set.
    Bit {
        bits: &'a [u64],
        words_per_row: usize,
        bit: usize,
    },
    Not(Box<Truth<'a>>),
    And(Vec<Truth<'a>>),
    Or(Vec<Truth<'a>>),
    Choose(Box<Truth<'a>>, Box<Truth<'a>>, Box<Truth<'a>>),
    /// By the evaluator of one record.
    Rows(&'a Node),
}

/// A comparison of a mantissa with a constant of the same scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Always(bool),
    AtLeast(i64),
    AtMost(i64),
    Equal(i64),
    Different(i64),
}

/// A number over columns, as mantissas of one scale.
pub(crate) enum Formula<'a> {
    Column(Numbers<'a>),
    Constant(i64),
    Add(Box<Formula<'a>>, Box<Formula<'a>>),
    Subtract(Box<Formula<'a>>, Box<Formula<'a>>),
    Multiply(Box<Formula<'a>>, Box<Formula<'a>>),
    Scaled(Box<Formula<'a>>, i64),
    Abs(Box<Formula<'a>>),
    Least(Box<Formula<'a>>, Box<Formula<'a>>),
    Greatest(Box<Formula<'a>>, Box<Formula<'a>>),
    Choose(Box<Truth<'a>>, Box<Formula<'a>>, Box<Formula<'a>>),
    /// Ascending thresholds and what holds from there on.
    Bracket(Box<Formula<'a>>, Vec<(i64, i64)>),
}

/// Integers as they stand in a column.
#[derive(Clone, Copy)]
pub(crate) enum Numbers<'a> {
    I64(&'a [i64]),
    I32(&'a [i32]),
    U32(&'a [u32]),
    U8(&'a [u8]),
    /// The live value at a position.
    Live(usize),
}

pub(crate) struct Fixed<'a> {
    pub(crate) formula: Formula<'a>,
    pub(crate) scale: u32,
}

pub(crate) struct Planner<'a, 'c> {
    pub(crate) program: &'a Program,
    pub(crate) columns: &'c [BoundColumn<'a>],
    pub(crate) live: &'c [Live],
}

fn power_of_ten(exponent: u32) -> Option<i64> {
    10_i64.checked_pow(exponent)
}

/// `number × 10^scale` rounded down, and whether that was exact. What is out of range is at the end of the range.
fn mantissa(number: Decimal, scale: u32) -> (i128, bool) {
    let (digits, own) = (number.mantissa(), number.scale());
    if own <= scale {
        let factor = 10_i128.checked_pow(scale - own).unwrap_or(i128::MAX);
        let saturated = if digits < 0 { i128::MIN } else { i128::MAX };
        return (digits.checked_mul(factor).unwrap_or(saturated), true);
    }
    let divisor = 10_i128.checked_pow(own - scale).unwrap_or(i128::MAX);
    (digits.div_euclid(divisor), digits.rem_euclid(divisor) == 0)
}

impl Test {
    /// `mantissa / 10^scale relation number`, exact also where `number` is finer than the scale.
    pub(crate) fn new(relation: Relation, number: Decimal, scale: u32) -> Self {
        let (floor, exact) = mantissa(number, scale);
        let (least, most) = (i128::from(i64::MIN), i128::from(i64::MAX));
        let at_least = |bound: i128| match i64::try_from(bound) {
            Ok(bound) => Self::AtLeast(bound),
            Err(_) => Self::Always(bound < least),
        };
        let at_most = |bound: i128| match i64::try_from(bound) {
            Ok(bound) => Self::AtMost(bound),
            Err(_) => Self::Always(bound > most),
        };
        match (relation, i64::try_from(floor)) {
            (Relation::Equal, Ok(bound)) if exact => Self::Equal(bound),
            (Relation::Equal, _) => Self::Always(false),
            (Relation::Different, Ok(bound)) if exact => Self::Different(bound),
            (Relation::Different, _) => Self::Always(true),
            (Relation::Less, _) if exact => at_most(floor.saturating_sub(1)),
            (Relation::Less | Relation::AtMost, _) => at_most(floor),
            (Relation::AtLeast, _) if exact => at_least(floor),
            (Relation::AtLeast | Relation::Greater, _) => at_least(floor.saturating_add(1)),
        }
    }
}

/// `0` where the mask is true.
fn masked<'a>(formula: Formula<'a>, missing: Option<&'a [bool]>) -> Formula<'a> {
    match missing {
        None => formula,
        Some(mask) => {
            Formula::Choose(Box::new(Truth::Unless(mask)), Box::new(formula), Box::new(Formula::Constant(0)))
        }
    }
}

impl<'a> Fixed<'a> {
    fn constant(number: Decimal) -> Option<Self> {
        let number = number.normalize();
        let digits = i64::try_from(number.mantissa()).ok()?;
        (number.scale() <= SCALE_MAX)
            .then_some(Self { formula: Formula::Constant(digits), scale: number.scale() })
    }

    fn at_scale(self, scale: u32) -> Option<Formula<'a>> {
        let factor = power_of_ten(scale.checked_sub(self.scale)?)?;
        match self.formula {
            formula if factor == 1 => Some(formula),
            Formula::Constant(digits) => digits.checked_mul(factor).map(Formula::Constant),
            formula => Some(Formula::Scaled(Box::new(formula), factor)),
        }
    }

    /// Both at the finer of their scales.
    fn aligned(self, other: Self) -> Option<(Formula<'a>, Formula<'a>, u32)> {
        let scale = self.scale.max(other.scale);
        Some((self.at_scale(scale)?, other.at_scale(scale)?, scale))
    }
}

impl<'a> Planner<'a, '_> {
    fn column(&self, slot: u32) -> Option<&BoundColumn<'a>> {
        let position = self.columns.binary_search_by_key(&slot, |bound| bound.slot).ok()?;
        self.columns.get(position)
    }

    fn live_scale(&self, slot: u32) -> Option<(usize, u32)> {
        self.live.iter().enumerate().find(|(_, live)| live.slot == slot).map(|(at, live)| (at, live.scale))
    }

    pub(crate) fn truth(&self, node: &'a Node) -> Truth<'a> {
        self.loops(node).or_else(|| self.table(node)).unwrap_or(Truth::Rows(node))
    }

    fn loops(&self, node: &'a Node) -> Option<Truth<'a>> {
        match &node.op {
            Op::Constant(value) => value.as_bool().map(Truth::Constant),
            Op::Slot(slot) => {
                let bound = self.column(*slot)?;
                let truth = match &bound.column {
                    Column::Bool(values) => Truth::Column(values),
                    Column::Constant(value) => Truth::Constant(value.as_bool()?),
                    _ => return None,
                };
                Some(match bound.missing {
                    None => truth,
                    Some(mask) => Truth::And(vec![Truth::Unless(mask), truth]),
                })
            }
            Op::Has(slot) if self.live_scale(*slot).is_some() => Some(Truth::Constant(true)),
            Op::Has(slot) => Some(self.column(*slot)?.missing.map_or(Truth::Constant(true), Truth::Unless)),
            Op::Not(operand) => Some(Truth::Not(Box::new(self.truth(operand)))),
            Op::And(parts) => Some(Truth::And(parts.iter().map(|part| self.truth(part)).collect())),
            Op::Or(parts) => Some(Truth::Or(parts.iter().map(|part| self.truth(part)).collect())),
            Op::Conditional(condition, yes, no) => Some(Truth::Choose(
                Box::new(self.truth(condition)),
                Box::new(self.truth(yes)),
                Box::new(self.truth(no)),
            )),
            Op::Relation(relation, left, right) if matches!(left.ty, Type::Number | Type::Date) => {
                self.comparison(*relation, left, right)
            }
            Op::In(element, list) => self.membership(element, list),
            _ => None,
        }
    }

    fn comparison(&self, relation: Relation, left: &'a Node, right: &'a Node) -> Option<Truth<'a>> {
        if let Some(number) = constant_of(right) {
            let fixed = self.formula(left)?;
            return Some(Truth::Test(fixed.formula, Test::new(relation, number, fixed.scale)));
        }
        if let Some(number) = constant_of(left) {
            let fixed = self.formula(right)?;
            return Some(Truth::Test(fixed.formula, Test::new(relation.mirrored(), number, fixed.scale)));
        }
        let (left, right, _) = self.formula(left)?.aligned(self.formula(right)?)?;
        Some(Truth::Compare(relation, left, right))
    }

    /// `number in [constants]` as tests, `'tag' in tags` as a bit.
    fn membership(&self, element: &'a Node, list: &'a Node) -> Option<Truth<'a>> {
        if let Some(values) = list.constant().and_then(Value::as_list)
            && matches!(element.ty, Type::Number | Type::Date)
        {
            let mut tests = Vec::new();
            for value in values {
                let fixed = self.formula(element)?;
                tests.push(Truth::Test(
                    fixed.formula,
                    Test::new(Relation::Equal, number_of(value)?, fixed.scale),
                ));
            }
            return Some(Truth::Or(tests));
        }
        let Op::Slot(slot) = list.op else { return None };
        let bound = self.column(slot)?;
        let (Column::Set { bits, words_per_row, dictionary }, Some(text)) =
            (&bound.column, element.constant().and_then(Value::as_text))
        else {
            return None;
        };
        let Some(bit) = dictionary.iter().position(|entry| **entry == *text) else {
            return Some(Truth::Constant(false));
        };
        if bit >= *words_per_row * 64 {
            return Some(Truth::Constant(false));
        }
        let truth = Truth::Bit { bits, words_per_row: *words_per_row, bit };
        Some(match bound.missing {
            None => truth,
            Some(mask) => Truth::And(vec![Truth::Unless(mask), truth]),
        })
    }

    /// Whatever depends on one text only is worked out once for each distinct text.
    fn table(&self, node: &'a Node) -> Option<Truth<'a>> {
        let mut slots = Vec::new();
        node.visit_slots(&mut |slot| slots.push(slot));
        let slot = *slots.first()?;
        let bound = self.column(slot)?;
        let Column::Text { codes, dictionary } = &bound.column else { return None };
        if slots.iter().any(|other| *other != slot) || bound.missing.is_some() || dictionary.len() > TABLE_MAX
        {
            return None;
        }
        let mut answers = Vec::with_capacity(dictionary.len());
        for text in *dictionary {
            let record = OneValue(Value::Text(text.clone()));
            // What fails for some text is left to the evaluator, which says where.
            answers.push(Evaluator::new(self.program, &record).truth(node).ok()?);
        }
        Some(Truth::Coded(codes, answers))
    }

    pub(crate) fn formula(&self, node: &'a Node) -> Option<Fixed<'a>> {
        match &node.op {
            Op::Constant(value) => Fixed::constant(number_of(value)?),
            Op::Slot(slot) | Op::Default(slot, _) if self.live_scale(*slot).is_some() => {
                let (position, scale) = self.live_scale(*slot)?;
                Some(Fixed { formula: Formula::Column(Numbers::Live(position)), scale })
            }
            Op::Slot(slot) => {
                let bound = self.column(*slot)?;
                // A missing date reads as the year 0, which is no number of days from here.
                let usable = bound.missing.is_none() || node.ty == Type::Number;
                let fixed = numbers_of(&bound.column).filter(|_| usable)?;
                Some(Fixed { formula: masked(fixed.formula, bound.missing), scale: fixed.scale })
            }
            Op::Default(slot, other) => {
                let bound = self.column(*slot)?;
                let fixed = numbers_of(&bound.column)?;
                let Some(mask) = bound.missing else { return Some(fixed) };
                let (there, other, scale) = fixed.aligned(self.formula(other)?)?;
                let present = Box::new(Truth::Unless(mask));
                let formula = Formula::Choose(present, Box::new(there), Box::new(other));
                Some(Fixed { formula, scale })
            }
            Op::Negate(operand) => {
                let fixed = self.formula(operand)?;
                let formula = Formula::Subtract(Box::new(Formula::Constant(0)), Box::new(fixed.formula));
                Some(Fixed { formula, scale: fixed.scale })
            }
            Op::Arithmetic(operator, left, right) => self.arithmetic(*operator, left, right),
            Op::Conditional(condition, yes, no) => {
                let (yes, no, scale) = self.formula(yes)?.aligned(self.formula(no)?)?;
                let condition = Box::new(self.truth(condition));
                Some(Fixed { formula: Formula::Choose(condition, Box::new(yes), Box::new(no)), scale })
            }
            Op::Bracket(amount, table, Slices::Whole) => self.bracket(amount, table),
            Op::Function(function, arguments) => self.function(*function, arguments),
            _ => None,
        }
    }

    fn arithmetic(&self, operator: Operator, left: &'a Node, right: &'a Node) -> Option<Fixed<'a>> {
        let (left, right) = (self.formula(left)?, self.formula(right)?);
        if operator == Operator::Multiply {
            let scale = left.scale + right.scale;
            let formula = Formula::Multiply(Box::new(left.formula), Box::new(right.formula));
            return (scale <= SCALE_MAX).then_some(Fixed { formula, scale });
        }
        let (left, right, scale) = left.aligned(right)?;
        let formula = match operator {
            Operator::Add => Formula::Add(Box::new(left), Box::new(right)),
            Operator::Subtract => Formula::Subtract(Box::new(left), Box::new(right)),
            _ => return None,
        };
        Some(Fixed { formula, scale })
    }

    fn function(&self, function: Function, arguments: &'a [Node]) -> Option<Fixed<'a>> {
        match (function, arguments) {
            (Function::Abs, [operand]) => {
                let fixed = self.formula(operand)?;
                Some(Fixed { formula: Formula::Abs(Box::new(fixed.formula)), scale: fixed.scale })
            }
            (Function::DaysBetween, [from, to]) => {
                let (from, to) = (self.formula(from)?, self.formula(to)?);
                let formula = Formula::Subtract(Box::new(to.formula), Box::new(from.formula));
                Some(Fixed { formula, scale: 0 })
            }
            (Function::Min | Function::Max, [first, others @ ..]) => {
                let mut result = self.formula(first)?;
                for other in others {
                    let (left, right, scale) = result.aligned(self.formula(other)?)?;
                    let (left, right) = (Box::new(left), Box::new(right));
                    let formula = match function {
                        Function::Min => Formula::Least(left, right),
                        _ => Formula::Greatest(left, right),
                    };
                    result = Fixed { formula, scale };
                }
                Some(result)
            }
            _ => None,
        }
    }

    fn bracket(&self, amount: &'a Node, table: &[(Decimal, Decimal)]) -> Option<Fixed<'a>> {
        let amount = self.formula(amount)?;
        let rates = table.iter().map(|(_, rate)| Fixed::constant(*rate)).collect::<Option<Vec<_>>>()?;
        let scale = rates.iter().map(|rate| rate.scale).max().unwrap_or(0);
        let mut steps = Vec::new();
        for ((threshold, _), rate) in table.iter().zip(rates) {
            let Formula::Constant(rate) = rate.at_scale(scale)? else { return None };
            match Test::new(Relation::AtLeast, *threshold, amount.scale) {
                Test::AtLeast(from) => steps.push((from, rate)),
                Test::Always(true) => steps.push((i64::MIN, rate)),
                _ => {}
            }
        }
        Some(Fixed { formula: Formula::Bracket(Box::new(amount.formula), steps), scale })
    }
}

/// A record whose only slot has one value.
struct OneValue(Value);

impl Record for OneValue {
    fn value(&self, _slot: u32) -> Value {
        self.0.clone()
    }
}

/// A constant number; a date as the number of its day.
fn constant_of(node: &Node) -> Option<Decimal> {
    node.constant().and_then(number_of)
}

fn number_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Date(date) => {
            let span = epoch().until((Unit::Day, *date)).ok()?;
            Some(Decimal::from(span.get_days()))
        }
        _ => None,
    }
}

fn numbers_of<'a>(column: &Column<'a>) -> Option<Fixed<'a>> {
    let whole = |numbers| Some(Fixed { formula: Formula::Column(numbers), scale: 0 });
    match column {
        Column::Fixed { values, scale } => {
            Some(Fixed { formula: Formula::Column(Numbers::I64(values)), scale: *scale })
        }
        Column::Count(values) => whole(Numbers::U32(values)),
        Column::Code(values) => whole(Numbers::U8(values)),
        Column::Date(days) => whole(Numbers::I32(days)),
        Column::Constant(value) => Fixed::constant(number_of(value)?),
        _ => None,
    }
}
