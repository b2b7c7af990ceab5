//! What comes to less than the plan pays out, and what earlier cycles left so.

use anyhow::Result;

use crate::{
    balances::Balance,
    numbers::{half_even, product},
    payouts::Desk,
    plan::maybe,
};

/// The kind of the balance.
pub(super) const BALANCE: &str = "below-minimum";

impl Desk<'_> {
    /// Pays what this cycle and the ones before come to, or nothing of it if that is too little.
    pub(super) fn minimum(&mut self) -> Result<()> {
        let least = maybe(&self.cycle.plan.document, "/minimum_payout/amount")?;
        for person in 0..self.lines.len() {
            let waited = self.brought_on("", BALANCE, person);
            let waited_for = self.in_currency_of(person, &waited)?;
            let of_now = self.sum(person, None);
            let due = of_now + self.in_minor_units(person, waited_for)?;
            let too_little = match least {
                None => false,
                Some(least) => {
                    due < self.in_minor_units(person, product(&[least, self.per_base_unit(person)?])?)?
                }
            };
            if too_little && of_now.is_zero() {
                let later = waited.into_iter().map(|one| Balance { cycles: one.cycles + 1, ..one });
                self.keeps.extend(later);
                continue;
            }
            if !waited.is_empty() {
                self.take_back(person, "", "brought-forward", -waited_for)?;
            }
            if !too_little || due.is_zero() {
                continue;
            }
            self.take_back(person, "", BALANCE, due)?;
            match waited.into_iter().next() {
                None => self.hand_on("", BALANCE, person, due),
                Some(oldest) => {
                    let currency = self.cycle.currency(person).to_owned();
                    let (cycles, value) = (oldest.cycles + 1, half_even(due, 24).normalize());
                    self.keeps.push(Balance { cycles, currency, value, ..oldest });
                }
            }
        }
        self.hand_on_of_absent("", BALANCE, |_| true);
        Ok(())
    }
}
