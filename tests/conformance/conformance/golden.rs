//! Tables that are reviewed as a diff. `UPDATE_GOLDEN=1` writes them anew.

use crate::repository::root;

#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
pub(crate) fn compare(path: &str, found: &str) {
    let file = root().join(path);
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(&file, found).unwrap();
        return;
    }
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    if known != found {
        let changed: Vec<_> = found
            .lines()
            .filter(|line| !known.lines().any(|other| other == *line))
            .map(|line| format!("+ {line}"))
            .chain(
                known
                    .lines()
                    .filter(|line| !found.lines().any(|other| other == *line))
                    .map(|line| format!("- {line}")),
            )
            .collect();
        panic!("{path} changed; review, then run with UPDATE_GOLDEN=1\n{}", changed.join("\n"));
    }
}
