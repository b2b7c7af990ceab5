//! Checks of a network before it is frozen; every violation is named.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use foundation::cycle::Cycle;
use serde::{Deserialize, Serialize};

use crate::facts::{OrderFact, OrderKind, PersonFact};

/// Something that makes facts unfit for a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Violation {
    /// There is nobody.
    Empty,
    /// Two people have one id.
    DuplicatePerson {
        /// The id.
        person: String,
    },
    /// Nobody is without a parent.
    NoRoot {
        /// The tree.
        tree: Branch,
    },
    /// Several people are without a parent.
    SecondRoot {
        /// The tree.
        tree: Branch,
        /// One of them; there is a violation for each but the first by id.
        person: String,
    },
    /// A parent or sponsor is nobody known.
    UnknownParent {
        /// The tree.
        tree: Branch,
        /// The person.
        person: String,
        /// The unknown id.
        parent: String,
    },
    /// People who hang under each other in a circle.
    Circle {
        /// The tree.
        tree: Branch,
        /// The people of the circle, from the smallest id upwards along parents.
        people: Vec<String>,
    },
    /// A person who is not reached from the root, because of a circle or an unknown parent above.
    Orphan {
        /// The tree.
        tree: Branch,
        /// The person.
        person: String,
    },
    /// Two orders have one id.
    DuplicateOrder {
        /// The id.
        order: String,
    },
    /// An order of nobody known.
    UnknownBuyer {
        /// The order.
        order: String,
        /// The unknown id.
        person: String,
    },
    /// An order outside of the cycle.
    OutsideCycle {
        /// The order.
        order: String,
    },
    /// A sale that names an order it reverses.
    ReversingSale {
        /// The order.
        order: String,
    },
}

/// One of the two trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Branch {
    /// Who hangs under whom.
    Placement,
    /// Who brought whom.
    Enrolment,
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Placement => "placement",
            Self::Enrolment => "enrolment",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the network has no people"),
            Self::DuplicatePerson { person } => write!(f, "person {person} is there twice"),
            Self::NoRoot { tree } => write!(f, "the {tree} tree has no root"),
            Self::SecondRoot { tree, person } => {
                write!(f, "person {person} is another root of the {tree} tree")
            }
            Self::UnknownParent { tree, person, parent } => {
                write!(f, "person {person} hangs under the unknown person {parent} in the {tree} tree")
            }
            Self::Circle { tree, people } => {
                write!(f, "a circle in the {tree} tree: {}", people.join(" -> "))
            }
            Self::Orphan { tree, person } => {
                write!(f, "person {person} is not reached from the root of the {tree} tree")
            }
            Self::DuplicateOrder { order } => write!(f, "order {order} is there twice"),
            Self::UnknownBuyer { order, person } => {
                write!(f, "order {order} is of the unknown person {person}")
            }
            Self::OutsideCycle { order } => write!(f, "order {order} was not paid in the cycle"),
            Self::ReversingSale { order } => {
                write!(f, "order {order} is a sale and names an order it reverses")
            }
        }
    }
}

/// All violations, in an order that does not depend on the order of the facts. Empty: the facts are fit for a run.
pub fn verify(people: &[PersonFact], orders: &[OrderFact], cycle: &Cycle) -> Vec<Violation> {
    let mut violations = Vec::new();
    if people.is_empty() {
        violations.push(Violation::Empty);
    }
    let mut index: HashMap<&str, u32> = HashMap::with_capacity(people.len());
    for (number, person) in people.iter().enumerate() {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        if index.insert(person.id.as_str(), number).is_some() {
            violations.push(Violation::DuplicatePerson { person: person.id.to_string() });
        }
    }
    for tree in [Branch::Placement, Branch::Enrolment] {
        check_tree(tree, people, &index, &mut violations);
    }
    let mut seen = HashSet::with_capacity(orders.len());
    for order in orders {
        let id = || order.id.to_string();
        if !seen.insert(order.id.as_str()) {
            violations.push(Violation::DuplicateOrder { order: id() });
        }
        if !index.contains_key(order.person.as_str()) {
            violations.push(Violation::UnknownBuyer { order: id(), person: order.person.to_string() });
        }
        if !cycle.contains(order.paid_at) {
            violations.push(Violation::OutsideCycle { order: id() });
        }
        if order.kind == OrderKind::Sale && order.reverses.is_some() {
            violations.push(Violation::ReversingSale { order: id() });
        }
    }
    violations.sort();
    violations
}

/// Who somebody hangs under in a tree. A missing sponsor is the parent.
fn above(tree: Branch, person: &PersonFact) -> Option<&str> {
    let upper = match tree {
        Branch::Placement => person.parent.as_ref(),
        Branch::Enrolment => person.sponsor.as_ref().or(person.parent.as_ref()),
    };
    upper.map(foundation::id::PersonId::as_str)
}

fn check_tree(
    tree: Branch,
    people: &[PersonFact],
    index: &HashMap<&str, u32>,
    violations: &mut Vec<Violation>,
) {
    const NOBODY: u32 = u32::MAX;
    let mut parent = vec![NOBODY; people.len()];
    let mut roots: Vec<&str> = Vec::new();
    for (number, person) in people.iter().enumerate() {
        match above(tree, person) {
            None => roots.push(person.id.as_str()),
            Some(upper) => match index.get(upper) {
                Some(upper) => parent[number] = *upper,
                None => violations.push(Violation::UnknownParent {
                    tree,
                    person: person.id.to_string(),
                    parent: upper.to_owned(),
                }),
            },
        }
    }
    roots.sort_unstable();
    if roots.is_empty() && !people.is_empty() {
        violations.push(Violation::NoRoot { tree });
    }
    for person in roots.iter().skip(1) {
        violations.push(Violation::SecondRoot { tree, person: (*person).to_owned() });
    }
    // Climb from everyone until somebody known is met: 0 new, 1 on the way, 2 reached from a root, 3 not reached.
    let mut state = vec![0_u8; people.len()];
    let mut way = Vec::new();
    for start in 0..people.len() {
        let mut at = u32::try_from(start).unwrap_or(NOBODY);
        while at != NOBODY && state[at as usize] == 0 {
            state[at as usize] = 1;
            way.push(at);
            at = parent[at as usize];
        }
        let mut circle_start = None;
        let outcome = if at == NOBODY {
            let top = way.last().map(|top| &people[*top as usize]);
            if top.is_none_or(|top| above(tree, top).is_none()) { 2 } else { 3 }
        } else if state[at as usize] == 1 {
            circle_start = Some(at);
            3
        } else {
            state[at as usize]
        };
        if let Some(first) = circle_start {
            let from = way.iter().position(|one| *one == first).unwrap_or(0);
            violations.push(circle(tree, people, &way[from..]));
        }
        for one in way.drain(..) {
            state[one as usize] = outcome;
        }
    }
    for (number, person) in people.iter().enumerate() {
        let named_otherwise = above(tree, person).is_some_and(|upper| !index.contains_key(upper));
        if state[number] == 3 && !named_otherwise {
            violations.push(Violation::Orphan { tree, person: person.id.to_string() });
        }
    }
}

fn circle(tree: Branch, people: &[PersonFact], way: &[u32]) -> Violation {
    let mut ids: Vec<String> = way.iter().map(|one| people[*one as usize].id.to_string()).collect();
    let smallest = ids.iter().enumerate().min_by(|a, b| a.1.cmp(b.1)).map_or(0, |(place, _)| place);
    ids.rotate_left(smallest);
    Violation::Circle { tree, people: ids }
}
