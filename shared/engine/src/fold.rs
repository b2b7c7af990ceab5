//! The pass from the leaves to the root: many sums over subtrees, legs, levels, groups and generations at once.
//!
//! Rows come in preorder, so that going backwards a person's children are done before the person. What the children
//! bring lies in an accumulator per depth: the one of depth `d + 1` belongs to the person of depth `d` that comes next,
//! and is empty again afterwards. Nothing is allocated per person. Lanes that read the same cells make a block, which goes
//! over the people alone, a tile at a time, in a loop of its own without a choice per person.
//!
//! Sums do not overflow: the caller has checked that the sizes of all values of a base column add up to an `i64`.

use std::{cmp::Reverse, sync::Arc};

use crate::{
    columns::{NONE, Tree, position},
    edge::Edge,
    indicators::NO_MEMBER,
    threads,
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
    /// Everyone below with so many leaders up to them: with themselves where leaders are heads of their generation, without
    /// themselves otherwise.
    Generation { basis: usize, cut: u8, number: u8, heads: bool },
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
    Generations { basis: usize, cut: u8, furthest: usize, heads: bool },
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

    /// Whether every cell is a sum to which each person adds a part that hangs on nobody else's.
    fn is_linear(self) -> bool {
        matches!(self, Self::Sum | Self::Levels { .. } | Self::Group { .. } | Self::Generations { .. })
    }

    fn of(shape: Shape) -> Self {
        match shape {
            Shape::Downline { .. } => Self::Sum,
            Shape::Levels { to, .. } => Self::Levels { depth: usize::from(to) },
            Shape::Group { basis, cut, .. } => Self::Group { basis, cut },
            Shape::Generation { basis, cut, number, heads } => {
                Self::Generations { basis, cut, furthest: usize::from(number), heads }
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
                Self::Generations { basis, cut, furthest: a, heads },
                Self::Generations { basis: other_basis, cut: other_cut, furthest: b, heads: other_heads },
            ) if (basis, cut, heads) == (other_basis, other_cut, other_heads) => {
                Some(Self::Generations { basis, cut, furthest: a.max(b), heads })
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

/// An accumulator with what feeds it.
#[derive(Clone, Copy, Debug)]
struct Block {
    base: usize,
    kind: Kind,
}

/// What each person brings.
#[derive(Clone, Debug)]
pub(crate) enum Base {
    /// A number; [`NO_MEMBER`] for nobody where extremes are asked for.
    Numbers(Arc<Vec<i64>>),
    /// 1 for a member, 0 for nobody.
    Members(Vec<bool>),
}

impl Base {
    /// What a person brings.
    pub(crate) fn at(&self, row: usize) -> i64 {
        match self {
            Self::Numbers(numbers) => numbers[row],
            Self::Members(members) => i64::from(members[row]),
        }
    }

    /// Everybody's, in the order of the rows.
    pub(crate) fn to_column(&self) -> Arc<Vec<i64>> {
        match self {
            Self::Numbers(numbers) => Arc::clone(numbers),
            Self::Members(members) => Arc::new(members.iter().map(|member| i64::from(*member)).collect()),
        }
    }
}

/// Rows of a tile: what is in between stays in the first-level cache.
const TILE: usize = 512;

/// Computes the lanes' columns.
///
/// Blocks of lanes do not see each other, so threads share them out; what each computes does not hang on how.
pub(crate) fn fold(people: People<'_>, lanes: &[Lane], edge: &Edge<'_>) -> Folded {
    let (blocks, block_of) = blocks(lanes);
    // Fewer blocks than threads are cut.
    let in_parts = blocks.len() < threads::most();
    let mut shapes: Vec<(usize, Vec<Shape>)> = (0..blocks.len()).map(|block| (block, Vec::new())).collect();
    for (lane, block) in lanes.iter().zip(&block_of) {
        shapes[*block].1.push(lane.shape);
    }
    // Those with most columns first, so that no thread is left with one of them in the end.
    shapes.sort_by_key(|(_, shapes)| Reverse(shapes.len()));
    let mut computed = threads::each(blocks.len(), |place| {
        let (block, shapes) = &shapes[place];
        (*block, people.columns((position(*block), blocks[*block]), shapes, edge, in_parts))
    });
    computed.sort_unstable_by_key(|(block, _)| *block);
    let (columns, handed): (Vec<Vec<Vec<i64>>>, Vec<Vec<Crossed>>) =
        computed.into_iter().map(|(_, computed)| computed).unzip();
    let mut columns: Vec<std::vec::IntoIter<Vec<i64>>> = columns.into_iter().map(Vec::into_iter).collect();
    let columns = block_of.iter().map(|block| columns[*block].next().unwrap_or_default()).collect();
    Folded { columns, handed }
}

/// Cells handed up to a visitor: the row, and the cells.
pub(crate) type Crossed = (u32, Vec<i64>);

/// What a pass computes.
pub(crate) struct Folded {
    /// The lanes' columns, one per lane.
    pub(crate) columns: Vec<Vec<i64>>,
    /// What is handed up to visitors, by block.
    pub(crate) handed: Vec<Vec<Crossed>>,
}

/// What a pass reads.
#[derive(Clone, Copy)]
pub(crate) struct People<'a> {
    tree: &'a Tree,
    /// Accumulators a kernel needs: one per level, and one below the deepest.
    depths: usize,
    bases: &'a [Base],
    ranks: [&'a [u8]; 2],
    consultant: &'a [bool],
}

impl<'a> People<'a> {
    /// The people of a tree, with what they bring. `ranks` are the two columns a lane's `basis` chooses from (the second may be empty
    /// where no lane asks for it).
    pub(crate) fn of(
        tree: &'a Tree,
        bases: &'a [Base],
        ranks: [&'a [u8]; 2],
        consultant: &'a [bool],
    ) -> Self {
        Self { tree, depths: tree.deepest() as usize + 2, bases, ranks, consultant }
    }
}

/// Some people that follow each other in preorder.
struct Tile<'a> {
    depth: &'a [u32],
    own: &'a [i64],
    consultant: &'a [bool],
    leader: &'a [bool],
}

/// A kernel goes over a tile from its end and leaves, for each person, the cells its children filled.
trait Kernel {
    /// Cells of a person.
    fn width(&self) -> usize;
    /// `cells` has `width` columns of [`TILE`] rows.
    fn tile(&mut self, tile: &Tile<'_>, cells: &mut [i64]);
    /// What was passed up to a depth and nobody has taken yet.
    fn accumulator(&mut self, level: usize) -> &mut [i64];
}

impl People<'_> {
    /// The columns of one block, one per shape, and what is handed up to visitors.
    fn columns(
        &self,
        block: (u32, Block),
        shapes: &[Shape],
        edge: &Edge<'_>,
        in_parts: bool,
    ) -> (Vec<Vec<i64>>, Vec<Crossed>) {
        let count = self.tree.len();
        let mut out: Vec<Vec<i64>> = shapes.iter().map(|_| vec![0; count]).collect();
        let mut columns: Vec<&mut [i64]> = out.iter_mut().map(Vec::as_mut_slice).collect();
        let middle = count / 2 / TILE * TILE;
        let is_whole = matches!(edge, Edge::Whole);
        if !in_parts || !is_whole || middle == 0 || !self.tree.is_preorder() || !block.1.kind.is_linear() {
            let (_, handed) = self.part(block, shapes, 0..count, &mut columns, edge);
            return (out, handed);
        }
        let (mut before, mut after): (Vec<_>, Vec<_>) =
            columns.into_iter().map(|column| column.split_at_mut(middle)).unzip();
        let ((), (mut kernel, handed)) = threads::both(
            || drop(self.part(block, shapes, 0..middle, &mut before, edge)),
            || self.part(block, shapes, middle..count, &mut after, edge),
        );
        self.join(block.1, shapes, middle, &mut *kernel, &mut out);
        (out, handed)
    }

    /// Adds what the people from `middle` on bring to those above them who stand before. All sums of the block's kind are made
    /// of what each person adds, so what is missing is added in the end.
    fn join(
        &self,
        block: Block,
        shapes: &[Shape],
        middle: usize,
        kernel: &mut dyn Kernel,
        out: &mut [Vec<i64>],
    ) {
        let width = block.kind.cells();
        let depth = self.tree.depth[middle] as usize;
        let mut open: Vec<Vec<i64>> =
            (0..=depth).map(|level| kernel.accumulator(level)[..width].to_vec()).collect();
        let mut row = self.tree.parent[middle];
        for level in (0..depth).rev() {
            let at = row as usize;
            let (upper, lower) = open.split_at_mut(level + 1);
            let (mine, below) = (&mut upper[level], &lower[0]);
            for (shape, column) in shapes.iter().zip(&mut *out) {
                column[at] += read(*shape, below, 0);
            }
            let leader = |basis: usize, cut: u8| {
                self.consultant[at] && self.ranks[basis].get(at).is_some_and(|rank| cut <= *rank)
            };
            let person = Passing { own: 0, is_consultant: self.consultant[at], leader: &leader };
            pass_up(block.kind, person, below, mine);
            row = self.tree.parent[at];
        }
    }

    /// Fills the columns of a range of places, which begins with a tile; what nobody in it has taken stays in the kernel.
    fn part(
        &self,
        (number, block): (u32, Block),
        shapes: &[Shape],
        range: std::ops::Range<usize>,
        out: &mut [&mut [i64]],
        edge: &Edge<'_>,
    ) -> (Box<dyn Kernel>, Vec<Crossed>) {
        let mut handed = Vec::new();
        let mut kernel = kernel(block.kind, self.depths);
        let width = kernel.width();
        let mut cells = vec![0; width * TILE];
        let mut own = [0_i64; TILE];
        let mut consultant = [false; TILE];
        let mut leader = [false; TILE];
        let mut values = [0_i64; TILE];
        let base = &self.bases[block.base];
        let mut end = range.end;
        while range.start < end {
            let start = edge.tile_start(number, (end - 1) / TILE * TILE, end);
            let below = self.tree.depth[start] as usize + 1;
            if edge.is_visitor(start) {
                let below = kernel.accumulator(below);
                if below.iter().any(|cell| *cell != 0) {
                    handed.push((position(start), below.to_vec()));
                    below.fill(0);
                }
                end = start;
                continue;
            }
            for cells in edge.below(number, start) {
                merge(block.kind, cells, kernel.accumulator(below));
            }
            let size = end - start;
            let rows = &self.tree.order[start..end];
            let own = match base {
                Base::Numbers(numbers) if self.tree.is_preorder() => &numbers[start..end],
                base => {
                    gather(&mut own, self.tree.is_preorder(), rows, start, base);
                    &own[..size]
                }
            };
            let consultant = if self.tree.is_preorder() {
                &self.consultant[start..end]
            } else {
                for (cell, row) in consultant.iter_mut().zip(rows) {
                    *cell = self.consultant[*row as usize];
                }
                &consultant[..size]
            };
            if let Kind::Group { basis, cut } | Kind::Generations { basis, cut, .. } = block.kind {
                let ranks = self.ranks[basis];
                for ((cell, row), consultant) in leader.iter_mut().zip(rows).zip(consultant) {
                    *cell = *consultant && ranks.get(*row as usize).is_some_and(|rank| cut <= *rank);
                }
            }
            let tile = Tile { depth: &self.tree.depth[start..end], own, consultant, leader: &leader[..size] };
            kernel.tile(&tile, &mut cells);
            for (shape, column) in shapes.iter().zip(&mut *out) {
                if self.tree.is_preorder() {
                    derive(*shape, &cells, own, &mut column[start - range.start..end - range.start]);
                } else {
                    derive(*shape, &cells, own, &mut values[..size]);
                    for (value, row) in values.iter().zip(rows) {
                        column[*row as usize] = *value;
                    }
                }
            }
            end = start;
        }
        (kernel, handed)
    }
}

/// Adds what a part hands up to somebody to what is there already.
fn merge(kind: Kind, from: &[i64], into: &mut [i64]) {
    match kind {
        Kind::Sum
        | Kind::Levels { .. }
        | Kind::Group { .. }
        | Kind::Generations { .. }
        | Kind::LegCount { .. } => {
            for (into, from) in into.iter_mut().zip(from) {
                *into += from;
            }
        }
        Kind::Legs { .. } => {
            let legs = |cells: &[i64]| usize::try_from(cells[2]).unwrap_or(0);
            let (before, more) = (legs(into), legs(from));
            for (place, leg) in from[3..].iter().take(more).enumerate() {
                insert(&mut into[3..], before + place, *leg);
            }
            for (into, from) in into[..3].iter_mut().zip(from) {
                *into += from;
            }
        }
        Kind::Extreme { greatest, .. } => {
            if from[0] == 1 {
                into[1] = if into[0] == 1 { more_extreme(greatest, into[1], from[1]) } else { from[1] };
                into[0] = 1;
            }
        }
    }
}

/// What the people of a tile bring.
fn gather(own: &mut [i64; TILE], is_preorder: bool, rows: &[u32], start: usize, base: &Base) {
    match base {
        Base::Members(members) if is_preorder => {
            for (cell, member) in own.iter_mut().zip(&members[start..start + rows.len()]) {
                *cell = i64::from(*member);
            }
        }
        base => {
            for (cell, row) in own.iter_mut().zip(rows) {
                *cell = base.at(*row as usize);
            }
        }
    }
}

/// The values of a shape from the cells of a tile.
fn derive(shape: Shape, cells: &[i64], own: &[i64], values: &mut [i64]) {
    let column = |cell: usize| &cells[cell * TILE..cell * TILE + own.len()];
    let with_own = |values: &mut [i64], cell: usize| {
        for ((value, below), own) in values.iter_mut().zip(column(cell)).zip(own) {
            *value = below + own;
        }
    };
    match shape {
        Shape::Downline { with_self: true }
        | Shape::Group { with_self: true, .. }
        | Shape::Generation { number: 0, heads: true, .. } => with_own(values, 0),
        Shape::Downline { with_self: false } | Shape::Group { with_self: false, .. } => {
            values.copy_from_slice(column(0));
        }
        Shape::Generation { number, .. } => values.copy_from_slice(column(usize::from(number))),
        Shape::Levels { from, to } => {
            values.copy_from_slice(column(usize::from(from) - 1));
            for level in from..to {
                for (value, deeper) in values.iter_mut().zip(column(usize::from(level))) {
                    *value += deeper;
                }
            }
        }
        Shape::LegCount { .. } => values.copy_from_slice(column(1)),
        // Kinds of many cells that are read in an own way.
        shape => {
            let width = cells.len() / TILE;
            let mut below = vec![0; width];
            for (place, value) in values.iter_mut().enumerate() {
                for (cell, value) in below.iter_mut().enumerate() {
                    *value = cells[cell * TILE + place];
                }
                *value = read(shape, &below, own[place]);
            }
        }
    }
}

/// The kernel of a kind. Those met in every plan have their own; cells of the others are passed up one by one.
fn kernel(kind: Kind, depths: usize) -> Box<dyn Kernel> {
    fn wide<const W: usize>(kind: Kind, depths: usize) -> Box<dyn Kernel> {
        let cells = vec![[0; W]; depths];
        match kind {
            Kind::Generations { heads, .. } => Box::new(Generations { heads, cells }),
            _ => Box::new(Levels(cells)),
        }
    }
    match (kind, kind.cells()) {
        (Kind::Sum, _) => Box::new(Sum(vec![0; depths])),
        (Kind::Group { .. }, _) => Box::new(Group(vec![0; depths])),
        (Kind::LegCount { members, of_customers }, _) => {
            Box::new(LegCount { members, of_customers, cells: vec![[0; 2]; depths] })
        }
        (Kind::Levels { .. } | Kind::Generations { .. }, cells) if cells <= 16 => match cells {
            1 => wide::<1>(kind, depths),
            2 => wide::<2>(kind, depths),
            3 => wide::<3>(kind, depths),
            4 => wide::<4>(kind, depths),
            5 => wide::<5>(kind, depths),
            6 => wide::<6>(kind, depths),
            7 | 8 => wide::<8>(kind, depths),
            9 | 10 => wide::<10>(kind, depths),
            _ => wide::<16>(kind, depths),
        },
        (kind, width) => Box::new(Passed { kind, width, cells: vec![0; depths * width] }),
    }
}

struct Sum(Vec<i64>);

impl Kernel for Sum {
    fn width(&self) -> usize {
        1
    }

    fn tile(&mut self, tile: &Tile<'_>, cells: &mut [i64]) {
        for ((depth, own), cell) in tile.depth.iter().zip(tile.own).zip(cells).rev() {
            let level = *depth as usize;
            if let [mine, below] = &mut self.0[level..level + 2] {
                *cell = *below;
                *mine += *below + own;
                *below = 0;
            }
        }
    }

    fn accumulator(&mut self, level: usize) -> &mut [i64] {
        &mut self.0[level..=level]
    }
}

struct Group(Vec<i64>);

impl Kernel for Group {
    fn width(&self) -> usize {
        1
    }

    fn tile(&mut self, tile: &Tile<'_>, cells: &mut [i64]) {
        let people = tile.depth.iter().zip(tile.own).zip(tile.leader);
        for (((depth, own), leader), cell) in people.zip(cells).rev() {
            let level = *depth as usize;
            if let [mine, below] = &mut self.0[level..level + 2] {
                *cell = *below;
                *mine += if *leader { 0 } else { *below + own };
                *below = 0;
            }
        }
    }

    fn accumulator(&mut self, level: usize) -> &mut [i64] {
        &mut self.0[level..=level]
    }
}

struct LegCount {
    members: i64,
    of_customers: bool,
    cells: Vec<[i64; 2]>,
}

impl Kernel for LegCount {
    fn width(&self) -> usize {
        2
    }

    fn tile(&mut self, tile: &Tile<'_>, cells: &mut [i64]) {
        let people = tile.depth.iter().zip(tile.own).zip(tile.consultant);
        for (((depth, own), consultant), cell) in people.zip(&mut cells[TILE..]).rev() {
            let level = *depth as usize;
            if let [mine, below] = &mut self.cells[level..level + 2] {
                let leg = below[0] + own;
                *cell = below[1];
                mine[0] += leg;
                mine[1] += i64::from(self.members <= leg && (self.of_customers || *consultant));
                *below = [0; 2];
            }
        }
    }

    fn accumulator(&mut self, level: usize) -> &mut [i64] {
        &mut self.cells[level]
    }
}

/// Writes a person's cells into their columns.
fn put<const W: usize>(cells: &mut [i64], place: usize, below: &[i64; W]) {
    for (column, value) in cells.chunks_exact_mut(TILE).zip(below) {
        column[place] = *value;
    }
}

struct Levels<const W: usize>(Vec<[i64; W]>);

impl<const W: usize> Kernel for Levels<W> {
    fn width(&self) -> usize {
        W
    }

    fn tile(&mut self, tile: &Tile<'_>, cells: &mut [i64]) {
        for (place, (depth, own)) in tile.depth.iter().zip(tile.own).enumerate().rev() {
            let level = *depth as usize;
            if let [mine, below] = &mut self.0[level..level + 2] {
                put(cells, place, below);
                mine[0] += own;
                for cell in 1..W {
                    mine[cell] += below[cell - 1];
                }
                *below = [0; W];
            }
        }
    }

    fn accumulator(&mut self, level: usize) -> &mut [i64] {
        &mut self.0[level]
    }
}

struct Generations<const W: usize> {
    heads: bool,
    cells: Vec<[i64; W]>,
}

impl<const W: usize> Kernel for Generations<W> {
    fn width(&self) -> usize {
        W
    }

    fn tile(&mut self, tile: &Tile<'_>, cells: &mut [i64]) {
        let people = tile.depth.iter().zip(tile.own).zip(tile.leader).enumerate();
        for (place, ((depth, own), leader)) in people.rev() {
            let level = *depth as usize;
            if let [mine, below] = &mut self.cells[level..level + 2] {
                put(cells, place, below);
                // The last generation below a leader falls out of reach.
                let first = usize::from(*leader);
                for cell in first..W {
                    mine[cell] += below[cell - first];
                }
                if let Some(cell) = mine.get_mut(if self.heads { first } else { 0 }) {
                    *cell += own;
                }
                *below = [0; W];
            }
        }
    }

    fn accumulator(&mut self, level: usize) -> &mut [i64] {
        &mut self.cells[level]
    }
}

/// Any kind, cell by cell.
struct Passed {
    kind: Kind,
    width: usize,
    cells: Vec<i64>,
}

impl Kernel for Passed {
    fn width(&self) -> usize {
        self.width
    }

    fn tile(&mut self, tile: &Tile<'_>, cells: &mut [i64]) {
        let width = self.width;
        for (place, (depth, own)) in tile.depth.iter().zip(tile.own).enumerate().rev() {
            let start = *depth as usize * width;
            let (mine, below) = self.cells[start..start + 2 * width].split_at_mut(width);
            for (cell, value) in below.iter().enumerate() {
                cells[cell * TILE + place] = *value;
            }
            let leader = |_: usize, _: u8| tile.leader[place];
            let person = Passing { own: *own, is_consultant: tile.consultant[place], leader: &leader };
            pass_up(self.kind, person, below, mine);
            below.fill(0);
        }
    }

    fn accumulator(&mut self, level: usize) -> &mut [i64] {
        let start = level * self.width;
        &mut self.cells[start..start + self.width]
    }
}

/// The blocks, and which is each lane's.
fn blocks(lanes: &[Lane]) -> (Vec<Block>, Vec<usize>) {
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
            blocks.push(Block { base: lane.base, kind });
        }
    }
    (blocks, block_of)
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
        Shape::Generation { number: 0, heads: true, .. } => below[0] + own,
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
        Kind::Generations { basis, cut, heads, .. } => {
            if (person.leader)(basis, cut) {
                // The last generation below falls out of reach.
                for (cell, deeper) in mine[1..].iter_mut().zip(below) {
                    *cell += deeper;
                }
                if let Some(first) = mine.get_mut(usize::from(heads)) {
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
pub(crate) fn upline(tree: &Tree, base: &Base, ranks: &[u8], cut: u8) -> Vec<i64> {
    let mut sums = vec![0; tree.len()];
    for row in &tree.order {
        let row = *row as usize;
        let upper = tree.parent[row];
        if upper != NONE {
            let upper = upper as usize;
            let further = if ranks.get(upper).is_some_and(|rank| cut <= *rank) { 0 } else { sums[upper] };
            sums[row] = base.at(upper) + further;
        }
    }
    sums
}
