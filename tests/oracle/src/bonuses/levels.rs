//! Rates by level: who takes a level, who is paid for it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use rust_decimal::Decimal;
use serde_json::Value;

use super::Brought;
use crate::{
    payouts::{Claim, Desk},
    plan::{choice, count, decimal, list, text},
};

impl<'a> Desk<'a> {
    pub(super) fn unilevel(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        let (sources, worth, measure) = self.brought(&how["on"], text(how, "/where"))?;
        if text(how, "/per") == Some("level") {
            return self.levels_together(code, bonus, how, sources, worth);
        }
        for one in sources {
            let above = self.line_above(how, one.source)?;
            for Share { level, walked, earner, rate } in self.shares(bonus, how, &above, &one, 1)? {
                let claim = Claim {
                    bonus: code,
                    source: one.source,
                    order: one.order,
                    level_paid: level,
                    level_walked: walked,
                    base: one.base,
                    rate,
                    worth,
                    measure: measure.clone(),
                    ..Claim::default()
                };
                self.pay(earner, claim)?;
            }
        }
        Ok(())
    }

    /// A line for each level of somebody, with all that is brought to it.
    fn levels_together(
        &mut self,
        code: &'a str,
        bonus: &'a Value,
        how: &'a Value,
        sources: Vec<Brought<'a>>,
        worth: Decimal,
    ) -> Result<()> {
        let mut together: BTreeMap<(usize, usize), (Decimal, Decimal)> = BTreeMap::new();
        for one in sources {
            let above = self.line_above(how, one.source)?;
            for Share { level, earner, rate, .. } in self.shares(bonus, how, &above, &one, 1)? {
                let (base, _) = together.entry((earner, level)).or_insert((Decimal::ZERO, rate));
                *base += one.base;
            }
        }
        for ((earner, level), (base, rate)) in together {
            let claim = Claim {
                bonus: code,
                source: earner,
                level_paid: level,
                level_walked: level,
                base,
                rate,
                worth,
                ..Claim::default()
            };
            self.pay(earner, claim)?;
        }
        Ok(())
    }

    /// Who is above somebody where levels are counted, the nearest first.
    fn line_above(&self, how: &Value, person: usize) -> Result<Vec<usize>> {
        let mut above = Vec::new();
        let mut at = person;
        while let Some(upper) = self.upper(how, at)? {
            above.push(upper);
            at = upper;
        }
        Ok(above)
    }

    /// Under whom somebody hangs where levels are counted: who passes up hangs where the one above them hangs, if that is anywhere.
    fn upper(&self, how: &Value, person: usize) -> Result<Option<usize>> {
        let Some(parent) = self.tree(how).parent[person] else { return Ok(None) };
        if !self.passes_up(how, person, parent)? {
            return Ok(Some(parent));
        }
        Ok(Some(self.upper(how, parent)?.unwrap_or(parent)))
    }

    /// Whether the number of somebody, among those under the same person in the order of joining, is one of those that pass up.
    fn passes_up(&self, how: &Value, person: usize, parent: usize) -> Result<bool> {
        let rule = text(how, "/pass_up/where").map(|rule| self.cycle.plan.rule(rule)).transpose()?;
        let mut numbered = Vec::new();
        for child in &self.tree(how).children[parent] {
            if rule.as_ref().map_or(Ok(true), |rule| rule.holds(&self.speaker(*child)))? {
                numbered.push(*child);
            }
        }
        numbered.sort_by_key(|child| self.cycle.people()[*child].joined_on);
        let place = numbered.iter().position(|child| *child == person);
        let number = place.map(|place| place as u64 + 1);
        Ok(list(how, "/pass_up/numbers").iter().any(|one| number.is_some() && one.as_u64() == number))
    }

    /// Who gets which level of one source, at which rate. `above` are those who may stand at a level, the nearest first, who
    /// would be at `first`.
    pub(super) fn shares(
        &self,
        bonus: &'a Value,
        how: &'a Value,
        above: &[usize],
        one: &Brought<'a>,
        first: usize,
    ) -> Result<Vec<Share>> {
        let compression = text(how, "/compression").unwrap_or("none");
        let mut qualified = Vec::new();
        for person in above {
            qualified.push(self.is_qualified(how, *person)?);
        }
        let mut shares = Vec::new();
        for (level, holder) in (first..).zip(self.holders(how, above, first)?) {
            // The one who gets it is the holder, or under roll-up the first qualified person from the holder up.
            let receiver = match compression {
                "roll-up" => (holder..above.len()).find(|place| qualified[*place]),
                _ => Some(holder).filter(|place| qualified[*place]),
            };
            let Some(place) = receiver else { continue };
            let earner = above[place];
            let by = match text(how, "/roll_up_rate").unwrap_or("loser") {
                "loser" => above[holder],
                "receiver" => earner,
                other => bail!("the oracle does not know the rate of the {other}"),
            };
            let Some(rate) = self.level_rate(&how["rates"], by, one, level)? else { continue };
            if self.is_paid(bonus, earner)? && level <= self.depth(how, earner)? {
                shares.push(Share { level, walked: place + 1, earner, rate });
            }
        }
        Ok(shares)
    }

    /// Who stands at each level from `first` on: their places among those above.
    pub(super) fn holders(&self, how: &'a Value, above: &[usize], first: usize) -> Result<Vec<usize>> {
        let compression = text(how, "/compression").unwrap_or("none");
        let mut holders = Vec::new();
        for (place, person) in above.iter().enumerate() {
            let level = first + holders.len();
            let takes = match compression {
                "none" | "roll-up" => true,
                "dynamic" => self.is_qualified(how, *person)?,
                "dynamic-by-level" => {
                    self.is_qualified(how, *person)? && level <= self.depth(how, *person)?
                }
                other => bail!("the oracle does not know the compression {other}"),
            };
            if takes {
                holders.push(place);
            }
        }
        Ok(holders)
    }

    /// How many levels a bonus has.
    pub(super) fn last_level(how: &Value) -> Result<usize> {
        let (kind, held) = choice(&how["rates"])?;
        let rates = |rates: &Value| list(rates, "").len();
        match kind {
            "by-level" => Ok(rates(held)),
            "by-rank" => Ok(list(held, "").iter().map(|row| rates(&row["rates"])).max().unwrap_or(0)),
            "rule" => count(held, "/levels", 0),
            other => bail!("the oracle does not know rates {other}"),
        }
    }

    /// The rate of a level for a person.
    fn level_rate(
        &self,
        rates: &'a Value,
        person: usize,
        one: &Brought<'a>,
        level: usize,
    ) -> Result<Option<Decimal>> {
        let (kind, held) = choice(rates)?;
        let of_level = |rates: &Value| rates.get(level - 1).map(decimal).transpose();
        match kind {
            "by-level" => of_level(held),
            "by-rank" => {
                let row = self.row_of_rank(list(held, ""), self.cycle.paid(person)?)?;
                row.map_or(Ok(None), |row| of_level(&row["rates"]))
            }
            "rule" if level <= count(held, "/levels", 0)? => {
                let speaker = self.speaker(person).with_order(one.order).with_level(one.source, level);
                self.rate_by_rule(text(held, "/rate").context("no rule")?, &speaker).map(Some)
            }
            "rule" => Ok(None),
            other => bail!("the oracle does not know rates {other}"),
        }
    }

    /// The levels a person is paid.
    pub(super) fn depth(&self, how: &'a Value, person: usize) -> Result<usize> {
        let rows = list(how, "/depth");
        if rows.is_empty() {
            return Ok(usize::MAX);
        }
        let row = self.row_of_rank(rows, self.cycle.paid(person)?)?;
        row.map_or(Ok(0), |row| count(row, "/levels", 0))
    }
}

/// A level that somebody gets.
pub(super) struct Share {
    pub(super) level: usize,
    /// The earner's place among those above, from 1.
    pub(super) walked: usize,
    pub(super) earner: usize,
    pub(super) rate: Decimal,
}
