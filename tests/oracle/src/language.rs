//! The rule language, read and evaluated in the plainest way: a text becomes a tree, the tree is walked for one person.

mod evaluate;
mod functions;
mod syntax;

use std::fmt;

use anyhow::{Context, Result};
use jiff::civil::Date;
use rust_decimal::Decimal;

use self::syntax::Node;

/// A value of the language.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A truth.
    Bool(bool),
    /// A number.
    Number(Decimal),
    /// A text.
    Text(String),
    /// A day.
    Date(Date),
    /// A list.
    List(Vec<Value>),
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Number(number) => write!(f, "{}", number.normalize()),
            Self::Text(text) => write!(f, "'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
            Self::Date(day) => write!(f, "{day}"),
            Self::List(values) => {
                let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", texts.join(", "))
            }
        }
    }
}

/// What the names of a rule stand for.
pub trait Names {
    /// The value of a name, dots included; none if there is no such name.
    fn name(&self, name: &str) -> Result<Option<Value>>;

    /// Whether a name that may be missing is.
    fn is_missing(&self, name: &str) -> Result<bool> {
        let _ = name;
        Ok(false)
    }

    /// The value of a call; none if there is no such function.
    fn call(&self, function: &str, arguments: &[Value]) -> Result<Option<Value>> {
        let _ = (function, arguments);
        Ok(None)
    }
}

/// A rule that was read.
#[derive(Clone, Debug)]
pub struct Rule {
    text: String,
    root: Node,
}

impl Rule {
    /// Reads a rule.
    pub fn read(text: &str) -> Result<Self> {
        let root = syntax::read(text).with_context(|| format!("cannot read the rule {text:?}"))?;
        Ok(Self { text: text.to_owned(), root })
    }

    /// Its value where names stand for what `names` says.
    pub fn value(&self, names: &dyn Names) -> Result<Value> {
        let mut walk = evaluate::Walk { names, variables: Vec::new() };
        walk.value(&self.root).with_context(|| format!("the rule {:?} has no value", self.text))
    }

    /// Whether it holds.
    pub fn holds(&self, names: &dyn Names) -> Result<bool> {
        match self.value(names)? {
            Value::Bool(truth) => Ok(truth),
            other => anyhow::bail!("the rule {:?} is {other}, no truth", self.text),
        }
    }

    /// The number it is.
    pub fn number(&self, names: &dyn Names) -> Result<Decimal> {
        match self.value(names)? {
            Value::Number(number) => Ok(number),
            other => anyhow::bail!("the rule {:?} is {other}, no number", self.text),
        }
    }
}
