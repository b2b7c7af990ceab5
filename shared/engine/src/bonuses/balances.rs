//! What the cycle before handed on, and what the next one is handed.

use std::collections::BTreeMap;

use super::desk::Desk;
use crate::{
    amount::{EXACT_SCALE, share},
    failure::EngineError,
    payouts::{BalanceKind, Carried, CarriedBalance},
};
use foundation::money::Currency;

/// Balances by bonus and kind that nobody has taken yet, and those that are handed on.
#[derive(Default)]
pub(super) struct Balances {
    brought: BTreeMap<(String, BalanceKind), Vec<CarriedBalance>>,
    handed: Vec<CarriedBalance>,
}

impl Balances {
    pub(super) fn of(carried: Option<&Carried>) -> Self {
        let mut brought: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for balance in carried.into_iter().flat_map(|carried| &carried.0) {
            brought.entry((balance.bonus.clone(), balance.kind)).or_default().push(balance.clone());
        }
        Self { brought, handed: Vec::new() }
    }

    /// The balances of a bonus; whoever takes them hands on what is left of them.
    pub(super) fn take(&mut self, bonus: &str, kind: BalanceKind) -> Vec<CarriedBalance> {
        self.brought.remove(&(bonus.to_owned(), kind)).unwrap_or_default()
    }

    /// All balances of a kind, whatever their bonus.
    pub(super) fn take_all(&mut self, kind: BalanceKind) -> Vec<CarriedBalance> {
        let of_kind = |(key, _): &(&(String, BalanceKind), &Vec<CarriedBalance>)| key.1 == kind;
        let keys: Vec<_> = self.brought.iter().filter(of_kind).map(|(key, _)| key.clone()).collect();
        keys.iter().filter_map(|key| self.brought.remove(key)).flatten().collect()
    }

    /// What was handed on already of a bonus, to be handed on anew.
    pub(super) fn take_handed(&mut self, bonus: &str, kind: BalanceKind) -> Vec<CarriedBalance> {
        self.handed.extract_if(.., |balance| balance.bonus == bonus && balance.kind == kind).collect()
    }

    pub(super) fn hand(&mut self, balance: CarriedBalance) {
        self.handed.push(balance);
    }

    /// What the next cycle is handed. Balances that nobody took stay as they are: their bonus is not computed in this process, or not
    /// by this plan.
    pub(super) fn carried(self) -> Carried {
        let mut all = self.handed;
        all.extend(self.brought.into_values().flatten());
        all.sort();
        Carried(all)
    }
}

impl Desk<'_> {
    pub(super) fn person(&self, row: usize) -> String {
        self.snapshot.people.ids.get(row).to_owned()
    }

    /// A balance that begins in this cycle.
    pub(super) fn balance(&self, row: usize, bonus: &str, kind: BalanceKind, value: i128) -> CarriedBalance {
        let money = kind != BalanceKind::Leg;
        CarriedBalance {
            person: self.person(row),
            bonus: bonus.to_owned(),
            kind,
            since: self.today,
            cycles: 0,
            currency: money.then(|| self.currencies[self.currency_index(row)].0),
            value,
        }
    }

    /// An exact amount of money in a person's currency; changed at this cycle's rates if it was in another, and then cut after
    /// the decimals that are kept.
    pub(super) fn in_currency_of(
        &self,
        row: usize,
        bonus: u16,
        exact: i128,
        from: Option<Currency>,
    ) -> Result<i128, EngineError> {
        let (currency, per_base_unit, _) = self.currencies[self.currency_index(row)];
        let Some(from) = from.filter(|from| *from != currency) else { return Ok(exact) };
        let no_rate = || EngineError::NoRate { currency: from.to_string(), of: self.person(row) };
        let rate = self.snapshot.rates.rate(from).ok_or_else(no_rate)?;
        let (per, rate) = (per_base_unit.normalize(), rate.normalize());
        let part = per.mantissa().checked_mul(10_i128.pow(rate.scale()));
        let of = rate.mantissa().checked_mul(10_i128.pow(per.scale()));
        let changed = part.zip(of).and_then(|(part, of)| share(exact, part, of));
        changed.map(|(changed, _)| changed).ok_or_else(|| self.overflow(row, bonus))
    }

    pub(super) fn rounding(&self) -> foundation::money::Rounding {
        self.plan.document().currencies.rounding
    }
}

/// A volume of [`plan::AMOUNT_SCALE`] decimals as the value of a balance.
pub(super) fn of_volume(volume: i64) -> i128 {
    i128::from(volume) * 10_i128.pow(EXACT_SCALE - plan::AMOUNT_SCALE)
}

/// The value of a balance as a volume.
pub(super) fn to_volume(value: i128) -> Option<i64> {
    i64::try_from(value / 10_i128.pow(EXACT_SCALE - plan::AMOUNT_SCALE)).ok()
}
