//! A cycle as it is evaluated: its people and orders, both trees, and what was already worked out, each number once.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use anyhow::{Context, Result};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    facts::{CycleInput, Order, Person},
    indicators::Brought,
    network::Network,
    numbers::half_even,
    plan::{Plan, decimal, list, maybe, text},
};

/// What a person brings from the cycle before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    pub(crate) previous_rank: u8,
    pub(crate) honorific_rank: u8,
    pub(crate) grace_used: u8,
    /// Cycles a rank that was reached is still safe.
    pub(crate) lock_left: u8,
}

/// An order with its money in the base currency. Amounts are as they are written, a return's positive.
#[derive(Debug)]
pub(crate) struct Bought {
    pub(crate) id: String,
    pub(crate) person: usize,
    pub(crate) day: Date,
    pub(crate) is_return: bool,
    /// A return of an order of a settled cycle that this cycle's volumes do not feel.
    pub(crate) is_late: bool,
    pub(crate) net: Decimal,
    pub(crate) gross: Decimal,
    pub(crate) vq: Decimal,
    pub(crate) vc: Decimal,
    pub(crate) units: Decimal,
    pub(crate) points: Decimal,
    pub(crate) margin: Decimal,
    pub(crate) customer_price: Decimal,
    pub(crate) consultant_price: Decimal,
    pub(crate) first_of_person: bool,
    pub(crate) category: String,
    pub(crate) reverses: String,
}

impl Bought {
    /// What it brings by a measure of orders, returns taken off.
    pub(crate) fn brings(&self, measure: &str) -> Option<Decimal> {
        let amount = match measure {
            "vq" => self.vq,
            "vc" => self.vc,
            "net" => self.net,
            "gross" => self.gross,
            "units" => self.units,
            "points" => self.points,
            "margin" => self.margin,
            "count" => Decimal::ONE,
            "orders" => return Some(if self.is_return { Decimal::ZERO } else { Decimal::ONE }),
            "returns-count" => return Some(if self.is_return { Decimal::ONE } else { Decimal::ZERO }),
            "returns-vq" => return Some(if self.is_return { self.vq } else { Decimal::ZERO }),
            "returns-vc" => return Some(if self.is_return { self.vc } else { Decimal::ZERO }),
            _ => return None,
        };
        Some(if self.is_return { -amount } else { amount })
    }
}

/// What was worked out for each indicator and person.
type Known<T> = RefCell<Vec<Vec<Option<T>>>>;

/// A cycle and what is known of it.
pub(crate) struct Cycle<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) input: &'a CycleInput,
    /// The cycles before, the first first.
    pub(crate) earlier: Vec<Rc<Cycle<'a>>>,
    pub(crate) index: BTreeMap<String, usize>,
    pub(crate) placement: Network,
    pub(crate) enrolment: Network,
    pub(crate) orders: Vec<Bought>,
    pub(crate) standing: Vec<Standing>,
    pub(crate) active: RefCell<Vec<Option<bool>>>,
    pub(crate) earned: RefCell<Vec<Option<u8>>>,
    pub(crate) paid: RefCell<Vec<Option<(u8, u8)>>>,
    /// For each indicator, what each member brings; nothing if they do not count.
    pub(crate) brought: Known<Option<Brought>>,
    /// For each person their orders.
    pub(crate) orders_of: Vec<Vec<usize>>,
    pub(crate) indicators: Known<Option<Decimal>>,
    /// What each person was paid of each bonus as far as it is computed, in the base currency.
    pub(crate) payments: RefCell<BTreeMap<String, Vec<Decimal>>>,
    /// Tags that bonuses of earlier cycles gave, by person's id.
    tags: Tags,
}

/// Tags by person's id.
pub(crate) type Tags = BTreeMap<String, BTreeSet<String>>;

impl<'a> Cycle<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        input: &'a CycleInput,
        earlier: Vec<Rc<Cycle<'a>>>,
        handed_on: &BTreeMap<String, Standing>,
        tags: Tags,
    ) -> Result<Self> {
        let people = &input.people;
        let index: BTreeMap<String, usize> =
            people.iter().enumerate().map(|(place, person)| (person.id.clone(), place)).collect();
        let parents: Vec<&str> = people.iter().map(|person| person.parent.as_str()).collect();
        let sponsor = |person: &'a Person| {
            if person.sponsor.is_empty() { person.parent.as_str() } else { person.sponsor.as_str() }
        };
        let sponsors: Vec<&str> = people.iter().map(sponsor).collect();
        let standing = people.iter().map(|person| match handed_on.get(&person.id) {
            _ if !person.is_consultant() => Ok(Standing::default()),
            Some(known) => Ok(*known),
            None => Ok(Standing {
                previous_rank: plan.rank(&person.previous_rank)?,
                honorific_rank: plan.rank(&person.honorific_rank)?,
                grace_used: person.rank_grace_used,
                lock_left: 0,
            }),
        });
        let mut cycle = Self {
            plan,
            input,
            earlier,
            placement: Network::of(&index, &parents)?,
            enrolment: Network::of(&index, &sponsors)?,
            standing: standing.collect::<Result<_>>()?,
            orders: Vec::new(),
            active: RefCell::new(vec![None; people.len()]),
            earned: RefCell::new(vec![None; people.len()]),
            paid: RefCell::new(vec![None; people.len()]),
            brought: RefCell::new(vec![vec![None; people.len()]; plan.indicators.len()]),
            orders_of: vec![Vec::new(); people.len()],
            indicators: RefCell::new(vec![vec![None; people.len()]; plan.indicators.len()]),
            payments: RefCell::default(),
            tags,
            index,
        };
        cycle.orders = cycle.bought()?;
        for (place, order) in cycle.orders.iter().enumerate() {
            cycle.orders_of[order.person].push(place);
        }
        Ok(cycle)
    }

    fn bought(&self) -> Result<Vec<Bought>> {
        let sales = self.input.orders.iter().filter(|order| !order.is_return());
        let sales: BTreeSet<&str> = sales.map(|order| order.id.as_str()).collect();
        let sold = |id: &str| sales.contains(id);
        let undoes = self.plan.undoes()?;
        let mut orders = Vec::new();
        for order in &self.input.orders {
            let rate = self.per_base_unit(&order.currency)?;
            let in_base = |amount: Decimal| half_even(amount / rate, 4);
            let person =
                *self.index.get(&order.person).with_context(|| format!("{} is nobody's", order.id))?;
            orders.push(Bought {
                id: order.id.clone(),
                person,
                day: order.day(&self.plan.zone)?,
                is_return: order.is_return(),
                is_late: order.is_return()
                    && !sold(&order.reverses)
                    && if undoes { !order.reverses.is_empty() } else { self.comes_too_late(order)? },
                net: in_base(order.net),
                gross: in_base(order.gross),
                vq: order.vq,
                vc: order.vc,
                units: order.units,
                points: order.points,
                margin: in_base(order.customer_price) - in_base(order.consultant_price),
                customer_price: in_base(order.customer_price),
                consultant_price: in_base(order.consultant_price),
                first_of_person: order.first_of_person,
                category: order.category.clone(),
                reverses: order.reverses.clone(),
            });
        }
        // The order of rows says nothing.
        orders.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(orders)
    }

    /// Whether a return comes back so long after its sale, in a cycle before, that it is not deducted any more.
    fn comes_too_late(&self, back: &Order) -> Result<bool> {
        let Some(most) = maybe(&self.plan.document, "/returns/within_days")? else { return Ok(false) };
        let is_of = |bought: &&Bought| !bought.is_return && bought.id == back.reverses;
        let before = || self.earlier.iter().flat_map(|cycle| &cycle.orders).find(is_of);
        let sold_on = match back.sold_on(&self.plan.zone)? {
            Some(day) => Some(day),
            None => before().map(|sale| sale.day),
        };
        let Some(sold_on) = sold_on.filter(|day| *day < self.input.first_day) else { return Ok(false) };
        let days = (back.day(&self.plan.zone)? - sold_on).get_days();
        Ok(most < Decimal::from(days))
    }

    /// A person's tags: those of the facts, and those given before.
    pub(crate) fn tags(&self, person: usize) -> BTreeSet<&str> {
        let person = &self.people()[person];
        let given = self.tags.get(&person.id).into_iter().flatten().map(String::as_str);
        person.tags.split(';').filter(|tag| !tag.is_empty()).chain(given).collect()
    }

    /// What a person was paid of a bonus.
    pub(crate) fn paid_of(&self, code: &str, person: usize) -> Decimal {
        self.payments.borrow().get(code).map_or(Decimal::ZERO, |paid| paid[person])
    }

    /// A person's orders that this cycle feels.
    pub(crate) fn own_orders(&self, person: usize) -> impl Iterator<Item = &Bought> {
        self.orders_of[person].iter().map(|place| &self.orders[*place]).filter(|order| !order.is_late)
    }

    pub(crate) fn people(&self) -> &'a [Person] {
        &self.input.people
    }

    pub(crate) fn is_consultant(&self, person: usize) -> bool {
        self.people()[person].is_consultant()
    }

    pub(crate) fn tree(&self, name: &str) -> &Network {
        if name == "enrolment" { &self.enrolment } else { &self.placement }
    }

    /// People in the order of their numbers, which is that of their ids.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = usize> + '_ {
        self.index.values().copied()
    }

    /// Units of a currency for one of the base currency.
    pub(crate) fn per_base_unit(&self, currency: &str) -> Result<Decimal> {
        if currency.is_empty() || currency == self.plan.base_currency() {
            return Ok(Decimal::ONE);
        }
        if let Some(rate) = self.input.rates.get(currency) {
            return Ok(*rate);
        }
        let earners = list(&self.plan.document, "/currencies/earners");
        let earner = earners.iter().find(|earner| text(earner, "/currency") == Some(currency));
        decimal(&earner.with_context(|| format!("no rate for {currency}"))?["per_base_unit"])
    }

    /// The currency a person is paid in.
    pub(crate) fn currency(&self, person: usize) -> &str {
        match self.people()[person].currency.as_str() {
            "" => self.plan.base_currency(),
            own => own,
        }
    }

    /// Whether the person joined in this cycle.
    pub(crate) fn joined_now(&self, person: usize) -> bool {
        self.people()[person].joined_on.is_some_and(|day| self.input.contains(day))
    }

    /// Whether a bonus is computed in the process of this cycle.
    pub(crate) fn computes(&self, bonus: &Value) -> bool {
        let processes = list(bonus, "/processes");
        let named = |process: &String| processes.iter().any(|one| one.as_str() == Some(process));
        processes.is_empty() || self.input.process.as_ref().is_none_or(named)
    }

    /// The k-th cycle before this one; this one for 0.
    pub(crate) fn before(&self, k: usize) -> Option<&Cycle<'a>> {
        match k {
            0 => Some(self),
            k => self.earlier.len().checked_sub(k).map(|place| &*self.earlier[place]),
        }
    }
}
