//! Payout lines.

use anyhow::{Context, Result};
use foundation::money::Currency;
use num_rational::BigRational;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    balances::Balance,
    cycle::{Bought, Cycle},
    numbers::{product, rounded, rounded_ratio},
    plan::choice,
};

/// A payout line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Code of the bonus; empty for what is not of one.
    pub bonus: String,
    /// `earned`, `undo`, `bonus-cap`, ... as the engine's files name it.
    pub kind: String,
    /// Whose volume it is.
    pub source: String,
    /// The order, where it is paid on one; for what undoes, the return.
    pub order: String,
    /// Level paid, 0 where there is none.
    pub level_paid: usize,
    /// Level walked, 0 where there is none.
    pub level_walked: usize,
    /// What is paid on.
    pub base: Decimal,
    /// The rate.
    pub rate: Decimal,
    /// The exact amount in the earner's currency.
    pub exact: Decimal,
    /// The amount in the earner's currency.
    pub amount: Decimal,
    /// The earner's currency.
    pub currency: String,
    /// For what can be undone: the measure of orders that made the base, and the exact amount for one unit of it.
    pub(crate) undoes: Option<(String, Decimal)>,
}

/// Something other than money that is paid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Award {
    /// Code of the bonus.
    pub bonus: String,
    /// `points`, `prize` or `tag`.
    pub kind: String,
    /// Code of the prize or the tag.
    pub code: String,
    /// Whose volume it is.
    pub source: String,
    /// The order, where it is paid on one.
    pub order: String,
    /// Level paid, 0 where there is none.
    pub level_paid: usize,
    /// What is paid on.
    pub base: Decimal,
    /// The rate.
    pub rate: Decimal,
    /// The exact number.
    pub exact: Decimal,
    /// How many: whole points, 1 for anything else.
    pub quantity: Decimal,
}

/// What a line is paid for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claim<'a> {
    pub(crate) bonus: &'a str,
    pub(crate) source: usize,
    pub(crate) order: Option<&'a Bought>,
    pub(crate) level_paid: usize,
    pub(crate) level_walked: usize,
    pub(crate) base: Decimal,
    pub(crate) rate: Decimal,
    /// What a unit of the base is worth in the base currency.
    pub(crate) worth: Decimal,
    /// The measure of the source's orders that the base is made of.
    pub(crate) measure: Option<String>,
    /// How it is rounded; none: as the plan says.
    pub(crate) rounding: Option<&'a str>,
}

/// The lines of a cycle, by earner.
pub(crate) struct Desk<'a> {
    pub(crate) cycle: &'a Cycle<'a>,
    pub(crate) lines: Vec<Vec<Line>>,
    pub(crate) awards: Vec<Vec<Award>>,
    /// What the bonus being computed is paid in, where it is no money.
    pub(crate) award: Option<&'a Value>,
    /// What the cycle before handed on.
    pub(crate) handed: &'a [Balance],
    /// What the next cycle is handed.
    pub(crate) keeps: Vec<Balance>,
}

/// Decimals of a currency's minor unit.
pub(crate) fn minor_digits(currency: &str) -> Result<u32> {
    let known: Currency = currency.parse().ok().with_context(|| format!("no currency {currency}"))?;
    Ok(known.minor_digits())
}

impl<'a> Desk<'a> {
    pub(crate) fn new(cycle: &'a Cycle<'a>, handed: &'a [Balance]) -> Self {
        let people = cycle.people().len();
        let (lines, awards) = (vec![Vec::new(); people], vec![Vec::new(); people]);
        Self { cycle, lines, awards, award: None, handed, keeps: Vec::new() }
    }

    /// An amount of the earner's currency, rounded as the plan says.
    pub(crate) fn in_minor_units(&self, earner: usize, exact: Decimal) -> Result<Decimal> {
        rounded(exact, minor_digits(self.cycle.currency(earner))?, self.cycle.plan.rounding())
    }

    /// As [`Self::in_minor_units`], of what may have more decimals than there are.
    pub(crate) fn ratio_in_minor_units(&self, earner: usize, exact: &BigRational) -> Result<Decimal> {
        rounded_ratio(exact, minor_digits(self.cycle.currency(earner))?, self.cycle.plan.rounding())
    }

    /// Units of the earner's currency for one of the base currency; what is no money is not changed.
    pub(crate) fn per_base_unit(&self, earner: usize) -> Result<Decimal> {
        match self.award {
            Some(_) => Ok(Decimal::ONE),
            None => self.cycle.per_base_unit(self.cycle.currency(earner)),
        }
    }

    /// What a unit is worth in the base currency; what is no money is worth itself.
    pub(crate) fn worth(&self, in_money: Decimal) -> Decimal {
        if self.award.is_some() { Decimal::ONE } else { in_money }
    }

    /// Pays base × rate, unless that is nothing.
    pub(crate) fn pay(&mut self, earner: usize, claim: Claim<'_>) -> Result<()> {
        let per_unit = product(&[claim.rate, self.worth(claim.worth), self.per_base_unit(earner)?])?;
        let exact = product(&[claim.base, per_unit])?;
        self.book(earner, claim, exact)
    }

    /// Pays an exact amount, unless that is nothing.
    pub(crate) fn book(&mut self, earner: usize, claim: Claim<'_>, exact: Decimal) -> Result<()> {
        if exact.is_zero() {
            return Ok(());
        }
        let Some(award) = self.award else {
            let mut line = self.line(earner, "earned", &claim, exact)?;
            if let Some(measure) = claim.measure {
                let per_unit = product(&[claim.rate, claim.worth, self.per_base_unit(earner)?])?;
                line.undoes = Some((measure, per_unit));
            }
            self.lines[earner].push(line);
            return Ok(());
        };
        let (kind, code) = choice(award)?;
        let rounding = claim.rounding.unwrap_or(self.cycle.plan.rounding());
        self.awards[earner].push(Award {
            bonus: claim.bonus.to_owned(),
            kind: kind.to_owned(),
            code: code.as_str().unwrap_or_default().to_owned(),
            source: self.cycle.people()[claim.source].id.clone(),
            order: claim.order.map_or_else(String::new, |order| order.id.clone()),
            level_paid: claim.level_paid,
            base: claim.base.normalize(),
            rate: claim.rate.normalize(),
            exact: exact.normalize(),
            quantity: if kind == "points" { rounded(exact, 0, rounding)?.normalize() } else { Decimal::ONE },
        });
        Ok(())
    }

    /// A line with this exact amount.
    pub(crate) fn line(&self, earner: usize, kind: &str, claim: &Claim<'_>, exact: Decimal) -> Result<Line> {
        let rounding = claim.rounding.unwrap_or(self.cycle.plan.rounding());
        Ok(Line {
            bonus: claim.bonus.to_owned(),
            kind: kind.to_owned(),
            source: self.cycle.people()[claim.source].id.clone(),
            order: claim.order.map_or_else(String::new, |order| order.id.clone()),
            level_paid: claim.level_paid,
            level_walked: claim.level_walked,
            base: claim.base.normalize(),
            rate: claim.rate.normalize(),
            exact: exact.normalize(),
            amount: rounded(exact, minor_digits(self.cycle.currency(earner))?, rounding)?.normalize(),
            currency: self.cycle.currency(earner).to_owned(),
            undoes: None,
        })
    }

    /// A line that takes back an amount, for no volume.
    pub(crate) fn take_back(
        &mut self,
        earner: usize,
        bonus: &str,
        kind: &str,
        amount: Decimal,
    ) -> Result<()> {
        let claim = Claim { bonus, source: earner, ..Claim::default() };
        let line = self.line(earner, kind, &claim, -amount)?;
        self.lines[earner].push(line);
        Ok(())
    }

    /// The sum of an earner's lines of a bonus that are of some kinds.
    pub(crate) fn sum_of(&self, earner: usize, bonus: &str, kinds: &[&str]) -> Decimal {
        let of_bonus = self.lines[earner].iter().filter(|line| line.bonus == bonus);
        of_bonus.filter(|line| kinds.contains(&line.kind.as_str())).map(|line| line.amount).sum()
    }

    /// The sum of an earner's lines of a bonus; of all bonuses if it is none.
    pub(crate) fn sum(&self, earner: usize, bonus: Option<&str>) -> Decimal {
        let of_bonus = self.lines[earner].iter().filter(|line| bonus.is_none_or(|bonus| line.bonus == bonus));
        of_bonus.map(|line| line.amount).sum()
    }
}
