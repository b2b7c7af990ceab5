//! Both trees, by walking: lists of ancestors and descendants of everybody.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::facts::Person;

pub(crate) struct Network {
    pub(crate) index: BTreeMap<String, usize>,
    /// Ancestors in the placement tree, the parent first.
    pub(crate) above: Vec<Vec<usize>>,
    pub(crate) children: Vec<Vec<usize>>,
    /// Everyone below, in the placement tree.
    pub(crate) below: Vec<Vec<usize>>,
    /// Those a person sponsored.
    pub(crate) enrolled: Vec<Vec<usize>>,
}

impl Network {
    pub(crate) fn of(people: &[Person]) -> Result<Self> {
        let index: BTreeMap<String, usize> =
            people.iter().enumerate().map(|(place, person)| (person.id.clone(), place)).collect();
        let find = |id: &String| -> Result<Option<usize>> {
            if id.is_empty() {
                return Ok(None);
            }
            index.get(id).copied().map(Some).with_context(|| format!("nobody has the id {id}"))
        };
        let parents: Vec<Option<usize>> =
            people.iter().map(|person| find(&person.parent)).collect::<Result<_>>()?;
        let mut above = Vec::with_capacity(people.len());
        let mut children = vec![Vec::new(); people.len()];
        let mut below = vec![Vec::new(); people.len()];
        let mut enrolled = vec![Vec::new(); people.len()];
        for (place, person) in people.iter().enumerate() {
            let mut path = Vec::new();
            let mut at = parents[place];
            while let Some(ancestor) = at {
                below[ancestor].push(place);
                path.push(ancestor);
                at = parents[ancestor];
            }
            if let Some(parent) = parents[place] {
                children[parent].push(place);
            }
            if let Some(sponsor) = find(&person.sponsor)? {
                enrolled[sponsor].push(place);
            }
            above.push(path);
        }
        Ok(Self { index, above, children, below, enrolled })
    }

    /// The level of `member` below `person`.
    pub(crate) fn level(&self, person: usize, member: usize) -> usize {
        self.above[member].len() - self.above[person].len()
    }

    /// A child with everyone below.
    pub(crate) fn leg(&self, child: usize) -> Vec<usize> {
        std::iter::once(child).chain(self.below[child].iter().copied()).collect()
    }

    /// Those between `person` and `member`, both excluded.
    pub(crate) fn between(&self, person: usize, member: usize) -> impl Iterator<Item = usize> + '_ {
        self.above[member].iter().copied().take_while(move |ancestor| *ancestor != person)
    }
}
