//! What earlier cycles of a period were paid is deducted from what the whole period gives.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};
use plan::{PlannedBonus, bonus::Period};

use super::{caps::about, desk::Desk};
use crate::{
    failure::EngineError,
    payouts::{BalanceKind, CarriedBalance, LineKind},
};

impl Desk<'_> {
    /// Takes back from those whom `who` says are paid what the period was paid before; of the others it is handed on.
    pub(super) fn true_up(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        period: Period,
        who: &[bool],
    ) -> Result<(), EngineError> {
        for balance in self.balances.take(&bonus.definition.code, BalanceKind::Period) {
            if !period.is_shared(date(balance.since), date(self.today), &self.plan.document().period_starts) {
                continue;
            }
            let row = self.snapshot.people.row(&balance.person).map(|row| row as usize);
            if let Some(row) = row.filter(|row| who[*row]) {
                let value = self.in_currency_of(row, number, balance.value, balance.currency)?;
                if value != 0 {
                    self.line(about(number, row), LineKind::TrueUp, -value)?;
                }
            }
            // What is paid now is added to it when that is known.
            let cycles = balance.cycles.saturating_add(1);
            self.balances.hand(CarriedBalance { cycles, ..balance });
        }
        Ok(())
    }

    /// Adds what was paid now to what the period was paid before.
    pub(super) fn remember_period(&mut self, number: u16, bonus: &PlannedBonus) -> Result<(), EngineError> {
        let code = &bonus.definition.code;
        let mut known = BTreeMap::new();
        for balance in self.balances.take_handed(code, BalanceKind::Period) {
            match self.snapshot.people.row(&balance.person) {
                Some(row) => drop(known.insert(row, balance)),
                None => self.balances.hand(balance),
            }
        }
        // Lines that cancel each other out pay nothing: nothing is remembered of them.
        for (row, minor) in self.sums_of_bonus(number)?.into_iter().filter(|(_, minor)| *minor != 0) {
            let at = row as usize;
            let (currency, _, rounder) = self.currencies[self.currency_index(at)];
            let value = rounder.exactly(minor).ok_or_else(|| self.overflow(at, number))?;
            let new = self.balance(at, code, BalanceKind::Period, 0);
            let balance = known.entry(row).or_insert(new);
            let before = self.in_currency_of(at, number, balance.value, balance.currency)?;
            balance.value = before.checked_add(value).ok_or_else(|| self.overflow(at, number))?;
            balance.currency = Some(currency);
        }
        for balance in known.into_values() {
            self.balances.hand(balance);
        }
        Ok(())
    }
}

/// A day counted from 1970-01-01.
pub(super) fn date(day: i32) -> Date {
    Date::constant(1970, 1, 1).checked_add(day.days()).unwrap_or(Date::ZERO)
}
