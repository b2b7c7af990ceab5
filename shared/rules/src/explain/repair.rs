//! The smallest set of conditions that would have to turn for a rule to hold.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Explanation, ExplanationKind};
use crate::{diagnostic::Span, syntax::Relation, value::Value};

/// Alternatives looked at side by side; beyond, those that ask for most are dropped.
const ALTERNATIVES_MAX: usize = 256;

/// A condition that would have to turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Where it stands in the rule's text.
    pub span: Span,
    /// The condition as written.
    pub text: String,
    /// What would have to be so.
    pub wanted: Wanted,
}

/// What would have to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `name relation value` has to hold.
    Comparison {
        /// The compared expression as written.
        name: String,
        /// The value it had.
        seen: Value,
        /// How it has to compare.
        relation: Relation,
        /// The other side as written.
        other: String,
        /// The value the other side had.
        value: Value,
        /// How far it is away, where that is a number.
        short: Option<Decimal>,
    },
    /// The condition has to turn to this truth.
    Truth(bool),
}

/// One way for a condition to hold: what each of some leaves has to be, by the leaf's number.
type Way = BTreeMap<usize, bool>;

/// The distinct conditions of a rule that read the record. The same text is the same condition wherever it stands.
type Leaves<'e> = Vec<&'e Explanation>;

impl Explanation {
    /// The smallest set of conditions that would make it hold if each of them turned; empty if it holds, `None` if nothing in
    /// the record could make it hold. Of several smallest sets the first in the text.
    ///
    /// Conditions are taken as independent of each other: that `x > 5` and `x < 3` never hold together is not seen.
    pub fn missing(&self) -> Option<Vec<Missing>> {
        if self.held() == Some(true) {
            return Some(Vec::new());
        }
        let mut leaves = Leaves::new();
        let ways = ways(self, true, &mut leaves)?;
        let best = ways.iter().min_by_key(|way| {
            let turned: Vec<usize> = turned(way, &leaves).map(|(leaf, _)| leaf).collect();
            (turned.len(), turned)
        })?;
        Some(
            turned(best, &leaves)
                .filter_map(|(leaf, truth)| Some(leaves.get(leaf)?.missing_leaf(truth)))
                .collect(),
        )
    }

    fn missing_leaf(&self, truth: bool) -> Missing {
        Missing { span: self.span, text: self.text.clone(), wanted: self.wanted(truth) }
    }

    fn wanted(&self, truth: bool) -> Wanted {
        let (ExplanationKind::Comparison(relation), [left, right]) = (self.kind, self.parts.as_slice())
        else {
            return Wanted::Truth(truth);
        };
        let relation = if truth { relation } else { relation.negated() };
        // What can change comes first: `100 <= own_vq` is told as `own_vq >= 100`.
        let (left, right, relation) =
            if left.reads_record { (left, right, relation) } else { (right, left, relation.mirrored()) };
        let (Ok(seen), Ok(value)) = (&left.value, &right.value) else { return Wanted::Truth(truth) };
        let short = match (seen, value) {
            (Value::Number(seen), Value::Number(value)) => {
                value.checked_sub(*seen).map(|short| short.abs().normalize())
            }
            _ => None,
        };
        Wanted::Comparison {
            name: left.text.clone(),
            seen: seen.clone(),
            relation,
            other: right.text.clone(),
            value: value.clone(),
            short,
        }
    }
}

/// The leaves of a way that are not what they have to be.
fn turned<'w>(way: &'w Way, leaves: &'w Leaves<'_>) -> impl Iterator<Item = (usize, bool)> + 'w {
    let held = |leaf: usize| leaves.get(leaf).and_then(|leaf| leaf.held());
    way.iter().map(|(leaf, truth)| (*leaf, *truth)).filter(move |(leaf, truth)| held(*leaf) != Some(*truth))
}

/// The ways for `part` to be `wanted`; `None` if there is none.
fn ways<'e>(part: &'e Explanation, wanted: bool, leaves: &mut Leaves<'e>) -> Option<Vec<Way>> {
    match (part.kind, part.parts.as_slice()) {
        _ if !part.reads_record => (part.held() == Some(wanted)).then(|| vec![Way::new()]),
        (ExplanationKind::Not, [operand]) => ways(operand, !wanted, leaves),
        (ExplanationKind::All, parts) if wanted => all_of(parts, wanted, leaves),
        (ExplanationKind::Any, parts) if !wanted => all_of(parts, wanted, leaves),
        (ExplanationKind::All | ExplanationKind::Any, parts) => any_of(parts, wanted, leaves),
        (ExplanationKind::Conditional, [condition, yes, no]) => {
            let mut found = Vec::new();
            for (chosen, truth) in [(yes, true), (no, false)] {
                if let (Some(turned), Some(branch)) =
                    (ways(condition, truth, leaves), ways(chosen, wanted, leaves))
                {
                    found.extend(product(&turned, &branch));
                }
            }
            shortest(found, leaves)
        }
        _ => {
            let leaf = leaves.iter().position(|leaf| leaf.text == part.text && leaf.kind == part.kind);
            let leaf = leaf.unwrap_or_else(|| {
                leaves.push(part);
                leaves.len() - 1
            });
            Some(vec![Way::from([(leaf, wanted)])])
        }
    }
}

fn all_of<'e>(parts: &'e [Explanation], wanted: bool, leaves: &mut Leaves<'e>) -> Option<Vec<Way>> {
    let mut found = vec![Way::new()];
    for part in parts {
        let others = ways(part, wanted, leaves)?;
        found = shortest(product(&found, &others), leaves)?;
    }
    Some(found)
}

fn any_of<'e>(parts: &'e [Explanation], wanted: bool, leaves: &mut Leaves<'e>) -> Option<Vec<Way>> {
    let mut found = Vec::new();
    for part in parts {
        found.extend(ways(part, wanted, leaves).unwrap_or_default());
    }
    shortest(found, leaves)
}

/// Each of the one with each of the other, less those that ask a condition to be both true and false.
fn product(left: &[Way], right: &[Way]) -> Vec<Way> {
    let mut found = Vec::new();
    for one in left {
        for other in right {
            if other.iter().all(|(leaf, truth)| one.get(leaf).is_none_or(|asked| asked == truth)) {
                found.push(one.iter().chain(other).map(|(leaf, truth)| (*leaf, *truth)).collect());
            }
        }
    }
    found
}

fn shortest(mut found: Vec<Way>, leaves: &Leaves<'_>) -> Option<Vec<Way>> {
    // A stable sort: among equals the first in the text stays first.
    found.sort_by_cached_key(|way| (turned(way, leaves).count(), way.len()));
    found.truncate(ALTERNATIVES_MAX);
    (!found.is_empty()).then_some(found)
}
