//! Versions of plans: draft, published and immutable, retired.

use std::fmt;

use foundation::{
    locale::Text,
    problem::{Kind, Problem},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The name under which a company keeps the versions of a plan: lower-case letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanName(String);

/// A text that is no name of a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a plan has 1 to {PLAN_NAME_MAX} characters out of a-z, 0-9 and '-'; found {found:?}")]
pub struct InvalidPlanName {
    /// The refused text.
    pub found: String,
}

const PLAN_NAME_MAX: usize = 40;

impl PlanName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name made from what people call the plan: `Plan Ceiba 2026` is `plan-ceiba-2026`.
    pub fn of_title(title: &str) -> Result<Self, InvalidPlanName> {
        let mut name = String::new();
        for letter in title.chars().flat_map(char::to_lowercase).map(without_accent) {
            if letter.is_ascii_alphanumeric() {
                name.push(letter);
            } else if !name.is_empty() && !name.ends_with('-') {
                name.push('-');
            }
        }
        let name: String = name.chars().take(PLAN_NAME_MAX).collect();
        name.trim_end_matches('-').to_owned().try_into()
    }
}

fn without_accent(letter: char) -> char {
    match letter {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' | 'ü' => 'u',
        'ñ' => 'n',
        other => other,
    }
}

impl TryFrom<String> for PlanName {
    type Error = InvalidPlanName;
    fn try_from(found: String) -> Result<Self, InvalidPlanName> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=PLAN_NAME_MAX).contains(&found.len()) && found.bytes().all(plain) {
            Ok(Self(found))
        } else {
            Err(InvalidPlanName { found })
        }
    }
}

impl std::str::FromStr for PlanName {
    type Err = InvalidPlanName;
    fn from_str(text: &str) -> Result<Self, InvalidPlanName> {
        text.to_owned().try_into()
    }
}

impl From<PlanName> for String {
    fn from(name: PlanName) -> String {
        name.0
    }
}

impl fmt::Display for PlanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a version of a plan is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanState {
    /// May be changed; no run uses it.
    Draft,
    /// Never changes; runs use the newest one.
    Published,
    /// No new run uses it.
    Retired,
}

impl fmt::Display for PlanState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Draft => "a draft",
            Self::Published => "published",
            Self::Retired => "retired",
        })
    }
}

/// A version of a plan. The document itself lies under its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanVersion {
    /// The plan.
    pub name: PlanName,
    /// Its version, as the document counts it.
    pub version: u32,
    /// What people call it.
    pub title: Text,
    /// Draft, published or retired.
    pub state: PlanState,
    /// SHA-256 of the canonical document: the plan's name in every run.
    pub hash: String,
    /// When this draft was saved.
    pub saved_at: Timestamp,
    /// Who saved it.
    pub saved_by: String,
    /// When it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// When it was retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
}

/// The plan a run was computed by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanReference {
    /// The plan.
    pub name: PlanName,
    /// Its version.
    pub version: u32,
    /// The hash of its document.
    pub hash: String,
}

/// Why a version of a plan does not change.
#[derive(Debug, thiserror::Error)]
pub enum PlanStateError {
    /// It was published, and the new document is another one.
    #[error(
        "version {version} of plan {name} is published and never changes; give the document another version"
    )]
    Immutable {
        /// The plan.
        name: PlanName,
        /// The version.
        version: u32,
    },
    /// Only drafts are published, only published versions are retired.
    #[error("version {version} of plan {name} is {state}")]
    WrongState {
        /// The plan.
        name: PlanName,
        /// The version.
        version: u32,
        /// Its state.
        state: PlanState,
    },
    /// No version is published.
    #[error("plan {name} has no published version")]
    NothingPublished {
        /// The plan.
        name: PlanName,
    },
    /// The stored document is not the one its hash names.
    #[error("the stored document {hash} is missing or damaged")]
    Damaged {
        /// The hash.
        hash: String,
    },
}

impl Problem for PlanStateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Immutable { .. } | Self::WrongState { .. } => Kind::Conflict,
            Self::NothingPublished { .. } => Kind::Rejected,
            Self::Damaged { .. } => Kind::Internal,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Immutable { .. } => "plan.immutable",
            Self::WrongState { .. } => "plan.state",
            Self::NothingPublished { .. } => "plan.unpublished",
            Self::Damaged { .. } => "plan.damaged",
        }
    }
}

impl PlanVersion {
    fn wrong_state(&self) -> PlanStateError {
        PlanStateError::WrongState { name: self.name.clone(), version: self.version, state: self.state }
    }

    /// Whether `draft` may take this version's place. Saving the same document again is no change.
    pub fn may_become(&self, draft: &Self) -> Result<(), PlanStateError> {
        if self.state == PlanState::Draft || self.hash == draft.hash {
            return Ok(());
        }
        Err(PlanStateError::Immutable { name: self.name.clone(), version: self.version })
    }

    /// This version, published. Publishing again is no change.
    pub fn published(mut self, now: Timestamp) -> Result<Self, PlanStateError> {
        match self.state {
            PlanState::Draft => {
                self.state = PlanState::Published;
                self.published_at = Some(now);
                Ok(self)
            }
            PlanState::Published => Ok(self),
            PlanState::Retired => Err(self.wrong_state()),
        }
    }

    /// This version, retired. Retiring again is no change.
    pub fn retired(mut self, now: Timestamp) -> Result<Self, PlanStateError> {
        match self.state {
            PlanState::Published => {
                self.state = PlanState::Retired;
                self.retired_at = Some(now);
                Ok(self)
            }
            PlanState::Retired => Ok(self),
            PlanState::Draft => Err(self.wrong_state()),
        }
    }

    /// How runs name it.
    pub fn reference(&self) -> PlanReference {
        PlanReference { name: self.name.clone(), version: self.version, hash: self.hash.clone() }
    }
}

/// The version a run that starts now computes by: the newest that is published.
pub fn in_force<'a>(name: &PlanName, versions: &'a [PlanVersion]) -> Result<&'a PlanVersion, PlanStateError> {
    versions
        .iter()
        .filter(|version| version.state == PlanState::Published)
        .max_by_key(|version| version.version)
        .ok_or_else(|| PlanStateError::NothingPublished { name: name.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u32, state: PlanState) -> PlanVersion {
        PlanVersion {
            name: "monthly".parse().unwrap(),
            version: number,
            title: Text::default(),
            state,
            hash: format!("hash-{number}"),
            saved_at: Timestamp::UNIX_EPOCH,
            saved_by: "ana".into(),
            published_at: None,
            retired_at: None,
        }
    }

    #[test]
    fn a_title_becomes_a_name() {
        let cases =
            [("Plan Ceiba 2026", Some("plan-ceiba-2026")), ("¡Año Nuevo!", Some("ano-nuevo")), ("---", None)];
        for (title, expected) in cases {
            assert_eq!(PlanName::of_title(title).ok().as_ref().map(PlanName::as_str), expected, "{title}");
        }
        assert!("Monthly".parse::<PlanName>().is_err());
    }

    #[test]
    fn a_published_version_never_changes() {
        let published = version(1, PlanState::Draft).published(Timestamp::UNIX_EPOCH).unwrap();
        let mut other = version(1, PlanState::Draft);
        assert!(published.may_become(&other).is_ok(), "the same document again");
        other.hash = "another".into();
        assert!(published.may_become(&other).is_err());
        assert!(version(1, PlanState::Draft).may_become(&other).is_ok());
        let retired = published.clone().retired(Timestamp::UNIX_EPOCH).unwrap();
        assert!(retired.may_become(&other).is_err());
        assert!(retired.published(Timestamp::UNIX_EPOCH).is_err());
        assert!(version(1, PlanState::Draft).retired(Timestamp::UNIX_EPOCH).is_err());
    }

    #[test]
    fn the_newest_published_version_is_in_force() {
        let versions = [
            version(1, PlanState::Published),
            version(2, PlanState::Published),
            version(3, PlanState::Retired),
            version(4, PlanState::Draft),
        ];
        let name = "monthly".parse().unwrap();
        assert_eq!(in_force(&name, &versions).unwrap().version, 2);
        assert!(in_force(&name, &versions[2..]).is_err());
    }
}
