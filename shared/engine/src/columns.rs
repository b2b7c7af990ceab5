//! Building blocks of columnar nouns: ids, dictionaries, bit sets, trees.

use std::{collections::BTreeMap, sync::Arc};

use crate::threads;

/// Rows from which on a tree is shared by two threads: chosen, not measured, so that what a thread costs is little beside its half.
const LEAST_IN_HALVES: usize = 4096;

/// No position: the parent of a root, the order of a line that is of none.
pub const NONE: u32 = u32::MAX;

/// A number of rows as a position. Snapshots have fewer than 2^32 - 1 rows.
pub(crate) fn position(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NONE)
}

/// Whether `rows` are all rows in their order: nothing changes places.
pub(crate) fn is_in_order(rows: &[u32]) -> bool {
    rows.iter().enumerate().all(|(place, row)| place == *row as usize)
}

/// The places of `keys`, all below `most`, in the order of the keys, equal ones as they stand; and for each key where its run ends. By
/// counting: there are few places for a key, or many keys in a row.
pub(crate) fn by_counting(keys: impl Iterator<Item = u32> + Clone, most: usize) -> (Vec<u32>, Vec<u32>) {
    let mut ends = vec![0_u32; most + 1];
    let mut sum = 0;
    for key in keys.clone() {
        ends[key as usize + 1] += 1;
        sum += 1;
    }
    let mut order = vec![0; sum];
    let mut start = 0;
    for end in &mut ends {
        start += *end;
        *end = start;
    }
    // Starts become ends while the places find theirs.
    for (place, key) in keys.enumerate() {
        let next = &mut ends[key as usize];
        order[*next as usize] = position(place);
        *next += 1;
    }
    (order, ends)
}

/// Texts one after the other.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    ends: Vec<usize>,
    bytes: String,
    /// Which text stands at each position; none: they stand as they were appended.
    order: Option<Arc<Vec<u32>>>,
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Texts {}

impl Texts {
    /// Room for `count` short texts.
    pub fn with_capacity(count: usize) -> Self {
        Self { ends: Vec::with_capacity(count), bytes: String::with_capacity(count * 10), order: None }
    }

    /// The same texts in another order, which lists positions of today. No text is copied.
    pub(crate) fn arranged(self, order: Arc<Vec<u32>>) -> Self {
        let order = match &self.order {
            None => order,
            Some(before) => Arc::new(order.iter().map(|at| before[*at as usize]).collect()),
        };
        Self { order: Some(order), ..self }
    }

    /// Without any text if all are empty.
    pub(crate) fn or_none(self) -> Self {
        if self.iter().all(str::is_empty) { Self::default() } else { self }
    }

    /// Appends a text.
    pub fn push(&mut self, text: &str) {
        if let Some(order) = &mut self.order {
            Arc::make_mut(order).push(position(self.ends.len()));
        }
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    /// The text at a position; empty beyond the end.
    pub fn get(&self, index: usize) -> &str {
        let index = match &self.order {
            None => index,
            Some(order) => order.get(index).map_or(usize::MAX, |at| *at as usize),
        };
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(index).and_then(|end| self.bytes.get(start..*end)).unwrap_or("")
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.as_ref().map_or(self.ends.len(), |order| order.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(all: I) -> Self {
        let all = all.into_iter();
        let mut texts = Self::with_capacity(all.size_hint().0);
        for text in all {
            texts.push(text);
        }
        texts
    }
}

/// Texts of which few are distinct.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dictionary {
    /// For each row the index into `values`.
    pub codes: Vec<u32>,
    /// The distinct texts, sorted.
    pub values: Vec<Arc<str>>,
}

impl Dictionary {
    /// The dictionary of `texts`, which does not depend on where a text comes first.
    pub fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        // Codes in the order in which texts come, until all are known. Most texts are the one before.
        let mut distinct: BTreeMap<&str, u32> = BTreeMap::new();
        let mut last: Option<(&str, u32)> = None;
        let code_of = |text: &'a str| match last {
            Some((known, code)) if is_same(known, text) => code,
            _ => {
                let next = position(distinct.len());
                let code = *distinct.entry(text).or_insert(next);
                last = Some((text, code));
                code
            }
        };
        let mut codes: Vec<u32> = texts.map(code_of).collect();
        if 1 < distinct.len() {
            let mut sorted = vec![0; distinct.len()];
            for (place, code) in distinct.values().enumerate() {
                sorted[*code as usize] = position(place);
            }
            for code in &mut codes {
                *code = sorted[*code as usize];
            }
        }
        Self { codes, values: distinct.into_keys().map(Arc::from).collect() }
    }

    /// The text of a row; empty beyond the end.
    pub fn get(&self, row: usize) -> &str {
        self.codes.get(row).and_then(|code| self.values.get(*code as usize)).map_or("", |text| text)
    }
}

/// Whether two texts are the same; short ones, of which there are many, without a call.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).all(|(a, b)| a == b)
}

/// Sets of texts, as bits over a dictionary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// `words` words per row.
    pub bits: Vec<u64>,
    /// Words per row, at least 1.
    pub words: usize,
    /// The distinct texts, sorted.
    pub values: Vec<Arc<str>>,
}

impl Sets {
    /// The sets of `rows`.
    pub fn of<'a, T: AsRef<str> + 'a>(rows: impl Iterator<Item = &'a [T]> + Clone) -> Self {
        let mut distinct: BTreeMap<&str, usize> = BTreeMap::new();
        for text in rows.clone().flatten() {
            distinct.insert(text.as_ref(), 0);
        }
        for (number, place) in distinct.values_mut().enumerate() {
            *place = number;
        }
        let words = distinct.len().div_ceil(64).max(1);
        let mut bits = Vec::new();
        for row in rows {
            let start = bits.len();
            bits.resize(start + words, 0);
            for place in row.iter().filter_map(|text| distinct.get(text.as_ref())) {
                bits[start + place / 64] |= 1 << (place % 64);
            }
        }
        Self { bits, words, values: distinct.into_keys().map(Arc::from).collect() }
    }

    /// The texts of a row, sorted.
    pub fn get(&self, row: usize) -> Vec<&str> {
        let held = |place: &usize| {
            self.bits.get(row * self.words + place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
        };
        (0..self.values.len()).filter(held).map(|place| &*self.values[place]).collect()
    }
}

/// A tree over rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Row of the parent; [`NONE`] for the root.
    pub parent: Vec<u32>,
    /// Rows in preorder: every row's downline follows it without a gap. Siblings follow each other by row.
    pub order: Vec<u32>,
    /// Level of the row at each place of `order`; the root's is 0.
    pub depth: Vec<u32>,
    deepest: u32,
    is_preorder: bool,
}

impl Tree {
    /// The tree of a parent column; `None` unless it has exactly one root from which every row is reached.
    pub fn of(parent: Vec<u32>) -> Option<Self> {
        // A snapshot's rows are in preorder already: one look along them says so.
        if let Some(depth) = depths_in_preorder(&parent) {
            return Some(Self::along_rows(parent, depth));
        }
        let Preorder { order, depth, .. } = Preorder::of(&parent)?;
        let (deepest, is_preorder) = (deepest(&depth), is_in_order(&order));
        Some(Self { parent, order, depth, deepest, is_preorder })
    }

    /// The tree over rows that are in preorder.
    pub(crate) fn along_rows(parent: Vec<u32>, depth: Vec<u32>) -> Self {
        let (order, deepest) = ((0..position(parent.len())).collect(), deepest(&depth));
        Self { parent, order, depth, deepest, is_preorder: true }
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.parent.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.parent.is_empty()
    }

    /// The deepest level.
    pub fn deepest(&self) -> u32 {
        self.deepest
    }

    /// Whether rows are in preorder of this tree.
    pub(crate) fn is_preorder(&self) -> bool {
        self.is_preorder
    }

    /// People in each row's team, the row itself included.
    pub(crate) fn sizes(&self) -> Vec<u32> {
        let mut sizes = vec![1; self.len()];
        for row in self.order.iter().rev() {
            let upper = self.parent[*row as usize];
            if upper != NONE {
                sizes[upper as usize] += sizes[*row as usize];
            }
        }
        sizes
    }

    /// The level of each row; the root's is 0.
    pub(crate) fn levels<T: From<u32> + Clone + Default>(&self) -> Vec<T> {
        let mut levels = vec![T::default(); self.len()];
        for (row, depth) in self.order.iter().zip(&self.depth) {
            levels[*row as usize] = T::from(*depth);
        }
        levels
    }

    /// The middle row and those above it, nearest first, if it is worth to give each half of the tree to a thread: rows are in
    /// preorder, there are enough of them, and few stand above both halves.
    pub(crate) fn halves(&self) -> Option<(usize, Vec<usize>)> {
        let middle = self.len() / 2;
        if threads::most() <= 1 || self.len() < LEAST_IN_HALVES || !self.is_preorder {
            return None;
        }
        let above: Vec<usize> = self.upline(position(middle)).map(|row| row as usize).collect();
        (above.len() < middle / 8).then_some((middle, above))
    }

    /// The rows above a row, nearest first.
    pub fn upline(&self, row: u32) -> impl Iterator<Item = u32> {
        let above = |row: u32| self.parent.get(row as usize).copied().filter(|upper| *upper != NONE);
        std::iter::successors(above(row), move |row| above(*row))
    }
}

fn deepest(depth: &[u32]) -> u32 {
    depth.iter().copied().max().unwrap_or(0)
}

/// Levels of rows that are in preorder, or `None` if they are not.
fn depths_in_preorder(parent: &[u32]) -> Option<Vec<u32>> {
    if parent.first() != Some(&NONE) {
        return None;
    }
    let mut depth = Vec::with_capacity(parent.len());
    depth.push(0);
    // The way from the root to the row before.
    let mut way = vec![0_u32];
    for (row, upper) in parent.iter().enumerate().skip(1) {
        while *way.last()? != *upper {
            way.pop();
        }
        depth.push(position(way.len()));
        way.push(position(row));
    }
    Some(depth)
}

/// Rows of a parent column, nobody before the parent. `None` unless there is exactly one root from which every row is reached.
fn top_down(parent: &[u32]) -> Option<Vec<u32>> {
    let mut roots = parent.iter().zip(0_u32..).filter(|(upper, _)| **upper == NONE);
    let (Some((_, root)), None) = (roots.next(), roots.next()) else {
        return None;
    };
    let mut rows = Vec::with_capacity(parent.len());
    let mut is_reached = vec![false; parent.len()];
    rows.push(root);
    is_reached[root as usize] = true;
    // The way up from a row to the first that was reached. Mostly that is the parent, who came earlier.
    let mut way = Vec::new();
    for (row, upper) in (0..).zip(parent) {
        if is_reached[row as usize] {
            continue;
        }
        if is_reached.get(*upper as usize).is_some_and(|is_reached| *is_reached) {
            is_reached[row as usize] = true;
            rows.push(row);
            continue;
        }
        let mut at = row;
        while !is_reached[at as usize] {
            way.push(at);
            // Longer than all rows: a circle.
            if parent.len() < rows.len() + way.len() {
                return None;
            }
            at = *parent.get(at as usize).filter(|upper| (**upper as usize) < parent.len())?;
        }
        while let Some(below) = way.pop() {
            is_reached[below as usize] = true;
            rows.push(below);
        }
    }
    Some(rows)
}

/// Rows of a parent column in preorder, siblings by row.
pub(crate) struct Preorder {
    /// The row at each place.
    pub(crate) order: Vec<u32>,
    /// The place of the parent of the row at each place; [`NONE`] for the root.
    pub(crate) parent: Vec<u32>,
    /// The level of the row at each place; the root's is 0.
    pub(crate) depth: Vec<u32>,
    /// The place of each row.
    pub(crate) place: Vec<u32>,
}

impl Preorder {
    /// `None` unless there is exactly one root from which every row is reached.
    ///
    /// All passes but the last go along the rows and look at the parent of each: people mostly stand near who recruited them. Memory that is not
    /// needed any more serves what comes next, as fresh memory costs more than the work done in it.
    pub(crate) fn of(parent: &[u32]) -> Option<Self> {
        let rows = top_down(parent)?;
        let mut sizes = vec![1_u32; parent.len()];
        for row in rows.iter().rev() {
            let upper = parent[*row as usize] as usize;
            let size = sizes[*row as usize];
            if let Some(above) = sizes.get_mut(upper) {
                *above += size;
            }
        }
        // How far behind its parent each row stands: siblings follow each other by row.
        let mut behind = sizes;
        let mut next = vec![1_u32; parent.len()];
        for (upper, behind) in parent.iter().zip(&mut behind) {
            match next.get_mut(*upper as usize) {
                Some(next) => {
                    let size = std::mem::replace(behind, *next);
                    *next += size;
                }
                None => *behind = 0,
            }
        }
        let mut place = behind;
        let mut parent_at = vec![NONE; parent.len()];
        for row in &rows {
            if let Some(above) = place.get(parent[*row as usize] as usize).copied() {
                place[*row as usize] += above;
                parent_at[place[*row as usize] as usize] = above;
            }
        }
        let (mut order, mut depth) = (next, rows);
        let mut order_rows = || {
            for (row, place) in (0..).zip(&place) {
                order[*place as usize] = row;
            }
        };
        let mut tell_depths = || {
            for at in 0..depth.len() {
                depth[at] = depth.get(parent_at[at] as usize).map_or(0, |above| above + 1);
            }
        };
        if parent.len() < LEAST_IN_HALVES {
            order_rows();
            tell_depths();
        } else {
            threads::both(order_rows, tell_depths);
        }
        Some(Self { order, parent: parent_at, depth, place })
    }
}
