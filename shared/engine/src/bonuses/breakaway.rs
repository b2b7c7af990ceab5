//! A rate on the groups of the first leaders below, with a minimum that is guaranteed to the leader above.

use plan::{AMOUNT_SCALE, PlannedBonus, Role, bonus::Breakaway};

use super::{
    desk::{Claim, Desk, value_of},
    levels::next_above,
};
use crate::{
    amount::{Factor, RATE_SCALE},
    columns::NONE,
    failure::EngineError,
    payouts::Conservation,
    snapshot::fixed,
};

/// What a breakaway bonus is paid with.
struct Terms {
    number: u16,
    rate: i64,
    factors: Vec<Factor>,
}

impl Desk<'_> {
    pub(super) fn breakaway(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        breakaway: &Breakaway,
    ) -> Result<(), EngineError> {
        let Some(of) = bonus.indicator(Role::Of) else { return Ok(()) };
        let code = &bonus.definition.code;
        let value = value_of(self.plan, &self.plan.indicators()[of].definition);
        let terms = Terms {
            number,
            rate: fixed(breakaway.rate, RATE_SCALE, "a rate", code)?,
            factors: self.factors(number, breakaway.rate, value)?,
        };
        let minimum = breakaway.minimum.map(|minimum| fixed(minimum, AMOUNT_SCALE, "the minimum", code));
        let minimum = minimum.transpose()?;
        let who = self.who(&bonus.when, code)?;
        let group = self.base(of, number)?;
        let leaders = self.leaders(&breakaway.rank);
        let tree = self.tree(breakaway.tree);
        let above = next_above(tree, |row| leaders[row]);
        // From the leaves up: what each leader gets from below, in volume.
        let mut below = vec![0_i64; group.len()];
        for row in tree.order.iter().rev().map(|row| *row as usize).filter(|row| leaders[*row]) {
            let overflow = || self.overflow(row, number);
            if above[row] == NONE {
                self.keep_account(number, group[row], terms.rate, |account| &mut account.unclaimed);
                continue;
            }
            let lacks = match minimum {
                Some(minimum) => minimum.checked_sub(group[row]).ok_or_else(overflow)?.max(0),
                None => 0,
            };
            let taken = lacks.min(below[row].max(0));
            let handed = group[row].checked_add(taken).ok_or_else(overflow)?;
            let upper = above[row] as usize;
            below[upper] = below[upper].checked_add(handed).ok_or_else(overflow)?;
            self.hand(&terms, upper, row, handed, who[upper])?;
            self.hand(&terms, row, row, -taken, who[row])?;
        }
        Ok(())
    }

    /// Pays an earner what `source` hands up; of oneself it is what one hands up to the leader above.
    fn hand(
        &mut self,
        terms: &Terms,
        earner: usize,
        source: usize,
        base: i64,
        is_paid: bool,
    ) -> Result<(), EngineError> {
        let pick: fn(&mut Conservation) -> &mut i128 =
            if is_paid { |account| &mut account.paid } else { |account| &mut account.forfeited };
        self.keep_account(terms.number, base, terms.rate, pick);
        if !is_paid {
            return Ok(());
        }
        let level = u16::from(earner != source);
        let claim = Claim {
            bonus: terms.number,
            earner,
            source,
            order: NONE,
            level_walked: level,
            level_paid: level,
            base,
            rate: terms.rate,
        };
        self.pay(claim, terms.factors[self.currency_index(earner)])
    }
}
