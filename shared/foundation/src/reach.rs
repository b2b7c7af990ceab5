//! Reach: whose data a caller may see and act on, from the caller's own place in the network.

use std::collections::BTreeSet;

use crate::{id::PersonId, permission::Permission};

/// Everybody, or oneself and one's downline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The person who asks, if the caller is one.
    pub person: Option<PersonId>,
    /// Whether every person is within reach.
    pub any: bool,
}

impl Reach {
    /// The reach of a caller who is `person` and has `permissions`. A caller who is neither somebody nor allowed to act on anybody
    /// reaches nobody.
    pub fn of(permissions: &BTreeSet<Permission>, person: Option<&PersonId>) -> Self {
        Self { person: person.cloned(), any: permissions.contains(&Permission::AnyPerson) }
    }

    /// Whether `target`, whose ancestors are `upline`, is within reach.
    pub fn covers(&self, target: &PersonId, upline: &[PersonId]) -> bool {
        self.any || self.person.as_ref().is_some_and(|own| own == target || upline.contains(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reaches_oneself_and_ones_downline_unless_one_reaches_everybody() {
        let id = |text: &str| text.parse::<PersonId>().unwrap();
        let upline = [id("ROOT"), id("ANA")];
        let any = BTreeSet::from([Permission::AnyPerson]);
        let cases = [
            ("oneself", Reach::of(&BTreeSet::new(), Some(&id("BEN"))), true),
            ("an ancestor", Reach::of(&BTreeSet::new(), Some(&id("ANA"))), true),
            ("somebody beside", Reach::of(&BTreeSet::new(), Some(&id("CEM"))), false),
            ("nobody", Reach::of(&BTreeSet::new(), None), false),
            ("the back office", Reach::of(&any, None), true),
        ];
        for (name, reach, covered) in cases {
            assert_eq!(reach.covers(&id("BEN"), &upline), covered, "{name}");
        }
    }
}
