//! Builds all functions at once.

use std::fs;

use anyhow::{Context, Result};

use crate::{run, venv::Venv, workspace::Workspace};

/// For whom the functions are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// For an emulator on this machine: quick to build, linked against this machine's libraries.
    Quick,
    /// For Lambda: linked against the C library of `provided.al2023`.
    Shipped,
}

/// The folder that `CodeUri` points into.
pub(crate) const OUTPUT: &str = "target/lambda";
/// Where cargo-lambda writes, one build at a time.
const STAGING: &str = "target/lambda-staging";

/// Builds every function into `target/lambda/<name>/bootstrap`.
pub(crate) fn functions(workspace: &Workspace, venv: &Venv, flavour: Flavour) -> Result<()> {
    let names = workspace.functions()?;
    run::progress(&format!("build {} functions", names.len()));
    let _lock = workspace.wait_for_lock("build")?;
    let mut cargo = venv.command(workspace, "cargo");
    cargo.args(["lambda", "build", "--locked", "--lambda-dir", STAGING]);
    match flavour {
        // The native linker is twice as quick as zig's, and the artifacts are those the tests link, too.
        Flavour::Quick => cargo.args(["--profile", "quick", "--compiler", "cargo"]),
        Flavour::Shipped => cargo.args(["--release", "--x86-64"]),
    };
    for name in &names {
        cargo.args(["--package", name]);
    }
    run::shown("cargo lambda build", &mut cargo)?;
    for name in &names {
        put_in_place(workspace, name)?;
    }
    Ok(())
}

/// Moves a new binary to where it is deployed and run from. In one step, because it may be running or on its way to a
/// stack right now; and only if it is another, so that its time tells when it changed.
fn put_in_place(workspace: &Workspace, name: &str) -> Result<()> {
    let built = workspace.path(STAGING).join(name).join("bootstrap");
    let new = fs::read(&built).with_context(|| {
        format!(
            "{} was not built: a function's package must have one binary of the same name",
            built.display()
        )
    })?;
    let folder = workspace.path(OUTPUT).join(name);
    let deployed = folder.join("bootstrap");
    if fs::read(&deployed).is_ok_and(|known| known == new) {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    fs::rename(&built, &deployed).with_context(|| format!("cannot replace {}", deployed.display()))
}
