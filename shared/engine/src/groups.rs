//! Groups that rules of ranks read while ranks are climbed: cut at the ranks paid below in this very cycle.

use std::{collections::BTreeMap, sync::Arc};

use plan::Source;

use crate::{columns::Tree, failure::EngineError, fold::Base, indicators::Calculation};

/// What everybody below brings up to the next person of at least a rank, by depth, for each group that a rule asks for. A group has
/// the members that the pass of `fold` gives it after ranks, so that what a rule saw is what is stored.
///
/// Sums do not overflow: the sizes of all values of a base column add up to an `i64`.
#[derive(Clone)]
pub(crate) struct Groups {
    asked: Arc<[Group]>,
    bases: Arc<[Base]>,
    /// By depth and group: what was handed up to it and nobody has taken yet.
    cells: Vec<i64>,
}

/// One group.
struct Group {
    /// Index of the indicator.
    indicator: usize,
    /// Decimals of its values.
    scale: u32,
    /// Index of the base column.
    base: usize,
    /// Who is paid as this rank or a higher one leads a group of their own.
    cut: u8,
    with_self: bool,
    /// Values set by hand, by row. They hold for one person and change no sum.
    by_hand: BTreeMap<usize, i64>,
}

impl Groups {
    /// Those the plan's rules of ranks ask for; `tree` is the one ranks are climbed along.
    pub(crate) fn of(run: &mut Calculation<'_>, tree: &Tree) -> Result<Self, EngineError> {
        let plan = run.plan;
        let mut indicators: Vec<usize> = plan
            .rank_rules()
            .iter()
            .flat_map(rules::Program::slots)
            .filter_map(|slot| match plan.source(*slot) {
                // The check of the plan lets rules of ranks read nothing else that needs them.
                Some(Source::Indicator(index)) if plan.indicators()[index].after_ranks => Some(index),
                _ => None,
            })
            .collect();
        indicators.sort_unstable();
        indicators.dedup();
        if indicators.is_empty() {
            return Ok(Self { asked: Arc::default(), bases: Arc::default(), cells: Vec::new() });
        }
        let (bases, places) = run.bases_of(&indicators)?;
        let mut asked = Vec::with_capacity(indicators.len());
        for (index, base) in indicators.into_iter().zip(places) {
            let planned = &plan.indicators()[index];
            let with_self =
                matches!(&planned.definition.scope, plan::indicator::Scope::Group(group) if group.with_self);
            asked.push(Group {
                indicator: index,
                scale: planned.scale,
                base,
                cut: planned.rank.unwrap_or(u8::MAX),
                with_self,
                by_hand: run.fixed_by_hand(planned)?.into_iter().collect(),
            });
        }
        let cells = vec![0; (tree.deepest() as usize + 2) * asked.len()];
        Ok(Self { asked: asked.into(), bases: bases.into(), cells })
    }

    /// The number of the group that is an indicator, and the decimals of its values.
    pub(crate) fn of_indicator(&self, indicator: usize) -> Option<(usize, u32)> {
        let place = self.asked.iter().position(|group| group.indicator == indicator)?;
        Some((place, self.asked[place].scale))
    }

    /// The group of the person of depth `level` who comes next.
    pub(crate) fn value(&self, level: usize, row: usize, group: usize) -> i64 {
        let Group { base, with_self, by_hand, .. } = &self.asked[group];
        if let Some(value) = by_hand.get(&row) {
            return *value;
        }
        let below = self.cells[(level + 1) * self.asked.len() + group];
        if *with_self { below + self.bases[*base].at(row) } else { below }
    }

    /// Adds a person who is paid as `paid` to the parent's groups, and empties what lay below.
    pub(crate) fn pass_up(&mut self, level: usize, row: usize, paid: u8) {
        let width = self.asked.len();
        for (at, group) in self.asked.iter().enumerate() {
            let below = std::mem::take(&mut self.cells[(level + 1) * width + at]);
            if paid < group.cut {
                self.cells[level * width + at] += below + self.bases[group.base].at(row);
            }
        }
    }

    /// What people of depth `level` have handed up, which is forgotten; nothing if it is nothing.
    pub(crate) fn take(&mut self, level: usize) -> Option<Vec<i64>> {
        let width = self.asked.len();
        let cells = &mut self.cells[level * width..(level + 1) * width];
        if cells.iter().all(|cell| *cell == 0) {
            return None;
        }
        let taken = cells.to_vec();
        cells.fill(0);
        Some(taken)
    }

    /// Adds what other people of depth `level` have handed up, as [`Self::take`] gives it.
    pub(crate) fn add(&mut self, level: usize, cells: &[i64]) {
        for (cell, more) in self.cells[level * self.asked.len()..].iter_mut().zip(cells) {
            *cell += more;
        }
    }
}
