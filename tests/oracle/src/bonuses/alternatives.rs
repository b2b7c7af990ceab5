//! Bonuses of which a person gets one.

use anyhow::{Result, bail};
use rust_decimal::Decimal;
use serde_json::Value;

use super::OF_THIS_CYCLE;
use crate::{
    payouts::{Desk, Line},
    plan::{list, text},
};

/// The codes of the alternative that a bonus is part of.
pub(super) fn alternative_of<'a>(document: &'a Value, code: &str) -> Option<(&'a Value, Vec<&'a str>)> {
    list(document, "/alternatives").iter().find_map(|alternative| {
        let codes: Vec<&str> = list(alternative, "/bonuses").iter().filter_map(Value::as_str).collect();
        codes.contains(&code).then_some((alternative, codes))
    })
}

impl Desk<'_> {
    /// Leaves everyone the lines of one of these bonuses.
    pub(super) fn choose(&mut self, alternative: &Value, codes: &[&str]) -> Result<()> {
        let how = text(alternative, "/pays").unwrap_or("greatest");
        for person in 0..self.lines.len() {
            // Who has no line of a bonus is not paid it, be the others less than nothing.
            let of_this_cycle = |line: &Line| OF_THIS_CYCLE.contains(&line.kind.as_str());
            let has_lines = |code: &&&str| {
                self.lines[person].iter().any(|line| line.bonus == **code && of_this_cycle(line))
            };
            let sums: Vec<(&str, Decimal)> = codes
                .iter()
                .filter(has_lines)
                .map(|code| (*code, self.sum_of(person, code, &OF_THIS_CYCLE)))
                .collect();
            let pays = sums.iter().find(|(_, sum)| Decimal::ZERO < *sum);
            let greatest = sums.iter().map(|(_, sum)| *sum).max();
            let chosen = match how {
                "first" => pays.or(sums.first()),
                "greatest" => sums.iter().find(|(_, sum)| Some(*sum) == greatest),
                other => bail!("the oracle does not know the choice {other}"),
            };
            let Some((chosen, _)) = chosen else { continue };
            self.lines[person].retain(|line| {
                line.bonus == *chosen || !codes.contains(&line.bonus.as_str()) || !of_this_cycle(line)
            });
        }
        Ok(())
    }
}
