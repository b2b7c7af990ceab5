//! The pass from the leaves to the root: many sums over subtrees, legs, levels, groups and generations at once.
//!
//! Rows come in preorder, so that going backwards a person's children are done before the person. What the children
//! bring lies in an accumulator per depth: the one of depth `d + 1` belongs to the person of depth `d` that comes next,
//! and is empty again afterwards. Nothing is allocated per person and no row is visited twice.
//!
//! Sums do not overflow: the caller has checked that the sizes of all values of a base column add up to an `i64`.

use crate::{
    columns::{NONE, Tree},
    indicators::NO_MEMBER,
};

/// One output column: a base column and how it runs over the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    /// Index of the base column.
    pub(crate) base: usize,
    /// How it runs.
    pub(crate) shape: Shape,
}

/// How a base column runs over the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Everyone below, perhaps with the person.
    Downline { with_self: bool },
    /// The person, and everyone below by leg, each leg cut to `cap`.
    CappedTeam { cap: i64 },
    /// Levels of the downline.
    Levels { from: u16, to: u16 },
    /// Everyone below who is reached without passing a leader.
    Group { basis: usize, cut: u8, with_self: bool },
    /// Everyone below with so many leaders up to and with them.
    Generation { basis: usize, cut: u8, number: u8 },
    /// The n-th leg by its total.
    Leg { number: u8, cap: i64 },
    /// All legs but the n strongest.
    ExceptLegs { number: u8, cap: i64 },
    /// The number of legs with at least so many members.
    LegCount { members: i64, of_customers: bool },
    /// The greatest or least value.
    Extreme { greatest: bool, deep: bool, with_self: bool },
}

/// What several lanes share: the cells of an accumulator. Lanes that differ only in what they read of it share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// 1 cell: the total below.
    Sum,
    /// `depth` cells: the total of each level.
    Levels { depth: usize },
    /// 1 cell.
    Group { basis: usize, cut: u8 },
    /// `1 + furthest` cells, generation 0 first.
    Generations { basis: usize, cut: u8, furthest: usize },
    /// 3 cells and `strongest` more: total below, capped total of legs, number of legs, strongest legs in order.
    Legs { strongest: usize, cap: i64 },
    /// 2 cells: members below, legs.
    LegCount { members: i64, of_customers: bool },
    /// 2 cells: whether there is a member, the extreme.
    Extreme { greatest: bool, deep: bool },
}

impl Kind {
    fn cells(self) -> usize {
        match self {
            Self::Sum | Self::Group { .. } => 1,
            Self::Levels { depth } => depth,
            Self::Generations { furthest, .. } => 1 + furthest,
            Self::Legs { strongest, .. } => 3 + strongest,
            Self::LegCount { .. } | Self::Extreme { .. } => 2,
        }
    }

    fn of(shape: Shape) -> Self {
        match shape {
            Shape::Downline { .. } => Self::Sum,
            Shape::Levels { to, .. } => Self::Levels { depth: usize::from(to) },
            Shape::Group { basis, cut, .. } => Self::Group { basis, cut },
            Shape::Generation { basis, cut, number } => {
                Self::Generations { basis, cut, furthest: usize::from(number) }
            }
            Shape::CappedTeam { cap } => Self::Legs { strongest: 0, cap },
            Shape::Leg { number, cap } | Shape::ExceptLegs { number, cap } => {
                Self::Legs { strongest: usize::from(number), cap }
            }
            Shape::LegCount { members, of_customers } => Self::LegCount { members, of_customers },
            Shape::Extreme { greatest, deep, .. } => Self::Extreme { greatest, deep },
        }
    }

    /// The accumulator that serves both, if one does.
    fn joined(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Levels { depth: a }, Self::Levels { depth: b }) => Some(Self::Levels { depth: a.max(b) }),
            (
                Self::Generations { basis, cut, furthest: a },
                Self::Generations { basis: other_basis, cut: other_cut, furthest: b },
            ) if basis == other_basis && cut == other_cut => {
                Some(Self::Generations { basis, cut, furthest: a.max(b) })
            }
            (Self::Legs { strongest: a, cap }, Self::Legs { strongest: b, cap: other_cap })
                if cap == other_cap =>
            {
                Some(Self::Legs { strongest: a.max(b), cap })
            }
            (a, b) => (a == b).then_some(a),
        }
    }
}

/// Cells of the accumulator with what feeds them.
#[derive(Clone, Copy, Debug)]
struct Block {
    base: usize,
    kind: Kind,
    start: usize,
}

/// Computes the lanes' columns, one per lane. `ranks` are the two columns a lane's `basis` chooses from (the second may
/// be empty where no lane asks for it).
pub(crate) fn fold(
    tree: &Tree,
    bases: &[Vec<i64>],
    lanes: &[Lane],
    ranks: [&[u8]; 2],
    consultant: &[bool],
) -> Vec<Vec<i64>> {
    let (blocks, block_of, width) = blocks(lanes);
    let mut out: Vec<Vec<i64>> = lanes.iter().map(|_| vec![0; tree.len()]).collect();
    let mut cells = vec![0_i64; (tree.deepest() as usize + 2) * width];
    let mut deeper = NONE;
    for (row, depth) in tree.order.iter().zip(&tree.depth).rev() {
        let (row, level) = (*row as usize, *depth as usize);
        let (mine, below) = cells.split_at_mut((level + 1) * width);
        let (mine, below) = (&mut mine[level * width..], &mut below[..width]);
        // The one visited before hangs under this one, or this one has nobody below.
        let is_leaf = deeper == NONE || deeper <= *depth;
        deeper = *depth;
        if !is_leaf {
            for ((lane, block), column) in lanes.iter().zip(&block_of).zip(&mut out) {
                column[row] = read(lane.shape, &below[blocks[*block].start..], bases[lane.base][row]);
            }
        } else if lanes.iter().any(|lane| takes_self(lane.shape)) {
            for ((lane, _), column) in lanes.iter().zip(&block_of).zip(&mut out) {
                if takes_self(lane.shape) {
                    let own = bases[lane.base][row];
                    column[row] = if own == NO_MEMBER { 0 } else { own };
                }
            }
        }
        for block in &blocks {
            let own = bases[block.base][row];
            let leader = |basis: usize, cut: u8| {
                consultant[row] && ranks[basis].get(row).is_some_and(|rank| cut <= *rank)
            };
            let end = block.start + block.kind.cells();
            let person = Passing { own, is_consultant: consultant[row], leader: &leader };
            pass_up(block.kind, person, &below[block.start..end], &mut mine[block.start..end]);
        }
        if !is_leaf {
            below.fill(0);
        }
    }
    out
}

fn blocks(lanes: &[Lane]) -> (Vec<Block>, Vec<usize>, usize) {
    let mut blocks: Vec<Block> = Vec::new();
    let mut block_of = Vec::with_capacity(lanes.len());
    for lane in lanes {
        let kind = Kind::of(lane.shape);
        let known = blocks.iter().enumerate().find_map(|(place, block)| {
            let joined = (block.base == lane.base).then(|| block.kind.joined(kind)).flatten()?;
            Some((place, joined))
        });
        if let Some((place, joined)) = known {
            blocks[place].kind = joined;
            block_of.push(place);
        } else {
            block_of.push(blocks.len());
            blocks.push(Block { base: lane.base, kind, start: 0 });
        }
    }
    let mut width = 0;
    for block in &mut blocks {
        block.start = width;
        width += block.kind.cells();
    }
    (blocks, block_of, width)
}

fn takes_self(shape: Shape) -> bool {
    match shape {
        Shape::Downline { with_self } | Shape::Group { with_self, .. } | Shape::Extreme { with_self, .. } => {
            with_self
        }
        Shape::Generation { number, .. } => number == 0,
        Shape::CappedTeam { .. } => true,
        _ => false,
    }
}

/// A person's value out of what the children brought.
fn read(shape: Shape, below: &[i64], own: i64) -> i64 {
    let leg_at = |number: u8| {
        let place = usize::from(number);
        if i64::from(number) <= below[2] { below[2 + place] } else { 0 }
    };
    match shape {
        Shape::Downline { with_self } | Shape::Group { with_self, .. } => {
            if with_self {
                below[0] + own
            } else {
                below[0]
            }
        }
        Shape::CappedTeam { .. } => below[1] + own,
        Shape::Levels { from, to } => below[usize::from(from) - 1..usize::from(to)].iter().sum(),
        Shape::Generation { number: 0, .. } => below[0] + own,
        Shape::Generation { number, .. } => below[usize::from(number)],
        Shape::Leg { number, .. } => leg_at(number),
        Shape::ExceptLegs { number, .. } => below[1] - (1..=number).map(leg_at).sum::<i64>(),
        Shape::LegCount { .. } => below[1],
        Shape::Extreme { greatest, with_self, .. } => {
            let own = if with_self { own } else { NO_MEMBER };
            match (below[0] == 1, own == NO_MEMBER) {
                (true, true) => below[1],
                (false, true) => 0,
                (false, false) => own,
                (true, false) => more_extreme(greatest, below[1], own),
            }
        }
    }
}

fn more_extreme(greatest: bool, a: i64, b: i64) -> i64 {
    if greatest { a.max(b) } else { a.min(b) }
}

/// What a person hands on to the parent.
struct Passing<'a> {
    own: i64,
    is_consultant: bool,
    leader: &'a dyn Fn(usize, u8) -> bool,
}

fn pass_up(kind: Kind, person: Passing<'_>, below: &[i64], mine: &mut [i64]) {
    let own = person.own;
    match kind {
        Kind::Sum => mine[0] += below[0] + own,
        Kind::Levels { .. } => {
            mine[0] += own;
            for (cell, deeper) in mine[1..].iter_mut().zip(below) {
                *cell += deeper;
            }
        }
        Kind::Group { basis, cut } => {
            if !(person.leader)(basis, cut) {
                mine[0] += below[0] + own;
            }
        }
        Kind::Generations { basis, cut, .. } => {
            if (person.leader)(basis, cut) {
                // The last generation below falls out of reach.
                for (cell, deeper) in mine[1..].iter_mut().zip(below) {
                    *cell += deeper;
                }
                if let Some(first) = mine.get_mut(1) {
                    *first += own;
                }
            } else {
                for (cell, deeper) in mine.iter_mut().zip(below) {
                    *cell += deeper;
                }
                mine[0] += own;
            }
        }
        Kind::Legs { cap, .. } => {
            let leg = below[0] + own;
            let counted = leg.min(cap);
            mine[0] += leg;
            mine[1] += counted;
            let (count, strongest) = (usize::try_from(mine[2]).unwrap_or(0), &mut mine[3..]);
            insert(strongest, count, counted);
            mine[2] += 1;
        }
        Kind::LegCount { members, of_customers } => {
            let leg = below[0] + own;
            mine[0] += leg;
            mine[1] += i64::from(members <= leg && (of_customers || person.is_consultant));
        }
        Kind::Extreme { greatest, deep } => {
            for (has, value) in [(own != NO_MEMBER, own), (deep && below[0] == 1, below[1])] {
                if has {
                    mine[1] = if mine[0] == 1 { more_extreme(greatest, mine[1], value) } else { value };
                    mine[0] = 1;
                }
            }
        }
    }
}

/// Puts `leg` in its place among the `count` legs so far, of which the strongest are kept in order.
fn insert(strongest: &mut [i64], count: usize, leg: i64) {
    let kept = count.min(strongest.len());
    let place = strongest[..kept].iter().position(|other| *other < leg).unwrap_or(kept);
    if place < strongest.len() {
        let end = (kept + 1).min(strongest.len());
        strongest[place..end].rotate_right(1);
        strongest[place] = leg;
    }
}

/// Sums over the upline up to and with the first of rank `cut`; to the root where there is none.
pub(crate) fn upline(tree: &Tree, base: &[i64], ranks: &[u8], cut: u8) -> Vec<i64> {
    let mut sums = vec![0; tree.len()];
    for row in &tree.order {
        let row = *row as usize;
        let upper = tree.parent[row];
        if upper != NONE {
            let upper = upper as usize;
            let further = if ranks.get(upper).is_some_and(|rank| cut <= *rank) { 0 } else { sums[upper] };
            sums[row] = base[upper] + further;
        }
    }
    sums
}
