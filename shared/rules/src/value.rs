//! Types and values of the rule language.

use std::{fmt, sync::Arc};

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// True or false.
    Bool,
    /// An exact decimal of up to 28 digits.
    Number,
    /// A sequence of Unicode characters.
    Text,
    /// A day of the calendar, without time or zone.
    Date,
    /// Any number of values of one type.
    List(Box<Type>),
}

impl Type {
    /// A list of `element`.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// The value a field of this type has where it is missing and declared to read as nothing.
    pub fn nothing(&self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::Number => Value::Number(Decimal::ZERO),
            Self::Text => Value::text(""),
            Self::Date => Value::Date(Date::ZERO),
            Self::List(_) => Value::List(Arc::from([])),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::Text => f.write_str("text"),
            Self::Date => f.write_str("date"),
            Self::List(element) => write!(f, "list of {element}"),
        }
    }
}

/// A value of the rule language. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// An exact decimal; `1` and `1.00` are equal.
    Number(Decimal),
    /// A sequence of Unicode characters, compared by code points.
    Text(Arc<str>),
    /// A day of the calendar.
    Date(Date),
    /// Values of one type.
    List(Arc<[Value]>),
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// A list.
    pub fn list(values: Vec<Value>) -> Self {
        Self::List(Arc::from(values))
    }

    /// Whether the value is of type `ty`. An empty list is of every list type.
    pub fn is_of(&self, ty: &Type) -> bool {
        match (self, ty) {
            (Self::Bool(_), Type::Bool)
            | (Self::Number(_), Type::Number)
            | (Self::Text(_), Type::Text)
            | (Self::Date(_), Type::Date) => true,
            (Self::List(values), Type::List(element)) => values.iter().all(|value| value.is_of(element)),
            _ => false,
        }
    }

    /// The type; `None` for an empty list, or a list of several types.
    pub fn type_of(&self) -> Option<Type> {
        match self {
            Self::Bool(_) => Some(Type::Bool),
            Self::Number(_) => Some(Type::Number),
            Self::Text(_) => Some(Type::Text),
            Self::Date(_) => Some(Type::Date),
            Self::List(values) => {
                let element = values.first()?.type_of()?;
                values.iter().all(|value| value.is_of(&element)).then(|| Type::list(element))
            }
        }
    }

    /// The truth of a [`Value::Bool`].
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(held) => Some(*held),
            _ => None,
        }
    }

    /// The number of a [`Value::Number`].
    pub fn as_number(&self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The text of a [`Value::Text`].
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The day of a [`Value::Date`].
    pub fn as_date(&self) -> Option<Date> {
        match self {
            Self::Date(date) => Some(*date),
            _ => None,
        }
    }

    /// The values of a [`Value::List`].
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(held: bool) -> Self {
        Self::Bool(held)
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self::Number(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Decimal::from(number))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<Date> for Value {
    fn from(date: Date) -> Self {
        Self::Date(date)
    }
}

/// The value as a person reads it: numbers without trailing zeros, texts in quotes.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(held) => write!(f, "{held}"),
            Self::Number(number) => write!(f, "{}", number.normalize()),
            Self::Text(text) => crate::syntax::write_text(f, text),
            Self::Date(date) => write!(f, "{date}"),
            Self::List(values) => {
                f.write_str("[")?;
                for (position, value) in values.iter().enumerate() {
                    let separator = if position == 0 { "" } else { ", " };
                    write!(f, "{separator}{value}")?;
                }
                f.write_str("]")
            }
        }
    }
}
