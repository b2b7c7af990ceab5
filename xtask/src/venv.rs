//! The tools from PyPI, in a virtual environment of the project's own.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use foundation::digest::sha256_hex;

use crate::{run, workspace::Workspace};

const REQUIREMENTS: &str = "infra/local/requirements.txt";
/// The pinned versions need at least this.
const PYTHON_MINOR_MIN: u32 = 11;

/// An installed environment.
pub(crate) struct Venv {
    bin: PathBuf,
}

impl Venv {
    /// The environment of the current requirements; made if it is not there. Safe in two processes at once.
    pub(crate) fn ensure(workspace: &Workspace) -> Result<Self> {
        let version = python_version(workspace)?;
        let requirements =
            fs::read(workspace.path(REQUIREMENTS)).with_context(|| format!("no {REQUIREMENTS}"))?;
        let key = sha256_hex(&[version.as_bytes(), &requirements].concat());
        let key = &key[..12];
        let folder = workspace.cache()?.join(format!("venv-{key}"));
        let complete = folder.join(".complete");
        if !complete.exists() {
            let _lock = workspace.wait_for_lock("venv")?;
            if !complete.exists() {
                install(workspace, &folder)?;
                fs::write(&complete, "")?;
            }
        }
        Ok(Self { bin: folder.join("bin") })
    }

    /// A command with the environment's programs first on the path, in the root of the repository.
    pub(crate) fn command(&self, workspace: &Workspace, program: &str) -> Command {
        let inside = self.bin.join(program);
        let mut command =
            if inside.exists() { workspace.command(&inside) } else { workspace.command(program) };
        command
            .env("PATH", self.search_path())
            .env("SAM_CLI_TELEMETRY", "0")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    fn search_path(&self) -> OsString {
        let mut folders = vec![self.bin.clone()];
        if let Some(path) = std::env::var_os("PATH") {
            folders.extend(std::env::split_paths(&path));
        }
        std::env::join_paths(folders).unwrap_or_else(|_| self.bin.clone().into())
    }
}

fn python_version(workspace: &Workspace) -> Result<String> {
    let script = "import sys; print('%d.%d' % sys.version_info[:2])";
    let text =
        run::output("python3", workspace.command("python3").args(["-c", script])).with_context(|| {
            format!("python3 (3.{PYTHON_MINOR_MIN} or later) is needed for the tools of the local stack")
        })?;
    let version = text.trim().to_owned();
    let minor = version.strip_prefix("3.").and_then(|minor| minor.parse::<u32>().ok());
    if minor.is_none_or(|minor| minor < PYTHON_MINOR_MIN) {
        bail!(
            "python3 is {version}; 3.{PYTHON_MINOR_MIN} or later is needed for the tools of the local stack"
        );
    }
    Ok(version)
}

fn install(workspace: &Workspace, folder: &Path) -> Result<()> {
    // What an interrupted installation left would be taken for done in parts.
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let log = workspace.cache()?.join("venv.log");
    let make = "make a Python environment (needs the venv module)";
    run::logged(make, workspace.command("python3").args(["-m", "venv"]).arg(folder), &log)?;
    let mut pip = workspace.command(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--requirement", REQUIREMENTS]);
    run::logged("install the pinned tools (once, about two minutes)", &mut pip, &log)
}
