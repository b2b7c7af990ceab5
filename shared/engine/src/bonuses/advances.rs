//! What was paid on account is deducted.

use plan::bonus::Award;

use super::{caps::about, desk::Desk};
use crate::{
    amount::Rounder,
    failure::EngineError,
    payouts::{Advance, BalanceKind, CarriedBalance, LineKind, PaidBonus},
};

impl Desk<'_> {
    /// Deducts advances from those who got them. Who is not in the network keeps owing.
    pub(super) fn deduct(&mut self, advances: &[Advance]) -> Result<(), EngineError> {
        let mut open = self.balances.take_all(BalanceKind::Advance);
        for balance in &mut open {
            balance.cycles = balance.cycles.saturating_add(1);
        }
        for advance in advances {
            let rounder = Rounder::of(advance.currency, self.rounding());
            let value = rounder.exactly(advance.amount).ok_or_else(|| EngineError::Overflow {
                person: advance.person.clone(),
                what: format!("an advance of bonus {}", advance.bonus),
            })?;
            open.push(CarriedBalance {
                person: advance.person.clone(),
                bonus: advance.bonus.clone(),
                kind: BalanceKind::Advance,
                since: self.today,
                cycles: 0,
                currency: Some(advance.currency),
                value,
            });
        }
        open.sort();
        for balance in open {
            let Some(row) = self.snapshot.people.row(&balance.person) else {
                self.balances.hand(balance);
                continue;
            };
            let number = self.number_of(&PaidBonus {
                code: balance.bonus.clone(),
                indicator: String::new(),
                measure: None,
                totals: None,
                award: Award::Money,
            });
            let value = self.in_currency_of(row as usize, number, balance.value, balance.currency)?;
            self.line(about(number, row as usize), LineKind::Advance, -value)?;
        }
        Ok(())
    }
}
