//! Rates by level: who takes a level, who is paid for it.

use plan::{
    PlannedBonus, Role,
    bonus::{Compression, LevelBase, LevelRates, RollUpRate, Unilevel},
    indicator::Tree as TreeName,
};
use rust_decimal::Decimal;

use super::desk::{Claim, Desk, order_column, value_of, value_of_measure};
use crate::{
    amount::{Factor, RATE_SCALE},
    columns::{NONE, Tree, position},
    failure::EngineError,
    payouts::Conservation,
    snapshot::fixed,
};

impl Desk<'_> {
    pub(super) fn unilevel(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        unilevel: &Unilevel,
    ) -> Result<(), EngineError> {
        let code = &bonus.definition.code;
        let when = self.who(&bonus.when, code)?;
        let qualified = match bonus.rule(Role::Qualified) {
            Some(rule) => self.who(rule, code)?,
            None => vec![true; when.len()],
        };
        let tree = match unilevel.tree {
            TreeName::Placement => &self.snapshot.people.placement,
            TreeName::Enrolment => &self.snapshot.people.enrolment,
        };
        let levels = Levels {
            number,
            compression: unilevel.compression,
            roll_up_rate: unilevel.roll_up_rate,
            table: self.level_table(number, bonus, unilevel)?,
            next_qualified: next_qualified(tree, &qualified),
            depth: depth_by_row(tree),
            parent: &tree.parent,
            when,
            qualified,
        };
        match &unilevel.on {
            LevelBase::Indicator(_) => {
                let base = self.base(bonus.indicator(Role::Of).unwrap_or(usize::MAX), number)?;
                for (row, base) in base.into_iter().enumerate() {
                    self.walk(&levels, row, NONE, base)?;
                }
            }
            LevelBase::Orders(measure) => {
                let orders = &self.snapshot.orders;
                let column = order_column(self.snapshot, *measure)?;
                for order in (0..orders.len()).filter(|order| !orders.is_late[*order]) {
                    let sign = if orders.is_return[order] { -1 } else { 1 };
                    self.walk(&levels, orders.person[order] as usize, position(order), column[order] * sign)?;
                }
            }
        }
        Ok(())
    }

    fn level_table(
        &self,
        number: u16,
        bonus: &PlannedBonus,
        unilevel: &Unilevel,
    ) -> Result<LevelTable, EngineError> {
        let code = &bonus.definition.code;
        let value = match (&unilevel.on, bonus.indicator(Role::Of)) {
            (LevelBase::Orders(measure), _) => value_of_measure(self.plan, *measure),
            (LevelBase::Indicator(_), Some(of)) => {
                value_of(self.plan, &self.plan.indicators()[of].definition)
            }
            (LevelBase::Indicator(_), None) => Decimal::ONE,
        };
        let highest = u8::try_from(self.plan.rank_rules().len()).unwrap_or(u8::MAX);
        let reached = |from: Option<&String>, rank: u8| {
            from.is_none_or(|from| self.plan.rank_position(from).is_some_and(|from| from <= rank))
        };
        let mut table = LevelTable::default();
        for rank in 0..=highest {
            let rates: &[Decimal] = match &unilevel.rates {
                LevelRates::ByLevel(rates) => rates,
                LevelRates::ByRank(rows) => rows
                    .iter()
                    .rfind(|row| reached(row.rank.as_ref(), rank))
                    .map_or(&[], |row| row.rates.as_slice()),
                // Refused when the plan is saved.
                LevelRates::Rule(_) => &[],
            };
            let depth = if unilevel.depth.is_empty() {
                usize::MAX
            } else {
                let row = unilevel.depth.iter().rfind(|row| reached(row.rank.as_ref(), rank));
                row.map_or(0, |row| usize::from(row.levels))
            };
            let level = |rate: &Decimal| {
                Ok(LevelRate {
                    rate: fixed(*rate, RATE_SCALE, "a rate", code)?,
                    factors: self.factors(number, *rate, value)?,
                })
            };
            table.deepest = table.deepest.max(rates.len());
            table.rates.push(rates.iter().map(level).collect::<Result<_, EngineError>>()?);
            table.depth.push(depth);
        }
        Ok(table)
    }

    /// Pays the levels above one source.
    fn walk(&mut self, levels: &Levels<'_>, source: usize, order: u32, base: i64) -> Result<(), EngineError> {
        if base == 0 {
            return Ok(());
        }
        let above = |row: usize| match levels.compression {
            Compression::Dynamic => levels.next_qualified[row],
            Compression::None | Compression::RollUp => levels.parent[row],
        };
        let mut at = above(source);
        for level in 1..=levels.table.deepest {
            if at == NONE {
                // Nobody stands there: the rate is that of somebody without a rank.
                if let Some(rate) = levels.table.rate(0, level) {
                    self.keep_account(levels.number, base, rate.rate, |account| &mut account.unclaimed);
                }
                continue;
            }
            let holder = at as usize;
            at = above(holder);
            let Some((earner, by)) = self.receiver(levels, holder, level, base) else { continue };
            let rank = usize::from(self.run.paid[by]);
            let Some(rate) = levels.table.rate(rank, level) else { continue };
            let reaches = level <= levels.table.depth[usize::from(self.run.paid[earner])];
            if !levels.when[earner] || !reaches {
                self.keep_account(levels.number, base, rate.rate, |account| &mut account.forfeited);
                continue;
            }
            let moved = earner != holder;
            self.keep_account(levels.number, base, rate.rate, |account| {
                if moved { &mut account.rolled_up } else { &mut account.paid }
            });
            let claim = Claim {
                bonus: levels.number,
                earner,
                source,
                order,
                level_walked: level_number(levels.depth[source].saturating_sub(levels.depth[earner]) as usize),
                level_paid: level_number(level),
                base,
                rate: rate.rate,
            };
            self.pay(claim, &rate.factors)?;
        }
        Ok(())
    }

    /// Who gets a level, and whose rank decides the rate; nobody if it is kept.
    fn receiver(
        &mut self,
        levels: &Levels<'_>,
        holder: usize,
        level: usize,
        base: i64,
    ) -> Option<(usize, usize)> {
        if levels.qualified[holder] {
            return Some((holder, holder));
        }
        let upper = levels.next_qualified[holder];
        let (account, receiver): (fn(&mut Conservation) -> &mut i128, _) = match levels.compression {
            Compression::RollUp if upper != NONE => {
                let upper = upper as usize;
                let by = if levels.roll_up_rate == RollUpRate::Loser { holder } else { upper };
                return Some((upper, by));
            }
            Compression::RollUp => (|account| &mut account.unclaimed, None),
            Compression::None | Compression::Dynamic => (|account| &mut account.unqualified, None),
        };
        if let Some(rate) = levels.table.rate(usize::from(self.run.paid[holder]), level) {
            self.keep_account(levels.number, base, rate.rate, account);
        }
        receiver
    }
}

/// The rate of a level made ready.
struct LevelRate {
    rate: i64,
    factors: Vec<Factor>,
}

/// Rates and depth by rank.
#[derive(Default)]
struct LevelTable {
    rates: Vec<Vec<LevelRate>>,
    depth: Vec<usize>,
    deepest: usize,
}

impl LevelTable {
    /// The rate of a level from 1 for a rank, unless it is 0.
    fn rate(&self, rank: usize, level: usize) -> Option<&LevelRate> {
        self.rates.get(rank)?.get(level - 1).filter(|rate| rate.rate != 0)
    }
}

/// A unilevel bonus made ready.
struct Levels<'a> {
    number: u16,
    compression: Compression,
    roll_up_rate: RollUpRate,
    table: LevelTable,
    next_qualified: Vec<u32>,
    depth: Vec<u32>,
    parent: &'a [u32],
    when: Vec<bool>,
    qualified: Vec<bool>,
}

fn level_number(level: usize) -> u16 {
    u16::try_from(level).unwrap_or(u16::MAX)
}

/// The nearest qualified person above each.
fn next_qualified(tree: &Tree, qualified: &[bool]) -> Vec<u32> {
    let mut next = vec![NONE; tree.len()];
    for row in &tree.order {
        let upper = tree.parent[*row as usize];
        if upper != NONE {
            next[*row as usize] = if qualified[upper as usize] { upper } else { next[upper as usize] };
        }
    }
    next
}

fn depth_by_row(tree: &Tree) -> Vec<u32> {
    let mut depth = vec![0; tree.len()];
    for (row, level) in tree.order.iter().zip(&tree.depth) {
        depth[*row as usize] = *level;
    }
    depth
}
