//! All checks and tests; the stack they need is started and stopped here.

use std::{cell::OnceCell, collections::BTreeSet, process::Command};

use anyhow::{Context, Result, bail};
use jiff::SignedDuration;
use testkit::stack::{STACK_VARIABLE, Stack};

use crate::{
    Test,
    build::{self, Flavour},
    emulator::{self, Emulator},
    instructions, issuer, run, stack,
    venv::Venv,
    workspace::{Lock, Workspace},
};

/// A role that may do everything, so that the contract test meets no refusals.
const CONTRACT_ROLE: &str = "company-admin";
const CONTRACT_TOKEN_VALID: SignedDuration = SignedDuration::from_hours(2);

struct Check {
    name: &'static str,
    run: fn(&Tests) -> Result<()>,
}

const CHECKS: &[Check] = &[
    Check { name: "format", run: |tests| tests.cargo(&["fmt", "--all", "--check"]) },
    Check { name: "licences", run: |tests| tests.cargo(&["deny", "check", "bans", "licenses", "sources"]) },
    Check { name: "advisories", run: Tests::advisories },
    Check { name: "template", run: Tests::template },
    Check { name: "local-tools", run: Tests::local_tools },
    Check { name: "one-build", run: Tests::one_build },
    Check { name: "lints", run: Tests::lints },
    Check { name: "unit", run: |tests| tests.nextest("default") },
    Check { name: "stored-files", run: Tests::stored_files },
    Check { name: "instructions", run: |tests| instructions::check(&tests.workspace, &tests.venv) },
    Check { name: "end-to-end", run: Tests::end_to_end },
    Check { name: "contract", run: Tests::contract },
];

/// What the checks share.
struct Tests {
    workspace: Workspace,
    venv: Venv,
    host: String,
    deployed: OnceCell<Result<TestStack, String>>,
}

/// `cargo xtask test`: goes on after a failure and names all of them at the end.
pub(crate) fn run(workspace: &Workspace, options: &Test) -> Result<()> {
    let names: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
    if let Some(unknown) = options.only.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("no check {unknown}; there is {}", names.join(", "));
    }
    let tests = Tests {
        workspace: workspace.clone(),
        venv: Venv::ensure(workspace)?,
        host: workspace.host()?,
        deployed: OnceCell::new(),
    };
    let chosen = CHECKS
        .iter()
        .filter(|check| options.only.is_empty() || options.only.iter().any(|name| name == check.name));
    let (mut passed, mut failed) = (0, Vec::new());
    for check in chosen {
        run::progress(&format!("== {}", check.name));
        match (check.run)(&tests) {
            Ok(()) => passed += 1,
            Err(error) => {
                run::progress(&format!("{} failed: {error:#}", check.name));
                failed.push(check.name);
            }
        }
    }
    drop(tests);
    run::result(&format!("checks: {passed} passed, {} failed", failed.len()));
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

impl Tests {
    fn tool(&self, name: &str) -> Command {
        self.venv.command(&self.workspace, name)
    }

    fn cargo(&self, arguments: &[&str]) -> Result<()> {
        run::shown(&format!("cargo {}", arguments.join(" ")), self.tool("cargo").args(arguments))
    }

    fn lints(&self) -> Result<()> {
        let mut cargo = self.tool("cargo");
        cargo.args([
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--profile",
            "quick",
            "--target",
            &self.host,
        ]);
        run::shown("cargo clippy", cargo.args(["--", "-D", "warnings"]))
    }

    /// Tests must ask no more of a dependency than functions do, or cargo builds it, and all that stands on it, twice.
    fn one_build(&self) -> Result<()> {
        let functions = self.workspace.functions()?;
        let packages: Vec<_> = functions.iter().flat_map(|name| ["--package", name.as_str()]).collect();
        let deployed = self.features(&packages, "normal")?;
        let tested = self.features(&["--workspace"], "normal,dev")?;
        let missing: Vec<_> = deployed.difference(&tested).map(String::as_str).collect();
        if !missing.is_empty() {
            bail!(
                "tests ask for more features of {}; name them in Cargo.toml for the functions, too",
                missing.join(", ")
            );
        }
        Ok(())
    }

    /// Every dependency of these packages with its features.
    fn features(&self, packages: &[&str], edges: &str) -> Result<BTreeSet<String>> {
        let mut cargo = self.tool("cargo");
        cargo.args(["tree", "--locked", "--target", &self.host, "--edges", edges, "--prefix", "none"]);
        cargo.args(["--format", "{p} [{f}]"]).args(packages);
        // What was listed before is listed again with a mark; the whole tree without marks would be thousands of times longer.
        let listed = run::output("cargo tree", &mut cargo)?;
        Ok(listed.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect())
    }

    /// Known vulnerabilities; the only check that needs a network, and it says so when there is none.
    fn advisories(&self) -> Result<()> {
        let mut fetch = self.tool("cargo");
        if run::output("cargo deny fetch", fetch.args(["deny", "fetch", "db"])).is_err() {
            run::progress("NOT CHECKED: the advisory database cannot be fetched from here");
            return Ok(());
        }
        self.cargo(&["deny", "check", "--disable-fetch", "advisories"])
    }

    fn template(&self) -> Result<()> {
        run::shown("cfn-lint", self.tool("cfn-lint").arg("template.yaml"))?;
        let mut sam = self.tool("sam");
        sam.args(["validate", "--lint", "--template-file", "template.yaml", "--region", "us-east-1"]);
        run::shown("sam validate", sam.env("__SAM_CLI_APP_DIR", self.workspace.cache()?.join("sam")))
    }

    fn local_tools(&self) -> Result<()> {
        run::shown(
            "python -m unittest",
            self.tool("python").args(["-m", "unittest", "discover", "-s", "infra/local"]),
        )
    }

    /// DuckDB and pandas open what a run stores. The command is the one that the tests of its package built.
    fn stored_files(&self) -> Result<()> {
        let ceiba = self.workspace.target().join(&self.host).join("quick/ceiba");
        if !ceiba.exists() {
            bail!("{} is not there: the check `unit` builds it", ceiba.display());
        }
        let mut python = self.tool("python");
        python.args(["-m", "unittest", "discover", "-s", "tests/stored"]).env("CEIBA", ceiba);
        run::shown("python -m unittest (stored files)", &mut python)
    }

    fn nextest(&self, profile: &str) -> Result<()> {
        run::shown("cargo nextest", &mut self.nextest_command(profile))
    }

    /// The same profile and target as the functions' build, so that both link the same dependencies.
    fn nextest_command(&self, profile: &str) -> Command {
        let mut cargo = self.tool("cargo");
        cargo.args(["nextest", "run", "--locked", "--workspace", "--cargo-profile", "quick"]);
        cargo.args(["--target", &self.host, "--profile", profile]);
        cargo
    }

    fn end_to_end(&self) -> Result<()> {
        self.stack()?;
        let mut cargo = self.nextest_command("e2e");
        cargo.env(STACK_VARIABLE, self.workspace.stack_file(stack::TEST));
        run::shown("cargo nextest (end to end)", &mut cargo)
    }

    /// Requests made from the contract, answers held against it.
    fn contract(&self) -> Result<()> {
        let stack = self.stack()?;
        let token = issuer::token(stack, CONTRACT_ROLE, None, CONTRACT_TOKEN_VALID)?;
        let mut schemathesis = self.tool("schemathesis");
        // It leaves its own cache in the folder it runs in.
        schemathesis.current_dir(self.workspace.stack_folder(stack::TEST)?);
        schemathesis.arg("--config-file").arg(self.workspace.path("infra/local/schemathesis.toml"));
        schemathesis.arg("run").arg(self.workspace.path("infra/openapi.yaml"));
        schemathesis.args(["--url", &stack.api_url, "--header", &format!("Authorization: Bearer {token}")]);
        run::shown("schemathesis", &mut schemathesis)
    }

    /// The stack of the tests; built, started and deployed when the first check asks.
    fn stack(&self) -> Result<&Stack> {
        let deployed = self.deployed.get_or_init(|| {
            TestStack::start(&self.workspace, &self.venv).map_err(|error| format!("{error:#}"))
        });
        deployed
            .as_ref()
            .map(|test| &test.stack)
            .map_err(|error| anyhow::anyhow!("no stack to test: {error}"))
    }
}

/// A deployed stack that is stopped when dropped. Should this process be killed, the emulator ends by itself.
struct TestStack {
    stack: Stack,
    file: std::path::PathBuf,
    emulator: Emulator,
    _lock: Lock,
}

impl TestStack {
    fn start(workspace: &Workspace, venv: &Venv) -> Result<Self> {
        let lock = workspace.try_lock(stack::TEST, "another test run")?;
        build::functions(workspace, venv, Flavour::Quick).context("the functions do not build")?;
        let emulator = Emulator::start(workspace, venv, stack::TEST)?;
        let stack = stack::fresh(workspace, venv, stack::TEST, &emulator)?;
        Ok(Self { stack, file: workspace.stack_file(stack::TEST), emulator, _lock: lock })
    }
}

impl Drop for TestStack {
    fn drop(&mut self) {
        emulator::stop(self.emulator.pid);
        // Left behind, it names an emulator that is gone, and readers notice.
        let _ = std::fs::remove_file(&self.file);
    }
}
