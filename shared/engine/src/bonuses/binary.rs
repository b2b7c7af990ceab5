//! A rate on the weaker of two legs, or an amount for each time both hold their volume.

use std::cmp::Reverse;

use plan::{
    AMOUNT_SCALE, PlannedBonus, Role,
    bonus::{Binary, BinaryCycles, BinaryLegs, BinaryPay, Carry, CycleSides},
};
use rust_decimal::Decimal;

use super::{
    balances::{of_volume, to_volume},
    desk::{Claim, Desk, value_of},
    limits::as_rate,
    rates::Rates,
};
use crate::{
    columns::{NONE, Tree},
    failure::EngineError,
    payouts::{BalanceKind, LegAccount},
    snapshot::fixed,
};

/// What is paid, made ready: a rate, or an amount for each cycle.
struct Pays {
    rates: Rates,
    cycle: Option<Cycle>,
}

/// What a cycle takes.
struct Cycle {
    strong: i64,
    weak: i64,
    sides: CycleSides,
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
            BinaryPay::Percentage(rate) => {
                Pays { rates: self.rates(number, bonus, rate, value)?, cycle: None }
            }
            BinaryPay::Cycles(cycles) => self.cycles(number, bonus, cycles)?,
        };
        let ready = |most: Decimal| fixed(most, AMOUNT_SCALE, "most", code);
        let what = format!("bonus {code}");
        let limits = |most| self.limits((most, bonus.rule(Role::Most)), &what, ready);
        let most = binary.most.as_ref().map(limits).transpose()?;
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
            let volumes = [volume(&strong, &legs), volume(&weak, &legs)];
            let most = most.as_ref().map(|most| most.of(self, row));
            let found = matched(volumes, &pays, row, most, binary.flush_over_most);
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
            self.pay(claim, pays.rates.of(row).factors[self.currency_index(row)])?;
        }
        self.hand_on(code, binary, tree, &legs, &mut account)?;
        self.conservation[usize::from(number)].legs = Some(account);
        Ok(())
    }

    fn cycles(&self, number: u16, bonus: &PlannedBonus, cycles: &BinaryCycles) -> Result<Pays, EngineError> {
        let volume = |volume: Decimal| fixed(volume, AMOUNT_SCALE, "a leg's volume", &bonus.definition.code);
        let (strong, weak) = (volume(cycles.strong)?, volume(cycles.weak)?);
        let mut rates = self.rates(number, bonus, &as_rate(&cycles.amount), Decimal::ONE)?;
        rates.no_less_than_nothing();
        Ok(Pays { rates, cycle: Some(Cycle { strong, weak, sides: cycles.sides }) })
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

impl Cycle {
    /// The most cycles that two legs hold, the stronger one first.
    fn most(&self, legs: [i64; 2]) -> i64 {
        match self.sides {
            CycleSides::Stronger => (legs[0] / self.strong).min(legs[1] / self.weak),
            CycleSides::Either => {
                let both = (i128::from(legs[0]) + i128::from(legs[1]))
                    / (i128::from(self.strong) + i128::from(self.weak));
                let bound = both.min(i128::from(legs[1] / self.weak));
                // The bound or one fewer: how often the stronger leg may give `strong` lies between two numbers, and one cycle less
                // moves them apart by (strong + weak) / (strong - weak), so that a whole number is between them.
                let most = (0..=bound).rev().find(|times| self.of_stronger(legs, *times).is_some());
                most.and_then(|most| i64::try_from(most).ok()).unwrap_or(0)
            }
        }
    }

    /// In how many of so many cycles the stronger leg gives `strong`, as often as it can; none if the legs do not hold them.
    fn of_stronger(&self, legs: [i64; 2], times: i128) -> Option<i128> {
        let [stronger, weaker] = legs.map(i128::from);
        let (strong, weak) = (i128::from(self.strong), i128::from(self.weak));
        // What is left of the stronger leg if it gives `weak` in all of them.
        let left = stronger - times * weak;
        let often = if strong == weak { times } else { times.min(left / (strong - weak)) };
        let used_of_weaker = often * weak + (times - often) * strong;
        (0 <= left && used_of_weaker <= weaker).then_some(often)
    }

    /// What so many cycles take of each leg.
    fn takes(&self, legs: [i64; 2], times: i64) -> [i64; 2] {
        let often = match self.sides {
            CycleSides::Stronger => times,
            CycleSides::Either => {
                let often = self.of_stronger(legs, i128::from(times));
                often.and_then(|often| i64::try_from(often).ok()).unwrap_or(times)
            }
        };
        let others = times - often;
        [often * self.strong + others * self.weak, often * self.weak + others * self.strong]
    }
}

/// What two legs give, the stronger one first. Nobody without a rate uses anything up.
fn matched(legs: [i128; 2], pays: &Pays, row: usize, most: Option<i64>, flush_over_most: bool) -> Match {
    let legs = legs.map(|volume| i64::try_from(volume).unwrap_or(i64::MAX));
    let rate = pays.rates.of(row).rate;
    if legs[1] <= 0 || rate == 0 {
        return Match::default();
    }
    let all = pays.cycle.as_ref().map_or(legs[1], |cycle| cycle.most(legs));
    // The most is a volume, or a number of cycles with the decimals of volumes.
    let one = if pays.cycle.is_some() { 10_i64.pow(AMOUNT_SCALE) } else { 1 };
    let paid = most.map_or(all, |most| all.min(most / one));
    let times = if flush_over_most { all } else { paid };
    Match {
        used: pays.cycle.as_ref().map_or([times, times], |cycle| cycle.takes(legs, times)),
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
