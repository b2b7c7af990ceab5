//! The comparison's network as facts of the engine, and what is measured of a process.

use std::{fs::File, path::Path, time::Instant};

use anyhow::{Context, Result, bail};
use cpu_time::ProcessTime;
use engine::{IndexedFacts, Link, NONE, OrderColumns, PeopleColumns, Texts};
use foundation::cycle::Cycle;
use jiff::{civil::date, tz::TimeZone};
use parquet::{
    column::reader::get_typed_column_reader,
    data_type::{DataType, Int32Type, Int64Type},
    file::reader::{FileReader, SerializedFileReader},
};

/// Amounts of the comparison are in cents, those of the engine in ten-thousandths.
const CENT: i64 = 100;

/// The cycle everything happens in.
pub(crate) fn cycle() -> Result<Cycle> {
    Ok(Cycle::of_days("2026-10".parse()?, date(2026, 10, 1), date(2026, 10, 31), &TimeZone::UTC)?)
}

fn column<T: DataType>(path: &Path, place: usize) -> Result<Vec<T::T>> {
    let file = File::open(path).with_context(|| format!("no {}", path.display()))?;
    let reader = SerializedFileReader::new(file)?;
    let mut values = Vec::with_capacity(usize::try_from(reader.metadata().file_metadata().num_rows())?);
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let end = values.len() + usize::try_from(group.metadata().num_rows())?;
        let mut cells = get_typed_column_reader::<T>(group.get_column_reader(place)?);
        while values.len() < end {
            let (read, ..) = cells.read_records(end - values.len(), None, None, &mut values)?;
            if read == 0 {
                bail!("{} ends too early", path.display());
            }
        }
    }
    Ok(values)
}

fn row(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}

fn ids(letter: char, count: usize) -> Texts {
    let mut ids = Texts::with_capacity(count);
    let mut id = String::new();
    for number in 0..count {
        use std::fmt::Write as _;
        id.clear();
        id.push(letter);
        // Writing to a text does not fail.
        let _ = write!(id, "{number:08}");
        ids.push(&id);
    }
    ids
}

/// The facts, with everybody found.
pub(crate) fn facts(data: &Path) -> Result<IndexedFacts> {
    let (persons, sales) = (data.join("persons.parquet"), data.join("orders.parquet"));
    let parent: Vec<u32> = column::<Int32Type>(&persons, 1)?.into_iter().map(row).collect();
    let buyer: Vec<u32> = column::<Int32Type>(&sales, 0)?.into_iter().map(row).collect();
    let amounts = |place: usize| -> Result<Vec<i64>> {
        let mut cents = column::<Int64Type>(&sales, place)?;
        for cent in &mut cents {
            *cent = cent.checked_mul(CENT).context("an amount is too large")?;
        }
        Ok(cents)
    };
    let cycle = cycle()?;
    let people =
        PeopleColumns { ids: ids('P', parent.len()), parent: Link::Rows(parent), ..PeopleColumns::default() };
    let orders = OrderColumns {
        ids: ids('O', buyer.len()),
        paid_at: vec![cycle.start.as_microsecond(); buyer.len()],
        person: Link::Rows(buyer),
        vq: amounts(1)?,
        vc: amounts(2)?,
        ..OrderColumns::default()
    };
    Ok(IndexedFacts::of(&cycle, people, orders)?)
}

/// Wall and CPU seconds since it was started.
pub(crate) struct Watch {
    wall: Instant,
    cpu: ProcessTime,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self { wall: Instant::now(), cpu: ProcessTime::now() }
    }

    /// Wall and CPU seconds since the start or the last lap.
    pub(crate) fn lap(&mut self) -> (f64, f64) {
        let lap = (self.wall.elapsed().as_secs_f64(), self.cpu.elapsed().as_secs_f64());
        *self = Self::start();
        lap
    }
}

/// The most memory this process has had, in MB.
pub(crate) fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}
