//! Rates on what others earned.

use anyhow::{Result, bail};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{Brought, levels::Share};
use crate::{
    payouts::{Claim, Desk},
    plan::{choice, list},
};

impl<'a> Desk<'a> {
    pub(super) fn matching(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        let of: Vec<&str> = list(how, "/of").iter().filter_map(Value::as_str).collect();
        let (by, held) = match how.get("by") {
            None => ("level", &Value::Null),
            Some(by) => choice(by)?,
        };
        for source in self.cycle.in_order() {
            let sum: Decimal = of.iter().map(|matched| self.sum(source, Some(matched))).sum();
            let base = self.in_base(source, sum)?;
            if base.is_zero() {
                continue;
            }
            let above: Vec<usize> = match by {
                "level" => self.tree(how).above(source).collect(),
                // Who earns in the group of a leader is generation 0 of that leader, who earns as a leader generation 1 of the next.
                "generation" => {
                    let mut leaders = Vec::new();
                    for person in self.tree(how).above(source) {
                        if self.leads(held, person)? {
                            leaders.push(person);
                        }
                    }
                    leaders.split_off(usize::from(!self.leads(held, source)?).min(leaders.len()))
                }
                other => bail!("the oracle does not know matching by {other}"),
            };
            let one = Brought { source, order: None, base };
            for Share { level, walked, earner, rate } in self.shares(bonus, how, &above, &one, 1)? {
                let (level_paid, level_walked, worth) = (level, walked, Decimal::ONE);
                let claim = Claim {
                    bonus: code,
                    source,
                    level_paid,
                    level_walked,
                    base,
                    rate,
                    worth,
                    ..Claim::default()
                };
                self.pay(earner, claim)?;
            }
        }
        Ok(())
    }
}
