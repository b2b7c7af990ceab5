//! The whole platform, shown: a stack, a company in it, its commissions run and paid.

mod check;
mod commissions;
mod office;
mod seed;

use std::time::Instant;

use anyhow::Result;
use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::stack::Stack;

use crate::{Demo, issuer, run, stack, workspace::Workspace};

/// What a demo found: the same facts for a person and for a program.
pub(crate) struct Summary {
    /// The facts by name.
    pub(crate) facts: Value,
    /// The facts as text with one line each.
    pub(crate) text: String,
}

/// `cargo xtask demo`
pub(crate) fn command(workspace: &Workspace, options: &Demo) -> Result<()> {
    let stack = if options.as_is { stack::known(workspace, stack::DEV)? } else { stack::up(workspace)? };
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
pub(crate) fn show(workspace: &Workspace, stack: &Stack, people: u32) -> Result<Summary> {
    let started = Instant::now();
    let office = office::Office::open(stack)?;
    let company = seed::Company::generate(workspace, usize::try_from(people)?)?;
    seed::configure(&office, &company)?;
    seed::load(&office, &company)?;
    let mut cycles = Vec::new();
    for (number, cycle) in company.cycles().enumerate() {
        seed::await_live(&office, &company, number)?;
        let run = commissions::settle(&office, &company, cycle)?;
        cycles.push(check::cycle(&office, stack, &company, number, run)?);
    }
    let proof = check::ledger(&office)?;
    let token = issuer::token(stack, "company-admin", None, SignedDuration::from_hours(12))?;
    let example = cycles.last().map(|cycle| cycle.somebody.clone()).unwrap_or_default();
    let facts = json!({
        "people": company.people(),
        "orders": company.orders(),
        "settled": cycles.iter().map(|cycle| cycle.settled).sum::<usize>(),
        "cycles": cycles.iter().map(check::CycleCheck::facts).collect::<Vec<_>>(),
        "payouts_by_bonus": check::by_bonus(&cycles),
        "paid_total": check::paid_total(&cycles),
        "ledger_balanced": proof["balanced"],
        "ledger_postings": proof["postings"],
        "live_equals_official": cycles.iter().all(|cycle| cycle.live_differences.is_empty()),
        "oracle_agrees": cycles.iter().all(|cycle| cycle.oracle_differences.is_empty()),
        "differences": cycles.iter().flat_map(check::CycleCheck::differences).take(20).collect::<Vec<_>>(),
        "statement": format!("{}/people/{example}/statements/{}", stack.api_url, company.last_cycle()),
        "api_url": stack.api_url,
        "seconds": started.elapsed().as_secs(),
    });
    let text = check::text_for_a_person(&facts, &token);
    Ok(Summary { facts, text })
}
