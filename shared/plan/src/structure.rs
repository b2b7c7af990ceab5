//! Checks the shape of a document against the generated JSON Schema, so that every wrong place is named at once.

use serde_json::{Map, Value};

use crate::error::PlanError;

/// All places where `value` does not have the shape of `schema`. Knows what the generated schema uses, and no more.
pub(crate) fn mistakes(value: &Value, schema: &Value) -> Vec<PlanError> {
    let mut walk = Walk { root: schema, found: Vec::new() };
    walk.value("", value, schema);
    walk.found
}

struct Walk<'a> {
    root: &'a Value,
    found: Vec<PlanError>,
}

impl<'a> Walk<'a> {
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#')) {
            Some(path) => self.root.pointer(path).unwrap_or(schema),
            None => schema,
        }
    }

    fn value(&mut self, pointer: &str, value: &Value, schema: &'a Value) {
        let schema = self.resolve(schema);
        let branches = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
        if let Some(branches) = branches {
            self.branches(pointer, value, branches);
            return;
        }
        if let Some(text) = decimal_as_text(value, schema) {
            self.found.push(PlanError::at(
                pointer,
                "a number where a text is expected",
                kind_of(value),
                text,
            ));
            return;
        }
        if let Some(wrong) = type_mistake(value, schema) {
            self.found.push(PlanError::at(pointer, "wrong type", kind_of(value), wrong));
            return;
        }
        match value {
            Value::Object(fields) => self.object(pointer, fields, schema),
            Value::Array(items) => {
                let Some(item_schema) = schema.get("items") else { return };
                for (index, item) in items.iter().enumerate() {
                    self.value(&format!("{pointer}/{index}"), item, item_schema);
                }
            }
            _ => self.scalar(pointer, value, schema),
        }
    }

    fn scalar(&mut self, pointer: &str, value: &Value, schema: &Value) {
        if let Some(number) = value.as_i64() {
            let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(i64::MIN);
            let most = schema.get("maximum").and_then(Value::as_i64).unwrap_or(i64::MAX);
            if number < least || most < number {
                let expected = if most == i64::MAX {
                    format!("at least {least}")
                } else {
                    format!("a number from {least} to {most}")
                };
                self.found.push(PlanError::at(pointer, "number out of range", number.to_string(), expected));
            }
        }
        let choices = choices(schema);
        if !choices.is_empty() && !value.as_str().is_some_and(|text| choices.contains(&text)) {
            self.found.push(PlanError::at(pointer, "unknown value", shown(value), choices.join(", ")));
        }
        if let (Some(pattern), Some(text)) = (schema.get("pattern").and_then(Value::as_str), value.as_str())
            && !matches_pattern(pattern, text)
        {
            self.found.push(PlanError::at(
                pointer,
                "malformed text",
                shown(value),
                pattern_in_words(pattern),
            ));
        }
    }

    fn object(&mut self, pointer: &str, fields: &Map<String, Value>, schema: &'a Value) {
        let known = schema.get("properties").and_then(Value::as_object);
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            if !fields.contains_key(name) {
                self.found.push(PlanError::at(
                    pointer,
                    "missing field",
                    "nothing",
                    format!("field {name:?}"),
                ));
            }
        }
        for (name, field) in fields {
            let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            match known.and_then(|known| known.get(name)) {
                Some(field_schema) => self.value(&place, field, field_schema),
                None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                    let names: Vec<&str> =
                        known.into_iter().flat_map(Map::keys).map(String::as_str).collect();
                    let expected = format!("one of {}", names.join(", "));
                    self.found.push(PlanError::at(place, "unknown field", format!("{name:?}"), expected));
                }
                None => {}
            }
        }
    }

    /// Follows the branch that is meant: the one of the same single key, else the only one of the same type.
    fn branches(&mut self, pointer: &str, value: &Value, branches: &'a [Value]) {
        let resolved: Vec<&'a Value> = branches.iter().map(|branch| self.resolve(branch)).collect();
        if resolved.iter().any(|branch| self.fits(value, branch)) {
            return;
        }
        let meant = resolved.iter().find(|branch| match value {
            Value::Object(fields) => {
                required_key(branch).is_none_or(|key| fields.contains_key(key))
                    && branch.get("type").is_some_and(|ty| ty == "object")
            }
            Value::Null => false,
            _ => {
                choices(branch).is_empty()
                    && branch.get("oneOf").is_none()
                    && type_mistake(value, branch).is_none()
            }
        });
        if let Some(branch) = meant {
            self.value(pointer, value, branch);
            return;
        }
        let inner =
            resolved.iter().find(|branch| branch.get("oneOf").or_else(|| branch.get("anyOf")).is_some());
        if let (Some(inner), false) = (inner, value.is_null()) {
            self.value(pointer, value, inner);
            return;
        }
        let mut expected: Vec<String> = Vec::new();
        for branch in &resolved {
            match required_key(branch) {
                Some(key) => expected.push(format!("{{\"{key}\": ...}}")),
                None if !choices(branch).is_empty() => {
                    expected.extend(choices(branch).iter().map(|choice| format!("{choice:?}")));
                }
                None => {
                    let pattern = branch.get("pattern").and_then(Value::as_str).map(pattern_in_words);
                    let ty = branch.get("type").and_then(Value::as_str);
                    let as_text = decimal_as_text(value, branch);
                    expected.extend(as_text.or_else(|| pattern.or(ty).map(str::to_owned)));
                }
            }
        }
        self.found.push(PlanError::at(pointer, "unknown value", shown(value), expected.join(", ")));
    }

    fn fits(&self, value: &Value, schema: &'a Value) -> bool {
        let mut walk = Walk { root: self.root, found: Vec::new() };
        walk.value("", value, schema);
        walk.found.is_empty()
    }
}

/// The one key of a tagged branch.
fn required_key(schema: &Value) -> Option<&str> {
    match schema.get("required").and_then(Value::as_array).map(Vec::as_slice) {
        Some([key])
            if schema.get("properties").and_then(Value::as_object).is_some_and(|all| all.len() == 1) =>
        {
            key.as_str()
        }
        _ => None,
    }
}

fn choices(schema: &Value) -> Vec<&str> {
    let several = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    several.chain(schema.get("const")).filter_map(Value::as_str).collect()
}

fn type_mistake(value: &Value, schema: &Value) -> Option<String> {
    let wanted: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let fits = wanted.iter().any(|ty| match *ty {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => true,
    });
    (!fits).then(|| wanted.join(" or "))
}

/// How a number is written that stands where a decimal is expected: as a text. `None` for everything else.
fn decimal_as_text(value: &Value, schema: &Value) -> Option<String> {
    let pattern = schema.get("pattern").and_then(Value::as_str).filter(|one| one.starts_with(DECIMAL))?;
    let written = value.as_number()?.to_string();
    Some(if matches_pattern(pattern, &written) {
        format!("the decimal as a text, in quotes: \"{written}\"")
    } else {
        format!("a text in quotes: {}", pattern_in_words(pattern))
    })
}

fn kind_of(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        other => shown(other),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 { text } else { text.chars().take(57).chain("...".chars()).collect() }
}

/// What the pattern of decimals begins with.
const DECIMAL: &str = "^-?";
/// What the pattern of days begins with.
const DAY: &str = "^[0-9]{4}-";

/// The three patterns of this schema, without a regular expression engine.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    if pattern.starts_with(DECIMAL) {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(a, b)| (a, Some(b)));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let whole_fits = all_digits(whole) && whole.len() <= 18 && (whole == "0" || !whole.starts_with('0'));
        whole_fits && fraction.is_none_or(|part| all_digits(part) && part.len() <= 9)
    } else if pattern.starts_with(DAY) {
        text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
    } else if pattern.starts_with("^[A-Z]{3}") {
        text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
    } else {
        text.len() <= 40
            && text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }
}

fn pattern_in_words(pattern: &str) -> &'static str {
    if pattern.starts_with(DECIMAL) {
        "a decimal of up to 18 digits before and 9 after the point, as \"0.05\""
    } else if pattern.starts_with(DAY) {
        "a day of the calendar, as \"2026-01-05\""
    } else if pattern.starts_with("^[A-Z]{3}") {
        "an ISO 4217 currency code"
    } else {
        "a letter, then letters, digits or _, 40 characters at most"
    }
}
