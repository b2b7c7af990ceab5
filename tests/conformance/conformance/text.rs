//! Text of the project: first lines, no paths of one machine, no places that only its makers know.

use crate::repository::{read, text_files};

#[test]
fn every_rust_file_says_first_what_it_is() {
    let silent: Vec<_> = text_files()
        .into_iter()
        .filter(|path| {
            std::path::Path::new(path).extension().is_some_and(|kind| kind == "rs")
                && !read(path).starts_with("//!")
                && !read(path).starts_with("#![doc")
        })
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn no_text_carries_a_path_of_one_machine() {
    // Put together here so that this file does not carry them either.
    let homes: Vec<String> =
        ["work", "root", "home", "farm"].iter().map(|home| format!("/{home}/")).collect();
    let mut found = Vec::new();
    for path in text_files() {
        let Ok(text) = std::fs::read_to_string(crate::repository::root().join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            let starts_path = |home: &String| {
                line.match_indices(home.as_str()).any(|(at, _)| {
                    !line[..at].ends_with(|before: char| {
                        before.is_alphanumeric() || matches!(before, '.' | '}' | '-' | '_')
                    })
                })
            };
            if homes.iter().any(starts_path) {
                found.push(format!("{path}:{}: {line}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_readme_starts_with_the_two_commands() {
    let readme = read("README.md");
    let demo = readme.find("cargo xtask demo").unwrap();
    let test = readme.find("cargo xtask test").unwrap();
    assert!(demo < test && test < 700, "the two commands come first");
}
