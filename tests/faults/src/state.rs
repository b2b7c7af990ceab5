//! What tables and buckets hold, and how two of them differ.

use std::collections::BTreeMap;

use serde_json::Value;

/// Items by their keys, in the JSON form of DynamoDB.
pub type Rows = BTreeMap<(String, String), Value>;

/// What the tables and buckets of a function hold, by the name of its variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Rows of tables.
    pub tables: BTreeMap<String, Rows>,
    /// Bytes of objects.
    pub buckets: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
}

/// Differences that are listed at most.
const LISTED: usize = 10;

impl State {
    /// Where `other` differs: objects by their bytes, items by everything but moments, which differ between any two tries.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (table, rows) in &self.tables {
            let masked = |rows: &Rows| -> BTreeMap<String, Value> {
                rows.iter().map(|((pk, sk), item)| (mask_text(&format!("{pk} {sk}")), mask(item))).collect()
            };
            let theirs = other.tables.get(table).map(masked).unwrap_or_default();
            compare(table, &masked(rows), &theirs, Value::to_string, &mut found);
        }
        for (bucket, objects) in &self.buckets {
            let theirs = other.buckets.get(bucket).cloned().unwrap_or_default();
            compare(
                bucket,
                objects,
                &theirs,
                |bytes| String::from_utf8_lossy(bytes).into_owned(),
                &mut found,
            );
        }
        found.truncate(LISTED);
        found
    }
}

fn compare<T: PartialEq>(
    place: &str,
    ours: &BTreeMap<String, T>,
    theirs: &BTreeMap<String, T>,
    shown: impl Fn(&T) -> String,
    found: &mut Vec<String>,
) {
    let shown = |value: Option<&T>| {
        value.map_or("nothing".to_owned(), |value| shown(value).chars().take(600).collect())
    };
    let both: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for key in both.into_iter().filter(|key| ours.get(*key) != theirs.get(*key)) {
        let (one, other) = (shown(ours.get(key)), shown(theirs.get(key)));
        found.push(format!("{place} {key}:\n  expected {one}\n  found    {other}"));
    }
}

/// `value` without its moments: texts of RFC 3339, counts of microseconds in keys, and when items expire.
pub fn mask(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(mask_text(text)),
        Value::Array(values) => values.iter().map(mask).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let masked = if name == "expires" { Value::Null } else { mask(value) };
                (name.clone(), masked)
            })
            .collect(),
        other => other.clone(),
    }
}

fn mask_text(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let moment = moment_at(rest).or_else(|| microseconds_at(rest));
        let length = moment.unwrap_or(first.len_utf8());
        masked.push_str(if moment.is_some() { "<moment>" } else { &rest[..length] });
        rest = &rest[length..];
    }
    masked
}

/// The length of the moment (`2026-11-03T15:00:00.123Z`) that a text starts with.
fn moment_at(text: &str) -> Option<usize> {
    const SHAPE: &str = "0000-00-00T00:00:00";
    let fits = text.len() > SHAPE.len()
        && SHAPE
            .bytes()
            .zip(text.bytes())
            .all(|(shape, byte)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape });
    let rest = fits.then(|| &text.as_bytes()[SHAPE.len()..])?;
    let fraction = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    (rest.get(fraction) == Some(&b'Z')).then_some(SHAPE.len() + fraction + 1)
}

/// The length of the twenty digits that a text starts with.
fn microseconds_at(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (digits == 20).then_some(digits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_are_masked_and_nothing_else() {
        let cases = [
            ("2026-11-03T15:00:00Z", "<moment>"),
            ("at 2026-11-03T15:00:00.123456Z, ñ", "at <moment>, ñ"),
            ("POSTING#00001790000000000000#run/1", "POSTING#<moment>#run/1"),
            ("2026-11-03", "2026-11-03"),
            ("run-2026-10", "run-2026-10"),
        ];
        for (text, expected) in cases {
            assert_eq!(mask_text(text), expected);
        }
        let item = json!({"expires": {"N": "1"}, "at": {"S": "2026-11-03T15:00:00Z"}, "n": {"N": "2"}});
        assert_eq!(mask(&item), json!({"expires": null, "at": {"S": "<moment>"}, "n": {"N": "2"}}));
    }

    #[test]
    fn a_difference_names_its_place_and_both_sides() {
        let with = |amount: &str| {
            let rows = Rows::from([(("P".into(), "S".into()), json!({"amount": {"N": amount}}))]);
            State { tables: BTreeMap::from([("LEDGER_TABLE".into(), rows)]), buckets: BTreeMap::new() }
        };
        assert_eq!(with("1").differences(&with("1")), [] as [String; 0]);
        let found = with("1").differences(&with("2"));
        assert!(found[0].starts_with("LEDGER_TABLE P S:") && found[0].contains("\"2\""), "{found:?}");
    }
}
