//! Bonuses: who earns, on what, how much.

use foundation::locale::Text;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    indicator::{Code, RuleText, Tree},
    schema,
};

/// A bonus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bonus {
    /// Unique code.
    #[schemars(with = "schema::CodeText")]
    pub code: Code,
    /// Name people read.
    #[schemars(with = "schema::BilingualText")]
    pub name: Text,
    /// Who is paid. Default: `active`. Customers never are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<RuleText>,
    /// How it is computed.
    pub pays: Mechanic,
    /// The most one person gets of it in a cycle, in the base currency.
    #[schemars(with = "Option<schema::DecimalText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_per_person: Option<Decimal>,
}

/// How a bonus is computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanic {
    /// A rate on an indicator of the earner.
    Percentage(Percentage),
    /// A rate by level on what each member of the downline brought.
    Unilevel(Unilevel),
}

/// A rate on an indicator of the earner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Percentage {
    /// Code of the indicator that is paid on. Its unit decides what a point is worth.
    pub of: Code,
    /// The rate.
    pub rate: Rate,
}

/// One rate, or brackets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rate {
    /// The same for everyone: `"0.05"` is five per cent.
    Fixed(#[schemars(with = "schema::DecimalText")] Decimal),
    /// By the size of an indicator.
    Brackets(Brackets),
}

/// Rates by the size of an indicator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brackets {
    /// Code of the indicator that is compared. Default: the one that is paid on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Code>,
    /// The brackets, lowest first. Under the first the rate is 0.
    pub steps: Vec<Bracket>,
    /// Each slice is paid at its own rate, instead of the whole at the rate of the bracket reached. Only where what is
    /// compared is what is paid on.
    #[serde(default)]
    pub marginal: bool,
}

/// A bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bracket {
    /// From this value on.
    #[schemars(with = "schema::DecimalText")]
    pub from: Decimal,
    /// The rate.
    #[schemars(with = "schema::DecimalText")]
    pub rate: Decimal,
}

/// A rate by level on what each member of the downline brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unilevel {
    /// What is paid on.
    pub on: LevelBase,
    /// The rates.
    pub rates: LevelRates,
    /// Levels paid by rank; the highest rank reached counts. Who reaches none is paid no level. Empty: all levels.
    #[serde(default)]
    pub depth: Vec<DepthByRank>,
    /// Who takes a level. Default: `active`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualified: Option<RuleText>,
    /// What happens to the level of a person who is not qualified.
    #[serde(default)]
    pub compression: Compression,
    /// Under `roll-up`: whose rate a share that passed up is paid at.
    #[serde(default)]
    pub roll_up_rate: RollUpRate,
    /// The tree levels are counted in.
    #[serde(default)]
    pub tree: Tree,
}

/// What a unilevel bonus is paid on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LevelBase {
    /// An indicator of the member: a line per member.
    Indicator(Code),
    /// The member's orders: a line per order.
    Orders(OrderMeasure),
}

/// What is paid on of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderMeasure {
    /// Qualifying volume.
    Vq,
    /// Commissionable volume.
    Vc,
    /// Net amount in the base currency.
    Net,
    /// Gross amount in the base currency.
    Gross,
}

/// Rates of the levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LevelRates {
    /// For everyone: the rate of level 1, 2, ...
    ByLevel(#[schemars(with = "Vec<schema::DecimalText>")] Vec<Decimal>),
    /// By the earner's rank; the highest rank reached counts. Who reaches none has no rate.
    ByRank(Vec<RatesOfRank>),
}

/// Rates of the levels for a rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RatesOfRank {
    /// From this rank on; none: for everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<Code>,
    /// The rate of level 1, 2, ...
    #[schemars(with = "Vec<schema::DecimalText>")]
    pub rates: Vec<Decimal>,
}

/// Levels paid to a rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DepthByRank {
    /// From this rank on; none: for everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<Code>,
    /// Levels paid.
    #[schemars(range(max = 64))]
    pub levels: u16,
}

/// What happens to the level of a person who is not qualified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// They take it, and that share is not paid.
    #[default]
    None,
    /// They are skipped and take none.
    Dynamic,
    /// They take it, and that share passes to the next qualified person up.
    RollUp,
}

/// Whose rate a share that passed up is paid at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RollUpRate {
    /// The rate of the person who lost it.
    #[default]
    Loser,
    /// The rate of the person who gets it.
    Receiver,
}
