//! The plan document: types, schema, indicator catalogue, validation.
