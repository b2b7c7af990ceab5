//! Of several bonuses a person gets one.

use std::collections::{BTreeMap, BTreeSet};

use plan::document::{Alternative, Choice};

use super::desk::Desk;
use crate::{failure::EngineError, payouts::LineKind};

impl Desk<'_> {
    /// Finishes the bonuses of which, with bonus `number`, everything is known: it alone, or all of an alternative.
    pub(super) fn finish_known(&mut self, number: u16, process: Option<&str>) -> Result<(), EngineError> {
        let plan = self.plan;
        let code = &plan.bonuses()[usize::from(number)].definition.code;
        let of = |one: &&Alternative| one.bonuses.contains(code);
        let together = match plan.document().alternatives.iter().find(of) {
            None => vec![number],
            Some(alternative) => {
                let place = |code: &String| {
                    let place = plan.bonuses().iter().position(|bonus| bonus.definition.code == *code);
                    place.and_then(|place| u16::try_from(place).ok())
                };
                let mut together: Vec<u16> = alternative.bonuses.iter().filter_map(place).collect();
                if together.iter().any(|other| number < *other) {
                    return Ok(());
                }
                self.choose(&together, alternative.pays)?;
                together.sort_unstable();
                together
            }
        };
        for number in together {
            let bonus = &plan.bonuses()[usize::from(number)];
            if bonus.definition.runs_in(process) {
                self.finish(number, bonus)?;
            }
        }
        Ok(())
    }

    /// Leaves everyone the lines of one of the bonuses, which stand in the order they are preferred in.
    fn choose(&mut self, bonuses: &[u16], pays: Choice) -> Result<(), EngineError> {
        let mut sums: BTreeMap<u32, Vec<(u16, i64)>> = BTreeMap::new();
        for number in bonuses {
            for (row, sum) in self.sums_of_bonus(*number)? {
                sums.entry(row).or_default().push((*number, sum));
            }
        }
        let mut dropped: BTreeSet<(u32, u16)> = BTreeSet::new();
        for (row, sums) in sums.into_iter().filter(|(_, sums)| 1 < sums.len()) {
            let mut chosen = sums[0];
            for other in &sums[1..] {
                let better = match pays {
                    Choice::Greatest => chosen.1 < other.1,
                    Choice::First => chosen.1 <= 0 && 0 < other.1,
                };
                if better {
                    chosen = *other;
                }
            }
            dropped.extend(
                sums.iter().filter(|(number, _)| *number != chosen.0).map(|(number, _)| (row, *number)),
            );
        }
        if dropped.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.lines);
        let (gone, kept): (Vec<_>, Vec<_>) = lines
            .into_iter()
            .partition(|line| line.kind.is_of_bonus() && dropped.contains(&(line.earner, line.bonus)));
        self.lines = kept;
        for line in gone.iter().filter(|line| line.kind == LineKind::Earned) {
            let volume = self.volume_of(line);
            let rolled_up = self.was_rolled_up(line);
            let account = &mut self.conservation[usize::from(line.bonus)];
            let from = if rolled_up { &mut account.rolled_up } else { &mut account.paid };
            *from -= volume;
            account.not_chosen += volume;
        }
        Ok(())
    }
}
