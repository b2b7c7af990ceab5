//! Files of a new function.

use std::fs;

use anyhow::{Context, Result, bail};
use testkit::stack::logical_id;

use crate::{run, workspace::Workspace};

const FILES: [(&str, &str); 3] = [
    ("functions/NAME/Cargo.toml", include_str!("../templates/Cargo.toml.txt")),
    ("functions/NAME/src/main.rs", include_str!("../templates/main.rs.txt")),
    ("functions/NAME/src/handler.rs", include_str!("../templates/handler.rs.txt")),
];
const EVENT: (&str, &str) = ("events/NAME/example.json", include_str!("../templates/event.json.txt"));
const REST: &str = include_str!("../templates/rest.txt");

/// Writes the crate and a sample event of a function named `area-what`, and prints what has to be added elsewhere.
pub(crate) fn new_function(workspace: &Workspace, name: &str) -> Result<()> {
    refuse_bad_name(name)?;
    if workspace.path(&format!("functions/{name}")).exists() {
        bail!("functions/{name} exists");
    }
    for (path, text) in FILES.into_iter().chain([EVENT]) {
        let path = filled(path, name);
        let file = workspace.path(&path);
        fs::create_dir_all(file.parent().context("a file of a function lies in a folder")?)?;
        fs::write(&file, filled(text, name)).with_context(|| format!("cannot write {path}"))?;
        run::result(&format!("wrote {path}"));
    }
    run::result(&filled(REST, name));
    Ok(())
}

fn refuse_bad_name(name: &str) -> Result<()> {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase());
    if name.split('-').count() < 2 || !name.split('-').all(is_word) {
        bail!("a function is named area-what in small letters, such as orders-returns, not {name}");
    }
    Ok(())
}

fn filled(text: &str, name: &str) -> String {
    let area = name.split('-').next().unwrap_or_default();
    text.replace("NAME", name).replace("LOGICAL", &logical_id(name)).replace("AREA", area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_area_and_what_in_small_letters_is_a_name() {
        for name in ["orders-returns", "run-next-step"] {
            refuse_bad_name(name).unwrap();
        }
        for name in ["orders", "Orders-Api", "orders_api", "orders--api", "-api", "orders-2", ""] {
            assert!(refuse_bad_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn every_placeholder_of_the_files_is_filled() {
        for (path, text) in FILES.into_iter().chain([EVENT, ("", REST)]) {
            let text = filled(path, "orders-returns") + &filled(text, "orders-returns");
            for placeholder in ["NAME", "LOGICAL", "AREA"] {
                assert!(!text.contains(placeholder), "{placeholder} in {path}: {text}");
            }
        }
    }
}
