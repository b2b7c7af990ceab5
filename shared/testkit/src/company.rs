//! An invented company: a network shaped like real ones, with people, orders and a catalogue, drawn from a seed.
//!
//! Everything is integer arithmetic over a generator of our own, so the same [`Options`] give the same bytes everywhere.
//! Each subject (shape, sponsors, ranks, orders of a cycle, ...) draws from a stream of its own, so a change to how one is drawn
//! leaves the others as they were.
//!
//! What is true of every company made here:
//! - Person 0 is the only root of both trees. Ids follow the order of joining, but people re-sponsored later hang under
//!   somebody who joined after them, so a parent's id may be the larger one.
//! - Who sponsors somebody joined earlier and stands earlier in [`Company::load_order`]; so does the parent there.
//!   Nobody has a customer as parent or sponsor.
//! - An order is a basket of one category; all of its amounts follow from its lines, the catalogue, the person's currency
//!   and whether a consultant or a customer buys. A return takes back lines of one earlier sale, each sale at most once.
//! - Nobody orders before joining. Terminated people do not order; inactive ones not in the last cycle.

mod catalogue;
mod files;
mod markets;
mod names;
mod network;
mod orders;
mod people;
mod random;
#[cfg(test)]
mod tests;

use anyhow::{Context, ensure};
use foundation::{cycle::Cycle, id::CycleId};
use jiff::{
    civil::{Date, date},
    tz::TimeZone,
};

pub use self::{
    catalogue::{Category, Product, catalogue, products},
    files::{Written, write, write_orders, write_people, write_people_load},
    markets::Country,
    orders::{Amounts, Line, Order, OrderKind, OrderRef},
    people::{Career, DocumentType, ManualRank, Person, PersonKind, Status},
};

/// The largest company that can be asked for.
pub const PEOPLE_MAX: usize = 1_000_000;

/// What to generate.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many people, 1 to [`PEOPLE_MAX`]; 2,000 by default.
    pub people: usize,
    /// Where the draws start. Another seed is another company.
    pub seed: u64,
    /// The cycles with orders, one after the other in time; September and October 2026 by default.
    pub cycles: Vec<CycleDates>,
    /// The company's time zone, by its IANA name.
    pub zone: String,
    /// Rank codes from the lowest, which everybody holds, to the highest. Consultants get one of them as the rank of the cycle before
    /// the first; none of them if the list is empty. An empty code leaves the column empty.
    pub ranks: Vec<String>,
    /// Whether some people bring grace cycles, honorific and manual ranks. Only the simulation's file has columns for them, so a
    /// company that is loaded through the API and compared with its files leaves this off, the default.
    pub careers: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            people: 2_000,
            seed: 20_260_901,
            cycles: vec![
                CycleDates::new("2026-09", date(2026, 9, 1), date(2026, 9, 30)),
                CycleDates::new("2026-10", date(2026, 10, 1), date(2026, 10, 31)),
            ],
            zone: "America/Bogota".to_owned(),
            ranks: ["none", "bronce", "plata", "oro", "esmeralda", "diamante"].map(str::to_owned).to_vec(),
            careers: false,
        }
    }
}

/// A cycle by its days, in the company's zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleDates {
    /// Its id, which names the file of its orders too.
    pub id: String,
    /// Its first day.
    pub first_day: Date,
    /// Its last day.
    pub last_day: Date,
}

impl CycleDates {
    /// The cycle `id` from `first_day` to `last_day` inclusive.
    pub fn new(id: &str, first_day: Date, last_day: Date) -> Self {
        Self { id: id.to_owned(), first_day, last_day }
    }
}

/// A cycle with its orders.
#[derive(Clone, Debug)]
pub struct CycleOrders {
    /// When it is.
    pub cycle: Cycle,
    /// Its days.
    pub dates: CycleDates,
    /// Its sales and returns in the order of payment.
    pub orders: Vec<Order>,
}

/// A generated company. People are named by their number, the index into `people`.
#[derive(Clone, Debug)]
pub struct Company {
    /// Everybody, in the order of joining.
    pub people: Vec<Person>,
    /// The cycles asked for, with their orders.
    pub cycles: Vec<CycleOrders>,
    /// The rank codes asked for.
    pub ranks: Vec<String>,
    /// Everybody such that parents and sponsors come before those under them: level by level of the placement tree.
    pub load_order: Vec<u32>,
    /// The single-file chains, each from its top to its tip.
    pub chains: Vec<Vec<u32>>,
    products: Vec<Product>,
}

impl Company {
    /// The id of person `number`, as it stands in every file.
    pub fn person_id(&self, number: u32) -> String {
        format!("P{:07}", number + 1)
    }

    /// The id of an order, as it stands in every file.
    pub fn order_id(&self, order: OrderRef) -> String {
        let cycle = self.cycles.get(order.cycle as usize).map_or("", |cycle| cycle.dates.id.as_str());
        format!("{cycle}-{:07}", order.index + 1)
    }

    /// What an order comes to, in the currency of the person who placed it.
    pub fn amounts(&self, order: &Order) -> Amounts {
        Amounts::of(order, &self.products, &self.people[order.person as usize])
    }

    /// The category all lines of an order belong to.
    pub fn category(&self, order: &Order) -> Category {
        let product = order.lines().next().map_or(0, |line| usize::from(line.product));
        self.products[product].category
    }
}

/// Draws the company that `options` describe.
///
/// Fails if the number of people is out of range, there is no cycle, or the cycles have bad ids, an unknown zone, or are not one
/// after the other.
pub fn generate(options: &Options) -> anyhow::Result<Company> {
    ensure!(
        (1..=PEOPLE_MAX).contains(&options.people),
        "a company has 1 to {PEOPLE_MAX} people, not {}",
        options.people
    );
    let zone = TimeZone::get(&options.zone).with_context(|| format!("the time zone {:?}", options.zone))?;
    let mut cycles = Vec::with_capacity(options.cycles.len());
    for dates in &options.cycles {
        let id: CycleId = dates.id.parse()?;
        let cycle = Cycle::of_days(id, dates.first_day, dates.last_day, &zone)?;
        ensure!(
            cycles.last().is_none_or(|before: &Cycle| before.end <= cycle.start),
            "the cycle {} starts before the one listed before it ends",
            dates.id
        );
        cycles.push(cycle);
    }
    let (Some(first), Some(last)) = (options.cycles.first(), options.cycles.last()) else {
        anyhow::bail!("a company needs at least one cycle");
    };

    let days = people::Days::new(first.first_day, last.last_day, &zone)?;
    let products = products();
    let shape = network::grow(options.people, options.seed);
    let people = people::settle(&shape, &days, options);
    let orders = orders::place(&people, &products, &cycles, &days, options.seed);
    let cycles = cycles
        .into_iter()
        .zip(&options.cycles)
        .zip(orders)
        .map(|((cycle, dates), orders)| CycleOrders { cycle, dates: dates.clone(), orders })
        .collect();
    Ok(Company {
        people,
        cycles,
        ranks: options.ranks.clone(),
        load_order: shape.load_order,
        chains: shape.chains,
        products,
    })
}
