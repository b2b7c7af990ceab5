//! Amounts for an occasion.

use anyhow::{Context, Result, bail};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    balances::Balance,
    numbers::half_even,
    payouts::{Claim, Desk, Line},
    plan::{choice, decimal, flag, list, text},
};

impl<'a> Desk<'a> {
    pub(super) fn fixed(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        for person in self.cycle.in_order() {
            if !self.is_paid(bonus, person)? || self.had_it(code, how, person)? {
                continue;
            }
            for base in self.amounts(how, person)? {
                let (rate, worth) = (Decimal::ONE, Decimal::ONE);
                self.pay(
                    person,
                    Claim { bonus: code, source: person, base, rate, worth, ..Claim::default() },
                )?;
            }
        }
        Ok(())
    }

    /// The amounts a person is due.
    fn amounts(&self, how: &'a Value, person: usize) -> Result<Vec<Decimal>> {
        let paid = self.cycle.paid(person)?;
        let (kind, held) = choice(&how["amount"])?;
        if let Some(("reaching-rank", occasion)) = how.get("on").map(choice).transpose()? {
            let standing = self.cycle.standing[person];
            let mut reached = Vec::new();
            for row in list(held, "") {
                let rank = self.cycle.plan.rank(text(row, "/rank").context("no rank")?)?;
                if rank <= paid && standing.previous_rank < rank && standing.honorific_rank < rank {
                    reached.push(decimal(&row["amount"])?);
                }
            }
            let first =
                if flag(occasion, "/only_reached", false) { reached.len().saturating_sub(1) } else { 0 };
            return Ok(reached.split_off(first));
        }
        Ok(match kind {
            "amount" => vec![decimal(held)?],
            "by-rank" => match self.row_of_rank(list(held, ""), paid)? {
                Some(row) => vec![decimal(&row["amount"])?],
                None => Vec::new(),
            },
            "rule" => {
                let rule = self.cycle.plan.rule(held.as_str().context("no rule")?)?;
                vec![half_even(rule.number(&self.speaker(person))?, 4)]
            }
            other => bail!("the oracle does not know the amount {other}"),
        })
    }

    /// Whether a person had an amount that is not paid in every cycle.
    fn had_it(&self, code: &str, how: &Value, person: usize) -> Result<bool> {
        let had = self.brought_on(code, "paid", person);
        let year = self.cycle.input.last_day.year();
        match text(how, "/times").unwrap_or("each-cycle") {
            "each-cycle" => Ok(false),
            "yearly" => Ok(had.iter().any(|balance| balance.since.year() == year)),
            "once" => Ok(!had.is_empty()),
            other => bail!("the oracle does not know {other} amounts"),
        }
    }

    /// Notes who had it now, and hands on who had it before.
    pub(super) fn note_who_had_it(&mut self, code: &str, how: &Value) {
        let yearly = match text(how, "/times") {
            Some("once") => false,
            Some("yearly") => true,
            _ => return,
        };
        let this_year = self.cycle.input.last_day.year();
        let counts = |one: &Balance| !yearly || one.since.year() == this_year;
        for person in 0..self.lines.len() {
            let is_earned = |line: &&Line| line.bonus == code && line.kind == "earned";
            let in_money = self.lines[person].iter().filter(is_earned).map(|line| line.exact);
            let awards = self.awards[person].iter().filter(|award| award.bonus == code);
            let exact: Vec<Decimal> = in_money.chain(awards.map(|award| award.exact)).collect();
            if exact.is_empty() {
                let before = self.brought_on(code, "paid", person).into_iter().filter(&counts);
                self.keeps.extend(before.map(|one| Balance { cycles: one.cycles + 1, ..one }));
            } else {
                self.hand_on(code, "paid", person, exact.into_iter().sum());
            }
        }
        self.hand_on_of_absent(code, "paid", counts);
    }
}
