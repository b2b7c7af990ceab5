//! Configuration from the environment: read once, every missing name in one error.

use std::collections::BTreeMap;

/// The process's environment and the names that were asked for in vain.
#[derive(Debug, Default)]
pub struct Env {
    given: Option<BTreeMap<String, String>>,
    missing: Vec<String>,
}

/// Names that the environment lacks.
#[derive(Debug, thiserror::Error)]
#[error("missing from the environment: {}", .0.join(", "))]
pub struct MissingConfiguration(Vec<String>);

impl Env {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self::default()
    }

    /// These values instead of the process's environment; for tests and tools that speak to several stacks.
    pub fn of(given: BTreeMap<String, String>) -> Self {
        Self { given: Some(given), missing: Vec::new() }
    }

    /// The value of `name`; a missing one is reported by [`Env::complete`].
    pub fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.missing.push(name.to_owned());
            String::new()
        })
    }

    /// The value of `name`, if it is there and not empty.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn optional(&self, name: &str) -> Option<String> {
        let found = match &self.given {
            Some(given) => given.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        found.filter(|value| !value.is_empty())
    }

    /// The whole number above 0 under `name`, if there is one. What is no number is reported as missing.
    pub fn positive(&mut self, name: &str) -> Option<usize> {
        let text = self.optional(name).filter(|text| text != "0")?;
        let number = text.parse().ok();
        if number.is_none() {
            self.missing.push(name.to_owned());
        }
        number
    }

    /// An error that lists every missing name, if there are any.
    pub fn complete(self) -> Result<(), MissingConfiguration> {
        if self.missing.is_empty() { Ok(()) } else { Err(MissingConfiguration(self.missing)) }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_missing_names_are_in_one_error() {
        let mut env = super::Env::of_process();
        env.required("CEIBA_NOT_SET_A");
        env.required("CEIBA_NOT_SET_B");
        let error = env.complete().unwrap_err().to_string();
        assert!(error.contains("CEIBA_NOT_SET_A, CEIBA_NOT_SET_B"), "{error}");
    }
}
