//! Syntax.
use std::fmt;
/// Writes a text as a literal.
pub(crate) fn write_text(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    write!(f, "{text:?}")
}
