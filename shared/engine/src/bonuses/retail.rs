//! What customers paid less what a consultant would have paid.

use plan::{
    PlannedBonus,
    bonus::{OrderMeasure, RetailProfit},
};
use rust_decimal::Decimal;

use super::{
    desk::{Claim, Desk, order_column},
    levels::{depth_by_row, level_number, next_above},
    shares::{Outcome, Share},
};
use crate::{
    amount::RATE_SCALE,
    columns::{NONE, position},
    failure::EngineError,
    snapshot::fixed,
};

impl Desk<'_> {
    pub(super) fn retail_profit(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        retail: &RetailProfit,
    ) -> Result<(), EngineError> {
        let code = &bonus.definition.code;
        let who = self.who(&bonus.when, code)?;
        let counts = self.orders_that_count(bonus)?;
        let snapshot = self.snapshot;
        let (people, orders) = (&snapshot.people, &snapshot.orders);
        let margins = order_column(snapshot, OrderMeasure::Margin)?;
        let seller = next_above(&people.placement, |row| people.consultant[row]);
        let depth = depth_by_row(&people.placement, None);
        let share = retail.share.unwrap_or(Decimal::ONE);
        let rate = fixed(share, RATE_SCALE, "a share", code)?;
        let factors = self.factors(number, share, Decimal::ONE)?;
        for order in (0..orders.len()).filter(|order| counts[*order]) {
            let buyer = orders.person[order] as usize;
            if people.consultant[buyer] {
                continue;
            }
            let base = if orders.is_return[order] { -margins[order] } else { margins[order] };
            let earner = seller[buyer];
            let outcome =
                if earner == NONE { Outcome::NobodyThere } else { Outcome::paid_if(who[earner as usize]) };
            self.share(Share { bonus: number, holder: earner, earner, level: 0, base, rate, outcome });
            if outcome != Outcome::Paid {
                continue;
            }
            let earner = earner as usize;
            let claim = Claim {
                bonus: number,
                earner,
                source: buyer,
                order: position(order),
                level_walked: level_number((depth[buyer] - depth[earner]) as usize),
                level_paid: 0,
                base,
                rate,
            };
            self.pay(claim, factors[self.currency_index(earner)])?;
        }
        Ok(())
    }
}
