//! What passes a cap is taken back, in lines of its own.

use anyhow::Result;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{numbers::product, payouts::Desk, plan::maybe};

impl Desk<'_> {
    /// The cap of a bonus for each person.
    pub(super) fn cap_bonus(&mut self, code: &str, bonus: &Value) -> Result<()> {
        let Some(cap) = maybe(bonus, "/cap_per_person")? else { return Ok(()) };
        for person in 0..self.lines.len() {
            let most = self.in_minor_units(person, product(&[cap, self.per_base_unit(person)?])?)?;
            let sum = self.sum(person, Some(code));
            if most < sum {
                self.take_back(person, code, "bonus-cap", sum - most)?;
            }
        }
        Ok(())
    }

    /// The plan's cap on everything paid: the same share of every positive total is taken.
    pub(super) fn cap_everything(&mut self) -> Result<()> {
        let Some(share) = maybe(&self.cycle.plan.document, "/payout_cap/share_of_vc")? else { return Ok(()) };
        let volume: Decimal = (0..self.lines.len()).map(|person| self.cycle.own("vc", person)).sum();
        let allowed = product(&[volume, self.cycle.plan.point("vc")?, share])?.max(Decimal::ZERO);
        let sums: Vec<Decimal> = (0..self.lines.len()).map(|person| self.sum(person, None)).collect();
        let mut total = Decimal::ZERO;
        for (person, sum) in sums.iter().enumerate().filter(|(_, sum)| Decimal::ZERO < **sum) {
            total += *sum / self.per_base_unit(person)?;
        }
        if total <= allowed {
            return Ok(());
        }
        for (person, sum) in sums.into_iter().enumerate().filter(|(_, sum)| Decimal::ZERO < *sum) {
            let over = self.in_minor_units(person, sum * (total - allowed) / total)?;
            if !over.is_zero() {
                self.take_back(person, "", "payout-cap", over)?;
            }
        }
        Ok(())
    }
}
