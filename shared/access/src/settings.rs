//! What the company has decided for all of its platform.

use std::collections::BTreeSet;

use foundation::{
    locale::{Locale, Text},
    money::Currency,
    problem::{FieldError, Malformed},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Who e-mails come from, as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// The name beside the sender's address.
    pub name: String,
    /// The lines below each letter: address, imprint, why one gets it.
    pub footer: Text,
}

/// Who may register without being registered by somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationRules {
    /// Whether public pages take registrations.
    pub is_public: bool,
    /// The kinds of person that public pages take: `consultant`, `customer`.
    pub public_kinds: BTreeSet<String>,
}

/// What a caller says of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsDraft {
    /// The company's name.
    pub name: String,
    /// IANA name of the time zone that days and cycles are counted in.
    pub time_zone: String,
    /// The currency that rates lead to and that newcomers have unless they say otherwise.
    pub base_currency: Currency,
    /// The language people are written to unless they say otherwise.
    pub locale: Locale,
    /// Who e-mails come from.
    pub sender: Sender,
    /// Who may register without being registered by somebody.
    pub registration: RegistrationRules,
    /// The version the caller has seen; 0 if nothing was ever configured.
    pub version: u64,
}

/// The company's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The company's name.
    pub name: String,
    /// IANA name of the time zone that days and cycles are counted in.
    pub time_zone: String,
    /// The currency that rates lead to.
    pub base_currency: Currency,
    /// The language people are written to unless they say otherwise.
    pub locale: Locale,
    /// Who e-mails come from.
    pub sender: Sender,
    /// Who may register without being registered by somebody.
    pub registration: RegistrationRules,
    /// Raised by every change; 0 if nothing was ever configured.
    pub version: u64,
}

const KINDS: &[&str] = &["consultant", "customer"];

impl Settings {
    /// What holds until the company says otherwise: a company in Colombia that takes customers and consultants on public pages.
    ///
    /// # Errors
    /// Never, as long as the peso is a currency.
    pub(crate) fn defaults() -> Result<Self, foundation::money::UnknownCurrency> {
        Ok(Self {
            name: "Ceiba".to_owned(),
            time_zone: "America/Bogota".to_owned(),
            base_currency: "COP".parse()?,
            locale: Locale::Es,
            sender: Sender { name: "Ceiba".to_owned(), footer: Text::default() },
            registration: RegistrationRules {
                is_public: true,
                public_kinds: KINDS.iter().map(|kind| (*kind).to_owned()).collect(),
            },
            version: 0,
        })
    }

    /// The time zone that days are counted in.
    pub fn zone(&self) -> TimeZone {
        // It was checked when it was written; a platform that no longer knows it counts in UTC rather than not at all.
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// The day it is in the company's time zone.
    pub fn today(&self, now: Timestamp) -> Date {
        now.to_zoned(self.zone()).date()
    }
}

impl SettingsDraft {
    /// The settings under the next version; everything that is wrong is reported at once.
    pub(crate) fn checked(self) -> Result<Settings, Malformed> {
        let mut wrong = Vec::new();
        let mut at =
            |pointer: &str, detail: String| wrong.push(FieldError { pointer: pointer.to_owned(), detail });
        for (pointer, text) in [("/name", &self.name), ("/sender/name", &self.sender.name)] {
            let length = text.trim().chars().count();
            // Quotes and angle brackets would break out of the sender's address.
            if !(1..=100).contains(&length)
                || text.chars().any(|sign| sign.is_control() || matches!(sign, '"' | '<' | '>'))
            {
                at(
                    pointer,
                    format!("expected 1 to 100 characters without quotes and angle brackets; found {text:?}"),
                );
            }
        }
        for (pointer, text) in
            [("/sender/footer/es", &self.sender.footer.es), ("/sender/footer/en", &self.sender.footer.en)]
        {
            if text.chars().count() > 1_000 {
                at(pointer, "expected at most 1000 characters".to_owned());
            }
        }
        if TimeZone::get(&self.time_zone).is_err() {
            let shown: String = self.time_zone.chars().take(80).collect();
            at("/time_zone", format!("expected an IANA time zone such as America/Bogota; found {shown:?}"));
        }
        if let Some(kind) = self.registration.public_kinds.iter().find(|kind| !KINDS.contains(&kind.as_str()))
        {
            at(
                "/registration/public_kinds",
                format!("expected \"consultant\" and \"customer\"; found {kind:?}"),
            );
        }
        if !wrong.is_empty() {
            return Err(Malformed(wrong));
        }
        Ok(Settings {
            name: self.name,
            time_zone: self.time_zone,
            base_currency: self.base_currency,
            locale: self.locale,
            sender: self.sender,
            registration: self.registration,
            version: self.version.saturating_add(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(change: impl FnOnce(&mut SettingsDraft)) -> SettingsDraft {
        let settings = Settings::defaults().unwrap();
        let mut draft = SettingsDraft {
            name: settings.name,
            time_zone: settings.time_zone,
            base_currency: settings.base_currency,
            locale: settings.locale,
            sender: settings.sender,
            registration: settings.registration,
            version: 0,
        };
        change(&mut draft);
        draft
    }

    #[test]
    fn all_unsound_settings_are_named_at_once() {
        let wrong = draft(|draft| {
            draft.name = String::new();
            draft.time_zone = "Mars/Olympus".into();
            draft.sender.name = "Ana\" <evil@example.com>".into();
            draft.registration.public_kinds.insert("boss".into());
        });
        let Malformed(fields) = wrong.checked().unwrap_err();
        let pointers: Vec<_> = fields.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/sender/name", "/time_zone", "/registration/public_kinds"]);
        assert_eq!(draft(|_| {}).checked().unwrap().version, 1);
    }

    #[test]
    fn the_day_is_the_companys() {
        let settings = Settings::defaults().unwrap();
        let late = "2026-11-01T04:59:59Z".parse().unwrap();
        assert_eq!(settings.today(late).to_string(), "2026-10-31");
    }
}
