//! The rate of everyone, where a bonus has one rate for each person.

use std::collections::BTreeMap;

use plan::{
    AMOUNT_SCALE, Plan, PlannedBonus, Role,
    bonus::{Brackets, Rate, RateOfRank},
};
use rust_decimal::Decimal;

use super::desk::{Desk, fixed_floor};
use crate::{
    amount::{Factor, RATE_SCALE},
    columns::position,
    failure::EngineError,
    snapshot::fixed,
};

/// The rate of everyone. What bonuses share: percentage, differential and binary ones differ in what they pay it on.
pub(super) struct Rates {
    /// The distinct rates, the first of them 0. Those of brackets stand in the order of the brackets.
    ready: Vec<ReadyRate>,
    /// For each row the place in `ready`.
    of: Vec<u32>,
}

/// A rate made ready.
pub(super) struct ReadyRate {
    /// For brackets, from which value on, in ten-thousandths.
    pub(super) from: i64,
    /// The rate, in thousand-millionths.
    pub(super) rate: i64,
    /// By currency of the snapshot's people.
    pub(super) factors: Vec<Factor>,
}

impl Rates {
    /// The rate of a row.
    pub(super) fn of(&self, row: usize) -> &ReadyRate {
        &self.ready[self.of[row] as usize]
    }

    /// The place of a row's rate among the rates.
    pub(super) fn place(&self, row: usize) -> u32 {
        self.of[row]
    }

    /// The rate of a place; place 0 is that of who has none.
    pub(super) fn at(&self, place: u32) -> &ReadyRate {
        &self.ready[place as usize]
    }

    /// The highest rate there is.
    pub(super) fn highest(&self) -> i64 {
        self.ready.iter().map(|ready| ready.rate).max().unwrap_or(0)
    }

    /// Takes away the rate of everyone for whom `has` does not hold.
    pub(super) fn keep(&mut self, has: &[bool]) {
        for (place, has) in self.of.iter_mut().zip(has) {
            if !has {
                *place = 0;
            }
        }
    }

    /// Takes every rate below 0 for none.
    pub(super) fn no_less_than_nothing(&mut self) {
        for place in &mut self.of {
            if self.ready[*place as usize].rate < 0 {
                *place = 0;
            }
        }
    }

    /// Lowers every rate to `most` at most, whose factors are given.
    pub(super) fn cap(&mut self, most: i64, factors: &[Factor]) {
        for ready in self.ready.iter_mut().filter(|ready| most < ready.rate) {
            (ready.rate, ready.factors) = (most, factors.to_vec());
        }
    }

    /// The brackets a row has reached, lowest first.
    pub(super) fn reached(&self, row: usize) -> &[ReadyRate] {
        &self.ready[1..=self.of[row] as usize]
    }
}

impl Desk<'_> {
    /// The rate of everyone; a unit of what it is paid on is worth `value` of the base currency. Brackets compare the indicator with
    /// [`Role::Over`], a rule is the one with [`Role::Rate`].
    pub(super) fn rates(
        &self,
        number: u16,
        bonus: &PlannedBonus,
        rate: &Rate,
        value: Decimal,
    ) -> Result<Rates, EngineError> {
        let rows = self.snapshot.people.len();
        let code = &bonus.definition.code;
        let ready = |from: i64, rate: Decimal| {
            let factors = self.factors(number, rate, value)?;
            Ok(ReadyRate { from, rate: fixed(rate, RATE_SCALE, "a rate", code)?, factors })
        };
        let none = ready(i64::MIN, Decimal::ZERO)?;
        match rate {
            Rate::Fixed(rate) => Ok(Rates { ready: vec![none, ready(i64::MIN, *rate)?], of: vec![1; rows] }),
            Rate::Brackets(brackets) => {
                let steps = brackets.steps.iter();
                let steps = steps.map(|step| ready(fixed_floor(step.from, AMOUNT_SCALE), step.rate));
                let ready =
                    std::iter::once(Ok(none)).chain(steps).collect::<Result<Vec<_>, EngineError>>()?;
                let Some(over) = bonus.indicator(Role::Over) else {
                    return Ok(Rates { ready, of: vec![0; rows] });
                };
                // Quotients have more decimals than amounts, and are compared with all of them.
                let quotients = self.run.quotients.get(over).filter(|quotients| !quotients.is_empty());
                let of = if let Some(quotients) = quotients {
                    let steps = &brackets.steps;
                    let reached = |over: &Decimal| position(steps.partition_point(|step| step.from <= *over));
                    quotients.decimals.iter().map(reached).collect()
                } else {
                    let reached =
                        |over: &i64| position(ready[1..].partition_point(|step| step.from <= *over));
                    self.base(over, number)?.iter().map(reached).collect()
                };
                Ok(Rates { ready, of })
            }
            Rate::ByRank(rows) => {
                let ready = rows.iter().map(|row| ready(i64::MIN, row.rate));
                let ready =
                    std::iter::once(Ok(none)).chain(ready).collect::<Result<Vec<_>, EngineError>>()?;
                let by_rank = places_by_rank(self.plan, rows);
                let of = self.run.paid.iter().map(|rank| by_rank[usize::from(*rank)]).collect();
                Ok(Rates { ready, of })
            }
            Rate::Rule(_) => {
                let Some(rule) = bonus.rule(Role::Rate) else {
                    return Ok(Rates { ready: vec![none], of: vec![0; rows] });
                };
                let values = self.run.numbers(rule, RATE_SCALE, || format!("the rate of bonus {code}"))?;
                let mut rates = Rates { ready: vec![none], of: Vec::with_capacity(rows) };
                let mut known = BTreeMap::from([(0_i64, 0_u32)]);
                for rate in values {
                    let next = position(rates.ready.len());
                    let place = *known.entry(rate).or_insert(next);
                    if place == next {
                        rates.ready.push(ready(i64::MIN, Decimal::new(rate, RATE_SCALE))?);
                    }
                    rates.of.push(place);
                }
                Ok(rates)
            }
        }
    }
}

/// Whether each slice is paid at its own rate.
pub(super) fn is_marginal(rate: &Rate) -> bool {
    matches!(rate, Rate::Brackets(Brackets { marginal: true, .. }))
}

/// Whether a rank reaches that of a row of a table; `None` is reached by everyone.
pub(super) fn reaches(plan: &Plan, from: Option<&String>, rank: u8) -> bool {
    from.is_none_or(|from| plan.rank_position(from).is_some_and(|from| from <= rank))
}

/// The ranks of a plan, that of somebody who has none first.
pub(super) fn all_ranks(plan: &Plan) -> std::ops::RangeInclusive<u8> {
    0..=u8::try_from(plan.rank_rules().len()).unwrap_or(u8::MAX)
}

/// For each rank the number of the row of a table that it reaches, from 1; 0 for none.
fn places_by_rank(plan: &Plan, rows: &[RateOfRank]) -> Vec<u32> {
    let reached =
        |rank: u8| rows.iter().rposition(|row| reaches(plan, row.rank.as_ref(), rank)).map_or(0, |at| at + 1);
    all_ranks(plan).map(|rank| position(reached(rank))).collect()
}
