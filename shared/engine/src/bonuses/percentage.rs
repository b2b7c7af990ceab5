//! A rate on an indicator of the earner.

use plan::{
    PlannedBonus, Role,
    bonus::{Brackets, Percentage, Rate},
};
use rust_decimal::Decimal;

use super::desk::{Claim, Desk, fixed_floor, value_of};
use crate::{
    amount::{Factor, RATE_SCALE},
    columns::NONE,
    failure::EngineError,
    payouts::LineKind,
    snapshot::fixed,
};

impl Desk<'_> {
    pub(super) fn percentage(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        percentage: &Percentage,
    ) -> Result<(), EngineError> {
        let code = &bonus.definition.code;
        let Some(of) = bonus.indicator(Role::Of) else { return Ok(()) };
        let who = self.who(&bonus.when, code)?;
        let base = self.base(of, number)?;
        let value = value_of(self.plan, &self.plan.indicators()[of].definition);
        let rates = self.rates(number, percentage, value, code)?;
        let over = match bonus.indicator(Role::Over) {
            Some(over) if over != of => self.base(over, number)?,
            _ => base.clone(),
        };
        let marginal = matches!(&percentage.rate, Rate::Brackets(Brackets { marginal: true, .. }));
        for row in (0..who.len()).filter(|row| who[*row]) {
            let reached = rates.iter().rposition(|rate| rate.from <= over[row]);
            let Some(reached) = reached else { continue };
            let claim = Claim {
                bonus: number,
                earner: row,
                source: row,
                order: NONE,
                level_walked: 0,
                level_paid: 0,
                base: base[row],
                rate: rates[reached].rate,
            };
            if marginal {
                self.slices(claim, &rates[..=reached])?;
            } else {
                self.keep_account(number, claim.base, claim.rate, |account| &mut account.paid);
                self.pay(claim, &rates[reached].factors)?;
            }
        }
        Ok(())
    }

    fn rates(
        &self,
        number: u16,
        percentage: &Percentage,
        value: Decimal,
        code: &str,
    ) -> Result<Vec<BracketRate>, EngineError> {
        let bracket = |from: i64, rate: Decimal| {
            Ok(BracketRate {
                from,
                rate: fixed(rate, RATE_SCALE, "a rate", code)?,
                factors: self.factors(number, rate, value)?,
            })
        };
        match &percentage.rate {
            Rate::Fixed(rate) => Ok(vec![bracket(i64::MIN, *rate)?]),
            Rate::Brackets(brackets) => {
                brackets.steps.iter().map(|step| bracket(fixed_floor(step.from), step.rate)).collect()
            }
            // Refused when the plan is saved.
            Rate::ByRank(_) | Rate::Rule(_) => Ok(Vec::new()),
        }
    }

    /// One line whose exact amount is the sum of its slices.
    fn slices(&mut self, claim: Claim, reached: &[BracketRate]) -> Result<(), EngineError> {
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

/// A bracket made ready.
struct BracketRate {
    from: i64,
    rate: i64,
    factors: Vec<Factor>,
}
