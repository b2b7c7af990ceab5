//! The plan document, read as JSON; what it leaves out has the default that the document's format states.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use anyhow::{Context, Result, bail, ensure};
use jiff::{civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{catalogue, language::Rule};

/// A plan, and the rules of it that were read.
pub(crate) struct Plan {
    pub(crate) document: Value,
    pub(crate) zone: TimeZone,
    /// Codes of the ranks, the lowest first.
    pub(crate) ranks: Vec<String>,
    /// All indicators: the company's own, then the built-in ones in use.
    pub(crate) indicators: Vec<Value>,
    names: BTreeMap<String, usize>,
    rules: RefCell<BTreeMap<String, Rc<Rule>>>,
}

impl Plan {
    pub(crate) fn read(document: &Value) -> Result<Self> {
        let zone = text(document, "/time_zone").context("the plan has no time zone")?;
        let ranks: Vec<String> = list(document, "/ranks/steps")
            .iter()
            .map(|rank| Ok(text(rank, "/code").context("a rank has no code")?.to_owned()))
            .collect::<Result<_>>()?;
        let mut plan = Self {
            zone: TimeZone::get(zone)?,
            ranks,
            indicators: list(document, "/indicators").to_vec(),
            names: BTreeMap::new(),
            rules: RefCell::default(),
            document: document.clone(),
        };
        plan.name_indicators();
        for code in catalogue::missing(document, &|code| plan.names.contains_key(code))? {
            plan.indicators.push(code);
        }
        plan.name_indicators();
        Ok(plan)
    }

    fn name_indicators(&mut self) {
        for (place, indicator) in self.indicators.iter().enumerate() {
            for name in ["/code", "/alias"].into_iter().filter_map(|field| text(indicator, field)) {
                self.names.insert(name.to_owned(), place);
            }
        }
    }

    /// The place of an indicator by code or alias.
    pub(crate) fn indicator(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// Places of the indicators that are switched on.
    pub(crate) fn enabled(&self) -> Vec<usize> {
        let on = |place: &usize| flag(&self.indicators[*place], "/enabled", true);
        (0..self.indicators.len()).filter(on).collect()
    }

    /// The position of a rank's code, 0 being none.
    pub(crate) fn rank(&self, code: &str) -> Result<u8> {
        if code.is_empty() {
            return Ok(0);
        }
        let found = self.ranks.iter().position(|known| known == code);
        Ok(u8::try_from(found.with_context(|| format!("no rank {code:?}"))? + 1)?)
    }

    /// How many of the plan's own periods have begun on a day: days with the same number lie in the same period.
    pub(crate) fn periods_begun(&self, day: Date) -> Result<usize> {
        let mut begun = 0;
        for start in list(&self.document, "/period_starts") {
            let start: Date = start.as_str().context("a period begins on no day")?.parse()?;
            begun += usize::from(start <= day);
        }
        Ok(begun)
    }

    /// A rule, read once.
    pub(crate) fn rule(&self, text: &str) -> Result<Rc<Rule>> {
        if let Some(known) = self.rules.borrow().get(text) {
            return Ok(Rc::clone(known));
        }
        let rule = Rc::new(Rule::read(text)?);
        self.rules.borrow_mut().insert(text.to_owned(), Rc::clone(&rule));
        Ok(rule)
    }

    /// What a point of a volume is worth.
    pub(crate) fn point(&self, volume: &str) -> Result<Decimal> {
        number(&self.document, &format!("/volumes/{volume}_value"), Decimal::ONE)
    }

    /// How payout lines are rounded.
    pub(crate) fn rounding(&self) -> &str {
        text(&self.document, "/currencies/rounding").unwrap_or("half-even")
    }

    pub(crate) fn base_currency(&self) -> &str {
        text(&self.document, "/currencies/base").unwrap_or_default()
    }

    /// Whether returns of settled cycles undo what was paid.
    pub(crate) fn undoes(&self) -> Result<bool> {
        match text(&self.document, "/returns/after_settlement").unwrap_or("undo") {
            "undo" => Ok(true),
            "deduct" => Ok(false),
            other => bail!("the oracle does not know {other:?} returns"),
        }
    }
}

/// A text of a document.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// A list of a document, empty where there is none.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Yes or no.
pub(crate) fn flag(value: &Value, pointer: &str, otherwise: bool) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or(otherwise)
}

/// A JSON text or number as the decimal it says.
pub(crate) fn decimal(value: &Value) -> Result<Decimal> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().with_context(|| format!("not a number: {text}"))
}

/// A number of a document, if there is one.
pub(crate) fn maybe(value: &Value, pointer: &str) -> Result<Option<Decimal>> {
    value.pointer(pointer).filter(|found| !found.is_null()).map(decimal).transpose()
}

/// A number of a document.
pub(crate) fn number(value: &Value, pointer: &str, otherwise: Decimal) -> Result<Decimal> {
    Ok(maybe(value, pointer)?.unwrap_or(otherwise))
}

/// A whole number of a document.
pub(crate) fn count(value: &Value, pointer: &str, otherwise: usize) -> Result<usize> {
    match value.pointer(pointer).filter(|found| !found.is_null()) {
        None => Ok(otherwise),
        Some(found) => Ok(usize::try_from(found.as_u64().with_context(|| format!("{found} is no count"))?)?),
    }
}

/// A choice: the name alone, or the one key of an object with what it holds.
pub(crate) fn choice(value: &Value) -> Result<(&str, &Value)> {
    match value {
        Value::String(name) => Ok((name, &Value::Null)),
        Value::Object(fields) => {
            ensure!(fields.len() == 1, "{value} is no choice");
            fields.iter().next().map(|(name, held)| (name.as_str(), held)).context("no choice")
        }
        other => bail!("{other} is no choice"),
    }
}
