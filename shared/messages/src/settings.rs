//! What a company sets for its mail.

use foundation::{
    locale::Locale,
    problem::{Kind, Malformed, Problem},
};
use serde::{Deserialize, Serialize};

use crate::address::Address;

/// The fastest rate that can be set, in letters a second.
const RATE_MAX: u16 = 500;

/// Settings of the company's mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The company's name, as letters say it.
    pub company: String,
    /// Who hears of processes that wait or stop.
    #[serde(default)]
    pub operators: Vec<Address>,
    /// The language of letters to them.
    #[serde(default)]
    pub operators_locale: Locale,
    /// Letters of campaigns that leave in a second.
    pub letters_per_second: u16,
    /// How often the settings were changed; a change names the version it saw.
    #[serde(default)]
    pub version: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            company: "Ceiba".to_owned(),
            operators: Vec::new(),
            operators_locale: Locale::Es,
            // What a new account of the mail service is granted.
            letters_per_second: 14,
            version: 0,
        }
    }
}

impl Settings {
    /// These settings, if they can be worked with.
    pub fn checked(self) -> Result<Self, Malformed> {
        if self.company.trim().is_empty() || 100 < self.company.chars().count() {
            return Err(Malformed::at("/company", "expected 1 to 100 characters"));
        }
        if 20 < self.operators.len() {
            return Err(Malformed::at("/operators", "expected at most 20 addresses"));
        }
        if !(1..=RATE_MAX).contains(&self.letters_per_second) {
            return Err(Malformed::at("/letters_per_second", format!("expected 1 to {RATE_MAX}")));
        }
        Ok(self)
    }
}

/// Somebody else changed the settings in the meantime.
#[derive(Debug, thiserror::Error)]
#[error("the settings are not at version {0} any more: read them again")]
pub struct StaleSettings(pub u64);

impl Problem for StaleSettings {
    fn kind(&self) -> Kind {
        Kind::Conflict
    }
    fn code(&self) -> &'static str {
        "message.stale-settings"
    }
}
