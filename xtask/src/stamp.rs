//! Tells whether what is deployed is what would be deployed, so that a second `up` is quick.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use foundation::digest::sha256_hex;

use crate::{build, workspace::Workspace};

/// All that a deployment is made of, besides the functions.
const SOURCES: [&str; 3] = ["template.yaml", "samconfig.toml", "infra"];

/// A digest of the sources, of the built functions, and of the emulator they go to.
pub(crate) fn of(workspace: &Workspace, emulator: &str) -> Result<String> {
    let mut facts = vec![emulator.to_owned()];
    for source in SOURCES {
        for file in files(&workspace.path(source))? {
            facts.push(digest(&file)?);
        }
    }
    for function in workspace.functions()? {
        // By content: a build that changes nothing gives the binary a new time.
        facts.push(digest(&workspace.path(build::OUTPUT).join(&function).join("bootstrap"))?);
    }
    Ok(sha256_hex(facts.join("\n").as_bytes()))
}

fn digest(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(format!("{} {}", file.display(), sha256_hex(&bytes)))
}

/// The files under a path, in order.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        entries.push(entry?.path());
    }
    entries.sort();
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| entry.file_name().is_none_or(|name| name != "__pycache__")) {
        found.extend(files(entry)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_depth_and_in_order_without_what_python_keeps() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b/2.py", "b/__pycache__/x.pyc", "a.yaml", "b/1.py"] {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let found = files(folder.path()).unwrap();
        let names: Vec<_> =
            found.iter().map(|file| file.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.yaml", "b/1.py", "b/2.py"]);
    }
}
