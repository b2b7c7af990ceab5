//! The snapshot: everything a run depends on, frozen, in columns; people in preorder of the placement tree.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use foundation::{
    cycle::Cycle,
    money::{Currency, Rounding},
};
use jiff::{Timestamp, tz::TimeZone};
use plan::{AMOUNT_SCALE, Plan, document::AfterSettlement};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::{
    columns::{Dictionary, NONE, Preorder, Sets, Texts, Tree, is_in_order, position},
    fact_columns::{IndexedFacts, OrderColumns, PeopleColumns, days},
    facts::{MOST_ERRORS, OrderFact, PersonFact},
    failure::{EngineError, UnknownRank},
    pairs::days_between,
    ranks::{Ranks, rank_under_plan},
    threads,
};

/// No day: 0000-01-01, which is what a missing date reads as in rules.
pub const NO_DAY: i32 = -719_528;

/// No moment: the start of [`NO_DAY`] in UTC.
pub const NO_MOMENT: i64 = NO_DAY as i64 * 24 * 60 * 60 * 1_000_000;

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
#[derive(Clone, Debug)]
pub struct Volumes([Arc<VolumeColumn>; 10]);

/// A column that may be summed up only when somebody asks for it: most plans count no orders and no units. A snapshot that is stored, or
/// that follows another one, has all of them.
type VolumeColumn = LazyLock<Arc<Vec<i64>>, Box<dyn FnOnce() -> Arc<Vec<i64>> + Send>>;

fn volume_column(sum: impl FnOnce() -> Arc<Vec<i64>> + Send + 'static) -> Arc<VolumeColumn> {
    Arc::new(LazyLock::new(Box::new(sum)))
}

impl Default for Volumes {
    fn default() -> Self {
        Self::of_columns(Volume::ALL.map(|_| Arc::default()))
    }
}

impl PartialEq for Volumes {
    fn eq(&self, other: &Self) -> bool {
        Volume::ALL.into_iter().all(|volume| self.of(volume) == other.of(volume))
    }
}

impl Eq for Volumes {}

impl Volumes {
    /// The columns, in the order of [`Volume::ALL`].
    pub(crate) fn of_columns(columns: [Arc<Vec<i64>>; 10]) -> Self {
        Self(columns.map(|column| volume_column(|| column)))
    }

    fn set(&mut self, volume: Volume, column: Arc<VolumeColumn>) {
        self.0[volume as usize] = column;
    }

    /// The column of a volume.
    pub fn of(&self, volume: Volume) -> &[i64] {
        &self.0[volume as usize]
    }

    /// The column of a volume, to be kept.
    pub(crate) fn shared(&self, volume: Volume) -> Arc<Vec<i64>> {
        Arc::clone(&**self.0[volume as usize])
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
    pub placement: Arc<Tree>,
    /// Who brought whom; the same tree where everyone was brought by who they hang under.
    pub enrolment: Arc<Tree>,
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
    /// Cycles from this one on for which a rank that was reached is safe.
    pub lock_left: Vec<u8>,
    /// Ranks earned in the cycles before, the latest first, as far as the plan's continuity looks back.
    pub earned_before: Vec<Vec<u8>>,
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

    /// One of the two trees.
    pub fn tree(&self, name: plan::indicator::Tree) -> &Tree {
        match name {
            plan::indicator::Tree::Placement => &self.placement,
            plan::indicator::Tree::Enrolment => &self.enrolment,
        }
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
    pub person: Arc<Vec<u32>>,
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
    /// What the customer paid, in the base currency.
    pub customer_price: Vec<i64>,
    /// What a consultant would have paid, in the base currency.
    pub consultant_price: Vec<i64>,
    /// Whether it is the person's first order ever.
    pub first_of_person: Vec<bool>,
    /// Category.
    pub category: Dictionary,
    /// For a return: id of the order that came back, or empty; without any text where no order has one.
    pub reverses: Texts,
    /// For a return: when what came back was sold, microseconds since 1970-01-01, or [`NO_MOMENT`]; empty where no order has it.
    pub sold_at: Vec<i64>,
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

    /// How many local days after its sale something came back; `None` if it is not known when it was sold.
    pub(crate) fn days_since_sale(&self, order: usize, zone: &TimeZone) -> Option<i64> {
        let sold_at = self.sold_at.get(order).filter(|moment| **moment != NO_MOMENT)?;
        Some(days_between(*sold_at, self.paid_at[order], zone))
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

    /// Units of `currency` for one unit of the base currency; none where none is known, or nothing is left of one.
    pub fn rate(&self, currency: Currency) -> Option<Decimal> {
        if currency == self.base {
            return Some(Decimal::ONE);
        }
        self.per_base_unit.get(&currency).copied().filter(|rate| !rate.is_zero())
    }

    /// An amount of a currency in the base currency; nothing where no rate is known.
    pub fn in_base(&self, amount: Decimal, currency: Currency) -> Decimal {
        self.rate(currency).and_then(|rate| amount.checked_div(rate)).unwrap_or_default()
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
    let facts = IndexedFacts::of_rows(facts.cycle, facts.people, facts.orders)?;
    integrate_columns(facts, previous, plan, rates)
}

/// As [`integrate`], from facts that are columns already: the way for large networks.
pub fn integrate_columns(
    mut facts: IndexedFacts,
    previous: Option<Previous<'_>>,
    plan: &Plan,
    rates: ExchangeRates,
) -> Result<Snapshot, EngineError> {
    let zone = zone_of(plan)?;
    let placed = Placed::of(&facts).ok_or_else(|| facts.broken())?;
    let ids = std::mem::take(&mut facts.people.ids).arranged(Arc::clone(&placed.fact));
    let IndexedFacts { cycle, people, orders, people_by_id, orders_by_id, buyer, parent, sponsor } = facts;
    let given = Given::of(&orders);
    let (frozen_people, frozen_orders) = threads::both(
        || freeze_people((&cycle, &people), ids, &placed, &zone, plan, &rates),
        || {
            let row_of = rows_of_facts(&people_by_id, &placed.by_id);
            let row_of_buyer = |order: u32| row_of[buyer[order as usize] as usize];
            let mut orders = freeze_orders(orders, orders_by_id, row_of_buyer, &rates)?;
            orders.is_late = late(&orders, &cycle, &zone, plan);
            Ok(orders)
        },
    );
    // Nobody needs the facts any more, and what comes next takes memory.
    drop((people, people_by_id, buyer, parent, sponsor));
    let (mut people, orders) = (frozen_people?, frozen_orders?);
    people.by_id = placed.by_id;
    people.volumes = sum_orders(&orders, &given, &people.ids)?;
    people.lifetime = people.volumes.clone();
    if let Some(previous) = previous {
        carry_over(&mut people, previous, plan)?;
    }
    without_ranks_of_customers(&mut people);
    Ok(Snapshot { cycle, plan_hash: plan.hash().to_owned(), rates, people, orders })
}

/// The snapshot as it would have been frozen with plan `now` instead of `then`, which must have the same base currency and time zone.
/// Ranks keep their codes; one that is no more counts as none. Exchange rates stay those that were frozen; `now` adds currencies only.
/// `previous` is the cycle before with its ranks under `now`, if there was one when the snapshot was made.
pub fn refreeze(
    mut snapshot: Snapshot,
    then: &Plan,
    now: &Plan,
    previous: Option<Previous<'_>>,
) -> Result<Snapshot, EngineError> {
    if snapshot.plan_hash != then.hash() {
        return Err(EngineError::Mismatch("the snapshot was made with another plan".to_owned()));
    }
    if snapshot.rates.base != now.document().currencies.base
        || then.document().time_zone != now.document().time_zone
    {
        return Err(EngineError::Mismatch("the plans differ in base currency or time zone".to_owned()));
    }
    let people = &mut snapshot.people;
    for column in [&mut people.previous_rank, &mut people.honorific_rank, &mut people.manual_rank] {
        for rank in column {
            *rank = rank_under_plan(*rank, then, now);
        }
    }
    people.earned_before = Vec::new();
    let orders = &mut snapshot.orders;
    orders.is_late = late(orders, &snapshot.cycle, &zone_of(now)?, now);
    people.volumes = sum_orders(orders, &Given::ANYTHING, &people.ids)?;
    people.lifetime = people.volumes.clone();
    if let Some(previous) = previous {
        carry_over(people, previous, now)?;
    }
    without_ranks_of_customers(people);
    snapshot.rates = ExchangeRates::of_plan(now).with(snapshot.rates.per_base_unit);
    now.hash().clone_into(&mut snapshot.plan_hash);
    Ok(snapshot)
}

fn zone_of(plan: &Plan) -> Result<TimeZone, EngineError> {
    TimeZone::get(&plan.document().time_zone)
        .map_err(|_| EngineError::Mismatch("the plan's time zone is unknown".to_owned()))
}

/// `orders` with the moment of the sale that each return takes back, where the facts do not say it, one of the `earlier` cycles
/// (the latest first) has the sale, and `plan` asks: under `deduct` with `within_days`.
pub fn with_sold_at<'o, 's>(
    orders: &'o [OrderFact],
    earlier: impl Iterator<Item = &'s Snapshot> + Clone,
    plan: &Plan,
) -> Cow<'o, [OrderFact]> {
    let returns = plan.document().returns;
    let is_asked = returns.after_settlement == AfterSettlement::Deduct && returns.within_days.is_some();
    let mut filled = Cow::Borrowed(orders);
    for (place, order) in orders.iter().enumerate().filter(|_| is_asked) {
        let Some(sale) = order.reverses.as_ref().filter(|_| order.sold_at.is_none()) else { continue };
        let sold_at = earlier.clone().find_map(|cycle| {
            let row = cycle.orders.row(sale.as_str()).filter(|row| !cycle.orders.is_return[*row])?;
            Timestamp::from_microsecond(cycle.orders.paid_at[row]).ok()
        });
        if sold_at.is_some() {
            filled.to_mut()[place].sold_at = sold_at;
        }
    }
    filled
}

/// Where the people of facts stand in the snapshot.
struct Placed {
    /// Row of the facts for each row of the snapshot.
    fact: Arc<Vec<u32>>,
    /// Rows of the snapshot sorted by id.
    by_id: Vec<u32>,
    placement: Arc<Tree>,
    enrolment: Arc<Tree>,
}

impl Placed {
    /// `None` if a tree has a circle or several roots.
    fn of(facts: &IndexedFacts) -> Option<Self> {
        // Siblings follow each other by id, so that the order of the facts has no say.
        let by_id = &facts.people_by_id;
        let is_sorted = is_in_order(by_id);
        let sorted = if is_sorted { None } else { Some(renumbered(&facts.parent, by_id)) };
        let Preorder { mut order, parent, depth, place } =
            Preorder::of(sorted.as_deref().unwrap_or(&facts.parent))?;
        let placement = Arc::new(Tree::along_rows(parent, depth));
        if !is_sorted {
            order = order.iter().map(|place| by_id[*place as usize]).collect();
        }
        let enrolment = if facts.sponsor.is_empty() {
            Arc::clone(&placement)
        } else {
            Arc::new(Tree::of(renumbered(&facts.sponsor, &order))?)
        };
        Some(Self { fact: Arc::new(order), by_id: place, placement, enrolment })
    }
}

/// A column of rows, for rows that come in another `order`.
fn renumbered(named: &[u32], order: &[u32]) -> Vec<u32> {
    let mut new = vec![NONE; order.len()];
    for (row, old) in order.iter().enumerate() {
        new[*old as usize] = position(row);
    }
    let upper = |old: &u32| match named[*old as usize] {
        NONE => NONE,
        upper => new[upper as usize],
    };
    order.iter().map(upper).collect()
}

/// A column of facts for the rows of the snapshot; an empty one is `default` everywhere.
pub(crate) fn gathered<T: Copy>(column: &[T], order: &[u32], default: T) -> Vec<T> {
    if column.is_empty() {
        return vec![default; order.len()];
    }
    order.iter().map(|row| column[*row as usize]).collect()
}

/// As [`gathered`], for words. An empty word is replaced by `default`.
pub(crate) fn gathered_words(words: &Dictionary, order: &[u32], default: &str) -> Dictionary {
    let values: Vec<&str> =
        words.values.iter().map(|word| if word.is_empty() { default } else { word }).collect();
    if order.is_empty() {
        return Dictionary::default();
    }
    let mut distinct: Vec<&str> = if words.codes.is_empty() { vec![default] } else { values.clone() };
    distinct.sort_unstable();
    distinct.dedup();
    let code_of = |word: &str| position(distinct.binary_search(&word).unwrap_or(0));
    let codes: Vec<u32> = values.iter().map(|word| code_of(word)).collect();
    Dictionary {
        codes: if distinct.len() <= 1 {
            vec![0; order.len()]
        } else {
            order.iter().map(|row| codes[words.codes[*row as usize] as usize]).collect()
        },
        values: distinct.into_iter().map(Arc::from).collect(),
    }
}

pub(crate) fn gathered_sets(sets: &Sets, order: &[u32]) -> Sets {
    let words = sets.words.max(1);
    if sets.values.is_empty() {
        return Sets { bits: vec![0; order.len()], words: 1, values: Vec::new() };
    }
    let mut bits = Vec::with_capacity(order.len() * words);
    for row in order {
        let start = *row as usize * words;
        bits.extend_from_slice(&sets.bits[start..start + words]);
    }
    Sets { bits, words, values: sets.values.clone() }
}

/// The people of facts, but for their rows by id.
fn freeze_people(
    (cycle, people): (&Cycle, &PeopleColumns),
    ids: Texts,
    placed: &Placed,
    zone: &TimeZone,
    plan: &Plan,
    rates: &ExchangeRates,
) -> Result<People, EngineError> {
    let order = placed.fact.as_slice();
    let first_day = days(cycle.start.to_zoned(zone.clone()).date());
    let end = cycle.end.to_zoned(zone.clone()).date();
    let (end_day, last_day) = (days(end), days(end.yesterday().unwrap_or(end)));
    let unknown = unknown_ranks(people, &ids, order, plan);
    if !unknown.is_empty() {
        return Err(EngineError::UnknownRanks(unknown));
    }
    let ranks = |words: &Dictionary| -> Vec<u8> {
        let positions: Vec<u8> =
            words.values.iter().map(|word| plan.rank_position(word).unwrap_or(0)).collect();
        if positions.iter().all(|position| *position == 0) {
            return vec![0; order.len()];
        }
        order.iter().map(|row| positions[words.codes[*row as usize] as usize]).collect()
    };
    let mut manual_rank = ranks(&people.manual_rank);
    let day = |column: &[i32], row: usize| column.get(order[row] as usize).copied().unwrap_or(NO_DAY);
    if !people.manual_from.is_empty() || !people.manual_to.is_empty() {
        // A rank set by hand holds in a cycle whose last day lies in its dates.
        for (row, rank) in manual_rank.iter_mut().enumerate().filter(|(_, rank)| **rank != 0) {
            let (from, to) = (day(&people.manual_from, row), day(&people.manual_to, row));
            if last_day < from || (to != NO_DAY && to < last_day) {
                *rank = 0;
            }
        }
    }
    let currency = gathered_words(&people.currency, order, rates.base.code());
    for (code, word) in currency.values.iter().enumerate() {
        if word.parse().ok().and_then(|currency| rates.rate(currency)).is_none() {
            let row = currency.codes.iter().position(|of| *of as usize == code).unwrap_or(0);
            let of = format!("person {}", ids.get(row));
            return Err(EngineError::NoRate { currency: word.to_string(), of });
        }
    }
    let joined_on = gathered(&people.joined_on, order, NO_DAY);
    Ok(People {
        consultant: if people.customer.is_empty() {
            vec![true; order.len()]
        } else {
            order.iter().map(|row| !people.customer[*row as usize]).collect()
        },
        status: gathered_words(&people.status, order, "active"),
        country: gathered_words(&people.country, order, ""),
        currency,
        zone: gathered_words(&people.zone, order, ""),
        tags: gathered_sets(&people.tags, order),
        joined_this_cycle: if people.joined_on.is_empty() {
            vec![false; order.len()]
        } else {
            joined_on.iter().map(|day| *day != NO_DAY && first_day <= *day && *day < end_day).collect()
        },
        joined_on,
        previous_rank: ranks(&people.previous_rank),
        honorific_rank: ranks(&people.honorific_rank),
        manual_rank,
        grace_used: gathered(&people.rank_grace_used, order, 0),
        lock_left: vec![0; order.len()],
        earned_before: Vec::new(),
        volumes: Volumes::default(),
        lifetime: Volumes::default(),
        ids,
        by_id: Vec::new(),
        placement: Arc::clone(&placed.placement),
        enrolment: Arc::clone(&placed.enrolment),
    })
}

/// Ranks in the facts that the plan does not know, in the order of the facts. Those of a whole file may be unknown, so no
/// more are named than places that cannot be read.
fn unknown_ranks(people: &PeopleColumns, ids: &Texts, order: &[u32], plan: &Plan) -> Vec<UnknownRank> {
    let columns = [
        ("previous_rank", &people.previous_rank),
        ("honorific_rank", &people.honorific_rank),
        ("manual_rank", &people.manual_rank),
    ];
    let mut found = Vec::new();
    for (column, words) in columns {
        let is_unknown: Vec<bool> =
            words.values.iter().map(|word| !word.is_empty() && plan.rank_position(word).is_none()).collect();
        if !is_unknown.contains(&true) {
            continue;
        }
        for (row, fact) in order.iter().enumerate() {
            let code = words.codes[*fact as usize] as usize;
            if is_unknown[code] {
                found.push((*fact, row, column, &words.values[code]));
            }
        }
    }
    // Stable: several columns of one person stay in the order of the columns.
    found.sort_by_key(|(fact, ..)| *fact);
    let unknown = |(_, row, column, word): (u32, usize, &'static str, &Arc<str>)| UnknownRank {
        person: ids.get(row).to_owned(),
        column,
        found: word.to_string(),
    };
    found.into_iter().take(MOST_ERRORS).map(unknown).collect()
}

/// `number` as a fixed-point integer of `scale` decimals.
pub(crate) fn fixed(number: Decimal, scale: u32, what: &'static str, of: &str) -> Result<i64, EngineError> {
    // Most numbers have few decimals: what trailing zeros there are is only looked at otherwise.
    let number = if number.scale() <= scale { number } else { number.normalize() };
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

/// Row of the snapshot for each row of people in the facts, from both by id.
fn rows_of_facts<'a>(facts_by_id: &[u32], by_id: &'a [u32]) -> Cow<'a, [u32]> {
    if is_in_order(facts_by_id) {
        return Cow::Borrowed(by_id);
    }
    let mut row_of = vec![NONE; facts_by_id.len()];
    for (fact, row) in facts_by_id.iter().zip(by_id) {
        row_of[*fact as usize] = *row;
    }
    Cow::Owned(row_of)
}

/// The orders of facts, in the `order` of their ids, but for which of them are late.
fn freeze_orders(
    orders: OrderColumns,
    order: Vec<u32>,
    row_of_buyer: impl Fn(u32) -> u32,
    rates: &ExchangeRates,
) -> Result<Orders, EngineError> {
    let shared_order = Arc::new(order);
    let order = shared_order.as_slice();
    let is_sorted = is_in_order(order);
    let amounts = |column: Vec<i64>, default: i64| {
        if is_sorted && !column.is_empty() { column } else { gathered(&column, order, default) }
    };
    let truths = |column: Vec<bool>| {
        if is_sorted && !column.is_empty() { column } else { gathered(&column, order, false) }
    };
    let words = |column: Dictionary, default: &str| {
        // Words that stay as they are: none is put in the place of an empty one, and they are sorted.
        let is_as_it_was = !column.codes.is_empty()
            && (default.is_empty() || column.values.iter().all(|word| !word.is_empty()))
            && column.values.is_sorted_by(|a, b| a < b);
        if is_sorted && is_as_it_was { column } else { gathered_words(&column, order, default) }
    };
    let in_text_order = |texts: Texts| {
        if is_sorted || texts.is_empty() { texts } else { texts.arranged(Arc::clone(&shared_order)) }
    };
    let unit = 10_i64.pow(AMOUNT_SCALE);
    let mut frozen = Orders {
        person: Arc::new(order.iter().map(|row| row_of_buyer(*row)).collect()),
        paid_at: amounts(orders.paid_at, 0),
        is_return: truths(orders.is_return),
        is_late: Vec::new(),
        net: amounts(orders.net, 0),
        gross: amounts(orders.gross, 0),
        vq: amounts(orders.vq, 0),
        vc: amounts(orders.vc, 0),
        units: amounts(orders.units, unit),
        points: amounts(orders.points, 0),
        customer_price: amounts(orders.customer_price, 0),
        consultant_price: amounts(orders.consultant_price, 0),
        first_of_person: truths(orders.first_of_person),
        category: words(orders.category, ""),
        currency: words(orders.currency, rates.base.code()),
        ids: in_text_order(orders.ids),
        reverses: in_text_order(orders.reverses.or_none()),
        sold_at: some_moments(&orders.sold_at, order),
    };
    to_base(&mut frozen, rates)?;
    Ok(frozen)
}

/// Moments of the orders `some`; none where none of them has one.
pub(crate) fn some_moments(moments: &[i64], some: &[u32]) -> Vec<i64> {
    if moments.is_empty() || some.iter().all(|order| moments[*order as usize] == NO_MOMENT) {
        return Vec::new();
    }
    some.iter().map(|order| moments[*order as usize]).collect()
}

/// For each order whether it is a return of an order of a settled cycle that this cycle does not feel.
fn late(orders: &Orders, cycle: &Cycle, zone: &TimeZone, plan: &Plan) -> Vec<bool> {
    let mut is_late = vec![false; orders.len()];
    let is_sale_here = |id: &str| orders.row(id).is_some_and(|row| !orders.is_return[row]);
    let start = cycle.start.as_microsecond();
    let returns = plan.document().returns;
    let is_asked = match (returns.after_settlement, returns.within_days) {
        (AfterSettlement::Undo, _) => !orders.reverses.is_empty(),
        (_, within_days) => within_days.is_some() && !orders.sold_at.is_empty(),
    };
    for row in (0..orders.len()).filter(|row| is_asked && orders.is_return[*row]) {
        let sale = orders.reverses.get(row);
        is_late[row] = match (returns.after_settlement, returns.within_days) {
            _ if is_sale_here(sale) => false,
            (AfterSettlement::Undo, _) => !sale.is_empty(),
            (_, Some(most)) if orders.sold_at[row] < start => {
                orders.days_since_sale(row, zone).is_some_and(|days| i64::from(most) < days)
            }
            _ => false,
        };
    }
    is_late
}

/// Brings net and gross of orders in another currency to the base currency. A foreign amount is divided by its rate and kept
/// with four decimals.
fn to_base(orders: &mut Orders, rates: &ExchangeRates) -> Result<(), EngineError> {
    let foreign = |(code, word): (usize, &Arc<str>)| {
        let currency: Option<Currency> = word.parse().ok();
        if currency == Some(rates.base) {
            return Ok(None);
        }
        let rate = currency.and_then(|currency| rates.rate(currency));
        rate.map(Some).ok_or_else(|| {
            let row = orders.currency.codes.iter().position(|of| *of as usize == code).unwrap_or(0);
            let of = format!("order {}", orders.ids.get(row));
            EngineError::NoRate { currency: word.to_string(), of }
        })
    };
    let by_code: Vec<Option<Decimal>> =
        orders.currency.values.iter().enumerate().map(foreign).collect::<Result<_, _>>()?;
    if by_code.iter().all(Option::is_none) {
        return Ok(());
    }
    let strategy = rust_decimal::RoundingStrategy::MidpointNearestEven;
    let Orders { ids, currency, net, gross, customer_price, consultant_price, .. } = orders;
    let columns = [
        ("net", net),
        ("gross", gross),
        ("customer_price", customer_price),
        ("consultant_price", consultant_price),
    ];
    for (name, column) in columns {
        for (row, amount) in column.iter_mut().enumerate() {
            let Some(rate) = by_code[currency.codes[row] as usize] else { continue };
            let id = ids.get(row);
            let overflow = || EngineError::TooLarge {
                what: format!("{name} of order {id} in the base currency"),
                order: id.to_owned(),
                column: name,
            };
            let foreign = Decimal::new(*amount, AMOUNT_SCALE);
            let in_base = foreign.checked_div(rate).ok_or_else(overflow)?;
            let rounded = in_base.round_dp_with_strategy(AMOUNT_SCALE, strategy);
            // What was rounded has no decimals too many: it can only be too large.
            *amount = fixed(rounded, AMOUNT_SCALE, name, id).map_err(|_| overflow())?;
        }
    }
    Ok(())
}

/// Which amounts the facts have; the others are 0, units 1.
struct Given {
    vq: bool,
    vc: bool,
    net: bool,
    gross: bool,
    units: bool,
    points: bool,
}

impl Given {
    /// What nobody has looked at.
    const ANYTHING: Self = Self { vq: true, vc: true, net: true, gross: true, units: true, points: true };

    fn of(orders: &OrderColumns) -> Self {
        let some = |column: &[i64]| column.iter().any(|amount| *amount != 0);
        Self {
            vq: some(&orders.vq),
            vc: some(&orders.vc),
            net: some(&orders.net),
            gross: some(&orders.gross),
            units: !orders.units.is_empty(),
            points: some(&orders.points),
        }
    }
}

fn sum_orders(orders: &Orders, given: &Given, ids: &Texts) -> Result<Volumes, EngineError> {
    let rows = ids.len();
    let some_return = orders.is_return.contains(&true);
    let has_no_returns = !some_return && !orders.is_late.contains(&true);
    let nothing = Arc::new(vec![0; rows]);
    let too_large = |column: &'static str, row: usize, order: usize| EngineError::TooLarge {
        what: format!("the sum of {column} of person {} with order {}", ids.get(row), orders.ids.get(order)),
        order: orders.ids.get(order).to_owned(),
        column,
    };
    // Threads share out the columns; what no order has costs nothing.
    let sum = |name: &'static str,
               amounts: &[i64],
               given: bool,
               returns_only: bool|
     -> Result<Arc<Vec<i64>>, EngineError> {
        let overflow = |row, order| too_large(name, row, order);
        if !given || (returns_only && !some_return) {
            return Ok(Arc::clone(&nothing));
        }
        let mut sums = vec![0_i64; rows];
        if has_no_returns {
            for (order, (row, amount)) in orders.person.iter().zip(amounts).enumerate() {
                let cell = &mut sums[*row as usize];
                *cell = cell.checked_add(*amount).ok_or_else(|| overflow(*row as usize, order))?;
            }
            return Ok(Arc::new(sums));
        }
        for order in (0..orders.len()).filter(|order| !orders.is_late[*order]) {
            let is_return = orders.is_return[order];
            if returns_only && !is_return {
                continue;
            }
            let row = orders.person[order] as usize;
            let sign = if is_return && !returns_only { -1 } else { 1 };
            let amount = amounts[order].checked_mul(sign);
            sums[row] = amount
                .and_then(|amount| sums[row].checked_add(amount))
                .ok_or_else(|| overflow(row, order))?;
        }
        Ok(Arc::new(sums))
    };
    let count = |returns: bool| -> Arc<Vec<i64>> {
        if has_no_returns || (returns && !some_return) {
            return Arc::clone(&nothing);
        }
        let mut counts = vec![0_i64; rows];
        for (order, row) in orders.person.iter().enumerate() {
            let counted = !orders.is_late[order] && orders.is_return[order] == returns;
            counts[*row as usize] += i64::from(counted);
        }
        Arc::new(counts)
    };
    let column = |volume: Volume| match volume {
        Volume::Vq => sum("vq", &orders.vq, given.vq, false),
        Volume::Vc => sum("vc", &orders.vc, given.vc, false),
        Volume::Net => sum("net", &orders.net, given.net, false),
        Volume::Gross => sum("gross", &orders.gross, given.gross, false),
        Volume::Orders => Ok(count(false)),
        // One for each order are made of their number, below.
        Volume::Units => sum("units", &orders.units, given.units || !has_no_returns, false),
        Volume::Points => sum("points", &orders.points, given.points, false),
        Volume::ReturnsVq => sum("vq", &orders.vq, given.vq, true),
        Volume::ReturnsVc => sum("vc", &orders.vc, given.vc, true),
        Volume::ReturnsCount => Ok(count(true)),
    };
    let mut columns: [Arc<Vec<i64>>; 10] = std::array::from_fn(|_| Arc::default());
    let computed = threads::each(Volume::ALL.len(), |place| column(Volume::ALL[place]));
    for (place, computed) in columns.iter_mut().zip(computed) {
        *place = computed?;
    }
    let mut volumes = Volumes::of_columns(columns);
    if has_no_returns {
        let buyers = Arc::clone(&orders.person);
        let sales = volume_column(move || {
            let mut counts = vec![0_i64; rows];
            for row in buyers.iter() {
                counts[*row as usize] += 1;
            }
            Arc::new(counts)
        });
        if !given.units {
            let sales = Arc::clone(&sales);
            let one_each = move || sales.iter().map(|count| count * 10_i64.pow(AMOUNT_SCALE)).collect();
            volumes.set(Volume::Units, volume_column(move || Arc::new(one_each())));
        }
        volumes.set(Volume::Orders, sales);
    }
    Ok(volumes)
}

/// Ranks and lifetime sums of the cycle before.
fn carry_over(people: &mut People, previous: Previous<'_>, plan: &Plan) -> Result<(), EngineError> {
    let before = &previous.snapshot.people;
    if before.len() != previous.ranks.paid.len() {
        return Err(EngineError::Mismatch("the previous ranks are not of the previous snapshot".to_owned()));
    }
    let rows = earlier_rows(people, before);
    let known = || rows.iter().enumerate().filter(|(_, old)| **old != NONE);
    for (row, old) in known() {
        let old = *old as usize;
        people.previous_rank[row] = previous.ranks.paid[old];
        people.honorific_rank[row] = previous.ranks.honorific[old];
        people.grace_used[row] = previous.ranks.grace_used[old];
        people.lock_left[row] = previous.ranks.lock_left.get(old).copied().unwrap_or(0);
    }
    let looks_back = plan.document().ranks.continuity.map_or(0, |asked| usize::from(asked.of_last) - 1);
    let earned = std::iter::once(&previous.ranks.earned).chain(&previous.ranks.earned_before);
    for earned in earned.take(looks_back) {
        let mut column = vec![0; people.len()];
        for (row, old) in known() {
            column[row] = earned.get(*old as usize).copied().unwrap_or(0);
        }
        people.earned_before.push(column);
    }
    for volume in Volume::ALL {
        let mut sums = people.lifetime.shared(volume);
        let column = Arc::make_mut(&mut sums);
        for (row, old) in known() {
            let sum = column[row].checked_add(before.lifetime.of(volume)[*old as usize]);
            column[row] = sum.ok_or_else(|| EngineError::Overflow {
                person: people.ids.get(row).to_owned(),
                what: format!("lifetime {}", volume.column()),
            })?;
        }
        people.lifetime.set(volume, volume_column(|| sums));
    }
    Ok(())
}

/// Customers have no rank, whatever the facts say, or what they were before they became customers.
fn without_ranks_of_customers(people: &mut People) {
    let People { previous_rank, honorific_rank, manual_rank, grace_used, consultant, .. } = people;
    for row in consultant.iter().enumerate().filter(|(_, consultant)| !**consultant).map(|(row, _)| row) {
        for column in [&mut *previous_rank, &mut *honorific_rank, &mut *manual_rank, &mut *grace_used] {
            column[row] = 0;
        }
    }
}

/// For each person the row in an earlier snapshot, where there is one.
pub(crate) fn earlier_rows(now: &People, before: &People) -> Vec<u32> {
    let mut rows = vec![NONE; now.len()];
    let mut place = 0;
    for row in &now.by_id {
        let id = now.ids.get(*row as usize);
        while let Some(old) = before.by_id.get(place)
            && before.ids.get(*old as usize) < id
        {
            place += 1;
        }
        if let Some(old) = before.by_id.get(place)
            && before.ids.get(*old as usize) == id
        {
            rows[*row as usize] = *old;
        }
    }
    rows
}

impl Snapshot {
    /// The exact value of a payout currency, or the base currency if the text is none (it always is one).
    pub fn currency_of(&self, row: u32) -> Currency {
        self.people.currency.get(row as usize).parse().unwrap_or(self.rates.base)
    }

    /// What the commissionable volume of everybody is worth under a plan, in the base currency; `None` where it is too large.
    pub fn value_of_volume(&self, plan: &Plan) -> Option<Decimal> {
        let volume: i128 = self.people.volumes.of(Volume::Vc).iter().map(|vc| i128::from(*vc)).sum();
        let volume = Decimal::try_from_i128_with_scale(volume, AMOUNT_SCALE).ok()?;
        volume.checked_mul(plan.document().volumes.vc_value)
    }

    /// Rounds in a person's currency.
    pub(crate) fn minor_units(currency: Currency, exact: Decimal, rounding: Rounding) -> Option<i64> {
        let rounded = currency.round(exact, rounding);
        (rounded * Decimal::from(10_i64.pow(currency.minor_digits()))).to_i64()
    }
}
