//! A rate on an indicator of the earner.

use plan::{PlannedBonus, Role, bonus::Percentage};

use super::{
    desk::{Claim, Desk, value_of},
    rates::{ReadyRate, is_marginal},
    shares::{Outcome, Share},
};
use crate::{
    columns::{NONE, position},
    failure::EngineError,
    payouts::LineKind,
};

impl Desk<'_> {
    pub(super) fn percentage(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        percentage: &Percentage,
    ) -> Result<(), EngineError> {
        let Some(of) = bonus.indicator(Role::Of) else { return Ok(()) };
        let who = self.who(&bonus.when, &bonus.definition.code)?;
        let base = self.paid_on(of, number)?;
        let value = value_of(self.plan, &self.plan.indicators()[of].definition);
        let rates = self.rates(number, bonus, &percentage.rate, value)?;
        let marginal = is_marginal(&percentage.rate);
        for row in (0..who.len()).filter(|row| who[*row]) {
            let rate = rates.of(row);
            let claim = Claim {
                bonus: number,
                earner: row,
                source: row,
                order: NONE,
                level_walked: 0,
                level_paid: 0,
                base: base[row],
                rate: rate.rate,
            };
            if marginal {
                self.slices(claim, rates.reached(row))?;
            } else {
                let earner = position(row);
                let Claim { base, rate: own, .. } = claim;
                let share = Share {
                    bonus: number,
                    holder: earner,
                    earner,
                    level: 0,
                    base,
                    rate: own,
                    outcome: Outcome::Paid,
                };
                self.share(share);
                self.pay(claim, rate.factors[self.currency_index(row)])?;
            }
        }
        match percentage.true_up {
            Some(period) => self.true_up(number, bonus, period, &who),
            None => Ok(()),
        }
    }

    /// One line whose exact amount is the sum of its slices.
    fn slices(&mut self, claim: Claim, reached: &[ReadyRate]) -> Result<(), EngineError> {
        let at = self.currency_index(claim.earner);
        let mut exact = 0_i128;
        for (place, bracket) in reached.iter().enumerate() {
            let end = reached.get(place + 1).map_or(claim.base, |next| next.from);
            let slice = end - bracket.from.max(0);
            self.keep_account(claim.bonus, slice, bracket.rate, |account| &mut account.paid);
            let part = bracket.factors[at].times(slice);
            exact = part
                .and_then(|part| exact.checked_add(part))
                .ok_or_else(|| self.overflow(claim.earner, claim.bonus))?;
        }
        if exact == 0 { Ok(()) } else { self.line(claim, LineKind::Earned, exact) }
    }
}
