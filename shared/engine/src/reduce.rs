//! The general pass over a tree: any aggregate in any scope, one indicator at a time.
//!
//! [`crate::fold`] is several times faster and does sums and counts of 64 bits. Means, extremes of levels, groups and legs, caps by
//! share and quotients of 128 bits come here; they are few.

use crate::{
    columns::{NONE, Tree, position},
    fold::Shape,
};

/// Decimals a share of a cap is kept with.
pub(crate) const SHARE_SCALE: u32 = 9;

/// What some values come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) sum: i128,
    /// How many values.
    pub(crate) members: i64,
    /// Whether `least` and `greatest` say something.
    pub(crate) is_ranged: bool,
    pub(crate) least: i128,
    pub(crate) greatest: i128,
}

impl Total {
    /// Of no values.
    pub(crate) const NOBODY: Self = Self { sum: 0, members: 0, is_ranged: false, least: 0, greatest: 0 };

    /// Of one value.
    pub(crate) fn of(value: i128) -> Self {
        Self { sum: value, members: 1, is_ranged: true, least: value, greatest: value }
    }

    /// Of these values and the others. The caller has checked that the sizes of all values add up.
    pub(crate) fn with(self, other: Self) -> Self {
        let (least, greatest) = match (self.is_ranged, other.is_ranged) {
            (true, true) => (self.least.min(other.least), self.greatest.max(other.greatest)),
            (true, false) => (self.least, self.greatest),
            (false, _) => (other.least, other.greatest),
        };
        Self {
            sum: self.sum + other.sum,
            members: self.members + other.members,
            is_ranged: self.is_ranged || other.is_ranged,
            least,
            greatest,
        }
    }
}

/// What the size of a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// Of members, where they are counted.
    Sum,
    Least,
    Greatest,
}

impl Size {
    fn of(self, leg: Total) -> i128 {
        match self {
            Self::Sum => leg.sum,
            Self::Least => leg.least,
            Self::Greatest => leg.greatest,
        }
    }
}

/// The most one leg counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cap {
    None,
    /// In the unit of the values.
    Amount(i128),
    /// A share of the total of all legs, with [`SHARE_SCALE`] decimals. Totals come out with as many more decimals.
    Share(i128),
}

/// How to go over the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<'a> {
    pub(crate) tree: &'a Tree,
    /// What each row brings.
    pub(crate) base: &'a [Total],
    pub(crate) shape: Shape,
    pub(crate) size: Size,
    pub(crate) cap: Cap,
    /// The two columns a shape's `basis` chooses from.
    pub(crate) ranks: [&'a [u8]; 2],
    pub(crate) consultant: &'a [bool],
    /// Who takes a level; everyone if it is empty.
    pub(crate) takes_level: &'a [bool],
    /// The place of each row among the ids in order: legs of equal size follow it. Empty where rows do.
    pub(crate) numbers: &'a [u32],
}

/// What legs are ordered by: size, then person number.
type Place = (std::cmp::Reverse<i128>, u32);

/// What lies below the next person of a depth.
#[derive(Clone, Default)]
struct Below {
    /// Levels, generations, or the one total there is.
    totals: Vec<Total>,
    /// The strongest legs in order, with what they are ordered by.
    strongest: Vec<(Place, Total)>,
    /// All other legs.
    others: Option<Total>,
}

impl Below {
    fn total(&self, index: usize) -> Total {
        self.totals.get(index).copied().unwrap_or(Total::NOBODY)
    }

    fn add(&mut self, index: usize, total: Total) {
        if let Some(cell) = self.totals.get_mut(index) {
            *cell = cell.with(total);
        }
    }

    fn clear(&mut self) {
        self.totals.fill(Total::NOBODY);
        self.strongest.clear();
        self.others = None;
    }

    fn leg(&self, number: u8) -> Total {
        usize::from(number)
            .checked_sub(1)
            .and_then(|place| self.strongest.get(place))
            .map_or(Total::NOBODY, |(_, leg)| *leg)
    }

    /// Puts a leg in its place among the strongest `kept`.
    fn insert(&mut self, kept: usize, place: Place, leg: Total) {
        let index = self.strongest.partition_point(|(other, _)| *other < place);
        self.strongest.insert(index, (place, leg));
        if kept < self.strongest.len()
            && let Some((_, dropped)) = self.strongest.pop()
        {
            self.others = Some(self.others.unwrap_or(Total::NOBODY).with(dropped));
        }
    }
}

/// Hands the total of each row of the tree to `emit`.
pub(crate) fn reduce(walk: Walk<'_>, mut emit: impl FnMut(usize, Total)) {
    let Walk { tree, base, shape, .. } = walk;
    let (cells, kept) = room(shape);
    let empty = Below { totals: vec![Total::NOBODY; cells], ..Below::default() };
    let mut stack = vec![empty; tree.deepest() as usize + 2];
    let uncapped = uncapped(walk);
    for (row, depth) in tree.order.iter().zip(&tree.depth).rev() {
        let (row, level) = (*row as usize, *depth as usize);
        let (upper, lower) = stack.split_at_mut(level + 1);
        let (mine, below) = (&mut upper[level], &mut lower[0]);
        emit(row, read(walk, below, base[row]));
        let leads = |basis: usize, cut: u8| {
            walk.consultant[row] && walk.ranks[basis].get(row).is_some_and(|rank| cut <= *rank)
        };
        match shape {
            Shape::Downline { .. } | Shape::LegCount { .. } => mine.add(0, below.total(0).with(base[row])),
            Shape::Extreme { deep, .. } => {
                mine.add(0, if deep { below.total(0).with(base[row]) } else { base[row] });
            }
            Shape::Levels { .. } => {
                mine.add(0, base[row]);
                let step = usize::from(walk.takes_level.get(row).copied().unwrap_or(true));
                for index in step..cells {
                    mine.add(index, below.total(index - step));
                }
            }
            Shape::Group { basis, cut, .. } => {
                if !leads(basis, cut) {
                    mine.add(0, below.total(0).with(base[row]));
                }
            }
            Shape::Generation { basis, cut, heads, .. } => {
                let step = usize::from(leads(basis, cut));
                for index in step..cells {
                    mine.add(index, below.total(index - step));
                }
                mine.add(if heads { step } else { 0 }, base[row]);
            }
            Shape::CappedTeam { .. } | Shape::Leg { .. } | Shape::ExceptLegs { .. } => {
                let leg = below.total(0).with(base[row]);
                mine.add(0, leg);
                let counted = counted(walk, leg, tree.parent[row], &uncapped);
                let number = walk.numbers.get(row).copied().unwrap_or(position(row));
                mine.insert(kept, (std::cmp::Reverse(walk.size.of(counted)), number), counted);
            }
        }
        below.clear();
    }
}

/// Cells and legs kept for a shape.
fn room(shape: Shape) -> (usize, usize) {
    match shape {
        Shape::Levels { to, .. } => (usize::from(to), 0),
        Shape::Generation { number, .. } => (usize::from(number) + 1, 0),
        Shape::Leg { number, .. } | Shape::ExceptLegs { number, .. } => (1, usize::from(number)),
        _ => (1, 0),
    }
}

/// For a cap by share: what all legs of each row come to.
fn uncapped(walk: Walk<'_>) -> Vec<i128> {
    let mut sums = Vec::new();
    if matches!(walk.cap, Cap::Share(_)) {
        sums.resize(walk.tree.len(), 0);
        for row in walk.tree.order.iter().rev() {
            let upper = walk.tree.parent[*row as usize];
            if upper != NONE {
                sums[upper as usize] += sums[*row as usize] + walk.base[*row as usize].sum;
            }
        }
    }
    sums
}

fn counted(walk: Walk<'_>, leg: Total, parent: u32, uncapped: &[i128]) -> Total {
    match walk.cap {
        Cap::None => leg,
        Cap::Amount(most) => Total { sum: leg.sum.min(most), ..leg },
        Cap::Share(share) => {
            let all = uncapped.get(parent as usize).copied().unwrap_or(0).max(0);
            Total { sum: (leg.sum * 10_i128.pow(SHARE_SCALE)).min(share * all), ..leg }
        }
    }
}

fn read(walk: Walk<'_>, below: &Below, own: Total) -> Total {
    let finer = if matches!(walk.cap, Cap::Share(_)) { 10_i128.pow(SHARE_SCALE) } else { 1 };
    let and_own = |total: Total, with_self: bool| if with_self { total.with(own) } else { total };
    let others = below.others.unwrap_or(Total::NOBODY);
    match walk.shape {
        Shape::Downline { with_self } | Shape::Group { with_self, .. } | Shape::Extreme { with_self, .. } => {
            and_own(below.total(0), with_self)
        }
        Shape::LegCount { .. } => below.total(0),
        Shape::Levels { from, to } => (usize::from(from) - 1..usize::from(to))
            .fold(Total::NOBODY, |all, level| all.with(below.total(level))),
        Shape::Generation { number, heads, .. } => {
            and_own(below.total(usize::from(number)), number == 0 && heads)
        }
        Shape::Leg { number, .. } => below.leg(number),
        Shape::ExceptLegs { .. } => others,
        Shape::CappedTeam { .. } => others.with(Total { sum: own.sum * finer, ..own }),
    }
}

/// What each row's upline comes to, up to and with the first of rank `cut`.
pub(crate) fn upline(tree: &Tree, base: &[Total], ranks: &[u8], cut: u8, mut emit: impl FnMut(usize, Total)) {
    let mut totals = vec![Total::NOBODY; tree.len()];
    for row in &tree.order {
        let row = *row as usize;
        let upper = tree.parent[row];
        if upper != NONE {
            let upper = upper as usize;
            let is_last = ranks.get(upper).is_some_and(|rank| cut <= *rank);
            totals[row] = base[upper].with(if is_last { Total::NOBODY } else { totals[upper] });
        }
        emit(row, totals[row]);
    }
}
