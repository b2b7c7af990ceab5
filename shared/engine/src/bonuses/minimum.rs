//! What is under the plan's minimum payout waits, and what waited is due again.

use std::collections::BTreeMap;

use super::{
    caps::{about, plan_wide},
    desk::Desk,
};
use crate::{
    failure::EngineError,
    payouts::{BalanceKind, CarriedBalance, LineKind},
};

impl Desk<'_> {
    /// Adds what waited to what this cycle gives; where both together are under the plan's minimum, all of it waits again.
    pub(super) fn keep_below_minimum(&mut self) -> Result<(), EngineError> {
        let mut waiting: BTreeMap<u32, Vec<CarriedBalance>> = BTreeMap::new();
        for mut balance in self.balances.take("", BalanceKind::BelowMinimum) {
            balance.cycles = balance.cycles.saturating_add(1);
            match self.snapshot.people.row(&balance.person) {
                Some(row) => waiting.entry(row).or_default().push(balance),
                // It waits until the person is back.
                None => self.balances.hand(balance),
            }
        }
        // A plan without a minimum pays what an earlier one let wait.
        if waiting.is_empty() && self.plan.document().minimum_payout.is_none() {
            return Ok(());
        }
        let mut sums: BTreeMap<u32, i64> = self.sums(u16::MAX, &self.lines, |_| true)?.into_iter().collect();
        for row in waiting.keys() {
            sums.entry(*row).or_insert(0);
        }
        let first = self.lines.len();
        let number = self.number_of(&plan_wide());
        for (row, sum) in sums {
            let waited = waiting.remove(&row).unwrap_or_default();
            self.pay_or_keep(number, row as usize, sum, waited)?;
        }
        if self.lines.len() == first {
            self.forget(number);
        }
        Ok(())
    }

    /// Settles one person, whom this cycle gives `sum`.
    fn pay_or_keep(
        &mut self,
        number: u16,
        row: usize,
        sum: i64,
        waited: Vec<CarriedBalance>,
    ) -> Result<(), EngineError> {
        let overflow = || self.overflow(row, number);
        let (.., rounder) = self.currencies[self.currency_index(row)];
        let mut before = 0_i128;
        for balance in &waited {
            let value = self.in_currency_of(row, number, balance.value, balance.currency)?;
            before = before.checked_add(value).ok_or_else(overflow)?;
        }
        let due = rounder.round(before).and_then(|before| before.checked_add(sum)).ok_or_else(overflow)?;
        let least = match &self.plan.document().minimum_payout {
            Some(minimum) => Some(self.in_minor_units_of(row, number, minimum.amount)?),
            None => None,
        };
        let waits = least.is_some_and(|least| due < least);
        if waits && sum == 0 {
            // Nothing is new: nobody has to be told.
            for balance in waited {
                self.balances.hand(balance);
            }
            return Ok(());
        }
        if !waited.is_empty() {
            self.line(about(number, row), LineKind::BroughtForward, before)?;
        }
        if waits && due != 0 {
            let value = rounder.exactly(due).ok_or_else(|| self.overflow(row, number))?;
            self.take_back(number, row, LineKind::BelowMinimum, due)?;
            let new = self.balance(row, "", BalanceKind::BelowMinimum, value);
            // It has been waiting since it began.
            let (since, cycles) =
                waited.first().map_or((new.since, new.cycles), |first| (first.since, first.cycles));
            self.balances.hand(CarriedBalance { since, cycles, ..new });
        }
        Ok(())
    }
}
