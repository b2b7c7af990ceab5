//! Rates on a whole period, less what earlier cycles of it were paid.

use anyhow::{Result, bail};
use jiff::civil::Date;
use serde_json::Value;

use super::AFTER_CAPS;
use crate::{
    balances::Balance,
    numbers::half_even,
    payouts::Desk,
    plan::{Plan, text},
};

/// Whether two days lie in the same period of the calendar or of the plan.
fn is_shared(plan: &Plan, period: &str, a: Date, b: Date) -> Result<bool> {
    let months = match period {
        "plan-period" => return Ok(plan.periods_begun(a)? == plan.periods_begun(b)?),
        "month" => 1,
        "quarter" => 3,
        "half" => 6,
        "year" => 12,
        other => bail!("there is no period {other}"),
    };
    let number = |day: Date| (day.year(), (day.month() - 1) / months);
    Ok(number(a) == number(b))
}

impl Desk<'_> {
    /// What a person was paid before in the period this cycle ends in.
    fn paid_before(&self, code: &str, period: &str, person: usize) -> Result<Vec<Balance>> {
        let mut before = Vec::new();
        for balance in self.brought_on(code, "period", person) {
            if is_shared(self.cycle.plan, period, balance.since, self.cycle.input.last_day)? {
                before.push(balance);
            }
        }
        Ok(before)
    }

    /// Deducts of who is paid what was paid before.
    pub(super) fn true_up(&mut self, code: &str, bonus: &Value, how: &Value) -> Result<()> {
        let Some(period) = text(how, "/true_up") else { return Ok(()) };
        for person in 0..self.lines.len() {
            let before = self.in_currency_of(person, &self.paid_before(code, period, person)?)?;
            if self.is_paid(bonus, person)? && !before.is_zero() {
                self.take_back(person, code, "true-up", before)?;
            }
        }
        Ok(())
    }

    /// Hands on what everyone has been paid in the period.
    pub(super) fn note_period(&mut self, code: &str, how: &Value) -> Result<()> {
        let Some(period) = text(how, "/true_up") else { return Ok(()) };
        for person in 0..self.lines.len() {
            let before = self.paid_before(code, period, person)?;
            let now = self.sum_of(person, code, &AFTER_CAPS);
            let all = self.in_currency_of(person, &before)? + now;
            let currency = self.cycle.currency(person).to_owned();
            match before.into_iter().next() {
                Some(first) if now.is_zero() => {
                    self.keeps.push(Balance { cycles: first.cycles + 1, ..first });
                }
                Some(first) => {
                    let (cycles, value) = (first.cycles + 1, half_even(all, 24).normalize());
                    self.keeps.push(Balance { cycles, currency, value, ..first });
                }
                None if now.is_zero() => {}
                None => self.hand_on(code, "period", person, all),
            }
        }
        let today = self.cycle.input.last_day;
        let plan = self.cycle.plan;
        let is_of = |one: &Balance| is_shared(plan, period, one.since, today).unwrap_or(false);
        self.hand_on_of_absent(code, "period", is_of);
        Ok(())
    }
}
