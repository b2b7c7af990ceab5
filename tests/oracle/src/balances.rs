//! What one cycle hands to the next.

use anyhow::Result;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::{
    cycle::Cycle,
    numbers::{half_even, product},
    payouts::Desk,
};

/// A balance of a bonus and a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Balance {
    /// Id of the person.
    pub person: String,
    /// Code of the bonus; empty where it is of the plan.
    pub bonus: String,
    /// `leg`, `period`, `paid`, `held`, `advance` or `below-minimum`, as the engine's files name it.
    pub kind: String,
    /// The last day of the cycle it began in.
    pub since: Date,
    /// How many cycles it was carried through before the one that hands it on.
    pub cycles: u16,
    /// The currency; empty where it is volume.
    pub currency: String,
    /// How much.
    pub value: Decimal,
}

impl Cycle<'_> {
    /// An amount of one currency in another one, by the rates of this cycle, cut after 24 decimals.
    pub(crate) fn changed(&self, amount: Decimal, from: &str, to: &str) -> Result<Decimal> {
        if from == to {
            return Ok(amount);
        }
        // The quotient comes last, so that nothing is lost before it.
        let quotient = product(&[amount, self.per_base_unit(to)?])? / self.per_base_unit(from)?;
        Ok(quotient.trunc_with_scale(24))
    }
}

impl Desk<'_> {
    /// Balances of a kind that a bonus and a person bring from the cycle before.
    pub(crate) fn brought_on(&self, code: &str, kind: &str, person: usize) -> Vec<Balance> {
        let id = &self.cycle.people()[person].id;
        let is_it =
            |balance: &&Balance| balance.bonus == code && balance.kind == kind && balance.person == *id;
        self.handed.iter().filter(is_it).cloned().collect()
    }

    /// What balances come to in a person's currency.
    pub(crate) fn in_currency_of(&self, person: usize, balances: &[Balance]) -> Result<Decimal> {
        let mut sum = Decimal::ZERO;
        for balance in balances {
            sum += self.cycle.changed(balance.value, &balance.currency, self.cycle.currency(person))?;
        }
        Ok(sum)
    }

    /// Hands something on that begins in this cycle.
    pub(crate) fn hand_on(&mut self, code: &str, kind: &str, person: usize, value: Decimal) {
        let currency = if kind == "leg" { "" } else { self.cycle.currency(person) };
        self.keeps.push(Balance {
            person: self.cycle.people()[person].id.clone(),
            bonus: code.to_owned(),
            kind: kind.to_owned(),
            since: self.cycle.input.last_day,
            cycles: 0,
            currency: currency.to_owned(),
            value: half_even(value, 24).normalize(),
        });
    }

    /// Balances of people who are not in the network go on with time.
    pub(crate) fn hand_on_of_absent(&mut self, code: &str, kind: &str, counts: impl Fn(&Balance) -> bool) {
        let of_bonus = self.handed.iter().filter(|one| one.bonus == code && one.kind == kind);
        let absent = of_bonus.filter(|one| !self.cycle.index.contains_key(&one.person));
        let waiting = absent.map(|one| Balance { cycles: one.cycles + 1, ..one.clone() });
        let waiting: Vec<Balance> = waiting.filter(counts).collect();
        self.keeps.extend(waiting);
    }

    /// Hands on as they are the balances of a bonus for which `is_it` holds.
    pub(crate) fn hand_on_unchanged(&mut self, is_it: impl Fn(&Balance) -> bool) {
        let kept: Vec<Balance> = self.handed.iter().filter(|balance| is_it(balance)).cloned().collect();
        self.keeps.extend(kept);
    }
}
