//! The plan document as a company writes it: what every field of the JSON means.

use foundation::{
    locale::Text,
    money::{Currency, Rounding},
};
use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    bonus::{Bonus, Limit},
    indicator::{Code, Indicator, RuleText},
    rank::RankLadder,
    schema,
};

/// A compensation plan. Decimals are written as JSON strings (`"0.05"`), so that none passes through a binary fraction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Version of this document format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub format: u32,
    /// Name of the plan.
    #[schemars(with = "schema::BilingualText")]
    pub name: Text,
    /// Version of the plan, counted by the company.
    #[schemars(range(min = 1))]
    pub version: u32,
    /// Time zone cycles begin and end in (IANA name).
    pub time_zone: String,
    /// Local days on which the company's own periods begin, earliest first: of six campaigns each, for example. A cycle is of the period
    /// its last day lies in. The last of these days begins none: it ends the period before it, and later cycles are not computed where
    /// something asks for their period. What lies before the first of them is one period too. For the window `plan-period` and for
    /// a true-up over it.
    #[schemars(with = "Vec<schema::DayText>")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub period_starts: Vec<Date>,
    /// Currencies people are paid in, and rounding.
    pub currencies: Currencies,
    /// What a point of volume is worth.
    #[serde(default)]
    pub volumes: Volumes,
    /// Who is active.
    pub activity: Activity,
    /// Built-in indicators in use.
    #[serde(default)]
    pub catalogue: CatalogueSettings,
    /// The company's own indicators.
    #[serde(default)]
    pub indicators: Vec<Indicator>,
    /// The career.
    #[serde(default)]
    pub ranks: RankLadder,
    /// What is paid, in the order of the statement.
    #[serde(default)]
    pub bonuses: Vec<Bonus>,
    /// Bonuses of which a person gets one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
    /// The most one person gets of everything in a cycle, in the base currency. Who reaches no rank of a cap by rank gets nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_per_person: Option<Limit>,
    /// A cap on everything paid in a cycle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout_cap: Option<PayoutCap>,
    /// The least that is paid out to a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_payout: Option<MinimumPayout>,
    /// How returns are treated.
    #[serde(default)]
    pub returns: Returns,
    /// What is checked before bonuses are shown to everyone.
    #[serde(default)]
    pub checks: Checks,
}

/// Currencies and rounding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Currencies {
    /// The currency volumes are valued in and totals are compared in.
    #[schemars(with = "schema::CurrencyCode")]
    pub base: Currency,
    /// Other currencies people are paid in.
    #[serde(default)]
    pub earners: Vec<EarnerCurrency>,
    /// How payout lines are rounded to the minor unit of their currency.
    #[serde(default)]
    #[schemars(with = "schema::RoundingName")]
    pub rounding: Rounding,
}

/// A currency people are paid in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarnerCurrency {
    /// The currency.
    #[schemars(with = "schema::CurrencyCode")]
    pub currency: Currency,
    /// Units of it for one unit of the base currency, where a run is not given another rate.
    #[schemars(with = "schema::DecimalText")]
    pub per_base_unit: Decimal,
}

/// What one point of each volume is worth in the base currency. Money measures are worth themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Volumes {
    /// Value of a point of qualifying volume.
    #[schemars(with = "schema::DecimalText")]
    pub vq_value: Decimal,
    /// Value of a point of commissionable volume.
    #[schemars(with = "schema::DecimalText")]
    pub vc_value: Decimal,
    /// Value of a loyalty point.
    #[schemars(with = "schema::DecimalText")]
    pub points_value: Decimal,
}

impl Default for Volumes {
    fn default() -> Self {
        Self { vq_value: Decimal::ONE, vc_value: Decimal::ONE, points_value: Decimal::ONE }
    }
}

/// Who is active in a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// A condition over a person's own volume and attributes, for example `own_vq >= 100`.
    pub rule: RuleText,
}

/// Which built-in indicators are in use, and what their parameters are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogueSettings {
    /// The rank at which groups and generations of built-in indicators are cut. Default: the highest rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader_rank: Option<Code>,
    /// Own qualifying volume that `PVQ_SHORT`, `PVQ_EXC` and `GVQ_MIN` measure against.
    #[schemars(with = "Option<schema::DecimalText>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_volume_goal: Option<Decimal>,
    /// Codes of the built-in indicators that are computed and shown.
    pub enabled: Vec<Code>,
    /// Codes out of `enabled` that are computed and not shown.
    pub hidden: Vec<Code>,
}

/// Bonuses of which a person gets one; the lines of the others are not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// Codes of the bonuses, two at least, each in one alternative only.
    pub bonuses: Vec<Code>,
    /// Which one.
    #[serde(default)]
    pub pays: Choice,
}

/// Which of several bonuses a person gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The one that pays the person most; of equal ones the first.
    #[default]
    Greatest,
    /// The first that pays the person anything.
    First,
}

/// A cap on everything paid in a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PayoutCap {
    /// The most that is paid, as a share of the value of the company's commissionable volume. What is over it is taken
    /// from everyone in proportion.
    #[schemars(with = "schema::DecimalText")]
    pub share_of_vc: Decimal,
}

/// The least that is paid out to a person. Who is due less, or less than nothing, is paid nothing in the cycle, and what they are due
/// waits for the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MinimumPayout {
    /// How much, in the base currency. With 0 only what is less than nothing waits.
    #[schemars(with = "schema::DecimalText")]
    pub amount: Decimal,
}

/// How returns are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Returns {
    /// What happens when an order of a settled cycle is returned.
    pub after_settlement: AfterSettlement,
    /// Of an order of a settled cycle that comes back more than so many days after it was sold, from local day to local day,
    /// nothing is undone and nothing deducted. None: it is undone or deducted however late it comes back. With `deduct`, what
    /// comes back without anybody knowing when it was sold is deducted. What comes back in the cycle it was sold in reduces that
    /// cycle in any case.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u16>,
}

/// What happens when an order of a settled cycle is returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AfterSettlement {
    /// Negative lines in the next run undo what the order paid, to whom it was paid; volumes stay as they are.
    #[default]
    Undo,
    /// The volumes of the cycle in which the return is settled are reduced; there are no negative lines.
    Deduct,
    /// The old cycle is computed again without the order, and the difference is paid or taken.
    Replay,
}

/// What is checked before bonuses are shown to everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Checks {
    /// Warn when everything paid passes this share of the value of the company's commissionable volume.
    #[schemars(with = "Option<schema::DecimalText>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payout_share: Option<Decimal>,
    /// Warn when a person's total differs from the last cycle's by more than this share of it.
    #[schemars(with = "Option<schema::DecimalText>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_share: Option<Decimal>,
    /// Changes below this amount of the base currency are not worth a warning.
    #[schemars(with = "Option<schema::DecimalText>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_floor: Option<Decimal>,
    /// Warn when one person's total passes this amount of the base currency.
    #[schemars(with = "Option<schema::DecimalText>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_total: Option<Decimal>,
}
