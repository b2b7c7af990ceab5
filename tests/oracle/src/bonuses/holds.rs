//! What is held back, paid later or lost; and what was paid on account.

use anyhow::{Context, Result};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    balances::Balance,
    payouts::{Claim, Desk},
    plan::{maybe, text},
};

impl Desk<'_> {
    /// Holds back what a bonus pays, and pays what was held before.
    pub(super) fn hold(&mut self, code: &str, bonus: &Value) -> Result<()> {
        if bonus.get("hold").is_none_or(Value::is_null) {
            return Ok(());
        }
        let rule = text(bonus, "/hold/while").context("nothing says who is held")?;
        let most = maybe(bonus, "/hold/at_most_cycles")?;
        for person in 0..self.lines.len() {
            let before = self.brought_on(code, "held", person);
            if !self.holds(rule, person)? {
                let sum = self.in_currency_of(person, &before)?;
                if !before.is_empty() {
                    self.take_back(person, code, "released", -sum)?;
                }
                continue;
            }
            let sum = self.sum(person, Some(code));
            if !sum.is_zero() {
                self.take_back(person, code, "held", sum)?;
                self.hand_on(code, "held", person, sum);
            }
            for balance in before {
                let cycles = balance.cycles + 1;
                if most.is_some_and(|most| most <= Decimal::from(cycles)) {
                    let base = self.in_currency_of(person, &[balance])?.trunc_with_scale(4);
                    let claim = Claim { bonus: code, source: person, base, ..Claim::default() };
                    let line = self.line(person, "lost", &claim, Decimal::ZERO)?;
                    self.lines[person].push(line);
                } else {
                    self.keeps.push(Balance { cycles, ..balance });
                }
            }
        }
        // Time goes on for who is away; what is lost then is told to nobody.
        let in_time = |one: &Balance| most.is_none_or(|most| Decimal::from(one.cycles) < most);
        self.hand_on_of_absent(code, "held", in_time);
        Ok(())
    }

    /// Deducts what was paid on account of this cycle, and of earlier ones to people who were away.
    pub(super) fn advances(&mut self) -> Result<()> {
        let day = self.cycle.input.last_day;
        let base = self.cycle.plan.base_currency();
        let of_this_cycle = self.cycle.input.advances.iter().map(|advance| Balance {
            person: advance.person.clone(),
            bonus: advance.bonus.clone(),
            kind: "advance".to_owned(),
            since: day,
            cycles: 0,
            currency: if advance.currency.is_empty() { base } else { &advance.currency }.to_owned(),
            value: advance.amount,
        });
        let earlier = self.handed.iter().filter(|balance| balance.kind == "advance");
        let earlier = earlier.map(|balance| Balance { cycles: balance.cycles + 1, ..balance.clone() });
        for advance in earlier.chain(of_this_cycle).collect::<Vec<_>>() {
            match self.cycle.index.get(&advance.person) {
                Some(person) => {
                    let amount = self.in_currency_of(*person, std::slice::from_ref(&advance))?;
                    self.take_back(*person, &advance.bonus, "advance", amount)?;
                }
                None => self.keeps.push(advance),
            }
        }
        Ok(())
    }
}
