//! The files of a run: result tables for people, and what is needed to explain it.

use bytes::Bytes;
use engine::{EngineError, Indicators, Payouts, Ranked, Snapshot, StoredRun, codec};
use plan::{Plan, PlanError};

use crate::{
    run::Simulated,
    tables::{Format, ResultTable, result_tables},
};

/// A file of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFile {
    /// Its name in the folder of the run.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Names of the files a run is explained from, in the folder of the run.
#[derive(Clone, Copy, Debug)]
pub struct StoredFiles {
    /// The plan document.
    pub plan: &'static str,
    /// People of the snapshot.
    pub people: &'static str,
    /// Orders of the snapshot.
    pub orders: &'static str,
    /// Indicators.
    pub indicators: &'static str,
    /// Ranks.
    pub ranks: &'static str,
    /// Payout lines.
    pub payouts: &'static str,
}

impl StoredFiles {
    /// The names for a run whose tables were written in `format`. Parquet tables of indicators and payouts are what a run is
    /// explained from; beside CSV tables they are stored once more.
    pub fn of(format: Format) -> Self {
        let tables = format == Format::Parquet;
        Self {
            plan: "stored/plan.json",
            people: "stored/people.parquet",
            orders: "stored/orders.parquet",
            indicators: if tables { "indicators.parquet" } else { "stored/indicators.parquet" },
            ranks: "stored/ranks.parquet",
            payouts: if tables { "payouts.parquet" } else { "stored/payouts.parquet" },
        }
    }
}

/// Makes files.
type Job<'a> = Box<dyn Fn() -> Result<Vec<OutputFile>, EngineError> + Sync + 'a>;

/// All files of a run but the manifest, written on up to `threads` threads. `plan_json` is the document as it was given.
pub fn outputs(
    run: &Simulated,
    plan: &Plan,
    plan_json: &str,
    format: Format,
    threads: usize,
) -> Result<Vec<OutputFile>, EngineError> {
    let names = StoredFiles::of(format);
    let tables = result_tables(run, plan);
    let snapshot = &run.snapshot;
    let file = |name: &str, bytes: Vec<u8>| OutputFile { name: name.to_owned(), bytes };
    let one = |name: &'static str, bytes| Ok(vec![file(name, bytes)]);
    let mut jobs: Vec<Job<'_>> = vec![
        Box::new(|| one(names.payouts, codec::encode_payouts(&run.payouts, snapshot)?)),
        Box::new(|| one(names.indicators, codec::encode_indicators(&run.indicators, snapshot)?)),
        Box::new(|| {
            let stored = codec::encode_snapshot(snapshot)?;
            Ok(vec![file(names.people, stored.people), file(names.orders, stored.orders)])
        }),
        Box::new(|| one(names.ranks, codec::encode_ranks(&run.ranks, snapshot)?)),
        Box::new(|| one(names.plan, plan_json.as_bytes().to_vec())),
    ];
    let own =
        |table: &&ResultTable<'_>| format == Format::Csv || !matches!(table.name, "indicators" | "payouts");
    for table in tables.iter().filter(own) {
        jobs.push(Box::new(move || {
            let name = format!("{}.{}", table.name, format.extension());
            Ok(vec![OutputFile { name, bytes: table.to_bytes(format)? }])
        }));
    }
    let mut files = Vec::new();
    for made in in_turns(&jobs, threads) {
        files.extend(made?);
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// The results of `jobs` in their order, computed on up to `threads` threads.
fn in_turns<T: Send>(jobs: &[impl Fn() -> T + Sync], threads: usize) -> Vec<T> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(job) = jobs.get(number) else { return made };
            made.push((number, job()));
        }
    };
    let mut made = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(jobs.len())).map(|_| scope.spawn(work)).collect();
        let mut made = work();
        made.extend(others.into_iter().flat_map(|other| other.join().unwrap_or_default()));
        made
    });
    made.sort_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, result)| result).collect()
}

/// A run read back, to be explained.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The plan.
    pub plan: Plan,
    /// What it was computed from.
    pub snapshot: Snapshot,
    /// All indicators.
    pub indicators: Indicators,
    /// Ranks.
    pub ranked: Ranked,
    /// What was paid.
    pub payouts: Payouts,
}

/// A stored run that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file is not there, or cannot be read.
    #[error("{file}: {reason}")]
    File {
        /// Its name.
        file: String,
        /// Why.
        reason: String,
    },
    /// The stored plan has mistakes.
    #[error("the stored plan has mistakes; the first: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Plan(Vec<PlanError>),
    /// A file holds something else.
    #[error(transparent)]
    Content(#[from] EngineError),
}

impl Stored {
    /// Reads a run whose tables were written in `format`; `read` gives the bytes of a file by its name.
    pub fn read(
        format: Format,
        read: &dyn Fn(&str) -> Result<Vec<u8>, StoreError>,
    ) -> Result<Self, StoreError> {
        let names = StoredFiles::of(format);
        let bytes = |name: &str| read(name).map(Bytes::from);
        let json = read(names.plan)?;
        let plan = Plan::parse(&String::from_utf8_lossy(&json)).map_err(StoreError::Plan)?;
        let snapshot = codec::decode_snapshot(bytes(names.people)?, bytes(names.orders)?)?;
        let indicators = codec::decode_indicators(bytes(names.indicators)?)?;
        let ranks = codec::decode_ranks(bytes(names.ranks)?)?;
        let payouts = codec::decode_payouts(bytes(names.payouts)?)?;
        let after = Indicators { active: indicators.active.clone(), columns: Vec::new() };
        Ok(Self { plan, snapshot, indicators, ranked: Ranked { ranks, indicators: after }, payouts })
    }

    /// The run as the engine explains it.
    pub fn run(&self) -> StoredRun<'_> {
        StoredRun {
            plan: &self.plan,
            snapshot: &self.snapshot,
            indicators: &self.indicators,
            ranked: &self.ranked,
            payouts: Some(&self.payouts),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn threads_change_nothing() {
        let jobs: Vec<_> = (0..20).map(|number| move || number * number).collect();
        let expected: Vec<i32> = (0..20).map(|number| number * number).collect();
        for threads in [0, 1, 2, 50] {
            assert_eq!(super::in_turns(&jobs, threads), expected);
        }
    }
}
