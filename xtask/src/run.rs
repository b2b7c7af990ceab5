//! Runs commands and tells how far things are.

use std::{
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

static STARTED: OnceLock<Instant> = OnceLock::new();
const HEARTBEAT: Duration = Duration::from_secs(20);
const LINES_OF_A_FAILED_LOG: usize = 60;

/// Starts the clock that progress lines show.
pub(crate) fn start_clock() {
    STARTED.get_or_init(Instant::now);
}

/// One line of progress on standard error, with the seconds since the start.
pub(crate) fn progress(text: &str) {
    let elapsed = STARTED.get_or_init(Instant::now).elapsed();
    eprintln!("[{:>5}.{}s] {text}", elapsed.as_secs(), elapsed.subsec_millis() / 100);
}

/// Runs a command whose output the caller sees as it comes.
pub(crate) fn shown(what: &str, command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start: {what}"))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}

/// Runs a command whose output goes to a file; shows a sign of life now and then, and the file's end if it fails.
pub(crate) fn logged(what: &str, command: &mut Command, log: &Path) -> Result<()> {
    progress(what);
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = command.spawn().with_context(|| format!("cannot start: {what}"))?;
    let status = wait_with_heartbeat(what, &mut child)?;
    if !status.success() {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        eprintln!("{}", lines[lines.len().saturating_sub(LINES_OF_A_FAILED_LOG)..].join("\n"));
        bail!("{what} failed ({status}); all of it in {}", log.display());
    }
    Ok(())
}

fn wait_with_heartbeat(what: &str, child: &mut Child) -> Result<std::process::ExitStatus> {
    let mut told = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if told.elapsed() >= HEARTBEAT {
            progress(&format!("{what} ..."));
            told = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a command and returns what it printed; its errors are part of the failure.
pub(crate) fn output(what: &str, command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start: {what}"))?;
    if !output.status.success() {
        bail!("{what} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Prints a line on standard output: results, never progress.
#[expect(clippy::print_stdout, reason = "a task's result is its standard output")]
pub(crate) fn result(text: &str) {
    println!("{text}");
}
