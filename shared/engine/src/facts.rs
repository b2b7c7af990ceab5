//! Facts a run starts from: people and orders of a cycle, as rows; reading them from CSV and Parquet.

mod parquet;

use std::fmt;

use foundation::{
    id::{OrderId, PersonId},
    money::Currency,
    problem::{FieldError, Kind, Problem},
};
use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a person is in the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonKind {
    /// Sells, earns, may have a downline.
    #[default]
    Consultant,
    /// Buys; never earns.
    Customer,
}

/// A person of the network at the end of a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonFact {
    /// Unique id.
    pub id: PersonId,
    /// Consultant or customer.
    pub kind: PersonKind,
    /// Who the person hangs under in the placement tree; the root has none.
    pub parent: Option<PersonId>,
    /// Who brought the person (enrolment tree). Missing: the parent.
    pub sponsor: Option<PersonId>,
    /// Local day of joining.
    pub joined_on: Option<Date>,
    /// Status in the network. Missing: `active`.
    pub status: String,
    /// ISO 3166 country, or empty.
    pub country: String,
    /// Currency of payouts. Missing: the plan's base currency.
    pub currency: Option<Currency>,
    /// Zone, or empty.
    pub zone: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Code of the paid rank of the cycle before.
    pub previous_rank: Option<String>,
    /// Cycles of grace used up to the cycle before.
    pub rank_grace_used: u8,
    /// Code of the honorific rank before this cycle.
    pub honorific_rank: Option<String>,
    /// Code of a rank set by hand.
    pub manual_rank: Option<String>,
    /// First day it holds; missing: since ever.
    pub manual_from: Option<Date>,
    /// Last day it holds; missing: until further notice.
    pub manual_to: Option<Date>,
}

impl PersonFact {
    /// A consultant of whom nothing else is known.
    pub fn new(id: PersonId, parent: Option<PersonId>) -> Self {
        Self {
            id,
            kind: PersonKind::Consultant,
            parent,
            sponsor: None,
            joined_on: None,
            status: "active".to_owned(),
            country: String::new(),
            currency: None,
            zone: String::new(),
            tags: Vec::new(),
            previous_rank: None,
            rank_grace_used: 0,
            honorific_rank: None,
            manual_rank: None,
            manual_from: None,
            manual_to: None,
        }
    }
}

/// Whether goods went out or came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderKind {
    /// Sold.
    #[default]
    Sale,
    /// Came back. Its amounts are positive and are subtracted.
    Return,
}

/// An order, or the return of one, that became commissionable in the cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFact {
    /// Unique id.
    pub id: OrderId,
    /// Whose order it is.
    pub person: PersonId,
    /// When it became commissionable.
    pub paid_at: Timestamp,
    /// Sale or return.
    pub kind: OrderKind,
    /// Currency of the money columns. Missing: the plan's base currency.
    pub currency: Option<Currency>,
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
    /// Loyalty points.
    pub points: Decimal,
    /// What the customer paid.
    pub customer_price: Decimal,
    /// What a consultant would have paid.
    pub consultant_price: Decimal,
    /// Whether it is the person's first order ever.
    pub first_of_person: bool,
    /// Category, or empty.
    pub category: String,
    /// For a return: the order that came back.
    pub reverses: Option<OrderId>,
    /// For a return: when what came back was sold. Missing: not known. Of a sale it says nothing.
    pub sold_at: Option<Timestamp>,
}

impl OrderFact {
    /// A sale of `volume` of both kinds, of which nothing else is known.
    pub fn sale(id: OrderId, person: PersonId, paid_at: Timestamp, volume: Decimal) -> Self {
        Self {
            id,
            person,
            paid_at,
            kind: OrderKind::Sale,
            currency: None,
            net: volume,
            gross: volume,
            vq: volume,
            vc: volume,
            units: Decimal::ONE,
            points: Decimal::ZERO,
            customer_price: Decimal::ZERO,
            consultant_price: Decimal::ZERO,
            first_of_person: false,
            category: String::new(),
            reverses: None,
            sold_at: None,
        }
    }
}

/// A place in a file of facts and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactError {
    /// Name of the file, as the caller gave it.
    pub file: String,
    /// Line, from 1; the header is line 1. In a Parquet file the row, from 1.
    pub line: u64,
    /// Name of the column; empty if the whole line is meant.
    pub column: String,
    /// What stands there.
    pub found: String,
    /// What would be right there.
    pub expected: String,
}

impl fmt::Display for FactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = if self.column.is_empty() { String::new() } else { format!(", column {}", self.column) };
        write!(f, "{}:{}{column}: found {:?}, expected {}", self.file, self.line, self.found, self.expected)
    }
}

/// A file of facts that cannot be read, with everything that is wrong with it (the first thousand places).
#[derive(Debug, thiserror::Error)]
#[error("{} place(s) of the file cannot be read; the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
pub struct UnreadableFacts(pub Vec<FactError>);

impl Problem for UnreadableFacts {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn code(&self) -> &'static str {
        "facts.unreadable"
    }
    fn fields(&self) -> Vec<FieldError> {
        let field = |error: &FactError| FieldError {
            pointer: format!("{}:{}:{}", error.file, error.line, error.column),
            detail: format!("found {:?}, expected {}", error.found, error.expected),
        };
        self.0.iter().map(field).collect()
    }
}

/// Wrong places of a file beyond which reading stops.
pub(crate) const MOST_ERRORS: usize = 1_000;

/// Columns of `people.csv`.
pub const PEOPLE_COLUMNS: [&str; 16] = [
    "id",
    "kind",
    "parent",
    "sponsor",
    "joined_on",
    "status",
    "country",
    "currency",
    "zone",
    "tags",
    "previous_rank",
    "rank_grace_used",
    "honorific_rank",
    "manual_rank",
    "manual_from",
    "manual_to",
];

/// Columns of `orders.csv`.
pub const ORDER_COLUMNS: [&str; 17] = [
    "id",
    "person",
    "paid_at",
    "kind",
    "currency",
    "net",
    "gross",
    "vq",
    "vc",
    "units",
    "points",
    "customer_price",
    "consultant_price",
    "first_of_person",
    "category",
    "reverses",
    "sold_at",
];

/// Reads `people.csv`, or a Parquet file with the same columns. Columns come in any order; all but `id` may be absent or empty.
/// Missing is: `kind` consultant, `sponsor` the parent, `status` active, `currency` the plan's base currency,
/// `rank_grace_used` 0, everything else nothing. Tags are separated by `;`.
pub fn read_people(file: &str, bytes: &[u8]) -> Result<Vec<PersonFact>, UnreadableFacts> {
    read(file, bytes, &PEOPLE_COLUMNS, &["id"], |row| {
        Ok(PersonFact {
            id: row.required("id", "an id of 1 to 64 letters, digits, '-', '_', '.'")?,
            kind: match row.text("kind") {
                "" | "consultant" => PersonKind::Consultant,
                "customer" => PersonKind::Customer,
                other => return row.wrong("kind", other, "consultant or customer"),
            },
            parent: row.optional("parent", "an id or nothing")?,
            sponsor: row.optional("sponsor", "an id or nothing")?,
            joined_on: row.optional("joined_on", "a date as 2026-10-31")?,
            status: or_default(row.text("status"), "active"),
            country: row.text("country").to_owned(),
            currency: row.optional("currency", "an ISO 4217 currency code")?,
            zone: row.text("zone").to_owned(),
            tags: row.text("tags").split(';').filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
            previous_rank: row.optional("previous_rank", "the code of a rank")?,
            rank_grace_used: row.optional("rank_grace_used", "a number from 0 to 255")?.unwrap_or(0),
            honorific_rank: row.optional("honorific_rank", "the code of a rank")?,
            manual_rank: row.optional("manual_rank", "the code of a rank")?,
            manual_from: row.optional("manual_from", "a date as 2026-10-31")?,
            manual_to: row.optional("manual_to", "a date as 2026-10-31")?,
        })
    })
}

/// Reads `orders.csv`, or a Parquet file with the same columns. Columns come in any order; all but `id`, `person` and
/// `paid_at` may be absent or empty. A plain date in `paid_at` or `sold_at` is local midnight in `zone`, a date and time
/// without an offset is local. Missing is: `kind` sale, `currency` the plan's base currency, `units` 1, every other number 0,
/// `first_of_person` false, everything else nothing.
pub fn read_orders(file: &str, bytes: &[u8], zone: &TimeZone) -> Result<Vec<OrderFact>, UnreadableFacts> {
    read(file, bytes, &ORDER_COLUMNS, &["id", "person", "paid_at"], |row| {
        let paid_at = row.moment("paid_at", zone)?;
        Ok(OrderFact {
            id: row.required("id", "an id of 1 to 64 letters, digits, '-', '_', '.'")?,
            person: row.required("person", "an id")?,
            paid_at,
            kind: match row.text("kind") {
                "" | "sale" => OrderKind::Sale,
                "return" => OrderKind::Return,
                other => return row.wrong("kind", other, "sale or return"),
            },
            currency: row.optional("currency", "an ISO 4217 currency code")?,
            net: row.number("net")?,
            gross: row.number("gross")?,
            vq: row.number("vq")?,
            vc: row.number("vc")?,
            units: row.optional("units", "a decimal number")?.unwrap_or(Decimal::ONE),
            points: row.number("points")?,
            customer_price: row.number("customer_price")?,
            consultant_price: row.number("consultant_price")?,
            first_of_person: match row.text("first_of_person") {
                "" | "false" | "0" => false,
                "true" | "1" => true,
                other => return row.wrong("first_of_person", other, "true or false"),
            },
            category: row.text("category").to_owned(),
            reverses: row.optional("reverses", "the id of an order or nothing")?,
            sold_at: match row.text("sold_at") {
                "" => None,
                _ => Some(row.moment("sold_at", zone)?),
            },
        })
    })
}

fn or_default(text: &str, default: &str) -> String {
    if text.is_empty() { default.to_owned() } else { text.to_owned() }
}

/// A line that was refused; why is among the errors.
struct Refused;

/// One line of a file, with the places of its columns.
struct Row<'a> {
    file: &'a str,
    line: u64,
    places: &'a [Option<usize>],
    columns: &'a [&'static str],
    cells: Cells<'a>,
    errors: &'a mut Vec<FactError>,
}

/// The cells of a line.
#[derive(Clone, Copy)]
enum Cells<'a> {
    Record(&'a csv::StringRecord),
    Texts(&'a [String]),
}

impl<'a> Cells<'a> {
    fn get(self, place: usize) -> Option<&'a str> {
        match self {
            Self::Record(record) => record.get(place),
            Self::Texts(texts) => texts.get(place).map(String::as_str),
        }
    }
}

impl<'a> Row<'a> {
    fn text(&self, column: &str) -> &'a str {
        let index = self.columns.iter().position(|known| *known == column);
        index
            .and_then(|index| self.places[index])
            .and_then(|place| self.cells.get(place))
            .unwrap_or("")
            .trim()
    }

    fn wrong<T>(&mut self, column: &str, found: &str, expected: &str) -> Result<T, Refused> {
        self.errors.push(FactError {
            file: self.file.to_owned(),
            line: self.line,
            column: column.to_owned(),
            found: found.to_owned(),
            expected: expected.to_owned(),
        });
        Err(Refused)
    }

    fn required<T: std::str::FromStr>(&mut self, column: &str, expected: &str) -> Result<T, Refused> {
        let text = self.text(column);
        text.parse().or_else(|_| self.wrong(column, text, expected))
    }

    fn optional<T: std::str::FromStr>(&mut self, column: &str, expected: &str) -> Result<Option<T>, Refused> {
        if self.text(column).is_empty() { Ok(None) } else { self.required(column, expected).map(Some) }
    }

    fn moment(&mut self, column: &str, zone: &TimeZone) -> Result<Timestamp, Refused> {
        let text = self.text(column);
        let moment = text.parse::<Timestamp>().ok().or_else(|| {
            let day = text.parse::<Date>().map(|day| day.at(0, 0, 0, 0));
            let local = day.or_else(|_| text.parse::<DateTime>()).ok()?;
            Some(local.to_zoned(zone.clone()).ok()?.timestamp())
        });
        moment.map_or_else(|| self.wrong(column, text, "a moment as 2026-10-31T14:00:00Z, or a date"), Ok)
    }

    fn number(&mut self, column: &str) -> Result<Decimal, Refused> {
        self.optional(column, "a decimal number").map(Option::unwrap_or_default)
    }
}

/// The line a record begins in: blank lines before it are passed over.
fn line_at(bytes: &[u8], position: &csv::Position) -> u64 {
    let start = usize::try_from(position.byte()).unwrap_or(bytes.len()).min(bytes.len());
    let blank = bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + blank.filter(|byte| **byte == b'\n').count() as u64
}

/// The line each record of a CSV file begins in, from 1, the header left out; of a file that is read without mistakes. Empty
/// for a Parquet file.
pub fn record_lines(bytes: &[u8]) -> Vec<u64> {
    if parquet::is_parquet(bytes) {
        return Vec::new();
    }
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let line = |record: csv::StringRecord| record.position().map_or(0, |position| line_at(bytes, position));
    reader.records().flatten().map(line).collect()
}

/// A place in `file`.
fn place(file: &str, line: u64, column: &str, found: &str, expected: &str) -> FactError {
    FactError {
        file: file.to_owned(),
        line,
        column: column.to_owned(),
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}

/// Where each of `columns` stands among `header`, or what is wrong with the header.
fn places<'h>(
    file: &str,
    header: impl Iterator<Item = &'h str>,
    columns: &[&'static str],
    needed: &[&str],
) -> Result<Vec<Option<usize>>, UnreadableFacts> {
    let mut errors = Vec::new();
    let mut places = vec![None; columns.len()];
    for (at, name) in header.enumerate() {
        let name = name.trim().trim_start_matches('\u{feff}');
        match columns.iter().position(|known| *known == name) {
            Some(index) if places[index].is_none() => places[index] = Some(at),
            Some(_) => errors.push(place(file, 1, name, name, "each column once")),
            None => errors.push(place(file, 1, name, name, &format!("one of {}", columns.join(", ")))),
        }
    }
    for name in needed {
        let index = columns.iter().position(|known| known == name);
        if index.is_none_or(|index| places[index].is_none()) {
            errors.push(place(file, 1, name, "nothing", "this column"));
        }
    }
    if errors.is_empty() { Ok(places) } else { Err(UnreadableFacts(errors)) }
}

fn read<T>(
    file: &str,
    bytes: &[u8],
    columns: &[&'static str],
    needed: &[&str],
    mut parse: impl FnMut(&mut Row<'_>) -> Result<T, Refused>,
) -> Result<Vec<T>, UnreadableFacts> {
    if parquet::is_parquet(bytes) {
        return read_parquet(file, bytes, columns, needed, parse);
    }
    let mut errors = Vec::new();
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(cause) => {
            return Err(UnreadableFacts(vec![place(file, 1, "", &cause.to_string(), "a header line")]));
        }
    };
    let places = places(file, header.iter(), columns, needed)?;
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while errors.len() < MOST_ERRORS {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = record.position().map_or(line, |position| line_at(bytes, position));
                let cells = Cells::Record(&record);
                let row = &mut Row { file, line, places: &places, columns, cells, errors: &mut errors };
                rows.extend(parse(row).ok());
            }
            Err(cause) => {
                let line = cause.position().map_or(line, csv::Position::line);
                let expected = "as many fields as the header has, in UTF-8";
                errors.push(place(file, line, "", &cause.to_string(), expected));
                if !matches!(
                    cause.kind(),
                    csv::ErrorKind::Utf8 { .. } | csv::ErrorKind::UnequalLengths { .. }
                ) {
                    break;
                }
            }
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(UnreadableFacts(errors)) }
}

fn read_parquet<T>(
    file: &str,
    bytes: &[u8],
    columns: &[&'static str],
    needed: &[&str],
    mut parse: impl FnMut(&mut Row<'_>) -> Result<T, Refused>,
) -> Result<Vec<T>, UnreadableFacts> {
    let broken = |why: String| {
        UnreadableFacts(vec![place(file, 1, "", &why, "a whole Parquet file of plain columns")])
    };
    let mut table = parquet::Rows::open(bytes, columns).map_err(broken)?;
    let places = places(file, table.names().iter().map(String::as_str), columns, needed)?;
    let names = table.names().to_vec();
    let mut texts = vec![String::new(); names.len()];
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    let mut line = 0;
    while let Some(outcome) = table.next(&mut texts) {
        line += 1;
        if let Err((column, found)) = outcome {
            let expected = "an exact value (a binary fraction of at most 15 digits, UTF-8)";
            errors.push(place(file, line, &names[column], &found, expected));
        } else {
            let cells = Cells::Texts(&texts);
            let row = &mut Row { file, line, places: &places, columns, cells, errors: &mut errors };
            rows.extend(parse(row).ok());
        }
        if MOST_ERRORS <= errors.len() {
            break;
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(UnreadableFacts(errors)) }
}
