//! Why a rule's value is what it is, and what is missing for it to hold.

mod render;
mod repair;

use crate::{
    diagnostic::Span,
    evaluate::{Evaluator, Failure},
    program::{Macro, Node, Op, Program, tidy},
    scope::Record,
    syntax::Relation,
    value::Value,
};
pub use render::Label;
pub use repair::{Missing, Wanted};

/// A sub-expression with the value it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What kind of expression it is.
    pub kind: ExplanationKind,
    /// Where it stands in the rule's text.
    pub span: Span,
    /// The expression as written.
    pub text: String,
    /// Its value, or why it has none. Parts that did not decide are evaluated, too.
    pub value: Result<Value, Failure>,
    /// Its parts in the order of the text. For a list's condition: the list, then the condition for each element.
    pub parts: Vec<Explanation>,
    /// Whether the value comes from the record, at least in part.
    pub reads_record: bool,
}

/// What kind of expression an [`Explanation`] is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplanationKind {
    /// A literal, a constant, or what was made of them.
    Constant,
    /// A value of the record.
    Slot(u32),
    /// Whether the record has a value.
    Has(u32),
    /// A value of the record, or another where it is missing.
    Default(u32),
    /// An element of a list that is walked through.
    Element,
    /// `!`
    Not,
    /// All parts have to hold.
    All,
    /// One part has to hold.
    Any,
    /// A comparison of its two parts.
    Comparison(Relation),
    /// Whether the first part is an element of the second.
    Membership,
    /// The second part if the first holds, the third otherwise.
    Conditional,
    /// Arithmetic, a function, a list.
    Calculation,
    /// A condition asked of each element of a list, the list being the first part.
    Elements,
}

impl Explanation {
    pub(crate) fn of(program: &Program, record: &dyn Record) -> Self {
        explain(&program.root, &program.text, &mut Evaluator::new(program, record))
    }

    /// Whether it held; `None` if it is no condition, or has no value.
    pub fn held(&self) -> Option<bool> {
        self.value.as_ref().ok().and_then(Value::as_bool)
    }

    /// All comparisons in it, from left to right.
    pub fn comparisons(&self) -> Vec<&Explanation> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'e>(&'e self, found: &mut Vec<&'e Explanation>) {
        if matches!(self.kind, ExplanationKind::Comparison(_) | ExplanationKind::Membership) {
            found.push(self);
        }
        for part in &self.parts {
            part.collect(found);
        }
    }
}

fn explain(node: &Node, text: &str, evaluator: &mut Evaluator<'_>) -> Explanation {
    let value = evaluator.value(node).map(tidy).map_err(|fault| fault.failure);
    let mut parts: Vec<Explanation> = Vec::new();
    if let Op::Macro(kind, list, condition, transform) = &node.op {
        let explained = explain(list, text, evaluator);
        if let Ok(elements) = evaluator.value(list) {
            let body = if *kind == Macro::Map && condition.is_none() { transform } else { condition };
            for element in elements.as_list().unwrap_or_default() {
                if let Some(body) = body {
                    parts.push(evaluator.with(element, |inner| explain(body, text, inner)));
                }
            }
        }
        parts.insert(0, explained);
    } else {
        parts.extend(node.children().into_iter().map(|child| explain(child, text, evaluator)));
    }
    Explanation {
        kind: kind_of(&node.op),
        span: node.span,
        text: node.span.of(text).to_owned(),
        value,
        parts,
        reads_record: node.reads_record(),
    }
}

fn kind_of(op: &Op) -> ExplanationKind {
    match op {
        Op::Constant(_) => ExplanationKind::Constant,
        Op::Slot(slot) => ExplanationKind::Slot(*slot),
        Op::Has(slot) => ExplanationKind::Has(*slot),
        Op::Default(slot, _) => ExplanationKind::Default(*slot),
        Op::Variable(_) => ExplanationKind::Element,
        Op::Not(_) => ExplanationKind::Not,
        Op::And(_) => ExplanationKind::All,
        Op::Or(_) => ExplanationKind::Any,
        Op::Relation(relation, ..) => ExplanationKind::Comparison(*relation),
        Op::In(..) => ExplanationKind::Membership,
        Op::Conditional(..) => ExplanationKind::Conditional,
        Op::Macro(..) => ExplanationKind::Elements,
        Op::Negate(_)
        | Op::Arithmetic(..)
        | Op::Concatenate(..)
        | Op::List(_)
        | Op::Index(..)
        | Op::Function(..)
        | Op::Bracket(..) => ExplanationKind::Calculation,
    }
}
