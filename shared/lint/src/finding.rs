//! What is found: data, in both languages, with the network that shows it.

use engine::{ExchangeRates, LineKind, read_orders, read_people};
use foundation::locale::Text;
use jiff::tz::TimeZone;
use plan::{Plan, bonus::Mechanic};
use rust_decimal::Decimal;
use serde::Serialize;
use simulation::{CycleFacts, Occurrence, Simulated, cycles_of, simulate};

use crate::network::CYCLE;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; many plans mean it so.
    Note,
    /// Probably not meant so.
    Warning,
    /// Cannot be meant so.
    Error,
}

/// What kind of finding it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The conditions of a rank cannot hold together.
    RankUnreachable,
    /// No network that was tried reaches a rank; nothing proves that none can.
    RankNotReached,
    /// Whoever meets a rank's conditions meets those of a higher one too, so nobody ever has it.
    RankNeverHeld,
    /// The condition of a bonus cannot hold.
    BonusNeverPaid,
    /// No network that was tried pays a bonus; nothing proves that none does.
    BonusNotPaid,
    /// Who sells more is paid less.
    SellingMorePaysLess,
    /// When somebody below sells more, one is paid less.
    TeamSellingMorePaysLess,
    /// More is paid than the whole commissionable volume is worth.
    PayoutOverVolume,
    /// More is paid than the share the plan's checks state.
    PayoutOverStated,
    /// The plan offers more than its payout cap lets through.
    PayoutCapReduces,
    /// An indicator that nothing uses and nobody sees.
    IndicatorUnused,
    /// Two indicators of the same definition.
    IndicatorTwice,
    /// A bonus of an alternative that is never the one.
    AlternativeNeverChosen,
    /// Exactly at a threshold neither of two rules holds that hold on its two sides.
    ThresholdGap,
    /// Exactly at a threshold both of two rules hold that exclude each other everywhere else.
    ThresholdOverlap,
    /// Rounding to whole units of a currency changes what is paid by a tenth or more.
    RoundingDecides,
    /// The plan leaves open what companies read differently, and the readings pay differently.
    TwoReadings,
}

/// Something a plan says that its author may not mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of finding it is.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// JSON pointer to the place in the plan.
    pub pointer: String,
    /// What is found, in one or two sentences.
    pub message: Text,
    /// The network that shows it.
    pub example: Option<Example>,
}

/// A small network that shows a finding: people, and one run or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// `people.csv`.
    pub people: String,
    /// The runs, the plain one first.
    pub runs: Vec<Run>,
    /// What the runs show.
    pub shows: Shows,
}

/// A run over the people of an example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// What distinguishes it, as part of a file name.
    pub name: String,
    /// `orders.csv`.
    pub orders: String,
    /// Another plan than the one that is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// What the runs of an example show. Amounts are of the base currency, people are ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Shows {
    /// Nobody earns the rank.
    NobodyEarns {
        /// Code of the rank.
        rank: String,
    },
    /// Nobody has earned `rank`, and somebody a higher one.
    PassedOver {
        /// Who has earned a higher one.
        person: String,
        /// Code of the rank.
        rank: String,
        /// Code of the rank that is earned.
        earned: String,
    },
    /// Nobody is paid the bonus.
    NobodyIsPaid {
        /// Code of the bonus.
        bonus: String,
    },
    /// In the second run, with one order more, somebody is paid less.
    PaidLess {
        /// Who is paid less.
        person: String,
        /// What the person is paid in the first run.
        before: Decimal,
        /// What the person is paid in the second one.
        after: Decimal,
    },
    /// More is paid than a share of the value of the commissionable volume. Retail profit is what customers paid on top and
    /// counts only where `with_retail`.
    PaidOver {
        /// What is paid.
        paid: Decimal,
        /// The value of the commissionable volume.
        volume: Decimal,
        /// The share.
        share: Decimal,
        /// Whether retail profit counts.
        with_retail: bool,
    },
    /// So much is taken back by the payout cap.
    Capped {
        /// How much.
        taken: Decimal,
    },
    /// Ranks and payouts of both runs are the same.
    Same,
    /// Two indicators have the same value for everyone, and not 0 for everyone.
    SameValues {
        /// Code of the one.
        one: String,
        /// Code of the other.
        other: String,
    },
    /// Somebody would be paid a bonus, and gets another one of the alternative.
    NotChosen {
        /// Code of the bonus.
        bonus: String,
        /// What it would have paid, in all.
        offered: Decimal,
    },
    /// What a person gets of some bonuses, run by run: lines that are paid.
    LinesOf {
        /// Who.
        person: String,
        /// Codes of the bonuses.
        bonuses: Vec<String>,
        /// Codes of those that pay the person, run by run.
        paid: Vec<Vec<String>>,
    },
    /// What everyone together is paid, and what it would be before rounding, both in the currency people are paid in.
    Rounded {
        /// The exact sum, to 28 digits.
        exact: Decimal,
        /// The sum of the rounded lines.
        amount: Decimal,
    },
    /// What a bonus pays in all, run by run.
    Pays {
        /// Code of the bonus; empty for everything.
        bonus: String,
        /// What it pays, run by run.
        amounts: Vec<Decimal>,
    },
}

impl Example {
    /// Whether the runs show what they are said to, computed anew from the texts.
    pub fn is_shown(&self, plan: &Plan) -> bool {
        self.results(plan)
            .and_then(|results| self.shows.seen_in(plan, &results))
            .is_some_and(|seen| seen == self.shows)
    }

    /// The results of the runs; `None` where a text cannot be read or computed.
    fn results(&self, plan: &Plan) -> Option<Vec<Simulated>> {
        let mut results = Vec::new();
        for run in &self.runs {
            let other = match &run.plan {
                Some(json) => Some(Plan::parse(json).ok()?),
                None => None,
            };
            let plan = other.as_ref().unwrap_or(plan);
            let zone = TimeZone::get(&plan.document().time_zone).ok()?;
            let named = Occurrence { name: Some(CYCLE.to_owned()), ..Occurrence::default() };
            let cycle = cycles_of(&[named], &zone).ok()?.pop()?;
            let people = read_people("people", self.people.as_bytes()).ok()?;
            let orders = read_orders("orders", run.orders.as_bytes(), &zone).ok()?;
            let facts = [CycleFacts { cycle, people, orders, process: None }];
            results.push(simulate(plan, &facts, &ExchangeRates::of_plan(plan), &mut |_| ()).ok()?.pop()?);
        }
        Some(results)
    }
}

impl Shows {
    /// The same statement with the numbers of `results`; `None` where it does not hold.
    fn seen_in(&self, plan: &Plan, results: &[Simulated]) -> Option<Self> {
        let first = results.first()?;
        match self {
            Self::NobodyEarns { rank } => {
                let position = plan.rank_position(rank)?;
                first.ranks.earned.iter().all(|earned| *earned < position).then(|| self.clone())
            }
            Self::PassedOver { person, rank, .. } => {
                let row = first.snapshot.people.row(person)? as usize;
                let earned = *first.ranks.earned.get(row)?;
                let position = plan.rank_position(rank)?;
                let holds = position < earned && !first.ranks.earned.contains(&position);
                let earned = plan.rank_code(earned).to_owned();
                holds.then(|| Self::PassedOver { person: person.clone(), rank: rank.clone(), earned })
            }
            Self::NobodyIsPaid { bonus } => {
                let nothing = paid_of(first, bonus).is_zero() && !is_awarded(first, bonus);
                nothing.then(|| self.clone())
            }
            Self::PaidLess { person, .. } => {
                let (before, after) = (paid_to(first, person)?, paid_to(results.get(1)?, person)?);
                (after < before).then(|| Self::PaidLess { person: person.clone(), before, after })
            }
            Self::PaidOver { share, with_retail, .. } => {
                let (paid, volume) = paid_over(first, plan, *share, *with_retail)?;
                Some(Self::PaidOver { paid, volume, share: *share, with_retail: *with_retail })
            }
            Self::Capped { .. } => {
                let taken = taken_by_cap(first);
                (Decimal::ZERO < taken).then_some(Self::Capped { taken })
            }
            Self::Same => {
                let second = results.get(1)?;
                let same = first.ranks == second.ranks && first.payouts == second.payouts;
                same.then_some(Self::Same)
            }
            Self::SameValues { one, other } => {
                let (one, other) = (values_of(first, one)?, values_of(first, other)?);
                (one == other && one.iter().any(|value| !value.is_zero())).then(|| self.clone())
            }
            Self::NotChosen { bonus, .. } => {
                let (offered, got) = (not_chosen(first, plan, bonus)?, paid_of(first, bonus));
                (!offered.is_zero() && got.is_zero())
                    .then(|| Self::NotChosen { bonus: bonus.clone(), offered })
            }
            Self::LinesOf { person, bonuses, .. } => {
                let paid = results.iter().map(|result| paying(result, person, bonuses)).collect();
                Some(Self::LinesOf { person: person.clone(), bonuses: bonuses.clone(), paid })
            }
            Self::Rounded { .. } => {
                let (exact, amount) = rounded(first);
                is_decided_by_rounding(exact, amount).then_some(Self::Rounded { exact, amount })
            }
            Self::Pays { bonus, .. } => {
                let amounts: Vec<Decimal> = results.iter().map(|result| paid_of(result, bonus)).collect();
                let differ = amounts.windows(2).any(|pair| pair[0] != pair[1]);
                differ.then(|| Self::Pays { bonus: bonus.clone(), amounts })
            }
        }
    }
}

/// Whether a line says what somebody is due. What waits under the plan's minimum payout is not taken from anybody.
pub(crate) fn counts(line: &engine::PayoutLine) -> bool {
    line.kind != LineKind::BelowMinimum
}

/// What a person is paid, now or once it comes to the plan's minimum payout.
pub(crate) fn paid_to(result: &Simulated, person: &str) -> Option<Decimal> {
    let row = result.snapshot.people.row(person)?;
    Some(result.payouts.of(row).iter().filter(|line| counts(line)).map(engine::PayoutLine::amount).sum())
}

/// What a bonus pays in all; with an empty code, what everything pays.
pub(crate) fn paid_of(result: &Simulated, bonus: &str) -> Decimal {
    let lines = result.payouts.lines.iter();
    lines
        .filter(|line| counts(line))
        .filter(|line| bonus.is_empty() || result.payouts.code(line) == bonus)
        .map(engine::PayoutLine::amount)
        .sum()
}

/// Whether somebody gets points, a prize or a tag of a bonus.
pub(crate) fn is_awarded(result: &Simulated, bonus: &str) -> bool {
    let code = |number: u16| result.payouts.bonuses.get(usize::from(number)).map(|one| one.code.as_str());
    result.payouts.awards.iter().any(|award| code(award.bonus) == Some(bonus))
}

/// What is paid and what the commissionable volume is worth, where more than a share of it is paid.
pub(crate) fn paid_over(
    result: &Simulated,
    plan: &Plan,
    share: Decimal,
    with_retail: bool,
) -> Option<(Decimal, Decimal)> {
    let (paid, volume) = (paid(result, plan, with_retail), volume(result, plan)?);
    (Decimal::ZERO < volume && volume.checked_mul(share)? < paid).then_some((paid, volume))
}

/// What is paid in all.
fn paid(result: &Simulated, plan: &Plan, with_retail: bool) -> Decimal {
    let is_retail = |code: &str| {
        let bonus = plan.bonuses().iter().find(|bonus| bonus.definition.code == code);
        bonus.is_some_and(|bonus| matches!(bonus.definition.pays, Mechanic::RetailProfit(_)))
    };
    let lines = result.payouts.lines.iter();
    lines
        .filter(|line| counts(line))
        .filter(|line| with_retail || !is_retail(result.payouts.code(line)))
        .map(engine::PayoutLine::amount)
        .sum()
}

/// The exact sum of all lines, and that of the rounded ones.
pub(crate) fn rounded(result: &Simulated) -> (Decimal, Decimal) {
    let lines = result.payouts.lines.iter().filter(|line| counts(line));
    let exact = engine::from_exact(lines.clone().map(|line| line.exact).sum()).normalize();
    (exact, lines.map(engine::PayoutLine::amount).sum())
}

/// Whether rounding changes a sum by a tenth or more.
pub(crate) fn is_decided_by_rounding(exact: Decimal, amount: Decimal) -> bool {
    !exact.is_zero() && exact.abs() <= (exact - amount).abs() * Decimal::TEN
}

/// What the commissionable volume is worth.
fn volume(result: &Simulated, plan: &Plan) -> Option<Decimal> {
    let vc = result.snapshot.people.volumes.of(engine::Volume::Vc).iter();
    let sum: i128 = vc.map(|vc| i128::from(*vc)).sum();
    let sum = Decimal::try_from_i128_with_scale(sum, plan::AMOUNT_SCALE).ok()?;
    sum.checked_mul(plan.document().volumes.vc_value).map(|value| value.normalize())
}

/// What the payout cap takes back.
pub(crate) fn taken_by_cap(result: &Simulated) -> Decimal {
    let lines = result.payouts.lines.iter().filter(|line| line.kind == LineKind::PayoutCap);
    -lines.map(engine::PayoutLine::amount).sum::<Decimal>()
}

/// Decimals of base × rate in the accounts of a bonus.
const ACCOUNT_SCALE: u32 = plan::AMOUNT_SCALE + engine::RATE_SCALE;

/// What a bonus would have paid to those who got another one of its alternative.
pub(crate) fn not_chosen(result: &Simulated, plan: &Plan, bonus: &str) -> Option<Decimal> {
    let place = plan.bonuses().iter().position(|one| one.definition.code == bonus)?;
    let account = result.payouts.conservation.get(place)?;
    Some(Decimal::try_from_i128_with_scale(account.not_chosen, ACCOUNT_SCALE).ok()?.normalize())
}

/// The values of an indicator by row; `None` where it is not computed.
pub(crate) fn values_of(result: &Simulated, code: &str) -> Option<Vec<Decimal>> {
    let column = result.indicators.columns.iter().find(|column| column.code == code)?;
    let rows = u32::try_from(column.values.len()).ok()?;
    Some((0..rows).map(|row| column.value(row)).collect())
}

/// Those of some bonuses that pay a person.
pub(crate) fn paying(result: &Simulated, person: &str, bonuses: &[String]) -> Vec<String> {
    let Some(row) = result.snapshot.people.row(person) else { return Vec::new() };
    let lines = result.payouts.of(row);
    let pays = |code: &&String| lines.iter().any(|line| result.payouts.code(line) == code.as_str());
    bonuses.iter().filter(pays).cloned().collect()
}
