//! What orders of settled cycles paid that came back.

use std::collections::BTreeSet;

use plan::document::AfterSettlement;

use super::{
    SettledCycle,
    desk::{Claim, Desk, order_column},
};
use crate::{
    amount::Factor,
    columns::{NONE, position},
    failure::EngineError,
    pairs::days_between,
    payouts::{LineKind, NotUndone, PayoutLine, Totals},
};

impl Desk<'_> {
    /// Undoes what orders of settled cycles paid that came back in this one.
    pub(super) fn undo(&mut self, settled: &[SettledCycle<'_>]) -> Result<(), EngineError> {
        let orders = &self.snapshot.orders;
        let returns = self.plan.document().returns;
        for order in (0..orders.len()).filter(|order| orders.is_late[*order]) {
            if returns.after_settlement == AfterSettlement::Deduct {
                // Only what came too late is not deducted.
                if let Some(days) = orders.days_since_sale(order, &self.zone) {
                    self.note_not_undone(order, format!("too-late {days}"));
                }
                continue;
            }
            let sale = orders.reverses.get(order);
            let found = settled.iter().find_map(|cycle| Some((cycle, cycle.snapshot.orders.row(sale)?)));
            let Some((cycle, sale)) = found else {
                self.note_not_undone(order, "unknown-order".to_owned());
                continue;
            };
            let sold_at = cycle.snapshot.orders.paid_at[sale];
            let days = days_between(sold_at, orders.paid_at[order], &self.zone);
            if returns.within_days.is_some_and(|most| i64::from(most) < days) {
                self.note_not_undone(order, format!("too-late {days}"));
                continue;
            }
            self.undo_sale(order, cycle, sale)?;
            self.note_totals(order, cycle, cycle.snapshot.orders.person[sale]);
        }
        Ok(())
    }

    fn note_not_undone(&mut self, order: usize, reason: String) {
        self.not_undone.push(NotUndone { order: self.snapshot.orders.ids.get(order).to_owned(), reason });
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
                self.note_not_undone(order, format!("earner-left {earner_id}"));
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

    /// Notes each bonus that has lines on totals a buyer's order is part of: which part of them it was is not known any more.
    fn note_totals(&mut self, order: usize, cycle: &SettledCycle<'_>, buyer: u32) {
        let people = &cycle.snapshot.people;
        let above: BTreeSet<u32> =
            people.placement.upline(buyer).chain(people.enrolment.upline(buyer)).collect();
        let is_part = |totals: Totals, source: u32| match totals {
            Totals::Own => source == buyer,
            Totals::Team => source == buyer || above.contains(&source),
            Totals::Below => above.contains(&source),
            Totals::Company => true,
        };
        let mut open: Vec<Option<Totals>> = cycle.payouts.bonuses.iter().map(|bonus| bonus.totals).collect();
        for line in cycle.payouts.lines.iter().filter(|line| line.kind == LineKind::Earned) {
            let place = usize::from(line.bonus);
            let Some(totals) = open[place].filter(|totals| is_part(*totals, line.source)) else { continue };
            open[place] = None;
            let what = if totals == Totals::Own { "own-total" } else { "group-volume" };
            self.note_not_undone(order, format!("{what} {}", cycle.payouts.bonuses[place].code));
        }
    }
}
