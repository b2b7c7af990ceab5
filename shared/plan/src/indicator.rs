//! Indicators: `measure × aggregate × scope × filter × window`, plus options.

use foundation::locale::Text;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{bonus::Period, schema};

/// Name of an indicator, rank or bonus: a letter, then letters, digits and `_`.
pub type Code = String;

/// A text of the rule language.
pub type RuleText = String;

/// One number per person and cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// Unique code, by which rules name it.
    #[schemars(with = "schema::CodeText")]
    pub code: Code,
    /// A second, more readable name for rules: `own_vq`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::CodeText>")]
    pub alias: Option<Code>,
    /// Name people read.
    #[schemars(with = "schema::BilingualText")]
    pub name: Text,
    /// What it counts.
    pub unit: Unit,
    /// Decimals shown; values are kept exactly.
    #[serde(default = "two")]
    #[schemars(range(max = 4))]
    pub decimals: u8,
    /// Whether it is computed (it also is where something that is computed needs it).
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether people see it.
    #[serde(default = "yes")]
    pub visible: bool,
    /// What is measured on each member.
    pub measure: Measure,
    /// How members' values become one.
    #[serde(default)]
    pub aggregate: Aggregate,
    /// Which people are members.
    pub scope: Scope,
    /// A condition a member has to meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<RuleText>,
    /// Which orders are measured: a condition over the order (`order.category == 'beauty'`, `order.first_of_person`) and the
    /// member who bought. Only for what is measured on orders. Default: all.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub only_where: Option<RuleText>,
    /// When.
    #[serde(default)]
    pub window: Window,
    /// Everything else.
    #[serde(default)]
    pub options: Options,
}

fn yes() -> bool {
    true
}

fn two() -> u8 {
    2
}

/// What an indicator counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Points of volume.
    Points,
    /// People, legs.
    People,
    /// Money of the base currency.
    Money,
    /// Orders, units, levels, cycles.
    Count,
    /// The position of a rank, 0 being none.
    Rank,
    /// A quotient.
    Ratio,
}

/// What is measured on each member. Volumes, money, units and points are net of returns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Qualifying volume.
    Vq,
    /// Commissionable volume.
    Vc,
    /// Net sales in the base currency.
    Net,
    /// Gross sales in the base currency.
    Gross,
    /// Number of sales.
    Orders,
    /// Units sold.
    Units,
    /// Loyalty points.
    Points,
    /// The member itself.
    People,
    /// Returned qualifying volume.
    ReturnsVq,
    /// Returned commissionable volume.
    ReturnsVc,
    /// Number of returns.
    ReturnsCount,
    /// What a member owes.
    UnpaidBalance,
    /// Position of a member's rank, 0 being none.
    Rank,
    /// A member's level in the tree; the root's is 0.
    Level,
    /// Another indicator of the member.
    Indicator(Code),
    /// A number computed by a rule over the member's attributes and indicators: kept with 18 decimals where the unit is
    /// `ratio`, with 4 for points, money and counts, whole for people and ranks, half to even.
    Formula(RuleText),
}

/// How members' values become one. The sum, max and min of nobody are 0. Where a scope compares legs, the size of a leg is its
/// greatest value for `max`, its least for `min`, its members for `count`, its total otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregate {
    /// The sum.
    #[default]
    Sum,
    /// The number of members, those with value 0 included.
    Count,
    /// The greatest value.
    Max,
    /// The least value.
    Min,
    /// The mean, kept with 18 decimals half to even; missing where there is no member (rules read 0, `has(CODE)` tells).
    Average,
    /// The number of legs with at least `options.members_per_leg` members.
    Legs,
}

/// Which people are members of a person's indicator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The person.
    #[serde(rename = "self")]
    Own,
    /// The person's own customers: children in the tree who are customers.
    Customers,
    /// Level 1 of the downline.
    Frontline,
    /// One level of the downline.
    Level(#[schemars(range(min = 1, max = 256))] u16),
    /// Several levels of the downline.
    Levels {
        /// The first.
        #[schemars(range(min = 1, max = 256))]
        from: u16,
        /// The last.
        #[schemars(range(min = 1, max = 256))]
        to: u16,
    },
    /// Everyone below.
    Downline,
    /// The person and everyone below.
    Team,
    /// The person and everyone below who is reached without passing a leader.
    Group(Group),
    /// Everyone below with a number of leaders between, the leader at the end included.
    Generation(Generation),
    /// The leg with the greatest total.
    StrongestLeg,
    /// All legs but the strongest `k`.
    ExceptStrongestLegs(#[schemars(range(min = 1, max = 8))] u8),
    /// The weakest of the strongest `k` legs; 0 where there are fewer.
    WeakestOfStrongestLegs(#[schemars(range(min = 1, max = 8))] u8),
    /// The `i`-th leg by its total, the strongest being 1; 0 where there are fewer.
    Leg(#[schemars(range(min = 1, max = 8))] u8),
    /// All legs.
    Legs,
    /// Those the person sponsored.
    Enrolled,
    /// The upline up to and with the first person of a rank.
    Upline {
        /// The rank.
        rank: Code,
    },
    /// Everyone.
    Company,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Who has this rank or a higher one leads a group of their own.
    pub rank: Code,
    /// Whether the person counts.
    #[serde(rename = "self", default = "yes")]
    pub with_self: bool,
}

/// A generation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// Its number.
    #[schemars(range(max = 16))]
    pub number: u8,
    /// Who has this rank or a higher one is a leader.
    pub rank: Code,
    /// What generation 1 is.
    #[serde(default)]
    pub counts: GenerationCounts,
}

/// What generation 1 is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationCounts {
    /// The first leaders below with their groups; generation 0 is one's own group.
    #[default]
    Leader,
    /// One's own group.
    OwnGroup,
    /// Everyone below down to and with the first leaders: a leader is the last of a generation and does not yet begin the
    /// next. One is in no generation of one's own.
    Between,
}

/// The time an indicator looks at. What is not measured on orders is read from the stored results of earlier cycles; what is
/// not known of them is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// The cycle being computed.
    #[default]
    ThisCycle,
    /// The k-th cycle before it.
    Previous(#[schemars(range(min = 1, max = 60))] u8),
    /// It and the cycles before it, n in all.
    Last(#[schemars(range(min = 1, max = 60))] u8),
    /// All cycles that end in its calendar month, up to it.
    CalendarMonth,
    /// All cycles that end in its calendar quarter, up to it.
    CalendarQuarter,
    /// All cycles that end in its half of the calendar year, up to it.
    CalendarHalf,
    /// All cycles that end in its calendar year, up to it.
    CalendarYear,
    /// All cycles that end in its period of the plan's `period_starts`, up to it.
    PlanPeriod,
    /// Everything up to its end. Sums of orders are carried from cycle to cycle; everything else reaches as far back as
    /// earlier cycles are given.
    Lifetime,
    /// The first n days of each member, the day of joining being the first; as far back as earlier cycles are given. Only for
    /// what is measured on orders.
    DaysSinceJoining(#[schemars(range(min = 1))] u16),
}

impl Window {
    /// The period it is, if it is one.
    pub fn period(self) -> Option<Period> {
        match self {
            Self::CalendarMonth => Some(Period::Month),
            Self::CalendarQuarter => Some(Period::Quarter),
            Self::CalendarHalf => Some(Period::Half),
            Self::CalendarYear => Some(Period::Year),
            Self::PlanPeriod => Some(Period::Plan),
            _ => None,
        }
    }
}

/// Everything else that defines an indicator.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The tree the scope runs in.
    pub tree: Tree,
    /// The ranks groups, generations and `rank` in the filter speak of.
    pub ranks: RankBasis,
    /// Own qualifying volume of the cycle under which a member does not count.
    #[schemars(with = "Option<schema::DecimalText>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_own_volume: Option<Decimal>,
    /// Who takes a level, as in a bonus by levels under `dynamic` compression: whoever does not meet the condition is skipped, and so is
    /// every customer. All below are members still, as many levels nearer. Only for scopes `level` and `levels`. Default: everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qualified: Option<RuleText>,
    /// The most that one leg counts for; a whole number where what is counted is whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap_per_leg: Option<LegCap>,
    /// For aggregate `legs`: members a leg needs. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub members_per_leg: Option<u32>,
    /// For aggregate `legs`: legs headed by customers count too.
    pub customers_open_legs: bool,
    /// What aggregates run over.
    pub over: Over,
}

/// A tree over the people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tree {
    /// Who hangs under whom.
    #[default]
    Placement,
    /// Who brought whom.
    Enrolment,
}

/// The ranks an indicator speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RankBasis {
    /// Paid ranks of the cycle before.
    #[default]
    Previous,
    /// Paid ranks of the cycle being computed; the indicator is computed after ranks.
    Paid,
}

/// The most that one leg counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LegCap {
    /// An amount in the indicator's unit.
    Amount(#[schemars(with = "schema::DecimalText")] Decimal),
    /// A share of the uncapped total of all legs, 0 where that is negative.
    Share(#[schemars(with = "schema::DecimalText")] Decimal),
}

/// What aggregates run over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// One value per member: the member's total of the window.
    #[default]
    Members,
    /// One value per sale of the members: what it brought less what of it came back in the window. Returns that name no sale
    /// of the window lower sum and average only. Measures of returns have one value per return.
    Orders,
    /// One value per member and cycle of the window, for the cycles the member was there: the best month, the mean of six.
    Cycles,
}
