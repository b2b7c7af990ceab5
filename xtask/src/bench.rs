//! Start of the functions against a bare one, and their sizes.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, ErrorKind},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use testkit::stack::logical_id;

use crate::{
    Bench,
    build::{self, Flavour},
    run,
    template::Template,
    venv::Venv,
    workspace::Workspace,
};

/// An example that only starts the runtime; it lies in `lambda` because nothing else names the runtime.
const BARE: &str = "bare";
const START_WITHIN: Duration = Duration::from_secs(20);
/// A function may take this many times the start of the bare one.
const RATIO_MAX_PERCENT: u128 = 200;
const SIZE_BYTES_MAX: u64 = 16 * 1024 * 1024;

struct Candidate {
    name: String,
    binary: PathBuf,
    environment: BTreeMap<String, String>,
    starts: Vec<Duration>,
}

/// `cargo xtask bench --init`: from process start to the first poll of the runtime API, all functions interleaved.
pub(crate) fn init(workspace: &Workspace, options: &Bench) -> Result<()> {
    let venv = Venv::ensure(workspace)?;
    let flavour = if options.release { Flavour::Shipped } else { Flavour::Quick };
    build::functions(workspace, &venv, flavour)?;
    let mut candidates = vec![Candidate {
        name: "(bare)".to_owned(),
        binary: bare(workspace, &venv, flavour)?,
        environment: BTreeMap::new(),
        starts: Vec::new(),
    }];
    let template = Template::read(workspace)?;
    for name in workspace.functions()? {
        let binary = workspace.path(build::OUTPUT).join(&name).join("bootstrap");
        let environment = template.environment(&logical_id(&name));
        candidates.push(Candidate { name, binary, environment, starts: Vec::new() });
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    for round in 0..options.rounds.max(1) {
        run::progress(&format!("round {} of {}", round + 1, options.rounds.max(1)));
        for candidate in &mut candidates {
            let start = first_poll(&listener, candidate)?;
            candidate.starts.push(start);
        }
    }
    report(&mut candidates)
}

fn bare(workspace: &Workspace, venv: &Venv, flavour: Flavour) -> Result<PathBuf> {
    let host = workspace.host()?;
    let profile = if flavour == Flavour::Quick { "quick" } else { "release" };
    let mut cargo = venv.command(workspace, "cargo");
    // The whole workspace: of the package alone dependencies would have fewer features, and be built once more.
    cargo.args([
        "build",
        "--locked",
        "--workspace",
        "--example",
        BARE,
        "--profile",
        profile,
        "--target",
        &host,
    ]);
    run::shown("cargo build of the bare function", &mut cargo)?;
    Ok(workspace.path("target").join(host).join(profile).join("examples").join(BARE))
}

/// Starts the binary with `listener` as its runtime API, waits for the first request, and ends it.
fn first_poll(listener: &TcpListener, candidate: &Candidate) -> Result<Duration> {
    let api = listener.local_addr()?;
    let mut command = Command::new(&candidate.binary);
    command
        .env_clear()
        .envs(&candidate.environment)
        .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", &candidate.name)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let started = Instant::now();
    let mut child =
        command.spawn().with_context(|| format!("cannot start {}", candidate.binary.display()))?;
    let polled = loop {
        match listener.accept() {
            Ok((connection, _)) => {
                connection.set_nonblocking(false)?;
                let mut request = String::new();
                BufReader::new(connection).read_line(&mut request)?;
                break Ok((started.elapsed(), request));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => break Err(error.into()),
        }
        if let Some(status) = child.try_wait()? {
            break Err(anyhow::anyhow!(
                "{} ended before it polled ({status}): is its environment complete?",
                candidate.name
            ));
        }
        if started.elapsed() > START_WITHIN {
            break Err(anyhow::anyhow!("{} did not poll within {START_WITHIN:?}", candidate.name));
        }
        sleep(Duration::from_micros(50));
    };
    // Ended on purpose, in the middle of its first poll.
    let _ = child.kill();
    let _ = child.wait();
    let (elapsed, request) = polled?;
    if !request.contains("/invocation/next") {
        bail!("{} asked for {} first", candidate.name, request.trim());
    }
    Ok(elapsed)
}

fn report(candidates: &mut [Candidate]) -> Result<()> {
    let mut bare_us = 0;
    let mut refused = Vec::new();
    run::result(&format!("{:<28} {:>10} {:>10} {:>9}", "function", "init ms", "of bare", "MiB"));
    for candidate in candidates {
        candidate.starts.sort();
        let median_us = candidate.starts[candidate.starts.len() / 2].as_micros().max(1);
        if bare_us == 0 {
            bare_us = median_us;
        }
        let percent = median_us * 100 / bare_us;
        let size_bytes = size(&candidate.binary)?;
        run::result(&format!(
            "{:<28} {:>6}.{:03} {:>9}% {:>6}.{:02}",
            candidate.name,
            median_us / 1_000,
            median_us % 1_000,
            percent,
            size_bytes >> 20,
            (size_bytes % (1 << 20)) * 100 / (1 << 20),
        ));
        if percent > RATIO_MAX_PERCENT || size_bytes > SIZE_BYTES_MAX {
            refused.push(candidate.name.clone());
        }
    }
    if !refused.is_empty() {
        bail!(
            "over {RATIO_MAX_PERCENT}% of the bare start or {} MiB: {}",
            SIZE_BYTES_MAX >> 20,
            refused.join(", ")
        );
    }
    Ok(())
}

fn size(binary: &Path) -> Result<u64> {
    Ok(fs::metadata(binary).with_context(|| format!("no {}", binary.display()))?.len())
}
