//! Ranks: the steps of the career and how one climbs and falls.

use foundation::locale::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    indicator::{Code, RuleText, Tree},
    schema,
};

/// The career.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RankLadder {
    /// The ranks, lowest first.
    pub steps: Vec<Rank>,
    /// What a rank needs besides its own rule.
    pub promotion: Promotion,
    /// Most steps from the previous paid rank in one cycle; none: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_steps_per_cycle: Option<u8>,
    /// Grace.
    pub grace: Grace,
    /// How often a rank must have been earned before it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continuity: Option<Continuity>,
    /// How long a rank that was reached is safe, whatever is earned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
    /// Which ranks conditions on legs see.
    pub leg_rank: LegRank,
    /// The tree ranks are evaluated over.
    pub tree: Tree,
    /// Legs headed by customers count in conditions on legs.
    pub customers_open_legs: bool,
    /// How the honorific rank is kept.
    pub honorific: Honorific,
}

/// A step of the career.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rank {
    /// Unique code, by which rules name it.
    #[schemars(with = "schema::CodeText")]
    pub code: Code,
    /// Name people read.
    #[schemars(with = "schema::BilingualText")]
    pub name: Text,
    /// What it takes.
    pub rule: RuleText,
}

/// What a rank needs besides its own rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Promotion {
    /// The rules of all ranks under it.
    #[default]
    Sequential,
    /// Nothing: the highest rank whose rule holds is earned.
    Highest,
}

/// How long a rank is kept without being earned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grace {
    /// Cycles in a row.
    pub cycles: u8,
    /// Where one falls afterwards.
    pub then: Fall,
}

/// Where one falls when grace is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fall {
    /// To the earned rank.
    #[default]
    ToEarned,
    /// One step, never under the earned rank.
    OneStep,
}

/// How often a rank must have been earned before it is kept or paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Continuity {
    /// Cycles in which the rank or a higher one was earned, the cycle being computed included.
    #[schemars(range(min = 1))]
    pub earned: u8,
    /// Out of so many cycles, the cycle being computed included. Cycles that are not known count as without a rank.
    #[schemars(range(min = 1, max = 60))]
    pub of_last: u8,
    /// What it is asked for.
    #[serde(default)]
    pub asked: Asked,
}

/// What continuity is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// To keep what is not earned in this cycle: the highest rank earned often enough is paid, up to the previous paid rank. Grace
    /// begins only when that is less than the previous paid rank.
    #[default]
    ToKeep,
    /// To be protected by grace, which then keeps ranks earned often enough only.
    ForGrace,
    /// To be paid as a rank at all, also the first time: what is earned counts for the paid rank once it was earned often enough.
    ToBePaid,
}

/// How long a rank that was reached is safe: whoever is paid as a higher rank than in the cycle before keeps it, whatever is
/// earned, and uses no grace. A rank set by hand is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Cycles after the one in which it is reached.
    #[schemars(range(min = 1))]
    pub cycles: u8,
    /// Only for who reaches it within so many months of joining: before that day of the month on the last day of the cycle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub months_since_joining: Option<u16>,
}

/// Which ranks conditions on legs see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LegRank {
    /// What was earned in this run.
    #[default]
    Earned,
    /// What is paid in this run.
    Paid,
}

/// How the honorific rank is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Honorific {
    /// The highest paid rank ever.
    #[default]
    History,
    /// The paid rank at the close of the calendar year, that is of the cycle with its last day, held until the next.
    Year,
}
