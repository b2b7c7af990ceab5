//! Orders of settled cycles that came back.

use anyhow::Result;
use rust_decimal::Decimal;

use super::Settled;
use crate::{
    numbers::product,
    payouts::{Claim, Desk},
    plan::maybe,
};

impl Desk<'_> {
    /// Takes back from each earner what the returned part of an order paid.
    pub(super) fn undo(&mut self, settled: &[Settled]) -> Result<()> {
        let cycle = self.cycle;
        if !cycle.plan.undoes()? {
            return Ok(());
        }
        for late in cycle.orders.iter().filter(|order| order.is_late) {
            let sold = |(before, _): &(&_, _)| {
                let before: &std::rc::Rc<crate::cycle::Cycle<'_>> = before;
                before.orders.iter().any(|order| order.id == late.reverses)
            };
            let Some((before, lines)) = cycle.earlier.iter().zip(settled).find(sold) else { continue };
            let Some(sale) = before.orders.iter().find(|order| order.id == late.reverses) else { continue };
            if let Some(most) = maybe(&cycle.plan.document, "/returns/within_days")?
                && most < Decimal::from((late.day - sale.day).get_days())
            {
                continue;
            }
            let buyer = &before.people()[sale.person].id;
            for (earner, line) in
                lines.iter().flat_map(|(id, lines)| lines.iter().map(move |line| (id, line)))
            {
                let of_sale = line.source == *buyer && (line.order == sale.id || line.order.is_empty());
                let Some((measure, per_unit)) = line.undoes.as_ref().filter(|_| of_sale) else { continue };
                let (Some(earner), Some(source)) = (cycle.index.get(earner), cycle.index.get(buyer)) else {
                    continue;
                };
                let Some(base) = late.brings(measure) else { continue };
                let exact = product(&[base, *per_unit])?;
                let exact = cycle.changed(exact, &line.currency, cycle.currency(*earner))?;
                if exact.is_zero() {
                    continue;
                }
                let claim = Claim {
                    bonus: &line.bonus,
                    source: *source,
                    order: Some(late),
                    level_paid: line.level_paid,
                    level_walked: line.level_walked,
                    base,
                    rate: line.rate,
                    ..Claim::default()
                };
                let line = self.line(*earner, "undo", &claim, exact)?;
                self.lines[*earner].push(line);
            }
        }
        Ok(())
    }
}
