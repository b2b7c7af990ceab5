//! Result tables: what people open, as CSV or Parquet with the same columns.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::{self, Write},
    str::FromStr,
};

use engine::{
    AwardLine, CarriedBalance, Cells, Column, EXACT_SCALE, EngineError, MISSING, NONE, PayoutLine,
    RATE_SCALE, write_table,
};
use foundation::money::Currency;
use jiff::civil::Date;
use plan::{AMOUNT_SCALE, Plan, bonus::Award};
use serde::{Deserialize, Serialize};

use crate::run::Simulated;

/// How result tables are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text, with a header line.
    #[default]
    Csv,
    /// Parquet, nothing nullable.
    Parquet,
}

impl Format {
    /// The ending of file names.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

impl FromStr for Format {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Csv, Self::Parquet]
            .into_iter()
            .find(|format| format.extension() == name)
            .ok_or_else(|| format!("found {name:?}, expected csv or parquet"))
    }
}

/// The cells of a column, one for each row.
#[derive(Clone, Debug)]
pub enum Values<'a> {
    /// Texts.
    Text(Vec<Cow<'a, str>>),
    /// Decimals: value and scale.
    Number(Cow<'a, [i64]>, u32),
    /// Quotients: value and scale; [`MISSING`] is an empty cell.
    Quotient(&'a [i128], u32),
    /// Minor units of the currency of each row.
    Money(Vec<(i64, Currency)>),
    /// Exact amounts: value and scale.
    Exact(Vec<i128>, u32),
    /// Whole numbers.
    Whole(Vec<i32>),
    /// Truths.
    Truth(&'a [bool]),
}

/// A result table.
#[derive(Clone, Debug)]
pub struct ResultTable<'a> {
    /// Its name: `indicators`, `ranks`, `payouts`, `awards`, `totals`, `carried`, or `changes` of a comparison.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: usize,
    /// Its columns.
    pub columns: Vec<(String, Values<'a>)>,
}

/// The bonus that lines of the plan itself (`person-cap`, `payout-cap`, `brought-forward`, `below-minimum`) are counted under.
pub const PAYOUT_CAP: &str = "payout_cap";

/// The tables of a run: `indicators`, `ranks`, `payouts`, `awards`, `totals`, `carried`.
pub fn result_tables<'a>(run: &'a Simulated, plan: &'a Plan) -> [ResultTable<'a>; 6] {
    [indicators(run), ranks(run, plan), payouts(run), awards(run), totals(run), carried(run)]
}

fn ids(run: &Simulated) -> Values<'_> {
    Values::Text(run.snapshot.people.ids.iter().map(Cow::Borrowed).collect())
}

fn indicators(run: &Simulated) -> ResultTable<'_> {
    let mut columns =
        vec![("person".to_owned(), ids(run)), ("active".to_owned(), Values::Truth(&run.indicators.active))];
    columns.extend(run.indicators.columns.iter().map(|column| {
        let values = match &column.values {
            engine::Values::Fixed(values) => Values::Number(Cow::Borrowed(values.as_slice()), column.scale),
            engine::Values::Exact(values) => Values::Quotient(values, column.scale),
        };
        (column.code.clone(), values)
    }));
    ResultTable { name: "indicators", rows: run.snapshot.people.len(), columns }
}

fn ranks<'a>(run: &'a Simulated, plan: &'a Plan) -> ResultTable<'a> {
    let codes =
        |ranks: &[u8]| Values::Text(ranks.iter().map(|rank| Cow::Borrowed(plan.rank_code(*rank))).collect());
    let ranks = &run.ranks;
    let columns = vec![
        ("person".to_owned(), ids(run)),
        ("earned".to_owned(), codes(&ranks.earned)),
        ("paid".to_owned(), codes(&ranks.paid)),
        ("honorific".to_owned(), codes(&ranks.honorific)),
        ("previous".to_owned(), codes(&run.snapshot.people.previous_rank)),
        (
            "grace_used".to_owned(),
            Values::Whole(ranks.grace_used.iter().map(|used| i32::from(*used)).collect()),
        ),
    ];
    ResultTable { name: "ranks", rows: run.snapshot.people.len(), columns }
}

fn bonus_name<'a>(run: &'a Simulated, line: &PayoutLine) -> &'a str {
    match run.payouts.code(line) {
        "" => PAYOUT_CAP,
        code => code,
    }
}

fn payouts(run: &Simulated) -> ResultTable<'_> {
    let lines = &run.payouts.lines;
    let person = |row: u32| run.snapshot.people.ids.get(row as usize);
    let order = |row: u32| if row == NONE { "" } else { run.snapshot.orders.ids.get(row as usize) };
    let column = |name: &str, values| (name.to_owned(), values);
    let columns = vec![
        column("earner", Values::Text(lines.iter().map(|line| Cow::Borrowed(person(line.earner))).collect())),
        column(
            "bonus",
            Values::Text(lines.iter().map(|line| Cow::Borrowed(bonus_name(run, line))).collect()),
        ),
        column("kind", Values::Text(lines.iter().map(|line| Cow::Borrowed(line.kind.name())).collect())),
        column("source", Values::Text(lines.iter().map(|line| Cow::Borrowed(person(line.source))).collect())),
        column("order", Values::Text(lines.iter().map(|line| Cow::Borrowed(order(line.order))).collect())),
        column(
            "level_walked",
            Values::Whole(lines.iter().map(|line| i32::from(line.level_walked)).collect()),
        ),
        column("level_paid", Values::Whole(lines.iter().map(|line| i32::from(line.level_paid)).collect())),
        column("base", Values::Number(lines.iter().map(|line| line.base).collect(), AMOUNT_SCALE)),
        column("rate", Values::Number(lines.iter().map(|line| line.rate).collect(), RATE_SCALE)),
        column("exact", Values::Exact(lines.iter().map(|line| line.exact).collect(), EXACT_SCALE)),
        column("amount", Values::Money(lines.iter().map(|line| (line.amount, line.currency)).collect())),
        column(
            "currency",
            Values::Text(lines.iter().map(|line| Cow::Borrowed(line.currency.code())).collect()),
        ),
    ];
    ResultTable { name: "payouts", rows: lines.len(), columns }
}

/// Points, prizes and tags.
fn awards(run: &Simulated) -> ResultTable<'_> {
    let awards = &run.payouts.awards;
    let person = |row: u32| Cow::Borrowed(run.snapshot.people.ids.get(row as usize));
    let order = |row: u32| if row == NONE { "" } else { run.snapshot.orders.ids.get(row as usize) };
    let of = |award: &AwardLine| run.payouts.bonuses.get(usize::from(award.bonus));
    let kind = |award: &AwardLine| match of(award).map(|bonus| &bonus.award) {
        Some(Award::Points) => ("points", ""),
        Some(Award::Prize(code)) => ("prize", code.as_str()),
        Some(Award::Tag(code)) => ("tag", code.as_str()),
        Some(Award::Money) | None => ("", ""),
    };
    let column = |name: &str, values| (name.to_owned(), values);
    let columns = vec![
        column("earner", Values::Text(awards.iter().map(|award| person(award.earner)).collect())),
        column(
            "bonus",
            Values::Text(
                awards.iter().map(|award| Cow::Borrowed(of(award).map_or("", |bonus| &bonus.code))).collect(),
            ),
        ),
        column("kind", Values::Text(awards.iter().map(|award| Cow::Borrowed(kind(award).0)).collect())),
        column("code", Values::Text(awards.iter().map(|award| Cow::Borrowed(kind(award).1)).collect())),
        column("source", Values::Text(awards.iter().map(|award| person(award.source)).collect())),
        column("order", Values::Text(awards.iter().map(|award| Cow::Borrowed(order(award.order))).collect())),
        column("level_paid", Values::Whole(awards.iter().map(|award| i32::from(award.level_paid)).collect())),
        column("base", Values::Number(awards.iter().map(|award| award.base).collect(), AMOUNT_SCALE)),
        column("rate", Values::Number(awards.iter().map(|award| award.rate).collect(), RATE_SCALE)),
        column("exact", Values::Exact(awards.iter().map(|award| award.exact).collect(), EXACT_SCALE)),
        column("quantity", Values::Number(awards.iter().map(|award| award.quantity).collect(), 0)),
    ];
    ResultTable { name: "awards", rows: awards.len(), columns }
}

/// What the next cycle is handed.
fn carried(run: &Simulated) -> ResultTable<'_> {
    let balances = &run.payouts.carried.0;
    let texts = |pick: fn(&CarriedBalance) -> &str| {
        Values::Text(balances.iter().map(|balance| Cow::Borrowed(pick(balance))).collect())
    };
    let since = |balance: &CarriedBalance| Cow::Owned(day(balance.since).to_string());
    let columns = vec![
        ("person".to_owned(), texts(|balance| &balance.person)),
        ("bonus".to_owned(), texts(|balance| &balance.bonus)),
        ("kind".to_owned(), texts(|balance| balance.kind.name())),
        ("since".to_owned(), Values::Text(balances.iter().map(since).collect())),
        (
            "cycles".to_owned(),
            Values::Whole(balances.iter().map(|balance| i32::from(balance.cycles)).collect()),
        ),
        (
            "currency".to_owned(),
            texts(|balance| balance.currency.as_ref().map_or("", |currency| currency.code())),
        ),
        (
            "value".to_owned(),
            Values::Exact(balances.iter().map(|balance| balance.value).collect(), EXACT_SCALE),
        ),
    ];
    ResultTable { name: "carried", rows: balances.len(), columns }
}

fn day(since_epoch: i32) -> Date {
    Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(since_epoch)).unwrap_or(Date::ZERO)
}

/// Sums of lines.
#[derive(Clone, Copy, Default)]
struct Sum {
    lines: i32,
    amount: i64,
    exact: i128,
}

impl Sum {
    fn add(&mut self, line: &PayoutLine) {
        self.lines = self.lines.saturating_add(1);
        self.amount = self.amount.saturating_add(line.amount);
        self.exact = self.exact.saturating_add(line.exact);
    }
}

/// By bonus and currency (person empty), by currency (person and bonus empty), then by person (bonus empty).
fn totals(run: &Simulated) -> ResultTable<'_> {
    let mut bonuses: BTreeMap<(u16, Currency), Sum> = BTreeMap::new();
    let mut everyone: BTreeMap<Currency, Sum> = BTreeMap::new();
    let mut people: Vec<(u32, Currency, Sum)> = Vec::new();
    for line in &run.payouts.lines {
        bonuses.entry((line.bonus, line.currency)).or_default().add(line);
        everyone.entry(line.currency).or_default().add(line);
        match people.last_mut() {
            Some((earner, currency, sum)) if (*earner, *currency) == (line.earner, line.currency) => {
                sum.add(line);
            }
            _ => {
                let mut sum = Sum::default();
                sum.add(line);
                people.push((line.earner, line.currency, sum));
            }
        }
    }
    let code =
        |number: u16| match run.payouts.bonuses.get(usize::from(number)).map(|bonus| bonus.code.as_str()) {
            None | Some("") => PAYOUT_CAP,
            Some(code) => code,
        };
    let mut rows: Vec<(&str, &str, Currency, Sum)> = Vec::new();
    rows.extend(bonuses.into_iter().map(|((bonus, currency), sum)| ("", code(bonus), currency, sum)));
    rows.extend(everyone.into_iter().map(|(currency, sum)| ("", "", currency, sum)));
    let id = |row: u32| run.snapshot.people.ids.get(row as usize);
    rows.extend(people.into_iter().map(|(earner, currency, sum)| (id(earner), "", currency, sum)));
    let exact_of_rounded = |(.., currency, sum): &(&str, &str, Currency, Sum)| {
        i128::from(sum.amount) * 10_i128.pow(EXACT_SCALE - currency.minor_digits())
    };
    let columns = vec![
        ("person".to_owned(), Values::Text(rows.iter().map(|row| Cow::Borrowed(row.0)).collect())),
        ("bonus".to_owned(), Values::Text(rows.iter().map(|row| Cow::Borrowed(row.1)).collect())),
        ("currency".to_owned(), Values::Text(rows.iter().map(|row| Cow::Owned(row.2.to_string())).collect())),
        ("lines".to_owned(), Values::Whole(rows.iter().map(|row| row.3.lines).collect())),
        ("amount".to_owned(), Values::Money(rows.iter().map(|row| (row.3.amount, row.2)).collect())),
        ("exact".to_owned(), Values::Exact(rows.iter().map(|row| row.3.exact).collect(), EXACT_SCALE)),
        (
            "residual".to_owned(),
            Values::Exact(rows.iter().map(|row| row.3.exact - exact_of_rounded(row)).collect(), EXACT_SCALE),
        ),
    ];
    ResultTable { name: "totals", rows: rows.len(), columns }
}

/// A fixed-point number; `least` decimals are always written.
fn decimal(text: &mut String, value: i128, scale: u32, least: u32) -> fmt::Result {
    let power = 10_u128.pow(scale);
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (value.unsigned_abs() / power, value.unsigned_abs() % power);
    write!(text, "{sign}{whole}")?;
    if rest != 0 || 0 < least {
        write!(text, ".{rest:0width$}", width = scale as usize)?;
        let end = text.len() - (scale - least) as usize;
        let kept = text[end..].trim_end_matches('0').len();
        text.truncate(end + kept);
        if text.ends_with('.') {
            text.pop();
        }
    }
    Ok(())
}

impl ResultTable<'_> {
    fn cell<'t>(values: &'t Values<'_>, row: usize, text: &'t mut String) -> Result<&'t str, fmt::Error> {
        text.clear();
        match values {
            Values::Text(texts) => return Ok(&texts[row]),
            Values::Number(numbers, scale) => decimal(text, i128::from(numbers[row]), *scale, 0)?,
            Values::Quotient(numbers, _) if numbers[row] == MISSING => {}
            Values::Quotient(numbers, scale) => decimal(text, numbers[row], *scale, 0)?,
            Values::Money(amounts) => {
                let (minor, currency) = amounts[row];
                decimal(text, i128::from(minor), currency.minor_digits(), currency.minor_digits())?;
            }
            Values::Exact(numbers, scale) => decimal(text, numbers[row], *scale, 0)?,
            Values::Whole(numbers) => write!(text, "{}", numbers[row])?,
            Values::Truth(truths) => text.push_str(if truths[row] { "true" } else { "false" }),
        }
        Ok(text)
    }

    fn failed(&self, reason: impl ToString) -> EngineError {
        EngineError::File { file: self.name, reason: reason.to_string() }
    }

    /// The table as CSV: a header line, `.` as decimal point, numbers without needless zeros, money with all decimals of its
    /// currency.
    pub fn to_csv(&self) -> Result<Vec<u8>, EngineError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let names = self.columns.iter().map(|(name, _)| name);
        writer.write_record(names).map_err(|error| self.failed(error))?;
        let mut text = String::new();
        for row in 0..self.rows {
            for (_, values) in &self.columns {
                let cell = Self::cell(values, row, &mut text).map_err(|error| self.failed(error))?;
                writer.write_field(cell).map_err(|error| self.failed(error))?;
            }
            writer.write_record(None::<&[u8]>).map_err(|error| self.failed(error))?;
        }
        writer.into_inner().map_err(|error| self.failed(error))
    }

    /// The table as Parquet: money with four decimals whatever the currency.
    pub fn to_parquet(&self) -> Result<Vec<u8>, EngineError> {
        let too_large = || self.failed("an amount is too large");
        let fourth = |(minor, currency): &(i64, Currency)| {
            minor.checked_mul(10_i64.pow(AMOUNT_SCALE - currency.minor_digits())).ok_or_else(too_large)
        };
        let money: Vec<Vec<i64>> = self
            .columns
            .iter()
            .filter_map(|(_, values)| if let Values::Money(amounts) = values { Some(amounts) } else { None })
            .map(|amounts| amounts.iter().map(fourth).collect::<Result<_, _>>())
            .collect::<Result<_, _>>()?;
        let mut money = money.iter();
        let mut columns = Vec::new();
        for (name, values) in &self.columns {
            let cells = match values {
                Values::Text(texts) if matches!(name.as_str(), "person") => {
                    Cells::Text(texts.iter().map(|text| &**text).collect())
                }
                Values::Text(texts) => Cells::Word(texts.iter().map(|text| &**text).collect()),
                Values::Number(numbers, scale) => Cells::decimals(numbers.as_ref(), *scale),
                Values::Quotient(numbers, scale) => Cells::Quotient(numbers, *scale),
                Values::Money(_) => {
                    Cells::decimals(money.next().map_or(&[][..], Vec::as_slice), AMOUNT_SCALE)
                }
                Values::Exact(numbers, scale) => Cells::Wide(numbers.clone(), *scale),
                Values::Whole(numbers) => Cells::ints(numbers),
                Values::Truth(truths) => Cells::Bool(truths),
            };
            columns.push(Column::new(name.clone(), cells));
        }
        write_table(self.name, self.rows, &columns, &[("ceiba.table", self.name.to_owned())])
    }

    /// The table in a format.
    pub fn to_bytes(&self, format: Format) -> Result<Vec<u8>, EngineError> {
        match format {
            Format::Csv => self.to_csv(),
            Format::Parquet => self.to_parquet(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_decimals_they_need() {
        let cases = [
            (30_000_000, 4, 0, "3000"),
            (1_500, 4, 0, "0.15"),
            (-5, 4, 0, "-0.0005"),
            (14_760_000, 2, 2, "147600.00"),
            (-50, 2, 2, "-0.50"),
            (7, 0, 0, "7"),
            (0, 2, 2, "0.00"),
        ];
        for (value, scale, least, expected) in cases {
            let mut text = String::new();
            decimal(&mut text, value, scale, least).unwrap();
            assert_eq!(text, expected);
        }
    }
}
