//! Indicators, each as its definition reads: who is a member, what each brings, what becomes of it.

use anyhow::{Context, Result, bail, ensure};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    cycle::{Bought, Cycle},
    names::{Place, Speaker},
    network::Network,
    numbers::half_even,
    plan::{Plan, choice, count, decimal, flag, maybe, text},
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

    /// The value of an indicator of a person, 0 where it is missing.
    pub(crate) fn indicator(&self, place: usize, person: usize) -> Result<Decimal> {
        Ok(self.indicator_if_any(place, person)?.unwrap_or_default())
    }

    /// The value of an indicator of a person; none for the mean of nobody.
    pub(crate) fn indicator_if_any(&self, place: usize, person: usize) -> Result<Option<Decimal>> {
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

    fn aggregated(&self, place: usize, person: usize) -> Result<Option<Decimal>> {
        let definition = &self.plan.indicators[place];
        let (scope, held) = choice(&definition["scope"])?;
        let tree = self.tree(tree_of(definition));
        let legs = || -> Result<Vec<Vec<Brought>>> {
            tree.children[person].iter().map(|child| self.brought_by(place, &tree.leg(*child))).collect()
        };
        if aggregate_of(definition) == "legs" {
            ensure!(scope == "legs", "legs are counted among legs");
            let customers = flag(definition, "/options/customers_open_legs", false);
            let least = count(definition, "/options/members_per_leg", 1)?;
            let heads = tree.children[person].iter().zip(legs()?);
            let counted = heads.filter(|(head, members)| {
                (customers || self.is_consultant(**head)) && least <= members.len()
            });
            return Ok(Some(Decimal::from(counted.count())));
        }
        let number = || held.as_u64().and_then(|number| usize::try_from(number).ok()).context("no number");
        let capped = definition.pointer("/options/cap_per_leg").is_some_and(|cap| !cap.is_null());
        let of_legs = |places| of_legs(self.plan, definition, &legs()?, places);
        match scope {
            "strongest-leg" => of_legs(0..1),
            "leg" | "weakest-of-strongest-legs" => of_legs(number()? - 1..number()?),
            "except-strongest-legs" => of_legs(number()?..usize::MAX),
            "legs" => of_legs(0..usize::MAX),
            "downline" if capped => of_legs(0..usize::MAX),
            "team" if capped => {
                let own = total(definition, &self.brought_by(place, &[person])?)?.unwrap_or_default();
                Ok(Some(own + of_legs(0..usize::MAX)?.unwrap_or_default()))
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
        // Level 1 is who has nobody between who takes a level.
        let of_levels = |from: usize, to: usize| -> Result<Vec<usize>> {
            let mut found = Vec::new();
            for member in tree.below(person) {
                let mut level = 1;
                for between in tree.path(person, member).skip(1) {
                    level += usize::from(self.takes_level(definition, between)?);
                }
                if (from..=to).contains(&level) {
                    found.push(member);
                }
            }
            Ok(found)
        };
        let rank = || self.plan.rank(text(held, "/rank").context("no rank")?);
        Ok(match scope {
            "self" => vec![person],
            "customers" => children().filter(|child| !self.is_consultant(*child)).collect(),
            "frontline" => children().collect(),
            "level" => {
                let level = usize::try_from(held.as_u64().context("no level")?)?;
                of_levels(level, level)?
            }
            "levels" => of_levels(count(held, "/from", 1)?, count(held, "/to", 1)?)?,
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
                let leaders_last = text(held, "/counts") == Some("between");
                let leads = |at: &usize| self.leads(definition, rank, *at);
                let passed = |member: usize| tree.path(person, member).filter(leads).count();
                let wanted = |member: &usize| {
                    if leaders_last {
                        return passed(*member) + 1 == number + usize::from(leads(member));
                    }
                    passed(*member) + usize::from(own_first) == number
                };
                // One's own group contains oneself.
                let has_self = !leaders_last && number == usize::from(own_first);
                let is_of = |member: &usize| if *member == person { has_self } else { wanted(member) };
                tree.leg(person).into_iter().filter(is_of).collect()
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

    /// Whether somebody takes a level: everyone, or the consultants who qualify.
    fn takes_level(&self, definition: &Value, person: usize) -> Result<bool> {
        match text(definition, "/options/qualified") {
            None => Ok(true),
            Some(rule) => Ok(self.is_consultant(person)
                && self.plan.rule(rule)?.holds(&self.speaker(definition, person))?),
        }
    }

    /// Whether a member has the rank that a scope speaks of. Where ranks of this cycle are asked for, a rule of a rank asks of those
    /// below, whose ranks are worked out then if they are not known; everybody else asks when all are.
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
    fn brought_by(&self, place: usize, members: &[usize]) -> Result<Vec<Brought>> {
        let mut all = Vec::new();
        for member in members {
            all.extend(self.brought_once(place, *member)?);
        }
        Ok(all)
    }

    /// What one member brings to whoever counts them, nothing if they do not count; worked out once.
    fn brought_once(&self, place: usize, member: usize) -> Result<Option<Brought>> {
        if let Some(known) = &self.brought.borrow()[place][member] {
            return Ok(known.clone());
        }
        let definition = &self.plan.indicators[place];
        let counts = self.counts(definition, member)?;
        let found = if counts { Some(self.member_brings(definition, member)?) } else { None };
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

    /// One value of a member, one for each order, or one for each cycle.
    fn member_brings(&self, definition: &Value, member: usize) -> Result<Brought> {
        let cycles = self.cycles_of(definition)?;
        match text(definition, "/options/over").unwrap_or("members") {
            "members" => {
                let mut sum = Decimal::ZERO;
                for cycle in cycles {
                    sum += self.measured(definition, member, cycle)?.unwrap_or_default();
                }
                Ok(Brought { values: vec![sum], less: Decimal::ZERO })
            }
            "cycles" => {
                let mut values = Vec::new();
                for cycle in cycles {
                    values.extend(self.measured(definition, member, cycle)?);
                }
                Ok(Brought { values, less: Decimal::ZERO })
            }
            "orders" => self.by_order(definition, member, &cycles),
            other => bail!("nothing runs over {other}"),
        }
    }

    /// A value per sale, less what of it came back; what came back of other sales is apart. For returns a value per return.
    fn by_order(&self, definition: &Value, member: usize, cycles: &[&Cycle<'_>]) -> Result<Brought> {
        let measure = text(definition, "/measure").context("only what orders bring runs over orders")?;
        let of_returns = measure.starts_with("returns-");
        let mut orders = Vec::new();
        for cycle in cycles {
            orders.extend(self.orders_of(definition, member, cycle)?);
        }
        let brings = |order: &Bought| order.brings(measure).with_context(|| format!("no measure {measure}"));
        let mut sales: Vec<(&str, Decimal)> = Vec::new();
        for order in orders.iter().filter(|order| order.is_return == of_returns) {
            sales.push((&order.id, brings(order)?));
        }
        let mut less = Decimal::ZERO;
        for order in orders.iter().filter(|order| order.is_return && !of_returns) {
            match sales.iter_mut().find(|(id, _)| *id == order.reverses) {
                Some((_, left)) => *left += brings(order)?,
                None => less -= brings(order)?,
            }
        }
        Ok(Brought { values: sales.into_iter().map(|(_, left)| left).collect(), less })
    }

    /// What one member brought in one cycle; nothing if they were not there.
    fn measured(&self, definition: &Value, member: usize, then: &Cycle<'_>) -> Result<Option<Decimal>> {
        let Some(there) = then.index.get(&self.people()[member].id).copied() else { return Ok(None) };
        let (measure, held) = choice(&definition["measure"])?;
        Ok(Some(match measure {
            "people" => Decimal::ONE,
            "rank" => Decimal::from(then.rank_seen(definition, there)?),
            "level" => Decimal::from(then.tree(tree_of(definition)).level(there)),
            "indicator" => then.indicator_of(held.as_str().context("no code")?, there)?,
            "formula" => {
                let rule = self.plan.rule(held.as_str().context("no formula")?)?;
                let digits = match text(definition, "/unit").unwrap_or("points") {
                    "ratio" => 18,
                    "people" | "rank" => 0,
                    _ => 4,
                };
                half_even(rule.number(&then.speaker(definition, there))?, digits)
            }
            of_orders => {
                let mut sum = Decimal::ZERO;
                for order in self.orders_of(definition, member, then)? {
                    sum += order.brings(of_orders).with_context(|| format!("no measure {of_orders}"))?;
                }
                sum
            }
        }))
    }

    /// The cycles of an indicator's window, this one first.
    fn cycles_of(&self, definition: &Value) -> Result<Vec<&Cycle<'_>>> {
        let (window, held) = match definition.get("window") {
            None => ("this-cycle", &Value::Null),
            Some(window) => choice(window)?,
        };
        let number = || held.as_u64().and_then(|number| usize::try_from(number).ok()).context("no number");
        let months = |period: &str| match period {
            "calendar-month" => Some(1),
            "calendar-quarter" => Some(3),
            "calendar-half" => Some(6),
            "calendar-year" => Some(12),
            _ => None,
        };
        let all = 0..=self.earlier.len();
        let back: Vec<usize> = match window {
            "this-cycle" => vec![0],
            "previous" => vec![number()?],
            "last" => (0..number()?).collect(),
            "lifetime" | "days-since-joining" => all.collect(),
            "plan-period" => {
                let begun = self.plan.periods_begun(self.input.last_day)?;
                let mut same = Vec::new();
                for k in all {
                    if let Some(cycle) = self.before(k)
                        && self.plan.periods_begun(cycle.input.last_day)? == begun
                    {
                        same.push(k);
                    }
                }
                same
            }
            period => {
                let months = months(period).with_context(|| format!("no window {period}"))?;
                let period_of = |cycle: &Cycle<'_>| {
                    let day = cycle.input.last_day;
                    (day.year(), (day.month() - 1) / months)
                };
                let same =
                    |k: &usize| self.before(*k).is_some_and(|cycle| period_of(cycle) == period_of(self));
                all.filter(same).collect()
            }
        };
        Ok(back.into_iter().filter_map(|k| self.before(k)).collect())
    }

    /// A member's orders of a cycle that an indicator measures.
    fn orders_of<'c>(
        &self,
        definition: &Value,
        member: usize,
        then: &'c Cycle<'_>,
    ) -> Result<Vec<&'c Bought>> {
        let Some(there) = then.index.get(&self.people()[member].id) else { return Ok(Vec::new()) };
        let rule = text(definition, "/where").map(|rule| self.plan.rule(rule)).transpose()?;
        let days = maybe(definition, "/window/days-since-joining")?;
        let mut found = Vec::new();
        for order in then.own_orders(*there) {
            let counts = match &rule {
                Some(rule) => {
                    rule.holds(&Speaker::new(self, member, Place::Bonus).with_order(Some(order)))?
                }
                None => true,
            };
            let joined = self.people()[member].joined_on;
            let in_time = days.is_none_or(|days| {
                joined.is_some_and(|joined| {
                    joined <= order.day && Decimal::from((order.day - joined).get_days()) < days
                })
            });
            if counts && in_time {
                found.push(order);
            }
        }
        Ok(found)
    }
}

/// What a member brings: values that are compared and counted, and what is taken off their sum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brought {
    values: Vec<Decimal>,
    less: Decimal,
}

/// The tree of an indicator: who was enrolled stands in the enrolment tree, whatever the options say.
fn tree_of(definition: &Value) -> &str {
    let option = text(definition, "/options/tree").unwrap_or("placement");
    if definition["scope"] == "enrolled" { "enrolment" } else { option }
}

fn aggregate_of(definition: &Value) -> &str {
    text(definition, "/aggregate").unwrap_or("sum")
}

/// One number out of what some members bring.
fn total(definition: &Value, members: &[Brought]) -> Result<Option<Decimal>> {
    let values: Vec<Decimal> = members.iter().flat_map(|member| member.values.iter().copied()).collect();
    let less: Decimal = members.iter().map(|member| member.less).sum();
    let sum = || values.iter().copied().sum::<Decimal>() - less;
    Ok(Some(match aggregate_of(definition) {
        "sum" => sum(),
        "count" => Decimal::from(values.len()),
        "max" => values.iter().max().copied().unwrap_or_default(),
        "min" => values.iter().min().copied().unwrap_or_default(),
        "average" if values.is_empty() => return Ok(None),
        "average" => half_even(sum() / Decimal::from(values.len()), 18),
        other => bail!("the oracle does not know the aggregate {other}"),
    }))
}

/// Whether what is measured is kept as a quotient.
fn measures_quotients(plan: &Plan, definition: &Value) -> Result<bool> {
    Ok(match choice(&definition["measure"])? {
        ("formula", _) => text(definition, "/unit") == Some("ratio"),
        ("indicator", code) => {
            let place = plan.indicator(code.as_str().unwrap_or_default()).context("no indicator")?;
            let measured = &plan.indicators[place];
            aggregate_of(measured) == "average"
                || (!matches!(aggregate_of(measured), "count" | "legs")
                    && measures_quotients(plan, measured)?)
        }
        _ => false,
    })
}

/// What the legs at some places of their order by size come to, each cut to the cap before. `legs` come in the order of person
/// numbers, which decides between equal ones.
fn of_legs(
    plan: &Plan,
    definition: &Value,
    legs: &[Vec<Brought>],
    places: std::ops::Range<usize>,
) -> Result<Option<Decimal>> {
    let aggregate = aggregate_of(definition);
    let size = |leg: &Vec<Brought>| -> Result<Decimal> {
        let sizes = if aggregate == "average" { json!({ "aggregate": "sum" }) } else { definition.clone() };
        Ok(total(&sizes, leg)?.unwrap_or_default())
    };
    let mut sizes: Vec<Decimal> = legs.iter().map(size).collect::<Result<_>>()?;
    let cap = definition.pointer("/options/cap_per_leg").filter(|cap| !cap.is_null());
    if let Some(cap) = cap {
        let (kind, held) = choice(cap)?;
        let all: Decimal = sizes.iter().copied().sum();
        let most = match kind {
            "amount" => decimal(held)?,
            "share" => all.max(Decimal::ZERO) * decimal(held)?,
            other => bail!("no cap {other}"),
        };
        for size in &mut sizes {
            *size = (*size).min(most);
        }
    }
    let mut order: Vec<usize> = (0..legs.len()).collect();
    order.sort_by_key(|leg| std::cmp::Reverse(sizes[*leg]));
    let chosen = || order.iter().enumerate().filter(|(place, _)| places.contains(place)).map(|(_, leg)| *leg);
    if matches!(aggregate, "sum" | "count") {
        let sum: Decimal = chosen().map(|leg| sizes[leg]).sum();
        // A share is no whole number, and kept as amounts are; quotients have more decimals.
        let digits = if measures_quotients(plan, definition)? { 18 } else { 4 };
        return Ok(Some(if cap.is_some() { half_even(sum, digits) } else { sum }));
    }
    let members: Vec<Brought> = chosen().flat_map(|leg| legs[leg].iter().cloned()).collect();
    total(definition, &members)
}
