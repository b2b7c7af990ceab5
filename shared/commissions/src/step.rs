//! The steps a process is made of, and which may follow which.

use serde::{Deserialize, Serialize};

macro_rules! steps {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A step of a process. The names are part of the API, of the state machine and of the files' keys.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Step {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Step {
            /// All steps, in the order a process may have them.
            pub const ALL: &'static [Step] = &[$(Step::$variant,)*];

            /// The step's name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Step::$variant => $name,)*
                }
            }
        }

        impl std::str::FromStr for Step {
            type Err = UnknownStep;
            fn from_str(name: &str) -> Result<Self, UnknownStep> {
                match name {
                    $($name => Ok(Step::$variant),)*
                    _ => Err(UnknownStep { found: name.to_owned() }),
                }
            }
        }
    };
}

steps! {
    /// Checks the trees and the orders' people; stops with the list of violations.
    VerifyNetwork = "verify-network",
    /// Freezes people, trees, volumes, ranks, plan and exchange rates into a snapshot.
    IntegrateNetwork = "integrate-network",
    /// All indicators that do not need this cycle's ranks.
    CalculateIndicators = "calculate-indicators",
    /// Writes the settlements so that they can be read.
    IntegrateIndicators = "integrate-indicators",
    /// Takes the settlements back.
    RevertIndicators = "revert-indicators",
    /// Waits for indicators to be set by hand.
    AdjustIndicators = "adjust-indicators",
    /// Drops indicators and everything after them.
    ResetIndicators = "reset-indicators",
    /// Earned and paid ranks, then the indicators that need them.
    CalculateRank = "calculate-rank",
    /// Bonuses and traces.
    CalculateBonuses = "calculate-bonuses",
    /// Checks the bonuses and waits for approval.
    ValidateBonuses = "validate-bonuses",
    /// Writes the honorific ranks that the next cycle starts from.
    ApplyHonorificRank = "apply-honorific-rank",
    /// Payables by person, currency and method.
    Pay = "pay",
    /// Moves the children of inactive people up.
    CompressNetwork = "compress-network",
}

/// A text that names no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no step {found:?}")]
pub struct UnknownStep {
    /// The refused text.
    pub found: String,
}

impl Step {
    /// The steps of which one has to be done before this one; none for the step that starts a process.
    pub fn may_follow(self) -> &'static [Step] {
        use Step::{
            CalculateBonuses, CalculateIndicators, CalculateRank, IntegrateIndicators, IntegrateNetwork, Pay,
            ValidateBonuses, VerifyNetwork,
        };
        match self {
            VerifyNetwork => &[],
            IntegrateNetwork => &[VerifyNetwork],
            CalculateIndicators => &[IntegrateNetwork],
            IntegrateIndicators => &[CalculateIndicators, CalculateBonuses],
            Step::RevertIndicators => &[IntegrateIndicators],
            Step::AdjustIndicators | Step::ResetIndicators | CalculateRank => &[CalculateIndicators],
            CalculateBonuses => &[CalculateRank],
            ValidateBonuses => &[CalculateBonuses],
            Step::ApplyHonorificRank | Pay => &[ValidateBonuses],
            Step::CompressNetwork => &[Pay],
        }
    }

    /// Whether this version of the platform can do it; a process that asks for another is refused.
    pub fn is_available(self) -> bool {
        !matches!(
            self,
            Step::RevertIndicators | Step::AdjustIndicators | Step::ResetIndicators | Step::CompressNetwork
        )
    }

    /// Whether it is computed part by part and joined, where the network is cut.
    pub fn is_computed_by_parts(self) -> bool {
        matches!(self, Step::CalculateIndicators | Step::CalculateRank)
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_step_in_text_and_json() {
        for step in Step::ALL {
            assert_eq!(step.name().parse::<Step>().unwrap(), *step);
            assert_eq!(serde_json::to_value(step).unwrap(), step.name());
        }
        assert!("integrate_network".parse::<Step>().is_err());
    }

    #[test]
    fn every_step_but_the_first_follows_another_and_none_follows_itself() {
        for step in Step::ALL {
            assert_eq!(step.may_follow().is_empty(), *step == Step::VerifyNetwork, "{step}");
            assert!(!step.may_follow().contains(step), "{step}");
        }
    }
}
