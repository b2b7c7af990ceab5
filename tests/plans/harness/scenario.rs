//! Runs a scenario as `ceiba simulate` does and tells what differs.

use std::collections::{BTreeMap, BTreeSet};

use engine::{ExchangeRates, read_orders, read_people};
use jiff::tz::TimeZone;
use oracle::CycleInput;
use plan::Plan;
use rust_decimal::Decimal;
use simulation::{CycleFacts, Occurrence, Simulated, cycles_of, root_above, simulate};

use crate::{
    document::{Scenario, Table},
    evaluator,
};

/// The name of a cycle that says none.
const CYCLE: &str = "2026-10";
/// Columns that are for readers.
const NOTES: [&str; 2] = ["origin", "note"];

/// How often a row stands for somebody.
const REPEAT: &str = "repeat";

/// The volumes that `volume` stands for.
const VOLUMES: [&str; 4] = ["vq", "vc", "net", "gross"];

/// The cells of a result, by column.
pub(crate) type Row = BTreeMap<String, String>;

/// What differs from what a scenario expects, each with its line.
pub(crate) fn differences(file: &str, scenario: &Scenario) -> Vec<String> {
    match run(scenario) {
        Ok(Ran { plan, cycles, inputs, results }) => {
            let mut found = compare(scenario, &plan, &cycles, &results);
            let others = evaluator::differences(&plan, &inputs);
            found.extend(others.into_iter().map(|text| (scenario.line, text)));
            found.into_iter().map(|(line, text)| format!("{file}:{line}: {text}")).collect()
        }
        Err(texts) => texts
            .into_iter()
            .map(|text| format!("{file}:{}: {}: {text}", scenario.line, scenario.title))
            .collect(),
    }
}

/// What a table is called, without its cycle; and the cycle.
fn parts(name: &str) -> (&str, &str) {
    name.split_once(' ').unwrap_or((name, CYCLE))
}

/// The rows, those with a number in `repeat` so many times: `#` stands for 1, 2, 3 ...
fn repeated(table: &Table) -> Vec<Vec<String>> {
    let place = table.columns.iter().position(|column| column == REPEAT);
    let times = |row: &[String]| place.and_then(|place| row[place].parse().ok()).unwrap_or(0_u32);
    let copies = |row: &Vec<String>| match times(row) {
        0 => vec![row.clone()],
        times => (1..=times)
            .map(|number| row.iter().map(|cell| cell.replace('#', &number.to_string())).collect())
            .collect(),
    };
    table.rows.iter().flat_map(|(_, row)| copies(row)).collect()
}

/// A table of facts as CSV: the first column is the id, `volume` is every volume.
fn csv(table: &Table, day: &str) -> String {
    let is_orders = parts(&table.columns[0]).0 == "orders";
    let mut columns: BTreeSet<&str> = BTreeSet::from(["id"]);
    let mut rows: Vec<BTreeMap<&str, String>> = Vec::new();
    let copies = repeated(table);
    for (number, row) in copies.iter().enumerate() {
        let mut cells = BTreeMap::new();
        if is_orders {
            cells.insert("paid_at", day.to_owned());
        }
        for (place, (column, cell)) in table.named(row).enumerate() {
            match column {
                _ if place == 0 => {
                    let id = if cell.is_empty() { format!("order-{}", number + 1) } else { cell.to_owned() };
                    cells.insert("id", id);
                }
                "volume" => cells.extend(VOLUMES.map(|volume| (volume, cell.to_owned()))),
                "paid_at" if cell.is_empty() => {}
                REPEAT => {}
                note if NOTES.contains(&note) => {}
                _ => {
                    cells.insert(column, cell.to_owned());
                }
            }
        }
        columns.extend(cells.keys());
        rows.push(cells);
    }
    if is_orders {
        columns.extend(["person", "paid_at"]);
    }
    let header: Vec<&str> = columns.iter().copied().collect();
    let mut text = header.join(",") + "\n";
    for row in rows {
        let cells: Vec<&str> =
            header.iter().map(|column| row.get(column).map_or("", String::as_str)).collect();
        text += &(cells.join(",") + "\n");
    }
    text
}

struct Ran {
    plan: Plan,
    /// Names of the cycles.
    cycles: Vec<String>,
    /// Their facts, as the evaluator reads them.
    inputs: Vec<CycleInput>,
    results: Vec<Simulated>,
}

fn run(scenario: &Scenario) -> Result<Ran, Vec<String>> {
    let plan = Plan::parse(&scenario.plan.to_string())
        .map_err(|mistakes| mistakes.iter().map(|mistake| format!("plan: {mistake}")).collect::<Vec<_>>())?;
    let zone = TimeZone::get(&plan.document().time_zone).unwrap();
    let named = |what: &str| -> BTreeMap<&str, &Table> {
        scenario
            .tables
            .iter()
            .filter(|(name, _)| parts(name).0 == what)
            .map(|(name, table)| (parts(name).1, table))
            .collect()
    };
    let (people, orders) = (named("people"), named("orders"));
    let names: BTreeSet<&str> = people.keys().chain(orders.keys()).copied().chain([CYCLE]).collect();
    let only = people.get(CYCLE).copied().cloned().unwrap_or_default();
    let (mut cycles, mut inputs) = (Vec::new(), Vec::new());
    let known: Vec<Occurrence> = names
        .iter()
        .map(|name| Occurrence { name: Some((*name).to_owned()), ..Occurrence::default() })
        .collect();
    let days = cycles_of(&known, &zone).map_err(|error| vec![error.to_string()])?;
    for (name, cycle) in names.iter().zip(days) {
        let first_day = cycle.start.to_zoned(zone.clone()).date().to_string();
        let people = csv(people.get(name).copied().unwrap_or(&only), "");
        let orders =
            orders.get(name).map_or("id,person,paid_at\n".to_owned(), |table| csv(table, &first_day));
        inputs.push(evaluator::input(name, &cycle, &zone, &people, &orders));
        let mut people = read_people(&format!("people {name}"), people.as_bytes())
            .map_err(|error| vec![error.to_string()])?;
        let orders = read_orders(&format!("orders {name}"), orders.as_bytes(), &zone)
            .map_err(|error| vec![error.to_string()])?;
        root_above(&mut people);
        cycles.push(CycleFacts { cycle, people, orders, process: None });
    }
    let rates = ExchangeRates::of_plan(&plan);
    let results = simulate(&plan, &cycles, &rates, &mut |_| ()).map_err(|error| vec![error.to_string()])?;
    Ok(Ran { plan, cycles: names.into_iter().map(str::to_owned).collect(), inputs, results })
}

fn compare(
    scenario: &Scenario,
    plan: &Plan,
    cycles: &[String],
    results: &[Simulated],
) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    for (name, table) in &scenario.tables {
        let (what, cycle) = parts(name);
        if matches!(what, "people" | "orders") {
            continue;
        }
        let line = table.rows.first().map_or(scenario.line, |(line, _)| line - 2);
        let Some(place) = cycles.iter().position(|known| known == cycle) else {
            wrong.push((line, format!("there is no cycle {cycle}")));
            continue;
        };
        let result = &results[place];
        match what {
            "payouts" => all_of(table, &payouts(result), line, &mut wrong),
            "lines" => {
                let named: BTreeSet<&str> = table.rows.iter().map(|(_, row)| row[0].as_str()).collect();
                let found: Vec<Row> = payouts(result)
                    .into_iter()
                    .filter(|one| named.contains(one["earner"].as_str()))
                    .collect();
                all_of(table, &found, line, &mut wrong);
            }
            "carried" => all_of(table, &carried(result), line, &mut wrong),
            "not_undone" => all_of(table, &not_undone(result), line, &mut wrong),
            "totals" => wrong.extend(totals(table, result)),
            "ranks" => wrong.extend(by_person(table, &ranks(result, plan))),
            "indicators" => wrong.extend(by_person(table, &indicators(result))),
            _ => wrong.push((line, format!("a table is called {what:?}"))),
        }
    }
    for result in results {
        for (bonus, kept) in result.payouts.bonuses.iter().zip(&result.payouts.conservation) {
            // Every part but the whole, whatever parts there are.
            let Ok(serde_json::Value::Object(parts)) = serde_json::to_value(kept) else { continue };
            let part = |(name, value): (&String, &serde_json::Value)| {
                (name != "offered").then(|| value.to_string().parse::<i128>().ok())?
            };
            let went: i128 = parts.iter().filter_map(part).sum();
            if kept.offered != went {
                let text = format!("bonus {} offers {} and accounts for {went}", bonus.code, kept.offered);
                wrong.push((scenario.line, text));
            }
        }
    }
    wrong
}

/// Whether a cell says what was found: numbers as numbers, `none` as nothing.
pub(crate) fn agrees(expected: &str, found: &str) -> bool {
    let number = |text: &str| text.parse::<Decimal>().ok();
    match (number(expected), number(found)) {
        (Some(expected), Some(found)) => expected == found,
        _ if expected == "none" => found.is_empty(),
        _ => expected == found,
    }
}

/// The cells of an expected row that say something: column and cell.
fn said<'a>(table: &'a Table, row: &'a [String]) -> Vec<(&'a str, &'a str)> {
    table.named(row).skip(1).filter(|(column, cell)| !cell.is_empty() && !NOTES.contains(column)).collect()
}

/// Every expected row is there, and no other.
fn all_of(table: &Table, found: &[Row], line: usize, wrong: &mut Vec<(usize, String)>) {
    let key = match parts(&table.columns[0]).0 {
        "payouts" | "lines" => "earner",
        "not_undone" => "order",
        _ => "person",
    };
    let mut left: Vec<&Row> = found.iter().collect();
    for (line, row) in &table.rows {
        let mut cells = said(table, row);
        cells.push((key, row[0].as_str()));
        let fits = |one: &&Row| {
            cells.iter().all(|(column, cell)| one.get(*column).is_some_and(|found| agrees(cell, found)))
        };
        match left.iter().position(fits) {
            Some(place) => {
                left.remove(place);
            }
            None => wrong.push((*line, format!("this is not there; left are {}", shown(&left)))),
        }
    }
    for one in left {
        wrong.push((line, format!("this is there and not expected: {}", shown(&[one]))));
    }
}

fn shown(rows: &[&Row]) -> String {
    let row = |row: &&Row| {
        let cells: Vec<String> = row
            .iter()
            .filter(|(_, cell)| !cell.is_empty())
            .map(|(column, cell)| format!("{column} {cell}"))
            .collect();
        format!("[{}]", cells.join(", "))
    };
    rows.iter().take(8).map(row).collect::<Vec<_>>().join(" ")
}

/// Every cell of a row about a person is so.
fn by_person(table: &Table, found: &BTreeMap<String, Row>) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    for (line, row) in &table.rows {
        let Some(person) = found.get(&row[0]) else {
            wrong.push((*line, format!("there is no person {}", row[0])));
            continue;
        };
        for (column, cell) in said(table, row) {
            match person.get(column) {
                Some(found) if agrees(cell, found) => {}
                Some(found) => wrong.push((*line, format!("{column} is {found:?}, expected {cell:?}"))),
                None => wrong.push((*line, format!("there is no column {column}"))),
            }
        }
    }
    wrong
}

/// The sum of a person's lines, of those of one bonus where the row says so; `all` is everyone.
fn totals(table: &Table, result: &Simulated) -> Vec<(usize, String)> {
    let lines = payouts(result);
    let mut wrong = Vec::new();
    for (line, row) in &table.rows {
        let cells: BTreeMap<&str, &str> = said(table, row).into_iter().collect();
        let of = |one: &&Row| {
            (row[0] == "all" || one["earner"] == row[0])
                && cells.get("bonus").is_none_or(|bonus| one["bonus"] == *bonus)
        };
        let sum: Decimal = lines.iter().filter(of).map(|one| one["amount"].parse::<Decimal>().unwrap()).sum();
        let count = lines.iter().filter(of).count().to_string();
        for (column, expected, found) in
            [("amount", cells.get("amount"), sum.to_string()), ("lines", cells.get("lines"), count)]
        {
            if expected.is_some_and(|expected| !agrees(expected, &found)) {
                wrong.push((*line, format!("{column} is {found}")));
            }
        }
    }
    wrong
}

pub(crate) fn row<const N: usize>(cells: [(&str, String); N]) -> Row {
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
}

pub(crate) fn payouts(result: &Simulated) -> Vec<Row> {
    let person = |row: u32| result.snapshot.people.ids.get(row as usize).to_owned();
    let order =
        |row: u32| if row == engine::NONE { "" } else { result.snapshot.orders.ids.get(row as usize) };
    result
        .payouts
        .lines
        .iter()
        .map(|line| {
            row([
                ("earner", person(line.earner)),
                (
                    "bonus",
                    match result.payouts.code(line) {
                        "" => "payout_cap".to_owned(),
                        code => code.to_owned(),
                    },
                ),
                ("kind", line.kind.name().to_owned()),
                ("source", person(line.source)),
                ("order", order(line.order).to_owned()),
                ("level_walked", line.level_walked.to_string()),
                ("level_paid", line.level_paid.to_string()),
                ("base", line.base().normalize().to_string()),
                ("rate", line.rate().normalize().to_string()),
                ("exact", line.exact_amount().normalize().to_string()),
                ("amount", line.amount().to_string()),
                ("currency", line.currency.to_string()),
            ])
        })
        .collect()
}

fn carried(result: &Simulated) -> Vec<Row> {
    let kind = |kind: engine::BalanceKind| serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned();
    let balances = result.payouts.carried.0.iter();
    balances
        .map(|balance| {
            row([
                ("person", balance.person.clone()),
                ("bonus", balance.bonus.clone()),
                ("kind", kind(balance.kind)),
                ("value", engine::from_exact(balance.value).normalize().to_string()),
            ])
        })
        .collect()
}

fn not_undone(result: &Simulated) -> Vec<Row> {
    let open = result.payouts.not_undone.iter();
    open.map(|one| row([("order", one.order.clone()), ("reason", one.reason.clone())])).collect()
}

fn ranks(result: &Simulated, plan: &Plan) -> BTreeMap<String, Row> {
    let code = |ranks: &[u8], row: usize| plan.rank_code(ranks[row]).to_owned();
    let ranks = &result.ranks;
    people(result, |at| {
        row([
            ("earned", code(&ranks.earned, at)),
            ("paid", code(&ranks.paid, at)),
            ("honorific", code(&ranks.honorific, at)),
            ("grace_used", ranks.grace_used[at].to_string()),
        ])
    })
}

fn indicators(result: &Simulated) -> BTreeMap<String, Row> {
    people(result, |at| {
        let value = |column: &engine::IndicatorColumn| {
            let value = column.value(u32::try_from(at).unwrap()).normalize().to_string();
            (column.code.clone(), value)
        };
        let active = ("active".to_owned(), result.indicators.active[at].to_string());
        result.indicators.columns.iter().map(value).chain([active]).collect()
    })
}

fn people(result: &Simulated, of: impl Fn(usize) -> Row) -> BTreeMap<String, Row> {
    let ids = &result.snapshot.people.ids;
    (0..ids.len()).map(|at| (ids.get(at).to_owned(), of(at))).collect()
}
