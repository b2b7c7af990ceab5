//! Foreign data with several tops: a company root above them.

use std::collections::HashSet;

use engine::{PersonFact, PersonKind};
use foundation::id::PersonId;

/// The root that was put above several tops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Its id: `company`, with hyphens behind it if somebody has that id.
    pub id: PersonId,
    /// How many tops hang under it.
    pub tops: usize,
}

/// Puts a company root above the people without a parent, where there are several. It is a customer without orders: it earns
/// nothing, has no rank and blocks nobody. All others stand one level deeper.
pub fn root_above(people: &mut Vec<PersonFact>) -> Option<Root> {
    let tops = people.iter().filter(|person| person.parent.is_none()).count();
    if tops < 2 {
        return None;
    }
    let taken: HashSet<&str> = people.iter().map(|person| person.id.as_str()).collect();
    let mut name = "company".to_owned();
    while taken.contains(name.as_str()) {
        name.push('-');
    }
    let id: PersonId = name.parse().ok()?;
    for person in people.iter_mut().filter(|person| person.parent.is_none()) {
        person.parent = Some(id.clone());
    }
    let mut root = PersonFact::new(id.clone(), None);
    root.kind = PersonKind::Customer;
    people.push(root);
    Some(Root { id, tops })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, parent: Option<&str>) -> PersonFact {
        PersonFact::new(id.parse().unwrap(), parent.map(|parent| parent.parse().unwrap()))
    }

    #[test]
    fn several_tops_get_a_root_that_is_nobody_else() {
        let mut people = vec![person("a", None), person("company", None), person("b", Some("a"))];
        let root = root_above(&mut people).unwrap();
        assert_eq!((root.id.as_str(), root.tops), ("company-", 2));
        assert_eq!(people[1].parent, Some(root.id.clone()));
        assert_eq!(people[2].parent, Some("a".parse().unwrap()));
        assert_eq!((people[3].parent.clone(), people[3].kind), (None, PersonKind::Customer));
    }

    #[test]
    fn one_top_stays_the_root() {
        let mut people = vec![person("a", None), person("b", Some("a"))];
        assert_eq!(root_above(&mut people), None);
        assert_eq!(people.len(), 2);
    }
}
