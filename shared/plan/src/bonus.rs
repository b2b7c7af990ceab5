//! Bonuses: who earns, on what, how much.

use foundation::locale::Text;
use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    indicator::{Code, GenerationCounts, RuleText, Tree},
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
    /// What it is paid in.
    #[serde(default, skip_serializing_if = "Award::is_money")]
    pub award: Award,
    /// The most one person gets of it in a cycle, in the base currency. Who reaches no rank of a cap by rank gets nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_per_person: Option<Limit>,
    /// The most everyone together gets of it in a cycle; what is over it is taken in proportion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// When what was earned is held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Processes it is computed in; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<String>,
}

impl Bonus {
    /// Whether runs of this process compute it; without a process everything is computed.
    pub fn runs_in(&self, process: Option<&str>) -> bool {
        process.is_none_or(|process| {
            self.processes.is_empty() || self.processes.iter().any(|one| one == process)
        })
    }
}

/// A number that is the same for everyone, or another for each person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields, rename_all_fields = "kebab-case")]
pub enum Limit {
    /// The same for everyone.
    Same(#[schemars(with = "schema::DecimalText")] Decimal),
    /// By the paid rank; the highest rank reached counts, and for who reaches none it is 0.
    ByRank {
        /// The ranks, lowest first.
        by_rank: Vec<AmountOfRank>,
    },
    /// A number over the person, kept with 4 decimals (what a cycle pays: with 9), half to even. Less than 0 is 0.
    Rule {
        /// The rule.
        rule: RuleText,
    },
}

impl Limit {
    /// The amounts it names, each with the place below it where that stands; a rule names none.
    pub fn amounts(&self) -> Vec<(String, Decimal)> {
        match self {
            Self::Same(amount) => vec![(String::new(), *amount)],
            Self::ByRank { by_rank } => {
                let place =
                    |(index, row): (usize, &AmountOfRank)| (format!("/by-rank/{index}/amount"), row.amount);
                by_rank.iter().enumerate().map(place).collect()
            }
            Self::Rule { .. } => Vec::new(),
        }
    }
}

/// The most everyone together gets of a bonus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Cap {
    /// An amount of the base currency.
    Amount(#[schemars(with = "schema::DecimalText")] Decimal),
    /// A share of what the whole company made; nothing where that is less than nothing.
    Share(ShareCap),
}

/// A cap that grows with the company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareCap {
    /// The share.
    pub share: FundShare,
}

/// What a bonus is paid in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Award {
    /// Money of the earner's currency.
    #[default]
    Money,
    /// Loyalty points, rounded to whole ones; not changed into a currency.
    Points,
    /// A prize with this code, one for each line. Only `fixed` bonuses.
    Prize(String),
    /// A tag on the person from the next cycle on. Only `fixed` bonuses.
    Tag(String),
}

impl Award {
    /// Whether it is money.
    pub fn is_money(&self) -> bool {
        *self == Self::Money
    }
}

/// When what was earned is held back, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Who is not paid now: what they earn is carried, and paid in the first cycle in which this does not hold.
    #[serde(rename = "while")]
    pub held_while: RuleText,
    /// What is still held after so many cycles is lost; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub at_most_cycles: Option<u8>,
}

/// How a bonus is computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanic {
    /// A rate on an indicator of the earner.
    Percentage(Percentage),
    /// A rate by level on what each member of the downline brought.
    Unilevel(Unilevel),
    /// One's own rate less the rates of those below, on what they bring.
    Differential(Differential),
    /// A rate by generation on the groups of the leaders below.
    Generation(GenerationOverride),
    /// A rate on the groups of the first leaders below, with a minimum that is guaranteed to the leader above.
    Breakaway(Breakaway),
    /// A rate on what others earned from named bonuses.
    Matching(Matching),
    /// A share of a fund.
    Pool(Pool),
    /// A rate on everyone below up to the next person of the same or a higher rank.
    Infinity(Infinity),
    /// An amount.
    Fixed(Fixed),
    /// What customers paid less what a consultant pays.
    RetailProfit(RetailProfit),
    /// A rate on the weaker of two legs.
    Binary(Binary),
}

/// A rate on an indicator of the earner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Percentage {
    /// Code of the indicator that is paid on. Its unit decides what a point is worth.
    pub of: Code,
    /// The rate.
    pub rate: Rate,
    /// The rate is paid on a whole period: the indicator has the period as its window, and what earlier cycles of the
    /// period were paid is deducted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub true_up: Option<Period>,
}

/// A period of the calendar, or of the company. A cycle belongs to the one its last day lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// A month.
    Month,
    /// A quarter.
    Quarter,
    /// Half a year.
    Half,
    /// A year.
    Year,
    /// One of the plan's `period_starts`.
    #[serde(rename = "plan-period")]
    Plan,
}

impl Period {
    /// Whether two days lie in the same one; `starts` are the plan's `period_starts`.
    pub fn is_shared(self, a: Date, b: Date, starts: &[Date]) -> bool {
        let months = match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Half => 6,
            Self::Year => 12,
            Self::Plan => {
                let number = |day: Date| starts.partition_point(|start| *start <= day);
                return number(a) == number(b);
            }
        };
        let number = |day: Date| (day.year(), (day.month() - 1) / months);
        number(a) == number(b)
    }
}

/// One rate, or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rate {
    /// The same for everyone: `"0.05"` is five per cent.
    Fixed(#[schemars(with = "schema::DecimalText")] Decimal),
    /// By the size of an indicator.
    Brackets(Brackets),
    /// By the paid rank; the highest rank reached counts, and who reaches none has no rate.
    ByRank(Vec<RateOfRank>),
    /// A number over the person, kept with 9 decimals, half to even.
    Rule(RuleText),
}

/// The rate of a rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateOfRank {
    /// From this rank on; none: for everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<Code>,
    /// The rate.
    #[schemars(with = "schema::DecimalText")]
    pub rate: Decimal,
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
    /// Whose volume, or which orders, count: a condition over the member who brought them (`country == 'CO'`) and, where
    /// orders are paid on, the order (`order.first_of_person`, `order.category`, `order.days_since_joining`, ...).
    /// Default: all.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub only_where: Option<RuleText>,
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
    /// Whom somebody gives up to those above. None: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_up: Option<PassUp>,
    /// What makes a line. Each line is rounded by itself.
    #[serde(default, skip_serializing_if = "LinesPer::is_source")]
    pub per: LinesPer,
}

/// Whom somebody gives up to those above: those who are directly below them in the tree (in the enrolment tree, whom they brought) have
/// numbers from 1 on in the order in which they joined, first those of whom no day is known, those of one day in the order of person
/// numbers. Who has one of `numbers` hangs, for this bonus, where the person above them hangs, with all below; that person may have been
/// passed up too. The root keeps everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PassUp {
    /// Who passes up, the lowest number first: `[1, 2]` are the first two, `[2, 4]` the second and the fourth.
    #[schemars(inner(range(min = 1)))]
    pub numbers: Vec<u16>,
    /// Who has a number: a condition over the person that may pass up (`consultant`); the others stay where they are. Where it holds
    /// in one cycle and not in the next, numbers change. Default: all.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub only_where: Option<RuleText>,
}

/// What makes a line of a bonus by level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinesPer {
    /// Each member, or each of their orders, at each level.
    #[default]
    Source,
    /// Each level: all that is brought to it, together. Lines name nobody but the earner, and returns after settlement are
    /// not undone.
    Level,
}

impl LinesPer {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
    fn is_source(&self) -> bool {
        *self == Self::Source
    }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
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
    /// Loyalty points.
    Points,
    /// Units; the rate is money for each.
    Units,
    /// The order itself: 1 for a sale, -1 for a return; the rate is money for each.
    Count,
    /// What the customer paid less what a consultant would have paid, in the base currency.
    Margin,
}

/// Rates of the levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LevelRates {
    /// For everyone: the rate of level 1, 2, ...
    ByLevel(#[schemars(with = "Vec<schema::DecimalText>")] Vec<Decimal>),
    /// By the earner's rank; the highest rank reached counts. Who reaches none has no rate.
    ByRank(Vec<RatesOfRank>),
    /// A number over the earner, the member who brought it (`source.rank`, `source.own_vq`), the order (`order.vq`) and the
    /// level (`level_paid`), kept with 9 decimals, half to even.
    Rule(LevelRule),
}

/// A rate by a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelRule {
    /// The rate of a level.
    pub rate: RuleText,
    /// Levels there are.
    #[schemars(range(min = 1, max = 64))]
    pub levels: u16,
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
    /// They are skipped and take none; and who is qualified is skipped at the levels that `depth` does not pay their rank.
    DynamicByLevel,
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

/// One's own rate less the rates of those below.
///
/// `by: member`: a line per first-line member on that member's total (own rate less the member's rate, never negative), and
/// with `own` a line on what is left of one's own total. `by: source`: from each source upwards, each person's rate less the
/// highest rate below, the source's own included. A customer's rate is 0; who is not paid still has a rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Differential {
    /// Code of the indicator that is a person's total; brackets compare it if they say nothing else.
    pub of: Code,
    /// Each person's rate.
    pub rate: Rate,
    /// Whether one's own volume is paid at one's own rate.
    #[serde(default)]
    pub own: bool,
    /// Whether members or sources are gone through.
    #[serde(default)]
    pub by: DifferentialBy,
    /// With `by: source`: the most all together get of one source, what the source has itself included.
    #[schemars(with = "Option<schema::DecimalText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Decimal>,
    /// With `by: source`: code of an indicator that is the rate a source has been given already, by another bonus for example,
    /// instead of its own rate. Below 0 it counts as 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Code>,
    /// With `by: source`: whose volume, or which orders, count, as in a unilevel bonus.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub only_where: Option<RuleText>,
    /// The tree.
    #[serde(default)]
    pub tree: Tree,
}

/// What a differential bonus goes through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferentialBy {
    /// First-line members with their totals.
    #[default]
    Member,
    /// Everyone's own volume or orders.
    Source(LevelBase),
}

/// A rate by generation on the groups of the leaders below. Generation 0 is not paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationOverride {
    /// Code of the indicator that is paid on: with `per: leader` that of the leader (their group with self), with
    /// `per: member` that of each member of the generation.
    pub of: Code,
    /// Who is paid as this rank or a higher one is a leader.
    pub rank: Code,
    /// The rates of generation 1, 2, ...
    pub rates: LevelRates,
    /// Generations paid by rank; empty: all.
    #[serde(default)]
    pub depth: Vec<DepthByRank>,
    /// A line per leader, or per member.
    #[serde(default)]
    pub per: Per,
    /// What generation 1 is. With `own-group` one's own group without self is generation 1, and `per` has to be `member`.
    #[serde(default)]
    pub counts: GenerationCounts,
    /// Which leaders make a generation and are paid. Default: `active`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualified: Option<RuleText>,
    /// What happens to the generation of a leader who is not qualified.
    #[serde(default)]
    pub compression: Compression,
    /// Under `roll-up`: whose rate a share that passed up is paid at.
    #[serde(default)]
    pub roll_up_rate: RollUpRate,
    /// The tree.
    #[serde(default)]
    pub tree: Tree,
}

/// What there is a line for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Each leader with their group.
    #[default]
    Leader,
    /// Each member.
    Member,
}

/// A rate on the groups of the first leaders below, computed from the leaves up. A leader hands `rate` x their own group up to
/// the next leader, but at least `rate` x `minimum`: what the own group lacks is taken from what the leader gets from below, as
/// far as that goes. Where `when` does not hold, the minimum is handed up all the same, and what is left is lost. A leader with no
/// leader above hands nothing up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breakaway {
    /// Code of the indicator that is a leader's own group, self included.
    pub of: Code,
    /// Who is paid as this rank or a higher one is a leader.
    pub rank: Code,
    /// The rate.
    #[schemars(with = "schema::DecimalText")]
    pub rate: Decimal,
    /// The group every leader is reckoned to have at least.
    #[schemars(with = "Option<schema::DecimalText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Decimal>,
    /// The tree.
    #[serde(default)]
    pub tree: Tree,
}

/// A rate on what others earned from named bonuses: a line per person and bonus, on the sum of that person's rounded lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// Codes of the bonuses, which stand earlier in the plan.
    pub of: Vec<Code>,
    /// Whether levels or generations are counted.
    #[serde(default)]
    pub by: MatchBy,
    /// The rates.
    pub rates: LevelRates,
    /// Levels or generations paid by rank; empty: all.
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
    /// The tree.
    #[serde(default)]
    pub tree: Tree,
}

/// What a matching bonus counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MatchBy {
    /// Levels.
    #[default]
    Level,
    /// Generations, cut at this rank; those before the first leader are generation 0 and are not paid.
    Generation {
        /// Who is paid as this rank or a higher one is a leader.
        rank: Code,
    },
}

/// A share of a fund among those for whom `when` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// What is shared out.
    pub fund: Fund,
    /// How many shares, points or parts somebody has; less than 0 is 0. Default: `1`, equal shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<RuleText>,
    /// By position instead: those with the most `shares` get so many parts, the first the first number, and so on. Equal ones
    /// stand in the order of person numbers.
    #[schemars(with = "Vec<schema::DecimalText>")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub positions: Vec<Decimal>,
    /// The value of one share is rounded to so many decimals first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 9))]
    pub value_decimals: Option<u8>,
    /// How the shares are rounded; default: as the plan says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::RoundingName>")]
    pub rounding: Option<foundation::money::Rounding>,
}

/// What a pool shares out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fund {
    /// A share of an indicator of the whole company.
    Share(FundShare),
    /// An amount of the base currency.
    Amount(#[schemars(with = "schema::DecimalText")] Decimal),
}

/// A share of an indicator of the whole company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FundShare {
    /// Code of an indicator of scope `company`.
    pub of: Code,
    /// The share.
    #[schemars(with = "schema::DecimalText")]
    pub rate: Decimal,
}

/// A rate on everyone below up to the next person of the same or a higher paid rank, who is left out with all below. One's own
/// volume is not included. A line per source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Infinity {
    /// What is paid on.
    pub on: LevelBase,
    /// Whose volume, or which orders, count, as in a unilevel bonus.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub only_where: Option<RuleText>,
    /// The rate by the earner's paid rank; the highest rank reached counts.
    pub rates: Vec<RateOfRank>,
    /// The first level that is paid, counted as levels are walked.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub from_level: u16,
    /// Code of a unilevel bonus that stands earlier in the plan, of the same tree: of each source only those are paid who stand
    /// above the person with that bonus's last level. Somebody with a level has it whether they are paid for it or not, and under
    /// `roll-up` it is the person whose share passes up. Where nobody has the last level nobody is paid. Those up to it still block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Code>,
    /// Pays one's rate less the highest of these rates from the child down to the source, instead of being blocked.
    #[serde(default)]
    pub difference: bool,
    /// The tree.
    #[serde(default)]
    pub tree: Tree,
}

fn one() -> u16 {
    1
}

/// An amount of the base currency (of points, for an award in points).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// How much.
    pub amount: FixedAmount,
    /// What it is paid for.
    #[serde(default)]
    pub on: Occasion,
    /// How often one person gets it.
    #[serde(default)]
    pub times: Times,
}

/// How much a fixed bonus pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FixedAmount {
    /// The same for everyone.
    Amount(#[schemars(with = "schema::DecimalText")] Decimal),
    /// By rank: that of the highest rank reached, or with `reaching-rank` that of each rank reached.
    ByRank(Vec<AmountOfRank>),
    /// A number over the earner, kept with 4 decimals, half to even.
    Rule(RuleText),
}

/// What a rank is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AmountOfRank {
    /// The rank.
    pub rank: Code,
    /// The amount.
    #[schemars(with = "schema::DecimalText")]
    pub amount: Decimal,
}

/// What a fixed bonus is paid for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// That `when` holds.
    #[default]
    Condition,
    /// That a rank is reached for the first time: it is paid at or above it now, and neither the paid rank of the cycle before
    /// nor the honorific rank was. Only with amounts by rank.
    ReachingRank {
        /// Who passes several ranks at once is paid for the highest only.
        #[serde(default)]
        only_reached: bool,
    },
}

/// How often one person gets a fixed bonus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Times {
    /// In every cycle.
    #[default]
    EachCycle,
    /// Once in a calendar year.
    Yearly,
    /// Once.
    Once,
}

/// What customers paid less what a consultant would have paid: a line per order of a customer, to the first consultant above in the
/// placement tree. Returns are negative.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetailProfit {
    /// The share of it that is paid; default 1.
    #[schemars(with = "Option<schema::DecimalText>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Decimal>,
    /// Which orders count, as in a unilevel bonus.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub only_where: Option<RuleText>,
}

/// On the weaker of two legs. What is not matched stays with the person who heads the leg and counts again in the next cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Binary {
    /// Code of the indicator that is what one member brings to the legs above (own volume).
    pub of: Code,
    /// Which legs there are.
    #[serde(default)]
    pub legs: BinaryLegs,
    /// What is paid.
    pub pays: BinaryPay,
    /// What happens to what is not matched.
    #[serde(default)]
    pub carry: Carry,
    /// The most that is carried on a leg.
    #[schemars(with = "Option<schema::DecimalText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carry_most: Option<Decimal>,
    /// The most matched volume (with `cycles`: the most cycles, of which only whole ones are paid) paid to a person in a cycle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Limit>,
    /// Whether what is over `most` is used up (`true`) or stays unmatched.
    #[serde(default)]
    pub flush_over_most: bool,
    /// Whether somebody for whom `when` does not hold loses both legs (`true`) or keeps carrying them.
    #[serde(default)]
    pub flush_unpaid: bool,
    /// The tree.
    #[serde(default)]
    pub tree: Tree,
}

/// The two legs of a binary bonus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BinaryLegs {
    /// The two strongest, with what they carry; equal ones in the order of person numbers.
    #[default]
    TwoStrongest,
    /// The strongest, and all others together.
    StrongestAndRest,
    /// First-line members with one tag head the left leg, those with the other the right one.
    Tagged {
        /// The tag of the left leg.
        left: String,
        /// The tag of the right leg.
        right: String,
    },
}

/// What a binary bonus pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BinaryPay {
    /// A rate on the matched volume, which is the weaker leg. Brackets name the indicator they compare. Who has no rate uses
    /// nothing up.
    Percentage(Rate),
    /// An amount for each time both legs hold their volume.
    Cycles(BinaryCycles),
}

/// An amount for each time both legs hold their volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BinaryCycles {
    /// Volume a cycle takes of the stronger leg.
    #[schemars(with = "schema::DecimalText")]
    pub strong: Decimal,
    /// Volume a cycle takes of the weaker leg.
    #[schemars(with = "schema::DecimalText")]
    pub weak: Decimal,
    /// What a cycle pays, in the base currency. Who is paid nothing for it uses nothing up.
    pub amount: Limit,
    /// Which leg a cycle takes `strong` of.
    #[serde(default, skip_serializing_if = "CycleSides::is_stronger")]
    pub sides: CycleSides,
}

/// Which leg a cycle takes the volume `strong` of; it takes `weak` of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CycleSides {
    /// The leg that was the stronger one at first, for all cycles.
    #[default]
    Stronger,
    /// Either, for each cycle by itself, so that there are as many cycles as the two legs hold. Of several ways to the same number,
    /// the one that takes most of the stronger leg.
    Either,
}

impl CycleSides {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
    fn is_stronger(&self) -> bool {
        *self == Self::Stronger
    }
}

/// What happens to what is not matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Carry {
    /// It is carried to the next cycle.
    #[default]
    Forward,
    /// It is lost.
    Flush,
}
