//! Bulk loads of historical orders: a CSV file is cut into parts, each line is checked, refused lines are named.
//!
//! Columns in any order: `id`, `person`, `paid_at` must be there; `kind` is `sale` if not said, `currency` the person's, `units` 1,
//! other numbers 0, `first_of_person` false, `category` and `reverses` empty. Amounts of a return are positive.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use foundation::{
    cycle::Cycle,
    id::{CycleId, LoadId, OrderId, PersonId},
    money::Currency,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::paid::{Paid, PaidKind};

/// Size of a file, in bytes.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Lines of a part: what one message of the worker's queue is about.
pub const PART_LINES: usize = 2_000;

/// Columns of a file.
pub const COLUMNS: [&str; 16] = [
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
];
const MALFORMED: &str = "order.malformed";
const NEEDED: [&str; 3] = ["id", "person", "paid_at"];
/// The largest number in a file, and the decimals of those that are not money.
const NUMBER_MAX: i64 = 1_000_000_000_000_000;
const VOLUME_DIGITS: u32 = 4;

/// Where a load stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoadState {
    /// Its file may be uploaded.
    Awaiting,
    /// It was started and waits for its turn.
    Queued,
    /// Its lines are being written.
    Loading,
    /// All lines were written or refused.
    Done,
    /// Its file could not be read; nothing was written.
    Failed,
}

/// A bulk load and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Its id.
    pub id: LoadId,
    /// Where it stands.
    pub state: LoadState,
    /// Subject of the token of who asked for it.
    pub by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its last line was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Lines of the file, without the header; 0 until the file was read.
    pub lines: u64,
    /// Lines that are done, whatever came of them.
    pub done: u64,
    /// Orders that are new by this load.
    pub loaded: u64,
    /// Orders that were there with the same content.
    pub already: u64,
    /// Lines that were refused; the result file says why.
    pub refused: u64,
    /// Cycles that new orders went into.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cycles: BTreeSet<CycleId>,
    /// Those of them that had closed: if a run was made for one, its indicators must be calculated again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recalculate: BTreeSet<CycleId>,
    /// Why the file could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What a message of the worker's queue says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The load.
    pub load: LoadId,
    /// The correlation id of the request that started it.
    pub correlation: String,
}

/// A line that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Line of the file; the header is line 1.
    pub line: u64,
    /// What it gives as the order's id.
    pub id: String,
    /// A stable name of the reason.
    pub code: String,
    /// The reason.
    pub reason: String,
}

/// A line that can be read. What the rest of the platform must know of it is not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Line of the file; the header is line 1.
    pub line: u64,
    /// Currency, if the line says one.
    pub currency: Option<Currency>,
    paid: Unpriced,
}

/// A row whose currency may be the person's.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unpriced {
    id: OrderId,
    person: PersonId,
    paid_at: Timestamp,
    kind: PaidKind,
    money: [Decimal; 4],
    vq: Decimal,
    vc: Decimal,
    units: Decimal,
    points: Decimal,
    first_of_person: bool,
    category: String,
    reverses: Option<OrderId>,
}

const MONEY: [&str; 4] = ["net", "gross", "customer_price", "consultant_price"];

impl Row {
    /// The order's id.
    pub fn id(&self) -> &OrderId {
        &self.paid.id
    }

    /// Whose order it is.
    pub fn person(&self) -> &PersonId {
        &self.paid.person
    }

    /// When it was paid.
    pub fn paid_at(&self) -> Timestamp {
        self.paid.paid_at
    }

    /// For a return: the order that came back, if the line says which.
    pub fn reverses(&self) -> Option<&OrderId> {
        self.paid.reverses.as_ref()
    }

    /// A refusal of this line.
    pub fn refused(&self, code: &str, reason: impl Into<String>) -> Refusal {
        Refusal {
            line: self.line,
            id: self.paid.id.to_string(),
            code: code.to_owned(),
            reason: reason.into(),
        }
    }

    /// The row for runs, in the line's currency or else in that of the person.
    pub fn paid(&self, of_person: Currency) -> Result<Paid, Refusal> {
        let currency = self.currency.unwrap_or(of_person);
        for (column, amount) in MONEY.iter().zip(self.paid.money) {
            if !currency.can_hold(amount) {
                let digits = currency.minor_digits();
                let reason =
                    format!("{column}: found {amount}, expected at most {digits} decimals in {currency}");
                return Err(self.refused(MALFORMED, reason));
            }
        }
        let [net, gross, customer_price, consultant_price] = self.paid.money;
        let row = self.paid.clone();
        Ok(Paid {
            id: row.id,
            person: row.person,
            paid_at: row.paid_at,
            kind: row.kind,
            currency,
            net,
            gross,
            vq: row.vq,
            vc: row.vc,
            units: row.units,
            points: row.points,
            customer_price,
            consultant_price,
            first_of_person: row.first_of_person,
            category: row.category,
            reverses: row.reverses,
            sold_at: None,
        })
    }
}

/// A file that cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnreadableFile(String);

/// Parts of a file, and how many lines they have together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Each part as a file of its own, to be read by [`read_part`].
    pub files: Vec<Vec<u8>>,
    /// Lines without the header.
    pub lines: u64,
}

/// What the first two columns of a part are: the line in the uploaded file, and why that line is no record.
const PART_COLUMNS: [&str; 2] = ["line", "unreadable"];

/// Cuts a file into parts of at most `part_lines` lines. The columns of a part are in the order of [`COLUMNS`].
pub fn cut(bytes: &[u8], part_lines: usize) -> Result<Parts, UnreadableFile> {
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let header = reader.headers().map_err(|error| UnreadableFile(format!("no header line: {error}")))?;
    let places = places(header)?;
    let mut parts = Parts { files: Vec::new(), lines: 0 };
    let mut part = part_writer()?;
    let mut in_part = 0;
    let mut record = csv::StringRecord::new();
    loop {
        let mut line = reader.position().line();
        let unreadable = match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                line = record.position().map_or(line, csv::Position::line);
                String::new()
            }
            Err(error) => {
                line = error.position().map_or(line, csv::Position::line);
                record.clear();
                error.to_string()
            }
        };
        let fields =
            places.iter().map(|place| place.and_then(|place| record.get(place)).unwrap_or("").trim());
        let line = line.to_string();
        let fields = [line.as_str(), unreadable.as_str()].into_iter().chain(fields);
        part.write_record(fields).map_err(unwritable)?;
        in_part += 1;
        parts.lines += 1;
        if in_part == part_lines {
            parts.files.push(part.into_inner().map_err(unwritable)?);
            part = part_writer()?;
            in_part = 0;
        }
    }
    if in_part > 0 {
        parts.files.push(part.into_inner().map_err(unwritable)?);
    }
    if parts.lines == 0 { Err(UnreadableFile("the file has no lines".to_owned())) } else { Ok(parts) }
}

fn part_writer() -> Result<csv::Writer<Vec<u8>>, UnreadableFile> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(PART_COLUMNS.iter().chain(&COLUMNS)).map_err(unwritable)?;
    Ok(writer)
}

fn unwritable(error: impl fmt::Display) -> UnreadableFile {
    UnreadableFile(format!("a part cannot be written: {error}"))
}

/// Where each of [`COLUMNS`] stands.
fn places(header: &csv::StringRecord) -> Result<[Option<usize>; COLUMNS.len()], UnreadableFile> {
    let mut places = [None; COLUMNS.len()];
    for (place, name) in header.iter().enumerate() {
        let name = name.trim().trim_start_matches('\u{feff}');
        let known = COLUMNS.iter().position(|column| *column == name);
        let known = known
            .ok_or_else(|| UnreadableFile(format!("column {name:?} is not one of {}", COLUMNS.join(", "))))?;
        if places[known].replace(place).is_some() {
            return Err(UnreadableFile(format!("column {name:?} is there twice")));
        }
    }
    for name in NEEDED {
        if COLUMNS.iter().zip(places).any(|(column, place)| *column == name && place.is_none()) {
            return Err(UnreadableFile(format!("column {name:?} is missing")));
        }
    }
    Ok(places)
}

/// The lines of a part, each as a row or as a refusal.
pub fn read_part(bytes: &[u8]) -> Result<Vec<Result<Row, Refusal>>, UnreadableFile> {
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let rows = reader.records().map(|record| {
        let record = record.map_err(|error| UnreadableFile(error.to_string()))?;
        Ok(Fields(&record).row())
    });
    rows.collect()
}

/// One line of a part.
struct Fields<'a>(&'a csv::StringRecord);

impl Fields<'_> {
    fn text(&self, column: &str) -> &str {
        let place = PART_COLUMNS.iter().chain(&COLUMNS).position(|known| *known == column);
        place.and_then(|place| self.0.get(place)).unwrap_or_default()
    }

    fn line(&self) -> u64 {
        self.text("line").parse().unwrap_or_default()
    }

    fn wrong(&self, column: &str, expected: &str) -> Refusal {
        // Values of refused lines may be anything; the result file repeats only so much of them.
        let start = |text: &str| text.chars().take(64).collect::<String>();
        Refusal {
            line: self.line(),
            id: start(self.text("id")),
            code: MALFORMED.to_owned(),
            reason: format!("{column}: found {:?}, expected {expected}", start(self.text(column))),
        }
    }

    fn required<T: FromStr>(&self, column: &str, expected: &str) -> Result<T, Refusal> {
        self.text(column).parse().map_err(|_| self.wrong(column, expected))
    }

    fn optional<T: FromStr>(&self, column: &str, expected: &str) -> Result<Option<T>, Refusal> {
        if self.text(column).is_empty() { Ok(None) } else { self.required(column, expected).map(Some) }
    }

    fn number(&self, column: &str, missing: Decimal) -> Result<Decimal, Refusal> {
        let expected = "a decimal number from 0 to 1000000000000000 with at most 4 decimals";
        let number = self.optional(column, expected)?.unwrap_or(missing);
        let fits = (Decimal::ZERO..=Decimal::from(NUMBER_MAX)).contains(&number)
            && number.normalize().scale() <= VOLUME_DIGITS;
        if fits { Ok(number) } else { Err(self.wrong(column, expected)) }
    }

    fn row(&self) -> Result<Row, Refusal> {
        let unreadable = self.text("unreadable");
        if !unreadable.is_empty() {
            return Err(Refusal { reason: unreadable.to_owned(), ..self.wrong("", "") });
        }
        let kind = match self.text("kind") {
            "" | "sale" => PaidKind::Sale,
            "return" => PaidKind::Return,
            _ => return Err(self.wrong("kind", "sale or return")),
        };
        let reverses = self.optional("reverses", "the id of an order, or nothing")?;
        if kind == PaidKind::Sale && reverses.is_some() {
            return Err(self.wrong("reverses", "nothing: a sale takes nothing back"));
        }
        let category = self.text("category");
        if category.chars().count() > 40 {
            return Err(self.wrong("category", "at most 40 characters"));
        }
        let mut money = [Decimal::ZERO; MONEY.len()];
        for (amount, column) in money.iter_mut().zip(MONEY) {
            *amount = self.number(column, Decimal::ZERO)?;
        }
        let paid = Unpriced {
            id: self.required("id", "1 to 64 letters, digits, '-', '_', '.'")?,
            person: self.required("person", "the id of a person")?,
            paid_at: self.required("paid_at", "a moment as 2026-10-31T14:00:00Z")?,
            kind,
            money,
            vq: self.number("vq", Decimal::ZERO)?,
            vc: self.number("vc", Decimal::ZERO)?,
            units: self.number("units", Decimal::ONE)?,
            points: self.number("points", Decimal::ZERO)?,
            first_of_person: match self.text("first_of_person") {
                "" | "false" | "0" => false,
                "true" | "1" => true,
                _ => return Err(self.wrong("first_of_person", "true or false")),
            },
            category: category.to_owned(),
            reverses,
        };
        Ok(Row { line: self.line(), currency: self.optional("currency", "an ISO 4217 code")?, paid })
    }
}

/// A cycle that lines may fall into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadCycle {
    /// The cycle.
    pub cycle: Cycle,
    /// Whether it has closed, so that a run may have been made for it.
    pub is_closed: bool,
    /// Whether it is settled: nothing goes into it any more.
    pub is_settled: bool,
}

/// An order to be loaded, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Line of the file.
    pub line: u64,
    /// The row for runs.
    pub paid: Paid,
    /// The cycle it counts in.
    pub cycle: CycleId,
    /// For a return: the cycle that what comes back was paid in.
    pub reverses_cycle: Option<CycleId>,
}

impl Placed {
    /// A refusal of this line.
    pub fn refused(&self, code: &str, reason: impl Into<String>) -> Refusal {
        Refusal {
            line: self.line,
            id: self.paid.id.to_string(),
            code: code.to_owned(),
            reason: reason.into(),
        }
    }
}

/// `row` with what the rest of the platform knows: whose currency it is in and which cycle it counts in.
pub fn place(
    row: &Row,
    currencies: &BTreeMap<PersonId, Currency>,
    cycles: &[LoadCycle],
) -> Result<Placed, Refusal> {
    let currency = currencies.get(row.person());
    let currency = currency.ok_or_else(|| {
        row.refused("order.unknown-person", format!("person: there is no person {}", row.person()))
    })?;
    let cycle = cycles.iter().find(|known| known.cycle.contains(row.paid_at()));
    let cycle = cycle.ok_or_else(|| {
        row.refused("order.no-cycle", format!("paid_at: no cycle contains {}", row.paid_at()))
    })?;
    if cycle.is_settled {
        return Err(
            row.refused("order.cycle-settled", format!("paid_at: cycle {} is settled", cycle.cycle.id))
        );
    }
    Ok(Placed {
        line: row.line,
        paid: row.paid(*currency)?,
        cycle: cycle.cycle.id.clone(),
        reverses_cycle: None,
    })
}

/// The result file: refused lines and why, in the order of the file.
pub fn result_file(refused: &[Refusal]) -> Result<Vec<u8>, UnreadableFile> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["line", "id", "code", "reason"]).map_err(unwritable)?;
    for Refusal { line, id, code, reason } in refused {
        writer.write_record([&line.to_string(), id, code, reason]).map_err(unwritable)?;
    }
    writer.into_inner().map_err(unwritable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(file: &str) -> Vec<Result<Row, Refusal>> {
        let parts = cut(file.as_bytes(), 2).unwrap();
        parts.files.iter().flat_map(|part| read_part(part).unwrap()).collect()
    }

    #[test]
    fn columns_come_in_any_order_and_most_have_a_default() {
        let rows = rows("person,vq,id,paid_at\nP1,12.50,O1,2026-10-31T14:00:00Z\n");
        let row = rows[0].as_ref().unwrap();
        let paid = row.paid("COP".parse().unwrap()).unwrap();
        assert_eq!((paid.id.as_str(), paid.person.as_str(), row.line), ("O1", "P1", 2));
        assert_eq!((paid.vq, paid.vc, paid.units), (Decimal::new(1250, 2), Decimal::ZERO, Decimal::ONE));
        assert_eq!((paid.kind, paid.currency.code()), (PaidKind::Sale, "COP"));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_refused_with_its_number_and_the_others_are_not() {
        let line = |change: &str| {
            let mut fields = ["O1", "P1", "2026-10-31T14:00:00Z", "sale", "USD", "1.00", "2", "false", ""];
            let (place, value) = change.split_once('=').unwrap();
            fields[place.parse::<usize>().unwrap()] = value;
            fields.join(",")
        };
        let cases = [
            ("0=a b", "id"),
            ("1=", "person"),
            ("2=yesterday", "paid_at"),
            ("3=gift", "kind"),
            ("4=XYZ", "currency"),
            ("5=-1.00", "net"),
            ("5=uno", "net"),
            ("5=1.00001", "net"),
            ("6=10000000000000000", "vq"),
            ("7=maybe", "first_of_person"),
            ("8=O0", "reverses"),
            ("8=,,", ""),
        ];
        for (change, column) in cases {
            let header = "id,person,paid_at,kind,currency,net,vq,first_of_person,reverses";
            let file = format!("{header}\n{}\n{}\n{}\n", line("0=O0"), line(change), line("0=O2"));
            let rows = rows(&file);
            assert_eq!(rows.len(), 3, "{change}");
            assert!(rows[0].is_ok() && rows[2].is_ok(), "{change}");
            let refused = rows[1].as_ref().unwrap_err();
            let place = if column.is_empty() { String::new() } else { format!("{column}: ") };
            assert_eq!((refused.line, refused.code.as_str()), (3, MALFORMED), "{change}");
            assert!(refused.reason.starts_with(&place), "{change}: {}", refused.reason);
        }
    }

    #[test]
    fn money_must_fit_the_currency_it_turns_out_to_be_in() {
        let rows = rows("id,person,paid_at,net\nO1,P1,2026-10-31T14:00:00Z,10.50\n");
        let row = rows[0].as_ref().unwrap();
        assert!(row.paid("COP".parse().unwrap()).is_ok());
        assert!(row.paid("CLP".parse().unwrap()).unwrap_err().reason.starts_with("net: found 10.50"));
    }

    #[test]
    fn a_line_needs_a_known_person_and_a_cycle_that_is_not_settled() {
        let cycle = |id: &str, start: &str, end: &str, is_settled| LoadCycle {
            cycle: Cycle {
                id: id.parse().unwrap(),
                start: start.parse().unwrap(),
                end: end.parse().unwrap(),
            },
            is_closed: is_settled,
            is_settled,
        };
        let cycles = [
            cycle("2026-09", "2026-09-01T05:00:00Z", "2026-10-01T05:00:00Z", true),
            cycle("2026-10", "2026-10-01T05:00:00Z", "2026-11-01T05:00:00Z", false),
        ];
        let currencies = BTreeMap::from([("P1".parse().unwrap(), "COP".parse().unwrap())]);
        let cases = [
            ("P1", "2026-10-01T05:00:00Z", Ok("2026-10")),
            ("P1", "2026-11-01T04:59:59Z", Ok("2026-10")),
            ("P2", "2026-10-01T05:00:00Z", Err("order.unknown-person")),
            ("P1", "2026-11-01T05:00:00Z", Err("order.no-cycle")),
            ("P1", "2026-10-01T04:59:59Z", Err("order.cycle-settled")),
        ];
        for (person, paid_at, expected) in cases {
            let rows = rows(&format!("id,person,paid_at\nO1,{person},{paid_at}\n"));
            let placed = place(rows[0].as_ref().unwrap(), &currencies, &cycles);
            let found = match &placed {
                Ok(placed) => Ok(placed.cycle.as_str()),
                Err(refusal) => Err(refusal.code.as_str()),
            };
            assert_eq!(found, expected, "{person} {paid_at}");
        }
    }

    #[test]
    fn a_file_without_sense_is_refused_as_a_whole() {
        let cases = [
            "",
            "id,person,paid_at\n",
            "id,person\nO1,P1\n",
            "id,person,paid_at,colour\nO1,P1,x,red\n",
            "id,id,person,paid_at\nO1,O1,P1,x\n",
        ];
        for file in cases {
            assert!(cut(file.as_bytes(), 10).is_err(), "{file:?}");
        }
    }

    #[test]
    fn parts_keep_all_lines_in_order() {
        let mut file = "id,person,paid_at\n".to_owned();
        for id in ["O0", "O1", "O2", "O3", "O4"] {
            file.extend([id, ",P1,2026-10-31T14:00:00Z\n"]);
        }
        let parts = cut(file.as_bytes(), 2).unwrap();
        assert_eq!((parts.files.len(), parts.lines), (3, 5));
        let ids: Vec<_> = rows(&file).into_iter().map(|row| row.unwrap().id().to_string()).collect();
        assert_eq!(ids, ["O0", "O1", "O2", "O3", "O4"]);
    }

    #[test]
    fn the_result_names_each_refused_line() {
        let rows = rows("id,person,paid_at\nO1,,x\n");
        let file = result_file(&[rows[0].clone().unwrap_err()]).unwrap();
        let text = String::from_utf8(file).unwrap();
        assert!(text.starts_with("line,id,code,reason\n2,O1,order.malformed,"), "{text}");
    }
}
