//! What passes a cap is taken back, in lines of its own.

use anyhow::{Result, ensure};
use rust_decimal::Decimal;
use serde_json::Value;

use super::OF_THIS_CYCLE;
use crate::{
    numbers::{product, ratio},
    payouts::Desk,
    plan::{decimal, maybe},
};

impl Desk<'_> {
    /// The cap of a bonus for each person.
    pub(super) fn cap_bonus(&mut self, code: &str, bonus: &Value) -> Result<()> {
        for person in 0..self.lines.len() {
            let sum = self.sum_of(person, code, &OF_THIS_CYCLE);
            // Only consultants get something, and only they have a rank to be asked for.
            if sum <= Decimal::ZERO {
                continue;
            }
            if let Some(cap) = self.limit(bonus.get("cap_per_person"), person, 4)? {
                self.cap_person(person, code, "bonus-cap", cap, sum)?;
            }
        }
        Ok(())
    }

    /// The plan's cap for each person.
    pub(super) fn cap_people(&mut self) -> Result<()> {
        let cap = self.cycle.plan.document.get("cap_per_person");
        for person in 0..self.lines.len() {
            let sum = self.sum(person, None);
            if sum <= Decimal::ZERO {
                continue;
            }
            if let Some(cap) = self.limit(cap, person, 4)? {
                self.cap_person(person, "", "person-cap", cap, sum)?;
            }
        }
        Ok(())
    }

    fn cap_person(
        &mut self,
        person: usize,
        code: &str,
        kind: &str,
        cap: Decimal,
        sum: Decimal,
    ) -> Result<()> {
        let most = self.in_minor_units(person, product(&[cap, self.per_base_unit(person)?])?)?;
        if most < sum {
            self.take_back(person, code, kind, sum - most)?;
        }
        Ok(())
    }

    /// The cap of a bonus on everyone together.
    pub(super) fn cap_all(&mut self, code: &str, bonus: &Value) -> Result<()> {
        let cap = match &bonus["cap"] {
            Value::Null => return Ok(()),
            share @ Value::Object(_) => self.fund(share)?.max(Decimal::ZERO),
            amount => decimal(amount)?,
        };
        let sums = (0..self.lines.len()).map(|person| self.sum_of(person, code, &OF_THIS_CYCLE)).collect();
        self.cut_to(cap, sums, code, "bonus-total-cap")
    }

    /// The plan's cap on everything paid.
    pub(super) fn cap_everything(&mut self) -> Result<()> {
        let Some(share) = maybe(&self.cycle.plan.document, "/payout_cap/share_of_vc")? else { return Ok(()) };
        let volume: Decimal = (0..self.lines.len()).map(|person| self.cycle.own("vc", person)).sum();
        let allowed = product(&[volume, self.cycle.plan.point("vc")?, share])?.max(Decimal::ZERO);
        let sums = (0..self.lines.len()).map(|person| self.sum(person, None)).collect();
        self.cut_to(allowed, sums, "", "payout-cap")
    }

    /// The same share of every positive sum is taken, so that together they come to what is allowed.
    fn cut_to(&mut self, allowed: Decimal, sums: Vec<Decimal>, code: &str, kind: &str) -> Result<()> {
        // Amounts in other currencies are divided by rates, which decimals cannot do exactly.
        let mut total = ratio(Decimal::ZERO);
        for (person, sum) in sums.iter().enumerate().filter(|(_, sum)| Decimal::ZERO < **sum) {
            let per_base_unit = self.per_base_unit(person)?;
            ensure!(!per_base_unit.is_zero(), "a currency is worth nothing");
            total += ratio(*sum) / ratio(per_base_unit);
        }
        let allowed = ratio(allowed);
        if total <= allowed {
            return Ok(());
        }
        for (person, sum) in sums.into_iter().enumerate().filter(|(_, sum)| Decimal::ZERO < *sum) {
            let over = ratio(sum) * (&total - &allowed) / &total;
            let over = self.ratio_in_minor_units(person, &over)?;
            if !over.is_zero() {
                self.take_back(person, code, kind, over)?;
            }
        }
        Ok(())
    }
}
