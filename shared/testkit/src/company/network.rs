//! The shape of the placement tree, and nothing else about its people.
//!
//! A newcomer joins the parent of a random earlier person (25%: the more children, the likelier), one of the latest tenth (60%),
//! or anybody (15%). A few long single-file chains grow among the later half. Afterwards 0.5% move elsewhere.

use super::random::Random;

/// The parent of the root.
pub(super) const NOBODY: u32 = u32::MAX;

/// A placement tree.
pub(super) struct Shape {
    /// Who each person hangs under; [`NOBODY`] for person 0.
    pub(super) parent: Vec<u32>,
    /// Who each person hung under when joining.
    pub(super) first_parent: Vec<u32>,
    /// How many hang directly under each person.
    pub(super) children: Vec<u32>,
    /// How many hang under each person at any level.
    pub(super) downline: Vec<u32>,
    /// Everybody, level by level.
    pub(super) load_order: Vec<u32>,
    /// Where each person stands in `load_order`.
    pub(super) position: Vec<u32>,
    /// The single-file chains from top to tip.
    pub(super) chains: Vec<Vec<u32>>,
    /// Whether a person is in a chain.
    pub(super) chained: Vec<bool>,
}

/// Grows the tree of `people` persons.
pub(super) fn grow(people: usize, seed: u64) -> Shape {
    let mut random = Random::of(seed, "shape");
    let count = u32::try_from(people).unwrap_or(NOBODY - 1);
    let mut slots = chain_slots(count, &mut random);
    let mut parent = join(&mut slots, &mut random);
    let first_parent = parent.clone();
    let chained: Vec<bool> = slots.chain_of.iter().map(|chain| *chain != NO_CHAIN).collect();
    move_some(&mut parent, &chained, &mut random);
    measured(parent, first_parent, slots.chains, chained)
}

const NO_CHAIN: u8 = u8::MAX;

struct Slots {
    chain_of: Vec<u8>,
    chains: Vec<Vec<u32>>,
}

/// Decides which of the later half of the joiners will make up the chains.
fn chain_slots(count: u32, random: &mut Random) -> Slots {
    let mut chain_of = vec![NO_CHAIN; count as usize];
    let chains = u8::try_from(1 + count / 100_000).unwrap_or(NO_CHAIN - 1);
    for chain in 0..chains {
        // A chain of 501 and more would be a third of a small company.
        let length = if count < 20_000 { count / 40 } else { 501 + random.below_u32(300) };
        let half = count / 2;
        let mut taken = 0;
        while taken < length {
            let joiner = (half + random.below_u32(count - half)) as usize;
            if chain_of[joiner] == NO_CHAIN {
                chain_of[joiner] = chain;
                taken += 1;
            }
        }
    }
    Slots { chain_of, chains: vec![Vec::new(); usize::from(chains)] }
}

/// Lets everybody join, one after the other.
fn join(slots: &mut Slots, random: &mut Random) -> Vec<u32> {
    let mut parent = Vec::with_capacity(slots.chain_of.len());
    parent.push(NOBODY);
    for newcomer in 1..u32::try_from(slots.chain_of.len()).unwrap_or(NOBODY) {
        let chain = slots.chains.get_mut(usize::from(slots.chain_of[newcomer as usize]));
        let chosen = if let Some(chain) = chain {
            let above = chain.last().copied().unwrap_or_else(|| random.below_u32(newcomer));
            chain.push(newcomer);
            above
        } else {
            loop {
                let pick = recruiter(newcomer, &parent, random);
                // People deep in a chain seldom recruit others, or it would be no chain.
                if slots.chain_of[pick as usize] == NO_CHAIN || random.per_mille(20) {
                    break pick;
                }
            }
        };
        parent.push(chosen);
    }
    parent
}

fn recruiter(newcomer: u32, parent: &[u32], random: &mut Random) -> u32 {
    match random.below(100) {
        0..25 => {
            let peer = parent[random.below_u32(newcomer) as usize];
            if peer == NOBODY { 0 } else { peer }
        }
        25..85 => newcomer - 1 - random.below_u32((newcomer / 10).max(1)),
        _ => random.below_u32(newcomer),
    }
}

/// Moves 0.5% of the people, with all under them, to somebody who is not under them.
fn move_some(parent: &mut [u32], chained: &[bool], random: &mut Random) {
    let count = u32::try_from(parent.len()).unwrap_or(NOBODY);
    for _ in 0..count / 200 {
        let moved = 1 + random.below_u32(count - 1);
        let target = random.below_u32(count);
        if chained[moved as usize] || chained[target as usize] {
            continue;
        }
        let mut above = target;
        while above != NOBODY && above != moved {
            above = parent[above as usize];
        }
        if above == NOBODY {
            parent[moved as usize] = target;
        }
    }
}

/// Orders the tree level by level and counts what hangs under everybody.
fn measured(parent: Vec<u32>, first_parent: Vec<u32>, chains: Vec<Vec<u32>>, chained: Vec<bool>) -> Shape {
    let count = parent.len();
    let numbered = || (0_u32..).zip(&parent).filter(|(_, above)| **above != NOBODY);
    let mut children = vec![0_u32; count];
    for (_, above) in numbered() {
        children[*above as usize] += 1;
    }
    // Children of one parent side by side: where each parent's begin, then each child into its place.
    let mut next = Vec::with_capacity(count);
    let mut begin = 0;
    for own in &children {
        next.push(begin);
        begin += *own;
    }
    let starts = next.clone();
    let mut by_parent = vec![0_u32; begin as usize];
    for (child, above) in numbered() {
        let place = &mut next[*above as usize];
        by_parent[*place as usize] = child;
        *place += 1;
    }
    let mut load_order = vec![0_u32];
    let mut visited = 0;
    while let Some(person) = load_order.get(visited).copied() {
        let start = starts[person as usize] as usize;
        load_order.extend_from_slice(&by_parent[start..start + children[person as usize] as usize]);
        visited += 1;
    }
    let mut position = vec![0_u32; count];
    for (place, person) in (0_u32..).zip(&load_order) {
        position[*person as usize] = place;
    }
    let mut downline = vec![0_u32; count];
    for person in load_order.iter().rev() {
        let above = parent[*person as usize];
        if above != NOBODY {
            downline[above as usize] += downline[*person as usize] + 1;
        }
    }
    Shape { parent, first_parent, children, downline, load_order, position, chains, chained }
}
