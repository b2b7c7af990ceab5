//! An amount, in every cycle or once, for a condition or for a rank that is reached.

use std::collections::BTreeMap;

use plan::{
    AMOUNT_SCALE, PlannedBonus, Role,
    bonus::{Fixed, FixedAmount, Occasion, Period, Times},
};
use rust_decimal::Decimal;

use super::{
    desk::{Claim, Desk},
    periods::date,
};
use crate::{
    amount::RATE_SCALE,
    columns::NONE,
    failure::EngineError,
    payouts::{BalanceKind, LineKind},
    snapshot,
};

impl Desk<'_> {
    pub(super) fn fixed(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        fixed: &Fixed,
    ) -> Result<(), EngineError> {
        let code = &bonus.definition.code;
        let mut who = self.who(&bonus.when, code)?;
        for row in self.paid_already(code, fixed.times) {
            who[row] = false;
        }
        let amounts = self.amounts(bonus, fixed)?;
        let one = 10_i64.pow(RATE_SCALE);
        let factors = self.factors(number, Decimal::ONE, Decimal::ONE)?;
        for row in (0..who.len()).filter(|row| who[*row]) {
            for amount in amounts.of(self, row, &fixed.on) {
                let claim = Claim {
                    bonus: number,
                    earner: row,
                    source: row,
                    order: NONE,
                    level_walked: 0,
                    level_paid: 0,
                    base: amount,
                    rate: one,
                };
                self.keep_account(number, amount, one, |account| &mut account.paid);
                self.pay(claim, factors[self.currency_index(row)])?;
            }
        }
        Ok(())
    }

    /// Who is not paid again. What is known of them is handed on.
    fn paid_already(&mut self, code: &str, times: Times) -> Vec<usize> {
        let balances = self.balances.take(code, BalanceKind::Paid);
        let mut rows = Vec::new();
        for mut balance in balances {
            let counts = match times {
                Times::EachCycle => false,
                Times::Yearly => Period::Year.is_shared(date(balance.since), date(self.today), &[]),
                Times::Once => true,
            };
            if counts {
                rows.extend(self.snapshot.people.row(&balance.person).map(|row| row as usize));
                balance.cycles = balance.cycles.saturating_add(1);
                self.balances.hand(balance);
            }
        }
        rows
    }

    fn amounts(&self, bonus: &PlannedBonus, fixed: &Fixed) -> Result<Amounts, EngineError> {
        let code = &bonus.definition.code;
        let kept = |amount: Decimal| snapshot::fixed(amount, AMOUNT_SCALE, "an amount", code);
        Ok(match &fixed.amount {
            FixedAmount::Amount(amount) => Amounts::Same(kept(*amount)?),
            FixedAmount::ByRank(rows) => {
                let row = |row: &plan::bonus::AmountOfRank| {
                    Ok((self.plan.rank_position(&row.rank).unwrap_or(u8::MAX), kept(row.amount)?))
                };
                Amounts::ByRank(rows.iter().map(row).collect::<Result<_, EngineError>>()?)
            }
            FixedAmount::Rule(_) => Amounts::Each(match bonus.rule(Role::Amount) {
                Some(rule) => {
                    self.run.numbers(rule, AMOUNT_SCALE, || format!("the amount of bonus {code}"))?
                }
                None => vec![0; self.snapshot.people.len()],
            }),
        })
    }

    /// Remembers who was paid a bonus that is not paid in every cycle.
    pub(super) fn remember_paid(&mut self, number: u16, code: &str, times: Times) {
        if times == Times::EachCycle {
            return;
        }
        let mut paid: BTreeMap<u32, i128> = BTreeMap::new();
        let earned = |kind: LineKind| kind == LineKind::Earned;
        for line in self.lines.iter().filter(|line| line.bonus == number && earned(line.kind)) {
            *paid.entry(line.earner).or_default() += line.exact;
        }
        for award in self.awards.iter().filter(|award| award.bonus == number) {
            *paid.entry(award.earner).or_default() += award.exact;
        }
        for (row, value) in paid {
            let balance = self.balance(row as usize, code, BalanceKind::Paid, value);
            self.balances.hand(balance);
        }
    }
}

/// Amounts with [`AMOUNT_SCALE`] decimals.
enum Amounts {
    Same(i64),
    /// By rank, lowest first.
    ByRank(Vec<(u8, i64)>),
    /// By row.
    Each(Vec<i64>),
}

impl Amounts {
    fn of(&self, desk: &Desk<'_>, row: usize, on: &Occasion) -> Vec<i64> {
        let rows = match self {
            Self::Same(amount) => return vec![*amount],
            Self::Each(amounts) => return vec![amounts[row]],
            Self::ByRank(rows) => rows,
        };
        let people = &desk.snapshot.people;
        let had = people.previous_rank[row].max(people.honorific_rank[row]);
        let reached = rows.iter().filter(|(rank, _)| *rank <= desk.run.paid[row]);
        let mut amounts: Vec<i64> = match on {
            Occasion::Condition => {
                return reached.map(|(_, amount)| *amount).next_back().into_iter().collect();
            }
            Occasion::ReachingRank { .. } => {
                reached.filter(|(rank, _)| had < *rank).map(|(_, amount)| *amount).collect()
            }
        };
        if matches!(on, Occasion::ReachingRank { only_reached: true }) {
            amounts = amounts.pop().into_iter().collect();
        }
        amounts
    }
}
