//! The engine on the workload of the comparison. Each command measures one thing in a process of its own and prints one line of
//! JSON; `cargo xtask bench` runs them next to their peers and makes a table.
#![allow(clippy::print_stdout, reason = "the line is what the program is for")]
#![allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "seconds and ratios, no money")]

mod floor;
mod full;
mod input;
mod rule_set;
mod workload;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

// As the `ceiba` command has it.
#[global_allocator]
static MEMORY: memory::HugePages = memory::HugePages;

#[derive(Parser)]
#[command(name = "bench", about = "Measures the engine; `cargo xtask bench` makes a table of it")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The workload of the comparison, computed once in fresh memory
    W {
        /// Folder with `persons.parquet` and `orders.parquet`
        data: PathBuf,
        /// Threads
        threads: usize,
        /// File for the result columns, in the order of `defs.py`, 8 bytes a value, persons in the order of the input
        out: Option<PathBuf>,
        /// A payout line with its trace for each member and level, instead of one for each level of an earner
        #[arg(long)]
        per_source: bool,
    },
    /// A plan of 60 indicators, 12 ranks and bonuses with all traces, from Parquet to Parquet
    Full {
        /// Folder with `persons.parquet` and `orders.parquet`
        data: PathBuf,
        /// Threads
        threads: usize,
    },
    /// 18 rules of 5 comparisons over columns
    Rules {
        /// People
        people: usize,
    },
    /// What the memory of this machine lets a pass over the workload's columns take at least
    Floor {
        /// People
        people: usize,
    },
    /// One kernel on a small network, for counting its instructions
    Kernel {
        /// Its name; an unknown one lists them
        name: String,
    },
}

fn main() -> anyhow::Result<()> {
    let line = match Cli::parse().what {
        What::W { data, threads, out, per_source } => {
            workload::run(&data, threads, out.as_deref(), per_source)?
        }
        What::Full { data, threads } => full::run(&data, threads)?,
        What::Rules { people } => rule_set::run(people)?,
        What::Floor { people } => floor::run(people),
        What::Kernel { name } => full::kernel(&name)?,
    };
    println!("{line}");
    Ok(())
}
