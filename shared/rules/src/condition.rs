//! A rule as what it asks: comparisons joined by "all of" and "one of", for reasoning about a rule without a record.

use std::{cmp::Ordering, fmt};

use rust_decimal::Decimal;

use crate::{
    program::{Function, Node, Op, Program, Slices},
    syntax::{Operator, Relation},
    value::{Type, Value},
};

/// The most a condition that decides between two values may cost to be copied into both cases. With conditions in conditions every
/// level would double what is copied.
const MOST_COPIED: u64 = 24;
/// The most an expression may cost to be copied into every step of its brackets, of which there may be thousands.
const MOST_IN_STEPS: u64 = 8;

/// What a condition asks. There is no "not": it is worked into the comparisons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It holds for every record, or for none.
    Constant(bool),
    /// All of them.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
    /// A comparison.
    Test(Test),
}

/// A comparison of something of the record with a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// What is compared.
    pub term: Term,
    /// How.
    pub relation: Relation,
    /// With what. A condition that cannot be taken apart is compared with `true`.
    pub value: Value,
}

/// Something of the record. Equal terms of rules that stand in the same place have the same value.
#[derive(Clone, Debug)]
pub struct Term {
    /// The slot, if it is nothing but a slot.
    pub slot: Option<u32>,
    /// As it is written.
    pub text: String,
    /// All slots it reads, sorted, each once.
    pub slots: Vec<u32>,
    /// Its type.
    pub ty: Type,
}

impl Term {
    fn key(&self) -> (Option<u32>, &str, &[u32]) {
        match self.slot {
            // A slot may have several names.
            Some(_) => (self.slot, "", &[]),
            None => (None, &self.text, &self.slots),
        }
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Term {}

impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Term {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Condition {
    /// What holds where this does not.
    #[must_use]
    pub fn negated(self) -> Self {
        let all = |parts: Vec<Self>| parts.into_iter().map(Self::negated).collect();
        match self {
            Self::Constant(held) => Self::Constant(!held),
            Self::All(parts) => Self::Any(all(parts)),
            Self::Any(parts) => Self::All(all(parts)),
            Self::Test(test) => Self::Test(Test { relation: test.relation.negated(), ..test }),
        }
    }
}

/// As a person reads it.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str, nothing: &str| {
            if parts.is_empty() {
                return f.write_str(nothing);
            }
            for (position, part) in parts.iter().enumerate() {
                if 0 < position {
                    write!(f, " {word} ")?;
                }
                match part {
                    Self::All(inner) | Self::Any(inner) if 1 < inner.len() => write!(f, "({part})")?,
                    _ => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Constant(held) => write!(f, "{held}"),
            Self::All(parts) => joined(f, parts, "&&", "true"),
            Self::Any(parts) => joined(f, parts, "||", "false"),
            Self::Test(test) => test.fmt(f),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { term, relation, value } = self;
        match (relation, value) {
            (Relation::Equal | Relation::Different, Value::Bool(held)) => {
                let holds = *held == (*relation == Relation::Equal);
                let brackets = !holds && term.slot.is_none();
                match (holds, brackets) {
                    (true, _) => f.write_str(&term.text),
                    (false, true) => write!(f, "!({})", term.text),
                    (false, false) => write!(f, "!{}", term.text),
                }
            }
            _ => write!(f, "{} {} {value}", term.text, relation.symbol()),
        }
    }
}

impl Program {
    /// What the rule asks; for a rule whose value is no condition, `true`.
    pub fn condition(&self) -> Condition {
        match self.root.ty {
            Type::Bool => self.truth(&self.root),
            _ => Condition::Constant(true),
        }
    }

    /// Every comparison with a constant anywhere in the rule, also inside of what is compared, and every threshold of its brackets, in
    /// the order of the text.
    pub fn thresholds(&self) -> Vec<Test> {
        let mut found = Vec::new();
        self.collect(&self.root, &mut found);
        found
    }

    fn collect(&self, node: &Node, found: &mut Vec<Test>) {
        match &node.op {
            Op::Relation(_, left, right) if left.constant().is_none() && right.constant().is_none() => {
                self.collect(left, found);
                self.collect(right, found);
            }
            Op::Relation(..) | Op::In(..) => {
                let asked = self.truth(node);
                // What is not taken apart may compare something inside.
                let is_whole = matches!(&asked, Condition::Test(test) if test.term.slot.is_none());
                tests_of(asked, found);
                if is_whole {
                    for child in node.children() {
                        self.collect(child, found);
                    }
                }
            }
            Op::Bracket(of, steps, _) => {
                for (from, _) in steps.iter() {
                    let reached = if of.cost <= MOST_IN_STEPS {
                        self.compared(of, Relation::AtLeast, *from)
                    } else {
                        self.test(of, Relation::AtLeast, Value::Number(*from))
                    };
                    tests_of(reached, found);
                }
                self.collect(of, found);
            }
            _ => {
                for child in node.children() {
                    self.collect(child, found);
                }
            }
        }
    }

    fn term(&self, node: &Node) -> Term {
        let slot = match node.op {
            Op::Slot(slot) => Some(slot),
            _ => None,
        };
        let mut slots = Vec::new();
        node.visit_slots(&mut |slot| slots.push(slot));
        slots.sort_unstable();
        slots.dedup();
        let text = self.text.get(node.span.start..node.span.end).unwrap_or_default();
        Term { slot, text: text.split_whitespace().collect::<Vec<_>>().join(" "), slots, ty: node.ty.clone() }
    }

    fn test(&self, node: &Node, relation: Relation, value: Value) -> Condition {
        Condition::Test(Test { term: self.term(node), relation, value })
    }

    /// A condition that holds where a node does.
    fn truth(&self, node: &Node) -> Condition {
        let all = |parts: &[Node]| parts.iter().map(|part| self.truth(part)).collect();
        match &node.op {
            Op::Constant(Value::Bool(held)) => Condition::Constant(*held),
            Op::Not(inner) => self.truth(inner).negated(),
            Op::And(parts) => Condition::All(all(parts)),
            Op::Or(parts) => Condition::Any(all(parts)),
            Op::Conditional(condition, yes, no) if condition.cost <= MOST_COPIED => {
                self.choice(condition, self.truth(yes), self.truth(no))
            }
            Op::Relation(relation, left, right) => self.relation(node, *relation, left, right),
            Op::In(element, list) => self.membership(node, element, list),
            _ => self.test(node, Relation::Equal, Value::Bool(true)),
        }
    }

    fn choice(&self, condition: &Node, yes: Condition, no: Condition) -> Condition {
        let asked = self.truth(condition);
        Condition::Any(vec![
            Condition::All(vec![asked.clone(), yes]),
            Condition::All(vec![asked.negated(), no]),
        ])
    }

    fn relation(&self, node: &Node, relation: Relation, left: &Node, right: &Node) -> Condition {
        let (of, relation, value) = match (left.constant(), right.constant()) {
            (_, Some(value)) => (left, relation, value),
            (Some(value), None) => (right, relation.mirrored(), value),
            (None, None) => return self.test(node, Relation::Equal, Value::Bool(true)),
        };
        match (value, relation) {
            (Value::Number(number), _) => self.compared(of, relation, *number),
            (Value::Bool(held), Relation::Equal | Relation::Different) => {
                let asked = self.truth(of);
                if *held == (relation == Relation::Equal) { asked } else { asked.negated() }
            }
            _ => self.test(of, relation, value.clone()),
        }
    }

    fn membership(&self, node: &Node, element: &Node, list: &Node) -> Condition {
        let values: Option<Vec<Value>> = match &list.op {
            Op::Constant(Value::List(values)) => Some(values.to_vec()),
            Op::List(elements) => elements.iter().map(|element| element.constant().cloned()).collect(),
            _ => None,
        };
        match (element.constant(), values) {
            (None, Some(values)) => Condition::Any(
                values.into_iter().map(|value| self.test(element, Relation::Equal, value)).collect(),
            ),
            _ => self.test(node, Relation::Equal, Value::Bool(true)),
        }
    }

    /// A condition that holds where a number compares so with a constant.
    fn compared(&self, node: &Node, relation: Relation, with: Decimal) -> Condition {
        let whole = || self.test(node, relation, Value::Number(with));
        match &node.op {
            Op::Constant(Value::Number(number)) => Condition::Constant(relation.holds(number.cmp(&with))),
            Op::Negate(inner) => self.compared(inner, relation.mirrored(), -with),
            Op::Conditional(condition, yes, no) if condition.cost <= MOST_COPIED => {
                self.choice(condition, self.compared(yes, relation, with), self.compared(no, relation, with))
            }
            Op::Arithmetic(operator, left, right) => {
                let moved = match (operator, left.constant_number(), right.constant_number()) {
                    (Operator::Add, _, Some(more)) => {
                        with.checked_sub(more).map(|with| (left, relation, with))
                    }
                    (Operator::Add, Some(more), _) => {
                        with.checked_sub(more).map(|with| (right, relation, with))
                    }
                    (Operator::Subtract, _, Some(less)) => {
                        with.checked_add(less).map(|with| (left, relation, with))
                    }
                    (Operator::Subtract, Some(from), _) => {
                        from.checked_sub(with).map(|with| (right, relation.mirrored(), with))
                    }
                    _ => None,
                };
                moved.map_or_else(whole, |(of, relation, with)| self.compared(of, relation, with))
            }
            Op::Function(function @ (Function::Min | Function::Max), parts) if 1 < parts.len() => {
                let each = || parts.iter().map(|part| self.compared(part, relation, with)).collect();
                match (function, relation) {
                    (Function::Min, Relation::AtLeast | Relation::Greater)
                    | (Function::Max, Relation::AtMost | Relation::Less) => Condition::All(each()),
                    (Function::Min, Relation::AtMost | Relation::Less)
                    | (Function::Max, Relation::AtLeast | Relation::Greater) => Condition::Any(each()),
                    _ => whole(),
                }
            }
            Op::Bracket(of, steps, Slices::Whole) if of.cost <= MOST_IN_STEPS => {
                self.bracket(of, steps, relation, with)
            }
            _ => whole(),
        }
    }

    fn bracket(
        &self,
        of: &Node,
        steps: &[(Decimal, Decimal)],
        relation: Relation,
        with: Decimal,
    ) -> Condition {
        let mut reached = Vec::new();
        for place in 0..=steps.len() {
            let rate =
                place.checked_sub(1).and_then(|at| steps.get(at)).map_or(Decimal::ZERO, |(_, rate)| *rate);
            if !relation.holds(rate.cmp(&with)) {
                continue;
            }
            let mut bounds = Vec::new();
            if let Some((from, _)) = place.checked_sub(1).and_then(|at| steps.get(at)) {
                bounds.push(self.compared(of, Relation::AtLeast, *from));
            }
            if let Some((to, _)) = steps.get(place) {
                bounds.push(self.compared(of, Relation::Less, *to));
            }
            reached.push(Condition::All(bounds));
        }
        Condition::Any(reached)
    }
}

fn tests_of(condition: Condition, found: &mut Vec<Test>) {
    match condition {
        Condition::Constant(_) => {}
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                tests_of(part, found);
            }
        }
        Condition::Test(test) => found.push(test),
    }
}
