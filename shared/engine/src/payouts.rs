//! Payout lines: what a run pays, each line with its trace.

use std::ops::AddAssign;

use foundation::money::Currency;
use plan::bonus::{Award, OrderMeasure};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    amount::{RATE_SCALE, from_exact, from_minor},
    columns::by_counting,
    threads,
};

/// What kind of line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// Earned in this cycle.
    Earned,
    /// Taken back what an order paid that was returned after its cycle was settled.
    Undo,
    /// Taken back what earlier cycles of the same period were paid of it.
    TrueUp,
    /// Taken back what passes the bonus's cap per person.
    BonusCap,
    /// Taken back the person's part of what passes the bonus's cap on everyone together.
    BonusTotalCap,
    /// Taken back because it is held; it is carried.
    Held,
    /// Paid now what was held in earlier cycles.
    Released,
    /// What was held too long and will not be paid: the base says how much, the amount is 0.
    Lost,
    /// Taken back what passes the plan's cap per person.
    PersonCap,
    /// Taken back the person's part of what passes the plan's payout cap.
    PayoutCap,
    /// Taken back what was paid on account.
    Advance,
    /// Due since earlier cycles, because it was under the plan's minimum payout.
    BroughtForward,
    /// Taken back all that is due, because it is under the plan's minimum payout; it is carried.
    BelowMinimum,
}

impl LineKind {
    /// All kinds, in order.
    pub const ALL: [Self; 13] = [
        Self::Earned,
        Self::Undo,
        Self::TrueUp,
        Self::BonusCap,
        Self::BonusTotalCap,
        Self::Held,
        Self::Released,
        Self::Lost,
        Self::PersonCap,
        Self::PayoutCap,
        Self::Advance,
        Self::BroughtForward,
        Self::BelowMinimum,
    ];

    /// Name in stored files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Earned => "earned",
            Self::Undo => "undo",
            Self::TrueUp => "true-up",
            Self::BonusCap => "bonus-cap",
            Self::BonusTotalCap => "bonus-total-cap",
            Self::Held => "held",
            Self::Released => "released",
            Self::Lost => "lost",
            Self::PersonCap => "person-cap",
            Self::PayoutCap => "payout-cap",
            Self::Advance => "advance",
            Self::BroughtForward => "brought-forward",
            Self::BelowMinimum => "below-minimum",
        }
    }

    /// Whether it follows from what this cycle brought; the other kinds are about other cycles, or about all bonuses together.
    pub(crate) fn is_of_bonus(self) -> bool {
        matches!(self, Self::Earned | Self::TrueUp | Self::BonusCap | Self::BonusTotalCap)
    }
}

/// A payout line. Rows are those of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutLine {
    /// Row of who is paid.
    pub earner: u32,
    /// Index into [`Payouts::bonuses`].
    pub bonus: u16,
    /// What kind of line it is.
    pub kind: LineKind,
    /// Row of whose volume it is paid on; the earner where it is an indicator of theirs.
    pub source: u32,
    /// Row of the order (for `Undo`, of the return), or [`crate::NONE`].
    pub order: u32,
    /// Levels from the source up to the earner in the bonus's tree; 0 where levels play no part.
    pub level_walked: u16,
    /// The level it is paid as, after compression; 0 where levels play no part.
    pub level_paid: u16,
    /// What is paid on, in ten-thousandths.
    pub base: i64,
    /// The rate, in thousand-millionths. With marginal brackets, that of the highest slice.
    pub rate: i64,
    /// The exact amount in the earner's currency, with [`crate::EXACT_SCALE`] decimals.
    pub exact: i128,
    /// The amount in minor units of the currency.
    pub amount: i64,
    /// The earner's currency.
    pub currency: Currency,
}

impl PayoutLine {
    /// The amount.
    pub fn amount(&self) -> Decimal {
        from_minor(self.amount, self.currency)
    }

    /// The exact amount (to 28 digits).
    pub fn exact_amount(&self) -> Decimal {
        from_exact(self.exact)
    }

    /// The base.
    pub fn base(&self) -> Decimal {
        Decimal::new(self.base, plan::AMOUNT_SCALE)
    }

    /// The rate.
    pub fn rate(&self) -> Decimal {
        Decimal::new(self.rate, RATE_SCALE)
    }

    /// The order of lines in a file: by earner, then as on the statement.
    pub(crate) fn place(&self) -> (u32, u16, LineKind, u32, u32, u16) {
        (self.earner, self.bonus, self.kind, self.source, self.order, self.level_paid)
    }
}

/// Lines of `people` earners in the order of [`PayoutLine::place`]: by earner by counting, then each earner's few lines.
pub(crate) fn in_order(mut lines: Vec<PayoutLine>, people: usize) -> Vec<PayoutLine> {
    if lines.is_sorted_by_key(PayoutLine::place) {
        return lines;
    }
    if lines.len() < people {
        lines.sort_unstable_by_key(PayoutLine::place);
        return lines;
    }
    let (order, ends) = by_counting(lines.iter().map(|line| line.earner), people);
    let end_of = |earner: usize| earner.checked_sub(1).map_or(0, |before| ends[before] as usize);
    let shares = threads::shares_of(people, 1);
    let parts = threads::each(shares.len(), |share| {
        let earners = shares[share].clone();
        let (first, end) = (end_of(earners.start), end_of(earners.end));
        // All others follow the first part.
        let mut sorted = Vec::with_capacity(if share == 0 { lines.len() } else { end - first });
        sorted.extend(order[first..end].iter().map(|number| lines[*number as usize].clone()));
        for earner in earners {
            let own = &mut sorted[end_of(earner) - first..end_of(earner + 1) - first];
            if !own.is_sorted_by_key(PayoutLine::place) {
                own.sort_unstable_by_key(PayoutLine::place);
            }
        }
        sorted
    });
    drop((lines, order));
    let joined = parts.into_iter().reduce(|mut all, part| {
        all.extend(part);
        all
    });
    joined.unwrap_or_default()
}

/// A bonus that has lines, as the plan of its cycle named it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaidBonus {
    /// Code; empty for the plan's caps and its minimum payout.
    pub code: String,
    /// Code of the indicator it is paid on; empty where it is paid on orders.
    pub indicator: String,
    /// What of the source's orders the base is made of, so that a later return can be undone; none where the base is
    /// made of other people's orders too.
    pub measure: Option<OrderMeasure>,
    /// Where there is no measure: whose orders the base is made of, so that it can be said which returns it does not feel; none where
    /// it is made of no orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totals: Option<Totals>,
    /// What it is paid in.
    #[serde(default, skip_serializing_if = "Award::is_money")]
    pub award: Award,
}

/// Whose orders the base of a line is made of, where it is not one person's orders of the cycle and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Totals {
    /// The source's.
    Own,
    /// The source's and those of people below.
    Team,
    /// Those of people below the source.
    Below,
    /// Everyone's.
    Company,
}

/// Where the volume of a bonus went, each as the sum of base × rate with 13 decimals. `offered` is the sum of the others but for
/// `legs`. What lines take back of somebody counts as the same share of what that person got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conservation {
    /// Base × rate over all levels and sources.
    pub offered: i128,
    /// Paid to who stands at the level.
    pub paid: i128,
    /// Paid to somebody further up, because who stands at the level is not qualified.
    pub rolled_up: i128,
    /// Not paid, because who stands at the level is not qualified.
    pub unqualified: i128,
    /// Not paid, because who stands at the level fails `when` or their rank does not reach it.
    pub forfeited: i128,
    /// Not paid, because nobody stands at the level.
    pub unclaimed: i128,
    /// Not paid, because it passes a cap of the bonus.
    #[serde(default)]
    pub capped: i128,
    /// Not paid now, because it is held.
    #[serde(default)]
    pub held: i128,
    /// Paid before, by earlier cycles of the period.
    #[serde(default)]
    pub paid_before: i128,
    /// Not paid, because the person got another bonus of an alternative.
    #[serde(default)]
    pub not_chosen: i128,
    /// What rounding the value of a pool's share left with the company; less than 0 if the company added it.
    #[serde(default)]
    pub kept: i128,
    /// What became of the volume of the legs, for binary bonuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legs: Option<LegAccount>,
}

impl AddAssign for Conservation {
    /// Adds the account of other people. Where both have legs it is of no meaning: legs are accounted for once.
    fn add_assign(&mut self, other: Self) {
        let Self {
            offered,
            paid,
            rolled_up,
            unqualified,
            forfeited,
            unclaimed,
            capped,
            held,
            paid_before,
            not_chosen,
            kept,
            legs,
        } = other;
        let sums = [
            (&mut self.offered, offered),
            (&mut self.paid, paid),
            (&mut self.rolled_up, rolled_up),
            (&mut self.unqualified, unqualified),
            (&mut self.forfeited, forfeited),
            (&mut self.unclaimed, unclaimed),
            (&mut self.capped, capped),
            (&mut self.held, held),
            (&mut self.paid_before, paid_before),
            (&mut self.not_chosen, not_chosen),
            (&mut self.kept, kept),
        ];
        for (sum, more) in sums {
            *sum += more;
        }
        self.legs = self.legs.or(legs);
    }
}

impl Conservation {
    /// `offered` less all that it became of; 0.
    pub fn remainder(&self) -> i128 {
        let became = self.paid + self.rolled_up + self.unqualified + self.forfeited + self.unclaimed;
        self.offered - became - self.capped - self.held - self.paid_before - self.not_chosen - self.kept
    }
}

/// What became of the volume of all legs of a binary bonus, with [`plan::AMOUNT_SCALE`] decimals. Volume counts in the leg of each person
/// above. `brought` and `carried_in` are the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegAccount {
    /// What this cycle brought.
    pub brought: i128,
    /// What the cycle before handed on.
    pub carried_in: i128,
    /// Used up, on both legs.
    pub matched: i128,
    /// Handed to the next cycle.
    pub carried_out: i128,
    /// Lost.
    pub flushed: i128,
}

/// A return of an order of a settled cycle that is not undone, or not all of what it paid, or that comes too late to be deducted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotUndone {
    /// Id of the return.
    pub order: String,
    /// Why: `unknown-order`; `too-late` with the days between sale and return; `earner-left` with the id of the person;
    /// `group-volume` with the code of a bonus with lines on totals that the order is part of, or `own-total` where those are totals of
    /// the buyer alone.
    pub reason: String,
}

/// What a run pays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payouts {
    /// The plan's bonuses in its order, then those of earlier plans that something is undone of, then perhaps one without a
    /// code for the plan's caps and its minimum payout.
    pub bonuses: Vec<PaidBonus>,
    /// Where the volume of each of the plan's bonuses went.
    pub conservation: Vec<Conservation>,
    /// The lines, by earner, then as on the statement.
    pub lines: Vec<PayoutLine>,
    /// Returns that are not undone, or not all of what they paid.
    pub not_undone: Vec<NotUndone>,
    /// What is paid in points, prizes and tags, by earner. Never summed up with money. Stored in a file of its own.
    pub awards: Vec<AwardLine>,
    /// What the next cycle is handed. Stored in a file of its own.
    pub carried: Carried,
}

/// Something other than money that is paid: points, a prize or a tag, as [`PaidBonus::award`] says. Rows are those of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwardLine {
    /// Row of who gets it.
    pub earner: u32,
    /// Index into [`Payouts::bonuses`].
    pub bonus: u16,
    /// Row of whose volume it is paid on; the earner where it is an indicator of theirs.
    pub source: u32,
    /// Row of the order, or [`crate::NONE`].
    pub order: u32,
    /// The level it is paid as, after compression; 0 where levels play no part.
    pub level_paid: u16,
    /// What is paid on, in ten-thousandths.
    pub base: i64,
    /// The rate, in thousand-millionths.
    pub rate: i64,
    /// The exact number, with [`crate::EXACT_SCALE`] decimals.
    pub exact: i128,
    /// How many: whole points; 1 for a prize or a tag.
    pub quantity: i64,
}

/// What one cycle hands to the next: balances of bonuses by person, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried(pub Vec<CarriedBalance>);

/// A balance of a bonus, or of the plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CarriedBalance {
    /// Id of the person.
    pub person: String,
    /// Code of the bonus; empty for what waits under the plan's minimum payout.
    pub bonus: String,
    /// What kind of balance it is.
    pub kind: BalanceKind,
    /// The last day of the cycle it began in, days since 1970-01-01.
    pub since: i32,
    /// How many cycles it was carried through before the one that hands it on.
    pub cycles: u16,
    /// The currency, where it is money.
    pub currency: Option<Currency>,
    /// How much, with [`crate::EXACT_SCALE`] decimals.
    pub value: i128,
}

/// What kind of balance it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BalanceKind {
    /// Volume of the leg this person heads that a binary bonus has not matched.
    Leg,
    /// What was paid so far in a period.
    Period,
    /// That a bonus was paid that is not paid in every cycle: how much was paid last; `since` says when.
    Paid,
    /// What is held back.
    Held,
    /// What was paid on account to somebody who is not in the network any more, and is still to be deducted.
    Advance,
    /// What was not paid out, because it is under the plan's minimum payout; less than nothing is owed by the person.
    BelowMinimum,
}

impl BalanceKind {
    /// All kinds, in order.
    pub const ALL: [Self; 6] =
        [Self::Leg, Self::Period, Self::Paid, Self::Held, Self::Advance, Self::BelowMinimum];

    /// Name in stored files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leg => "leg",
            Self::Period => "period",
            Self::Paid => "paid",
            Self::Held => "held",
            Self::Advance => "advance",
            Self::BelowMinimum => "below-minimum",
        }
    }
}

/// What somebody was paid on account of a cycle before its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Advance {
    /// Id of the person.
    pub person: String,
    /// Code of the bonus.
    pub bonus: String,
    /// The currency it was paid in.
    pub currency: Currency,
    /// How much, in minor units.
    pub amount: i64,
}

impl Payouts {
    /// Tags that people are given, each with the row of whom.
    pub fn tags(&self) -> impl Iterator<Item = (u32, &str)> {
        self.awards.iter().filter_map(|award| {
            match self.bonuses.get(usize::from(award.bonus)).map(|bonus| &bonus.award) {
                Some(Award::Tag(tag)) if award.quantity != 0 => Some((award.earner, tag.as_str())),
                _ => None,
            }
        })
    }

    /// The lines of a person.
    pub fn of(&self, earner: u32) -> &[PayoutLine] {
        let start = self.lines.partition_point(|line| line.earner < earner);
        let end = self.lines.partition_point(|line| line.earner <= earner);
        &self.lines[start..end]
    }

    /// What somebody gets that is no money.
    pub fn awards_of(&self, earner: u32) -> &[AwardLine] {
        let start = self.awards.partition_point(|line| line.earner < earner);
        let end = self.awards.partition_point(|line| line.earner <= earner);
        &self.awards[start..end]
    }

    /// The code of a line's bonus; empty for the plan's caps and its minimum payout.
    pub fn code(&self, line: &PayoutLine) -> &str {
        self.bonuses.get(usize::from(line.bonus)).map_or("", |bonus| &bonus.code)
    }
}

/// Sums of the lines of one bonus in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BonusTotal {
    /// Code of the bonus; empty for the plan's caps and its minimum payout.
    pub bonus: String,
    /// The currency.
    pub currency: Currency,
    /// How many lines.
    pub lines: u64,
    /// The sum of the rounded lines.
    pub amount: Decimal,
    /// The exact sum less the sum of the rounded lines.
    pub residual: Decimal,
}

impl Payouts {
    /// Sums by bonus and currency, in the order of the bonuses.
    pub fn totals(&self) -> Vec<BonusTotal> {
        let mut sums: std::collections::BTreeMap<(u16, Currency), (u64, i128, i128)> =
            std::collections::BTreeMap::new();
        // Lines of one currency follow each other: it is looked up where it changes.
        let mut last: Option<(Currency, i128)> = None;
        for line in &self.lines {
            let sum = sums.entry((line.bonus, line.currency)).or_default();
            let power = match last {
                Some((currency, power)) if currency == line.currency => power,
                _ => 10_i128.pow(crate::amount::EXACT_SCALE - line.currency.minor_digits()),
            };
            last = Some((line.currency, power));
            let exact_of_rounded = i128::from(line.amount) * power;
            *sum = (sum.0 + 1, sum.1 + i128::from(line.amount), sum.2 + line.exact - exact_of_rounded);
        }
        let total = |((bonus, currency), (lines, amount, residual)): ((u16, Currency), (u64, i128, i128))| {
            BonusTotal {
                bonus: self
                    .bonuses
                    .get(usize::from(bonus))
                    .map(|bonus| bonus.code.clone())
                    .unwrap_or_default(),
                currency,
                lines,
                amount: Decimal::try_from_i128_with_scale(amount, currency.minor_digits())
                    .unwrap_or_default(),
                residual: from_exact(residual),
            }
        };
        sums.into_iter().map(total).collect()
    }
}
