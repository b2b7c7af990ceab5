//! One's own rate less the rates of those below.

use std::borrow::Cow;

use plan::{
    PlannedBonus, Role,
    bonus::{Differential, DifferentialBy, LevelBase},
};
use rust_decimal::Decimal;

use super::{
    desk::{Claim, Desk, value_of},
    levels::{depth_by_row, level_number, next_greater},
    rates::Rates,
    shares::{Outcome, Share},
};
use crate::{
    amount::RATE_SCALE,
    columns::{NONE, Tree, position},
    failure::EngineError,
    indicators::rounded,
    snapshot::fixed,
};

impl<'a> Desk<'a> {
    pub(super) fn differential(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        differential: &Differential,
    ) -> Result<(), EngineError> {
        match &differential.by {
            DifferentialBy::Member => self.by_member(number, bonus, differential),
            DifferentialBy::Source(on) => self.by_source(number, bonus, differential, on),
        }
    }

    /// The rates of consultants; a customer's is 0. None is below 0: the difference to it would pass the highest rate.
    fn rates_below(
        &self,
        number: u16,
        bonus: &PlannedBonus,
        differential: &Differential,
        value: Decimal,
    ) -> Result<Rates, EngineError> {
        let mut rates = self.rates(number, bonus, &differential.rate, value)?;
        rates.keep(&self.snapshot.people.consultant);
        rates.no_less_than_nothing();
        Ok(rates)
    }

    fn by_member(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        differential: &Differential,
    ) -> Result<(), EngineError> {
        let Some(of) = bonus.indicator(Role::Of) else { return Ok(()) };
        let value = value_of(self.plan, &self.plan.indicators()[of].definition);
        let rates = self.rates_below(number, bonus, differential, value)?;
        let who = self.who(&bonus.when, &bonus.definition.code)?;
        let total = self.base(of, number)?;
        let tree = self.tree(differential.tree);
        let step = Step { number, order: NONE, walked: 1, who: &who, rates: &rates };
        for (row, upper) in tree.parent.iter().enumerate().filter(|(_, upper)| **upper != NONE) {
            self.step(&step, *upper as usize, row, total[row], rates.place(row))?;
        }
        if differential.own {
            for (row, own) in own_parts(tree, &total).into_iter().enumerate() {
                let own = own.ok_or_else(|| self.overflow(row, number))?;
                self.step(&Step { walked: 0, ..step }, row, row, own, 0)?;
            }
        }
        Ok(())
    }

    fn by_source(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        differential: &Differential,
        on: &LevelBase,
    ) -> Result<(), EngineError> {
        let value = self.value_brought(bonus, on);
        let mut rates = self.rates_below(number, bonus, differential, value)?;
        if let Some(most) = differential.most {
            let factors = self.factors(number, most, value)?;
            rates.cap(fixed(most, RATE_SCALE, "the most", &bonus.definition.code)?, &factors);
        }
        let given = self.given(bonus)?;
        let who = self.who(&bonus.when, &bonus.definition.code)?;
        let tree = self.tree(differential.tree);
        let depth = depth_by_row(tree, None);
        let next = next_greater(tree, |row| rates.of(row).rate);
        let top = rates.highest();
        for (source, order, base) in self.brought(number, bonus, on)? {
            let source = source as usize;
            let step = Step { number, order, walked: 0, who: &who, rates: &rates };
            // What was given is a rate of nobody's: it has a place of its own, after all others.
            let mut held = match &given {
                Some(given) => Held::Given(given[source].max(0)),
                None if differential.own => Held::Place(0),
                None => Held::Place(rates.place(source)),
            };
            let mut at = match &given {
                _ if differential.own => Some(source),
                Some(_) => above(tree.parent[source]),
                None => above(next[source]),
            };
            while let Some(row) = at {
                let rate = rates.of(row).rate;
                if held.rate(&rates) < rate {
                    let walked = depth[source].saturating_sub(depth[row]) as usize;
                    let step = Step { walked: level_number(walked), ..step };
                    match held {
                        Held::Place(place) => self.step(&step, row, source, base, place)?,
                        Held::Given(given) => {
                            self.step_over_given(&step, row, source, base, (given, value))?;
                        }
                    }
                    held = Held::Place(rates.place(row));
                }
                at = above(next[row]);
            }
            let left = top.saturating_sub(held.rate(&rates)).max(0);
            self.share(Share {
                bonus: number,
                holder: NONE,
                earner: NONE,
                level: 0,
                base,
                rate: left,
                outcome: Outcome::NobodyThere,
            });
        }
        Ok(())
    }

    /// The rate each source has been given already, in thousand-millionths.
    fn given(&self, bonus: &PlannedBonus) -> Result<Option<Cow<'a, [i64]>>, EngineError> {
        let Some(given) = bonus.indicator(Role::Given) else { return Ok(None) };
        let too_large = |row: usize| EngineError::Overflow {
            person: self.snapshot.people.ids.get(row).to_owned(),
            what: format!("the rate given already of bonus {}", bonus.definition.code),
        };
        let quotients = &self.run.quotients[given].decimals;
        if !quotients.is_empty() {
            let rate =
                |(row, value): (usize, &Decimal)| rounded(*value, RATE_SCALE).ok_or_else(|| too_large(row));
            let rates: Vec<i64> = quotients.iter().enumerate().map(rate).collect::<Result<_, _>>()?;
            return Ok(Some(Cow::Owned(rates)));
        }
        let (values, scale) = (&self.run.columns[given], self.plan.indicators()[given].scale);
        let power = 10_i64.pow(RATE_SCALE.saturating_sub(scale));
        if power == 1 {
            return Ok(Some(Cow::Borrowed(values)));
        }
        let scaled = |(row, value): (usize, &i64)| value.checked_mul(power).ok_or_else(|| too_large(row));
        values.iter().enumerate().map(scaled).collect::<Result<_, _>>().map(|given| Some(Cow::Owned(given)))
    }

    /// Pays an earner the own rate less that of the place `below`, if it is more.
    fn step(
        &mut self,
        step: &Step<'_>,
        earner: usize,
        source: usize,
        base: i64,
        below: u32,
    ) -> Result<(), EngineError> {
        let (own, below) = (step.rates.of(earner), step.rates.at(below));
        let rate = own.rate.saturating_sub(below.rate);
        if base == 0 || rate <= 0 {
            return Ok(());
        }
        let Some(claim) = self.entitled(step, earner, source, base, rate) else { return Ok(()) };
        let at = self.currency_index(earner);
        let factor = own.factors[at].less(below.factors[at]);
        self.pay(claim, factor.ok_or_else(|| self.overflow(earner, step.number))?)
    }

    /// Pays an earner the own rate less one that is nobody's.
    fn step_over_given(
        &mut self,
        step: &Step<'_>,
        earner: usize,
        source: usize,
        base: i64,
        (given, value): (i64, Decimal),
    ) -> Result<(), EngineError> {
        let rate = step.rates.of(earner).rate.saturating_sub(given);
        let Some(claim) = self.entitled(step, earner, source, base, rate) else { return Ok(()) };
        let at = self.currency_index(earner);
        let factor = self.factor(step.number, Decimal::new(rate, RATE_SCALE), value, at)?;
        self.pay(claim, factor)
    }

    /// Keeps account of a difference; the claim if it is paid.
    fn entitled(
        &mut self,
        step: &Step<'_>,
        earner: usize,
        source: usize,
        base: i64,
        rate: i64,
    ) -> Option<Claim> {
        let is_paid = step.who[earner];
        let row = position(earner);
        self.share(Share {
            bonus: step.number,
            holder: row,
            earner: row,
            level: step.walked,
            base,
            rate,
            outcome: Outcome::paid_if(is_paid),
        });
        is_paid.then_some(Claim {
            bonus: step.number,
            earner,
            source,
            order: step.order,
            level_walked: step.walked,
            level_paid: step.walked,
            base,
            rate,
        })
    }
}

/// What the lines of one source, or of all first lines, have in common.
#[derive(Clone, Copy)]
struct Step<'a> {
    number: u16,
    order: u32,
    walked: u16,
    who: &'a [bool],
    rates: &'a Rates,
}

/// The highest rate so far on the way up from a source.
#[derive(Clone, Copy)]
enum Held {
    /// That of a place among the rates.
    Place(u32),
    /// What was given before.
    Given(i64),
}

impl Held {
    fn rate(self, rates: &Rates) -> i64 {
        match self {
            Self::Place(place) => rates.at(place).rate,
            Self::Given(given) => given,
        }
    }
}

fn above(row: u32) -> Option<usize> {
    (row != NONE).then_some(row as usize)
}

/// What is left of each total without those of the first line; `None` where it does not fit.
fn own_parts(tree: &Tree, total: &[i64]) -> Vec<Option<i64>> {
    let mut own: Vec<Option<i64>> = total.iter().copied().map(Some).collect();
    for (row, upper) in tree.parent.iter().enumerate().filter(|(_, upper)| **upper != NONE) {
        let left = &mut own[*upper as usize];
        *left = left.and_then(|left| left.checked_sub(total[row]));
    }
    own
}
