//! Builds all functions at once.

use std::path::Path;

use anyhow::{Result, bail};

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

/// Builds every function into `target/lambda/<name>/bootstrap`.
pub(crate) fn functions(workspace: &Workspace, venv: &Venv, flavour: Flavour) -> Result<()> {
    let names = workspace.functions()?;
    let mut cargo = venv.command(workspace, "cargo");
    cargo.args(["lambda", "build", "--locked"]);
    match flavour {
        // The native linker is twice as quick as zig's, and the artifacts are those the tests link, too.
        Flavour::Quick => cargo.args(["--profile", "quick", "--compiler", "cargo"]),
        Flavour::Shipped => cargo.args(["--release", "--x86-64"]),
    };
    for name in &names {
        cargo.args(["--package", name]);
    }
    run::progress(&format!("build {} functions", names.len()));
    run::shown("cargo lambda build", &mut cargo)?;
    for name in &names {
        let binary = workspace.path(OUTPUT).join(name).join("bootstrap");
        if !Path::new(&binary).exists() {
            bail!(
                "{} was not built: a function's package must have one binary of the same name",
                binary.display()
            );
        }
    }
    Ok(())
}
