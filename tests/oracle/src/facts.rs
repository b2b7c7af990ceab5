//! The generator's files: `people.csv` and one `orders-<cycle>.csv` a cycle.

use std::path::Path;

use anyhow::{Context, Result};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use serde::Deserialize;

/// A row of `people.csv`.
#[derive(Clone, Debug, Deserialize)]
pub struct Person {
    /// Id.
    pub id: String,
    /// `consultant` or `customer`.
    pub kind: String,
    /// Who they hang under; empty for the root.
    pub parent: String,
    /// Who brought them; empty for the root.
    pub sponsor: String,
    /// Local day they joined.
    pub joined_on: Date,
    /// Currency they are paid in.
    pub currency: String,
    /// Code of the rank before the first cycle; empty for none.
    #[serde(default)]
    pub previous_rank: String,
}

impl Person {
    /// Whether the person is a consultant.
    pub fn is_consultant(&self) -> bool {
        self.kind == "consultant"
    }
}

/// A row of an orders file.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    /// Id.
    pub id: String,
    /// Buyer.
    pub person: String,
    /// When it was paid or returned.
    pub paid_at: Timestamp,
    /// `sale` or `return`.
    pub kind: String,
    /// Currency of its money.
    pub currency: String,
    /// Net amount.
    pub net: Decimal,
    /// Gross amount.
    pub gross: Decimal,
    /// Qualifying volume.
    pub vq: Decimal,
    /// Commissionable volume.
    pub vc: Decimal,
    /// Units.
    pub units: Decimal,
    /// Points.
    pub points: Decimal,
    /// The sale that a return takes back.
    #[serde(default)]
    pub reverses: String,
}

impl Order {
    /// Whether it takes back a sale.
    pub fn is_return(&self) -> bool {
        self.kind == "return"
    }

    /// 1 for a sale, -1 for a return.
    pub fn sign(&self) -> Decimal {
        if self.is_return() { Decimal::NEGATIVE_ONE } else { Decimal::ONE }
    }
}

/// A cycle and its orders.
#[derive(Clone, Debug)]
pub struct CycleFacts {
    /// Its name.
    pub id: String,
    /// Its first local day.
    pub first_day: Date,
    /// Its last local day.
    pub last_day: Date,
    /// Its sales and returns.
    pub orders: Vec<Order>,
}

impl CycleFacts {
    /// Reads `orders-<id>.csv` in `folder`.
    pub fn read(folder: &Path, id: &str, first_day: Date, last_day: Date) -> Result<Self> {
        let orders = rows(&folder.join(format!("orders-{id}.csv")))?;
        Ok(Self { id: id.to_owned(), first_day, last_day, orders })
    }

    /// Whether a day lies in it.
    pub fn contains(&self, day: Date) -> bool {
        self.first_day <= day && day <= self.last_day
    }

    /// Whether every order was paid in it, in `zone`.
    pub fn holds_its_orders(&self, zone: &TimeZone) -> bool {
        self.orders.iter().all(|order| self.contains(order.paid_at.to_zoned(zone.clone()).date()))
    }
}

/// Reads `people.csv` in `folder`.
pub fn read_people(folder: &Path) -> Result<Vec<Person>> {
    rows(&folder.join("people.csv"))
}

fn rows<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Vec<T>> {
    let mut reader =
        csv::Reader::from_path(path).with_context(|| format!("cannot read {}", path.display()))?;
    let rows = reader.deserialize().collect::<Result<_, _>>();
    rows.with_context(|| format!("{} has a wrong row", path.display()))
}
