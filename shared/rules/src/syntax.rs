//! The syntax tree of a rule and its printed form.

use std::fmt;

use rust_decimal::Decimal;

use crate::diagnostic::Span;

/// A node of the tree. Two are equal if they say the same, wherever they stand.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) kind: ExpressionKind,
    pub(crate) span: Span,
    /// Levels of the tree from here down, itself included.
    pub(crate) depth: u32,
}

/// A name in the text.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExpressionKind {
    /// Something that could not be read; a diagnostic says so.
    Broken,
    Bool(bool),
    Number(Decimal),
    Text(String),
    Name(Word),
    Select(Box<Expression>, Word),
    Index(Box<Expression>, Box<Expression>),
    Call(Word, Vec<Expression>),
    Method(Box<Expression>, Word, Vec<Expression>),
    List(Vec<Expression>),
    Not(Box<Expression>),
    Negate(Box<Expression>),
    Arithmetic(Operator, Box<Expression>, Box<Expression>),
    Relation(Relation, Box<Expression>, Box<Expression>),
    In(Box<Expression>, Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Conditional(Box<Expression>, Box<Expression>, Box<Expression>),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `==`
    Equal,
    /// `!=`
    Different,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// An operation on two numbers, texts or lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Relation {
    /// The operator as written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Different => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }

    /// The relation that holds where this one does not.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Equal => Self::Different,
            Self::Different => Self::Equal,
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::Greater,
            Self::Greater => Self::AtMost,
            Self::AtLeast => Self::Less,
        }
    }

    /// The relation that says the same with its sides exchanged.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Equal | Self::Different => self,
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Greater => Self::Less,
            Self::AtLeast => Self::AtMost,
        }
    }

    /// Whether it holds for two values in the given order.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Different => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }
}

impl Operator {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Expression {
    pub(crate) fn new(kind: ExpressionKind, span: Span) -> Self {
        let depth = 1 + kind.children().iter().map(|child| child.depth).max().unwrap_or(0);
        Self { kind, span, depth }
    }

    /// `a.b.c` of an expression that is nothing but names and points.
    pub(crate) fn dotted_name(&self) -> Option<String> {
        match &self.kind {
            ExpressionKind::Name(word) => Some(word.text.clone()),
            ExpressionKind::Select(target, field) => {
                target.dotted_name().map(|path| format!("{path}.{}", field.text))
            }
            _ => None,
        }
    }

    /// How tightly it binds: a part that binds less than its place asks for is printed in parentheses.
    fn binding(&self) -> u8 {
        match &self.kind {
            ExpressionKind::Conditional(..) => 0,
            ExpressionKind::Or(_) => 1,
            ExpressionKind::And(_) => 2,
            ExpressionKind::Relation(..) | ExpressionKind::In(..) => 3,
            ExpressionKind::Arithmetic(Operator::Add | Operator::Subtract, ..) => 4,
            ExpressionKind::Arithmetic(..) => 5,
            ExpressionKind::Not(_) | ExpressionKind::Negate(_) => 6,
            _ => 7,
        }
    }
}

impl ExpressionKind {
    pub(crate) fn children(&self) -> Vec<&Expression> {
        match self {
            Self::Broken | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Name(_) => Vec::new(),
            Self::Select(one, _) | Self::Not(one) | Self::Negate(one) => vec![one],
            Self::Index(left, right)
            | Self::In(left, right)
            | Self::Arithmetic(_, left, right)
            | Self::Relation(_, left, right) => vec![left, right],
            Self::Call(_, all) | Self::List(all) | Self::And(all) | Self::Or(all) => all.iter().collect(),
            Self::Method(target, _, all) => std::iter::once(&**target).chain(all).collect(),
            Self::Conditional(condition, yes, no) => vec![condition, yes, no],
        }
    }
}

/// Writes a text as a literal in single quotes.
pub(crate) fn write_text(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    f.write_char('\'')?;
    for character in text.chars() {
        match character {
            '\'' => f.write_str("\\'")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            other if other.is_control() => write!(f, "\\u{:04x}", u32::from(other))?,
            other => f.write_char(other)?,
        }
    }
    f.write_char('\'')
}

struct Within<'a>(&'a Expression, u8);

impl fmt::Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.binding() < self.1 { write!(f, "({})", self.0) } else { write!(f, "{}", self.0) }
    }
}

fn write_joined(
    f: &mut fmt::Formatter<'_>,
    parts: &[Expression],
    separator: &str,
    binding: u8,
) -> fmt::Result {
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            f.write_str(separator)?;
        }
        write!(f, "{}", Within(part, binding))?;
    }
    Ok(())
}

/// The canonical text, with the fewest parentheses that keep the meaning.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binding = self.binding();
        match &self.kind {
            ExpressionKind::Broken => f.write_str("?"),
            ExpressionKind::Bool(held) => write!(f, "{held}"),
            ExpressionKind::Number(number) => write!(f, "{number}"),
            ExpressionKind::Text(text) => write_text(f, text),
            ExpressionKind::Name(word) => f.write_str(&word.text),
            ExpressionKind::Select(target, field) => write!(f, "{}.{}", Within(target, 7), field.text),
            ExpressionKind::Index(list, position) => write!(f, "{}[{position}]", Within(list, 7)),
            ExpressionKind::Call(function, arguments) => {
                write!(f, "{}(", function.text)?;
                write_joined(f, arguments, ", ", 0)?;
                f.write_str(")")
            }
            ExpressionKind::Method(target, method, arguments) => {
                write!(f, "{}.{}(", Within(target, 7), method.text)?;
                write_joined(f, arguments, ", ", 0)?;
                f.write_str(")")
            }
            ExpressionKind::List(elements) => {
                f.write_str("[")?;
                write_joined(f, elements, ", ", 0)?;
                f.write_str("]")
            }
            ExpressionKind::Not(operand) => write_unary(f, "!", operand),
            ExpressionKind::Negate(operand) => write_unary(f, "-", operand),
            ExpressionKind::Arithmetic(operator, left, right) => {
                write!(f, "{} {} {}", Within(left, binding), operator.symbol(), Within(right, binding + 1))
            }
            ExpressionKind::Relation(relation, left, right) => {
                write!(f, "{} {} {}", Within(left, binding), relation.symbol(), Within(right, binding + 1))
            }
            ExpressionKind::In(left, right) => {
                write!(f, "{} in {}", Within(left, binding), Within(right, binding + 1))
            }
            ExpressionKind::And(parts) => write_joined(f, parts, " && ", 3),
            ExpressionKind::Or(parts) => write_joined(f, parts, " || ", 2),
            ExpressionKind::Conditional(condition, yes, no) => {
                write!(f, "{} ? {} : {no}", Within(condition, 1), Within(yes, 1))
            }
        }
    }
}

// `!-a` is not in CEL's grammar, `--a` is.
fn write_unary(f: &mut fmt::Formatter<'_>, sign: &str, operand: &Expression) -> fmt::Result {
    let same =
        matches!((sign, &operand.kind), ("!", ExpressionKind::Not(_)) | ("-", ExpressionKind::Negate(_)));
    write!(f, "{sign}{}", Within(operand, if same { 6 } else { 7 }))
}
