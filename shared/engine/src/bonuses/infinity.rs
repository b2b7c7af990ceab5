//! A rate on everyone below, up to the next person of the same or a higher rank.

use plan::{
    PlannedBonus,
    bonus::{Infinity, Rate},
};

use super::{
    desk::{Claim, Desk},
    levels::{depth_by_row, level_number, next_greater},
    shares::{Outcome, Share},
};
use crate::{columns::NONE, failure::EngineError};

impl Desk<'_> {
    pub(super) fn infinity(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        infinity: &Infinity,
    ) -> Result<(), EngineError> {
        let value = self.value_brought(bonus, &infinity.on);
        let mut rates = self.rates(number, bonus, &Rate::ByRank(infinity.rates.clone()), value)?;
        let consultant = &self.snapshot.people.consultant;
        rates.keep(consultant);
        let who = self.who(&bonus.when, &bonus.definition.code)?;
        let tree = self.tree(infinity.tree);
        let depth = depth_by_row(tree, None);
        // Only who stands over all below counts: by rate where differences are paid, by rank otherwise. Customers block nothing.
        let standing = |row: usize| match (infinity.difference, consultant[row]) {
            (true, _) => rates.of(row).rate,
            (false, true) => i64::from(self.run.paid[row]),
            (false, false) => -1,
        };
        let next = next_greater(tree, standing);
        let after = infinity.after.as_deref().map(|code| self.levels_along(code)).transpose()?.flatten();
        for (source, order, base) in self.brought(number, bonus, &infinity.on)? {
            let source = source as usize;
            let last = after.as_ref().map(|levels| levels.last_holder(source));
            let first = match last {
                None => u32::from(infinity.from_level),
                // Levels that are not all taken leave nothing for who comes after them.
                Some(NONE) => continue,
                Some(last) => {
                    let next_level = depth[source].saturating_sub(depth[last as usize]) + 1;
                    next_level.max(u32::from(infinity.from_level))
                }
            };
            let (mut below, mut at) = (source, next[source]);
            while at != NONE {
                let earner = at as usize;
                let (own, less) = (rates.of(earner), rates.of(below));
                let rate = if infinity.difference { own.rate.saturating_sub(less.rate) } else { own.rate };
                let walked = depth[source].saturating_sub(depth[earner]);
                if first <= walked && rate != 0 {
                    let level = level_number(walked as usize);
                    self.share(Share {
                        bonus: number,
                        holder: at,
                        earner: at,
                        level,
                        base,
                        rate,
                        outcome: Outcome::paid_if(who[earner]),
                    });
                    if who[earner] {
                        let claim = Claim {
                            bonus: number,
                            earner,
                            source,
                            order,
                            level_walked: level,
                            level_paid: level,
                            base,
                            rate,
                        };
                        let currency = self.currency_index(earner);
                        let factor = own.factors[currency];
                        let factor = if infinity.difference {
                            let factor = factor.less(less.factors[currency]);
                            factor.ok_or_else(|| self.overflow(earner, number))?
                        } else {
                            factor
                        };
                        self.pay(claim, factor)?;
                    }
                }
                (below, at) = (earner, next[earner]);
            }
        }
        Ok(())
    }
}
