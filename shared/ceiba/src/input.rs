//! Files of facts and plans, and where in them mistakes stand.

use std::{
    cmp::Ordering,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use engine::{ExchangeRates, OrderFact, PersonFact, UnreadableFacts, read_orders, read_people};
use jiff::tz::TimeZone;
use plan::Plan;
use simulation::{
    CycleFacts, Occurrence, Place, Progress, RecordLines, Simulated, SimulationError, cycles_of, in_facts,
    in_plan, root_above, span_named,
};

use crate::{
    args::FactFiles,
    failure::{Cause, Failure},
};

/// A plan document as it was given, and checked.
pub(crate) struct PlanFile {
    pub(crate) json: String,
    pub(crate) plan: Plan,
}

/// Reads and checks a plan.
pub(crate) fn read_plan(path: &Path) -> Result<PlanFile, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::file(path, &error))?;
    let json = String::from_utf8(bytes).map_err(|error| {
        Failure::new(Cause::Plan, format!("{}: the plan is not UTF-8: {error}", path.display()))
    })?;
    match Plan::parse(&json) {
        Ok(plan) => Ok(PlanFile { json, plan }),
        Err(mistakes) => {
            let line = |mistake: plan::PlanError| {
                let place = mistake.line.zip(mistake.column);
                // A document that is no JSON says itself where.
                let (line, column) = match place {
                    Some(place) if mistake.pointer.is_empty() => place,
                    _ => in_plan(&json, &mistake.pointer, place),
                };
                format!("{}:{line}:{column}: {mistake}", path.display())
            };
            Err(Failure { cause: Cause::Plan, lines: mistakes.into_iter().map(line).collect() })
        }
    }
}

/// A file of facts.
pub(crate) struct FactFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl FactFile {
    fn read(path: PathBuf) -> Result<Self, Failure> {
        let bytes = fs::read(&path).map_err(|error| Failure::file(&path, &error))?;
        Ok(Self { path, bytes })
    }

    /// The ending its copy gets.
    pub(crate) fn extension(&self) -> &'static str {
        if self.bytes.starts_with(b"PAR1") { "parquet" } else { "csv" }
    }
}

/// The files of a cycle.
pub(crate) struct CycleFiles {
    /// The name of its folder, or what it was asked for as.
    pub(crate) name: Option<String>,
    pub(crate) people: FactFile,
    pub(crate) orders: FactFile,
}

/// Facts of all cycles, the one asked for last, with the files they come from.
pub(crate) struct Facts {
    pub(crate) files: Vec<CycleFiles>,
    pub(crate) cycles: Vec<CycleFacts>,
    /// The id of the company root of the last cycle, where there is one.
    pub(crate) company_root: Option<String>,
}

/// Reports progress on the standard error.
pub(crate) struct Reporter {
    quiet: bool,
    start: Instant,
}

impl Reporter {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, start: Instant::now() }
    }

    pub(crate) fn say(&self, what: &str) {
        if !self.quiet {
            let seconds = self.start.elapsed();
            eprintln!("{:>4}.{:03} s  {what}", seconds.as_secs(), seconds.subsec_millis());
        }
    }

    /// A reporter of the steps of a simulation.
    pub(crate) fn steps(&self) -> impl FnMut(Progress<'_>) + '_ {
        |progress| self.say(&format!("cycle {}: {}", progress.cycle.id, progress.step.name()))
    }
}

/// Names in the order people number things: `9` before `10`.
fn by_number(one: &str, other: &str) -> Ordering {
    let parts = |text: &str| -> Vec<(String, u128)> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let words = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
            let (word, after) = rest.split_at(words);
            let digits = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
            let (number, after) = after.split_at(digits);
            parts.push((word.to_owned(), number.parse().unwrap_or(0)));
            rest = after;
        }
        parts
    };
    parts(one).cmp(&parts(other)).then_with(|| one.cmp(other))
}

/// `people` or `orders` of a folder, as Parquet or CSV.
fn of_folder(folder: &Path, stem: &str) -> Result<FactFile, Failure> {
    let found: Vec<PathBuf> = ["csv", "parquet"]
        .iter()
        .map(|extension| folder.join(format!("{stem}.{extension}")))
        .filter(|path| path.is_file())
        .collect();
    match found.as_slice() {
        [path] => FactFile::read(path.clone()),
        [] => Err(Failure::file(folder, &format!("found neither {stem}.csv nor {stem}.parquet"))),
        _ => Err(Failure::file(folder, &format!("found both {stem}.csv and {stem}.parquet, expected one"))),
    }
}

fn earlier(history: &Path) -> Result<Vec<CycleFiles>, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(history).map_err(|error| Failure::file(history, &error))? {
        let entry = entry.map_err(|error| Failure::file(history, &error))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_by(|one, other| by_number(one, other));
    let files = |name: String| {
        let folder = history.join(&name);
        Ok(CycleFiles {
            people: of_folder(&folder, "people")?,
            orders: of_folder(&folder, "orders")?,
            name: Some(name),
        })
    };
    names.into_iter().map(files).collect()
}

/// The rows of a cycle's two files, read side by side where there are two threads.
fn rows(
    files: &CycleFiles,
    zone: &TimeZone,
    threads: usize,
) -> Result<(Vec<PersonFact>, Vec<OrderFact>), Failure> {
    let people = || read_people(&files.people.path.display().to_string(), &files.people.bytes);
    let orders = || read_orders(&files.orders.path.display().to_string(), &files.orders.bytes, zone);
    let (people, orders) = if threads < 2 {
        (people(), orders())
    } else {
        std::thread::scope(|scope| {
            let beside = scope.spawn(people);
            let orders = orders();
            (beside.join().unwrap_or_else(|_| Err(UnreadableFacts(Vec::new()))), orders)
        })
    };
    match (people, orders) {
        (Ok(people), Ok(orders)) => Ok((people, orders)),
        (people, orders) => {
            let mistakes =
                people.err().into_iter().chain(orders.err()).flat_map(|UnreadableFacts(mistakes)| mistakes);
            Err(Failure { cause: Cause::Facts, lines: mistakes.map(|mistake| mistake.to_string()).collect() })
        }
    }
}

/// Reads the facts of all cycles and finds out their days.
pub(crate) fn read_facts(args: &FactFiles, plan: &Plan, reporter: &Reporter) -> Result<Facts, Failure> {
    if let Some(name) = args.cycle.as_ref().filter(|name| span_named(name).is_none()) {
        let expected = "a year (2026), month (2026-10), week (2026-W41), day (2026-10-05) or days (2026-10-01_2026-10-15)";
        return Err(Failure::new(Cause::Usage, format!("--cycle: found {name:?}, expected {expected}")));
    }
    let zone = TimeZone::get(&plan.document().time_zone)
        .map_err(|error| Failure::new(Cause::Plan, format!("/time_zone: {error}")))?;
    let mut files = args.history.as_deref().map(earlier).transpose()?.unwrap_or_default();
    files.push(CycleFiles {
        name: args.cycle.clone(),
        people: FactFile::read(args.people.clone())?,
        orders: FactFile::read(args.orders.clone())?,
    });
    engine::use_threads(args.threads());
    let mut read = Vec::new();
    let mut wrong: Vec<String> = Vec::new();
    for files in &files {
        match rows(files, &zone, args.threads()) {
            Ok(facts) => read.push(facts),
            Err(mistakes) => wrong.extend(mistakes.lines),
        }
    }
    if !wrong.is_empty() {
        return Err(Failure { cause: Cause::Facts, lines: wrong });
    }
    let known: Vec<Occurrence> = files
        .iter()
        .zip(&read)
        .map(|(files, (people, orders))| {
            let moments = || orders.iter().map(|order| order.paid_at);
            Occurrence {
                name: files.name.clone(),
                orders: moments().min().zip(moments().max()),
                joined: people.iter().filter_map(|person| person.joined_on).max(),
            }
        })
        .collect();
    let days = cycles_of(&known, &zone).map_err(|error| Failure::new(Cause::Facts, error.to_string()))?;
    let mut company_root = None;
    let mut cycles = Vec::new();
    for (cycle, (mut people, orders)) in days.into_iter().zip(read) {
        reporter.say(&format!("cycle {}: {} people, {} orders", cycle.id, people.len(), orders.len()));
        let root = if args.allow_forest { root_above(&mut people) } else { None };
        if let Some(root) = &root {
            reporter.say(&format!(
                "cycle {}: {} hangs above {} people without a parent",
                cycle.id, root.id, root.tops
            ));
        }
        company_root = root.map(|root| root.id.to_string());
        cycles.push(CycleFacts { cycle, people, orders, process: args.process.clone() });
    }
    Ok(Facts { files, cycles, company_root })
}

/// Computes the cycles; what cannot be computed is told by file, line and column.
pub(crate) fn simulate(facts: &Facts, plan: &Plan, reporter: &Reporter) -> Result<Vec<Simulated>, Failure> {
    let rates = ExchangeRates::of_plan(plan);
    simulation::simulate(plan, &facts.cycles, &rates, &mut reporter.steps())
        .map_err(|error| located(&error, facts))
}

fn located(error: &SimulationError, facts: &Facts) -> Failure {
    let cause = match error.source {
        engine::EngineError::Network(_) => Cause::Network,
        engine::EngineError::UnknownRanks(_) => Cause::Facts,
        _ => Cause::Computation,
    };
    let (Some(files), Some(cycle)) = (facts.files.get(error.place), facts.cycles.get(error.place)) else {
        return Failure::new(Cause::Internal, error.to_string());
    };
    let (people, orders) = (RecordLines::of(&files.people.bytes), RecordLines::of(&files.orders.bytes));
    let told = |(place, text): (Place, String)| match place {
        Place::Person(at, column) => {
            format!("{}:{}, column {column}: {text}", files.people.path.display(), people.line(at))
        }
        Place::Order(at, column) => {
            format!("{}:{}, column {column}: {text}", files.orders.path.display(), orders.line(at))
        }
        Place::People => format!("{}: {text}", files.people.path.display()),
    };
    let places = in_facts(&error.source, &cycle.people, &cycle.orders);
    if places.is_empty() {
        return Failure::new(cause, error.to_string());
    }
    Failure { cause, lines: places.into_iter().map(told).collect() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn folders_are_taken_in_the_order_of_their_numbers() {
        let mut names = ["c10", "c9", "2026-10", "2026-09", "c1"];
        names.sort_by(|one, other| super::by_number(one, other));
        assert_eq!(names, ["2026-09", "2026-10", "c1", "c9", "c10"]);
    }
}
