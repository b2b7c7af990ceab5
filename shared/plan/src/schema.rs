//! The JSON Schema of the plan document, generated from its types.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use crate::document::Document;

/// An exact decimal as text.
#[derive(JsonSchema)]
#[schemars(rename = "Decimal", inline)]
pub(crate) struct DecimalText(
    #[allow(dead_code)] // Only its schema is used.
    #[schemars(regex(pattern = r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?$"))]
    String,
);

/// A day of the calendar, as `2026-01-05`.
#[derive(JsonSchema)]
#[schemars(rename = "Day", inline)]
pub(crate) struct DayText(
    #[allow(dead_code)] // Only its schema is used.
    #[schemars(regex(pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"))]
    String,
);

/// A code.
#[derive(JsonSchema)]
#[schemars(rename = "Code", inline)]
pub(crate) struct CodeText(
    #[allow(dead_code)] // Only its schema is used.
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9_]{0,39}$"))]
    String,
);

/// An ISO 4217 code.
#[derive(JsonSchema)]
#[schemars(rename = "Currency", inline)]
pub(crate) struct CurrencyCode(
    #[allow(dead_code)] // Only its schema is used.
    #[schemars(regex(pattern = r"^[A-Z]{3}$"))]
    String,
);

/// A text in Spanish and English.
#[derive(JsonSchema)]
#[schemars(rename = "Text", deny_unknown_fields)]
#[allow(dead_code)] // Only its schema is used.
pub(crate) struct BilingualText {
    /// Spanish.
    es: String,
    /// English.
    en: String,
}

/// How halves are rounded.
#[derive(JsonSchema)]
#[schemars(rename = "Rounding", rename_all = "kebab-case")]
#[allow(dead_code)] // Only its schema is used.
pub(crate) enum RoundingName {
    /// Halves go to the even neighbour.
    HalfEven,
    /// Halves go away from zero.
    HalfUp,
    /// Everything goes towards zero.
    Down,
    /// Everything goes away from zero.
    Up,
}

/// The JSON Schema (draft 2020-12) of [`Document`].
pub fn json_schema() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>().to_value()
}
