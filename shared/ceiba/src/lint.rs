//! `ceiba lint`.

use std::{fmt::Write as _, path::Path};

use foundation::locale::Locale;
use lint::{CYCLE, Example, Finding, Severity};
use serde_json::json;
use simulation::in_plan;

use crate::{
    Done,
    args::{Layout, Lint},
    failure::{Cause, Failure},
    input::{self, Reporter},
    output,
};

/// Networks after which progress is reported again.
const REPORTED: usize = 500;
/// Lines of a file that a text shows.
const SHOWN: usize = 14;

pub(crate) fn run(args: &Lint) -> Done {
    let reporter = Reporter::new(args.quiet);
    let plan = input::read_plan(&args.plan)?;
    engine::use_threads(1);
    reporter.say(&format!("plan {}", plan.plan.document().name.en));
    let mut tell = |tried: usize| {
        if tried.is_multiple_of(REPORTED) {
            reporter.say(&format!("{tried} networks tried"));
        }
    };
    let found = lint::lint(&plan.json, args.networks, &mut tell)
        .map_err(|_| Failure::new(Cause::Internal, "the plan was read and cannot be read again"))?;
    reporter.say(&format!("{} findings", found.len()));
    let folders = match &args.out {
        Some(out) => {
            found.iter().enumerate().map(|(place, one)| written(out, place, one)).collect::<Result<_, _>>()?
        }
        None => Vec::new(),
    };
    let text = match args.format {
        Layout::Json => {
            let all = json!({ "plan": plan.plan.hash(), "cycle": CYCLE, "findings": found });
            let text = serde_json::to_string_pretty(&all);
            text.map_err(|error| Failure::new(Cause::Internal, error.to_string()))? + "\n"
        }
        Layout::Text => {
            let mut text = String::new();
            for (place, finding) in found.iter().enumerate() {
                let (line, column) = in_plan(&plan.json, &finding.pointer, None);
                let at = format!("{}:{line}:{column}", args.plan.display());
                let folder = folders.get(place).and_then(Option::as_deref);
                text += &told(finding, &at, folder, args);
            }
            text + &summary(&found, args.locale)
        }
    };
    output::print(&text)?;
    if found.iter().any(|finding| Severity::Note < finding.severity) {
        return Err(Failure { cause: Cause::Findings, lines: Vec::new() });
    }
    Ok(())
}

fn name(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
}

/// The files of an example, by name.
fn files(example: &Example) -> Vec<(String, &str)> {
    let mut files = vec![("people.csv".to_owned(), example.people.as_str())];
    for run in &example.runs {
        files.push((format!("orders-{}.csv", run.name), &run.orders));
        if let Some(plan) = &run.plan {
            files.push((format!("plan-{}.json", run.name), plan));
        }
    }
    files
}

/// Writes the files of a finding into a folder of its own, whose name is given back.
fn written(out: &Path, place: usize, finding: &Finding) -> Result<Option<String>, Failure> {
    let Some(example) = &finding.example else { return Ok(None) };
    let folder = format!("{:02}-{}", place + 1, name(finding.code));
    for (file, text) in files(example) {
        output::write(&out.join(&folder), &file, text.as_bytes())?;
    }
    Ok(Some(out.join(folder).display().to_string()))
}

fn told(finding: &Finding, at: &str, folder: Option<&str>, args: &Lint) -> String {
    let message = finding.message.in_locale(args.locale);
    let severity = match (finding.severity, args.locale) {
        (Severity::Note, Locale::Es) => "nota",
        (Severity::Note, Locale::En) => "note",
        (Severity::Warning, Locale::Es) => "aviso",
        (Severity::Warning, Locale::En) => "warning",
        (Severity::Error, _) => "error",
    };
    let mut text = format!("{severity}: {}: {message}\n  {at}: {}\n", name(finding.code), finding.pointer);
    let Some(example) = &finding.example else { return text + "\n" };
    match folder {
        Some(folder) => {
            for run in &example.runs {
                let plan = match &run.plan {
                    Some(_) => format!("{folder}/plan-{}.json", run.name),
                    None => args.plan.display().to_string(),
                };
                let _ = writeln!(
                    text,
                    "  ceiba simulate --plan {plan} --people {folder}/people.csv --orders {folder}/orders-{}.csv --cycle {CYCLE} --out {folder}/run-{}",
                    run.name, run.name
                );
            }
        }
        None => {
            for (file, content) in files(example).iter().filter(|(file, _)| !file.starts_with("plan-")) {
                let _ = writeln!(text, "  {file}");
                let lines: Vec<&str> = content.lines().collect();
                for line in lines.iter().take(SHOWN) {
                    let _ = writeln!(text, "    {line}");
                }
                if SHOWN < lines.len() {
                    let _ = writeln!(text, "    ... ({})", lines.len());
                }
            }
        }
    }
    text + "\n"
}

fn summary(found: &[Finding], locale: Locale) -> String {
    let count = |severity| found.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings, notes) = (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
    match locale {
        Locale::Es => format!("{errors} errores, {warnings} avisos, {notes} notas\n"),
        Locale::En => format!("{errors} errors, {warnings} warnings, {notes} notes\n"),
    }
}
