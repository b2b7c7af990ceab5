//! The company as files: bulk loads of the API, tables of a simulation, the catalogue.
//!
//! CSV with a header, comma, line feed and no quotes: no value contains a comma. Decimals have two places, moments are RFC 3339 in
//! UTC, tags are separated by `;`, an absent value is an empty one.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{
    Company, OrderRef,
    catalogue::{catalogue, cents},
    people::Person,
};

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
    for (number, person) in (0_u32..).zip(&company.people) {
        write_place(company, number, person, out)?;
        write!(out, ",{}", rank(company, person.previous_rank))?;
        let career = person.career.unwrap_or_default();
        match person.career.and(person.previous_rank) {
            Some(_) => write!(out, ",{}", career.grace_used)?,
            None => write!(out, ",")?,
        }
        write!(out, ",{}", rank(company, career.honorific_rank))?;
        match career.manual {
            Some(manual) => {
                writeln!(out, ",{},{},{}", rank(company, Some(manual.rank)), manual.from, manual.to)?;
            }
            None => writeln!(out, ",,,")?,
        }
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
    for number in &company.load_order {
        let person = &company.people[*number as usize];
        write_place(company, *number, person, out)?;
        let (document_type, document) = person.document();
        writeln!(
            out,
            ",{},{},{document},{},{},{}",
            person.name(),
            document_type.code(),
            person.email(*number),
            person.phone(),
            rank(company, person.previous_rank),
        )?;
    }
    Ok(())
}

/// The columns both files of people begin with.
fn write_place(company: &Company, number: u32, person: &Person, out: &mut impl Write) -> io::Result<()> {
    let id = |number: Option<u32>| number.map(|number| company.person_id(number)).unwrap_or_default();
    write!(
        out,
        "{},{},{},{},{},{},{},{},{},",
        company.person_id(number),
        person.kind.code(),
        id(person.parent),
        id(person.sponsor),
        person.joined_on,
        person.status.code(),
        person.country.code(),
        person.country.currency(),
        person.zone(),
    )?;
    for (place, tag) in person.tags().enumerate() {
        write!(out, "{}{tag}", if place == 0 { "" } else { ";" })?;
    }
    Ok(())
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
    for (index, order) in (0_u32..).zip(orders) {
        let amounts = company.amounts(order);
        writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            company.order_id(OrderRef { cycle, index }),
            company.person_id(order.person),
            order.paid_at,
            order.kind.code(),
            company.people[order.person as usize].country.currency(),
            cents(amounts.net),
            cents(amounts.gross),
            cents(amounts.vq),
            cents(amounts.vc),
            amounts.units,
            amounts.points,
            cents(amounts.customer_price),
            cents(amounts.consultant_price),
            order.first_of_person,
            company.category(order).code(),
            order.reverses.map(|reversed| company.order_id(reversed)).unwrap_or_default(),
        )?;
    }
    Ok(())
}
