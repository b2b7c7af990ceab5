//! Indicators, each as its definition reads: who is a member, what each brings, what becomes of it.

use anyhow::{Context, Result, bail, ensure};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    cycle::{Bought, Cycle},
    names::{Place, Speaker},
    network::Network,
    numbers::half_even,
    plan::{choice, count, decimal, flag, maybe, text},
};

impl Cycle<'_> {
    /// Whether the activity rule holds for a person.
    pub(crate) fn is_active(&self, person: usize) -> Result<bool> {
        if let Some(known) = self.active.borrow()[person] {
            return Ok(known);
        }
        let rule = text(&self.plan.document, "/activity/rule").context("the plan has no activity rule")?;
        let active = self.plan.rule(rule)?.holds(&Speaker::new(self, person, Place::Activity))?;
        self.active.borrow_mut()[person] = Some(active);
        Ok(active)
    }

    /// The value of an indicator of a person.
    pub(crate) fn indicator(&self, place: usize, person: usize) -> Result<Decimal> {
        if let Some(known) = self.indicators.borrow()[place][person] {
            return Ok(known);
        }
        let value = self.aggregated(place, person).with_context(|| {
            format!("indicator {}", text(&self.plan.indicators[place], "/code").unwrap_or_default())
        })?;
        self.indicators.borrow_mut()[place][person] = Some(value);
        Ok(value)
    }

    /// The value of the indicator with this code.
    pub(crate) fn indicator_of(&self, code: &str, person: usize) -> Result<Decimal> {
        let place = self.plan.indicator(code).with_context(|| format!("no indicator {code}"))?;
        self.indicator(place, person)
    }

    fn aggregated(&self, place: usize, person: usize) -> Result<Decimal> {
        let definition = &self.plan.indicators[place];
        let (scope, held) = choice(&definition["scope"])?;
        let tree = self.tree(text(definition, "/options/tree").unwrap_or("placement"));
        let aggregate = text(definition, "/aggregate").unwrap_or("sum");
        let legs = || -> Result<Vec<Vec<Decimal>>> {
            tree.children[person].iter().map(|child| self.brought_by(place, &tree.leg(*child))).collect()
        };
        if aggregate == "legs" {
            ensure!(scope == "legs", "legs are counted among legs");
            let customers = flag(definition, "/options/customers_open_legs", false);
            let least = count(definition, "/options/members_per_leg", 1)?;
            let heads = tree.children[person].iter().zip(legs()?);
            let counted = heads.filter(|(head, members)| {
                (customers || self.is_consultant(**head)) && least <= members.len()
            });
            return Ok(Decimal::from(counted.count()));
        }
        let number = || held.as_u64().and_then(|number| usize::try_from(number).ok()).context("no number");
        let capped = definition.pointer("/options/cap_per_leg").is_some_and(|cap| !cap.is_null());
        match scope {
            "strongest-leg" => legs_by_size(definition, &legs()?, 0..1),
            "leg" | "weakest-of-strongest-legs" => {
                legs_by_size(definition, &legs()?, number()? - 1..number()?)
            }
            "except-strongest-legs" => legs_by_size(definition, &legs()?, number()?..usize::MAX),
            "legs" => legs_by_size(definition, &legs()?, 0..usize::MAX),
            "downline" if capped => legs_by_size(definition, &legs()?, 0..usize::MAX),
            "team" if capped => {
                let own = total(definition, &self.brought_by(place, &[person])?)?;
                Ok(own + legs_by_size(definition, &legs()?, 0..usize::MAX)?)
            }
            _ => {
                ensure!(!capped, "{scope} has no legs to cap");
                let members = self.members(definition, scope, held, tree, person)?;
                total(definition, &self.brought_by(place, &members)?)
            }
        }
    }

    /// Everyone of a scope, whatever the filter says.
    fn members(
        &self,
        definition: &Value,
        scope: &str,
        held: &Value,
        tree: &Network,
        person: usize,
    ) -> Result<Vec<usize>> {
        let children = || tree.children[person].iter().copied();
        let of_levels = |from: usize, to: usize| -> Vec<usize> {
            let below = tree.below(person);
            let level = |member: &usize| tree.path(person, *member).count();
            below.into_iter().filter(|member| (from..=to).contains(&level(member))).collect()
        };
        let rank = || self.plan.rank(text(held, "/rank").context("no rank")?);
        Ok(match scope {
            "self" => vec![person],
            "customers" => children().filter(|child| !self.is_consultant(*child)).collect(),
            "frontline" => children().collect(),
            "level" => {
                let level = usize::try_from(held.as_u64().context("no level")?)?;
                of_levels(level, level)
            }
            "levels" => of_levels(count(held, "/from", 1)?, count(held, "/to", 1)?),
            "downline" => tree.below(person),
            "team" => tree.leg(person),
            "group" => {
                let rank = rank()?;
                let mut members = tree.below_while(person, |member| !self.leads(definition, rank, member));
                if flag(held, "/self", true) {
                    members.push(person);
                }
                members
            }
            "generation" => {
                let rank = rank()?;
                let number = count(held, "/number", 0)?;
                let own_first = text(held, "/counts") == Some("own-group");
                let leads = |at: &usize| self.leads(definition, rank, *at);
                let passed = |member: usize| tree.path(person, member).filter(leads).count();
                let wanted = |member: &usize| passed(*member) + usize::from(own_first) == number;
                // One's own group contains oneself.
                tree.leg(person)
                    .into_iter()
                    .filter(
                        |member| {
                            if *member == person { number == usize::from(own_first) } else { wanted(member) }
                        },
                    )
                    .collect()
            }
            "enrolled" => self.enrolment.children[person].clone(),
            "upline" => {
                let rank = rank()?;
                let mut members = Vec::new();
                for above in tree.above(person) {
                    members.push(above);
                    if self.leads(definition, rank, above) {
                        break;
                    }
                }
                members
            }
            "company" => (0..self.people().len()).collect(),
            other => bail!("the oracle does not know the scope {other}"),
        })
    }

    /// Whether a member has the rank that a scope speaks of. All ranks are known by then, where those of this cycle are asked for.
    fn leads(&self, definition: &Value, least: u8, member: usize) -> bool {
        self.rank_seen(definition, member).is_ok_and(|rank| least <= rank)
    }

    /// A member's rank, of the cycle before unless the indicator asks for that of this one.
    fn rank_seen(&self, definition: &Value, member: usize) -> Result<u8> {
        if text(definition, "/options/ranks") == Some("paid") {
            self.paid(member)
        } else {
            Ok(self.standing[member].previous_rank)
        }
    }

    /// What those of `members` bring who count.
    fn brought_by(&self, place: usize, members: &[usize]) -> Result<Vec<Decimal>> {
        let mut values = Vec::new();
        for member in members {
            values.extend(self.brought_once(place, *member)?);
        }
        Ok(values)
    }

    /// What one member brings to whoever counts them, nothing if they do not count; worked out once.
    fn brought_once(&self, place: usize, member: usize) -> Result<Vec<Decimal>> {
        if let Some(known) = &self.brought.borrow()[place][member] {
            return Ok(known.clone());
        }
        let definition = &self.plan.indicators[place];
        let counts = self.counts(definition, member)?;
        let found = if counts { self.values(definition, member)? } else { Vec::new() };
        self.brought.borrow_mut()[place][member] = Some(found.clone());
        Ok(found)
    }

    /// Whether a member meets the filter and the minimum.
    fn counts(&self, definition: &Value, member: usize) -> Result<bool> {
        if let Some(rule) = text(definition, "/filter")
            && !self.plan.rule(rule)?.holds(&self.speaker(definition, member))?
        {
            return Ok(false);
        }
        let least = maybe(definition, "/options/minimum_own_volume")?;
        Ok(least.is_none_or(|least| least <= self.own("vq", member)))
    }

    fn speaker(&self, definition: &Value, member: usize) -> Speaker<'_> {
        let paid = text(definition, "/options/ranks") == Some("paid");
        Speaker::new(self, member, Place::Member { paid })
    }

    /// What a person's own orders of this cycle come to.
    pub(crate) fn own(&self, measure: &str, person: usize) -> Decimal {
        self.own_orders(person).filter_map(|order| order.brings(measure)).sum()
    }

    /// One value of a member, or one for each order.
    fn values(&self, definition: &Value, member: usize) -> Result<Vec<Decimal>> {
        if text(definition, "/options/over") != Some("orders") {
            return Ok(vec![self.measured(definition, member)?]);
        }
        let measure = text(definition, "/measure").context("only what orders bring runs over orders")?;
        let orders = self.orders_in_window(definition, member)?;
        let values = orders.iter().map(|order| order.brings(measure).context("no measure of orders"));
        values.collect()
    }

    /// What one member brings.
    fn measured(&self, definition: &Value, member: usize) -> Result<Decimal> {
        let (measure, held) = choice(&definition["measure"])?;
        Ok(match measure {
            "people" => Decimal::ONE,
            "rank" => Decimal::from(self.rank_seen(definition, member)?),
            "level" => {
                let tree = self.tree(text(definition, "/options/tree").unwrap_or("placement"));
                Decimal::from(tree.level(member))
            }
            "indicator" => self.indicator_of(held.as_str().context("no code")?, member)?,
            "formula" => {
                let rule = self.plan.rule(held.as_str().context("no formula")?)?;
                let speaker = self.speaker(definition, member);
                let digits = match text(definition, "/unit").unwrap_or("points") {
                    "ratio" => 18,
                    "people" | "rank" => 0,
                    _ => 4,
                };
                half_even(rule.number(&speaker)?, digits)
            }
            of_orders => {
                let mut sum = Decimal::ZERO;
                for order in self.orders_in_window(definition, member)? {
                    sum += order.brings(of_orders).with_context(|| format!("no measure {of_orders}"))?;
                }
                sum
            }
        })
    }

    /// A member's orders of the window.
    fn orders_in_window(&self, definition: &Value, member: usize) -> Result<Vec<&Bought>> {
        let (window, held) = match definition.get("window") {
            None => ("this-cycle", &Value::Null),
            Some(window) => choice(window)?,
        };
        let number = || held.as_u64().and_then(|number| usize::try_from(number).ok()).context("no number");
        let year = |cycle: &Cycle<'_>| cycle.input.last_day.year();
        let all = 0..=self.earlier.len();
        let back: Vec<usize> = match window {
            "this-cycle" => vec![0],
            "previous" => vec![number()?],
            "last" => (0..number()?).collect(),
            "calendar-year" => {
                all.filter(|k| self.before(*k).is_some_and(|cycle| year(cycle) == year(self))).collect()
            }
            "lifetime" | "days-since-joining" => all.collect(),
            other => bail!("the oracle does not know the window {other}"),
        };
        let id = &self.people()[member].id;
        let mut found = Vec::new();
        for cycle in back.into_iter().filter_map(|k| self.before(k)) {
            let Some(there) = cycle.index.get(id) else { continue };
            found.extend(cycle.own_orders(*there));
        }
        if window == "days-since-joining" {
            let days = i32::try_from(number()?)?;
            let joined = self.people()[member].joined_on;
            found.retain(|order| {
                joined.is_some_and(|joined| joined <= order.day && (order.day - joined).get_days() < days)
            });
        }
        Ok(found)
    }
}

/// One number out of what some members bring.
fn total(definition: &Value, values: &[Decimal]) -> Result<Decimal> {
    let sum = || -> Decimal { values.iter().copied().sum() };
    Ok(match text(definition, "/aggregate").unwrap_or("sum") {
        "sum" => sum(),
        "count" => Decimal::from(values.len()),
        "max" => values.iter().max().copied().unwrap_or_default(),
        "min" => values.iter().min().copied().unwrap_or_default(),
        "average" if values.is_empty() => Decimal::ZERO,
        "average" => half_even(sum() / Decimal::from(values.len()), 18),
        other => bail!("the oracle does not know the aggregate {other}"),
    })
}

/// The sum of the legs' totals at some places of their order by size, each cut to the cap before.
fn legs_by_size(
    definition: &Value,
    legs: &[Vec<Decimal>],
    places: std::ops::Range<usize>,
) -> Result<Decimal> {
    let mut totals: Vec<Decimal> = legs.iter().map(|leg| total(definition, leg)).collect::<Result<_>>()?;
    if let Some(cap) = definition.pointer("/options/cap_per_leg").filter(|cap| !cap.is_null()) {
        let (kind, held) = choice(cap)?;
        let all: Decimal = totals.iter().copied().sum();
        let most = match kind {
            "amount" => decimal(held)?,
            "share" => all * decimal(held)?,
            other => bail!("no cap {other}"),
        };
        for total in &mut totals {
            *total = (*total).min(most);
        }
    }
    totals.sort();
    totals.reverse();
    let wanted = totals.iter().enumerate().filter(|(place, _)| places.contains(place));
    Ok(wanted.map(|(_, total)| *total).sum())
}
