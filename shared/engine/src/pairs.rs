//! What rules see where volume is paid to somebody else: the earner, the member who brought it, the order, the level.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use plan::{AMOUNT_SCALE, OrderAttribute, Source};
use rules::{Column, Columns, Program, Record, Value};
use rust_decimal::Decimal;

use crate::{
    columns::NONE,
    snapshot::{NO_DAY, Orders, Snapshot},
    view::View,
};

/// An earner, the member whose volume is paid on, perhaps one of that member's orders, and the level it is paid as.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) earner: usize,
    pub(crate) source: usize,
    /// Row of the order, or [`NONE`].
    pub(crate) order: u32,
    pub(crate) level: usize,
    pub(crate) zone: &'a TimeZone,
}

impl Pair<'_> {
    fn row_of(&self, source: Option<Source>) -> usize {
        match source {
            Some(Source::MemberAttribute(_) | Source::MemberIndicator(_)) => self.source,
            _ => self.earner,
        }
    }
}

impl Record for Pair<'_> {
    fn value(&self, slot: u32) -> Value {
        let source = self.view.plan.source(slot);
        match source {
            Some(Source::LevelPaid) => Value::from(i64::try_from(self.level).unwrap_or(i64::MAX)),
            Some(Source::Order(attribute)) if self.order != NONE => {
                of_order(self.view.snapshot, attribute, self.order as usize, self.zone)
            }
            _ => self.view.value_of(source, self.row_of(source)),
        }
    }

    fn is_missing(&self, slot: u32) -> bool {
        let source = self.view.plan.source(slot);
        self.view.is_not_known(source, self.row_of(source))
    }
}

fn of_order(snapshot: &Snapshot, attribute: OrderAttribute, order: usize, zone: &TimeZone) -> Value {
    let orders = &snapshot.orders;
    match attribute {
        OrderAttribute::IsReturn => Value::Bool(orders.is_return[order]),
        OrderAttribute::FirstOfPerson => Value::Bool(orders.first_of_person[order]),
        OrderAttribute::Category => Value::text(orders.category.get(order)),
        OrderAttribute::DaysSinceJoining => Value::from(days_since_joining(snapshot, order, zone)),
        OrderAttribute::PaidOn => Value::Date(paid_on(orders.paid_at[order], zone)),
        OrderAttribute::Net
        | OrderAttribute::Gross
        | OrderAttribute::Vq
        | OrderAttribute::Vc
        | OrderAttribute::Units
        | OrderAttribute::Points
        | OrderAttribute::CustomerPrice
        | OrderAttribute::ConsultantPrice => {
            Value::Number(Decimal::new(amounts(orders, attribute)[order], AMOUNT_SCALE))
        }
    }
}

/// A number of each order; returns keep their positive sign.
fn amounts(orders: &Orders, attribute: OrderAttribute) -> &[i64] {
    match attribute {
        OrderAttribute::Net => &orders.net,
        OrderAttribute::Gross => &orders.gross,
        OrderAttribute::Vq => &orders.vq,
        OrderAttribute::Vc => &orders.vc,
        OrderAttribute::Units => &orders.units,
        OrderAttribute::Points => &orders.points,
        OrderAttribute::CustomerPrice => &orders.customer_price,
        OrderAttribute::ConsultantPrice => &orders.consultant_price,
        OrderAttribute::IsReturn
        | OrderAttribute::FirstOfPerson
        | OrderAttribute::PaidOn
        | OrderAttribute::Category
        | OrderAttribute::DaysSinceJoining => &[],
    }
}

/// Of somebody whose day of joining is unknown, as many as since the year 0.
fn days_since_joining(snapshot: &Snapshot, order: usize, zone: &TimeZone) -> i64 {
    let buyer = snapshot.orders.person[order];
    days_after(snapshot.people.joined_on[buyer as usize], snapshot.orders.paid_at[order], zone)
}

/// Days from a day to the local day of a moment in microseconds.
pub(crate) fn days_after(day: i32, microseconds: i64, zone: &TimeZone) -> i64 {
    since_epoch(paid_on(microseconds, zone)) - i64::from(day)
}

/// Days from the local day of a moment in microseconds to that of another.
pub(crate) fn days_between(from: i64, to: i64, zone: &TimeZone) -> i64 {
    since_epoch(paid_on(to, zone)) - since_epoch(paid_on(from, zone))
}

/// The local day of a moment in microseconds.
fn paid_on(microseconds: i64, zone: &TimeZone) -> Date {
    let moment = Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    zone.to_datetime(moment).date()
}

fn since_epoch(date: Date) -> i64 {
    date.since(Date::constant(1970, 1, 1)).map_or(0, |span| i64::from(span.get_days()))
}

/// Orders as rows: the columns a rule reads, those of the buyers brought to their orders.
pub(crate) struct OrderColumns<'a> {
    view: &'a View<'a>,
    orders: &'a Orders,
    brought: BTreeMap<u32, Brought<'a>>,
    missing: BTreeMap<u32, Vec<bool>>,
}

/// A column made for orders.
enum Brought<'a> {
    Fixed(Vec<i64>, u32),
    Count(Vec<u32>),
    Code(Vec<u8>),
    Exact(Vec<Decimal>),
    Bool(Vec<bool>),
    Text(Vec<u32>, &'a [Arc<str>]),
    Date(Vec<i32>),
    Set(Vec<u64>, usize, &'a [Arc<str>]),
    Constant(Value),
}

impl<'a> OrderColumns<'a> {
    /// What `rule` reads of the snapshot's orders and of those who brought them.
    pub(crate) fn of(view: &'a View<'a>, rule: &Program, zone: &TimeZone) -> Self {
        let orders = &view.snapshot.orders;
        Self::brought_by(view, orders, &orders.person, rule, zone)
    }

    /// What `rule` reads of orders, which may be those of an earlier cycle, and of `buyers`, the rows in the view of those who
    /// brought them.
    pub(crate) fn brought_by(
        view: &'a View<'a>,
        orders: &'a Orders,
        buyers: &[u32],
        rule: &Program,
        zone: &TimeZone,
    ) -> Self {
        let (mut brought, mut missing) = (BTreeMap::new(), BTreeMap::new());
        for slot in rule.slots() {
            let source = view.plan.source(*slot);
            match source {
                Some(Source::Order(OrderAttribute::DaysSinceJoining)) => {
                    let joined_on = &view.snapshot.people.joined_on;
                    let bought = buyers.iter().zip(&orders.paid_at);
                    let days =
                        bought.map(|(buyer, at)| days_after(joined_on[*buyer as usize], *at, zone)).collect();
                    brought.insert(*slot, Brought::Fixed(days, 0));
                }
                Some(Source::Order(OrderAttribute::PaidOn)) => {
                    let day = |at: &i64| i32::try_from(since_epoch(paid_on(*at, zone))).unwrap_or(NO_DAY);
                    brought.insert(*slot, Brought::Date(orders.paid_at.iter().map(day).collect()));
                }
                Some(Source::Order(_)) => {}
                _ => {
                    brought.insert(*slot, bring(view.by_person(source), buyers));
                    if let Some(unknown) = view.not_known(source) {
                        missing.insert(*slot, pick(unknown, buyers));
                    }
                }
            }
        }
        Self { view, orders, brought, missing }
    }
}

fn pick<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().filter_map(|row| values.get(*row as usize).copied()).collect()
}

fn bring<'a>(column: Column<'a>, rows: &[u32]) -> Brought<'a> {
    match column {
        Column::Fixed { values, scale } => Brought::Fixed(pick(values, rows), scale),
        Column::Count(values) => Brought::Count(pick(values, rows)),
        Column::Code(values) => Brought::Code(pick(values, rows)),
        Column::Exact(values) => Brought::Exact(pick(values, rows)),
        Column::Bool(values) => Brought::Bool(pick(values, rows)),
        Column::Text { codes, dictionary } => Brought::Text(pick(codes, rows), dictionary),
        Column::Date(values) => Brought::Date(pick(values, rows)),
        Column::Set { bits, words_per_row, dictionary } => {
            let words = |row: &u32| {
                let start = *row as usize * words_per_row;
                bits.get(start..start + words_per_row).unwrap_or_default()
            };
            Brought::Set(rows.iter().flat_map(words).copied().collect(), words_per_row, dictionary)
        }
        Column::Constant(value) => Brought::Constant(value),
    }
}

impl Columns for OrderColumns<'_> {
    fn column(&self, slot: u32) -> Column<'_> {
        let orders = self.orders;
        match (self.brought.get(&slot), self.view.plan.source(slot)) {
            (Some(brought), _) => match brought {
                Brought::Fixed(values, scale) => Column::Fixed { values, scale: *scale },
                Brought::Count(values) => Column::Count(values),
                Brought::Code(values) => Column::Code(values),
                Brought::Exact(values) => Column::Exact(values),
                Brought::Bool(values) => Column::Bool(values),
                Brought::Text(codes, dictionary) => Column::Text { codes, dictionary },
                Brought::Date(values) => Column::Date(values),
                Brought::Set(bits, words_per_row, dictionary) => {
                    Column::Set { bits, words_per_row: *words_per_row, dictionary }
                }
                Brought::Constant(value) => Column::Constant(value.clone()),
            },
            (None, Some(Source::Order(attribute))) => match attribute {
                OrderAttribute::IsReturn => Column::Bool(&orders.is_return),
                OrderAttribute::FirstOfPerson => Column::Bool(&orders.first_of_person),
                OrderAttribute::Category => {
                    Column::Text { codes: &orders.category.codes, dictionary: &orders.category.values }
                }
                _ => Column::Fixed { values: amounts(orders, attribute), scale: AMOUNT_SCALE },
            },
            (None, _) => Column::Constant(Value::from(0)),
        }
    }

    fn missing(&self, slot: u32) -> Option<&[bool]> {
        self.missing.get(&slot).map(Vec::as_slice)
    }
}
