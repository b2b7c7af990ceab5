//! A rate on the groups of the first leaders below, with a minimum that is guaranteed to the leader above.

use anyhow::{Context, Result};
use rust_decimal::Decimal;
use serde_json::Value;

use super::worth_of;
use crate::{
    payouts::{Claim, Desk},
    plan::{decimal, maybe, text},
};

/// What a leader has to do with the leaders around.
struct Handed {
    leader: usize,
    upper: usize,
    /// The volume handed up.
    base: Decimal,
    /// What of it was taken from what came from below.
    taken: Decimal,
}

impl<'a> Desk<'a> {
    pub(super) fn breakaway(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        let worth = worth_of(self.cycle.plan, text(how, "/of").context("it is paid on nothing")?)?;
        let rate = decimal(&how["rate"])?;
        let mut all = Vec::new();
        for person in self.cycle.in_order() {
            if self.leads(how, person)? && self.leaders_above(how, person)?.is_empty() {
                self.got_from_below(how, person, &mut all)?;
            }
        }
        for Handed { leader, upper, base, taken } in all {
            let claim = Claim { bonus: code, source: leader, base, rate, worth, ..Claim::default() };
            if self.is_paid(bonus, upper)? {
                self.pay(upper, Claim { level_paid: 1, level_walked: 1, ..claim.clone() })?;
            }
            if self.is_paid(bonus, leader)? {
                self.pay(leader, Claim { base: -taken, ..claim })?;
            }
        }
        Ok(())
    }

    /// What the first leaders below hand up to a leader, each noted in `all`.
    fn got_from_below(&self, how: &Value, upper: usize, all: &mut Vec<Handed>) -> Result<Decimal> {
        let of = text(how, "/of").context("it is paid on nothing")?;
        let mut got = Decimal::ZERO;
        for leader in self.tree(how).below(upper) {
            if !self.leads(how, leader)? || self.leaders_above(how, leader)?.first() != Some(&upper) {
                continue;
            }
            let below = self.got_from_below(how, leader, all)?;
            let group = self.cycle.indicator_of(of, leader)?;
            let least = maybe(how, "/minimum")?.unwrap_or(group);
            let lacks = (least - group).max(Decimal::ZERO);
            let taken = lacks.min(below.max(Decimal::ZERO));
            let base = group + taken;
            all.push(Handed { leader, upper, base, taken });
            got += base;
        }
        Ok(got)
    }
}
