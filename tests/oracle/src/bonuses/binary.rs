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
        let most = self.limit(how.get("most"), person, 4)?;
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
                // Who is paid nothing for a cycle has none. What a cycle pays is kept as rates are.
                let rate = self.limit(cycles.get("amount"), person, 9)?.context("a cycle pays nothing")?;
                if rate.is_zero() {
                    return Ok(None);
                }
                let each = [decimal(&cycles["strong"])?, decimal(&cycles["weak"])?];
                let turns = match text(cycles, "/sides").unwrap_or("stronger") {
                    "stronger" => false,
                    "either" => true,
                    other => bail!("the oracle does not know cycles on {other} sides"),
                };
                let taken = |times: Decimal| used_by_cycles(times, [strong, weak], each, turns);
                // No more than so many for sure; there may be fewer.
                let bound = if turns {
                    (weak / each[0].min(each[1])).min((strong + weak) / (each[0] + each[1]))
                } else {
                    (strong / each[0]).min(weak / each[1])
                };
                let mut all = bound.floor().max(Decimal::ZERO);
                while taken(all).is_none() {
                    all -= Decimal::ONE;
                }
                let base = within(all).floor();
                let used = taken(if flushes { all } else { base }).context("the legs hold fewer cycles")?;
                Some(Matched { base, rate, worth: Decimal::ONE, used })
            }
            (other, _) => bail!("the oracle does not know binary {other}"),
        })
    }
}

/// What so many cycles take of the stronger and of the weaker side, if these hold them: as much of the stronger one as can be. A cycle
/// takes `each` of them; where sides may be turned, any number of the cycles takes it the other way round.
fn used_by_cycles(
    times: Decimal,
    sides: [Decimal; 2],
    each: [Decimal; 2],
    turns: bool,
) -> Option<[Decimal; 2]> {
    // No cycles are held by any two sides.
    if times.is_zero() {
        return Some([Decimal::ZERO; 2]);
    }
    let mut straight = times;
    loop {
        let turned = times - straight;
        let used = [straight * each[0] + turned * each[1], straight * each[1] + turned * each[0]];
        if used[0] <= sides[0] && used[1] <= sides[1] {
            return Some(used);
        }
        if !turns || straight.is_zero() {
            return None;
        }
        straight -= Decimal::ONE;
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
