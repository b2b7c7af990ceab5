//! What orders of settled cycles paid that came back.

use super::{
    SettledCycle,
    desk::{Claim, Desk, order_column},
};
use crate::{
    amount::Factor,
    columns::{NONE, position},
    failure::EngineError,
    payouts::{LineKind, NotUndone, PayoutLine},
};

impl Desk<'_> {
    /// Undoes what orders of settled cycles paid that came back in this one.
    pub(super) fn undo(&mut self, settled: &[SettledCycle<'_>]) -> Result<(), EngineError> {
        let orders = &self.snapshot.orders;
        for order in (0..orders.len()).filter(|order| orders.is_late[*order]) {
            let sale = orders.reverses.get(order);
            let found = settled.iter().find_map(|cycle| Some((cycle, cycle.snapshot.orders.row(sale)?)));
            match found {
                Some((cycle, sale)) => self.undo_sale(order, cycle, sale)?,
                None => self.not_undone.push(NotUndone {
                    order: orders.ids.get(order).to_owned(),
                    reason: "unknown-order".to_owned(),
                }),
            }
        }
        Ok(())
    }

    fn undo_sale(&mut self, order: usize, cycle: &SettledCycle<'_>, sale: usize) -> Result<(), EngineError> {
        let before = cycle.snapshot;
        let buyer = before.orders.person[sale];
        let of_sale = |line: &&PayoutLine| {
            let exactly = line.order == position(sale);
            line.kind == LineKind::Earned && line.source == buyer && (exactly || line.order == NONE)
        };
        for line in cycle.payouts.lines.iter().filter(of_sale) {
            let bonus = &cycle.payouts.bonuses[usize::from(line.bonus)];
            let Some(measure) = bonus.measure else { continue };
            let base = -order_column(self.snapshot, measure)?[order];
            let Some(factor) = Factor::between(line.base, line.exact) else { continue };
            let earner_id = before.people.ids.get(line.earner as usize);
            let rows = (
                self.snapshot.people.row(earner_id),
                self.snapshot.people.row(before.people.ids.get(buyer as usize)),
            );
            let (Some(earner), Some(source)) = rows else {
                self.not_undone.push(NotUndone {
                    order: self.snapshot.orders.ids.get(order).to_owned(),
                    reason: format!("earner-left {earner_id}"),
                });
                continue;
            };
            let number = self.number_of(bonus);
            let claim = Claim {
                bonus: number,
                earner: earner as usize,
                source: source as usize,
                order: position(order),
                level_walked: line.level_walked,
                level_paid: line.level_paid,
                base,
                rate: line.rate,
            };
            let exact = factor.times(base).ok_or_else(|| self.overflow(claim.earner, number))?;
            let exact = self.in_currency_of(claim.earner, number, exact, Some(line.currency))?;
            if exact != 0 {
                self.line(claim, LineKind::Undo, exact)?;
            }
        }
        Ok(())
    }
}
