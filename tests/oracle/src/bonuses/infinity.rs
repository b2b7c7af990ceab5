//! A rate on everyone below, up to the next person of the same or a higher rank.

use anyhow::{Context, Result};
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
        let after = match text(how, "/after") {
            Some(code) => Some(self.levels_of(code)?),
            None => None,
        };
        for one in sources {
            let way: Vec<usize> = self.tree(how).above(one.source).collect();
            let past = match after {
                Some(levels) => self.past_the_levels(levels, &way)?,
                None => way.clone(),
            };
            for (place, earner) in way.iter().copied().enumerate() {
                let level = place + 1;
                if level < first || !past.contains(&earner) || !self.is_paid(bonus, earner)? {
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

    /// The levels of another bonus.
    fn levels_of(&self, code: &str) -> Result<&'a Value> {
        let bonuses = list(&self.cycle.plan.document, "/bonuses");
        let named = bonuses.iter().find(|bonus| text(bonus, "/code") == Some(code));
        named.and_then(|bonus| bonus.pointer("/pays/unilevel")).with_context(|| format!("no levels {code}"))
    }

    /// Who stands further up than the person at the last level of another bonus.
    fn past_the_levels(&self, levels: &'a Value, way: &[usize]) -> Result<Vec<usize>> {
        let holders = self.holders(levels, way, 1)?;
        let last = holders.get(Self::last_level(levels)?.saturating_sub(1));
        Ok(last.map_or_else(Vec::new, |last| way[last + 1..].to_vec()))
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
