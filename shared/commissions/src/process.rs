//! Processes: a company's configured lists of steps.

use std::collections::BTreeSet;

use foundation::{
    id::ProcessId,
    locale::Text,
    problem::{FieldError, Kind, Problem},
};
use serde::{Deserialize, Serialize};

use crate::{plans::PlanName, step::Step};

/// How often a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Every day.
    Daily,
    /// Every month, or every cycle of the commercial calendar.
    Monthly,
    /// Every year.
    Annual,
}

/// What a company writes to configure a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// What people call it.
    pub name: Text,
    /// How often it runs.
    pub category: Category,
    /// The calendar whose cycles it settles.
    pub calendar: String,
    /// The plan it computes by; the newest published version counts when the network is integrated.
    pub plan: PlanName,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// Whether the schedule starts it for each cycle that is over.
    #[serde(default)]
    pub scheduled: bool,
    /// Who may approve its bonuses, by token subject or person id. Empty: everybody with the permission.
    #[serde(default)]
    pub approvers: Vec<String>,
    /// Where e-mails go when it waits for somebody or fails.
    #[serde(default)]
    pub mail: Vec<String>,
    /// Counts its changes, from 1. Who writes says which version they have seen: 0 for a new process.
    #[serde(default)]
    pub version: u64,
}

/// A configured process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub id: ProcessId,
    /// What the company configured.
    #[serde(flatten)]
    pub configuration: Configuration,
}

/// Why a process cannot be configured or found.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The configuration has mistakes; all of them are listed.
    #[error("the process has {} mistake(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// Somebody else changed it.
    #[error("the process was changed meanwhile: its version is {found}, not {given}")]
    Changed {
        /// The version the caller knew.
        given: u64,
        /// The version there is; 0 if there is none.
        found: u64,
    },
}

impl Problem for ProcessError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) => Kind::Rejected,
            Self::Changed { .. } => Kind::Conflict,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "process.invalid",
            Self::Changed { .. } => "process.version",
        }
    }
    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Changed { .. } => Vec::new(),
        }
    }
}

/// Texts longer than this are no names.
const NAME_CHARACTERS_MAX: usize = 100;
/// Addresses and approvers a process has at most.
const LIST_MAX: usize = 20;

impl Configuration {
    /// Everything that is wrong with it.
    pub fn check(&self) -> Result<(), ProcessError> {
        let mut mistakes = Vec::new();
        let mut wrong = |pointer: String, detail: String| mistakes.push(FieldError { pointer, detail });
        for (pointer, text) in [("/name/es", &self.name.es), ("/name/en", &self.name.en)] {
            if text.trim().is_empty() || text.chars().count() > NAME_CHARACTERS_MAX {
                wrong(
                    pointer.to_owned(),
                    format!("expected 1 to {NAME_CHARACTERS_MAX} characters; found {text:?}"),
                );
            }
        }
        if self.calendar.parse::<foundation::id::CycleId>().is_err() {
            wrong(
                "/calendar".to_owned(),
                format!("expected the id of a calendar; found {:?}", self.calendar),
            );
        }
        for (pointer, list) in [("approvers", &self.approvers), ("mail", &self.mail)] {
            if list.len() > LIST_MAX {
                wrong(format!("/{pointer}"), format!("expected at most {LIST_MAX}; found {}", list.len()));
            }
        }
        for (place, address) in self.mail.iter().enumerate() {
            if !is_address(address) {
                wrong(format!("/mail/{place}"), format!("expected an e-mail address; found {address:?}"));
            }
        }
        mistakes.extend(mistakes_in_order(&self.steps));
        if mistakes.is_empty() { Ok(()) } else { Err(ProcessError::Invalid(mistakes)) }
    }

    /// Whether somebody with the permission to approve is among the approvers.
    pub fn lets_approve(&self, subject: &str, person: Option<&str>) -> bool {
        let among = |name: &str| self.approvers.iter().any(|approver| approver == name);
        self.approvers.is_empty() || among(subject) || person.is_some_and(among)
    }
}

fn is_address(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let printable = text.len() <= 254 && text.bytes().all(|byte| byte.is_ascii_graphic());
    printable && !name.is_empty() && domain.contains('.') && !domain.contains('@') && !domain.ends_with('.')
}

/// The mistakes of a list of steps: twice the same, not available, or before everything it may follow.
fn mistakes_in_order(steps: &[Step]) -> Vec<FieldError> {
    let mut mistakes = Vec::new();
    let mut seen = BTreeSet::new();
    if steps.is_empty() {
        mistakes.push(FieldError {
            pointer: "/steps".to_owned(),
            detail: "expected at least one step".to_owned(),
        });
    }
    for (place, step) in steps.iter().enumerate() {
        let mut wrong =
            |detail: String| mistakes.push(FieldError { pointer: format!("/steps/{place}"), detail });
        if !step.is_available() {
            wrong(format!("{step} is not available"));
        }
        let before = step.may_follow();
        if before.is_empty() && place > 0 {
            wrong(format!("{step} starts a process; it cannot come later"));
        }
        if !before.is_empty() && !before.iter().any(|earlier| seen.contains(earlier)) {
            let names: Vec<_> = before.iter().map(|earlier| earlier.name()).collect();
            wrong(format!("{step} may follow {}; none of them comes before it", names.join(" or ")));
        }
        if !seen.insert(*step) {
            wrong(format!("{step} is there twice"));
        }
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::{
        AdjustIndicators, ApplyHonorificRank, CalculateBonuses, CalculateIndicators, CalculateRank,
        IntegrateIndicators, IntegrateNetwork, Pay, ValidateBonuses, VerifyNetwork,
    };

    fn configuration(steps: Vec<Step>) -> Configuration {
        Configuration {
            name: Text { es: "Mensual".into(), en: "Monthly".into() },
            category: Category::Monthly,
            calendar: "commercial".into(),
            plan: "monthly".parse().unwrap(),
            steps,
            scheduled: true,
            approvers: vec![],
            mail: vec!["tesoreria@ceiba.example".into()],
            version: 0,
        }
    }

    #[test]
    fn steps_come_in_an_order_the_table_allows() {
        let whole = vec![
            VerifyNetwork,
            IntegrateNetwork,
            CalculateIndicators,
            CalculateRank,
            CalculateBonuses,
            IntegrateIndicators,
            ValidateBonuses,
            ApplyHonorificRank,
            Pay,
        ];
        let cases = [
            ("the whole process", whole, vec![]),
            (
                "indicators only",
                vec![VerifyNetwork, IntegrateNetwork, CalculateIndicators, IntegrateIndicators],
                vec![],
            ),
            ("nothing", vec![], vec!["/steps"]),
            ("no start", vec![IntegrateNetwork], vec!["/steps/0"]),
            (
                "a rank without indicators",
                vec![VerifyNetwork, IntegrateNetwork, CalculateRank],
                vec!["/steps/2"],
            ),
            ("the start twice", vec![VerifyNetwork, VerifyNetwork], vec!["/steps/1", "/steps/1"]),
            (
                "a step of a later version",
                vec![VerifyNetwork, IntegrateNetwork, CalculateIndicators, AdjustIndicators],
                vec!["/steps/3"],
            ),
        ];
        for (name, steps, pointers) in cases {
            let found: Vec<_> =
                mistakes_in_order(&steps).into_iter().map(|mistake| mistake.pointer).collect();
            assert_eq!(found, pointers, "{name}");
        }
    }

    #[test]
    fn all_mistakes_are_reported_together() {
        let mut wrong = configuration(vec![]);
        wrong.name.es = " ".into();
        wrong.calendar = "a/b".into();
        wrong.mail = vec!["nobody".into(), "a@b.co".into(), "@b.co".into()];
        let ProcessError::Invalid(fields) = wrong.check().unwrap_err() else { panic!("expected mistakes") };
        let pointers: Vec<_> = fields.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name/es", "/calendar", "/mail/0", "/mail/2", "/steps"]);
    }

    #[test]
    fn approvers_are_those_listed_or_everybody() {
        let mut process = configuration(vec![VerifyNetwork]);
        assert!(process.lets_approve("anyone", None));
        process.approvers = vec!["ana".into(), "P7".into()];
        assert!(process.lets_approve("ana", None));
        assert!(process.lets_approve("x", Some("P7")));
        assert!(!process.lets_approve("x", Some("P8")));
    }
}
