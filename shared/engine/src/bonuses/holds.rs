//! What is held while a rule holds, what is released, what is lost.

use plan::{PlannedBonus, Role};

use super::{caps::about, desk::Desk};
use crate::{
    amount::EXACT_SCALE,
    failure::EngineError,
    payouts::{BalanceKind, LineKind},
};

impl Desk<'_> {
    /// Settles what was held of a bonus, and holds what its lines of this cycle give those for whom the rule holds.
    pub(super) fn hold(&mut self, number: u16, bonus: &PlannedBonus) -> Result<(), EngineError> {
        let code = &bonus.definition.code;
        let brought = self.balances.take(code, BalanceKind::Held);
        let held = match bonus.rule(Role::HeldWhile) {
            Some(rule) => self.run.truths(rule, code)?,
            None if brought.is_empty() => return Ok(()),
            None => vec![false; self.snapshot.people.len()],
        };
        let most = bonus.definition.hold.as_ref().and_then(|hold| hold.at_most_cycles).map(u16::from);
        let (mut released, mut lost) = (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
        for mut balance in brought {
            let row = self.snapshot.people.row(&balance.person).map(|row| row as usize);
            balance.cycles = balance.cycles.saturating_add(1);
            let value = match row {
                Some(row) => self.in_currency_of(row, number, balance.value, balance.currency)?,
                None => balance.value,
            };
            match row {
                Some(row) if !held[row] => *released.entry(row).or_insert(0_i128) += value,
                _ if most.is_none_or(|most| balance.cycles < most) => self.balances.hand(balance),
                Some(row) => *lost.entry(row).or_insert(0_i128) += value,
                // Nobody is there to be told.
                None => {}
            }
        }
        for (row, value) in released {
            self.line(about(number, row), LineKind::Released, value)?;
        }
        for (row, value) in lost {
            let mut claim = about(number, row);
            let base = value / 10_i128.pow(EXACT_SCALE - plan::AMOUNT_SCALE);
            claim.base = i64::try_from(base).map_err(|_| self.overflow(row, number))?;
            self.line(claim, LineKind::Lost, 0)?;
        }
        let counts = |kind: LineKind| kind.is_of_bonus() || kind == LineKind::Undo;
        let earned = self.sums(number, &self.lines, |line| {
            line.bonus == number && counts(line.kind) && held[line.earner as usize]
        })?;
        for (row, minor) in earned.into_iter().filter(|(_, minor)| *minor != 0) {
            let row = row as usize;
            let (.., rounder) = self.currencies[self.currency_index(row)];
            let value = rounder.exactly(minor).ok_or_else(|| self.overflow(row, number))?;
            self.take_back(number, row, LineKind::Held, minor)?;
            let balance = self.balance(row, code, BalanceKind::Held, value);
            self.balances.hand(balance);
        }
        Ok(())
    }
}
