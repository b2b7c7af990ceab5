//! `ceiba simulate`.

use std::{collections::BTreeMap, fmt::Write};

use plan::bonus::Award;
use simulation::{FileEntry, Manifest, PAYOUT_CAP, Settings, outputs};

use crate::{
    Done,
    args::Simulate,
    failure::{Cause, Failure},
    input::{self, CycleFiles, Reporter},
    output, signature,
};

pub(crate) fn run(args: &Simulate) -> Done {
    let reporter = Reporter::new(args.facts.quiet);
    let key = args.key.as_deref().map(signature::private_key).transpose()?;
    let document = input::read_plan(&args.plan)?;
    let plan = &document.plan;
    let facts = input::read_facts(&args.facts, plan, &reporter)?;
    let mut results = input::simulate(&facts, plan, &reporter)?;
    let Some(result) = results.pop() else {
        return Err(Failure::new(Cause::Internal, "no cycle was computed"));
    };
    drop(results);
    reporter.say("writing results");
    let failed = |error: &dyn std::error::Error| Failure::new(Cause::Computation, error.to_string());
    let files = outputs(&result, plan, &document.json, args.format, args.facts.threads())
        .map_err(|error| failed(&error))?;
    output::clear(&args.out)?;
    let mut inputs = Vec::new();
    for (name, bytes) in copies(&facts.files) {
        inputs.push(FileEntry::of(&name, bytes));
        output::write(&args.out, &name, bytes)?;
    }
    for file in &files {
        output::write(&args.out, &file.name, &file.bytes)?;
    }
    let settings = Settings {
        format: args.format,
        allow_forest: args.facts.allow_forest,
        company_root: facts.company_root.clone(),
        process: args.facts.process.clone(),
    };
    let history = facts.cycles.split_last().map_or(&[][..], |(_, earlier)| earlier);
    let manifest = Manifest::of(plan, &result, history, settings, inputs, &files);
    let bytes = manifest.to_bytes().map_err(|error| failed(&error))?;
    if let Some(key) = key {
        output::write(&args.out, output::SIGNATURE, signature::sign(&key, &bytes).as_bytes())?;
    }
    output::write(&args.out, output::MANIFEST, &bytes)?;
    reporter.say("done");
    output::print(&summary(&manifest, &result))
}

/// Names and bytes of the copies of the facts: those of the cycle, then those of earlier ones.
fn copies(cycles: &[CycleFiles]) -> Vec<(String, &[u8])> {
    let Some((last, earlier)) = cycles.split_last() else { return Vec::new() };
    let folders = earlier.iter().map(|files| match &files.name {
        Some(name) => (format!("facts/history/{name}"), files),
        None => ("facts".to_owned(), files),
    });
    std::iter::once(("facts".to_owned(), last))
        .chain(folders)
        .flat_map(|(folder, files)| {
            [("people", &files.people), ("orders", &files.orders)]
                .map(|(stem, file)| (format!("{folder}/{stem}.{}", file.extension()), file.bytes.as_slice()))
        })
        .collect()
}

fn summary(manifest: &Manifest, result: &simulation::Simulated) -> String {
    let count = |name: &str| manifest.counts.get(name).copied().unwrap_or(0);
    let mut text = format!(
        "cycle {}: {} people, {} orders, {} payout lines\n",
        manifest.cycle.id,
        count("people"),
        count("orders"),
        count("lines")
    );
    for total in result.payouts.totals() {
        let bonus = if total.bonus.is_empty() { PAYOUT_CAP } else { &total.bonus };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{bonus}: {} {} in {} lines", total.amount, total.currency, total.lines);
    }
    let mut awards: BTreeMap<u16, (i64, usize)> = BTreeMap::new();
    for award in &result.payouts.awards {
        let (quantity, times) = awards.entry(award.bonus).or_default();
        (*quantity, *times) = (quantity.saturating_add(award.quantity), *times + 1);
    }
    for (number, (quantity, times)) in awards {
        let Some(bonus) = result.payouts.bonuses.get(usize::from(number)) else { continue };
        let what = match &bonus.award {
            Award::Money => continue,
            Award::Points => "points".to_owned(),
            Award::Prize(code) => format!("prize {code}"),
            Award::Tag(code) => format!("tag {code}"),
        };
        let _ = writeln!(text, "{}: {quantity} {what} in {times} awards", bonus.code);
    }
    for open in &result.payouts.not_undone {
        let _ = writeln!(text, "return {} was not undone: {}", open.order, open.reason);
    }
    text
}
