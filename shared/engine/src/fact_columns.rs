//! Facts as columns: what a snapshot is frozen from. Rows of facts become columns first; large files are read as columns at once.

use foundation::cycle::Cycle;
use jiff::{Timestamp, civil::Date};
use plan::AMOUNT_SCALE;
use rust_decimal::Decimal;

use crate::{
    columns::{Dictionary, NONE, Sets, Texts, position},
    facts::{OrderFact, OrderKind, PersonFact, PersonKind},
    failure::EngineError,
    snapshot::{NO_DAY, NO_MOMENT, fixed},
    verify::verify,
};

/// Whom a column names, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nobody, in any row.
    #[default]
    Nobody,
    /// By id; empty for nobody.
    Ids(Texts),
    /// By row of [`PeopleColumns`]; [`NONE`] for nobody.
    Rows(Vec<u32>),
}

/// People at the end of a cycle, in any order. An empty column holds its default in every row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleColumns {
    /// Unique ids.
    pub ids: Texts,
    /// Whether each is a customer. Default: nobody.
    pub customer: Vec<bool>,
    /// Who each hangs under.
    pub parent: Link,
    /// Who brought each. Nobody: the parent.
    pub sponsor: Link,
    /// Local day of joining, days since 1970-01-01. Default: [`NO_DAY`], unknown.
    pub joined_on: Vec<i32>,
    /// Status. Default: `active`.
    pub status: Dictionary,
    /// Country. Default: empty.
    pub country: Dictionary,
    /// Currency of payouts. Empty: the base currency.
    pub currency: Dictionary,
    /// Zone. Default: empty.
    pub zone: Dictionary,
    /// Tags. Default: none.
    pub tags: Sets,
    /// Code of the paid rank of the cycle before. Empty: none.
    pub previous_rank: Dictionary,
    /// Cycles of grace used up to the cycle before. Default: 0.
    pub rank_grace_used: Vec<u8>,
    /// Code of the honorific rank before this cycle. Empty: none.
    pub honorific_rank: Dictionary,
    /// Code of a rank set by hand. Empty: none.
    pub manual_rank: Dictionary,
    /// First day it holds. [`NO_DAY`]: since ever.
    pub manual_from: Vec<i32>,
    /// Last day it holds. [`NO_DAY`]: until further notice.
    pub manual_to: Vec<i32>,
}

/// Orders and returns of a cycle, in any order. An empty column holds its default in every row. Amounts are positive, with
/// [`AMOUNT_SCALE`] decimals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderColumns {
    /// Unique ids.
    pub ids: Texts,
    /// Whose order it is.
    pub person: Link,
    /// When it became commissionable, microseconds since 1970-01-01.
    pub paid_at: Vec<i64>,
    /// Whether it is a return. Default: a sale.
    pub is_return: Vec<bool>,
    /// Currency of the money columns. Empty: the base currency.
    pub currency: Dictionary,
    /// Net amount. Default: 0.
    pub net: Vec<i64>,
    /// Gross amount. Default: 0.
    pub gross: Vec<i64>,
    /// Qualifying volume. Default: 0.
    pub vq: Vec<i64>,
    /// Commissionable volume. Default: 0.
    pub vc: Vec<i64>,
    /// Units. Default: 1.
    pub units: Vec<i64>,
    /// Loyalty points. Default: 0.
    pub points: Vec<i64>,
    /// What the customer paid. Default: 0.
    pub customer_price: Vec<i64>,
    /// What a consultant would have paid. Default: 0.
    pub consultant_price: Vec<i64>,
    /// Whether it is the person's first order ever. Default: no.
    pub first_of_person: Vec<bool>,
    /// Category. Default: empty.
    pub category: Dictionary,
    /// For a return: id of the order that came back. Empty: none.
    pub reverses: Texts,
    /// For a return: when what came back was sold, microseconds since 1970-01-01. Default: [`NO_MOMENT`], not known.
    pub sold_at: Vec<i64>,
}

/// Facts of a cycle whose ids are unique and of whom everybody they name is there.
#[derive(Clone, Debug)]
pub struct IndexedFacts {
    pub(crate) cycle: Cycle,
    pub(crate) people: PeopleColumns,
    pub(crate) orders: OrderColumns,
    /// Rows of people sorted by id.
    pub(crate) people_by_id: Vec<u32>,
    /// Rows of orders sorted by id.
    pub(crate) orders_by_id: Vec<u32>,
    /// Row of each person's parent.
    pub(crate) parent: Vec<u32>,
    /// Row of each person's sponsor; empty where everyone's is the parent.
    pub(crate) sponsor: Vec<u32>,
    /// Row of each order's buyer.
    pub(crate) buyer: Vec<u32>,
}

impl IndexedFacts {
    /// Finds everybody the columns name. Fails with all violations if the facts make no network; circles alone are found
    /// later, when the trees are built.
    pub fn of(cycle: &Cycle, people: PeopleColumns, orders: OrderColumns) -> Result<Self, EngineError> {
        check_lengths(&people, &orders)?;
        let people_by_id = sorted(&people.ids);
        let orders_by_id = sorted(&orders.ids);
        let named = [&people.parent, &people.sponsor, &orders.person];
        let by_name = named.iter().any(|link| matches!(link, Link::Ids(_)));
        let index = if by_name { Index::of(&people.ids) } else { Index::default() };
        let parent = rows_of(&people.parent, &people.ids, people.ids.len(), &index);
        let mut sponsor = Vec::new();
        if people.sponsor != Link::Nobody {
            sponsor = rows_of(&people.sponsor, &people.ids, people.ids.len(), &index);
            for (sponsor, parent) in sponsor.iter_mut().zip(&parent).filter(|(sponsor, _)| **sponsor == NONE)
            {
                *sponsor = *parent;
            }
        }
        let buyer = rows_of(&orders.person, &people.ids, orders.ids.len(), &index);
        let cycle = cycle.clone();
        let facts = Self { cycle, people, orders, people_by_id, orders_by_id, parent, sponsor, buyer };
        if facts.is_sound() { Ok(facts) } else { Err(facts.broken()) }
    }

    /// Rows of facts as columns.
    pub(crate) fn of_rows(
        cycle: &Cycle,
        people: &[PersonFact],
        orders: &[OrderFact],
    ) -> Result<Self, EngineError> {
        Self::of(cycle, people_columns(people), order_columns(orders)?)
    }

    fn is_sound(&self) -> bool {
        let count = self.people.ids.len();
        let distinct = |ids: &Texts, sorted: &[u32]| {
            sorted.windows(2).all(|two| ids.get(two[0] as usize) != ids.get(two[1] as usize))
        };
        let there = |rows: &[u32], nobody: bool| {
            rows.iter().all(|row| (*row as usize) < count || (nobody && *row == NONE))
        };
        let (start, end) = (self.cycle.start.as_microsecond(), self.cycle.end.as_microsecond());
        let returned = &self.orders.is_return;
        let names_sale = |row: usize| !self.orders.reverses.get(row).is_empty();
        0 < count
            && distinct(&self.people.ids, &self.people_by_id)
            && distinct(&self.orders.ids, &self.orders_by_id)
            && there(&self.parent, true)
            && there(&self.sponsor, true)
            && there(&self.buyer, false)
            && self.parent.iter().filter(|row| **row == NONE).count() == 1
            && self.sponsor.iter().filter(|row| **row == NONE).count() <= 1
            && self.orders.paid_at.iter().all(|at| start <= *at && *at < end)
            && !(0..self.orders.reverses.len())
                .any(|row| names_sale(row) && !returned.get(row).is_some_and(|is| *is))
    }

    /// Everything that is wrong.
    pub(crate) fn broken(&self) -> EngineError {
        let named = |link, row| named(link, &self.people.ids, row);
        let person = |row: usize| {
            let mut person = PersonFact::new(self.people.ids.get(row).parse().ok()?, None);
            person.parent = named(&self.people.parent, row).and_then(|id| id.parse().ok());
            person.sponsor = named(&self.people.sponsor, row).and_then(|id| id.parse().ok());
            Some(person)
        };
        let orders = &self.orders;
        let order = |row: usize| {
            let (id, of) = (orders.ids.get(row).parse().ok()?, named(&orders.person, row)?.parse().ok()?);
            let paid_at = Timestamp::from_microsecond(orders.paid_at[row]).ok()?;
            let mut order = OrderFact::sale(id, of, paid_at, Decimal::ZERO);
            if orders.is_return.get(row).is_some_and(|is| *is) {
                order.kind = OrderKind::Return;
            }
            order.reverses = Some(orders.reverses.get(row)).and_then(|id| id.parse().ok());
            Some(order)
        };
        let people: Vec<PersonFact> = (0..self.people.ids.len()).filter_map(person).collect();
        let orders: Vec<OrderFact> = (0..orders.ids.len()).filter_map(order).collect();
        let violations = verify(&people, &orders, &self.cycle);
        if violations.is_empty() {
            return EngineError::Mismatch("the facts name ids that are none".to_owned());
        }
        EngineError::Network(violations)
    }
}

/// Stands for an id that nobody has.
const UNKNOWN: u32 = NONE - 1;

fn check_lengths(people: &PeopleColumns, orders: &OrderColumns) -> Result<(), EngineError> {
    let link = |link: &Link| match link {
        Link::Nobody => 0,
        Link::Ids(ids) => ids.len(),
        Link::Rows(rows) => rows.len(),
    };
    let words = |words: &Dictionary| words.codes.len();
    let of_people = [
        link(&people.parent),
        link(&people.sponsor),
        people.customer.len(),
        people.joined_on.len(),
        words(&people.status),
        words(&people.country),
        words(&people.currency),
        words(&people.zone),
        people.tags.bits.len() / people.tags.words.max(1),
        words(&people.previous_rank),
        people.rank_grace_used.len(),
        words(&people.honorific_rank),
        words(&people.manual_rank),
        people.manual_from.len(),
        people.manual_to.len(),
    ];
    let of_orders = [
        orders.is_return.len(),
        words(&orders.currency),
        orders.net.len(),
        orders.gross.len(),
        orders.vq.len(),
        orders.vc.len(),
        orders.units.len(),
        orders.points.len(),
        orders.customer_price.len(),
        orders.consultant_price.len(),
        orders.first_of_person.len(),
        words(&orders.category),
        orders.reverses.len(),
        orders.sold_at.len(),
    ];
    let fit = |lengths: &[usize], rows: usize| lengths.iter().all(|length| *length == 0 || *length == rows);
    let count = orders.ids.len();
    let needed = [link(&orders.person), orders.paid_at.len()].iter().all(|length| *length == count);
    if fit(&of_people, people.ids.len()) && fit(&of_orders, count) && needed {
        return Ok(());
    }
    Err(EngineError::Mismatch("the columns of the facts are not equally long".to_owned()))
}

/// Rows in the order of their texts.
fn sorted(texts: &Texts) -> Vec<u32> {
    let count = texts.len();
    if (1..count).all(|row| texts.get(row - 1) <= texts.get(row)) {
        return (0..position(count)).collect();
    }
    // The first bytes decide most comparisons; what all texts begin with decides none.
    let first = texts.get(0);
    let shared = texts.iter().fold(first.len(), |shared, text| {
        let same = text.bytes().zip(first.bytes()).take(shared).take_while(|(a, b)| a == b);
        same.count()
    });
    let key = |row: usize| {
        let mut bytes = [0; 8];
        let text = texts.get(row).as_bytes().get(shared..).unwrap_or_default();
        for (byte, of_text) in bytes.iter_mut().zip(text) {
            *byte = *of_text;
        }
        (u64::from_be_bytes(bytes), position(row))
    };
    let mut keys: Vec<(u64, u32)> = (0..count).map(key).collect();
    keys.sort_unstable_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| texts.get(a.1 as usize).cmp(texts.get(b.1 as usize)))
    });
    keys.into_iter().map(|(_, row)| row).collect()
}

/// Rows by text: open addressing over a table of rows.
#[derive(Default)]
pub(crate) struct Index {
    rows: Vec<u32>,
}

impl Index {
    pub(crate) fn of(texts: &Texts) -> Self {
        let mut index = Self { rows: vec![NONE; (texts.len() * 2).next_power_of_two()] };
        for row in 0..texts.len() {
            let place = index.place(texts, texts.get(row));
            if let Some(place) = index.rows.get_mut(place).filter(|place| **place == NONE) {
                *place = position(row);
            }
        }
        index
    }

    /// Where a text stands or would stand.
    fn place(&self, texts: &Texts, text: &str) -> usize {
        let mask = self.rows.len().saturating_sub(1);
        let mut place = usize::try_from(digest(text) & mask as u64).unwrap_or(0);
        while let Some(row) = self.rows.get(place).filter(|row| **row != NONE) {
            if texts.get(*row as usize) == text {
                break;
            }
            place = (place + 1) & mask;
        }
        place
    }

    pub(crate) fn row(&self, texts: &Texts, text: &str) -> Option<u32> {
        self.rows.get(self.place(texts, text)).copied().filter(|row| *row != NONE)
    }
}

/// A number that is different for most texts. Facts are not chosen to collide, and if they were, only time would be lost.
fn digest(text: &str) -> u64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    // Both halves of the product: every bit of a word has a say in every bit of the sum.
    let mut mix = |word: u64| {
        let product = u128::from(state ^ word) * 0xD6E8_FEB8_6659_FD93;
        state = u64::try_from((product ^ (product >> 64)) & u128::from(u64::MAX)).unwrap_or(0);
    };
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for word in words {
        mix(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    for (byte, of_text) in last.iter_mut().zip(rest) {
        *byte = *of_text;
    }
    mix(u64::from_le_bytes(last));
    mix(text.len() as u64);
    state
}

/// The id a column names in a row.
fn named<'a>(link: &'a Link, people: &'a Texts, row: usize) -> Option<&'a str> {
    match link {
        Link::Nobody => None,
        Link::Ids(ids) => Some(ids.get(row)).filter(|id| !id.is_empty()),
        Link::Rows(rows) if rows[row] == NONE => None,
        Link::Rows(rows) => Some(people.get(rows[row] as usize)),
    }
}

/// The rows a column names; [`UNKNOWN`] for an id nobody has.
fn rows_of(link: &Link, people: &Texts, count: usize, index: &Index) -> Vec<u32> {
    match link {
        Link::Nobody => vec![NONE; count],
        Link::Rows(rows) => rows.clone(),
        Link::Ids(ids) => ids
            .iter()
            .map(|id| if id.is_empty() { NONE } else { index.row(people, id).unwrap_or(UNKNOWN) })
            .collect(),
    }
}

fn people_columns(people: &[PersonFact]) -> PeopleColumns {
    let code = |pick: fn(&PersonFact) -> Option<&String>| {
        Dictionary::of(people.iter().map(|person| pick(person).map_or("", String::as_str)))
    };
    let days = |pick: fn(&PersonFact) -> Option<Date>| -> Vec<i32> {
        people.iter().map(|person| pick(person).map_or(NO_DAY, days)).collect()
    };
    PeopleColumns {
        ids: people.iter().map(|person| person.id.as_str()).collect(),
        customer: people.iter().map(|person| person.kind == PersonKind::Customer).collect(),
        parent: Link::Ids(
            people.iter().map(|one| one.parent.as_ref().map_or("", |id| id.as_str())).collect(),
        ),
        sponsor: if people.iter().all(|person| person.sponsor.is_none()) {
            Link::Nobody
        } else {
            Link::Ids(people.iter().map(|one| one.sponsor.as_ref().map_or("", |id| id.as_str())).collect())
        },
        joined_on: days(|person| person.joined_on),
        status: Dictionary::of(people.iter().map(|person| person.status.as_str())),
        country: Dictionary::of(people.iter().map(|person| person.country.as_str())),
        currency: Dictionary::of(
            people.iter().map(|person| person.currency.as_ref().map_or("", |one| one.code())),
        ),
        zone: Dictionary::of(people.iter().map(|person| person.zone.as_str())),
        tags: Sets::of(people.iter().map(|person| person.tags.as_slice())),
        previous_rank: code(|person| person.previous_rank.as_ref()),
        rank_grace_used: people.iter().map(|person| person.rank_grace_used).collect(),
        honorific_rank: code(|person| person.honorific_rank.as_ref()),
        manual_rank: code(|person| person.manual_rank.as_ref()),
        manual_from: days(|person| person.manual_from),
        manual_to: days(|person| person.manual_to),
    }
}

fn order_columns(orders: &[OrderFact]) -> Result<OrderColumns, EngineError> {
    let amounts = |what: &'static str, pick: fn(&OrderFact) -> Decimal| -> Result<Vec<i64>, EngineError> {
        let amount = |order: &OrderFact| {
            fixed(pick(order), AMOUNT_SCALE, what, order.id.as_str()).map_err(|error| match error {
                EngineError::Overflow { .. } => EngineError::TooLarge {
                    what: format!("{what} of order {}", order.id),
                    order: order.id.to_string(),
                    column: what,
                },
                other => other,
            })
        };
        orders.iter().map(amount).collect()
    };
    Ok(OrderColumns {
        ids: orders.iter().map(|order| order.id.as_str()).collect(),
        person: Link::Ids(orders.iter().map(|order| order.person.as_str()).collect()),
        paid_at: orders.iter().map(|order| order.paid_at.as_microsecond()).collect(),
        is_return: orders.iter().map(|order| order.kind == OrderKind::Return).collect(),
        currency: Dictionary::of(
            orders.iter().map(|order| order.currency.as_ref().map_or("", |one| one.code())),
        ),
        net: amounts("net", |order| order.net)?,
        gross: amounts("gross", |order| order.gross)?,
        vq: amounts("vq", |order| order.vq)?,
        vc: amounts("vc", |order| order.vc)?,
        units: amounts("units", |order| order.units)?,
        points: amounts("points", |order| order.points)?,
        customer_price: amounts("customer_price", |order| order.customer_price)?,
        consultant_price: amounts("consultant_price", |order| order.consultant_price)?,
        first_of_person: orders.iter().map(|order| order.first_of_person).collect(),
        category: Dictionary::of(orders.iter().map(|order| order.category.as_str())),
        reverses: if orders.iter().all(|order| order.reverses.is_none()) {
            Texts::default()
        } else {
            orders.iter().map(|order| order.reverses.as_ref().map_or("", |id| id.as_str())).collect()
        },
        sold_at: if orders.iter().all(|order| order.sold_at.is_none()) {
            Vec::new()
        } else {
            orders.iter().map(|order| order.sold_at.map_or(NO_MOMENT, Timestamp::as_microsecond)).collect()
        },
    })
}

/// Days since 1970-01-01.
pub(crate) fn days(day: Date) -> i32 {
    jiff::civil::date(1970, 1, 1).until(day).map_or(NO_DAY, |span| span.get_days())
}
