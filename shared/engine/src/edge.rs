//! What crosses the cuts of a network that is computed in parts.
//!
//! A part has people of its own and *visitors*: those above them, up to the root. A pass over a part hands nothing up to a visitor;
//! what its own people would have handed up is written down, visitor by visitor, and the pass over the trunk, which has all visitors
//! as its own people, starts from there. All that is handed up is added, compared or put in order, so that the trunk ends with the
//! very numbers that a pass over the whole network gives. Threads that climb ranks through the halves of a network leave those above
//! both as visitors in the same way.

use std::{collections::BTreeMap, ops::Range};

use bytes::Bytes;

use crate::{
    EngineError,
    columns::position,
    table::{Cells, Column, Table, write},
};

/// Where in the computation cells are handed up: which pass, which block of it, to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Crossing {
    /// The pass, counted from 0 through the step.
    pub(crate) pass: u32,
    /// The block of the pass.
    pub(crate) block: u32,
    /// Row of the visitor in the whole network.
    pub(crate) row: u32,
}

/// What the passes over parts of a network hand up to the people above.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandedUp {
    pub(crate) cells: BTreeMap<Crossing, Vec<i64>>,
    /// For each pass and base column what the sizes of all its values come to.
    pub(crate) sizes: BTreeMap<(u32, u32), i64>,
}

/// Stands for the row of a crossing where [`HandedUp::sizes`] are stored.
const SIZE: i32 = -1;

impl HandedUp {
    /// The stored form: a row per cell.
    pub fn encode(&self) -> Result<Vec<u8>, EngineError> {
        let small = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let (mut passes, mut blocks, mut rows, mut numbers, mut values) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut push = |pass: u32, block: u32, row: i32, number: usize, value: i64| {
            passes.push(small(pass));
            blocks.push(small(block));
            rows.push(row);
            numbers.push(small(position(number)));
            values.push(i128::from(value));
        };
        for (at, cells) in &self.cells {
            for (number, value) in cells.iter().enumerate() {
                push(at.pass, at.block, small(at.row), number, *value);
            }
        }
        for ((pass, base), size) in &self.sizes {
            push(*pass, *base, SIZE, 0, *size);
        }
        let count = values.len();
        let columns = [
            Column::new("pass", Cells::ints(passes)),
            Column::new("block", Cells::ints(blocks)),
            Column::new("row", Cells::ints(rows)),
            Column::new("cell", Cells::ints(numbers)),
            // Sizes add up everybody of a part: they may have more digits than a decimal of 64 bits.
            Column::new("value", Cells::Wide(values, 0)),
        ];
        write("handed_up", count, &columns, &[])
    }

    /// Reads the stored form.
    pub fn decode(bytes: Bytes) -> Result<Self, EngineError> {
        let table = Table::open("handed_up", bytes)?;
        let (passes, blocks) = (table.ints("pass")?, table.ints("block")?);
        let (rows, numbers, values) = (table.ints("row")?, table.ints("cell")?, table.wides("value")?);
        let whole =
            |number: i32| u32::try_from(number).map_err(|_| table.broken(format!("a number {number}")));
        let mut handed = Self::default();
        for at in 0..table.rows() {
            let (pass, block) = (whole(passes[at])?, whole(blocks[at])?);
            let value =
                i64::try_from(values[at]).map_err(|_| table.broken("a value of more than 64 bits"))?;
            if rows[at] == SIZE {
                handed.sizes.insert((pass, block), value);
                continue;
            }
            let cells = handed.cells.entry(Crossing { pass, block, row: whole(rows[at])? }).or_default();
            if cells.len() != whole(numbers[at])? as usize {
                return Err(table.broken("its cells are not in order"));
            }
            cells.push(value);
        }
        Ok(handed)
    }
}

/// How the computation over one snapshot stands to the whole network.
#[derive(Debug, Default)]
pub(crate) enum Border<'a> {
    /// It is the whole network.
    #[default]
    Whole,
    /// It is a part.
    Part {
        /// Which rows are visitors.
        visitors: &'a [bool],
        /// The row of each in the whole network.
        rows: &'a [u32],
        /// What was handed up so far.
        handed: HandedUp,
        /// How many passes there were.
        pass: u32,
    },
    /// It is the trunk.
    Trunk {
        /// The row of each in the whole network.
        rows: &'a [u32],
        /// What the parts hand up.
        handed: &'a [HandedUp],
        /// How many passes there were.
        pass: u32,
    },
}

impl Border<'_> {
    /// How the next pass looks at it.
    pub(crate) fn edge(&self) -> Edge<'_> {
        match self {
            Self::Whole => Edge::Whole,
            Self::Part { visitors, .. } => Edge::Part { visitors },
            Self::Trunk { rows, handed, pass } => {
                let mut below: BTreeMap<(u32, u32), Vec<&[i64]>> = BTreeMap::new();
                let (first, last) = (Crossing::first_of(*pass), Crossing::first_of(*pass + 1));
                for part in *handed {
                    for (at, cells) in part.cells.range(first..last) {
                        if let Ok(row) = rows.binary_search(&at.row) {
                            below.entry((at.block, position(row))).or_default().push(cells);
                        }
                    }
                }
                Edge::Trunk { below }
            }
        }
    }

    /// Keeps what a pass handed up, by block, and goes on to the next pass.
    pub(crate) fn passed(&mut self, blocks: Vec<Vec<(u32, Vec<i64>)>>) {
        match self {
            Self::Whole => {}
            Self::Trunk { pass, .. } => *pass += 1,
            Self::Part { rows, handed, pass, .. } => {
                for (block, crossings) in blocks.into_iter().enumerate() {
                    for (row, cells) in crossings {
                        let at = Crossing { pass: *pass, block: position(block), row: rows[row as usize] };
                        handed.cells.insert(at, cells);
                    }
                }
                *pass += 1;
            }
        }
    }

    /// Adds to the size of a base column of the next pass what it comes to in other parts, or writes it down for the trunk. `None` if
    /// it is too large.
    pub(crate) fn size(&mut self, base: usize, size: i64) -> Option<i64> {
        match self {
            Self::Whole => Some(size),
            Self::Part { handed, pass, .. } => {
                handed.sizes.insert((*pass, position(base)), size);
                Some(size)
            }
            Self::Trunk { handed, pass, .. } => {
                let at = (*pass, position(base));
                handed
                    .iter()
                    .filter_map(|part| part.sizes.get(&at))
                    .try_fold(size, |sum, one| sum.checked_add(*one))
            }
        }
    }

    /// What was handed up, all in all.
    pub(crate) fn take(&mut self) -> HandedUp {
        match self {
            Self::Part { handed, .. } => std::mem::take(handed),
            Self::Whole | Self::Trunk { .. } => HandedUp::default(),
        }
    }

    /// Whether a row is a visitor.
    pub(crate) fn is_visitor(&self, row: usize) -> bool {
        matches!(self, Self::Part { visitors, .. } if visitors[row])
    }

    /// Runs of the rows that are no visitors', of `rows` in all.
    pub(crate) fn own(&self, rows: usize) -> Vec<Range<usize>> {
        let Self::Part { visitors, .. } = self else { return std::iter::once(0..rows).collect() };
        let mut start = 0;
        let runs = visitors.chunk_by(|a, b| a == b).map(|run| {
            let own = start..start + run.len();
            start = own.end;
            (run[0], own)
        });
        runs.filter(|(visits, _)| !visits).map(|(_, own)| own).collect()
    }

    /// Whether it is the whole network.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }
}

impl Crossing {
    fn first_of(pass: u32) -> Self {
        Self { pass, block: 0, row: 0 }
    }
}

/// What one pass has to know of the border.
#[derive(Debug)]
pub(crate) enum Edge<'a> {
    /// There is none.
    Whole,
    /// Nothing is handed to visitors.
    Part { visitors: &'a [bool] },
    /// What parts hand up, by block and row.
    Trunk { below: BTreeMap<(u32, u32), Vec<&'a [i64]>> },
}

impl Edge<'_> {
    /// Where the tile that ends before `end` begins, if it may begin at `start`: a row at which something crosses stands alone.
    pub(crate) fn tile_start(&self, block: u32, start: usize, end: usize) -> usize {
        let crossing = match self {
            Self::Whole => None,
            Self::Part { visitors } => {
                visitors[start..end].iter().rposition(|visitor| *visitor).map(|place| start + place)
            }
            Self::Trunk { below } => {
                let mut rows = below.range((block, position(start))..(block, position(end)));
                rows.next_back().map(|((_, row), _)| *row as usize)
            }
        };
        match crossing {
            None => start,
            Some(row) if row + 1 == end => row,
            Some(row) => row + 1,
        }
    }

    /// Whether a row is a visitor.
    pub(crate) fn is_visitor(&self, row: usize) -> bool {
        matches!(self, Self::Part { visitors } if visitors[row])
    }

    /// What parts hand up to a row.
    pub(crate) fn below(&self, block: u32, row: usize) -> &[&[i64]] {
        match self {
            Self::Trunk { below } => below.get(&(block, position(row))).map_or(&[], Vec::as_slice),
            _ => &[],
        }
    }
}
