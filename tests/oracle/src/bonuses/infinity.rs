//! A rate on everyone below, up to the next person of the same or a higher rank.

use anyhow::Result;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    payouts::{Claim, Desk},
    plan::{count, decimal, flag, list, text},
};

impl<'a> Desk<'a> {
    pub(super) fn infinity(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        let (sources, worth, measure) = self.brought(&how["on"], text(how, "/where"))?;
        let first = count(how, "/from_level", 1)?;
        for one in sources {
            let way: Vec<usize> = self.tree(how).above(one.source).collect();
            for (place, earner) in way.iter().copied().enumerate() {
                let level = place + 1;
                if level < first || !self.is_paid(bonus, earner)? {
                    continue;
                }
                // From the earner's child down to the source.
                let below = || way[..place].iter().copied().chain([one.source]);
                let own = self.infinity_rate(how, earner)?;
                let rate = if flag(how, "/difference", false) {
                    let mut highest = Decimal::ZERO;
                    for person in below() {
                        highest = highest.max(self.infinity_rate(how, person)?);
                    }
                    (own - highest).max(Decimal::ZERO)
                } else {
                    let rank = self.cycle.paid(earner)?;
                    let mut blocked = false;
                    for person in below() {
                        blocked |= self.cycle.is_consultant(person) && rank <= self.cycle.paid(person)?;
                    }
                    if blocked { Decimal::ZERO } else { own }
                };
                let claim = Claim {
                    bonus: code,
                    source: one.source,
                    order: one.order,
                    level_paid: level,
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

    /// The rate of a person's paid rank; 0 where there is none.
    fn infinity_rate(&self, how: &'a Value, person: usize) -> Result<Decimal> {
        if !self.cycle.is_consultant(person) {
            return Ok(Decimal::ZERO);
        }
        let row = self.row_of_rank(list(how, "/rates"), self.cycle.paid(person)?)?;
        row.map_or(Ok(Decimal::ZERO), |row| decimal(&row["rate"]))
    }
}
