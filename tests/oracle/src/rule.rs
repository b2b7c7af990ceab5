//! The few words of the rule language that the demo's plan uses: `&&`, `||`, comparisons, names, calls with one text, numbers.

use anyhow::{Context, Result, bail, ensure};
use rust_decimal::Decimal;

/// Whether `text` holds, names and calls being looked up in `value`.
pub(crate) fn holds(text: &str, value: &dyn Fn(&str, Option<&str>) -> Result<Decimal>) -> Result<bool> {
    ensure!(!text.contains(['(', ')']) || text.contains("('"), "the oracle knows no brackets: {text}");
    for alternative in text.split("||") {
        let mut all = true;
        for comparison in alternative.split("&&") {
            all &= compare(comparison.trim(), value)?;
        }
        if all {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compare(text: &str, value: &dyn Fn(&str, Option<&str>) -> Result<Decimal>) -> Result<bool> {
    for sign in [">=", "<=", "==", "!=", ">", "<"] {
        if let Some((left, right)) = text.split_once(sign) {
            let (left, right) = (operand(left.trim(), value)?, operand(right.trim(), value)?);
            return Ok(match sign {
                ">=" => left >= right,
                "<=" => left <= right,
                "==" => left == right,
                "!=" => left != right,
                ">" => left > right,
                _ => left < right,
            });
        }
    }
    // A name by itself is a truth.
    Ok(!operand(text, value)?.is_zero())
}

fn operand(text: &str, value: &dyn Fn(&str, Option<&str>) -> Result<Decimal>) -> Result<Decimal> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    if let Some((name, rest)) = text.split_once('(') {
        let argument = rest.strip_suffix(')').context("a call without an end")?.trim_matches('\'');
        return value(name, Some(argument));
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        bail!("the oracle does not know {text:?}");
    }
    value(text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_tighter_than_or_and_names_are_looked_up() {
        let value = |name: &str, argument: Option<&str>| {
            Ok(Decimal::from(match (name, argument) {
                ("a", None) => 5,
                ("legs", Some("oro")) => 2,
                _ => 0,
            }))
        };
        for (text, expected) in [
            ("a >= 5 && legs('oro') >= 2", true),
            ("a > 5 || a == 5 && legs('oro') < 3", true),
            ("b", false),
            ("a && b", false),
        ] {
            assert_eq!(holds(text, &value).unwrap(), expected, "{text}");
        }
        assert!(holds("a + 1 > 2", &value).is_err());
    }
}
