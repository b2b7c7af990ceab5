//! The whole platform, shown: a stack, a company in it, its commissions run and paid.

use anyhow::{Result, bail};
use serde_json::Value;
use testkit::stack::Stack;

use crate::{Demo, run, stack, workspace::Workspace};

/// What a demo found: the same facts for a person and for a program.
pub(crate) struct Summary {
    /// The facts by name.
    pub(crate) facts: Value,
    /// The facts as text with one line each.
    pub(crate) text: String,
}

/// `cargo xtask demo`
pub(crate) fn command(workspace: &Workspace, options: &Demo) -> Result<()> {
    let stack = stack::up(workspace)?;
    let shown = show(workspace, &stack, options.people);
    if options.once {
        stack::down(workspace, stack::DEV)?;
    }
    let summary = shown?;
    if options.json {
        eprintln!("{}", summary.text);
        run::result(&summary.facts.to_string());
    } else {
        run::result(&summary.text);
    }
    Ok(())
}

/// Fills the stack with a company of this size and takes it from registration to payment. On a stack that holds the
/// company already it only looks.
fn show(_workspace: &Workspace, _stack: &Stack, _people: u32) -> Result<Summary> {
    bail!("the stack is up, but the demonstration itself is not written yet")
}
