//! What passes a cap is taken back, in lines of its own.

use foundation::money::Rounding;
use num_bigint::BigInt;
use num_rational::BigRational;
use plan::{
    PlannedBonus, Role,
    bonus::{Cap, ShareCap},
};
use rust_decimal::Decimal;

use super::{
    desk::{Claim, Desk, value_of},
    limits::Limits,
};
use crate::{
    columns::{NONE, position},
    failure::EngineError,
    payouts::{LineKind, PaidBonus, PayoutLine},
    snapshot::Snapshot,
};

impl Desk<'_> {
    /// What each person gets in minor units, of lines for which `counts` holds; those who have such lines, by row.
    pub(super) fn sums(
        &self,
        number: u16,
        lines: &[PayoutLine],
        counts: impl Fn(&PayoutLine) -> bool,
    ) -> Result<Vec<(u32, i64)>, EngineError> {
        let rows = self.snapshot.people.len();
        let (mut sums, mut has_lines) = (vec![0_i64; rows], vec![false; rows]);
        for line in lines.iter().filter(|line| counts(line)) {
            let row = line.earner as usize;
            sums[row] = sums[row].checked_add(line.amount).ok_or_else(|| self.overflow(row, number))?;
            has_lines[row] = true;
        }
        let earners = (0..rows).filter(|row| has_lines[*row]);
        Ok(earners.map(|row| (position(row), sums[row])).collect())
    }

    /// What each person gets of a bonus for what this cycle brought.
    pub(super) fn sums_of_bonus(&self, number: u16) -> Result<Vec<(u32, i64)>, EngineError> {
        self.sums(number, &self.lines, |line| line.bonus == number && line.kind.is_of_bonus())
    }

    /// Takes back what passes a cap per person.
    pub(super) fn cap_persons(
        &mut self,
        number: u16,
        kind: LineKind,
        caps: &Limits<Decimal>,
        sums: Vec<(u32, i64)>,
    ) -> Result<(), EngineError> {
        for (row, sum) in sums {
            let row = row as usize;
            let most = self.in_minor_units_of(row, number, caps.of(self, row))?;
            if most < sum {
                self.take_back(number, row, kind, sum - most)?;
            }
        }
        Ok(())
    }

    /// An amount of the base currency in minor units of a person's.
    pub(super) fn in_minor_units_of(
        &self,
        row: usize,
        bonus: u16,
        amount: Decimal,
    ) -> Result<i64, EngineError> {
        let (currency, per_base_unit, _) = self.currencies[self.currency_index(row)];
        let amount = amount.checked_mul(per_base_unit);
        let minor = amount.and_then(|amount| Snapshot::minor_units(currency, amount, self.rounding()));
        minor.ok_or_else(|| self.overflow(row, bonus))
    }

    /// What all together get of a bonus at most, in the base currency.
    pub(super) fn allowed(
        &self,
        number: u16,
        bonus: &PlannedBonus,
        cap: &Cap,
    ) -> Result<Decimal, EngineError> {
        let (share, of) = match (cap, bonus.indicator(Role::CapOf)) {
            (Cap::Amount(amount), _) => return Ok(*amount),
            (Cap::Share(ShareCap { share }), Some(of)) => (share, of),
            (Cap::Share(_), None) => return Ok(Decimal::ZERO),
        };
        // An indicator of the company is the same for everyone.
        let company = self.base(of, number)?.first().copied().unwrap_or(0);
        let value = value_of(self.plan, &self.plan.indicators()[of].definition);
        let worth = Decimal::new(company, plan::AMOUNT_SCALE).checked_mul(value);
        let allowed = worth.and_then(|worth| worth.checked_mul(share.rate));
        let allowed = allowed.ok_or_else(|| EngineError::Overflow {
            person: String::new(),
            what: format!("the cap of bonus {}", bonus.definition.code),
        })?;
        Ok(allowed.max(Decimal::ZERO))
    }

    pub(super) fn take_back(
        &mut self,
        bonus: u16,
        row: usize,
        kind: LineKind,
        minor: i64,
    ) -> Result<(), EngineError> {
        let (.., rounder) = self.currencies[self.currency_index(row)];
        let exact = minor.checked_neg().and_then(|minor| rounder.exactly(minor));
        let exact = exact.ok_or_else(|| self.overflow(row, bonus))?;
        self.line(about(bonus, row), kind, exact)
    }

    /// Takes from everyone who gets something, in proportion, what all together get over `allowed` of the base currency.
    pub(super) fn cap_together(
        &mut self,
        number: u16,
        kind: LineKind,
        allowed: Decimal,
        mut sums: Vec<(u32, i64)>,
    ) -> Result<(), EngineError> {
        sums.retain(|(_, sum)| 0 < *sum);
        let too_large = || EngineError::Overflow { person: String::new(), what: "what is capped".to_owned() };
        let mut by_currency = vec![0_i128; self.currencies.len()];
        for (row, sum) in &sums {
            by_currency[self.currency_index(*row as usize)] += i128::from(*sum);
        }
        // Divided by rates, what all get has more decimals than any number of them holds: whether it passes, and what share of it does,
        // is asked of fractions.
        let mut total = fraction(Decimal::ZERO);
        let paid_in = by_currency.into_iter().zip(&self.currencies).filter(|(sum, _)| *sum != 0);
        for (sum, (currency, per_base_unit, _)) in paid_in {
            let minor_of_one = fraction(*per_base_unit) * BigInt::from(10_u32).pow(currency.minor_digits());
            total += BigRational::from(BigInt::from(sum)) / minor_of_one;
        }
        let allowed = fraction(allowed);
        if total <= allowed {
            return Ok(());
        }
        let share = (&total - allowed) / total;
        for (row, sum) in sums {
            let minor = part(&share, sum, self.rounding()).ok_or_else(too_large)?;
            if minor != 0 {
                self.take_back(number, row as usize, kind, minor)?;
            }
        }
        Ok(())
    }

    /// The plan's caps on everything.
    pub(super) fn cap_everything(&mut self) -> Result<(), EngineError> {
        let document = self.plan.document();
        if let Some(cap) = &document.cap_per_person {
            let caps = self.limits((cap, self.plan.cap_rule()), "the plan", Ok)?;
            let sums = self.sums(u16::MAX, &self.lines, |_| true)?;
            let first = self.lines.len();
            let number = self.number_of(&plan_wide());
            self.cap_persons(number, LineKind::PersonCap, &caps, sums)?;
            if self.lines.len() == first {
                self.forget(number);
            }
        }
        let Some(cap) = &document.payout_cap else { return Ok(()) };
        let too_large = || EngineError::Overflow { person: String::new(), what: "the payout cap".to_owned() };
        let value = self.snapshot.value_of_volume(self.plan);
        let allowed = value.and_then(|all| all.checked_mul(cap.share_of_vc)).ok_or_else(too_large)?;
        let sums = self.sums(u16::MAX, &self.lines, |_| true)?;
        let first = self.lines.len();
        let number = self.number_of(&plan_wide());
        self.cap_together(number, LineKind::PayoutCap, allowed.max(Decimal::ZERO), sums)?;
        if self.lines.len() == first {
            self.forget(number);
        }
        Ok(())
    }

    /// Takes the last bonus out of the list again, if nothing is said of it.
    pub(super) fn forget(&mut self, number: u16) {
        let is_last = usize::from(number) + 1 == self.bonuses.len();
        if is_last && self.lines.iter().all(|line| line.bonus != number) {
            self.bonuses.pop();
        }
    }
}

fn fraction(number: Decimal) -> BigRational {
    BigRational::new(number.mantissa().into(), BigInt::from(10_u32).pow(number.scale()))
}

/// A share of a whole amount, rounded to a whole one; neither is less than 0.
fn part(share: &BigRational, whole: i64, rounding: Rounding) -> Option<i64> {
    let product = share.numer() * whole;
    let (quotient, rest) = (&product / share.denom(), product % share.denom());
    let is_exact = rest == BigInt::ZERO;
    let to_half = (rest * 2_u32).cmp(share.denom());
    let up = match rounding {
        Rounding::HalfEven => to_half.is_gt() || (to_half.is_eq() && quotient.bit(0)),
        Rounding::HalfUp => to_half.is_ge(),
        Rounding::Down => false,
        Rounding::Up => !is_exact,
    };
    i64::try_from(quotient).ok()?.checked_add(i64::from(up))
}

/// What lines that are of no bonus are counted under.
pub(super) fn plan_wide() -> PaidBonus {
    PaidBonus {
        code: String::new(),
        indicator: String::new(),
        measure: None,
        totals: None,
        award: plan::bonus::Award::Money,
    }
}

/// A claim that is about a bonus as a whole.
pub(super) fn about(bonus: u16, row: usize) -> Claim {
    Claim { bonus, earner: row, source: row, order: NONE, level_walked: 0, level_paid: 0, base: 0, rate: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_rounded_as_the_exact_number() {
        let third = fraction(Decimal::ONE) / fraction(Decimal::new(3, 0));
        let parts = |share: &BigRational, whole| {
            [Rounding::HalfEven, Rounding::HalfUp, Rounding::Down, Rounding::Up]
                .map(|rounding| part(share, whole, rounding).unwrap())
        };
        assert_eq!(parts(&third, 100), [33, 33, 33, 34]);
        assert_eq!(parts(&third, 101), [34, 34, 33, 34]);
        assert_eq!(parts(&third, 99), [33; 4]);
        // A hair over a half, which 28 digits do not tell from one.
        let hair = fraction(Decimal::new(1, 28)) * fraction(Decimal::new(1, 28));
        let half = fraction(Decimal::new(5, 1));
        assert_eq!(parts(&half, 5), [2, 3, 2, 3]);
        assert_eq!(parts(&(&half + &hair), 5), [3, 3, 2, 3]);
        assert_eq!(parts(&(&half - &hair), 5), [2, 2, 2, 3]);
        assert_eq!(part(&fraction(Decimal::TWO), i64::MAX, Rounding::Down), None);
    }
}
