//! The `ceiba` command: runs of a plan over files of facts.
#![doc = include_str!("../README.md")]

mod args;
mod compare;
mod explain;
mod failure;
mod input;
mod lint;
mod output;
mod signature;
mod simulate;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Args, Command},
    failure::Failure,
};

#[global_allocator]
static MEMORY: memory::HugePages = memory::HugePages;

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Simulate(args) => simulate::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Nearly(args) => explain::nearly(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Lint(args) => lint::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            failure.exit_code()
        }
    }
}

/// What a command gives back.
type Done = Result<(), Failure>;
