//! A share of a fund.

use std::cmp::Reverse;

use plan::{
    AMOUNT_SCALE, PlannedBonus, Role,
    bonus::{Fund, Pool},
};
use rust_decimal::Decimal;

use super::desk::{Claim, Desk, value_of};
use crate::{
    amount::{EXACT_SCALE, Factor, RATE_SCALE, greatest_divisor, share},
    columns::NONE,
    failure::EngineError,
    payouts::LineKind,
};

impl Desk<'_> {
    /// The exact fund is split over the parts; what does not divide goes to the first ones by the last of 24 decimals, so that the exact
    /// amounts add up to the fund.
    pub(super) fn pool(&mut self, number: u16, bonus: &PlannedBonus, pool: &Pool) -> Result<(), EngineError> {
        let fund = self.fund(number, bonus, pool)?;
        if fund <= 0 {
            return Ok(());
        }
        let parts = self.parts(bonus, pool)?;
        let overflow = || EngineError::Overflow {
            person: String::new(),
            what: format!("the fund of bonus {}", bonus.definition.code),
        };
        let all: i128 = parts.iter().map(|(_, part)| i128::from(*part)).sum();
        let offered = to_account(fund);
        self.conservation[usize::from(number)].offered = offered;
        if all == 0 {
            self.conservation[usize::from(number)].unclaimed = offered;
            return Ok(());
        }
        let paid = match pool.value_decimals {
            None => fund,
            Some(decimals) => self.by_rounded_value(pool, fund, all, decimals).ok_or_else(overflow)?,
        };
        let account = &mut self.conservation[usize::from(number)];
        account.paid = to_account(paid);
        account.kept = offered - account.paid;
        if paid == 0 {
            return Ok(());
        }
        let mut left = paid;
        for (_, part) in &parts {
            left -= share(paid, i128::from(*part), all).ok_or_else(overflow)?.0;
        }
        let base = i64::try_from(paid / 10_i128.pow(EXACT_SCALE - AMOUNT_SCALE)).map_err(|_| overflow())?;
        // Parts have many decimals that none of them needs: what divides all of them is cancelled, so that what they are multiplied
        // with fits 128 bits.
        let unit = parts.iter().fold(0, |unit, (_, part)| greatest_divisor(unit, i128::from(*part)));
        let all = all / unit;
        for (row, part) in parts {
            let part = i128::from(part) / unit;
            let (mut exact, mut cut) = share(paid, part, all).ok_or_else(overflow)?;
            let (rate, _) = share(10_i128.pow(RATE_SCALE), part, all).ok_or_else(overflow)?;
            let (per_base_unit, rounder) = self.unit_of(number, row);
            let mut rounded = exact;
            if 0 < left {
                (exact, left) = (exact + 1, left - 1);
            }
            if per_base_unit != Decimal::ONE {
                // One quotient: a share that was cut before could fall under what it is worth.
                let per = per_base_unit.normalize();
                let worth = part.checked_mul(per.mantissa()).ok_or_else(overflow)?;
                let of = all.checked_mul(10_i128.pow(per.scale())).ok_or_else(overflow)?;
                let (changed, more) = share(paid, worth, of).ok_or_else(overflow)?;
                (exact, rounded, cut) = (changed, changed, more);
            }
            let rounder = rounder.with(pool.rounding.unwrap_or(self.rounding()));
            let amount = rounder.round_cut(rounded, cut).ok_or_else(|| self.overflow(row, number))?;
            let claim = Claim {
                bonus: number,
                earner: row,
                source: row,
                order: NONE,
                level_walked: 0,
                level_paid: 0,
                base,
                rate: i64::try_from(rate).map_err(|_| overflow())?,
            };
            self.rounded_line(claim, LineKind::Earned, exact, amount);
        }
        Ok(())
    }

    /// The fund with [`EXACT_SCALE`] decimals.
    fn fund(&self, number: u16, bonus: &PlannedBonus, pool: &Pool) -> Result<i128, EngineError> {
        let code = &bonus.definition.code;
        let (base, rate, value) = match (&pool.fund, bonus.indicator(Role::Of)) {
            (Fund::Share(fund), Some(of)) => {
                let company = self.base(of, number)?.first().copied().unwrap_or(0);
                (company, fund.rate, value_of(self.plan, &self.plan.indicators()[of].definition))
            }
            (Fund::Share(_), None) => (0, Decimal::ONE, Decimal::ONE),
            (Fund::Amount(amount), _) => (10_i64.pow(AMOUNT_SCALE), *amount, Decimal::ONE),
        };
        let value = if self.is_money(number) { value } else { Decimal::ONE };
        let factor = Factor::of([rate, value, Decimal::ONE]).ok_or_else(|| EngineError::TooFine {
            what: "rate × value of a point",
            of: format!("bonus {code}"),
            decimals: EXACT_SCALE - AMOUNT_SCALE,
            found: format!("{rate} × {value}"),
        })?;
        factor.times(base).ok_or_else(|| EngineError::Overflow {
            person: String::new(),
            what: format!("the fund of bonus {code}"),
        })
    }

    /// Who has which part, with [`RATE_SCALE`] decimals, in the order of the rows.
    fn parts(&self, bonus: &PlannedBonus, pool: &Pool) -> Result<Vec<(usize, i64)>, EngineError> {
        let code = &bonus.definition.code;
        let who = self.who(&bonus.when, code)?;
        let shares = match bonus.rule(Role::Shares) {
            Some(rule) => self.run.numbers(rule, RATE_SCALE, || format!("the shares of bonus {code}"))?,
            None => vec![10_i64.pow(RATE_SCALE); who.len()],
        };
        let has = |row: &usize| who[*row] && 0 < shares[*row];
        if pool.positions.is_empty() {
            return Ok((0..who.len()).filter(has).map(|row| (row, shares[row])).collect());
        }
        // Sorted by person number first, so that equal ones stay in that order.
        let by_id = self.snapshot.people.by_id.iter().map(|row| *row as usize);
        let mut ranking: Vec<usize> = by_id.filter(has).collect();
        ranking.sort_by_key(|row| Reverse(shares[*row]));
        let part = |part: &Decimal| crate::snapshot::fixed(*part, RATE_SCALE, "a part", code);
        let parts = pool.positions.iter().map(part).collect::<Result<Vec<i64>, EngineError>>()?;
        let mut placed: Vec<(usize, i64)> = ranking.into_iter().zip(parts).collect();
        placed.sort_unstable();
        Ok(placed)
    }

    /// What is paid of a fund if the value of a share is rounded to `decimals` first.
    fn by_rounded_value(&self, pool: &Pool, fund: i128, all: i128, decimals: u8) -> Option<i128> {
        use foundation::money::Rounding;
        let scale = EXACT_SCALE.checked_sub(u32::from(decimals))?;
        let unit = 10_i128.pow(scale);
        let (exact, cut) = share(fund, 10_i128.pow(RATE_SCALE), all)?;
        let (whole, rest) = (exact / unit, exact % unit);
        let half = (rest * 2).cmp(&unit);
        let up = match pool.rounding.unwrap_or(self.rounding()) {
            Rounding::Down => false,
            Rounding::Up => rest != 0 || cut,
            Rounding::HalfUp => half.is_ge(),
            Rounding::HalfEven => half.is_gt() || (half.is_eq() && (cut || whole % 2 != 0)),
        };
        let value = (whole + i128::from(up)).checked_mul(unit)?;
        share(value, all, 10_i128.pow(RATE_SCALE)).map(|(paid, _)| paid)
    }
}

/// An amount as accounts keep it.
fn to_account(exact: i128) -> i128 {
    exact / 10_i128.pow(EXACT_SCALE - AMOUNT_SCALE - RATE_SCALE)
}
