//! What came out, read back through the API and held against the oracle, the live indicators and the ledger.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use oracle::{CycleResult, Settlement};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use testkit::stack::Stack;

use super::{
    commissions::Run,
    office::{Office, all, post, text},
    seed::{Company, live_items},
};
use crate::run;

/// Statements that are read whole and compared line by line; of everybody else totals, ranks and indicators are.
const STATEMENTS: usize = 60;
/// How long the last facts may be on their way, in seconds.
const LIVE_PATIENCE_S: usize = 30;

/// One cycle, checked.
pub(super) struct CycleCheck {
    cycle: String,
    run: Run,
    pub(super) settled: usize,
    pub(super) somebody: String,
    paid: BTreeMap<String, Decimal>,
    bonuses: BTreeMap<String, BTreeMap<String, Decimal>>,
    settlement_file: String,
    pub(super) live_differences: Vec<String>,
    pub(super) oracle_differences: Vec<String>,
}

/// Reads the settlements of a run and compares them.
pub(super) fn cycle(
    office: &Office,
    stack: &Stack,
    company: &Company,
    number: usize,
    run: Run,
) -> Result<CycleCheck> {
    let cycle = company.cycles().nth(number).unwrap_or_default().to_owned();
    run::progress(&format!("compare the settlements of {cycle} with the live indicators and the oracle"));
    let link: Value = office.admin.get(&format!("/runs/{}/settlements/file", run.id))?.success()?;
    let settlement_file = text(&link, "/url")?;
    let rows = rows(&office.admin.download(&settlement_file)?)?;
    let expected = oracle::evaluate(&company.plan, &company.facts(number)?)?;
    let expected = expected.get(number).context("the oracle settled fewer cycles")?;
    let mut check = CycleCheck {
        settled: rows.len(),
        somebody: somebody(expected),
        paid: BTreeMap::new(),
        bonuses: BTreeMap::new(),
        live_differences: live_differences(&rows, stack, &cycle)?,
        oracle_differences: Vec::new(),
        settlement_file: settlement_file.split('?').next().unwrap_or_default().to_owned(),
        cycle,
        run,
    };
    check.compare_settlements(&rows, expected)?;
    check.compare_statements(office, expected)?;
    check.add_payments(office)?;
    Ok(check)
}

type Row = BTreeMap<String, String>;

fn rows(csv: &[u8]) -> Result<BTreeMap<String, Row>> {
    let mut reader = csv::Reader::from_reader(csv);
    let mut rows = BTreeMap::new();
    for row in reader.deserialize::<Row>() {
        let row = row?;
        rows.insert(row.get("person").cloned().context("the settlement file has no column person")?, row);
    }
    Ok(rows)
}

fn number(row: &Row, column: &str) -> Option<Decimal> {
    row.get(column).and_then(|text| text.parse().ok())
}

/// Somebody with a handful of lines, to show.
fn somebody(expected: &CycleResult) -> String {
    let shown = expected.people.iter().filter(|(_, settlement)| settlement.total > Decimal::ZERO);
    let best = shown.max_by_key(|(_, settlement)| settlement.lines.len().min(12));
    best.map(|(person, _)| person.clone()).unwrap_or_default()
}

/// The differences that stay once the last facts had time to arrive.
fn live_differences(rows: &BTreeMap<String, Row>, stack: &Stack, cycle: &str) -> Result<Vec<String>> {
    let mut differences = live_differences_now(rows, stack, cycle)?;
    for _ in 0..LIVE_PATIENCE_S {
        if differences.is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_secs(1));
        differences = live_differences_now(rows, stack, cycle)?;
    }
    Ok(differences)
}

/// Own and downline volumes of everybody, live against official.
fn live_differences_now(rows: &BTreeMap<String, Row>, stack: &Stack, cycle: &str) -> Result<Vec<String>> {
    let live = live_items(stack, cycle)?;
    let mut differences = Vec::new();
    for (person, row) in rows {
        for (live_name, official) in [
            ("own_vq", "indicator_PVQ"),
            ("own_vc", "indicator_PVC"),
            ("own_orders", "indicator_PORD"),
            ("team_vq", "indicator_TVQ"),
            ("team_vc", "indicator_TVC"),
            ("team_orders", "indicator_TORD"),
        ] {
            let seen = live
                .get(person)
                .and_then(|item| item[live_name]["N"].as_str()?.parse().ok())
                .unwrap_or(Decimal::ZERO);
            let official_value = number(row, official);
            if official_value != Some(seen) {
                differences
                    .push(format!("{cycle} {person}: live {live_name} {seen}, official {official_value:?}"));
            }
        }
    }
    Ok(differences)
}

impl CycleCheck {
    fn compare_settlements(&mut self, rows: &BTreeMap<String, Row>, expected: &CycleResult) -> Result<()> {
        if rows.len() != expected.people.len() {
            self.oracle_differences.push(format!(
                "{}: {} settlements, {} people",
                self.cycle,
                rows.len(),
                expected.people.len()
            ));
        }
        for (person, settlement) in &expected.people {
            let row = rows.get(person).with_context(|| format!("{person} has no settlement"))?;
            let mut expect = |what: &str, holds: bool, found: &str| {
                if !holds {
                    self.oracle_differences.push(format!("{} {person}: {what} is {found}", self.cycle));
                }
            };
            expect(
                "total",
                number(row, "total") == Some(settlement.total),
                row.get("total").map_or("", String::as_str),
            );
            let active = row.get("active").map_or("", String::as_str);
            expect("active", (active == "true") == settlement.active, active);
            for (code, value) in &settlement.indicators {
                let found = number(row, &format!("indicator_{code}"));
                // A quotient is shown to the decimals of its indicator.
                let agrees = found.is_some_and(|found| {
                    if code == "RMA_RATE" {
                        (found - value).abs() < Decimal::new(1, 8)
                    } else {
                        found == *value
                    }
                });
                expect(code, agrees, &format!("{found:?}, not {value}"));
            }
            self.add_bonuses(row, settlement)?;
        }
        Ok(())
    }

    fn add_bonuses(&mut self, row: &Row, settlement: &Settlement) -> Result<()> {
        let currency = row.get("currency").context("the settlement file has no column currency")?;
        let mut sums = BTreeMap::<&str, Decimal>::new();
        for line in &settlement.lines {
            *sums.entry(&line.bonus).or_default() += line.amount;
        }
        for (bonus, sum) in sums {
            let found = number(row, &format!("bonus_{bonus}")).unwrap_or_default();
            if found != sum {
                self.oracle_differences.push(format!("{}: bonus {bonus} is {found}, not {sum}", self.cycle));
            }
            *self.bonuses.entry(bonus.to_owned()).or_default().entry(currency.clone()).or_default() += found;
        }
        Ok(())
    }

    /// Whole statements through the API, line by line.
    fn compare_statements(&mut self, office: &Office, expected: &CycleResult) -> Result<()> {
        let with_lines: Vec<_> =
            expected.people.iter().filter(|(_, settlement)| !settlement.lines.is_empty()).collect();
        let stride = (with_lines.len() / STATEMENTS).max(1);
        for (person, settlement) in with_lines.into_iter().step_by(stride) {
            let mut found = statement_lines(office, person, &self.cycle)?;
            found.sort();
            let mut wanted: Vec<_> = settlement
                .lines
                .iter()
                .map(|line| {
                    (
                        line.bonus.clone(),
                        line.source.clone(),
                        line.order.clone(),
                        line.level_paid,
                        line.base,
                        line.rate,
                        line.amount,
                    )
                })
                .collect();
            wanted.sort();
            if found != wanted {
                self.oracle_differences
                    .push(format!("{} {person}: the statement's lines differ", self.cycle));
            }
        }
        Ok(())
    }

    fn add_payments(&mut self, office: &Office) -> Result<()> {
        for payable in all(&office.treasury, &format!("/runs/{}/payables", self.run.id))? {
            if payable["state"] == "paid" {
                let amount: Decimal = text(&payable, "/amount/amount")?.parse()?;
                *self.paid.entry(text(&payable, "/amount/currency")?).or_default() += amount;
            }
        }
        Ok(())
    }

    pub(super) fn facts(&self) -> Value {
        json!({
            "cycle": self.cycle,
            "run": self.run.id,
            "run_seconds": self.run.work.as_secs(),
            "settled": self.settled,
            "paid": self.paid,
            "settlement_file": self.settlement_file,
        })
    }

    pub(super) fn differences(&self) -> impl Iterator<Item = &String> {
        self.live_differences.iter().chain(&self.oracle_differences)
    }
}

type Line = (String, String, String, usize, Decimal, Decimal, Decimal);

fn statement_lines(office: &Office, person: &str, cycle: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut path = format!("/people/{person}/statements/{cycle}");
    loop {
        let page: Value = office.admin.get(&path)?.success()?;
        for line in page["lines"].as_array().into_iter().flatten() {
            let decimal = |pointer: &str| anyhow::Ok(text(line, pointer)?.parse::<Decimal>()?.normalize());
            lines.push((
                text(line, "/bonus")?,
                text(line, "/source")?,
                line["order"].as_str().unwrap_or_default().to_owned(),
                usize::try_from(line["level_paid"].as_u64().unwrap_or_default())?,
                decimal("/base")?,
                decimal("/rate")?,
                decimal("/amount/amount")?,
            ));
        }
        match page["next"].as_str() {
            Some(next) => path = format!("/people/{person}/statements/{cycle}?cursor={next}"),
            None => return Ok(lines),
        }
    }
}

/// A new proof of the whole ledger.
pub(super) fn ledger(office: &Office) -> Result<Value> {
    run::progress("prove the ledger");
    let asked: Value =
        post(&office.admin, "/ledger/proof", &crate::workspace::fresh_key(), &json!({}))?.success()?;
    let since = text(&asked, "/requested_at")?.parse::<jiff::Timestamp>()?;
    testkit::api::until(
        "the ledger's proof",
        std::time::Duration::from_mins(5),
        std::time::Duration::from_millis(500),
        || {
            let reply = office.admin.get("/ledger/proof")?;
            if reply.status == 404 {
                return Ok(None);
            }
            let proof: Value = reply.success()?;
            let made = text(&proof, "/made_at")?.parse::<jiff::Timestamp>()?;
            Ok((since <= made).then_some(proof))
        },
    )
}

/// Sums by bonus and currency over all cycles.
pub(super) fn by_bonus(cycles: &[CycleCheck]) -> BTreeMap<String, BTreeMap<String, Decimal>> {
    let mut sums = BTreeMap::<String, BTreeMap<String, Decimal>>::new();
    for (bonus, amounts) in cycles.iter().flat_map(|cycle| &cycle.bonuses) {
        for (currency, amount) in amounts {
            *sums.entry(bonus.clone()).or_default().entry(currency.clone()).or_default() += amount;
        }
    }
    sums
}

/// What was paid, by currency, over all cycles.
pub(super) fn paid_total(cycles: &[CycleCheck]) -> BTreeMap<String, Decimal> {
    let mut sums = BTreeMap::<String, Decimal>::new();
    for (currency, amount) in cycles.iter().flat_map(|cycle| &cycle.paid) {
        *sums.entry(currency.clone()).or_default() += amount;
    }
    sums
}

/// The summary for a person.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| format!("{name} {}", text_of(value)))
            .collect::<Vec<_>>()
            .join(" · "),
        other => other.to_string(),
    }
}

/// The summary for a person, with a `curl` to go on with.
pub(super) fn text_for_a_person(facts: &Value, token: &str) -> String {
    let mut lines = vec!["Ceiba is up.".to_owned(), String::new()];
    for (label, name) in [
        ("people", "people"),
        ("orders and returns", "orders"),
        ("settlements", "settled"),
        ("payouts by bonus", "payouts_by_bonus"),
        ("paid in all", "paid_total"),
        ("ledger in balance", "ledger_balanced"),
        ("live equals official", "live_equals_official"),
        ("oracle agrees", "oracle_agrees"),
        ("seconds", "seconds"),
        ("API", "api_url"),
    ] {
        lines.push(format!("{label:>22}  {}", text_of(&facts[name])));
    }
    for cycle in facts["cycles"].as_array().into_iter().flatten() {
        lines.push(format!(
            "{:>22}  run {} in {} s, settlements in {}",
            text_of(&cycle["cycle"]),
            text_of(&cycle["run"]),
            cycle["run_seconds"],
            text_of(&cycle["settlement_file"])
        ));
    }
    lines.push(String::new());
    lines.push(format!("curl -H 'Authorization: Bearer {token}' {}", text_of(&facts["statement"])));
    lines.join("\n")
}
