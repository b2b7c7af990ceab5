//! The smallest set of conditions that would have to turn for a rule to hold.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::{Explanation, ExplanationKind};
use crate::{diagnostic::Span, syntax::Relation, value::Value};

/// Alternatives looked at side by side; beyond, the longest are dropped.
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

/// One way to turn a condition: the places of the conditions to turn, each with the truth it should get.
type Way = BTreeSet<(String, bool, usize)>;

impl Explanation {
    /// The smallest set of conditions that would make it hold if each of them turned; empty if it holds, `None` if nothing in
    /// the record could make it hold. Of several smallest sets the first in the text.
    pub fn missing(&self) -> Option<Vec<Missing>> {
        let mut leaves = Vec::new();
        let ways = ways(self, true, &mut leaves)?;
        let best = ways
            .into_iter()
            .min_by_key(|way| (way.len(), way.iter().map(|leaf| leaf.2).collect::<Vec<_>>()))?;
        let mut chosen: Vec<(usize, bool)> = best.into_iter().map(|(_, truth, leaf)| (leaf, truth)).collect();
        chosen.sort_unstable();
        Some(
            chosen
                .into_iter()
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

/// The ways to make `part` be `wanted`; `None` if there is none.
fn ways<'e>(part: &'e Explanation, wanted: bool, leaves: &mut Vec<&'e Explanation>) -> Option<Vec<Way>> {
    if part.held() == Some(wanted) {
        return Some(vec![Way::new()]);
    }
    match (part.kind, part.parts.as_slice()) {
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
            shortest(found)
        }
        _ if !part.reads_record => None,
        _ => {
            let leaf = leaves.iter().position(|leaf| leaf.text == part.text && leaf.kind == part.kind);
            let leaf = leaf.unwrap_or_else(|| {
                leaves.push(part);
                leaves.len() - 1
            });
            Some(vec![Way::from([(part.text.clone(), wanted, leaf)])])
        }
    }
}

fn all_of<'e>(parts: &'e [Explanation], wanted: bool, leaves: &mut Vec<&'e Explanation>) -> Option<Vec<Way>> {
    let mut found = vec![Way::new()];
    for part in parts {
        found = shortest(product(&found, &ways(part, wanted, leaves)?))?;
    }
    Some(found)
}

fn any_of<'e>(parts: &'e [Explanation], wanted: bool, leaves: &mut Vec<&'e Explanation>) -> Option<Vec<Way>> {
    let mut found = Vec::new();
    for part in parts {
        found.extend(ways(part, wanted, leaves).unwrap_or_default());
    }
    shortest(found)
}

/// Each of the one with each of the other, less those that ask a condition to be both true and false.
fn product(left: &[Way], right: &[Way]) -> Vec<Way> {
    let mut found = Vec::new();
    for one in left {
        for other in right {
            let both: Way = one.union(other).cloned().collect();
            let contradicts =
                both.iter().any(|(text, truth, leaf)| both.contains(&(text.clone(), !truth, *leaf)));
            if !contradicts {
                found.push(both);
            }
        }
    }
    found
}

fn shortest(mut found: Vec<Way>) -> Option<Vec<Way>> {
    // A stable sort: among equals the first in the text stays first.
    found.sort_by_key(BTreeSet::len);
    found.truncate(ALTERNATIVES_MAX);
    (!found.is_empty()).then_some(found)
}
