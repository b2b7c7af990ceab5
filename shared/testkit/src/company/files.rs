//! The company as files: bulk loads of the API, tables of a simulation, the catalogue.
//!
//! CSV with a header, comma, line feed and no quotes: no value contains a comma. Decimals have two places, moments are RFC 3339 in
//! UTC, tags are separated by `;`, an absent value is an empty one.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{Company, OrderRef, catalogue::catalogue, people::Person};

/// Where [`write`] has put everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// `people.csv`, what a simulation reads, in the order of joining.
    pub people: PathBuf,
    /// `people-load.csv`, what the API loads: parents and sponsors before those under them.
    pub people_load: PathBuf,
    /// `orders-<cycle>.csv` per cycle, for both.
    pub orders: Vec<PathBuf>,
    /// `catalogue.json`, see [`super::catalogue`].
    pub catalogue: PathBuf,
}

/// Writes all files of `company` into the folder `dir`, which is made if it is not there.
pub fn write(company: &Company, dir: impl AsRef<Path>) -> anyhow::Result<Written> {
    let dir = dir.as_ref();
    std::fs::create_dir_all(dir)?;
    let written = Written {
        people: dir.join("people.csv"),
        people_load: dir.join("people-load.csv"),
        orders: company.cycles.iter().map(|of| dir.join(format!("orders-{}.csv", of.dates.id))).collect(),
        catalogue: dir.join("catalogue.json"),
    };
    to_file(&written.people, |out| write_people(company, out))?;
    to_file(&written.people_load, |out| write_people_load(company, out))?;
    for (cycle, path) in (0..).zip(&written.orders) {
        to_file(path, |out| write_orders(company, cycle, out))?;
    }
    let mut products = serde_json::to_vec_pretty(&catalogue())?;
    products.push(b'\n');
    std::fs::write(&written.catalogue, products)?;
    Ok(written)
}

fn to_file(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    fill(&mut out)?;
    out.flush()
}

/// Writes the people with the columns a simulation reads.
pub fn write_people(company: &Company, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "id,kind,parent,sponsor,joined_on,status,country,currency,zone,tags,previous_rank,rank_grace_used,\
         honorific_rank,manual_rank,manual_from,manual_to"
    )?;
    let mut row = Row::default();
    for (number, person) in (0_u32..).zip(&company.people) {
        place(company, number, person, &mut row);
        row.text(rank(company, person.previous_rank));
        let career = person.career.unwrap_or_default();
        match person.career.and(person.previous_rank) {
            Some(_) => row.number(career.grace_used.into()),
            None => row.text(""),
        };
        row.text(rank(company, career.honorific_rank));
        match career.manual {
            Some(manual) => {
                row.text(rank(company, Some(manual.rank))).date(manual.from).date(manual.to);
            }
            None => {
                row.text("").text("").text("");
            }
        }
        row.end(out)?;
    }
    Ok(())
}

/// Writes the people with the columns the API loads.
pub fn write_people_load(company: &Company, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "id,kind,parent,sponsor,joined_on,status,country,currency,zone,tags,name,document_type,document,email,phone,\
         previous_rank"
    )?;
    let mut row = Row::default();
    for number in &company.load_order {
        let person = &company.people[*number as usize];
        place(company, *number, person, &mut row);
        let (document_type, document) = person.document();
        row.text(&person.name()).text(document_type.code()).text(&document);
        row.text(&person.email(*number)).text(&person.phone()).text(rank(company, person.previous_rank));
        row.end(out)?;
    }
    Ok(())
}

/// The columns both files of people begin with.
fn place(company: &Company, number: u32, person: &Person, row: &mut Row) {
    row.text(&company.person_id(number)).text(person.kind.code());
    for above in [person.parent, person.sponsor] {
        row.text(&above.map(|above| company.person_id(above)).unwrap_or_default());
    }
    row.date(person.joined_on).text(person.status.code());
    row.text(person.country.code()).text(person.country.currency()).text(person.zone());
    let mut tags = String::new();
    for tag in person.tags() {
        tags.push_str(if tags.is_empty() { "" } else { ";" });
        tags.push_str(tag);
    }
    row.text(&tags);
}

fn rank(company: &Company, position: Option<u8>) -> &str {
    position.and_then(|position| company.ranks.get(usize::from(position))).map_or("", String::as_str)
}

/// Writes the orders of the cycle at position `cycle`; only the header if there is no such cycle.
pub fn write_orders(company: &Company, cycle: u32, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "id,person,paid_at,kind,currency,net,gross,vq,vc,units,points,customer_price,consultant_price,\
         first_of_person,category,reverses"
    )?;
    let orders = company.cycles.get(cycle as usize).map_or(&[][..], |of| &of.orders);
    let mut row = Row::default();
    let mut today = (i64::MIN, Date::ZERO);
    for (index, order) in (0_u32..).zip(orders) {
        let amounts = company.amounts(order);
        row.text(&company.order_id(OrderRef { cycle, index })).text(&company.person_id(order.person));
        row.moment(order.paid_at, &mut today).text(order.kind.code());
        row.text(company.people[order.person as usize].country.currency());
        row.cents(amounts.net).cents(amounts.gross).cents(amounts.vq).cents(amounts.vc);
        row.number(amounts.units).number(amounts.points);
        row.cents(amounts.customer_price).cents(amounts.consultant_price);
        row.text(if order.first_of_person { "true" } else { "false" }).text(company.category(order).code());
        row.text(&order.reverses.map(|reversed| company.order_id(reversed)).unwrap_or_default());
        row.end(out)?;
    }
    Ok(())
}

/// A line in the making. Formatting millions of numbers through `write!` would take most of the time there is.
#[derive(Default)]
struct Row(Vec<u8>);

impl Row {
    fn text(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b',');
        self
    }

    fn date(&mut self, date: Date) -> &mut Self {
        self.day(date);
        self.0.push(b',');
        self
    }

    /// A moment of whole seconds. Orders come by time, so the day seldom changes.
    fn moment(&mut self, moment: Timestamp, today: &mut (i64, Date)) -> &mut Self {
        let (number, second) = (moment.as_second().div_euclid(86_400), moment.as_second().rem_euclid(86_400));
        if today.0 != number {
            *today = (number, moment.to_zoned(TimeZone::UTC).date());
        }
        self.day(today.1);
        for (mark, value) in [(b'T', second / 3_600), (b':', second / 60 % 60), (b':', second % 60)] {
            self.0.push(mark);
            self.digits(value, 2);
        }
        self.text("Z")
    }

    fn day(&mut self, date: Date) {
        self.digits(date.year().into(), 4);
        for part in [date.month(), date.day()] {
            self.0.push(b'-');
            self.digits(part.into(), 2);
        }
    }

    fn number(&mut self, number: i64) -> &mut Self {
        self.digits(number, 1);
        self.0.push(b',');
        self
    }

    /// Hundredths as a decimal with two places; never negative here.
    fn cents(&mut self, hundredths: i64) -> &mut Self {
        self.digits(hundredths / 100, 1);
        self.0.push(b'.');
        self.digits(hundredths % 100, 2);
        self.0.push(b',');
        self
    }

    fn digits(&mut self, number: i64, least: usize) {
        let start = self.0.len();
        let mut rest = number.unsigned_abs();
        while rest > 0 || self.0.len() < start + least {
            self.0.push(b'0' + u8::try_from(rest % 10).unwrap_or_default());
            rest /= 10;
        }
        self.0[start..].reverse();
    }

    /// Turns the last comma into the end of the line, writes it and begins the next.
    fn end(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.0.pop();
        self.0.push(b'\n');
        out.write_all(&self.0)?;
        self.0.clear();
        Ok(())
    }
}
