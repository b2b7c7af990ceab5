//! Levels with a line each: what is brought to a level is summed up from the leaves to the root before it is paid.

use std::borrow::Cow;

use plan::{
    PlannedBonus, Role,
    bonus::{LevelBase, Unilevel},
};

use super::{
    BonusContext,
    desk::{Claim, Desk},
    levels::{Levels, level_number},
    shares::{Outcome, Share},
};
use crate::{
    columns::{NONE, Tree, position},
    failure::EngineError,
    indicators::Calculation,
    snapshot::Snapshot,
};

impl<'a> Desk<'a> {
    /// What each member brings in all. The sizes of all add up to 64 bits, so that sums of any of them do.
    pub(super) fn brought_together(
        &self,
        number: u16,
        bonus: &PlannedBonus,
        on: &LevelBase,
    ) -> Result<Cow<'a, [i64]>, EngineError> {
        let brought = if let (LevelBase::Indicator(_), None) = (on, bonus.rule(Role::Where)) {
            self.paid_on(bonus.indicator(Role::On).unwrap_or(usize::MAX), number)?
        } else {
            let mut sums = vec![0_i64; self.snapshot.people.len()];
            for (row, _, base) in self.brought(number, bonus, on)? {
                let row = row as usize;
                sums[row] = sums[row].checked_add(base).ok_or_else(|| self.overflow(row, number))?;
            }
            Cow::Owned(sums)
        };
        let mut all = 0_i64;
        for (row, base) in brought.iter().enumerate() {
            let size = base.checked_abs().and_then(|size| all.checked_add(size));
            all = size.ok_or_else(|| self.overflow(row, number))?;
        }
        Ok(brought)
    }

    /// Pays every level of everyone. Levels do not pass up.
    pub(super) fn pay_levels(
        &mut self,
        levels: &Levels<'_>,
        tree: &Tree,
        brought: &[i64],
    ) -> Result<(), EngineError> {
        let first = self.lines.len();
        match levels.deepest() {
            0 => return Ok(()),
            1..=2 => self.pass::<2>(levels, tree, brought),
            3..=5 => self.pass::<5>(levels, tree, brought),
            6..=8 => self.pass::<8>(levels, tree, brought),
            9..=16 => self.pass::<16>(levels, tree, brought),
            // No plan has more levels.
            _ => self.pass::<64>(levels, tree, brought),
        }?;
        // The way went from the last person to the first.
        self.lines[first..].reverse();
        Ok(())
    }

    /// Goes from the leaves to the root with, for each depth, what those below bring to each level of the next person up.
    fn pass<const W: usize>(
        &mut self,
        levels: &Levels<'_>,
        tree: &Tree,
        brought: &[i64],
    ) -> Result<(), EngineError> {
        let mut open = vec![[0_i64; W]; tree.deepest() as usize + 2];
        let deepest = levels.deepest();
        for (row, depth) in tree.order.iter().zip(&tree.depth).rev() {
            let (row, depth) = (*row as usize, *depth as usize);
            let below = open[depth + 1];
            let mine = &mut open[depth];
            mine[0] += brought[row];
            // To compare the arrays is a call for each person: with it W's bonus takes a tenth more.
            if below.iter().fold(0, |all, below| all | below) == 0 {
                continue;
            }
            let taken = levels.takes_up_to(row, self.run.paid[row]);
            if W <= taken {
                for level in 1..W {
                    mine[level] += below[level - 1];
                }
            } else {
                for level in 1..=taken {
                    mine[level] += below[level - 1];
                }
                // What is brought to a level they do not take is brought to the same level of the next person.
                for (mine, below) in mine[taken..].iter_mut().zip(&below[taken..]) {
                    *mine += below;
                }
            }
            for level in (1..=deepest.min(taken)).rev().filter(|level| below[level - 1] != 0) {
                self.pay_level(levels, row, level, below[level - 1])?;
            }
            open[depth + 1] = [0; W];
        }
        // Nobody stands above the root: what would be brought there misses this level and all further ones.
        let mut missed = 0;
        for level in 1..=deepest {
            missed += open[0][level - 1];
            if let Some(rate) = levels.table_rate(0, level) {
                self.share(Share {
                    bonus: levels.number(),
                    holder: NONE,
                    earner: NONE,
                    level: level_number(level),
                    base: missed,
                    rate,
                    outcome: Outcome::NobodyThere,
                });
            }
        }
        Ok(())
    }

    /// Pays one level of one person.
    fn pay_level(
        &mut self,
        levels: &Levels<'_>,
        row: usize,
        level: usize,
        base: i64,
    ) -> Result<(), EngineError> {
        let rank = usize::from(self.run.paid[row]);
        let Some(rate) = levels.table_rate(rank, level) else { return Ok(()) };
        let outcome = if levels.is_qualified(row) {
            levels.outcome(row, rank, level, Outcome::Paid)
        } else {
            Outcome::Unqualified
        };
        let earner = if levels.is_qualified(row) { position(row) } else { NONE };
        let number = levels.number();
        self.share(Share {
            bonus: number,
            holder: position(row),
            earner,
            level: level_number(level),
            base,
            rate,
            outcome,
        });
        if outcome != Outcome::Paid {
            return Ok(());
        }
        let claim = Claim {
            bonus: number,
            earner: row,
            source: row,
            order: NONE,
            level_walked: level_number(level),
            level_paid: level_number(level),
            base,
            rate,
        };
        match levels.table_factor(rank, level, self.currency_index(row)) {
            Some(factor) => self.pay(claim, factor),
            None => Ok(()),
        }
    }
}

/// Who brings what to a level of somebody: everyone below is asked, since what is paid was summed up. Who takes a level is asked as it
/// was when it was paid.
pub(crate) fn brought_to_level(
    run: &Calculation<'_>,
    plan: &plan::Plan,
    snapshot: &Snapshot,
    (number, bonus, unilevel): (u16, &PlannedBonus, &Unilevel),
    (earner, level): (u32, u16),
) -> Result<Vec<(u32, i64)>, EngineError> {
    let desk = Desk::new(snapshot, plan, run, BonusContext::default())?;
    let brought = desk.brought_together(number, bonus, &unilevel.on)?;
    let tree = desk.level_tree(bonus, unilevel)?;
    let levels = desk.levels_of(number, bonus, unilevel)?.along(&tree, None, &run.paid);
    let Some(place) = tree.order.iter().position(|row| *row == earner) else { return Ok(Vec::new()) };
    let below = tree.order.iter().zip(&tree.depth).skip(place + 1);
    let below = below.take_while(|(_, depth)| tree.depth[place] < **depth).map(|(row, _)| *row);
    let brings =
        |row: &u32| brought[*row as usize] != 0 && levels.holder(*row as usize, usize::from(level)) == earner;
    Ok(below.filter(brings).map(|row| (row, brought[row as usize])).collect())
}

/// Who stands at the last level of a bonus above what somebody brings, if anybody does.
pub(crate) fn holder_of_last_level(
    run: &Calculation<'_>,
    plan: &plan::Plan,
    snapshot: &Snapshot,
    code: &str,
    source: u32,
) -> Result<Option<(u32, usize)>, EngineError> {
    let desk = Desk::new(snapshot, plan, run, BonusContext::default())?;
    let Some(levels) = desk.levels_along(code)? else { return Ok(None) };
    let holder = levels.last_holder(source as usize);
    Ok((holder != NONE).then_some((holder, levels.deepest())))
}
