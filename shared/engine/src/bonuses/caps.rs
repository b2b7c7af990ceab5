//! What passes a cap is taken back, in lines of its own.

use std::collections::BTreeMap;

use plan::AMOUNT_SCALE;
use rust_decimal::Decimal;

use super::desk::{Claim, Desk};
use crate::{
    amount::from_minor,
    columns::NONE,
    failure::EngineError,
    payouts::{LineKind, PaidBonus},
    snapshot::{Snapshot, Volume},
};

impl Desk<'_> {
    /// Takes back what passes the cap per person, from `first` on.
    pub(super) fn cap_bonus(&mut self, number: u16, cap: Decimal, first: usize) -> Result<(), EngineError> {
        let mut sums: BTreeMap<u32, i64> = BTreeMap::new();
        for line in &self.lines[first..] {
            let sum = sums.entry(line.earner).or_default();
            let row = line.earner as usize;
            *sum = sum.checked_add(line.amount).ok_or_else(|| self.overflow(row, number))?;
        }
        for (row, sum) in sums {
            let row = row as usize;
            let (currency, per_base_unit, _) = self.currencies[self.currency_index(row)];
            let most = cap.checked_mul(per_base_unit).ok_or_else(|| self.overflow(row, number))?;
            let rounding = self.plan.document().currencies.rounding;
            let most =
                Snapshot::minor_units(currency, most, rounding).ok_or_else(|| self.overflow(row, number))?;
            if most < sum {
                self.take_back(number, row, LineKind::BonusCap, sum - most)?;
            }
        }
        Ok(())
    }

    fn take_back(&mut self, bonus: u16, row: usize, kind: LineKind, minor: i64) -> Result<(), EngineError> {
        let (.., rounder) = self.currencies[self.currency_index(row)];
        let exact = rounder.exactly(-minor).ok_or_else(|| self.overflow(row, bonus))?;
        let claim = Claim {
            bonus,
            earner: row,
            source: row,
            order: NONE,
            level_walked: 0,
            level_paid: 0,
            base: 0,
            rate: 0,
        };
        self.line(claim, kind, exact)
    }

    /// Takes from everyone in proportion what passes the plan's payout cap.
    pub(super) fn cap_everything(&mut self) -> Result<(), EngineError> {
        let Some(cap) = &self.plan.document().payout_cap else { return Ok(()) };
        let mut sums: BTreeMap<u32, i64> = BTreeMap::new();
        for line in &self.lines {
            *sums.entry(line.earner).or_default() += line.amount;
        }
        sums.retain(|_, sum| 0 < *sum);
        let plan_wide = PaidBonus { code: String::new(), indicator: String::new(), measure: None };
        let too_large = || EngineError::Overflow { person: String::new(), what: "the payout cap".to_owned() };
        let company: i128 =
            self.snapshot.people.volumes.of(Volume::Vc).iter().map(|vc| i128::from(*vc)).sum();
        let vc = Decimal::try_from_i128_with_scale(company, AMOUNT_SCALE).map_err(|_| too_large())?;
        let value = self.plan.document().volumes.vc_value;
        let allowed =
            vc.checked_mul(value).and_then(|all| all.checked_mul(cap.share_of_vc)).ok_or_else(too_large)?;
        let allowed = allowed.max(Decimal::ZERO);
        let mut total = Decimal::ZERO;
        for (row, sum) in &sums {
            let (currency, per_base_unit, _) = self.currencies[self.currency_index(*row as usize)];
            let in_base = from_minor(*sum, currency).checked_div(per_base_unit);
            total = in_base.and_then(|amount| total.checked_add(amount)).ok_or_else(too_large)?;
        }
        if total <= allowed {
            return Ok(());
        }
        let number = self.number_of(&plan_wide);
        let share = Decimal::ONE - allowed.checked_div(total).ok_or_else(too_large)?;
        for (row, sum) in sums {
            let row = row as usize;
            let (currency, ..) = self.currencies[self.currency_index(row)];
            let over = from_minor(sum, currency).checked_mul(share).ok_or_else(too_large)?;
            let rounding = self.plan.document().currencies.rounding;
            let minor = Snapshot::minor_units(currency, over, rounding).ok_or_else(too_large)?;
            if minor != 0 {
                self.take_back(number, row, LineKind::PayoutCap, minor)?;
            }
        }
        Ok(())
    }
}
