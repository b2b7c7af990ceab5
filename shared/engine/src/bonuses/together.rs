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
    indicators::{Calculation, too_much_at},
    snapshot::Snapshot,
    threads,
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
        match too_much_at(&brought, |_| true) {
            None => Ok(brought),
            Some(row) => Err(self.overflow(row, number)),
        }
    }

    /// Pays every level of everyone. Levels do not pass up.
    pub(super) fn pay_levels(
        &mut self,
        levels: &Levels<'_>,
        tree: &Tree,
        brought: &[i64],
    ) -> Result<(), EngineError> {
        match levels.deepest() {
            0 => Ok(()),
            1..=2 => self.pass::<2>(levels, tree, brought),
            3..=5 => self.pass::<5>(levels, tree, brought),
            6..=8 => self.pass::<8>(levels, tree, brought),
            9..=16 => self.pass::<16>(levels, tree, brought),
            // No plan has more levels.
            _ => self.pass::<64>(levels, tree, brought),
        }
    }

    /// Pays all levels, the lines in the order of the people, and accounts for what is brought to nobody.
    fn pass<const W: usize>(
        &mut self,
        levels: &Levels<'_>,
        tree: &Tree,
        brought: &[i64],
    ) -> Result<(), EngineError> {
        let deepest = levels.deepest();
        let open = if let Some(open) = self.halves(levels, tree, brought) {
            open
        } else {
            let first = self.lines.len();
            let mut open = vec![[0_i64; W]; tree.deepest() as usize + 2];
            self.part(levels, tree, brought, (0..tree.len()).rev(), &mut open, |_, _| false)?;
            // The way went from the last person to the first.
            self.lines[first..].reverse();
            open
        };
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

    /// Goes along the halves of a tree side by side, then from the lowest to the root along those above both; gives what is brought to
    /// the levels above the root. `None`, with no line made, if that is not worth it or an amount is too large: of several people the
    /// same has to be named whatever the threads.
    fn halves<const W: usize>(
        &mut self,
        levels: &Levels<'_>,
        tree: &Tree,
        brought: &[i64],
    ) -> Option<Vec<[i64; W]>> {
        let (middle, above) = self.may_share.then(|| tree.halves()).flatten()?;
        let mut is_above = vec![false; middle];
        for row in &above {
            is_above[*row] = true;
        }
        // By depth, what those below bring to the person above both halves of the depth before.
        let nothing = || vec![[0_i64; W]; tree.deepest() as usize + 2];
        let (mut handed, mut from_second, mut open) = (nothing(), nothing(), nothing());
        let desk = || Desk::new(self.snapshot, self.plan, self.run, BonusContext::default()).ok();
        let (mut first, mut second, mut last) = (desk()?, desk()?, desk()?);
        let (before, after) = threads::both(
            || {
                let mut below = nothing();
                first.part(levels, tree, brought, (0..middle).rev(), &mut below, |row, below| {
                    if is_above[row] {
                        handed[tree.depth[row] as usize + 1] = std::mem::replace(below, [0; W]);
                    }
                    is_above[row]
                })
            },
            || second.part(levels, tree, brought, (middle..tree.len()).rev(), &mut from_second, |_, _| false),
        );
        before.ok().and(after.ok())?;
        for row in above {
            let below = tree.depth[row] as usize + 1;
            for (cell, (first, second)) in
                open[below].iter_mut().zip(handed[below].iter().zip(from_second[below]))
            {
                *cell += first + second;
            }
            last.part(levels, tree, brought, std::iter::once(row), &mut open, |_, _| false).ok()?;
        }
        self.take_over(levels.number(), [first, last], second);
        Some(open)
    }

    /// Takes the lines and accounts of parts of a tree: of two that have people between each other, and of one with those that follow.
    /// All went from the last person to the first.
    fn take_over(&mut self, number: u16, mixed: [Desk<'_>; 2], following: Desk<'_>) {
        let lines: usize = mixed.iter().chain([&following]).map(|desk| desk.lines.len()).sum();
        self.lines.reserve(lines);
        for desk in mixed.iter().chain([&following]) {
            self.awards.extend(desk.awards.iter().cloned());
            self.conservation[usize::from(number)] += desk.conservation[usize::from(number)];
        }
        let [first, last] = mixed.map(|desk| desk.lines.into_iter().rev());
        let mut last = last.peekable();
        for line in first {
            while let Some(above) = last.next_if(|above| above.earner < line.earner) {
                self.lines.push(above);
            }
            self.lines.push(line);
        }
        self.lines.extend(last.chain(following.lines.into_iter().rev()));
    }

    /// Goes along some places of the tree, from the last to the first, with, for each depth, what those below bring to each level of
    /// the next person up. Who is `passed_by` is left out with what is brought to them.
    fn part<const W: usize>(
        &mut self,
        levels: &Levels<'_>,
        tree: &Tree,
        brought: &[i64],
        places: impl Iterator<Item = usize>,
        open: &mut [[i64; W]],
        mut passed_by: impl FnMut(usize, &mut [i64; W]) -> bool,
    ) -> Result<(), EngineError> {
        let deepest = levels.deepest();
        for place in places {
            let (row, depth) = (tree.order[place] as usize, tree.depth[place] as usize);
            if passed_by(row, &mut open[depth + 1]) {
                continue;
            }
            let below = open[depth + 1];
            let mine = &mut open[depth];
            mine[0] += brought[row];
            // To compare the arrays is a call for each person, with which the levels of a million people take a tenth more.
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
