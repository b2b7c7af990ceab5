//! A rate on an indicator of the earner.

use anyhow::{Context, Result, bail};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{own_measure, steps, worth_of};
use crate::{
    numbers::product,
    payouts::{Claim, Desk},
    plan::{choice, decimal, flag, list, text},
};

impl<'a> Desk<'a> {
    pub(super) fn percentage(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        let of = text(how, "/of").context("it is paid on nothing")?;
        let worth = worth_of(self.cycle.plan, of)?;
        for person in 0..self.cycle.people().len() {
            if !self.is_paid(bonus, person)? {
                continue;
            }
            let base = self.cycle.indicator_of(of, person)?;
            let (kind, held) = choice(&how["rate"])?;
            let claim = Claim { bonus: code, source: person, base, worth, ..Claim::default() };
            if kind == "brackets" && flag(held, "/marginal", false) {
                self.by_slices(person, &claim, &steps(held)?)?;
                continue;
            }
            let Some(rate) = self.rate(&how["rate"], of, person)? else { continue };
            self.pay(person, Claim { rate, measure: own_measure(self.cycle.plan, of)?, ..claim })?;
        }
        Ok(())
    }

    /// A person's rate; none where there is none for them.
    pub(super) fn rate(&self, rate: &'a Value, of: &str, person: usize) -> Result<Option<Decimal>> {
        let (kind, held) = choice(rate)?;
        Ok(match kind {
            "fixed" => Some(decimal(held)?),
            "brackets" => {
                let over = self.cycle.indicator_of(text(held, "/over").unwrap_or(of), person)?;
                steps(held)?.into_iter().rfind(|(from, _)| *from <= over).map(|(_, rate)| rate)
            }
            "by-rank" => {
                let row = self.row_of_rank(list(held, ""), self.cycle.paid(person)?)?;
                row.map(|row| decimal(&row["rate"])).transpose()?
            }
            "rule" => {
                let rule = held.as_str().context("no rule")?;
                Some(self.rate_by_rule(rule, &self.speaker(person))?)
            }
            other => bail!("the oracle does not know the rate {other}"),
        })
    }

    /// One line whose exact amount is the sum of what each slice is paid at its own rate.
    fn by_slices(&mut self, person: usize, claim: &Claim<'_>, steps: &[(Decimal, Decimal)]) -> Result<()> {
        let mut exact = Decimal::ZERO;
        let mut highest = None;
        for (place, (from, rate)) in steps.iter().enumerate().filter(|(_, (from, _))| *from <= claim.base) {
            let to = steps.get(place + 1).map_or(claim.base, |(next, _)| claim.base.min(*next));
            exact += product(&[to - *from, *rate, self.worth(claim.worth), self.per_base_unit(person)?])?;
            highest = Some(*rate);
        }
        match highest {
            Some(rate) => self.book(person, Claim { rate, ..claim.clone() }, exact),
            None => Ok(()),
        }
    }
}
