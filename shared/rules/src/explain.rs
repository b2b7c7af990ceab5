//! Why a rule's value is what it is, and what is missing for it to hold.

use foundation::locale::Locale;

use crate::{diagnostic::Span, value::Value};

/// A sub-expression with the value it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What kind of expression it is.
    pub kind: ExplanationKind,
    /// Where it stands in the rule's text.
    pub span: Span,
    /// The expression as written.
    pub text: String,
    /// Its value; `None` if it has none (an overflow).
    pub value: Option<Value>,
    /// Its parts, in the order of the text.
    pub parts: Vec<Explanation>,
}

/// What kind of expression an [`Explanation`] is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ExplanationKind {
    /// A literal or a constant.
    #[default]
    Constant,
}

impl Default for Explanation {
    fn default() -> Self {
        Self {
            kind: ExplanationKind::Constant,
            span: Span::default(),
            text: String::new(),
            value: None,
            parts: Vec::new(),
        }
    }
}

/// A condition that failed and would have to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Where it stands in the rule's text.
    pub span: Span,
    /// The condition as written.
    pub text: String,
}

impl Explanation {
    /// Whether it held; `None` if it is no condition.
    pub fn held(&self) -> Option<bool> {
        self.value.as_ref().and_then(Value::as_bool)
    }

    /// The smallest set of failed conditions that would make it hold.
    pub fn missing(&self) -> Option<Vec<Missing>> {
        None
    }

    /// The explanation for a person to read.
    pub fn render(&self, locale: Locale) -> String {
        let _ = locale;
        String::new()
    }
}
