//! One's own rate less the rates of those below.

use anyhow::{Context, Result, bail};
use rust_decimal::Decimal;
use serde_json::Value;

use super::worth_of;
use crate::{
    payouts::{Claim, Desk},
    plan::{choice, flag, maybe, text},
};

impl<'a> Desk<'a> {
    pub(super) fn differential(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        let by = how.get("by").unwrap_or(&Value::Null);
        match by {
            Value::Null => self.by_member(code, bonus, how),
            by => match choice(by)? {
                ("member", _) => self.by_member(code, bonus, how),
                ("source", on) => self.by_source(code, bonus, how, on),
                (other, _) => bail!("the oracle does not know a differential by {other}"),
            },
        }
    }

    /// The rate of a person among others: 0 for a customer and for who has none.
    fn rate_among(&self, how: &'a Value, person: usize) -> Result<Decimal> {
        if !self.cycle.is_consultant(person) {
            return Ok(Decimal::ZERO);
        }
        let of = text(how, "/of").context("no total")?;
        let rate = self.rate(&how["rate"], of, person)?.unwrap_or_default().max(Decimal::ZERO);
        Ok(maybe(how, "/most")?.map_or(rate, |most| rate.min(most)))
    }

    fn by_member(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        let of = text(how, "/of").context("no total")?;
        let worth = worth_of(self.cycle.plan, of)?;
        for earner in 0..self.cycle.people().len() {
            if !self.is_paid(bonus, earner)? {
                continue;
            }
            let own_rate = self.rate_among(how, earner)?;
            let mut left = self.cycle.indicator_of(of, earner)?;
            for member in &self.tree(how).children[earner] {
                let base = self.cycle.indicator_of(of, *member)?;
                left -= base;
                let rate = (own_rate - self.rate_among(how, *member)?).max(Decimal::ZERO);
                let (level_paid, level_walked) = (1, 1);
                let claim = Claim {
                    bonus: code,
                    source: *member,
                    level_paid,
                    level_walked,
                    base,
                    rate,
                    worth,
                    ..Claim::default()
                };
                self.pay(earner, claim)?;
            }
            if flag(how, "/own", false) {
                let rate = own_rate.max(Decimal::ZERO);
                let claim =
                    Claim { bonus: code, source: earner, base: left, rate, worth, ..Claim::default() };
                self.pay(earner, claim)?;
            }
        }
        Ok(())
    }

    fn by_source(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value, on: &'a Value) -> Result<()> {
        let (sources, worth, measure) = self.brought(on, text(how, "/where"))?;
        for one in sources {
            let own = flag(how, "/own", false);
            let mut highest = match text(how, "/given") {
                Some(given) => self.cycle.indicator_of(given, one.source)?.max(Decimal::ZERO),
                None if own => Decimal::ZERO,
                None => self.rate_among(how, one.source)?,
            };
            let above = self.tree(how).above(one.source);
            let way = own.then_some(one.source).into_iter().chain(above);
            for (level, earner) in (usize::from(!own)..).zip(way) {
                let rate = self.rate_among(how, earner)?;
                if highest < rate && self.is_paid(bonus, earner)? {
                    let claim = Claim {
                        bonus: code,
                        source: one.source,
                        order: one.order,
                        level_paid: level,
                        level_walked: level,
                        base: one.base,
                        rate: rate - highest,
                        worth,
                        measure: measure.clone(),
                        ..Claim::default()
                    };
                    self.pay(earner, claim)?;
                }
                highest = highest.max(rate);
            }
        }
        Ok(())
    }
}
