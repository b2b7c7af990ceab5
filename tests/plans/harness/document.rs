//! Reads a document: plans, and tables of people, orders and expected results.

use std::collections::BTreeMap;

use serde_json::Value;

/// A document.
pub(crate) struct Document {
    pub(crate) scenarios: Vec<Scenario>,
    /// Whether it is known not to hold yet.
    pub(crate) pending: bool,
}

/// A plan with facts and expected results.
#[derive(Clone, Default)]
pub(crate) struct Scenario {
    pub(crate) title: String,
    /// The line of its title.
    pub(crate) line: usize,
    pub(crate) plan: Value,
    /// Tables by what their first column is called: `people`, `orders 2026-09`, `payouts`.
    pub(crate) tables: BTreeMap<String, Table>,
}

/// A table.
#[derive(Clone, Default)]
pub(crate) struct Table {
    /// Names of the columns; the first is what the table is called.
    pub(crate) columns: Vec<String>,
    /// Lines and cells of the rows.
    pub(crate) rows: Vec<(usize, Vec<String>)>,
}

/// What a document says outside of its titles: a fragment of a plan, or a table.
#[derive(Default)]
struct Shared {
    plan: Value,
    tables: BTreeMap<String, Table>,
}

/// Puts a fragment over a document: objects member by member, everything else as a whole.
fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                merge(under.entry(name).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

fn cells(line: &str) -> Vec<String> {
    line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// Reads a document; plans are put over `base` unless they are whole.
pub(crate) fn parse(name: &str, text: &str, base: &Value) -> Result<Document, String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut shared = Shared { plan: base.clone(), ..Shared::default() };
    let mut document = Document { scenarios: Vec::new(), pending: false };
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if let Some(title) = line.strip_prefix("## ") {
            let (plan, tables) = (shared.plan.clone(), shared.tables.clone());
            document.scenarios.push(Scenario { title: title.to_owned(), line: at + 1, plan, tables });
        } else if line.starts_with("Not yet:") {
            document.pending = true;
        } else if line.starts_with("```json") {
            let start = at;
            while lines.get(at + 1).is_some_and(|line| *line != "```") {
                at += 1;
            }
            let fragment: Value =
                serde_json::from_str(&lines[start + 1..=at].join("\n")).map_err(|error| {
                    format!("{name}:{}: column {}: {error}", start + 1 + error.line(), error.column())
                })?;
            let plan = document.scenarios.last_mut().map_or(&mut shared.plan, |scenario| &mut scenario.plan);
            if fragment.get("format").is_some() {
                *plan = fragment;
            } else {
                merge(plan, &fragment);
            }
            at += 1;
        } else if line.starts_with('|') {
            let columns = cells(line);
            let mut table = Table { columns: columns.clone(), rows: Vec::new() };
            at += 1;
            while let Some(row) = lines.get(at + 1).filter(|row| row.starts_with('|')) {
                at += 1;
                let row = cells(row);
                if row.len() != columns.len() {
                    return Err(format!(
                        "{name}:{}: {} cells, expected {}",
                        at + 1,
                        row.len(),
                        columns.len()
                    ));
                }
                table.rows.push((at + 1, row));
            }
            let tables =
                document.scenarios.last_mut().map_or(&mut shared.tables, |scenario| &mut scenario.tables);
            tables.insert(columns[0].clone(), table);
        }
        at += 1;
    }
    Ok(document)
}

impl Table {
    /// The cells of a row by column.
    pub(crate) fn named<'a>(&'a self, row: &'a [String]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.columns.iter().map(String::as_str).zip(row.iter().map(String::as_str))
    }
}
