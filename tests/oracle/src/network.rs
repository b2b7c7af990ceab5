//! A tree over the people, by walking.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

/// A tree.
pub(crate) struct Network {
    pub(crate) parent: Vec<Option<usize>>,
    /// Children in the order of person numbers.
    pub(crate) children: Vec<Vec<usize>>,
}

impl Network {
    /// The tree in which everyone hangs under who is named, nobody being named for the root.
    pub(crate) fn of(index: &BTreeMap<String, usize>, upper: &[&str]) -> Result<Self> {
        let mut parent = Vec::with_capacity(upper.len());
        let mut children = vec![Vec::new(); upper.len()];
        for name in upper {
            let place = match *name {
                "" => None,
                name => Some(*index.get(name).with_context(|| format!("nobody has the id {name}"))?),
            };
            parent.push(place);
        }
        for place in index.values() {
            if let Some(upper) = parent[*place] {
                children[upper].push(*place);
            }
        }
        let network = Self { parent, children };
        for place in 0..upper.len() {
            ensure!(
                network.above(place).take(upper.len() + 1).count() <= upper.len(),
                "the tree has a circle"
            );
        }
        Ok(network)
    }

    /// Ancestors, the parent first.
    pub(crate) fn above(&self, person: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.parent[person], |at| self.parent[*at])
    }

    /// How many ancestors there are.
    pub(crate) fn level(&self, person: usize) -> usize {
        self.above(person).count()
    }

    /// Everyone below.
    pub(crate) fn below(&self, person: usize) -> Vec<usize> {
        self.below_while(person, |_| true)
    }

    /// Everyone below who is reached over people for whom `goes_on` holds, they themselves included.
    pub(crate) fn below_while(&self, person: usize, goes_on: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut found = Vec::new();
        let mut open: Vec<usize> = self.children[person].clone();
        while let Some(member) = open.pop() {
            if goes_on(member) {
                found.push(member);
                open.extend(&self.children[member]);
            }
        }
        found
    }

    /// A child with everyone below.
    pub(crate) fn leg(&self, child: usize) -> Vec<usize> {
        let mut members = self.below(child);
        members.push(child);
        members
    }

    /// From `member` up to just below `person`.
    pub(crate) fn path(&self, person: usize, member: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::once(member).chain(self.above(member)).take_while(move |at| *at != person)
    }
}
