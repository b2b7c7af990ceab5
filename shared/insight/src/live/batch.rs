//! Movements merged into transactions, each applied exactly once.
//!
//! A movement is cut into units of at most 99 people, nearest first. A unit is applied in the one transaction that also writes its
//! marker, under the condition that the marker is not there. So a fact that arrives twice, in whatever batch and beside whatever other
//! facts, is refused by its markers and taken out, and the others are tried again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use foundation::id::{CycleId, PersonId};

use super::{Delta, Movement};

/// Writes of a transaction.
pub const WRITES_MAX: usize = 100;
/// People of a unit: with the marker they fill a transaction.
const PEOPLE_MAX: usize = WRITES_MAX - 1;

/// Whose indicators of which cycle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The cycle.
    pub cycle: CycleId,
    /// The person.
    pub person: PersonId,
}

/// What shows that a unit was applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marker {
    /// The fact.
    pub fact: String,
    /// Which part of its people, from 0.
    pub chunk: usize,
}

/// What is added to the indicators of one person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// To the person's own ones.
    pub own: Delta,
    /// To those of the team.
    pub team: Delta,
}

/// Writes that are done together: the markers are new, the changes are added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Markers that must not be there.
    pub markers: Vec<Marker>,
    /// Changes.
    pub changes: BTreeMap<Target, Change>,
}

/// A part of a movement that is applied at once.
#[derive(Clone, Debug)]
struct Unit {
    marker: Marker,
    changes: Vec<(Target, Change)>,
}

/// Movements on their way into the table.
#[derive(Debug, Default)]
pub struct Batch {
    waiting: VecDeque<Unit>,
    sent: Vec<Unit>,
    unapplied: BTreeSet<String>,
}

impl Batch {
    /// A batch of `movements`, among which a fact may stand several times.
    pub fn of(movements: &[Movement]) -> Self {
        let mut seen = BTreeSet::new();
        let new = movements.iter().filter(|movement| seen.insert(movement.fact.as_str()));
        Self { waiting: new.flat_map(units).collect(), ..Self::default() }
    }

    /// The next transaction; none if all is done, or given up. What becomes of it is told by one of the other methods.
    pub fn next_transaction(&mut self) -> Option<Transaction> {
        let mut transaction = Transaction::default();
        while let Some(unit) = self.waiting.pop_front() {
            let is_new = |(target, _): &&(Target, Change)| !transaction.changes.contains_key(target);
            let new = unit.changes.iter().filter(is_new).count();
            let size = transaction.markers.len() + transaction.changes.len() + 1 + new;
            if size > WRITES_MAX {
                self.waiting.push_front(unit);
                break;
            }
            for (target, change) in &unit.changes {
                let sum = transaction.changes.entry(target.clone()).or_default();
                sum.own += change.own;
                sum.team += change.team;
            }
            transaction.markers.push(unit.marker.clone());
            self.sent.push(unit);
        }
        (!transaction.markers.is_empty()).then_some(transaction)
    }

    /// The transaction was done.
    pub fn applied(&mut self) {
        self.sent.clear();
    }

    /// The transaction was refused because these of its markers stand there: they were applied before, the others are tried again.
    pub fn refused(&mut self, standing: &[Marker]) {
        if standing.is_empty() {
            return self.failed();
        }
        for unit in self.sent.drain(..).rev() {
            if !standing.contains(&unit.marker) {
                self.waiting.push_front(unit);
            }
        }
    }

    /// The transaction was not done: its facts must come again.
    pub fn failed(&mut self) {
        self.unapplied.extend(self.sent.drain(..).map(|unit| unit.marker.fact));
    }

    /// Facts that were not, or not wholly, applied.
    pub fn into_unapplied(self) -> BTreeSet<String> {
        self.unapplied
    }
}

/// The units of a movement: the buyer's own volumes, and the team volumes of everybody above.
fn units(movement: &Movement) -> impl Iterator<Item = Unit> + '_ {
    let target = |person: &PersonId| Target { cycle: movement.cycle.clone(), person: person.clone() };
    let own = (target(&movement.person), Change { own: movement.delta, team: Delta::default() });
    let team = Change { own: Delta::default(), team: movement.delta };
    let mut changes = vec![own];
    changes.extend(movement.upline.iter().rev().map(|person| (target(person), team)));
    let chunks: Vec<_> = changes.chunks(PEOPLE_MAX).map(<[_]>::to_vec).collect();
    chunks
        .into_iter()
        .enumerate()
        .map(|(chunk, changes)| Unit { marker: Marker { fact: movement.fact.clone(), chunk }, changes })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use rust_decimal::Decimal;

    use super::*;

    /// A table in memory with the conditions of the real one.
    #[derive(Debug, Default)]
    struct Model {
        markers: BTreeSet<Marker>,
        totals: BTreeMap<Target, Change>,
        transactions: usize,
    }

    impl Model {
        /// Gives the markers that refuse the transaction; none: it was done.
        fn transact(&mut self, transaction: &Transaction) -> Vec<Marker> {
            self.transactions += 1;
            let writes = transaction.markers.len() + transaction.changes.len();
            assert!(writes <= WRITES_MAX, "{writes} writes");
            let known = |marker: &&Marker| self.markers.contains(*marker);
            let standing: Vec<_> = transaction.markers.iter().filter(known).cloned().collect();
            if standing.is_empty() {
                self.markers.extend(transaction.markers.iter().cloned());
                for (target, change) in &transaction.changes {
                    let sum = self.totals.entry(target.clone()).or_default();
                    sum.own += change.own;
                    sum.team += change.team;
                }
            }
            standing
        }

        /// Delivers a batch; `busy` tells for each transaction whether it fails. Gives the facts that come again.
        fn deliver(&mut self, movements: &[Movement], busy: &mut impl FnMut() -> bool) -> BTreeSet<String> {
            let mut batch = Batch::of(movements);
            while let Some(transaction) = batch.next_transaction() {
                if busy() {
                    batch.failed();
                    continue;
                }
                match self.transact(&transaction) {
                    standing if standing.is_empty() => batch.applied(),
                    standing => batch.refused(&standing),
                }
            }
            batch.into_unapplied()
        }
    }

    fn person(number: usize) -> PersonId {
        format!("P{number}").parse().unwrap()
    }

    /// In this tree the parent of person n is n / 3, except for a chain below person 9.
    fn upline(number: usize) -> Vec<PersonId> {
        let above = |number: usize| match number {
            0 => None,
            1000.. => Some(if number == 1000 { 9 } else { number - 1 }),
            _ => Some(number / 3),
        };
        let mut path: Vec<_> =
            std::iter::successors(above(number), |next| above(*next)).map(person).collect();
        path.reverse();
        path
    }

    fn movement(number: usize, buyer: usize, cents: i64, kind: u8) -> Movement {
        let (vq, vc) = (Decimal::new(cents, 2), Decimal::new(cents / 2, 2));
        Movement {
            fact: format!("F{number}"),
            cycle: if number.is_multiple_of(5) { "2026-09" } else { "2026-10" }.parse().unwrap(),
            person: person(buyer),
            upline: upline(buyer),
            delta: match kind {
                0 => Delta::returned(vq, vc),
                1 => Delta::cancelled(vq, vc),
                _ => Delta::sale(vq, vc),
            },
        }
    }

    /// Each fact once, person by person.
    fn expected(movements: &[Movement]) -> BTreeMap<Target, Change> {
        let mut totals: BTreeMap<Target, Change> = BTreeMap::new();
        for movement in movements {
            let target = |person: &PersonId| Target { cycle: movement.cycle.clone(), person: person.clone() };
            totals.entry(target(&movement.person)).or_default().own += movement.delta;
            for above in &movement.upline {
                totals.entry(target(above)).or_default().team += movement.delta;
            }
        }
        totals
    }

    proptest! {
        #[test]
        fn any_delivery_gives_the_same_totals(
            facts in vec((prop_oneof![0_usize..40, 1000_usize..1260], 0_i64..100_000, 0_u8..6), 1..30),
            deliveries in vec(vec(any::<prop::sample::Index>(), 1..12), 0..25),
            troubles in vec(any::<bool>(), 0..40),
        ) {
            let movements: Vec<_> = facts
                .iter()
                .enumerate()
                .map(|(number, (buyer, cents, kind))| movement(number, *buyer, *cents, *kind))
                .collect();
            let mut troubles = troubles.into_iter();
            let mut busy = || troubles.next().unwrap_or(false);
            let mut model = Model::default();
            for picked in deliveries {
                let batch: Vec<_> = picked.iter().map(|index| index.get(&movements).clone()).collect();
                model.deliver(&batch, &mut busy);
            }
            // The queue delivers what was not applied until it is.
            let mut open: Vec<_> = movements.clone();
            while !open.is_empty() {
                let again: BTreeSet<String> =
                    open.chunks(7).flat_map(|batch| model.deliver(batch, &mut busy)).collect();
                open.retain(|movement| again.contains(&movement.fact));
            }
            prop_assert_eq!(&model.totals, &expected(&movements));
            let transactions = model.transactions;
            model.deliver(&movements, &mut || false);
            prop_assert_eq!(&model.totals, &expected(&movements));
            prop_assert!(model.transactions > transactions, "the markers refuse it");
        }
    }

    #[test]
    fn facts_of_one_team_share_a_transaction() {
        let movements: Vec<_> = (0..20).map(|number| movement(number, 27 + number % 3, 1_000, 2)).collect();
        let mut model = Model::default();
        assert!(model.deliver(&movements, &mut || false).is_empty());
        assert_eq!(model.transactions, 1);
    }

    #[test]
    fn an_upline_longer_than_a_transaction_is_cut_and_each_part_applied_once() {
        let movement = movement(1, 1_250, 1_000, 2);
        assert!(movement.upline.len() > 2 * PEOPLE_MAX);
        let mut model = Model::default();
        let mut calls = 0;
        // The second part fails at the first delivery.
        let again = model.deliver(std::slice::from_ref(&movement), &mut || {
            calls += 1;
            calls == 2
        });
        assert_eq!(again.len(), 1);
        assert!(model.deliver(std::slice::from_ref(&movement), &mut || false).is_empty());
        assert_eq!(model.totals, expected(&[movement]));
    }
}
