//! A fund, shared out.

use std::cmp::Reverse;

use anyhow::{Context, Result, bail};
use rust_decimal::Decimal;
use serde_json::Value;

use super::worth_of;
use crate::{
    numbers::{half_even, product, rounded},
    payouts::{Claim, Desk},
    plan::{choice, decimal, list, maybe, text},
};

impl<'a> Desk<'a> {
    pub(super) fn pool(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        let parts = self.parts(bonus, how)?;
        let all: Decimal = parts.iter().map(|(_, part)| *part).sum();
        if all.is_zero() {
            return Ok(());
        }
        let fund = self.fund(&how["fund"])?;
        if fund <= Decimal::ZERO {
            return Ok(());
        }
        let rounding = text(how, "/rounding");
        let decimals = maybe(how, "/value_decimals")?.map(|digits| digits.to_string().parse()).transpose()?;
        for (person, part) in parts {
            let per_unit = self.per_base_unit(person)?;
            let (shared, exact) = match decimals {
                Some(digits) => {
                    let value = rounded(fund / all, digits, rounding.unwrap_or(self.cycle.plan.rounding()))?;
                    (product(&[value, all])?, product(&[value, part, per_unit])?)
                }
                None => (fund, product(&[fund, part, per_unit])? / all),
            };
            // The trace shows as many decimals as it has.
            let (base, rate) = (shared.trunc_with_scale(4), (part / all).trunc_with_scale(9));
            let claim = Claim { bonus: code, source: person, base, rate, rounding, ..Claim::default() };
            self.book(person, claim, exact)?;
        }
        Ok(())
    }

    /// What is shared out, in the base currency; what a cap allows is said alike.
    pub(super) fn fund(&self, fund: &Value) -> Result<Decimal> {
        Ok(match choice(fund)? {
            ("amount", amount) => decimal(amount)?,
            ("share", share) => {
                let of = text(share, "/of").context("a share of nothing")?;
                let worth = self.worth(worth_of(self.cycle.plan, of)?);
                // An indicator of the company is the same for everyone.
                product(&[self.cycle.indicator_of(of, 0)?, decimal(&share["rate"])?, worth])?
            }
            (other, _) => bail!("the oracle does not know the fund {other}"),
        })
    }

    /// Who has how many parts, by person number.
    fn parts(&self, bonus: &Value, how: &Value) -> Result<Vec<(usize, Decimal)>> {
        let mut shares = Vec::new();
        for person in self.cycle.in_order() {
            if !self.is_paid(bonus, person)? {
                continue;
            }
            let share = match text(how, "/shares") {
                Some(rule) => half_even(self.cycle.plan.rule(rule)?.number(&self.speaker(person))?, 9),
                None => Decimal::ONE,
            };
            if Decimal::ZERO < share {
                shares.push((person, share));
            }
        }
        let positions = list(how, "/positions");
        if positions.is_empty() {
            return Ok(shares);
        }
        shares.sort_by_key(|(_, share)| Reverse(*share));
        shares.into_iter().zip(positions).map(|((person, _), part)| Ok((person, decimal(part)?))).collect()
    }
}
