//! What customers paid less what a consultant would have paid.

use anyhow::Result;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    payouts::{Claim, Desk},
    plan::{number, text},
};

impl<'a> Desk<'a> {
    pub(super) fn retail_profit(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        let rate = number(how, "/share", Decimal::ONE)?;
        let (orders, worth, measure) = self.brought(&json!({ "orders": "margin" }), text(how, "/where"))?;
        for one in orders.into_iter().filter(|one| !self.cycle.is_consultant(one.source)) {
            let above = self.cycle.placement.above(one.source);
            let Some((level, earner)) =
                (1..).zip(above).find(|(_, person)| self.cycle.is_consultant(*person))
            else {
                continue;
            };
            if self.is_paid(bonus, earner)? {
                let claim = Claim {
                    bonus: code,
                    source: one.source,
                    order: one.order,
                    level_walked: level,
                    base: one.base,
                    rate,
                    worth,
                    measure: measure.clone(),
                    ..Claim::default()
                };
                self.pay(earner, claim)?;
            }
        }
        Ok(())
    }
}
