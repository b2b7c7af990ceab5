//! Instructions of the engine's kernels against a baseline: unlike seconds, the same on a busy machine.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{run, venv::Venv, workspace::Workspace};

const BASELINE: &str = "tests/bench/instructions.toml";
/// Set, the baseline is written instead of compared with.
const UPDATE: &str = "UPDATE_INSTRUCTIONS";
/// Each does what the ones before do and its own part: the difference is its own.
const KERNELS: [&str; 6] = ["none", "integrate", "indicators", "ranks", "bonuses", "encode"];
/// Growth that is refused.
const GROWTH_PERCENT_MAX: u64 = 10;

/// Counts with callgrind where it is installed.
pub(crate) fn check(workspace: &Workspace, venv: &Venv) -> Result<()> {
    if run::output("valgrind", venv.command(workspace, "valgrind").arg("--version")).is_err() {
        run::progress("NOT CHECKED: valgrind is not installed (apt-get install valgrind)");
        return Ok(());
    }
    let host = workspace.host()?;
    let mut cargo = venv.command(workspace, "cargo");
    // The whole workspace is chosen, so that its dependencies are those the tests have already built.
    cargo.args([
        "build",
        "--locked",
        "--workspace",
        "--bin",
        "bench",
        "--profile",
        "quick",
        "--target",
        &host,
    ]);
    run::shown("cargo build of the bench", &mut cargo)?;
    let bench = workspace.target().join(host).join("quick/bench");
    let mut counts = BTreeMap::new();
    let mut before = 0;
    for kernel in KERNELS {
        let all = counted(workspace, venv, &bench, kernel)?;
        if kernel != KERNELS[0] {
            counts.insert(kernel.to_owned(), all.saturating_sub(before));
        }
        before = all;
    }
    let file = workspace.path(BASELINE);
    if std::env::var_os(UPDATE).is_some() {
        let lines: Vec<_> = counts.iter().map(|(kernel, count)| format!("{kernel} = {count}\n")).collect();
        let head = "# Instructions of each kernel; UPDATE_INSTRUCTIONS=1 cargo xtask test --only instructions writes them.\n";
        return Ok(fs::write(file, format!("{head}{}", lines.concat()))?);
    }
    let Ok(text) = fs::read_to_string(&file) else {
        run::progress(&format!(
            "NOT CHECKED: no {BASELINE}; set {UPDATE}=1 to write it. Counted: {counts:?}"
        ));
        return Ok(());
    };
    let baseline: BTreeMap<String, u64> =
        toml::from_str(&text).with_context(|| format!("{BASELINE} is no list of counts"))?;
    let mut grown = Vec::new();
    for (kernel, count) in &counts {
        let known = baseline.get(kernel).copied().unwrap_or(0);
        run::progress(&format!("{kernel}: {count} instructions, {known} before"));
        if known * (100 + GROWTH_PERCENT_MAX) < count * 100 {
            grown.push(format!("{kernel} from {known} to {count}"));
        }
    }
    if !grown.is_empty() {
        bail!(
            "more than {GROWTH_PERCENT_MAX}% more instructions: {}; meant? set {UPDATE}=1",
            grown.join(", ")
        );
    }
    Ok(())
}

fn counted(workspace: &Workspace, venv: &Venv, bench: &Path, kernel: &str) -> Result<u64> {
    let mut valgrind = venv.command(workspace, "valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1"]).arg(bench);
    let text = run::output("valgrind", valgrind.args(["kernel", kernel]))?;
    let line = text.lines().find_map(|line| line.split_once("Collected : ").map(|(_, count)| count));
    line.and_then(|count| count.trim().parse().ok()).with_context(|| format!("callgrind printed {text}"))
}
