//! Evaluation over one record.

use std::sync::Arc;

use foundation::problem::{Kind, Problem};
use jiff::{ToSpan, Unit, civil::Date};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

use crate::{
    diagnostic::Span,
    program::{Function, Macro, Node, Op, Program, Slices, SlotUse},
    scope::{Presence, Record},
    syntax::Operator,
    value::Value,
};

/// Why a rule has no value for a record. Types cannot fail: they were checked when the rule was saved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failure} at line {line}, column {column}{}", row.map_or_else(String::new, |row| format!(", row {row}")))]
pub struct EvaluationError {
    /// What happened.
    pub failure: Failure,
    /// Line of the sub-expression, from 1.
    pub line: u32,
    /// Column of the sub-expression, from 1.
    pub column: u32,
    /// The row, where columns were evaluated.
    pub row: Option<usize>,
}

/// What can happen to a checked rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A number has more than 28 digits before the point.
    #[error("a number is too large")]
    Overflow,
    /// A day lies outside the years -9999 to 9999.
    #[error("a date is out of range")]
    DateOutOfRange,
    /// There is no such element in the list.
    #[error("the list has no such element")]
    NoSuchElement,
    /// A column or a record gave a value of another type than the scope said.
    #[error("slot {0} has a value of another type than declared")]
    WrongValue(u32),
    /// The program's value is of another type than was asked for.
    #[error("the rule's value is of another type than asked for")]
    WrongResult,
    /// More rows were asked for than a column has.
    #[error("slot {0} has fewer rows than asked for")]
    TooFewRows(u32),
}

impl Problem for EvaluationError {
    fn kind(&self) -> Kind {
        match self.failure {
            Failure::Overflow | Failure::DateOutOfRange | Failure::NoSuchElement => Kind::Rejected,
            Failure::WrongValue(_) | Failure::WrongResult | Failure::TooFewRows(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self.failure {
            Failure::Overflow => "rule.overflow",
            Failure::DateOutOfRange => "rule.date-out-of-range",
            Failure::NoSuchElement => "rule.no-such-element",
            Failure::WrongValue(_) => "rule.wrong-value",
            Failure::WrongResult => "rule.wrong-result",
            Failure::TooFewRows(_) => "rule.too-few-rows",
        }
    }
}

/// A failure and where in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) failure: Failure,
    pub(crate) span: Span,
}

impl Fault {
    pub(crate) fn located(self, text: &str, row: Option<usize>) -> EvaluationError {
        let (line, column) = self.span.position(text);
        EvaluationError { failure: self.failure, line, column, row }
    }
}

/// A record without fields, for constants.
struct Empty;

impl Record for Empty {
    fn value(&self, _slot: u32) -> Value {
        Value::Bool(false)
    }
}

/// The value of an expression that reads nothing.
pub(crate) fn constant_value(node: &Node) -> Result<Value, Failure> {
    let mut evaluator = Evaluator { uses: None, record: &Empty, variables: Vec::new() };
    evaluator.value(node).map_err(|fault| fault.failure)
}

pub(crate) struct Evaluator<'a> {
    uses: Option<&'a Program>,
    record: &'a dyn Record,
    pub(crate) variables: Vec<Value>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(program: &'a Program, record: &'a dyn Record) -> Self {
        Self { uses: Some(program), record, variables: Vec::new() }
    }

    pub(crate) fn value(&mut self, node: &Node) -> Result<Value, Fault> {
        let fail = |failure| Fault { failure, span: node.span };
        match &node.op {
            Op::Constant(value) => Ok(value.clone()),
            Op::Has(slot) => Ok(Value::Bool(!self.is_missing(*slot))),
            Op::Default(slot, other) if self.is_missing(*slot) => self.value(other),
            Op::Slot(slot) | Op::Default(slot, _) => self.slot(*slot).map_err(fail),
            Op::Variable(index) => self.variables.get(*index).cloned().ok_or(fail(Failure::WrongResult)),
            Op::Not(operand) => Ok(Value::Bool(!self.truth(operand)?)),
            Op::Negate(operand) => Ok(Value::Number(-self.number(operand)?)),
            Op::Arithmetic(operator, left, right) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                arithmetic(*operator, left, right).map(Value::Number).ok_or(fail(Failure::Overflow))
            }
            Op::Concatenate(left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                concatenated(&left, &right).ok_or(fail(Failure::WrongResult))
            }
            Op::Relation(relation, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Ok(Value::Bool(relation.holds(left.cmp(&right))))
            }
            Op::In(element, list) => {
                let (element, list) = (self.value(element)?, self.value(list)?);
                let list = list.as_list().ok_or(fail(Failure::WrongResult))?;
                Ok(Value::Bool(list.contains(&element)))
            }
            Op::And(parts) => self.junction(parts, false).map(Value::Bool),
            Op::Or(parts) => self.junction(parts, true).map(Value::Bool),
            Op::Conditional(condition, yes, no) => {
                let chosen = if self.truth(condition)? { yes } else { no };
                self.value(chosen)
            }
            Op::List(elements) => {
                elements.iter().map(|element| self.value(element)).collect::<Result<_, _>>().map(Value::List)
            }
            Op::Index(list, position) => {
                let (list, position) = (self.value(list)?, self.number(position)?);
                let position = position.is_integer().then(|| position.to_usize()).flatten();
                let element = list.as_list().and_then(|list| list.get(position?));
                element.cloned().ok_or(fail(Failure::NoSuchElement))
            }
            Op::Function(function, arguments) => {
                let arguments =
                    arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>, _>>()?;
                call(*function, &arguments).map_err(fail)
            }
            Op::Bracket(amount, table, slices) => {
                let amount = self.number(amount)?;
                bracket(amount, table, *slices).map(Value::Number).ok_or(fail(Failure::Overflow))
            }
            Op::Macro(kind, list, condition, transform) => {
                let list = self.value(list)?;
                let elements = list.as_list().ok_or(fail(Failure::WrongResult))?;
                self.run_macro(*kind, elements, condition.as_deref(), transform.as_deref())
            }
        }
    }

    fn use_of(&self, slot: u32) -> Option<&'a SlotUse> {
        self.uses.and_then(|program| program.uses.get(&slot))
    }

    fn is_missing(&self, slot: u32) -> bool {
        self.use_of(slot).is_some_and(|declared| declared.presence != Presence::Always)
            && self.record.is_missing(slot)
    }

    fn slot(&self, slot: u32) -> Result<Value, Failure> {
        let declared = self.use_of(slot).ok_or(Failure::WrongValue(slot))?;
        if declared.presence != Presence::Always && self.record.is_missing(slot) {
            return Ok(declared.ty.nothing());
        }
        let value = self.record.value(slot);
        if value.is_of(&declared.ty) { Ok(value) } else { Err(Failure::WrongValue(slot)) }
    }

    pub(crate) fn truth(&mut self, node: &Node) -> Result<bool, Fault> {
        self.value(node)?.as_bool().ok_or(Fault { failure: Failure::WrongResult, span: node.span })
    }

    pub(crate) fn number(&mut self, node: &Node) -> Result<Decimal, Fault> {
        self.value(node)?.as_number().ok_or(Fault { failure: Failure::WrongResult, span: node.span })
    }

    /// `&&` for `deciding == false`, `||` for `true`: the deciding value wins over a failure, on whichever side it is.
    fn junction(&mut self, parts: &[Node], deciding: bool) -> Result<bool, Fault> {
        let mut failed = None;
        for part in parts {
            match self.truth(part) {
                Ok(held) if held == deciding => return Ok(deciding),
                Ok(_) => {}
                Err(fault) => failed = failed.or(Some(fault)),
            }
        }
        failed.map_or(Ok(!deciding), Err)
    }

    /// Evaluates `node` with `element` as the newest variable.
    pub(crate) fn with<T>(&mut self, element: &Value, run: impl FnOnce(&mut Self) -> T) -> T {
        self.variables.push(element.clone());
        let result = run(self);
        self.variables.pop();
        result
    }

    fn run_macro(
        &mut self,
        kind: Macro,
        elements: &[Value],
        condition: Option<&Node>,
        transform: Option<&Node>,
    ) -> Result<Value, Fault> {
        let mut failed = None;
        let mut kept = Vec::new();
        for element in elements {
            let held = match condition {
                Some(condition) => self.with(element, |inner| inner.truth(condition)),
                None => Ok(true),
            };
            match (kind, held) {
                (Macro::All, Ok(false)) => return Ok(Value::Bool(false)),
                (Macro::Exists, Ok(true)) => return Ok(Value::Bool(true)),
                (Macro::All | Macro::Exists, Err(fault)) => failed = failed.or(Some(fault)),
                (_, Err(fault)) => return Err(fault),
                (Macro::Map, Ok(true)) => match transform {
                    Some(transform) => kept.push(self.with(element, |inner| inner.value(transform))?),
                    None => kept.push(element.clone()),
                },
                (Macro::Filter | Macro::ExistsOne, Ok(true)) => kept.push(element.clone()),
                (_, Ok(_)) => {}
            }
        }
        match (kind, failed) {
            (_, Some(fault)) => Err(fault),
            (Macro::All, None) => Ok(Value::Bool(true)),
            (Macro::Exists, None) => Ok(Value::Bool(false)),
            (Macro::ExistsOne, None) => Ok(Value::Bool(kept.len() == 1)),
            (Macro::Filter | Macro::Map, None) => Ok(Value::list(kept)),
        }
    }
}

/// The result, `None` if it has more than 28 digits before the point. What is divided by 0 gives 0.
pub(crate) fn arithmetic(operator: Operator, left: Decimal, right: Decimal) -> Option<Decimal> {
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide | Operator::Remainder if right.is_zero() => Some(Decimal::ZERO),
        Operator::Divide => left.checked_div(right),
        Operator::Remainder => left.checked_rem(right),
    }
}

fn concatenated(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(Value::Text(Arc::from(format!("{left}{right}")))),
        (Value::List(left), Value::List(right)) => {
            Some(Value::List(left.iter().chain(&**right).cloned().collect()))
        }
        _ => None,
    }
}

/// The rate of the highest threshold reached, or the sum over the slices; 0 below the first threshold.
pub(crate) fn bracket(amount: Decimal, table: &[(Decimal, Decimal)], slices: Slices) -> Option<Decimal> {
    if slices == Slices::Whole {
        let reached = table.iter().take_while(|(threshold, _)| amount >= *threshold).last();
        return Some(reached.map_or(Decimal::ZERO, |(_, rate)| *rate));
    }
    let mut total = Decimal::ZERO;
    for (position, (from, rate)) in table.iter().enumerate().take_while(|(_, (from, _))| amount > *from) {
        let until = table.get(position + 1).map_or(amount, |(next, _)| amount.min(*next));
        total = total.checked_add(until.checked_sub(*from)?.checked_mul(*rate)?)?;
    }
    Some(total)
}

fn call(function: Function, arguments: &[Value]) -> Result<Value, Failure> {
    let at = |position: usize| arguments.get(position).ok_or(Failure::WrongResult);
    let number = |position| at(position)?.as_number().ok_or(Failure::WrongResult);
    let text = |position| at(position)?.as_text().ok_or(Failure::WrongResult);
    let date = |position| at(position)?.as_date().ok_or(Failure::WrongResult);
    let list = |position| at(position)?.as_list().ok_or(Failure::WrongResult);
    let rounded = |strategy| {
        let digits = if arguments.len() > 1 { number(1)?.to_u32().unwrap_or(0) } else { 0 };
        Ok(Value::Number(number(0)?.round_dp_with_strategy(digits, strategy)))
    };
    let whole = |number: i64| Ok(Value::Number(Decimal::from(number)));
    match function {
        Function::Abs => Ok(Value::Number(number(0)?.abs())),
        Function::Round => rounded(RoundingStrategy::MidpointNearestEven),
        Function::Floor => rounded(RoundingStrategy::ToNegativeInfinity),
        Function::Ceil => rounded(RoundingStrategy::ToPositiveInfinity),
        Function::Trunc => rounded(RoundingStrategy::ToZero),
        Function::Min => values_of(arguments).iter().min().cloned().ok_or(Failure::NoSuchElement),
        Function::Max => values_of(arguments).iter().max().cloned().ok_or(Failure::NoSuchElement),
        Function::Sum => list(0)?
            .iter()
            .try_fold(Decimal::ZERO, |sum, value| sum.checked_add(value.as_number()?))
            .map(Value::Number)
            .ok_or(Failure::Overflow),
        Function::Size => {
            let size = match at(0)? {
                Value::List(values) => values.len(),
                other => other.as_text().ok_or(Failure::WrongResult)?.chars().count(),
            };
            Ok(Value::Number(Decimal::from(size)))
        }
        Function::StartsWith => Ok(Value::Bool(text(0)?.starts_with(text(1)?))),
        Function::EndsWith => Ok(Value::Bool(text(0)?.ends_with(text(1)?))),
        Function::Contains => Ok(Value::Bool(text(0)?.contains(text(1)?))),
        Function::LowerAscii => Ok(Value::Text(Arc::from(text(0)?.to_ascii_lowercase()))),
        Function::UpperAscii => Ok(Value::Text(Arc::from(text(0)?.to_ascii_uppercase()))),
        Function::Year => whole(i64::from(date(0)?.year())),
        Function::Month => whole(i64::from(date(0)?.month())),
        Function::Day => whole(i64::from(date(0)?.day())),
        Function::DaysBetween => whole(between(date(0)?, date(1)?, Unit::Day)?),
        Function::MonthsBetween => whole(between(date(0)?, date(1)?, Unit::Month)?),
        Function::AddDays => moved(date(0)?, number(1)?, Unit::Day),
        Function::AddMonths => moved(date(0)?, number(1)?, Unit::Month),
        Function::SetContains => Ok(Value::Bool(is_subset(list(1)?, list(0)?))),
        Function::SetIntersects => {
            let (left, right) = (list(0)?, list(1)?);
            Ok(Value::Bool(left.iter().any(|value| right.contains(value))))
        }
        Function::SetEquivalent => {
            let (left, right) = (list(0)?, list(1)?);
            Ok(Value::Bool(is_subset(left, right) && is_subset(right, left)))
        }
    }
}

/// The values of the one list, or the arguments themselves.
fn values_of(arguments: &[Value]) -> &[Value] {
    match arguments {
        [Value::List(values)] => values,
        _ => arguments,
    }
}

fn is_subset(part: &[Value], whole: &[Value]) -> bool {
    part.iter().all(|value| whole.contains(value))
}

/// Whole days or months from one day to another; negative if the second is earlier.
fn between(from: Date, to: Date, unit: Unit) -> Result<i64, Failure> {
    let span = from.until((unit, to)).map_err(|_| Failure::DateOutOfRange)?;
    Ok(if unit == Unit::Month { i64::from(span.get_months()) } else { i64::from(span.get_days()) })
}

fn moved(date: Date, count: Decimal, unit: Unit) -> Result<Value, Failure> {
    let count = count.trunc().to_i64().ok_or(Failure::DateOutOfRange)?;
    let span = match unit {
        Unit::Month => 0.days().try_months(count),
        _ => 0.days().try_days(count),
    };
    let span = span.map_err(|_| Failure::DateOutOfRange)?;
    date.checked_add(span).map(Value::Date).map_err(|_| Failure::DateOutOfRange)
}
