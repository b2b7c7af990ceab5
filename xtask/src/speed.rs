//! The engine's speed next to its peers: one table, whose ratios come from one interleaved run.
#![allow(clippy::float_arithmetic, reason = "seconds and ratios, no money")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{Bench, run, workspace::Workspace};

/// Sizes at which all results have to be equal.
const EQUAL_AT: [u32; 2] = [10_000, 100_000];
/// What the scripts of the peers need.
const PYTHON_PACKAGES: [&str; 4] = ["numpy", "pyarrow", "duckdb", "psycopg[binary]"];
/// Rounds of an interleaved run; the median counts.
const ROUNDS: usize = 9;
const ROUNDS_QUICK: usize = 7;
/// How many times as long as the engine the others have to take.
const TIMES_OURS: [(&str, f64); 3] = [("numpy", 5.0), ("DuckDB", 40.0), ("PostgreSQL", 50.0)];
/// What a statement may take in PostgreSQL, in seconds.
const POSTGRES_MOST: &str = "300";
const CEL_PEOPLE: u32 = 20_000;

/// The programs, built.
struct Programs {
    bench: PathBuf,
    prototype: PathBuf,
    cel: Option<PathBuf>,
    numpy: Option<PathBuf>,
    duckdb: Option<PathBuf>,
    postgres: Option<(PathBuf, Postgres)>,
    scripts: PathBuf,
    data: PathBuf,
}

/// A line of JSON of one process.
type Measured = BTreeMap<String, Value>;

/// `cargo xtask bench`: builds, checks that all give the same results, measures, prints.
pub(crate) fn compare(workspace: &Workspace, options: &Bench) -> Result<()> {
    let programs = prepare(workspace, options.quick)?;
    equal(&programs, options.quick)?;
    let people = options.people;
    let data = programs.data_of(people)?;
    let rounds = if options.quick { ROUNDS_QUICK } else { ROUNDS };
    let mut runs: BTreeMap<&str, Vec<Measured>> = BTreeMap::new();
    for round in 0..rounds {
        run::progress(&format!("round {} of {rounds} at {people} people", round + 1));
        for (name, program, arguments) in [
            ("prototype 1", &programs.prototype, vec!["run", &data, "1"]),
            ("ceiba 1", &programs.bench, vec!["w", &data, "1"]),
            ("ceiba 2", &programs.bench, vec!["w", &data, "2"]),
            ("prototype 2", &programs.prototype, vec!["run", &data, "2"]),
            ("ceiba 1 lines", &programs.bench, vec!["w", &data, "1", "--per-source"]),
            ("floor", &programs.bench, vec!["floor", &people.to_string()]),
        ] {
            runs.entry(name).or_default().push(measured(Command::new(program).args(arguments))?);
        }
        if let Some(python) = programs.numpy.as_ref().filter(|_| round == 0 || !options.quick) {
            let line = measured(Command::new(python).arg(programs.scripts.join("np_w.py")).arg(&data));
            runs.entry("numpy").or_default().extend(noted("numpy", line));
        }
        // They take so much longer that once is enough, and last, so that what a server still does disturbs nobody.
        if let Some(python) = programs.duckdb.as_ref().filter(|_| round + 1 == rounds) {
            let script = programs.scripts.join("duck_w.py");
            let line = measured(Command::new(python).arg(script).args([&data, "1"]));
            runs.entry("DuckDB").or_default().extend(noted("DuckDB", line));
        }
        if let Some((python, postgres)) = programs.postgres.as_ref().filter(|_| round + 1 == rounds) {
            let mut command = postgres.command(python, &programs.scripts.join("pg_w.py"));
            let line = measured(command.args([&data, POSTGRES_MOST]));
            runs.entry("PostgreSQL").or_default().extend(noted("PostgreSQL", line));
        }
    }
    report_workload(&runs, people);
    rules(&programs, people.min(1_000_000))?;
    whole_plan(&programs, people)
}

fn prepare(workspace: &Workspace, quick: bool) -> Result<Programs> {
    let peers = workspace.cache()?.join("peers");
    fs::create_dir_all(&peers)?;
    let built = |manifest: Option<&str>, package: &str, log: &str| {
        let mut cargo = workspace.command("cargo");
        cargo.args(["build", "--release", "--locked"]);
        match manifest {
            Some(manifest) => {
                cargo.args(["--manifest-path", manifest]).arg("--target-dir").arg(peers.join("target"));
            }
            None => {
                cargo.args(["--package", package]);
            }
        }
        run::logged(&format!("cargo build of {package}"), &mut cargo, &peers.join(log))
    };
    built(None, "bench", "bench.log")?;
    built(Some("tests/peers/prototype/Cargo.toml"), "the prototype", "prototype.log")?;
    let cel =
        noted("cel-interpreter", built(Some("tests/peers/cel/Cargo.toml"), "cel-interpreter", "cel.log"));
    let own = workspace.target();
    let of_peers = peers.join("target/release");
    let data = peers.join("data");
    let pythons = pythons(workspace, &peers, quick);
    let with = |package: &str| pythons.iter().find(|python| imports(python, package)).cloned();
    let missing = |peer: &str, package: &str| {
        let found = with(package);
        if found.is_none() {
            run::progress(&format!(
                "LEFT OUT: {peer} (no Python here has {package}; a full run installs it)"
            ));
        }
        found
    };
    let postgres = missing("PostgreSQL", "psycopg")
        .and_then(|python| Some((python, noted("PostgreSQL", Postgres::start(&peers))?)));
    Ok(Programs {
        bench: own.join("release/bench"),
        prototype: of_peers.join("engine"),
        cel: cel.map(|()| of_peers.join("cel-peer")),
        numpy: missing("numpy", "numpy, pyarrow"),
        duckdb: missing("DuckDB", "duckdb"),
        postgres,
        scripts: workspace.path("tests/peers"),
        data,
    })
}

/// The Pythons that may have what the scripts need. The quick run takes those it finds and installs nothing.
fn pythons(workspace: &Workspace, peers: &Path, quick: bool) -> Vec<PathBuf> {
    let own = peers.join("venv/bin/python");
    let pythons = vec![own.clone(), PathBuf::from("python3")];
    let all = "numpy, pyarrow, duckdb, psycopg";
    if quick || pythons.iter().any(|python| imports(python, all)) {
        return pythons;
    }
    let mut venv = workspace.command("python3");
    let made = run::output("python -m venv", venv.args(["-m", "venv"]).arg(peers.join("venv")));
    let mut pip = workspace.command(&own);
    pip.args(["-m", "pip", "install", "--quiet"]).args(PYTHON_PACKAGES);
    noted("packages of peers", made.and_then(|_| run::output("pip install", &mut pip)));
    pythons
}

/// Whether a Python has these packages.
fn imports(python: &Path, packages: &str) -> bool {
    let mut command = Command::new(python);
    run::output("python", command.args(["-c", &format!("import {packages}")])).is_ok()
}

/// The value, or a line that says what is left out and why.
fn noted<T>(what: &str, result: Result<T>) -> Option<T> {
    result.inspect_err(|error| run::progress(&format!("LEFT OUT: {what} ({error:#})"))).ok()
}

impl Programs {
    /// The folder of a network of so many people, made if it is not there.
    fn data_of(&self, people: u32) -> Result<String> {
        let folder = self.data.join(people.to_string());
        if !folder.join(".complete").exists() {
            fs::create_dir_all(&folder)?;
            let mut make = Command::new(&self.prototype);
            run::output("making the data", make.args(["gen", &people.to_string()]).arg(&folder))?;
            fs::write(folder.join(".complete"), "")?;
        }
        Ok(folder.to_string_lossy().into_owned())
    }
}

fn measured(command: &mut Command) -> Result<Measured> {
    let text = run::output("a measured program", command)?;
    let line = text.lines().last().unwrap_or_default();
    let measured: Measured =
        serde_json::from_str(line).with_context(|| format!("a measured program printed {line:?}"))?;
    match measured.get("err").filter(|error| !error.is_null()) {
        Some(error) => bail!("it did not end: {error}"),
        None => Ok(measured),
    }
}

fn number(measured: &Measured, name: &str) -> f64 {
    measured.get(name).and_then(Value::as_f64).unwrap_or(0.0)
}

fn median(runs: &[Measured], name: &str) -> f64 {
    let mut numbers: Vec<f64> = runs.iter().map(|run| number(run, name)).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}

/// All columns of all programs, byte by byte.
fn equal(programs: &Programs, quick: bool) -> Result<()> {
    for people in EQUAL_AT {
        let data = programs.data_of(people)?;
        let mut results: Vec<(&str, PathBuf)> = Vec::new();
        let mut add = |name: &'static str, command: &mut Command| -> Result<()> {
            let file = Path::new(&data).join(format!("{name}.columns"));
            measured(command.arg(&file)).with_context(|| format!("{name} at {people} people"))?;
            results.push((name, file));
            Ok(())
        };
        add("prototype", Command::new(&programs.prototype).args(["run", &data, "1"]))?;
        add("ceiba1", Command::new(&programs.bench).args(["w", &data, "1"]))?;
        add("ceiba2", Command::new(&programs.bench).args(["w", &data, "2"]))?;
        add("ceiba1 lines", Command::new(&programs.bench).args(["w", &data, "1", "--per-source"]))?;
        let script = |name: &str| programs.scripts.join(name);
        if let Some(python) = &programs.numpy {
            noted("numpy", add("numpy", Command::new(python).arg(script("np_w.py")).arg(&data)));
        }
        let slow_too = !quick || people == EQUAL_AT[0];
        if let Some(python) = programs.duckdb.as_ref().filter(|_| slow_too) {
            let mut duck = Command::new(python);
            noted("DuckDB", add("duckdb", duck.arg(script("duck_w.py")).args([&data, "1"])));
        }
        if let Some((python, postgres)) = programs.postgres.as_ref().filter(|_| slow_too) {
            let mut command = postgres.command(python, &script("pg_w.py"));
            noted("PostgreSQL", add("postgresql", command.args([&data, POSTGRES_MOST])));
        }
        let expected = fs::read(&results[0].1)?;
        for (name, file) in &results {
            if fs::read(file)? != expected {
                bail!("{name} and the prototype differ at {people} people: {}", file.display());
            }
            fs::remove_file(file)?;
        }
        let names: Vec<_> = results.iter().map(|(name, _)| *name).collect();
        run::result(&format!("{people} people: all columns equal in {}", names.join(", ")));
    }
    Ok(())
}

fn report_workload(runs: &BTreeMap<&str, Vec<Measured>>, people: u32) {
    run::result(&format!("\nworkload W, {people} people, medians of one interleaved run"));
    let head = ["", "compute CPU s", "compute wall s", "of prototype", "load CPU s", "peak MB"];
    row(&head.map(str::to_owned));
    let of = |name: &str| runs.get(name).map_or(&[][..], Vec::as_slice);
    let base = median(of("prototype 1"), "cpu_compute");
    for name in
        ["prototype 1", "prototype 2", "ceiba 1", "ceiba 2", "ceiba 1 lines", "numpy", "DuckDB", "PostgreSQL"]
    {
        let some = of(name);
        if some.is_empty() {
            continue;
        }
        row(&[
            name.to_owned(),
            format!("{:.3}", median(some, "cpu_compute")),
            format!("{:.3}", median(some, "compute")),
            format!("{:.2}", median(some, "cpu_compute") / base),
            format!("{:.3}", median(some, "cpu_load")),
            format!("{:.0}", median(some, "peak_mb")),
        ]);
    }
    let ours = median(of("ceiba 1"), "cpu_compute");
    for (name, goal) in TIMES_OURS {
        if !of(name).is_empty() {
            let times = median(of(name), "cpu_compute") / ours;
            run::result(&format!("{name} takes {times:.1} times as long as ceiba 1 (goal {goal})"));
        }
    }
    let (one, two) = (median(of("ceiba 1"), "compute"), median(of("ceiba 2"), "compute"));
    run::result(&format!("two threads take {:.2} of one thread's wall time (goal 0.75)", two / one));
    for phase in ["integrate", "indicators", "ranks", "bonuses"] {
        let seconds = median(of("ceiba 1"), &format!("cpu_{phase}"));
        run::result(&format!("  of ceiba 1: {phase:<12}{seconds:>7.3} s"));
    }
    let floor = median(of("floor"), "cpu_compute");
    run::result(&format!(
        "memory floor {floor:.3} s: reading the input and writing fresh output; ceiba 1 takes {:.1} times that",
        ours / floor
    ));
}

fn rules(programs: &Programs, people: u32) -> Result<()> {
    let ours = measured(Command::new(&programs.bench).args(["rules", &people.to_string()]))?;
    let rate = number(&ours, "people_per_second");
    run::result(&format!(
        "\n18 rules of 5 comparisons, one thread\nceiba            {:>8.2} million people/s",
        rate / 1e6
    ));
    if let Some(cel) = &programs.cel {
        let line = measured(Command::new(cel).arg(CEL_PEOPLE.to_string()))?;
        let same = measured(Command::new(&programs.bench).args(["rules", &CEL_PEOPLE.to_string()]))?;
        if line.get("held") != same.get("held") {
            bail!("cel-interpreter and ceiba do not agree on who meets the rules");
        }
        let theirs = number(&line, "people_per_second");
        run::result(&format!(
            "cel-interpreter  {:>8.2} million people/s, ceiba is {:.0} times as fast",
            theirs / 1e6,
            rate / theirs
        ));
    }
    Ok(())
}

fn whole_plan(programs: &Programs, people: u32) -> Result<()> {
    run::result("\nwhole plan with all traces, Parquet in and out, two threads");
    row(&["people", "wall s", "CPU s", "peak MB", "lines", "indicators"].map(str::to_owned));
    let mut seconds = Vec::new();
    for people in [people / 10, people] {
        let data = programs.data_of(people)?;
        let line = measured(Command::new(&programs.bench).args(["full", &data, "2"]))?;
        seconds.push(number(&line, "cpu_compute"));
        row(&[
            people.to_string(),
            format!("{:.2}", number(&line, "compute")),
            format!("{:.2}", number(&line, "cpu_compute")),
            format!("{:.0}", number(&line, "peak_mb")),
            format!("{:.0}", number(&line, "lines")),
            format!("{:.0}", number(&line, "indicators")),
        ]);
        if let Some(Value::Object(parts)) = line.get("cpu_of") {
            for (part, seconds) in parts {
                run::result(&format!("  {part:<18}{:>7.3} s", seconds.as_f64().unwrap_or(0.0)));
            }
        }
    }
    run::result(&format!(
        "ten times the people take {:.1} times the time (goal 11)",
        seconds[1] / seconds[0]
    ));
    Ok(())
}

fn row(cells: &[String; 6]) {
    let [name, numbers @ ..] = cells;
    let numbers = numbers.each_ref().map(|number| format!("{number:>16}"));
    run::result(&format!("{name:<14}{}", numbers.concat()));
}

/// A server of the bench's own, without durability, ended when the bench ends.
struct Postgres {
    folder: PathBuf,
    process: u32,
}

impl Postgres {
    fn start(peers: &Path) -> Result<Self> {
        // The server refuses to run as root.
        let folder = std::env::temp_dir().join(format!("ceiba-bench-{}", std::process::id()));
        let script = format!(
            "set -e; bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1); PATH=$bin:$PATH; \
             initdb -D {0}/data -U postgres -A trust >/dev/null; \
             pg_ctl -D {0}/data -w -l {0}/log -o \"-k {0} -c listen_addresses='' -c shared_buffers=1GB -c fsync=off \
             -c autovacuum=off -c max_wal_size=8GB\" start >/dev/null; head -1 {0}/data/postmaster.pid",
            folder.display()
        );
        fs::create_dir_all(&folder)?;
        let owner = fs::metadata(peers)?;
        let is_root = std::os::unix::fs::MetadataExt::uid(&owner) == 0;
        let mut command = if is_root {
            run::output("chown", Command::new("chown").arg("postgres").arg(&folder))?;
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh", "-c", &script]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", &script]);
            command
        };
        let started = run::output("starting a server", command.stderr(Stdio::piped()));
        let process = started.and_then(|text| Ok(text.trim().parse()?));
        match process {
            Ok(process) => Ok(Self { folder, process }),
            Err(error) => {
                fs::remove_dir_all(&folder)?;
                Err(error)
            }
        }
    }

    fn command(&self, python: &Path, script: &Path) -> Command {
        let mut command = Command::new(python);
        let dsn = format!("host={} user=postgres dbname=postgres", self.folder.display());
        command.arg(script).env("PGDSN", dsn).env("PGMASTER", self.process.to_string());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Nothing in it is kept, so how it ends does not matter.
        let _ = Command::new("kill").args(["-QUIT", &self.process.to_string()]).status();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
