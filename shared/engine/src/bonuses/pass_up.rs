//! Where people hang for a bonus by level, if some of them pass up.

use std::borrow::Cow;

use plan::{
    PlannedBonus, Role,
    bonus::{PassUp, Unilevel},
};

use super::{BonusContext, desk::Desk};
use crate::{
    columns::{NONE, Tree},
    failure::EngineError,
    indicators::Calculation,
    snapshot::{People, Snapshot},
};

impl<'a> Desk<'a> {
    /// The tree in which a bonus counts its levels.
    pub(super) fn level_tree(
        &self,
        bonus: &PlannedBonus,
        unilevel: &Unilevel,
    ) -> Result<Cow<'a, Tree>, EngineError> {
        let tree = self.tree(unilevel.tree);
        let Some(pass_up) = &unilevel.pass_up else { return Ok(Cow::Borrowed(tree)) };
        let numbered = match bonus.rule(Role::PassUp) {
            Some(rule) => self.run.truths(rule, &bonus.definition.code)?,
            None => vec![true; tree.len()],
        };
        let passes = passing(&self.snapshot.people, tree, pass_up, &numbered);
        let mut parent = tree.parent.clone();
        for row in tree.order.iter().map(|row| *row as usize).filter(|row| passes[*row]) {
            // The upper's own place is known by now.
            let above = parent[parent[row] as usize];
            if above != NONE {
                parent[row] = above;
            }
        }
        // Who hangs under somebody further up makes no circle.
        Ok(Tree::of(parent).map_or(Cow::Borrowed(tree), Cow::Owned))
    }
}

/// Who passes up.
fn passing(people: &People, tree: &Tree, pass_up: &PassUp, numbered: &[bool]) -> Vec<bool> {
    let mut in_order: Vec<u32> = people.by_id.clone();
    in_order.retain(|row| numbered[*row as usize] && tree.parent[*row as usize] != NONE);
    in_order.sort_by_key(|row| people.joined_on[*row as usize]);
    let mut last = vec![0_u32; tree.len()];
    let mut passes = vec![false; tree.len()];
    for row in in_order.into_iter().map(|row| row as usize) {
        let last = &mut last[tree.parent[row] as usize];
        *last += 1;
        passes[row] = u16::try_from(*last).is_ok_and(|last| pass_up.numbers.binary_search(&last).is_ok());
    }
    passes
}

/// Who passed up between a source and an earner of a bonus, from whom and to whom.
pub(crate) fn passed_up(
    run: &Calculation<'_>,
    plan: &plan::Plan,
    snapshot: &Snapshot,
    (bonus, unilevel): (&PlannedBonus, &Unilevel),
    (source, earner): (u32, u32),
) -> Result<Vec<[u32; 3]>, EngineError> {
    if unilevel.pass_up.is_none() {
        return Ok(Vec::new());
    }
    let desk = Desk::new(snapshot, plan, run, BonusContext::default())?;
    let (tree, line) = (desk.tree(unilevel.tree), desk.level_tree(bonus, unilevel)?);
    let way = std::iter::once(source).chain(line.upline(source)).take_while(|row| *row != earner);
    let places = way.map(|row| [row, tree.parent[row as usize], line.parent[row as usize]]);
    Ok(places.filter(|[_, from, to]| from != to).collect())
}
