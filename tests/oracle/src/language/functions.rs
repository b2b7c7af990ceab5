//! Operators and functions.

use anyhow::{Context, Result, bail, ensure};
use jiff::{ToSpan, civil::Date};
use rust_decimal::Decimal;

use super::Value;
use crate::numbers::{half_even, whole};

pub(super) fn binary(operator: &str, left: Value, right: Value) -> Result<Value> {
    let order = left.cmp(&right);
    Ok(match (operator, left, right) {
        ("==", ..) => Value::Bool(order.is_eq()),
        ("!=", ..) => Value::Bool(order.is_ne()),
        ("<", ..) => Value::Bool(order.is_lt()),
        ("<=", ..) => Value::Bool(order.is_le()),
        (">", ..) => Value::Bool(order.is_gt()),
        (">=", ..) => Value::Bool(order.is_ge()),
        ("in", element, Value::List(values)) => Value::Bool(values.contains(&element)),
        ("+", Value::Text(left), Value::Text(right)) => Value::Text(left + &right),
        ("+", Value::List(left), Value::List(right)) => Value::List([left, right].concat()),
        (operator, Value::Number(left), Value::Number(right)) => {
            Value::Number(arithmetic(operator, left, right)?)
        }
        (operator, left, right) => bail!("{left} {operator} {right} has no meaning"),
    })
}

/// What is divided by 0 is 0.
fn arithmetic(operator: &str, left: Decimal, right: Decimal) -> Result<Decimal> {
    let result = match operator {
        "+" => left.checked_add(right),
        "-" => left.checked_sub(right),
        "*" => left.checked_mul(right),
        _ if right.is_zero() => Some(Decimal::ZERO),
        "/" => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    result.context("a number is too large")
}

pub(super) fn call(function: &str, arguments: &[Value]) -> Result<Value> {
    Ok(match (function, arguments) {
        ("abs", [Value::Number(number)]) => Value::Number(number.abs()),
        ("round" | "floor" | "ceil" | "trunc", [Value::Number(number)]) => {
            Value::Number(rounded(function, *number, 0))
        }
        ("round" | "floor" | "ceil" | "trunc", [Value::Number(number), Value::Number(digits)]) => {
            Value::Number(rounded(function, *number, u32::try_from(whole(*digits)?)?))
        }
        ("min", _) => values_of(arguments).iter().min().context("min of nothing")?.clone(),
        ("max", _) => values_of(arguments).iter().max().context("max of nothing")?.clone(),
        ("sum", [Value::List(values)]) => {
            let mut sum = Decimal::ZERO;
            for value in values {
                let Value::Number(number) = value else { bail!("{value} is no number") };
                sum = arithmetic("+", sum, *number)?;
            }
            Value::Number(sum)
        }
        ("bracket", [Value::Number(number), Value::List(table)]) => {
            let reached = pairs(table)?.into_iter().rfind(|(from, _)| from <= number);
            Value::Number(reached.map_or(Decimal::ZERO, |(_, rate)| rate))
        }
        ("bracket_marginal", [Value::Number(number), Value::List(table)]) => {
            Value::Number(by_slices(*number, &pairs(table)?)?)
        }
        ("size", [Value::Text(text)]) => Value::Number(text.chars().count().into()),
        ("size", [Value::List(values)]) => Value::Number(values.len().into()),
        ("startsWith", [Value::Text(text), Value::Text(part)]) => Value::Bool(text.starts_with(part)),
        ("endsWith", [Value::Text(text), Value::Text(part)]) => Value::Bool(text.ends_with(part)),
        ("contains", [Value::Text(text), Value::Text(part)]) => Value::Bool(text.contains(part)),
        ("contains", [Value::List(values), element]) => Value::Bool(values.contains(element)),
        ("lowerAscii", [Value::Text(text)]) => Value::Text(text.to_ascii_lowercase()),
        ("upperAscii", [Value::Text(text)]) => Value::Text(text.to_ascii_uppercase()),
        ("sets.contains", [Value::List(all), Value::List(part)]) => {
            Value::Bool(part.iter().all(|value| all.contains(value)))
        }
        ("sets.intersects", [Value::List(a), Value::List(b)]) => {
            Value::Bool(a.iter().any(|value| b.contains(value)))
        }
        ("sets.equivalent", [Value::List(a), Value::List(b)]) => {
            Value::Bool(a.iter().all(|value| b.contains(value)) && b.iter().all(|value| a.contains(value)))
        }
        ("date", [Value::Text(text)]) => Value::Date(text.parse()?),
        ("year", [Value::Date(day)]) => Value::Number(day.year().into()),
        ("month", [Value::Date(day)]) => Value::Number(day.month().into()),
        ("day", [Value::Date(day)]) => Value::Number(day.day().into()),
        ("days_between", [Value::Date(from), Value::Date(to)]) => {
            Value::Number(days_between(*from, *to)?.into())
        }
        ("months_between", [Value::Date(from), Value::Date(to)]) => {
            Value::Number(months_between(*from, *to).into())
        }
        ("add_days", [Value::Date(day), Value::Number(days)]) => {
            let days = 0.days().try_days(whole(days.trunc())?).context("a date is out of range")?;
            Value::Date(day.checked_add(days)?)
        }
        ("add_months", [Value::Date(day), Value::Number(months)]) => {
            let months = 0.days().try_months(whole(months.trunc())?).context("a date is out of range")?;
            Value::Date(day.checked_add(months)?)
        }
        (function, arguments) => bail!("there is no {function} of {arguments:?}"),
    })
}

/// The elements of the one list, or the arguments themselves.
fn values_of(arguments: &[Value]) -> &[Value] {
    match arguments {
        [Value::List(values)] => values,
        _ => arguments,
    }
}

fn rounded(function: &str, number: Decimal, digits: u32) -> Decimal {
    let unit = Decimal::new(1, digits.min(28));
    if function == "round" {
        return half_even(number, digits.min(28));
    }
    if number.scale() <= digits {
        return number;
    }
    let rest = number % unit;
    let toward_zero = number - rest;
    match function {
        "floor" if rest < Decimal::ZERO => toward_zero - unit,
        "ceil" if Decimal::ZERO < rest => toward_zero + unit,
        _ => toward_zero,
    }
}

/// The list `[t1, r1, t2, r2, ...]` in pairs.
fn pairs(table: &[Value]) -> Result<Vec<(Decimal, Decimal)>> {
    ensure!(table.len().is_multiple_of(2), "a bracket has a threshold and a rate");
    let pair = |pair: &[Value]| match pair {
        [Value::Number(from), Value::Number(rate)] => Ok((*from, *rate)),
        other => bail!("{other:?} is no bracket"),
    };
    table.chunks(2).map(pair).collect()
}

fn by_slices(number: Decimal, table: &[(Decimal, Decimal)]) -> Result<Decimal> {
    let mut sum = Decimal::ZERO;
    for (place, (from, rate)) in table.iter().enumerate() {
        let to = table.get(place + 1).map_or(number, |(next, _)| number.min(*next));
        if *from < to {
            sum = arithmetic("+", sum, arithmetic("*", to - from, *rate)?)?;
        }
    }
    Ok(sum)
}

pub(crate) fn days_between(from: Date, to: Date) -> Result<i32> {
    Ok(from.until((jiff::Unit::Day, to))?.get_days())
}

/// Whole months, counted by hand: a month is whole when its day of the month has come again. Negative if the second day is
/// earlier.
fn months_between(from: Date, to: Date) -> i32 {
    let months = |a: Date, b: Date| {
        let years = i32::from(b.year()) - i32::from(a.year());
        years * 12 + i32::from(b.month()) - i32::from(a.month()) - i32::from(b.day() < a.day())
    };
    if from <= to { months(from, to) } else { -months(to, from) }
}
