//! The stored form of every noun of a run: Parquet, columns documented in the crate's README.
//!
//! Files are opened as they are by DuckDB and pandas. The same noun always gives the same bytes, and reading them gives
//! back the same noun.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use foundation::{cycle::Cycle, money::Currency};
use parquet::data_type::ByteArray;
use plan::AMOUNT_SCALE;
use rust_decimal::Decimal;

use crate::{
    amount::{EXACT_SCALE, RATE_SCALE, from_minor},
    columns::{Dictionary, NONE, Sets, Texts, Tree, position},
    failure::EngineError,
    indicators::{IndicatorColumn, Indicators, Values},
    payouts::{AwardLine, BalanceKind, Carried, CarriedBalance, LineKind, PaidBonus, PayoutLine, Payouts},
    ranks::Ranks,
    settlement::{BonusAmount, Settlement, Settlements},
    snapshot::{ExchangeRates, Orders, People, Snapshot, Volume, Volumes},
    table::{Cells, Column, Table, text_of, write},
    threads,
};

/// Version of the stored form.
const FORMAT: &str = "1";

/// The files of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFiles {
    /// `people.parquet`.
    pub people: Vec<u8>,
    /// `orders.parquet`.
    pub orders: Vec<u8>,
}

fn rows_as_ints(rows: &[u32]) -> Vec<i32> {
    rows.iter().map(|row| i32::try_from(*row).unwrap_or(-1)).collect()
}

fn codes_as_ints(codes: &[u8]) -> Vec<i32> {
    codes.iter().map(|code| i32::from(*code)).collect()
}

fn texts(texts: &Texts) -> Vec<&str> {
    texts.iter().collect()
}

fn words(words: &Dictionary) -> Cells<'_> {
    let text = move |code: u32| words.values.get(code as usize).map_or("", |text| &**text);
    Cells::coded(&words.codes, text)
}

/// The ids of rows; empty for [`NONE`].
fn rows_by_id<'a>(rows: impl Into<Cow<'a, [u32]>>, ids: &'a Texts) -> Cells<'a> {
    let mut rows = rows.into();
    if rows.contains(&NONE) {
        // One more, which no row has, stands for none.
        let none = position(ids.len());
        for row in rows.to_mut() {
            *row = none.min(*row);
        }
    }
    Cells::coded(rows, move |row| ids.get(row as usize))
}

fn json<T: serde::Serialize>(file: &'static str, value: &T) -> Result<String, EngineError> {
    serde_json::to_string(value).map_err(|error| EngineError::File { file, reason: error.to_string() })
}

fn parsed<T: serde::de::DeserializeOwned>(table: &Table, key: &str) -> Result<T, EngineError> {
    serde_json::from_str(table.fact(key)?).map_err(|error| table.broken(format!("{key}: {error}")))
}

fn opened(file: &'static str, bytes: Bytes) -> Result<Table, EngineError> {
    let table = Table::open(file, bytes)?;
    if table.fact("ceiba.file")? != file || table.fact("ceiba.format")? != FORMAT {
        return Err(table.broken("it is another file, or of another format"));
    }
    Ok(table)
}

fn facts<'a>(file: &'static str, others: Vec<(&'a str, String)>) -> Vec<(&'a str, String)> {
    let mut facts = vec![("ceiba.file", file.to_owned()), ("ceiba.format", FORMAT.to_owned())];
    facts.extend(others);
    facts
}

/// Writes a snapshot.
pub fn encode_snapshot(snapshot: &Snapshot) -> Result<SnapshotFiles, EngineError> {
    Ok(SnapshotFiles { people: encode_people(snapshot)?, orders: encode_orders(&snapshot.orders, snapshot)? })
}

fn encode_people(snapshot: &Snapshot) -> Result<Vec<u8>, EngineError> {
    let people = &snapshot.people;
    let rows = people.len();
    let (tag_codes, tag_lists) = tag_lists(&people.tags, rows);
    let depth: Vec<i32> =
        people.placement.depth.iter().map(|depth| i32::try_from(*depth).unwrap_or(i32::MAX)).collect();
    let kinds: Vec<u32> = people.consultant.iter().map(|is| u32::from(!is)).collect();
    let kind = |code: u32| if code == 0 { "consultant" } else { "customer" };
    let mut columns = vec![
        Column::new("id", Cells::Text(texts(&people.ids))),
        Column::new("by_id", Cells::ints(rows_as_ints(&people.by_id))),
        Column::new("parent", Cells::ints(rows_as_ints(&people.placement.parent))),
        Column::new("sponsor", Cells::ints(rows_as_ints(&people.enrolment.parent))),
        Column::new("level", Cells::ints(depth)),
        Column::new("size", Cells::ints(rows_as_ints(&people.placement.sizes()))),
        Column::new("kind", Cells::coded(kinds, kind)),
        Column::new("status", words(&people.status)),
        Column::new("country", words(&people.country)),
        Column::new("currency", words(&people.currency)),
        Column::new("zone", words(&people.zone)),
        Column::new(
            "tags",
            Cells::coded(tag_codes, |code| tag_lists.get(code as usize).map_or("", |tags| tags)),
        ),
        Column::new("joined_on", Cells::Day(&people.joined_on)),
        Column::new("joined_this_cycle", Cells::Bool(&people.joined_this_cycle)),
        Column::new("previous_rank", Cells::ints(codes_as_ints(&people.previous_rank))),
        Column::new("honorific_rank", Cells::ints(codes_as_ints(&people.honorific_rank))),
        Column::new("manual_rank", Cells::ints(codes_as_ints(&people.manual_rank))),
        Column::new("grace_used", Cells::ints(codes_as_ints(&people.grace_used))),
        Column::new("lock_left", Cells::ints(codes_as_ints(&people.lock_left))),
    ];
    columns.extend(earned_before(&people.earned_before));
    for (prefix, volumes) in [("", &people.volumes), ("lifetime_", &people.lifetime)] {
        for volume in Volume::ALL {
            let name = format!("{prefix}{}", volume.column());
            columns.push(Column::new(name, Cells::decimals(volumes.of(volume), volume.scale())));
        }
    }
    let rates: BTreeMap<&str, Decimal> =
        snapshot.rates.per_base_unit.iter().map(|(currency, rate)| (currency.code(), *rate)).collect();
    let about = vec![
        ("ceiba.cycle", json("people", &snapshot.cycle)?),
        ("ceiba.plan", snapshot.plan_hash.clone()),
        ("ceiba.base_currency", snapshot.rates.base.code().to_owned()),
        ("ceiba.rates", json("people", &rates)?),
    ];
    write("people", rows, &columns, &facts("people", about))
}

/// The different sets of tags as texts, and which each row has.
fn tag_lists(tags: &Sets, rows: usize) -> (Vec<u32>, Vec<String>) {
    if tags.values.is_empty() {
        return (vec![0; rows], vec![String::new()]);
    }
    let mut known: BTreeMap<&[u64], u32> = BTreeMap::new();
    let mut lists = Vec::new();
    let code = |row: usize| {
        let bits = &tags.bits[row * tags.words..(row + 1) * tags.words];
        *known.entry(bits).or_insert_with(|| {
            lists.push(tags.get(row).join(";"));
            position(lists.len() - 1)
        })
    };
    ((0..rows).map(code).collect(), lists)
}

/// Ranks earned in the cycles before: `earned_1` for the latest, and so on.
fn earned_before(earned: &[Vec<u8>]) -> impl Iterator<Item = Column<'_>> {
    let column = |(place, ranks): (usize, &Vec<u8>)| {
        Column::new(format!("earned_{}", place + 1), Cells::ints(codes_as_ints(ranks)))
    };
    earned.iter().enumerate().map(column)
}

fn read_earned_before(table: &Table) -> Result<Vec<Vec<u8>>, EngineError> {
    let columns = table.columns();
    (1..)
        .map(|place| format!("earned_{place}"))
        .take_while(|name| columns.iter().any(|(known, _)| known == name))
        .map(|name| table.codes(&name, usize::from(u8::MAX)))
        .collect()
}

fn encode_orders(orders: &Orders, snapshot: &Snapshot) -> Result<Vec<u8>, EngineError> {
    let people = &snapshot.people;
    let amount = |values| Cells::decimals(values, AMOUNT_SCALE);
    let mut columns = vec![
        Column::new("id", Cells::Text(texts(&orders.ids))),
        Column::new("person_row", Cells::ints(rows_as_ints(&orders.person))),
        Column::new("person", rows_by_id(orders.person.as_slice(), &people.ids)),
        Column::new("paid_at", Cells::Moment(&orders.paid_at)),
        Column::new("is_return", Cells::Bool(&orders.is_return)),
        Column::new("is_late", Cells::Bool(&orders.is_late)),
        Column::new("currency", words(&orders.currency)),
        Column::new("net", amount(&orders.net)),
        Column::new("gross", amount(&orders.gross)),
        Column::new("vq", amount(&orders.vq)),
        Column::new("vc", amount(&orders.vc)),
        Column::new("units", amount(&orders.units)),
        Column::new("points", amount(&orders.points)),
        Column::new("customer_price", amount(&orders.customer_price)),
        Column::new("consultant_price", amount(&orders.consultant_price)),
        Column::new("first_of_person", Cells::Bool(&orders.first_of_person)),
        Column::new("category", words(&orders.category)),
        Column::new("reverses", Cells::Text((0..orders.len()).map(|row| orders.reverses.get(row)).collect())),
    ];
    if !orders.sold_at.is_empty() {
        columns.push(Column::new("sold_at", Cells::Moment(&orders.sold_at)));
    }
    write(
        "orders",
        orders.len(),
        &columns,
        &facts("orders", vec![("ceiba.people", people.len().to_string())]),
    )
}

/// Reads a snapshot.
pub fn decode_snapshot(people: Bytes, orders: Bytes) -> Result<Snapshot, EngineError> {
    let table = opened("people", people)?;
    let cycle: Cycle = parsed(&table, "ceiba.cycle")?;
    let base: Currency =
        table.fact("ceiba.base_currency")?.parse().map_err(|_| table.broken("unknown base currency"))?;
    let rates: BTreeMap<String, Decimal> = parsed(&table, "ceiba.rates")?;
    let per_base_unit = rates
        .into_iter()
        .map(|(code, rate)| Ok((code.parse().map_err(|_| table.broken("unknown currency"))?, rate)))
        .collect::<Result<_, EngineError>>()?;
    let plan_hash = table.fact("ceiba.plan")?.to_owned();
    let rows = table.rows();
    let (orders, people) =
        threads::both(|| decode_orders(&opened("orders", orders)?, rows), || decode_people(&table));
    let (people, orders) = (people?, orders?);
    Ok(Snapshot { cycle, plan_hash, rates: ExchangeRates { base, per_base_unit }, people, orders })
}

fn read_texts(table: &Table, name: &str) -> Result<Texts, EngineError> {
    Ok(table.texts(name)?.iter().map(text_of).collect())
}

fn read_words(table: &Table, name: &str) -> Result<Dictionary, EngineError> {
    let cells: Vec<ByteArray> = table.texts(name)?;
    Ok(Dictionary::of(cells.iter().map(text_of)))
}

fn decode_people(table: &Table) -> Result<People, EngineError> {
    let rows = table.rows();
    let no_tree = || table.broken("its parents make no tree");
    let placement = Arc::new(Tree::of(table.positions("parent", rows)?).ok_or_else(no_tree)?);
    let sponsor = table.positions("sponsor", rows)?;
    let enrolment = if sponsor == placement.parent {
        Arc::clone(&placement)
    } else {
        Arc::new(Tree::of(sponsor).ok_or_else(no_tree)?)
    };
    if !placement.is_preorder() {
        return Err(table.broken("its people are not in preorder"));
    }
    let ids = read_texts(table, "id")?;
    let by_id = table.positions("by_id", rows)?;
    if by_id.contains(&NONE) || !by_id.is_sorted_by(|a, b| ids.get(*a as usize) < ids.get(*b as usize)) {
        return Err(table.broken("its ids are not in order"));
    }
    let kinds = table.texts("kind")?;
    let tag_cells = table.texts("tags")?;
    let tags: Vec<Vec<&str>> = tag_cells
        .iter()
        .map(|cell| text_of(cell).split(';').filter(|tag| !tag.is_empty()).collect())
        .collect();
    let most = usize::from(u8::MAX);
    let volumes = read_volumes(table, "", &Volumes::default())?;
    Ok(People {
        ids,
        by_id,
        placement,
        enrolment,
        consultant: kinds.iter().map(|kind| text_of(kind) == "consultant").collect(),
        status: read_words(table, "status")?,
        country: read_words(table, "country")?,
        currency: read_words(table, "currency")?,
        zone: read_words(table, "zone")?,
        tags: Sets::of(tags.iter().map(Vec::as_slice)),
        joined_on: table.ints("joined_on")?,
        joined_this_cycle: table.bools("joined_this_cycle")?,
        previous_rank: table.codes("previous_rank", most)?,
        honorific_rank: table.codes("honorific_rank", most)?,
        manual_rank: table.codes("manual_rank", most)?,
        grace_used: table.codes("grace_used", most)?,
        lock_left: table.codes("lock_left", most)?,
        earned_before: read_earned_before(table)?,
        lifetime: read_volumes(table, "lifetime_", &volumes)?,
        volumes,
    })
}

/// Volumes, of which those that are the same as `known` ones, or nothing for everybody, are in memory once.
fn read_volumes(table: &Table, prefix: &str, known: &Volumes) -> Result<Volumes, EngineError> {
    let mut columns: [Arc<Vec<i64>>; 10] = std::array::from_fn(|_| Arc::default());
    let nothing = Arc::new(vec![0; table.rows()]);
    let column = |at: usize| -> Result<Arc<Vec<i64>>, EngineError> {
        let volume = Volume::ALL[at];
        let sums = table.longs(&format!("{prefix}{}", volume.column()))?;
        Ok(if sums.iter().all(|sum| *sum == 0) {
            Arc::clone(&nothing)
        } else if sums == known.of(volume) {
            known.shared(volume)
        } else {
            Arc::new(sums)
        })
    };
    let read = threads::each(Volume::ALL.len(), column);
    for (volume, column) in Volume::ALL.into_iter().zip(read) {
        columns[volume as usize] = column?;
    }
    Ok(Volumes::of_columns(columns))
}

fn decode_orders(table: &Table, people: usize) -> Result<Orders, EngineError> {
    if table.fact("ceiba.people")? != people.to_string() {
        return Err(table.broken("it is of another snapshot"));
    }
    let person = table.positions("person_row", people)?;
    if person.contains(&NONE) {
        return Err(table.broken("an order has no person"));
    }
    Ok(Orders {
        ids: read_texts(table, "id")?,
        person: Arc::new(person),
        paid_at: table.longs("paid_at")?,
        is_return: table.bools("is_return")?,
        is_late: table.bools("is_late")?,
        currency: read_words(table, "currency")?,
        net: table.longs("net")?,
        gross: table.longs("gross")?,
        vq: table.longs("vq")?,
        vc: table.longs("vc")?,
        units: table.longs("units")?,
        points: table.longs("points")?,
        customer_price: table.longs("customer_price")?,
        consultant_price: table.longs("consultant_price")?,
        first_of_person: table.bools("first_of_person")?,
        category: read_words(table, "category")?,
        reverses: read_texts(table, "reverses")?.or_none(),
        sold_at: if table.columns().iter().any(|(name, _)| name == "sold_at") {
            table.longs("sold_at")?
        } else {
            Vec::new()
        },
    })
}

/// Writes indicators: the id of each person, whether active, and a column per indicator, named by its code.
pub fn encode_indicators(indicators: &Indicators, snapshot: &Snapshot) -> Result<Vec<u8>, EngineError> {
    let mut columns = vec![
        Column::new("person", Cells::Text(texts(&snapshot.people.ids))),
        Column::new("active", Cells::Bool(&indicators.active)),
    ];
    for column in &indicators.columns {
        let cells = match &column.values {
            Values::Fixed(values) => Cells::decimals(values.as_slice(), column.scale),
            Values::Exact(values) => Cells::Quotient(values, column.scale),
        };
        columns.push(Column::new(column.code.clone(), cells));
    }
    let about = vec![("ceiba.plan", snapshot.plan_hash.clone())];
    write("indicators", snapshot.people.len(), &columns, &facts("indicators", about))
}

/// Reads indicators.
pub fn decode_indicators(bytes: Bytes) -> Result<Indicators, EngineError> {
    let table = opened("indicators", bytes)?;
    let mut indicators = Indicators { active: table.bools("active")?, columns: Vec::new() };
    for (code, scale) in table.columns().into_iter().skip(2) {
        let values = if table.is_quotient(&code) {
            Values::Exact(table.quotients(&code)?)
        } else {
            Values::Fixed(Arc::new(table.longs(&code)?))
        };
        indicators.columns.push(IndicatorColumn { code, scale, values });
    }
    Ok(indicators)
}

/// Writes ranks as positions, 0 for none.
pub fn encode_ranks(ranks: &Ranks, snapshot: &Snapshot) -> Result<Vec<u8>, EngineError> {
    let mut columns = vec![
        Column::new("person", Cells::Text(texts(&snapshot.people.ids))),
        Column::new("earned", Cells::ints(codes_as_ints(&ranks.earned))),
        Column::new("paid", Cells::ints(codes_as_ints(&ranks.paid))),
        Column::new("honorific", Cells::ints(codes_as_ints(&ranks.honorific))),
        Column::new("grace_used", Cells::ints(codes_as_ints(&ranks.grace_used))),
        Column::new("lock_left", Cells::ints(codes_as_ints(&ranks.lock_left))),
    ];
    columns.extend(earned_before(&ranks.earned_before));
    let about = vec![("ceiba.plan", snapshot.plan_hash.clone())];
    write("ranks", snapshot.people.len(), &columns, &facts("ranks", about))
}

/// Reads ranks.
pub fn decode_ranks(bytes: Bytes) -> Result<Ranks, EngineError> {
    let table = opened("ranks", bytes)?;
    let most = usize::from(u8::MAX);
    Ok(Ranks {
        earned: table.codes("earned", most)?,
        paid: table.codes("paid", most)?,
        honorific: table.codes("honorific", most)?,
        grace_used: table.codes("grace_used", most)?,
        lock_left: table.codes("lock_left", most)?,
        earned_before: read_earned_before(&table)?,
    })
}

/// Lines that are looked at together.
const LINES_LOOKED_AT: usize = 1 << 16;

/// A column of lines, made of those of one row group at a time.
fn of_lines<'a>(
    lines: &'a [PayoutLine],
    cells: impl Fn(&'a [PayoutLine]) -> Cells<'a> + Send + Sync + 'a,
) -> Cells<'a> {
    Cells::Gathered(Box::new(move |rows| cells(&lines[rows])))
}

fn ints_of_lines(lines: &[PayoutLine], pick: fn(&PayoutLine) -> u32) -> Cells<'_> {
    of_lines(lines, move |lines| Cells::ints(picked(lines, |line| i32::try_from(pick(line)).unwrap_or(-1))))
}

fn picked<T>(lines: &[PayoutLine], pick: impl FnMut(&PayoutLine) -> T) -> Vec<T> {
    lines.iter().map(pick).collect()
}

/// Writes payout lines with ids beside row numbers, so that the file can be read by itself.
pub fn encode_payouts(payouts: &Payouts, snapshot: &Snapshot) -> Result<Vec<u8>, EngineError> {
    let lines = &payouts.lines;
    // Amounts with four decimals whatever the currency, so that one column holds all.
    let shares = threads::shares_of(lines.len(), LINES_LOOKED_AT);
    let looks = threads::each(shares.len(), |share| {
        let mut currencies = Currencies::default();
        let fits = |line: &PayoutLine| line.amount.checked_mul(currencies.power(line.currency)).is_some();
        (lines[shares[share].clone()].iter().all(fits), currencies)
    });
    if looks.iter().any(|(fit, _)| !fit) {
        return Err(EngineError::File { file: "payouts", reason: "an amount is too large".to_owned() });
    }
    let mut currencies = Currencies::default();
    for (currency, _) in looks.into_iter().flat_map(|(_, met)| met.0) {
        currencies.power(currency);
    }
    let currencies = currencies.0;
    let currency_of = |line: &PayoutLine| currencies.iter().position(|(known, _)| *known == line.currency);
    let power_of = |line: &PayoutLine| currency_of(line).map_or(1, |place| currencies[place].1);
    let currency = |code: u32| currencies.get(code as usize).map_or("", |(currency, _)| currency.code());
    let bonus = |code: u32| payouts.bonuses.get(code as usize).map_or("", |bonus| &bonus.code);
    let kind = |code: u32| LineKind::ALL.get(code as usize).map_or("", |kind| kind.name());
    let (people, orders) = (&snapshot.people.ids, &snapshot.orders.ids);
    let amount = |line: &PayoutLine| line.amount.saturating_mul(power_of(line));
    let columns = [
        Column::new("earner", of_lines(lines, |lines| rows_by_id(picked(lines, |line| line.earner), people))),
        Column::new(
            "bonus",
            of_lines(lines, |lines| Cells::coded(picked(lines, |line| u32::from(line.bonus)), bonus)),
        ),
        Column::new(
            "kind",
            of_lines(lines, |lines| Cells::coded(picked(lines, |line| line.kind as u32), kind)),
        ),
        Column::new("source", of_lines(lines, |lines| rows_by_id(picked(lines, |line| line.source), people))),
        Column::new("order", of_lines(lines, |lines| rows_by_id(picked(lines, |line| line.order), orders))),
        Column::new("level_walked", ints_of_lines(lines, |line| u32::from(line.level_walked))),
        Column::new("level_paid", ints_of_lines(lines, |line| u32::from(line.level_paid))),
        Column::new(
            "base",
            of_lines(lines, |lines| Cells::decimals(picked(lines, |line| line.base), AMOUNT_SCALE)),
        ),
        Column::new(
            "rate",
            of_lines(lines, |lines| Cells::decimals(picked(lines, |line| line.rate), RATE_SCALE)),
        ),
        Column::new(
            "exact",
            of_lines(lines, |lines| Cells::Wide(picked(lines, |line| line.exact), EXACT_SCALE)),
        ),
        Column::new("amount", of_lines(lines, |lines| Cells::decimals(picked(lines, &amount), AMOUNT_SCALE))),
        Column::new(
            "currency",
            of_lines(lines, |lines| {
                Cells::coded(
                    picked(lines, |line| position(currency_of(line).unwrap_or(currencies.len()))),
                    currency,
                )
            }),
        ),
        Column::new("earner_row", ints_of_lines(lines, |line| line.earner)),
        Column::new("source_row", ints_of_lines(lines, |line| line.source)),
        Column::new("order_row", ints_of_lines(lines, |line| line.order)),
        Column::new("bonus_number", ints_of_lines(lines, |line| u32::from(line.bonus))),
    ];
    let about = vec![
        ("ceiba.plan", snapshot.plan_hash.clone()),
        ("ceiba.bonuses", json("payouts", &payouts.bonuses)?),
        ("ceiba.conservation", json("payouts", &payouts.conservation)?),
        ("ceiba.not_undone", json("payouts", &payouts.not_undone)?),
    ];
    write("payouts", lines.len(), &columns, &facts("payouts", about))
}

/// Reads payout lines. What is no money and what is handed on lie in files of their own.
pub fn decode_payouts(bytes: Bytes) -> Result<Payouts, EngineError> {
    let table = opened("payouts", bytes)?;
    let all = u32::MAX as usize;
    let (earner, source) = (table.positions("earner_row", all)?, table.positions("source_row", all)?);
    let (order, number) = (table.positions("order_row", all)?, table.ints("bonus_number")?);
    let (walked, paid) = (table.ints("level_walked")?, table.ints("level_paid")?);
    let (base, rate, exact) = (table.longs("base")?, table.longs("rate")?, table.wides("exact")?);
    let (amount, currency, kind) = (table.longs("amount")?, table.texts("currency")?, table.texts("kind")?);
    let small = |value: i32| u16::try_from(value).map_err(|_| table.broken(format!("a number {value}")));
    let bonuses: Vec<PaidBonus> = parsed(&table, "ceiba.bonuses")?;
    let mut currencies = Currencies::default();
    let line = |at: usize| {
        let (currency, power) = currencies
            .find(text_of(&currency[at]))
            .ok_or_else(|| table.broken("a line of an unknown currency"))?;
        let kind = LineKind::ALL.into_iter().find(|known| known.name() == text_of(&kind[at]));
        Ok(PayoutLine {
            earner: earner[at],
            bonus: small(number[at])?,
            kind: kind.ok_or_else(|| table.broken("a line of an unknown kind"))?,
            source: source[at],
            order: order[at],
            level_walked: small(walked[at])?,
            level_paid: small(paid[at])?,
            base: base[at],
            rate: rate[at],
            exact: exact[at],
            amount: amount[at] / power,
            currency,
        })
    };
    let lines = (0..table.rows()).map(line).collect::<Result<Vec<_>, EngineError>>()?;
    let is_of_nothing = |line: &PayoutLine| {
        line.earner == NONE || line.source == NONE || bonuses.len() <= usize::from(line.bonus)
    };
    if lines.iter().any(is_of_nothing) {
        return Err(table.broken("a line of nobody or of no bonus"));
    }
    Ok(Payouts {
        bonuses,
        conservation: parsed(&table, "ceiba.conservation")?,
        not_undone: parsed(&table, "ceiba.not_undone")?,
        awards: Vec::new(),
        carried: Carried::default(),
        lines,
    })
}

/// What an amount in minor units is multiplied with to have four decimals.
fn power(currency: Currency) -> i64 {
    10_i64.pow(AMOUNT_SCALE - currency.minor_digits())
}

/// Currencies met in a file with their [`power`]s: few, so that each is looked up once and not line by line.
#[derive(Default)]
struct Currencies(Vec<(Currency, i64)>);

impl Currencies {
    fn find(&mut self, code: &str) -> Option<(Currency, i64)> {
        let known = self.0.iter().find(|(currency, _)| currency.code() == code);
        if let Some(known) = known {
            return Some(*known);
        }
        let currency: Currency = code.parse().ok()?;
        Some((currency, self.power(currency)))
    }

    fn power(&mut self, currency: Currency) -> i64 {
        if let Some((_, power)) = self.0.iter().find(|(known, _)| *known == currency) {
            return *power;
        }
        let power = power(currency);
        self.0.push((currency, power));
        power
    }
}

/// Writes what is paid in points, prizes and tags.
pub fn encode_awards(payouts: &Payouts, snapshot: &Snapshot) -> Result<Vec<u8>, EngineError> {
    use plan::bonus::Award;
    let awards = &payouts.awards;
    let award = |line: &AwardLine| match payouts.bonuses.get(usize::from(line.bonus)).map(|one| &one.award) {
        Some(Award::Points) => ("points", ""),
        Some(Award::Prize(code)) => ("prize", code.as_str()),
        Some(Award::Tag(code)) => ("tag", code.as_str()),
        Some(Award::Money) | None => ("money", ""),
    };
    let code = |line: &AwardLine| {
        payouts.bonuses.get(usize::from(line.bonus)).map_or("", |bonus| bonus.code.as_str())
    };
    let order = |row: u32| snapshot.orders.ids.get(row as usize);
    let id = |row: u32| snapshot.people.ids.get(row as usize);
    let ints = |pick: fn(&AwardLine) -> u32| {
        Cells::Int(awards.iter().map(|line| i32::try_from(pick(line)).unwrap_or(-1)).collect())
    };
    let base: Vec<i64> = awards.iter().map(|line| line.base).collect();
    let rate: Vec<i64> = awards.iter().map(|line| line.rate).collect();
    let quantity: Vec<i64> = awards.iter().map(|line| line.quantity).collect();
    let columns = [
        Column::new("earner", Cells::Word(awards.iter().map(|line| id(line.earner)).collect())),
        Column::new("bonus", Cells::Word(awards.iter().map(code).collect())),
        Column::new("award", Cells::Word(awards.iter().map(|line| award(line).0).collect())),
        Column::new("code", Cells::Word(awards.iter().map(|line| award(line).1).collect())),
        Column::new("source", Cells::Word(awards.iter().map(|line| id(line.source)).collect())),
        Column::new("order", Cells::Word(awards.iter().map(|line| order(line.order)).collect())),
        Column::new("level_paid", ints(|line| u32::from(line.level_paid))),
        Column::new("base", Cells::decimals(&base, AMOUNT_SCALE)),
        Column::new("rate", Cells::decimals(&rate, RATE_SCALE)),
        Column::new("exact", Cells::Wide(awards.iter().map(|line| line.exact).collect(), EXACT_SCALE)),
        Column::new("quantity", Cells::decimals(&quantity, 0)),
        Column::new("earner_row", ints(|line| line.earner)),
        Column::new("source_row", ints(|line| line.source)),
        Column::new("order_row", ints(|line| line.order)),
        Column::new("bonus_number", ints(|line| u32::from(line.bonus))),
    ];
    let about = vec![("ceiba.plan", snapshot.plan_hash.clone())];
    write("awards", awards.len(), &columns, &facts("awards", about))
}

/// Reads what is paid in points, prizes and tags.
pub fn decode_awards(bytes: Bytes) -> Result<Vec<AwardLine>, EngineError> {
    let table = opened("awards", bytes)?;
    let all = u32::MAX as usize;
    let (earner, source) = (table.positions("earner_row", all)?, table.positions("source_row", all)?);
    let (order, number) = (table.positions("order_row", all)?, table.ints("bonus_number")?);
    let (level, quantity) = (table.ints("level_paid")?, table.longs("quantity")?);
    let (base, rate, exact) = (table.longs("base")?, table.longs("rate")?, table.wides("exact")?);
    let small = |value: i32| u16::try_from(value).map_err(|_| table.broken(format!("a number {value}")));
    let line = |at: usize| {
        Ok(AwardLine {
            earner: earner[at],
            bonus: small(number[at])?,
            source: source[at],
            order: order[at],
            level_paid: small(level[at])?,
            base: base[at],
            rate: rate[at],
            exact: exact[at],
            quantity: quantity[at],
        })
    };
    let lines = (0..table.rows()).map(line).collect::<Result<Vec<_>, EngineError>>()?;
    if lines.iter().any(|line| line.earner == NONE || line.source == NONE) {
        return Err(table.broken("a line of nobody"));
    }
    Ok(lines)
}

/// Writes what the next cycle is handed.
pub fn encode_carried(carried: &Carried, snapshot: &Snapshot) -> Result<Vec<u8>, EngineError> {
    let balances = &carried.0;
    let word = |pick: fn(&CarriedBalance) -> &str| Cells::Word(balances.iter().map(pick).collect());
    let since: Vec<i32> = balances.iter().map(|balance| balance.since).collect();
    let columns = [
        Column::new("person", word(|balance| &balance.person)),
        Column::new("bonus", word(|balance| &balance.bonus)),
        Column::new("kind", word(|balance| balance.kind.name())),
        Column::new("since", Cells::Day(&since)),
        Column::new("cycles", Cells::Int(balances.iter().map(|balance| i32::from(balance.cycles)).collect())),
        Column::new("currency", word(|balance| balance.currency.as_ref().map_or("", Currency::code))),
        Column::new(
            "value",
            Cells::Wide(balances.iter().map(|balance| balance.value).collect(), EXACT_SCALE),
        ),
    ];
    let about = vec![("ceiba.plan", snapshot.plan_hash.clone())];
    write("carried", balances.len(), &columns, &facts("carried", about))
}

/// Reads what the cycle before handed on.
pub fn decode_carried(bytes: Bytes) -> Result<Carried, EngineError> {
    let table = opened("carried", bytes)?;
    let (persons, bonuses, kinds) = (table.texts("person")?, table.texts("bonus")?, table.texts("kind")?);
    let (since, cycles) = (table.ints("since")?, table.ints("cycles")?);
    let (currencies, values) = (table.texts("currency")?, table.wides("value")?);
    let balance = |at: usize| {
        let kind = BalanceKind::ALL.into_iter().find(|known| known.name() == text_of(&kinds[at]));
        let currency = match text_of(&currencies[at]) {
            "" => None,
            code => Some(code.parse().map_err(|_| table.broken("a balance in an unknown currency"))?),
        };
        Ok(CarriedBalance {
            person: text_of(&persons[at]).to_owned(),
            bonus: text_of(&bonuses[at]).to_owned(),
            kind: kind.ok_or_else(|| table.broken("a balance of an unknown kind"))?,
            since: since[at],
            cycles: u16::try_from(cycles[at]).map_err(|_| table.broken("a number of cycles"))?,
            currency,
            value: values[at],
        })
    };
    let balances = (0..table.rows()).map(balance).collect::<Result<Vec<_>, EngineError>>()?;
    if !balances.is_sorted() {
        return Err(table.broken("its balances are not in order"));
    }
    Ok(Carried(balances))
}

/// Writes settlements: a row per person, two columns per bonus of the run (`amount_CODE`, `lines_CODE`).
pub fn encode_settlements(settlements: &Settlements<'_>) -> Result<Vec<u8>, EngineError> {
    let snapshot = settlements.snapshot;
    let people = &snapshot.people;
    let codes: Vec<&str> = settlements.bonuses.iter().map(|bonus| bonus.code.as_str()).collect();
    let total = settlements.with_amount_decimals(&settlements.totals)?;
    let amounts = settlements
        .bonuses
        .iter()
        .map(|bonus| settlements.with_amount_decimals(&bonus.amounts))
        .collect::<Result<Vec<_>, _>>()?;
    let plan = settlements.plan;
    let ranks = |ranks: &[u8]| {
        let codes: Vec<u32> = ranks.iter().map(|rank| u32::from(*rank)).collect();
        Cells::coded(codes, move |rank| plan.rank_code(u8::try_from(rank).unwrap_or(0)))
    };
    let mut columns = vec![
        Column::new("person", Cells::Text(texts(&people.ids))),
        Column::new("active", Cells::Bool(settlements.active)),
        Column::new("earned_rank", ranks(&settlements.ranks.earned)),
        Column::new("paid_rank", ranks(&settlements.ranks.paid)),
        Column::new("honorific_rank", ranks(&settlements.ranks.honorific)),
        Column::new("currency", words(&people.currency)),
        Column::new("total", Cells::decimals(&total, AMOUNT_SCALE)),
    ];
    for (bonus, amount) in settlements.bonuses.iter().zip(&amounts) {
        let code = if bonus.code.is_empty() { "payout_cap" } else { &bonus.code };
        columns.push(Column::new(format!("amount_{code}"), Cells::decimals(amount, AMOUNT_SCALE)));
        columns.push(Column::new(format!("lines_{code}"), Cells::ints(&bonus.lines)));
    }
    let about =
        vec![("ceiba.plan", snapshot.plan_hash.clone()), ("ceiba.bonuses", json("settlements", &codes)?)];
    write("settlements", people.len(), &columns, &facts("settlements", about))
}

/// Reads settlements.
pub fn decode_settlements(bytes: Bytes) -> Result<Vec<Settlement>, EngineError> {
    let table = opened("settlements", bytes)?;
    let codes: Vec<String> = parsed(&table, "ceiba.bonuses")?;
    let mut bonuses = Vec::new();
    for code in codes {
        let name = if code.is_empty() { "payout_cap" } else { &code };
        let columns = (table.longs(&format!("amount_{name}"))?, table.ints(&format!("lines_{name}"))?);
        bonuses.push((code, columns));
    }
    let (persons, active, totals) = (table.texts("person")?, table.bools("active")?, table.longs("total")?);
    let currencies = table.texts("currency")?;
    let ranks = [table.texts("earned_rank")?, table.texts("paid_rank")?, table.texts("honorific_rank")?];
    let mut known = Currencies::default();
    let settlement = |row: usize| {
        let (currency, minor) =
            known.find(text_of(&currencies[row])).ok_or_else(|| table.broken("an unknown currency"))?;
        let of_bonus = |(code, (amounts, lines)): &(String, (Vec<i64>, Vec<i32>))| {
            (lines[row] != 0).then(|| BonusAmount {
                bonus: code.clone(),
                amount: from_minor(amounts[row] / minor, currency),
                lines: u32::try_from(lines[row]).unwrap_or(0),
            })
        };
        Ok(Settlement {
            row: position(row),
            person: text_of(&persons[row]).to_owned(),
            active: active[row],
            earned_rank: text_of(&ranks[0][row]).to_owned(),
            paid_rank: text_of(&ranks[1][row]).to_owned(),
            honorific_rank: text_of(&ranks[2][row]).to_owned(),
            currency,
            bonuses: bonuses.iter().filter_map(of_bonus).collect(),
            total: from_minor(totals[row] / minor, currency),
        })
    };
    (0..table.rows()).map(settlement).collect()
}
