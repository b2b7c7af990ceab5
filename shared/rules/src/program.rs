//! Checked rules.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use rust_decimal::Decimal;

use crate::{
    check,
    columns::{Bound, Live, Output},
    diagnostic::{Diagnostic, Span},
    evaluate::{EvaluationError, Evaluator},
    explain::Explanation,
    scope::{Columns, Presence, Record, Scope},
    syntax::{Operator, Relation},
    value::{Type, Value},
};

/// What a rule may grow to. Beyond is refused when it is saved.
pub mod limits {
    /// Bytes of a rule's text.
    pub const TEXT: usize = 16_384;
    /// Levels of parentheses, brackets, calls and `?:`.
    pub const NESTING: u32 = 64;
    /// Levels of operators.
    pub const DEPTH: u32 = 128;
    /// Elementary steps of one evaluation.
    pub const COST: u64 = 50_000;
    /// Elements that a list of a record is reckoned to have.
    pub const LIST: u64 = 64;
    /// Characters that a text of a record is reckoned to have.
    pub const CHARACTERS: u64 = 256;
}

/// A checked rule: it cannot fail on types and cannot loop.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) text: String,
    pub(crate) root: Node,
    pub(crate) slots: Vec<u32>,
    pub(crate) uses: BTreeMap<u32, SlotUse>,
    cost: u32,
}

/// What a rule says of a slot.
#[derive(Clone, Debug)]
pub(crate) struct SlotUse {
    pub(crate) ty: Type,
    pub(crate) presence: Presence,
}

/// A checked expression.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) ty: Type,
    pub(crate) span: Span,
    pub(crate) cost: u64,
    pub(crate) extent: Extent,
}

/// Upper bounds of the size of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Elements of a list, characters of a text.
    pub(crate) length: u64,
    /// All that is in it.
    pub(crate) weight: u64,
    /// The weight of its heaviest element.
    pub(crate) element: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Constant(Value),
    Slot(u32),
    Has(u32),
    Default(u32, Box<Node>),
    Variable(usize),
    Not(Box<Node>),
    Negate(Box<Node>),
    Arithmetic(Operator, Box<Node>, Box<Node>),
    Concatenate(Box<Node>, Box<Node>),
    Relation(Relation, Box<Node>, Box<Node>),
    In(Box<Node>, Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Conditional(Box<Node>, Box<Node>, Box<Node>),
    List(Vec<Node>),
    Index(Box<Node>, Box<Node>),
    Function(Function, Vec<Node>),
    Bracket(Box<Node>, Arc<[(Decimal, Decimal)]>, Slices),
    /// The list, the condition, and what `map` makes of an element.
    Macro(Macro, Box<Node>, Option<Box<Node>>, Option<Box<Node>>),
}

/// Whether a bracket's rate is for the whole amount or for each slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slices {
    Whole,
    Marginal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Macro {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Round,
    Floor,
    Ceil,
    Trunc,
    Min,
    Max,
    Sum,
    Size,
    StartsWith,
    EndsWith,
    Contains,
    LowerAscii,
    UpperAscii,
    Year,
    Month,
    Day,
    DaysBetween,
    MonthsBetween,
    AddDays,
    AddMonths,
    SetContains,
    SetIntersects,
    SetEquivalent,
}

impl Node {
    pub(crate) fn children(&self) -> Vec<&Node> {
        match &self.op {
            Op::Constant(_) | Op::Slot(_) | Op::Has(_) | Op::Variable(_) => Vec::new(),
            Op::Default(_, one) | Op::Not(one) | Op::Negate(one) | Op::Bracket(one, ..) => vec![one],
            Op::Arithmetic(_, left, right)
            | Op::Concatenate(left, right)
            | Op::Relation(_, left, right)
            | Op::In(left, right)
            | Op::Index(left, right) => vec![left, right],
            Op::And(all) | Op::Or(all) | Op::List(all) | Op::Function(_, all) => all.iter().collect(),
            Op::Conditional(condition, yes, no) => vec![condition, yes, no],
            Op::Macro(_, list, condition, transform) => [Some(list), condition.as_ref(), transform.as_ref()]
                .into_iter()
                .flatten()
                .map(|b| &**b)
                .collect(),
        }
    }

    pub(crate) fn constant(&self) -> Option<&Value> {
        match &self.op {
            Op::Constant(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn constant_number(&self) -> Option<Decimal> {
        self.constant().and_then(Value::as_number)
    }

    /// Calls `visit` with each slot it reads, as often as it does.
    pub(crate) fn visit_slots(&self, visit: &mut dyn FnMut(u32)) {
        if let Op::Slot(slot) | Op::Has(slot) | Op::Default(slot, _) = &self.op {
            visit(*slot);
        }
        for child in self.children() {
            child.visit_slots(visit);
        }
    }

    pub(crate) fn reads_record(&self) -> bool {
        let mut reads = false;
        self.visit_slots(&mut |_| reads = true);
        reads
    }
}

/// Parses and checks `text`, whose value must be of type `expected`. Reports all mistakes, in the order of the text.
pub fn compile(text: &str, scope: &dyn Scope, expected: &Type) -> Result<Program, Vec<Diagnostic>> {
    let (root, uses) = check::check(text, scope, expected)?;
    let cost = u32::try_from(root.cost).unwrap_or(u32::MAX);
    Ok(Program { text: text.to_owned(), root, slots: uses.keys().copied().collect(), uses, cost })
}

impl Program {
    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Type of its value.
    pub fn result_type(&self) -> &Type {
        &self.root.ty
    }

    /// The slots it reads, sorted, each once.
    pub fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// The type a slot of this program was declared with.
    pub fn slot_type(&self, slot: u32) -> Option<&Type> {
        self.uses.get(&slot).map(|declared| &declared.ty)
    }

    /// The value, if it is the same for every record.
    pub fn constant(&self) -> Option<&Value> {
        self.root.constant()
    }

    /// An upper bound of the elementary steps of one evaluation, texts and lists of a record being of usual size.
    pub fn cost(&self) -> u32 {
        self.cost
    }

    /// The value for one record. Numbers come without trailing zeros.
    pub fn evaluate(&self, record: &dyn Record) -> Result<Value, EvaluationError> {
        let mut evaluator = Evaluator::new(self, record);
        evaluator.value(&self.root).map(tidy).map_err(|fault| fault.located(&self.text, None))
    }

    /// Whether a condition holds for one record.
    pub fn holds(&self, record: &dyn Record) -> Result<bool, EvaluationError> {
        let mut evaluator = Evaluator::new(self, record);
        evaluator.truth(&self.root).map_err(|fault| fault.located(&self.text, None))
    }

    /// The value with its reasons: every sub-expression with what it saw.
    pub fn explain(&self, record: &dyn Record) -> Explanation {
        Explanation::of(self, record)
    }

    /// The program made ready for many evaluations over the same columns.
    pub fn bind<'a>(&'a self, columns: &'a dyn Columns) -> Result<Bound<'a>, EvaluationError> {
        Bound::new(self, columns, &[])
    }

    /// The program made ready for row after row in any order, some slots' values coming with each row instead of from columns:
    /// for a pass from the leaves to the root, in which a rank's rule sees the ranks earned below.
    pub fn bind_live<'a>(
        &'a self,
        columns: &'a dyn Columns,
        live: &[Live],
    ) -> Result<Bound<'a>, EvaluationError> {
        Bound::new(self, columns, live)
    }

    /// The values for `rows`: `out` gets one per row.
    pub fn evaluate_columns<O: Output>(
        &self,
        columns: &dyn Columns,
        rows: Range<usize>,
        out: &mut O,
    ) -> Result<(), EvaluationError> {
        out.fill(&self.bind(columns)?, rows)
    }
}

/// The value with the same meaning and no trailing zeros.
pub(crate) fn tidy(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(number.normalize()),
        Value::List(values) => Value::List(values.iter().cloned().map(tidy).collect()),
        other => other,
    }
}
