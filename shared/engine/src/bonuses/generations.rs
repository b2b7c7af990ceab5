//! Rates by generation on the groups of the leaders below.

use plan::{
    PlannedBonus, Role,
    bonus::{GenerationOverride, Per},
    indicator::GenerationCounts,
};

use super::{
    desk::{Desk, value_of},
    levels::{Start, Terms},
};
use crate::{columns::NONE, failure::EngineError};

impl Desk<'_> {
    pub(super) fn generations(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        generation: &GenerationOverride,
    ) -> Result<(), EngineError> {
        let Some(of) = bonus.indicator(Role::Of) else { return Ok(()) };
        let leaders = self.leaders(&generation.rank);
        let terms = Terms {
            rates: &generation.rates,
            depth: &generation.depth,
            compression: generation.compression,
            roll_up_rate: generation.roll_up_rate,
        };
        let value = value_of(self.plan, &self.plan.indicators()[of].definition);
        let tree = self.tree(generation.tree);
        let levels = self.levels(number, bonus, terms, value)?.along(tree, Some(&leaders), &self.run.paid);
        let base = self.paid_on(of, number)?;
        for source in (0..base.len()).filter(|row| base[*row] != 0) {
            let from = Start { source, order: NONE, base: base[source], below: source, level: 1, walked: 0 };
            let start = match (generation.per, generation.counts) {
                (Per::Leader, _) => leaders[source].then_some(from),
                // A member's volume goes the way of the group it is part of.
                (Per::Member, GenerationCounts::Leader) => {
                    let head = if leaders[source] { Some(source) } else { row_of(levels.next(source)) };
                    head.map(|head| Start { below: head, ..from })
                }
                (Per::Member, GenerationCounts::OwnGroup) => {
                    let makes_one = leaders[source] && levels.takes_up_to(source, self.run.paid[source]) != 0;
                    let level = if makes_one { 2 } else { 1 };
                    Some(Start { level, walked: 1, ..from })
                }
                // Leaders are walked from as members of the generation above them.
                (Per::Member, GenerationCounts::Between) => {
                    Some(Start { walked: u32::from(!leaders[source]), ..from })
                }
            };
            if let Some(start) = start {
                self.walk(&levels, start)?;
            }
        }
        Ok(())
    }

    /// Who is paid as this rank or a higher one; customers never lead.
    pub(super) fn leaders(&self, rank: &str) -> Vec<bool> {
        let cut = self.plan.rank_position(rank).unwrap_or(u8::MAX);
        let people = self.run.paid.iter().zip(&self.snapshot.people.consultant);
        people.map(|(paid, consultant)| *consultant && cut <= *paid).collect()
    }
}

fn row_of(row: u32) -> Option<usize> {
    (row != NONE).then_some(row as usize)
}
