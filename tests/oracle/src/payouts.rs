//! Payout lines.

use anyhow::{Context, Result};
use foundation::money::Currency;
use rust_decimal::Decimal;

use crate::{
    cycle::{Bought, Cycle},
    numbers::{product, rounded},
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
}

/// The lines of a cycle, by earner.
pub(crate) struct Desk<'a> {
    pub(crate) cycle: &'a Cycle<'a>,
    pub(crate) lines: Vec<Vec<Line>>,
}

/// Decimals of a currency's minor unit.
pub(crate) fn minor_digits(currency: &str) -> Result<u32> {
    let known: Currency = currency.parse().ok().with_context(|| format!("no currency {currency}"))?;
    Ok(known.minor_digits())
}

impl<'a> Desk<'a> {
    pub(crate) fn new(cycle: &'a Cycle<'a>) -> Self {
        Self { cycle, lines: vec![Vec::new(); cycle.people().len()] }
    }

    /// An amount of the earner's currency, rounded as the plan says.
    pub(crate) fn in_minor_units(&self, earner: usize, exact: Decimal) -> Result<Decimal> {
        rounded(exact, minor_digits(self.cycle.currency(earner))?, self.cycle.plan.rounding())
    }

    /// Units of the earner's currency for one of the base currency.
    pub(crate) fn per_base_unit(&self, earner: usize) -> Result<Decimal> {
        self.cycle.per_base_unit(self.cycle.currency(earner))
    }

    /// Pays base × rate, unless that is nothing.
    pub(crate) fn pay(&mut self, earner: usize, claim: Claim<'_>) -> Result<()> {
        let per_unit = product(&[claim.rate, claim.worth, self.per_base_unit(earner)?])?;
        let exact = product(&[claim.base, per_unit])?;
        if exact.is_zero() {
            return Ok(());
        }
        let mut line = self.line(earner, "earned", &claim, exact)?;
        line.undoes = claim.measure.map(|measure| (measure, per_unit));
        self.lines[earner].push(line);
        Ok(())
    }

    /// A line with this exact amount.
    pub(crate) fn line(&self, earner: usize, kind: &str, claim: &Claim<'_>, exact: Decimal) -> Result<Line> {
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
            amount: self.in_minor_units(earner, exact)?.normalize(),
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

    /// The sum of an earner's lines of a bonus; of all bonuses if it is none.
    pub(crate) fn sum(&self, earner: usize, bonus: Option<&str>) -> Decimal {
        let of_bonus = self.lines[earner].iter().filter(|line| bonus.is_none_or(|bonus| line.bonus == bonus));
        of_bonus.map(|line| line.amount).sum()
    }
}
