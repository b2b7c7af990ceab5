//! The snapshot: everything a run depends on, frozen, in columns; people in preorder of the placement tree.

use std::{collections::BTreeMap, collections::HashMap, collections::HashSet};

use foundation::{
    cycle::Cycle,
    id::PersonId,
    money::{Currency, Rounding},
};
use jiff::{civil::Date, tz::TimeZone};
use plan::{AMOUNT_SCALE, Plan, document::AfterSettlement};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::{
    columns::{Dictionary, NONE, Sets, Texts, Tree, position},
    facts::{OrderFact, OrderKind, PersonFact, PersonKind},
    failure::EngineError,
    ranks::Ranks,
    verify::{Violation, verify},
};

/// No day: 0000-01-01, which is what a missing date reads as in rules.
pub const NO_DAY: i32 = -719_528;

/// What is kept of orders per person: the columns of [`Volumes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    /// Qualifying volume, net of returns.
    Vq,
    /// Commissionable volume, net of returns.
    Vc,
    /// Net amount in the base currency, net of returns.
    Net,
    /// Gross amount in the base currency, net of returns.
    Gross,
    /// Number of sales.
    Orders,
    /// Units, net of returns.
    Units,
    /// Loyalty points, net of returns.
    Points,
    /// Returned qualifying volume.
    ReturnsVq,
    /// Returned commissionable volume.
    ReturnsVc,
    /// Number of returns.
    ReturnsCount,
}

impl Volume {
    /// All of them, in the order of the columns.
    pub const ALL: [Self; 10] = [
        Self::Vq,
        Self::Vc,
        Self::Net,
        Self::Gross,
        Self::Orders,
        Self::Units,
        Self::Points,
        Self::ReturnsVq,
        Self::ReturnsVc,
        Self::ReturnsCount,
    ];

    /// Name of the stored column.
    pub fn column(self) -> &'static str {
        match self {
            Self::Vq => "vq",
            Self::Vc => "vc",
            Self::Net => "net",
            Self::Gross => "gross",
            Self::Orders => "orders",
            Self::Units => "units",
            Self::Points => "points",
            Self::ReturnsVq => "returns_vq",
            Self::ReturnsVc => "returns_vc",
            Self::ReturnsCount => "returns_count",
        }
    }

    /// Decimals its values are kept with.
    pub fn scale(self) -> u32 {
        if matches!(self, Self::Orders | Self::ReturnsCount) { 0 } else { AMOUNT_SCALE }
    }
}

/// Fixed-point sums per person, one column per [`Volume`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volumes(pub [Vec<i64>; 10]);

impl Volumes {
    fn zero(people: usize) -> Self {
        Self(std::array::from_fn(|_| vec![0; people]))
    }

    /// The column of a volume.
    pub fn of(&self, volume: Volume) -> &[i64] {
        &self.0[volume as usize]
    }
}

/// People, in preorder of the placement tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Ids.
    pub ids: Texts,
    /// Rows sorted by id.
    pub by_id: Vec<u32>,
    /// Who hangs under whom. Its order is the order of the rows.
    pub placement: Tree,
    /// Who brought whom.
    pub enrolment: Tree,
    /// Whether the person is a consultant.
    pub consultant: Vec<bool>,
    /// Status in the network.
    pub status: Dictionary,
    /// Country.
    pub country: Dictionary,
    /// Currency of payouts.
    pub currency: Dictionary,
    /// Zone.
    pub zone: Dictionary,
    /// Tags.
    pub tags: Sets,
    /// Local day of joining, days since 1970-01-01; [`NO_DAY`] if unknown.
    pub joined_on: Vec<i32>,
    /// Whether the person joined in this cycle.
    pub joined_this_cycle: Vec<bool>,
    /// Paid rank of the cycle before; 0 for none.
    pub previous_rank: Vec<u8>,
    /// Honorific rank before this cycle.
    pub honorific_rank: Vec<u8>,
    /// Rank set by hand for this cycle; 0 for none.
    pub manual_rank: Vec<u8>,
    /// Cycles of grace used before this cycle.
    pub grace_used: Vec<u8>,
    /// Sums of this cycle.
    pub volumes: Volumes,
    /// Sums of all cycles up to and with this one, as far as they are known.
    pub lifetime: Volumes,
}

impl People {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The row of a person.
    pub fn row(&self, id: &str) -> Option<u32> {
        let place = self.by_id.binary_search_by(|row| self.ids.get(*row as usize).cmp(id)).ok()?;
        self.by_id.get(place).copied()
    }
}

/// Orders and returns of the cycle, sorted by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Ids.
    pub ids: Texts,
    /// Row of the buyer.
    pub person: Vec<u32>,
    /// When it became commissionable, microseconds since 1970-01-01.
    pub paid_at: Vec<i64>,
    /// Whether it is a return.
    pub is_return: Vec<bool>,
    /// Whether it is a return of an order of a settled cycle that this cycle's volumes do not feel.
    pub is_late: Vec<bool>,
    /// Currency of the prices.
    pub currency: Dictionary,
    /// Net amount in the base currency.
    pub net: Vec<i64>,
    /// Gross amount in the base currency.
    pub gross: Vec<i64>,
    /// Qualifying volume.
    pub vq: Vec<i64>,
    /// Commissionable volume.
    pub vc: Vec<i64>,
    /// Units.
    pub units: Vec<i64>,
    /// Loyalty points.
    pub points: Vec<i64>,
    /// What the customer paid, in the order's currency.
    pub customer_price: Vec<i64>,
    /// What a consultant would have paid, in the order's currency.
    pub consultant_price: Vec<i64>,
    /// Whether it is the person's first order ever.
    pub first_of_person: Vec<bool>,
    /// Category.
    pub category: Dictionary,
    /// For a return: id of the order that came back, or empty.
    pub reverses: Texts,
}

impl Orders {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The row of an order.
    pub fn row(&self, id: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.ids.get(middle).cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

/// Units of each currency for one unit of the base currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeRates {
    /// The base currency.
    pub base: Currency,
    /// The rates, without that of the base currency.
    pub per_base_unit: BTreeMap<Currency, Decimal>,
}

impl ExchangeRates {
    /// The rates a plan states.
    pub fn of_plan(plan: &Plan) -> Self {
        let currencies = &plan.document().currencies;
        let rates = currencies.earners.iter().map(|earner| (earner.currency, earner.per_base_unit));
        Self { base: currencies.base, per_base_unit: rates.collect() }
    }

    /// The rates a plan states, replaced by those of `others`.
    #[must_use]
    pub fn with(mut self, others: impl IntoIterator<Item = (Currency, Decimal)>) -> Self {
        self.per_base_unit.extend(others);
        self
    }

    /// Units of `currency` for one unit of the base currency.
    pub fn rate(&self, currency: Currency) -> Option<Decimal> {
        if currency == self.base { Some(Decimal::ONE) } else { self.per_base_unit.get(&currency).copied() }
    }
}

/// Everything a run depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The cycle.
    pub cycle: Cycle,
    /// Hash of the plan.
    pub plan_hash: String,
    /// Frozen exchange rates.
    pub rates: ExchangeRates,
    /// People.
    pub people: People,
    /// Orders.
    pub orders: Orders,
}

/// Results of the cycle before, where there was one.
#[derive(Clone, Copy, Debug)]
pub struct Previous<'a> {
    /// Its snapshot.
    pub snapshot: &'a Snapshot,
    /// Its ranks; they replace the rank columns of the facts.
    pub ranks: &'a Ranks,
}

/// Facts of a cycle.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The cycle.
    pub cycle: &'a Cycle,
    /// People at its end.
    pub people: &'a [PersonFact],
    /// Orders and returns that became commissionable in it.
    pub orders: &'a [OrderFact],
}

/// Freezes facts into a snapshot that does not depend on the order of the rows. Fails with all violations if the facts
/// make no network.
pub fn integrate(
    facts: Facts<'_>,
    previous: Option<Previous<'_>>,
    plan: &Plan,
    rates: ExchangeRates,
) -> Result<Snapshot, EngineError> {
    let violations = verify(facts.people, facts.orders, facts.cycle);
    if !violations.is_empty() {
        return Err(EngineError::Network(violations));
    }
    let zone = TimeZone::get(&plan.document().time_zone)
        .map_err(|_| EngineError::Mismatch("the plan's time zone is unknown".to_owned()))?;
    let mut people = freeze_people(&facts, &zone, plan, &rates)?;
    let rows: HashMap<&str, u32> =
        (0..people.len()).map(|row| (people.ids.get(row), position(row))).collect();
    let orders = freeze_orders(&facts, &rows, plan, &rates)?;
    people.volumes = sum_orders(&orders, &people.ids)?;
    people.lifetime = people.volumes.clone();
    if let Some(previous) = previous {
        carry_over(&mut people, previous)?;
    }
    Ok(Snapshot { cycle: facts.cycle.clone(), plan_hash: plan.hash().to_owned(), rates, people, orders })
}

/// The placement tree over people sorted by id, and their sponsors.
fn trees(sorted: &[&PersonFact]) -> Option<(Tree, Vec<u32>)> {
    let places: HashMap<&str, u32> =
        sorted.iter().enumerate().map(|(place, person)| (person.id.as_str(), position(place))).collect();
    let place = |id: Option<&PersonId>| id.and_then(|id| places.get(id.as_str()).copied()).unwrap_or(NONE);
    let placement = Tree::of(sorted.iter().map(|person| place(person.parent.as_ref())).collect())?;
    let sponsor = |person: &&PersonFact| place(person.sponsor.as_ref().or(person.parent.as_ref()));
    Some((placement, sorted.iter().map(sponsor).collect()))
}

/// A parent column over sorted people as one over rows in preorder.
fn renumbered(parent: &[u32], order: &[u32], row_of: &[u32]) -> Vec<u32> {
    let upper = |old: &u32| match parent[*old as usize] {
        NONE => NONE,
        upper => row_of[upper as usize],
    };
    order.iter().map(upper).collect()
}

fn freeze_people(
    facts: &Facts<'_>,
    zone: &TimeZone,
    plan: &Plan,
    rates: &ExchangeRates,
) -> Result<People, EngineError> {
    let mut sorted: Vec<&PersonFact> = facts.people.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let broken = || EngineError::Network(vec![Violation::Empty]);
    let (by_sorted, sponsors) = trees(&sorted).ok_or_else(broken)?;
    let order = by_sorted.order.clone();
    let mut row_of = vec![NONE; order.len()];
    for (row, old) in order.iter().enumerate() {
        row_of[*old as usize] = position(row);
    }
    let placement = Tree::of(renumbered(&by_sorted.parent, &order, &row_of)).ok_or_else(broken)?;
    let enrolment = Tree::of(renumbered(&sponsors, &order, &row_of)).ok_or_else(broken)?;
    let rows: Vec<&PersonFact> = order.iter().map(|old| sorted[*old as usize]).collect();
    let mut ids = Texts::with_capacity(rows.len());
    for person in &rows {
        ids.push(person.id.as_str());
    }
    let first_day = facts.cycle.start.to_zoned(zone.clone()).date();
    let end_day = facts.cycle.end.to_zoned(zone.clone()).date();
    let rank = |person: &PersonFact, column: &'static str, code: Option<&String>| match code {
        None => Ok(0),
        Some(code) => plan.rank_position(code).ok_or_else(|| EngineError::UnknownRank {
            person: person.id.to_string(),
            column,
            found: code.clone(),
        }),
    };
    let base = rates.base;
    for person in &rows {
        let currency = person.currency.unwrap_or(base);
        if rates.rate(currency).is_none() {
            return Err(EngineError::NoRate {
                currency: currency.to_string(),
                of: format!("person {}", person.id),
            });
        }
    }
    let currencies: Vec<String> =
        rows.iter().map(|person| person.currency.unwrap_or(base).to_string()).collect();
    let ranks = |column, pick: fn(&PersonFact) -> Option<&String>| -> Result<Vec<u8>, EngineError> {
        rows.iter().map(|person| rank(person, column, pick(person))).collect()
    };
    Ok(People {
        by_id: row_of,
        ids,
        placement,
        enrolment,
        consultant: rows.iter().map(|person| person.kind == PersonKind::Consultant).collect(),
        status: Dictionary::of(rows.iter().map(|person| person.status.as_str())),
        country: Dictionary::of(rows.iter().map(|person| person.country.as_str())),
        currency: Dictionary::of(currencies.iter().map(String::as_str)),
        zone: Dictionary::of(rows.iter().map(|person| person.zone.as_str())),
        tags: Sets::of(rows.iter().map(|person| person.tags.as_slice())),
        joined_on: rows.iter().map(|person| person.joined_on.map_or(NO_DAY, days)).collect(),
        joined_this_cycle: rows
            .iter()
            .map(|person| person.joined_on.is_some_and(|day| first_day <= day && day < end_day))
            .collect(),
        previous_rank: ranks("previous_rank", |person| person.previous_rank.as_ref())?,
        honorific_rank: ranks("honorific_rank", |person| person.honorific_rank.as_ref())?,
        manual_rank: rows
            .iter()
            .map(|person| {
                let position = rank(person, "manual_rank", person.manual_rank.as_ref())?;
                Ok(if holds_at_close(person, end_day) { position } else { 0 })
            })
            .collect::<Result<_, EngineError>>()?,
        grace_used: rows.iter().map(|person| person.rank_grace_used).collect(),
        volumes: Volumes::default(),
        lifetime: Volumes::default(),
    })
}

/// Days since 1970-01-01.
fn days(day: Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.until(day).map_or(NO_DAY, |span| span.get_days())
}

/// A rank set by hand holds in a cycle whose last day lies in its dates.
fn holds_at_close(person: &PersonFact, end_day: Date) -> bool {
    let last_day = end_day.yesterday().unwrap_or(end_day);
    person.manual_from.is_none_or(|from| from <= last_day) && person.manual_to.is_none_or(|to| last_day <= to)
}

/// `number` as a fixed-point integer of `scale` decimals.
pub(crate) fn fixed(number: Decimal, scale: u32, what: &'static str, of: &str) -> Result<i64, EngineError> {
    let number = number.normalize();
    if scale < number.scale() {
        return Err(EngineError::TooFine {
            what,
            of: of.to_owned(),
            decimals: scale,
            found: number.to_string(),
        });
    }
    let overflow = || EngineError::Overflow { person: of.to_owned(), what: what.to_owned() };
    let power = 10_i128.checked_pow(scale - number.scale()).ok_or_else(overflow)?;
    let whole = number.mantissa().checked_mul(power).ok_or_else(overflow)?;
    i64::try_from(whole).map_err(|_| overflow())
}

fn freeze_orders(
    facts: &Facts<'_>,
    rows: &HashMap<&str, u32>,
    plan: &Plan,
    rates: &ExchangeRates,
) -> Result<Orders, EngineError> {
    let mut sorted: Vec<&OrderFact> = facts.orders.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let sales: HashSet<&str> =
        sorted.iter().filter(|order| order.kind == OrderKind::Sale).map(|order| order.id.as_str()).collect();
    let undo = plan.document().returns.after_settlement == AfterSettlement::Undo;
    let is_late = |order: &&OrderFact| {
        let earlier = order.reverses.as_ref().is_some_and(|sale| !sales.contains(sale.as_str()));
        undo && order.kind == OrderKind::Return && earlier
    };
    let currencies: Vec<String> =
        sorted.iter().map(|order| order.currency.unwrap_or(rates.base).to_string()).collect();
    let amounts = |what: &'static str, pick: fn(&OrderFact) -> Decimal| -> Result<Vec<i64>, EngineError> {
        sorted.iter().map(|order| fixed(pick(order), AMOUNT_SCALE, what, order.id.as_str())).collect()
    };
    let money = |what: &'static str, pick: fn(&OrderFact) -> Decimal| -> Result<Vec<i64>, EngineError> {
        sorted
            .iter()
            .map(|order| fixed(in_base(order, pick(order), rates)?, AMOUNT_SCALE, what, order.id.as_str()))
            .collect()
    };
    let mut ids = Texts::with_capacity(sorted.len());
    let mut reverses = Texts::default();
    for order in &sorted {
        ids.push(order.id.as_str());
        reverses.push(order.reverses.as_ref().map_or("", |sale| sale.as_str()));
    }
    Ok(Orders {
        ids,
        reverses,
        person: sorted.iter().map(|order| rows.get(order.person.as_str()).copied().unwrap_or(NONE)).collect(),
        paid_at: sorted.iter().map(|order| order.paid_at.as_microsecond()).collect(),
        is_return: sorted.iter().map(|order| order.kind == OrderKind::Return).collect(),
        is_late: sorted.iter().map(is_late).collect(),
        net: money("net", |order| order.net)?,
        gross: money("gross", |order| order.gross)?,
        vq: amounts("vq", |order| order.vq)?,
        vc: amounts("vc", |order| order.vc)?,
        units: amounts("units", |order| order.units)?,
        points: amounts("points", |order| order.points)?,
        customer_price: amounts("customer_price", |order| order.customer_price)?,
        consultant_price: amounts("consultant_price", |order| order.consultant_price)?,
        first_of_person: sorted.iter().map(|order| order.first_of_person).collect(),
        currency: Dictionary::of(currencies.iter().map(String::as_str)),
        category: Dictionary::of(sorted.iter().map(|order| order.category.as_str())),
    })
}

/// An amount of an order in the base currency. A foreign amount is divided by its rate and kept with four decimals.
fn in_base(order: &OrderFact, amount: Decimal, rates: &ExchangeRates) -> Result<Decimal, EngineError> {
    let currency = order.currency.unwrap_or(rates.base);
    if currency == rates.base {
        return Ok(amount);
    }
    let rate = rates.rate(currency).filter(|rate| !rate.is_zero()).ok_or_else(|| EngineError::NoRate {
        currency: currency.to_string(),
        of: format!("order {}", order.id),
    })?;
    let overflow =
        || EngineError::Overflow { person: order.person.to_string(), what: format!("order {}", order.id) };
    let strategy = rust_decimal::RoundingStrategy::MidpointNearestEven;
    Ok(amount.checked_div(rate).ok_or_else(overflow)?.round_dp_with_strategy(AMOUNT_SCALE, strategy))
}

fn sum_orders(orders: &Orders, ids: &Texts) -> Result<Volumes, EngineError> {
    let mut sums = Volumes::zero(ids.len());
    for order in (0..orders.len()).filter(|order| !orders.is_late[*order]) {
        let row = orders.person[order] as usize;
        let is_return = orders.is_return[order];
        let sign = if is_return { -1 } else { 1 };
        let net_of_returns = [
            (Volume::Vq, orders.vq[order]),
            (Volume::Vc, orders.vc[order]),
            (Volume::Net, orders.net[order]),
            (Volume::Gross, orders.gross[order]),
            (Volume::Units, orders.units[order]),
            (Volume::Points, orders.points[order]),
        ];
        let mut add = |volume: Volume, amount: i64| {
            let cell = &mut sums.0[volume as usize][row];
            let sum = cell.checked_add(amount);
            *cell = sum.unwrap_or(0);
            sum.is_some()
        };
        let mut fits = true;
        for (volume, amount) in net_of_returns {
            fits &= amount.checked_mul(sign).is_some_and(|amount| add(volume, amount));
        }
        if is_return {
            fits &= add(Volume::ReturnsVq, orders.vq[order]) && add(Volume::ReturnsVc, orders.vc[order]);
            fits &= add(Volume::ReturnsCount, 1);
        } else {
            fits &= add(Volume::Orders, 1);
        }
        if !fits {
            let what = format!("the sum with order {}", orders.ids.get(order));
            return Err(EngineError::Overflow { person: ids.get(row).to_owned(), what });
        }
    }
    Ok(sums)
}

/// Ranks and lifetime sums of the cycle before.
fn carry_over(people: &mut People, previous: Previous<'_>) -> Result<(), EngineError> {
    let before = &previous.snapshot.people;
    if before.len() != previous.ranks.paid.len() {
        return Err(EngineError::Mismatch("the previous ranks are not of the previous snapshot".to_owned()));
    }
    for row in 0..people.len() {
        let Some(old) = before.row(people.ids.get(row)).map(|old| old as usize) else { continue };
        people.previous_rank[row] = previous.ranks.paid[old];
        people.honorific_rank[row] = previous.ranks.honorific[old];
        people.grace_used[row] = previous.ranks.grace_used[old];
        for volume in Volume::ALL {
            let cell = &mut people.lifetime.0[volume as usize][row];
            *cell =
                cell.checked_add(before.lifetime.of(volume)[old]).ok_or_else(|| EngineError::Overflow {
                    person: people.ids.get(row).to_owned(),
                    what: format!("lifetime {}", volume.column()),
                })?;
        }
    }
    Ok(())
}

impl Snapshot {
    /// The exact value of a payout currency, or the base currency if the text is none (it always is one).
    pub fn currency_of(&self, row: u32) -> Currency {
        self.people.currency.get(row as usize).parse().unwrap_or(self.rates.base)
    }

    /// Rounds in a person's currency.
    pub(crate) fn minor_units(currency: Currency, exact: Decimal, rounding: Rounding) -> Option<i64> {
        let rounded = currency.round(exact, rounding);
        (rounded * Decimal::from(10_i64.pow(currency.minor_digits()))).to_i64()
    }
}
