//! Explanations for people, in Spanish and English.

use std::fmt::Write;

use foundation::locale::Locale;
use rust_decimal::Decimal;

use super::{Explanation, ExplanationKind, Missing, Wanted};
use crate::{evaluate::Failure, syntax::Relation, value::Value};

/// The name people know an expression by, if it has one: `own_vq` is "VQ personal".
pub type Label<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A number as it is written in a language: `1.234,5` or `1,234.5`.
fn number_text(number: Decimal, locale: Locale) -> String {
    let (point, group) = match locale {
        Locale::Es => (',', '.'),
        Locale::En => ('.', ','),
    };
    let plain = number.normalize().abs().to_string();
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut text = String::new();
    if number.is_sign_negative() && !number.is_zero() {
        text.push('-');
    }
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            text.push(group);
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push(point);
        text.push_str(fraction);
    }
    text
}

fn value_text(value: &Value, locale: Locale) -> String {
    match (value, locale) {
        (Value::Bool(true), Locale::Es) => "sí".to_owned(),
        (Value::Bool(true), Locale::En) => "yes".to_owned(),
        (Value::Bool(false), _) => "no".to_owned(),
        (Value::Number(number), _) => number_text(*number, locale),
        (Value::Text(text), Locale::Es) => format!("«{text}»"),
        (Value::Text(text), Locale::En) => format!("“{text}”"),
        (Value::Date(date), _) => date.to_string(),
        (Value::List(values), _) => {
            let texts: Vec<String> = values.iter().map(|value| value_text(value, locale)).collect();
            format!("[{}]", texts.join("; "))
        }
    }
}

fn failure_text(failure: Failure, locale: Locale) -> String {
    match (failure, locale) {
        (Failure::Overflow, Locale::Es) => "número demasiado grande".to_owned(),
        (Failure::DateOutOfRange, Locale::Es) => "fecha fuera de rango".to_owned(),
        (Failure::NoSuchElement, Locale::Es) => "la lista no tiene ese elemento".to_owned(),
        (Failure::WrongValue(_) | Failure::WrongResult | Failure::TooFewRows(_), Locale::Es) => {
            "valor de otro tipo".to_owned()
        }
        (other, Locale::En) => other.to_string(),
    }
}

fn relation_text(relation: Relation, locale: Locale) -> &'static str {
    match (relation, locale) {
        (Relation::Equal, Locale::Es) => "ser",
        (Relation::Different, Locale::Es) => "ser distinto de",
        (Relation::Less, Locale::Es) => "ser menor que",
        (Relation::AtMost, Locale::Es) => "ser como máximo",
        (Relation::Greater, Locale::Es) => "ser mayor que",
        (Relation::AtLeast, Locale::Es) => "ser al menos",
        (Relation::Equal, Locale::En) => "be",
        (Relation::Different, Locale::En) => "be other than",
        (Relation::Less, Locale::En) => "be less than",
        (Relation::AtMost, Locale::En) => "be at most",
        (Relation::Greater, Locale::En) => "be more than",
        (Relation::AtLeast, Locale::En) => "be at least",
    }
}

impl Missing {
    /// One sentence: what it is and what it has to be.
    pub fn render(&self, locale: Locale, label: Label<'_>) -> String {
        let name_of = |text: &str| label(text).unwrap_or_else(|| text.to_owned());
        let Wanted::Comparison { name, seen, relation, other, value, short } = &self.wanted else {
            let truth = self.wanted == Wanted::Truth(true);
            return match (locale, truth) {
                (Locale::Es, true) => format!("debe cumplirse: {}", name_of(&self.text)),
                (Locale::Es, false) => format!("no debe cumplirse: {}", name_of(&self.text)),
                (Locale::En, true) => format!("this must hold: {}", name_of(&self.text)),
                (Locale::En, false) => format!("this must not hold: {}", name_of(&self.text)),
            };
        };
        let (name, seen, bound) = (name_of(name), value_text(seen, locale), value_text(value, locale));
        let wanted = relation_text(*relation, locale);
        // `group_vc` tells more than the number it had; a literal is its number.
        let bound = if label(other).is_some() { format!("{} ({bound})", name_of(other)) } else { bound };
        let gap = short.map(|short| number_text(short, locale));
        match (locale, relation, gap) {
            (Locale::Es, Relation::AtLeast, Some(gap)) => {
                format!("{name} es {seen} y debe {wanted} {bound} (faltan {gap})")
            }
            (Locale::Es, Relation::AtMost, Some(gap)) => {
                format!("{name} es {seen} y debe {wanted} {bound} (sobran {gap})")
            }
            (Locale::En, Relation::AtLeast, Some(gap)) => {
                format!("{name} is {seen} and must {wanted} {bound} ({gap} short)")
            }
            (Locale::En, Relation::AtMost, Some(gap)) => {
                format!("{name} is {seen} and must {wanted} {bound} ({gap} too many)")
            }
            (Locale::Es, _, _) => format!("{name} es {seen} y debe {wanted} {bound}"),
            (Locale::En, _, _) => format!("{name} is {seen} and must {wanted} {bound}"),
        }
    }
}

impl Explanation {
    /// The tree for a person to read, a line for each part that is no constant.
    pub fn render(&self, locale: Locale, label: Label<'_>) -> String {
        let mut text = String::new();
        self.write_lines(&mut text, 0, locale, label);
        text
    }

    fn write_lines(&self, out: &mut String, level: usize, locale: Locale, label: Label<'_>) {
        let mark = match self.held() {
            Some(true) => "✓ ",
            Some(false) => "✗ ",
            None => "",
        };
        let title = match (self.kind, locale) {
            (ExplanationKind::All, Locale::Es) => "todas estas condiciones".to_owned(),
            (ExplanationKind::All, Locale::En) => "all of these".to_owned(),
            (ExplanationKind::Any, Locale::Es) => "al menos una de estas condiciones".to_owned(),
            (ExplanationKind::Any, Locale::En) => "at least one of these".to_owned(),
            (ExplanationKind::Not, Locale::Es) => "no debe cumplirse".to_owned(),
            (ExplanationKind::Not, Locale::En) => "must not hold".to_owned(),
            (ExplanationKind::Comparison(_), _) => self.comparison_text(locale, label),
            _ => label(&self.text).unwrap_or_else(|| self.text.clone()),
        };
        let value = match &self.value {
            Err(failure) => format!(": {}", failure_text(*failure, locale)),
            Ok(Value::Bool(_)) => String::new(),
            Ok(value) => format!(" = {}", value_text(value, locale)),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}{mark}{title}{value}", "  ".repeat(level));
        for part in &self.parts {
            // What a comparison saw stands in its own line already, unless it was calculated.
            let is_plain = part.parts.is_empty() && matches!(self.kind, ExplanationKind::Comparison(_));
            if part.kind != ExplanationKind::Constant && !is_plain {
                part.write_lines(out, level + 1, locale, label);
            }
        }
    }

    fn comparison_text(&self, locale: Locale, label: Label<'_>) -> String {
        let (ExplanationKind::Comparison(relation), [left, right]) = (self.kind, self.parts.as_slice())
        else {
            return self.text.clone();
        };
        let side = |part: &Explanation| {
            let value = match &part.value {
                Ok(value) => value_text(value, locale),
                Err(failure) => failure_text(*failure, locale),
            };
            if part.kind == ExplanationKind::Constant && label(&part.text).is_none() {
                return value;
            }
            format!("{} ({value})", label(&part.text).unwrap_or_else(|| part.text.clone()))
        };
        let symbol = match relation {
            Relation::Equal => "=",
            Relation::Different => "≠",
            Relation::AtMost => "≤",
            Relation::AtLeast => "≥",
            Relation::Less | Relation::Greater => relation.symbol(),
        };
        format!("{} {symbol} {}", side(left), side(right))
    }
}
