//! What the command can be asked.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{ArgGroup, Args as Arguments, Parser, Subcommand};
use foundation::locale::Locale;
use simulation::Format;

/// Runs commission plans over files of facts.
#[derive(Debug, Parser)]
#[command(name = "ceiba", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Computes a cycle and writes indicators, ranks, payouts, totals and a manifest.
    Simulate(Simulate),
    /// Says why a number of a simulated run is what it is.
    Explain(Explain),
    /// Checks the files of a run and computes it again with an evaluator written apart from the engine.
    Verify(Verify),
    /// Lists who misses one condition only for a rank or a bonus, nearest first.
    Nearly(Nearly),
    /// Computes a cycle with two plans and says who gains, who loses and what it costs.
    Compare(Compare),
    /// Looks for what a plan says and its author may not mean, each with a small network that shows it.
    Lint(Lint),
}

/// Where the facts are.
#[derive(Debug, Arguments)]
pub(crate) struct FactFiles {
    /// People: CSV or Parquet.
    #[arg(long, value_name = "FILE")]
    pub(crate) people: PathBuf,
    /// Orders and returns: CSV or Parquet.
    #[arg(long, value_name = "FILE")]
    pub(crate) orders: PathBuf,
    /// A folder with one folder per earlier cycle, each with `people` and `orders`; computed first, in the order of their names.
    #[arg(long, value_name = "DIR")]
    pub(crate) history: Option<PathBuf>,
    /// The days of the cycle: `2026`, `2026-10`, `2026-W41`, `2026-10-05` or `2026-10-01_2026-10-15`. Without it: the calendar
    /// months of the orders.
    #[arg(long, value_name = "NAME")]
    pub(crate) cycle: Option<String>,
    /// The process the cycles are computed in: bonuses that are paid in other processes only are left out. Without it: all are paid.
    #[arg(long, value_name = "NAME")]
    pub(crate) process: Option<String>,
    /// Puts a company root above several people without a parent.
    #[arg(long)]
    pub(crate) allow_forest: bool,
    /// Threads to use; without it, as many as the machine has. The results are the same.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Says nothing of the progress.
    #[arg(long)]
    pub(crate) quiet: bool,
}

impl FactFiles {
    /// How many threads to use.
    pub(crate) fn threads(&self) -> usize {
        self.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

#[derive(Debug, Arguments)]
pub(crate) struct Simulate {
    #[command(flatten)]
    pub(crate) facts: FactFiles,
    /// The plan document.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// How the tables are written.
    #[arg(long, value_name = "csv|parquet", default_value = "csv")]
    pub(crate) format: Format,
    /// The folder of the run. Files of an earlier run in it are replaced.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// An Ed25519 private key (PKCS #8, PEM) to sign the manifest with.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Debug, Arguments)]
pub(crate) struct Verify {
    /// The folder of the run.
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// Compares this person only, and prints what was found.
    #[arg(long, value_name = "ID")]
    pub(crate) person: Option<String>,
    /// The Ed25519 public key (PEM) that the manifest has to be signed with.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Debug, Arguments)]
#[command(group = ArgGroup::new("what").args(["bonus", "rank", "indicator", "order"]))]
pub(crate) struct Explain {
    /// The folder of the run.
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// The person.
    #[arg(long, value_name = "ID")]
    pub(crate) person: String,
    /// Why the person is paid a bonus, or not.
    #[arg(long, value_name = "CODE")]
    pub(crate) bonus: Option<String>,
    /// Why the person has earned a rank, or what is missing.
    #[arg(long, value_name = "CODE")]
    pub(crate) rank: Option<String>,
    /// What an indicator of the person is made of.
    #[arg(long, value_name = "CODE")]
    pub(crate) indicator: Option<String>,
    /// What the person is paid on an order, and what became of everything each bonus offers on it.
    #[arg(long, value_name = "ID")]
    pub(crate) order: Option<String>,
    /// The language of the sentences: es or en.
    #[arg(long, value_name = "es|en", default_value = "en", value_parser = locale)]
    pub(crate) locale: Locale,
    /// Prints the tree of reasons as JSON, in both languages; with `--order` and for what is missing also as data.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Arguments)]
#[command(group = ArgGroup::new("of").args(["bonus", "rank"]).required(true))]
pub(crate) struct Nearly {
    /// The folder of the run.
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// Who is nearly paid this bonus.
    #[arg(long, value_name = "CODE")]
    pub(crate) bonus: Option<String>,
    /// Who has nearly earned this rank.
    #[arg(long, value_name = "CODE")]
    pub(crate) rank: Option<String>,
    /// The most people that are listed.
    #[arg(long, value_name = "N", default_value = "100")]
    pub(crate) limit: usize,
    /// The language of the sentences: es or en.
    #[arg(long, value_name = "es|en", default_value = "en", value_parser = locale)]
    pub(crate) locale: Locale,
    /// Prints the list as JSON, in both languages.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Arguments)]
pub(crate) struct Compare {
    /// The two plan documents, A first.
    #[arg(long = "plan", value_name = "FILE", required = true)]
    pub(crate) plans: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) facts: FactFiles,
    /// Prints everything as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Arguments)]
pub(crate) struct Lint {
    /// The plan document.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// How findings are printed: text or json.
    #[arg(long, value_name = "text|json", default_value = "text", value_parser = layout)]
    pub(crate) format: Layout,
    /// The language of the sentences: es or en; JSON has both.
    #[arg(long, value_name = "es|en", default_value = "en", value_parser = locale)]
    pub(crate) locale: Locale,
    /// Writes the networks of the findings into this folder, a folder each, and prints how to run them.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// About how many networks are tried; always the same ones.
    #[arg(long, value_name = "N", default_value_t = lint::NETWORKS)]
    pub(crate) networks: usize,
    /// Says nothing of the progress.
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Sentences, and files as they are.
    Text,
    /// Data.
    Json,
}

fn layout(name: &str) -> Result<Layout, String> {
    match name {
        "text" => Ok(Layout::Text),
        "json" => Ok(Layout::Json),
        other => Err(format!("found {other:?}, expected text or json")),
    }
}

fn locale(name: &str) -> Result<Locale, String> {
    match name {
        "es" => Ok(Locale::Es),
        "en" => Ok(Locale::En),
        other => Err(format!("found {other:?}, expected es or en")),
    }
}
