//! A rate on the weaker of two legs, or an amount for each time both hold their volume.

use std::cmp::Reverse;

use plan::{
    AMOUNT_SCALE, PlannedBonus, Role,
    bonus::{Binary, BinaryCycles, BinaryLegs, BinaryPay, Carry},
};
use rust_decimal::Decimal;

use super::{
    balances::{of_volume, to_volume},
    desk::{Claim, Desk, value_of},
    rates::Rates,
};
use crate::{
    amount::{Factor, RATE_SCALE},
    columns::{NONE, Tree},
    failure::EngineError,
    payouts::{BalanceKind, LegAccount},
    snapshot::fixed,
};

/// What is paid, made ready.
enum Pays {
    Percentage(Rates),
    Cycles { strong: i64, weak: i64, rate: i64, factors: Vec<Factor> },
}

/// What one person's legs give.
#[derive(Clone, Copy, Default)]
struct Match {
    /// Volume taken of the stronger and of the weaker leg.
    used: [i64; 2],
    /// What is paid on: matched volume, or cycles.
    paid: i64,
    /// What would be paid on but for the most there is.
    over: i64,
    rate: i64,
}

impl Desk<'_> {
    pub(super) fn binary(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        binary: &Binary,
    ) -> Result<(), EngineError> {
        let code = &bonus.definition.code;
        let Some(of) = bonus.indicator(Role::Of) else { return Ok(()) };
        let who = self.who(&bonus.when, code)?;
        let value = value_of(self.plan, &self.plan.indicators()[of].definition);
        let pays = match &binary.pays {
            BinaryPay::Percentage(rate) => Pays::Percentage(self.rates(number, bonus, rate, value)?),
            BinaryPay::Cycles(cycles) => self.cycles(number, code, cycles)?,
        };
        let most = binary.most.map(|most| fixed(most, AMOUNT_SCALE, "most", code)).transpose()?;
        let tree = self.tree(binary.tree);
        let mut account = LegAccount::default();
        let mut legs = self.legs(number, code, tree, of, &mut account)?;
        let heads = self.heads(tree);
        for (row, heads) in heads.iter().enumerate().filter(|(_, heads)| !heads.is_empty()) {
            let [strong, weak] = self.sides(binary, heads, &legs);
            if !who[row] {
                if binary.flush_unpaid {
                    for head in strong.into_iter().chain(weak) {
                        account.flushed += i128::from(std::mem::take(&mut legs[head as usize]));
                    }
                }
                continue;
            }
            let found = matched([volume(&strong, &legs), volume(&weak, &legs)], &pays, row, most, binary);
            self.keep_account(number, found.paid, found.rate, |account| &mut account.paid);
            self.keep_account(number, found.over, found.rate, |account| &mut account.capped);
            for (side, used) in [strong, weak].into_iter().zip(found.used) {
                account.matched += i128::from(used);
                take(&side, used, &mut legs);
            }
            let claim = Claim {
                bonus: number,
                earner: row,
                source: row,
                order: NONE,
                level_walked: 0,
                level_paid: 0,
                base: found.paid,
                rate: found.rate,
            };
            let at = self.currency_index(row);
            let factor = match &pays {
                Pays::Percentage(rates) => rates.of(row).factors[at],
                Pays::Cycles { factors, .. } => factors[at],
            };
            self.pay(claim, factor)?;
        }
        self.hand_on(code, binary, tree, &legs, &mut account)?;
        self.conservation[usize::from(number)].legs = Some(account);
        Ok(())
    }

    fn cycles(&self, number: u16, code: &str, cycles: &BinaryCycles) -> Result<Pays, EngineError> {
        Ok(Pays::Cycles {
            strong: fixed(cycles.strong, AMOUNT_SCALE, "a leg's volume", code)?,
            weak: fixed(cycles.weak, AMOUNT_SCALE, "a leg's volume", code)?,
            rate: fixed(cycles.amount, RATE_SCALE, "an amount", code)?,
            factors: self.factors(number, cycles.amount, Decimal::ONE)?,
        })
    }

    /// The volume of the leg each person heads, with what was carried; that of the root is nobody's leg.
    fn legs(
        &mut self,
        number: u16,
        code: &str,
        tree: &Tree,
        of: usize,
        account: &mut LegAccount,
    ) -> Result<Vec<i64>, EngineError> {
        let mut legs = self.base(of, number)?.into_owned();
        for row in tree.order.iter().rev().map(|row| *row as usize) {
            let upper = tree.parent[row];
            if upper == NONE {
                legs[row] = 0;
                continue;
            }
            account.brought += i128::from(legs[row]);
            let sum = legs[upper as usize].checked_add(legs[row]);
            legs[upper as usize] = sum.ok_or_else(|| self.overflow(upper as usize, number))?;
        }
        for balance in self.balances.take(code, BalanceKind::Leg) {
            let volume = to_volume(balance.value);
            let volume = volume.ok_or_else(|| EngineError::Overflow {
                person: balance.person.clone(),
                what: format!("the carried volume of bonus {code}"),
            })?;
            account.carried_in += i128::from(volume);
            let row = self.snapshot.people.row(&balance.person).map(|row| row as usize);
            match row.filter(|row| tree.parent[*row] != NONE) {
                Some(row) => {
                    let sum = legs[row].checked_add(volume);
                    legs[row] = sum.ok_or_else(|| self.overflow(row, number))?;
                }
                // Nobody stands above any more whose leg it could be.
                None => account.flushed += i128::from(volume),
            }
        }
        Ok(legs)
    }

    /// The first line of everyone, in the order of person numbers.
    fn heads(&self, tree: &Tree) -> Vec<Vec<u32>> {
        let mut heads = vec![Vec::new(); tree.len()];
        for row in &self.snapshot.people.by_id {
            if let Some(of) = heads.get_mut(tree.parent[*row as usize] as usize) {
                of.push(*row);
            }
        }
        heads
    }

    /// Who heads the stronger and the weaker side, those with most volume first.
    fn sides(&self, binary: &Binary, heads: &[u32], legs: &[i64]) -> [Vec<u32>; 2] {
        let mut sorted = heads.to_vec();
        sorted.sort_by_key(|head| Reverse(legs[*head as usize]));
        match &binary.legs {
            BinaryLegs::TwoStrongest => [sorted[..1].to_vec(), sorted.get(1).copied().into_iter().collect()],
            BinaryLegs::StrongestAndRest => {
                let rest = sorted.split_off(1);
                if volume(&sorted, legs) < volume(&rest, legs) { [rest, sorted] } else { [sorted, rest] }
            }
            BinaryLegs::Tagged { left, right } => {
                let has = |head: u32, tag: &str| self.snapshot.people.tags.get(head as usize).contains(&tag);
                let left: Vec<u32> = sorted.iter().copied().filter(|head| has(*head, left)).collect();
                let of_right = |head: &u32| has(*head, right) && !left.contains(head);
                let right: Vec<u32> = sorted.iter().copied().filter(of_right).collect();
                if volume(&left, legs) < volume(&right, legs) { [right, left] } else { [left, right] }
            }
        }
    }

    /// Hands the next cycle what is left of each leg.
    fn hand_on(
        &mut self,
        code: &str,
        binary: &Binary,
        tree: &Tree,
        legs: &[i64],
        account: &mut LegAccount,
    ) -> Result<(), EngineError> {
        let most = match (binary.carry, binary.carry_most) {
            (Carry::Flush, _) => None,
            (Carry::Forward, None) => Some(i64::MAX),
            (Carry::Forward, Some(most)) => Some(fixed(most, AMOUNT_SCALE, "carry_most", code)?),
        };
        for row in (0..legs.len()).filter(|row| tree.parent[*row] != NONE) {
            let carried = most.map_or(0, |most| legs[row].min(most));
            account.carried_out += i128::from(carried);
            account.flushed += i128::from(legs[row]) - i128::from(carried);
            if carried != 0 {
                let balance = self.balance(row, code, BalanceKind::Leg, of_volume(carried));
                self.balances.hand(balance);
            }
        }
        Ok(())
    }
}

fn volume(side: &[u32], legs: &[i64]) -> i128 {
    side.iter().map(|head| i128::from(legs[*head as usize])).sum()
}

/// What two legs give, the stronger one first. Nobody without a rate uses anything up.
fn matched(legs: [i128; 2], pays: &Pays, row: usize, most: Option<i64>, binary: &Binary) -> Match {
    let legs = legs.map(|volume| i64::try_from(volume).unwrap_or(i64::MAX));
    let (all, unit, rate) = match pays {
        Pays::Percentage(rates) => (legs[1], [1, 1], rates.of(row).rate),
        Pays::Cycles { strong, weak, rate, .. } => {
            ((legs[0] / strong).min(legs[1] / weak), [*strong, *weak], *rate)
        }
    };
    if all <= 0 || legs[1] <= 0 || rate == 0 {
        return Match::default();
    }
    // The most is a volume, or a number of cycles with the decimals of volumes.
    let one = match pays {
        Pays::Percentage(_) => 1,
        Pays::Cycles { .. } => 10_i64.pow(AMOUNT_SCALE),
    };
    let paid = most.map_or(all, |most| all.min(most / one));
    let times = if binary.flush_over_most { all } else { paid };
    Match {
        used: unit.map(|unit| times * unit),
        paid: paid.saturating_mul(one),
        over: (times - paid).saturating_mul(one),
        rate,
    }
}

/// Takes volume of a side, of its strongest leg first.
fn take(side: &[u32], mut used: i64, legs: &mut [i64]) {
    for head in side {
        let taken = used.min(legs[*head as usize].max(0));
        legs[*head as usize] -= taken;
        used -= taken;
    }
}
