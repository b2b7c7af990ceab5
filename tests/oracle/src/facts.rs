//! Facts as they stand in files: people, orders, the days of a cycle.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

/// A row of `people.csv`. Everything but the id may be absent or empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Id.
    pub id: String,
    /// `customer`, or a consultant.
    pub kind: String,
    /// Who they hang under; empty for the root.
    pub parent: String,
    /// Who brought them; empty for the parent.
    pub sponsor: String,
    /// Local day they joined.
    pub joined_on: Option<Date>,
    /// Status; empty for `active`.
    pub status: String,
    /// Country.
    pub country: String,
    /// Currency they are paid in; empty for the base currency.
    pub currency: String,
    /// Zone.
    pub zone: String,
    /// Tags, with `;` between them.
    pub tags: String,
    /// Code of the paid rank of the cycle before; empty for none.
    pub previous_rank: String,
    /// Cycles of grace used.
    #[serde(deserialize_with = "or_default")]
    pub rank_grace_used: u8,
    /// Code of the honorific rank; empty for none.
    pub honorific_rank: String,
    /// Code of a rank set by hand; empty for none.
    pub manual_rank: String,
    /// First day it holds.
    pub manual_from: Option<Date>,
    /// Last day it holds.
    pub manual_to: Option<Date>,
}

impl Person {
    /// Whether the person is a consultant.
    pub fn is_consultant(&self) -> bool {
        self.kind != "customer"
    }
}

/// A row of an orders file. Everything but id, person and moment may be absent or empty.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Order {
    /// Id.
    pub id: String,
    /// Buyer.
    pub person: String,
    /// When it was paid or returned: a moment, or a local day.
    pub paid_at: String,
    /// `return`, or a sale.
    pub kind: String,
    /// Currency of its money; empty for the base currency.
    pub currency: String,
    /// Net amount.
    #[serde(deserialize_with = "or_default")]
    pub net: Decimal,
    /// Gross amount.
    #[serde(deserialize_with = "or_default")]
    pub gross: Decimal,
    /// Qualifying volume.
    #[serde(deserialize_with = "or_default")]
    pub vq: Decimal,
    /// Commissionable volume.
    #[serde(deserialize_with = "or_default")]
    pub vc: Decimal,
    /// Units; 1 if nothing is said.
    #[serde(deserialize_with = "or_one")]
    pub units: Decimal,
    /// Points.
    #[serde(deserialize_with = "or_default")]
    pub points: Decimal,
    /// What the customer paid.
    #[serde(deserialize_with = "or_default")]
    pub customer_price: Decimal,
    /// What a consultant would have paid.
    #[serde(deserialize_with = "or_default")]
    pub consultant_price: Decimal,
    /// Whether it is the first of its buyer.
    #[serde(deserialize_with = "truth")]
    pub first_of_person: bool,
    /// Category.
    pub category: String,
    /// The sale that a return takes back.
    pub reverses: String,
    /// When the sale was paid that a return takes back, if it is known.
    pub sold_at: String,
}

impl Default for Order {
    fn default() -> Self {
        let nothing = String::new;
        Self {
            id: nothing(),
            person: nothing(),
            paid_at: nothing(),
            kind: nothing(),
            currency: nothing(),
            net: Decimal::ZERO,
            gross: Decimal::ZERO,
            vq: Decimal::ZERO,
            vc: Decimal::ZERO,
            units: Decimal::ONE,
            points: Decimal::ZERO,
            customer_price: Decimal::ZERO,
            consultant_price: Decimal::ZERO,
            first_of_person: false,
            category: nothing(),
            reverses: nothing(),
            sold_at: nothing(),
        }
    }
}

impl Order {
    /// Whether it takes back a sale.
    pub fn is_return(&self) -> bool {
        self.kind == "return"
    }

    /// The local day it was paid or returned.
    pub(crate) fn day(&self, zone: &TimeZone) -> Result<Date> {
        local_day(&self.paid_at, zone).with_context(|| format!("order {} was never paid", self.id))
    }

    /// The local day of the sale that a return takes back, if the facts say it.
    pub(crate) fn sold_on(&self, zone: &TimeZone) -> Result<Option<Date>> {
        if self.sold_at.is_empty() {
            return Ok(None);
        }
        local_day(&self.sold_at, zone).map(Some).with_context(|| format!("order {} was never sold", self.id))
    }
}

/// The local day of a moment, or the day that is written.
fn local_day(text: &str, zone: &TimeZone) -> Result<Date> {
    match text.parse::<Timestamp>() {
        Ok(moment) => Ok(moment.to_zoned(zone.clone()).date()),
        Err(_) => Ok(text.parse()?),
    }
}

/// What somebody was paid on account of a cycle before its end.
#[derive(Clone, Debug)]
pub struct Advance {
    /// Who.
    pub person: String,
    /// Code of the bonus.
    pub bonus: String,
    /// The currency it was paid in; empty for the base currency.
    pub currency: String,
    /// How much.
    pub amount: Decimal,
}

/// A cycle: its days, and what was so in it.
#[derive(Clone, Debug)]
pub struct CycleInput {
    /// Its name.
    pub id: String,
    /// Its first local day.
    pub first_day: Date,
    /// Its last local day.
    pub last_day: Date,
    /// The people at its end.
    pub people: Vec<Person>,
    /// Its sales and returns.
    pub orders: Vec<Order>,
    /// Units of a currency for one of the base currency, where the plan's rates were not taken.
    pub rates: BTreeMap<String, Decimal>,
    /// The process it was settled in; none: all bonuses.
    pub process: Option<String>,
    /// What was paid on account of it.
    pub advances: Vec<Advance>,
}

impl CycleInput {
    /// Reads `orders-<id>.csv` in `folder`, of a cycle with these people.
    pub fn read(folder: &Path, id: &str, first_day: Date, last_day: Date, people: &[Person]) -> Result<Self> {
        Ok(Self {
            id: id.to_owned(),
            first_day,
            last_day,
            people: people.to_vec(),
            orders: read_orders(&folder.join(format!("orders-{id}.csv")))?,
            rates: BTreeMap::new(),
            process: None,
            advances: Vec::new(),
        })
    }

    /// Whether a day lies in it.
    pub fn contains(&self, day: Date) -> bool {
        self.first_day <= day && day <= self.last_day
    }
}

/// Reads a file of people.
pub fn read_people(path: &Path) -> Result<Vec<Person>> {
    people_in(&text_of(path)?).with_context(|| format!("{} has a wrong row", path.display()))
}

/// Reads a file of orders.
pub fn read_orders(path: &Path) -> Result<Vec<Order>> {
    orders_in(&text_of(path)?).with_context(|| format!("{} has a wrong row", path.display()))
}

/// Reads the text of a file of people.
pub fn people_in(text: &str) -> Result<Vec<Person>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| Ok(row?)).collect()
}

/// Reads the text of a file of orders.
pub fn orders_in(text: &str) -> Result<Vec<Order>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| Ok(row?)).collect()
}

fn text_of(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn field<'de, D: Deserializer<'de>, T: std::str::FromStr>(row: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(row)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| serde::de::Error::custom(format!("{text:?} is no number")))
}

fn or_default<'de, D: Deserializer<'de>, T: std::str::FromStr + Default>(row: D) -> Result<T, D::Error> {
    field(row).map(Option::unwrap_or_default)
}

fn or_one<'de, D: Deserializer<'de>>(row: D) -> Result<Decimal, D::Error> {
    field(row).map(|units| units.unwrap_or(Decimal::ONE))
}

fn truth<'de, D: Deserializer<'de>>(row: D) -> Result<bool, D::Error> {
    let text = String::deserialize(row)?;
    Ok(matches!(text.as_str(), "true" | "1"))
}
