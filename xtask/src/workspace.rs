//! Where things lie in the repository.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// The repository this task runner was built from.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

/// Held while something exclusive goes on; released when dropped or when the process ends.
pub(crate) struct Lock {
    _file: File,
}

impl Workspace {
    pub(crate) fn of_this_repository() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self { root: here.parent().unwrap_or(here).to_owned() }
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }

    /// The project's own cache folder, ignored by git.
    pub(crate) fn cache(&self) -> Result<PathBuf> {
        let cache = self.path(".ceiba");
        fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
        Ok(cache)
    }

    /// The folder of one stack: its issuer, its logs, its temporary files.
    pub(crate) fn stack_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.cache()?.join("stacks").join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    pub(crate) fn stack_file(&self, name: &str) -> PathBuf {
        self.path(&format!(".ceiba/stacks/{name}.json"))
    }

    /// A command that runs in the root of the repository.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        // `cargo xtask` tells its child which package it is; passed on, build scripts would take it for a change and build anew.
        for (name, _) in std::env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
            {
                command.env_remove(name);
            }
        }
        command
    }

    /// Folder names of all functions, in order.
    pub(crate) fn functions(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path("functions"))? {
            let entry = entry?;
            if entry.path().join("Cargo.toml").exists() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Where cargo builds.
    pub(crate) fn target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.path("target"), Into::into)
    }

    /// The triple of this machine: naming it makes cargo and cargo-lambda share one target folder.
    pub(crate) fn host(&self) -> Result<String> {
        let output = self.command("rustc").arg("-vV").output().context("cannot run rustc")?;
        let text = String::from_utf8(output.stdout)?;
        let host = text.lines().find_map(|line| line.strip_prefix("host: "));
        host.map(str::to_owned).context("rustc -vV names no host")
    }

    /// Waits for the lock of this name.
    pub(crate) fn wait_for_lock(&self, name: &str) -> Result<Lock> {
        let file = self.lock_file(name)?;
        file.lock().with_context(|| format!("cannot lock {name}"))?;
        Ok(Lock { _file: file })
    }

    /// Takes the lock of this name, or fails saying that `what` is going on already.
    pub(crate) fn try_lock(&self, name: &str, what: &str) -> Result<Lock> {
        let file = self.lock_file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(fs::TryLockError::WouldBlock) => bail!("{what} is going on in another process"),
            Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {name}")),
        }
    }

    fn lock_file(&self, name: &str) -> Result<File> {
        let path = self.cache()?.join(format!("{name}.lock"));
        File::create(&path).with_context(|| format!("cannot open {}", path.display()))
    }
}

/// A key that no earlier call has used.
pub(crate) fn fresh_key() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("demo-{}-{}", std::process::id(), since.as_nanos())
}
