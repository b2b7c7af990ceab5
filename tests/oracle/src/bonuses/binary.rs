//! The weaker of two legs.

use std::{cmp::Reverse, collections::BTreeMap};

use anyhow::{Context, Result, bail};
use rust_decimal::Decimal;
use serde_json::Value;

use super::worth_of;
use crate::{
    payouts::{Claim, Desk},
    plan::{choice, decimal, flag, maybe, text},
};

/// What is paid of two sides, and what they are used up by.
struct Matched {
    base: Decimal,
    rate: Decimal,
    worth: Decimal,
    /// Of the stronger and of the weaker side.
    used: [Decimal; 2],
}

impl<'a> Desk<'a> {
    pub(super) fn binary(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        let tree = self.tree(how);
        let mut volume = Vec::new();
        for head in 0..self.lines.len() {
            let mut sum: Decimal = self.brought_on(code, "leg", head).iter().map(|leg| leg.value).sum();
            for member in tree.leg(head) {
                sum += self.cycle.indicator_of(text(how, "/of").context("it is paid on nothing")?, member)?;
            }
            volume.push(sum);
        }
        for person in self.cycle.in_order() {
            let heads = &tree.children[person];
            let mut sides = self.sides(how, heads, &volume)?;
            let size = |side: &[usize]| -> Decimal { side.iter().map(|head| volume[*head]).sum() };
            // The stronger side first; of equal ones the left one.
            sides.sort_by_key(|side| Reverse(size(side)));
            let [strong, weak] = [size(&sides[0]), size(&sides[1])];
            let mut left: BTreeMap<usize, Decimal> =
                heads.iter().map(|head| (*head, volume[*head])).collect();
            if self.is_paid(bonus, person)? {
                if let Some(Matched { base, rate, worth, used }) = self.matched(how, person, strong, weak)? {
                    self.pay(
                        person,
                        Claim { bonus: code, source: person, base, rate, worth, ..Claim::default() },
                    )?;
                    for (side, used) in sides.iter().zip(used) {
                        use_up(&mut left, side, used);
                    }
                }
            } else if flag(how, "/flush_unpaid", false) {
                left.retain(|head, _| !sides.iter().flatten().any(|of_side| of_side == head));
            }
            if text(how, "/carry") == Some("flush") {
                left.clear();
            }
            let most = maybe(how, "/carry_most")?;
            for (head, volume) in left {
                let kept = most.map_or(volume, |most| volume.min(most));
                if !kept.is_zero() {
                    self.hand_on(code, "leg", head, kept);
                }
            }
        }
        Ok(())
    }

    /// The heads of the two sides, the strongest leg of each first.
    fn sides(&self, how: &Value, heads: &[usize], volume: &[Decimal]) -> Result<[Vec<usize>; 2]> {
        let mut order = heads.to_vec();
        order.sort_by_key(|head| Reverse(volume[*head]));
        let (kind, held) = match how.get("legs") {
            None => ("two-strongest", &Value::Null),
            Some(legs) => choice(legs)?,
        };
        let strongest: Vec<usize> = order.iter().take(1).copied().collect();
        Ok(match kind {
            "two-strongest" => [strongest, order.iter().skip(1).take(1).copied().collect()],
            "strongest-and-rest" => [strongest, order.iter().skip(1).copied().collect()],
            "tagged" => {
                let tagged = |tag: &str, head: usize| self.cycle.tags(head).contains(tag);
                let left = text(held, "/left").context("no left leg")?;
                let right = text(held, "/right").context("no right leg")?;
                let (on_left, others): (Vec<usize>, Vec<usize>) =
                    order.into_iter().partition(|head| tagged(left, *head));
                [on_left, others.into_iter().filter(|head| tagged(right, *head)).collect()]
            }
            other => bail!("the oracle does not know the legs {other}"),
        })
    }

    /// What two sides are paid; nothing for who has no rate.
    fn matched(
        &self,
        how: &'a Value,
        person: usize,
        strong: Decimal,
        weak: Decimal,
    ) -> Result<Option<Matched>> {
        let of = text(how, "/of").context("it is paid on nothing")?;
        let most = maybe(how, "/most")?;
        let flushes = flag(how, "/flush_over_most", false);
        let within = |all: Decimal| most.map_or(all, |most| all.min(most));
        Ok(match choice(&how["pays"])? {
            ("percentage", rate) => {
                // A rate of 0 is no rate.
                let rate = self.rate(rate, of, person)?.filter(|rate| !rate.is_zero());
                let Some(rate) = rate else { return Ok(None) };
                let all = weak.max(Decimal::ZERO);
                let base = within(all);
                let used = if flushes { all } else { base };
                Some(Matched { base, rate, worth: worth_of(self.cycle.plan, of)?, used: [used, used] })
            }
            ("cycles", cycles) => {
                let of_side = |volume: Decimal, field: &str| -> Result<(Decimal, Decimal)> {
                    let each = decimal(&cycles[field])?;
                    Ok(((volume / each).floor().max(Decimal::ZERO), each))
                };
                let (of_strong, strong_each) = of_side(strong, "strong")?;
                let (of_weak, weak_each) = of_side(weak, "weak")?;
                let all = of_strong.min(of_weak);
                let base = within(all);
                let used = if flushes { all } else { base };
                let rate = decimal(&cycles["amount"])?;
                Some(Matched {
                    base,
                    rate,
                    worth: Decimal::ONE,
                    used: [used * strong_each, used * weak_each],
                })
            }
            (other, _) => bail!("the oracle does not know binary {other}"),
        })
    }
}

/// Takes volume of the legs of a side, from the first one on.
fn use_up(left: &mut BTreeMap<usize, Decimal>, side: &[usize], mut used: Decimal) {
    for head in side {
        if let Some(volume) = left.get_mut(head) {
            let of_leg = used.min((*volume).max(Decimal::ZERO));
            *volume -= of_leg;
            used -= of_leg;
        }
    }
}
