//! What the names of rules stand for.

use anyhow::{Context, Result, bail};
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::{
    cycle::{Bought, Cycle},
    language::{Names, Value},
    numbers::whole,
};

/// Where a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The activity rule.
    Activity,
    /// A filter or formula of an indicator; whether `rank` is that of this cycle.
    Member { paid: bool },
    /// The rule of a rank.
    Rank,
    /// A rule of a bonus.
    Bonus,
}

/// A person a rule speaks of.
#[derive(Clone, Copy)]
pub(crate) struct Speaker<'a> {
    cycle: &'a Cycle<'a>,
    person: usize,
    place: Place,
    /// Who brought what is paid on, in rates of levels.
    source: Option<usize>,
    order: Option<&'a Bought>,
    level: Option<usize>,
}

impl<'a> Speaker<'a> {
    pub(crate) fn new(cycle: &'a Cycle<'_>, person: usize, place: Place) -> Self {
        // A cycle only lends what it holds, so that a shorter life does.
        let cycle: &'a Cycle<'a> = shorter(cycle);
        Self { cycle, person, place, source: None, order: None, level: None }
    }

    pub(crate) fn with_order(self, order: Option<&'a Bought>) -> Self {
        Self { order, ..self }
    }

    pub(crate) fn with_level(self, source: usize, level: usize) -> Self {
        Self { source: Some(source), level: Some(level), ..self }
    }

    fn attribute(&self, name: &str) -> Result<Option<Value>> {
        let person = &self.cycle.people()[self.person];
        let standing = self.cycle.standing[self.person];
        let position = |rank: u8| Value::Number(Decimal::from(rank));
        Ok(Some(match name {
            "active" => Value::Bool(self.cycle.is_active(self.person)?),
            "kind" => Value::from(if person.is_consultant() { "consultant" } else { "customer" }),
            "consultant" => Value::Bool(person.is_consultant()),
            "status" => Value::from(if person.status.is_empty() { "active" } else { &person.status }),
            "country" => Value::from(person.country.as_str()),
            "currency" => Value::from(self.cycle.currency(self.person)),
            "zone" => Value::from(person.zone.as_str()),
            "tags" => Value::List(self.cycle.tags(self.person).into_iter().map(Value::from).collect()),
            "joined_on" => Value::Date(person.joined_on.unwrap_or(Date::constant(0, 1, 1))),
            "joined_this_cycle" => Value::Bool(self.cycle.joined_now(self.person)),
            "level" => Value::Number(self.cycle.placement.level(self.person).into()),
            "previous_rank" => position(standing.previous_rank),
            "honorific_rank" => position(standing.honorific_rank),
            "rank" => match self.place {
                Place::Member { paid: false } => position(standing.previous_rank),
                _ => position(self.cycle.paid(self.person)?),
            },
            "earned_rank" => position(self.cycle.earned(self.person)?),
            "cycle_start" => Value::Date(self.cycle.input.first_day),
            "cycle_end" => Value::Date(self.cycle.input.last_day),
            _ => return Ok(None),
        }))
    }

    fn of_order(&self, name: &str, order: &Bought) -> Result<Option<Value>> {
        Ok(Some(match name {
            "is_return" => Value::Bool(order.is_return),
            "first_of_person" => Value::Bool(order.first_of_person),
            "category" => Value::from(order.category.as_str()),
            "days_since_joining" => {
                let buyer = self.source.unwrap_or(self.person);
                let joined = self.cycle.people()[buyer].joined_on;
                let joined = joined.unwrap_or(Date::constant(0, 1, 1));
                Value::Number((order.day - joined).get_days().into())
            }
            "paid_on" => Value::Date(order.day),
            "customer_price" => Value::Number(order.customer_price),
            "consultant_price" => Value::Number(order.consultant_price),
            amount => match order.brings(amount) {
                Some(_) => Value::Number(match amount {
                    "net" => order.net,
                    "gross" => order.gross,
                    "vq" => order.vq,
                    "vc" => order.vc,
                    "units" => order.units,
                    "points" => order.points,
                    _ => return Ok(None),
                }),
                None => return Ok(None),
            },
        }))
    }
}

/// The same cycle, for as long as it is looked at.
fn shorter<'a>(cycle: &'a Cycle<'_>) -> &'a Cycle<'a> {
    cycle
}

impl Names for Speaker<'_> {
    fn name(&self, name: &str) -> Result<Option<Value>> {
        if let (Some(field), Some(order)) = (name.strip_prefix("order."), self.order) {
            return self.of_order(field, order);
        }
        if let (Some(name), Some(source)) = (name.strip_prefix("source."), self.source) {
            return Speaker { person: source, ..*self }.name(name);
        }
        if let ("level_paid", Some(level)) = (name, self.level) {
            return Ok(Some(Value::Number(level.into())));
        }
        if let Ok(rank) = self.cycle.plan.rank(name) {
            return Ok(Some(Value::Number(Decimal::from(rank))));
        }
        if let Some(value) = self.attribute(name)? {
            return Ok(Some(value));
        }
        let Some(place) = self.cycle.plan.indicator(name) else { return Ok(None) };
        self.cycle.indicator(place, self.person).map(Value::Number).map(Some)
    }

    fn is_missing(&self, name: &str) -> Result<bool> {
        let (name, person) = match (name.strip_prefix("source."), self.source) {
            (Some(name), Some(source)) => (name, source),
            _ => (name, self.person),
        };
        if name == "joined_on" {
            return Ok(self.cycle.people()[person].joined_on.is_none());
        }
        match self.cycle.plan.indicator(name) {
            Some(place) => Ok(self.cycle.indicator_if_any(place, person)?.is_none()),
            None => Ok(false),
        }
    }

    fn call(&self, function: &str, arguments: &[Value]) -> Result<Option<Value>> {
        if let ("paid", Place::Bonus, [Value::Text(code)]) = (function, self.place, arguments) {
            return Ok(Some(Value::Number(self.cycle.paid_of(code, self.person))));
        }
        if !matches!(function, "legs_with_rank" | "frontline_with_rank" | "downline_with_rank") {
            return Ok(None);
        }
        if self.place != Place::Rank {
            bail!("{function} is only known in rules of ranks");
        }
        let (rank, in_leg) = match arguments {
            [rank] => (rank, 1),
            [rank, Value::Number(people)] if function == "legs_with_rank" => {
                (rank, usize::try_from(whole(*people)?)?)
            }
            _ => bail!("{function} takes a rank"),
        };
        let rank = match rank {
            Value::Text(code) => self.cycle.plan.rank(code)?,
            Value::Number(position) => u8::try_from(whole(*position)?)?,
            _ => bail!("{function} takes a rank"),
        };
        let around = self.cycle.ranked_around(function, rank, in_leg, self.person);
        around.map(|count| Some(Value::Number(count.into()))).context("ranks below")
    }
}
