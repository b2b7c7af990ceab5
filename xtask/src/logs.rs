//! What functions logged, and calls of single functions.

use std::{collections::BTreeSet, process::Command, thread::sleep, time::Duration};

use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use testkit::stack::Stack;

use crate::{Invoke, Logs, emulator, run, stack, venv::Venv, workspace::Workspace};

const POLL: Duration = Duration::from_secs(2);
/// CloudWatch shows an event some seconds after it happened, so each poll looks back a little.
const LATE: SignedDuration = SignedDuration::from_secs(30);

/// An AWS CLI command against a stack.
pub(crate) fn aws(workspace: &Workspace, venv: &Venv, stack: &Stack, arguments: &[&str]) -> Command {
    let mut command = venv.command(workspace, "aws");
    command.args(arguments);
    match &stack.endpoint {
        Some(endpoint) => emulator::point_at(&mut command, endpoint),
        None => drop(command.env("AWS_DEFAULT_REGION", &stack.region)),
    }
    command
}

/// `cargo xtask logs`
pub(crate) fn print(workspace: &Workspace, options: &Logs) -> Result<()> {
    let venv = Venv::ensure(workspace)?;
    let stack = stack::known(workspace, &options.stack.name)?;
    let group = format!("/aws/lambda/{}", stack.function(&options.function)?);
    let mut since = now() - SignedDuration::from_mins(options.minutes);
    let mut shown = BTreeSet::new();
    loop {
        let start = since.as_millisecond().to_string();
        let mut arguments = vec!["logs", "filter-log-events", "--output", "json", "--log-group-name", &group];
        arguments.extend(["--start-time", &start]);
        if let Some(filter) = &options.filter {
            arguments.extend(["--filter-pattern", filter]);
        }
        let asked = now();
        match run::output("aws logs", &mut aws(workspace, &venv, &stack, &arguments)) {
            Ok(text) => show(&serde_json::from_str(&text)?, &mut shown),
            Err(error) if error.to_string().contains("ResourceNotFoundException") => {
                run::progress(&format!("{} has logged nothing yet", options.function));
            }
            Err(error) => return Err(error),
        }
        if !options.follow {
            return Ok(());
        }
        since = since.max(asked - LATE);
        sleep(POLL);
    }
}

fn show(answer: &Value, shown: &mut BTreeSet<String>) {
    for event in answer["events"].as_array().into_iter().flatten() {
        let message = event["message"].as_str().unwrap_or_default().trim_end();
        if shown.insert(format!("{} {} {message}", event["timestamp"], event["eventId"])) {
            run::result(message);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the task runner is an edge: logs are read back from now")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// `cargo xtask invoke`
pub(crate) fn invoke(workspace: &Workspace, options: &Invoke) -> Result<()> {
    let venv = Venv::ensure(workspace)?;
    let stack = stack::known(workspace, &options.stack.name)?;
    let function = stack.function(&options.function)?;
    let event = event_file(workspace, &options.function, &options.case)?;
    let answer = workspace.stack_folder(&stack.name)?.join("answer.json");
    let payload = format!("fileb://{}", event.display());
    let mut command = aws(workspace, &venv, &stack, &["lambda", "invoke", "--function-name", function]);
    command.args(["--payload", &payload]).arg(&answer);
    let told: Value = serde_json::from_str(&run::output("aws lambda invoke", &mut command)?)?;
    let text = std::fs::read_to_string(&answer)?;
    run::result(&serde_json::from_str(&text).map_or(text, |value: Value| format!("{value:#}")));
    if let Some(error) = told.get("FunctionError") {
        bail!("{} failed ({error}); see cargo xtask logs {}", options.function, options.function);
    }
    Ok(())
}

fn event_file(workspace: &Workspace, function: &str, case: &str) -> Result<std::path::PathBuf> {
    let folder = workspace.path(&format!("events/{function}"));
    let file = folder.join(format!("{case}.json"));
    if !file.exists() {
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("no sample events in {}", folder.display()))?;
        let cases: BTreeSet<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_string_lossy().into_owned()))
            .collect();
        bail!("no case {case} for {function}; there is {}", cases.into_iter().collect::<Vec<_>>().join(", "));
    }
    Ok(file)
}
