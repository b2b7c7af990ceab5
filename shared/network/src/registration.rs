//! What somebody asks to be registered, from a body or from a line of a file, and its check field by field.

use std::collections::{BTreeMap, BTreeSet};

use foundation::{
    digest::sha256_hex,
    id::PersonId,
    locale::Locale,
    money::Currency,
    problem::{FieldError, Malformed},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    country::Country,
    field::{self, Field, Wrong},
    person::{Document, Kind, Ranks, Status},
};

/// Fields of a registration in the back office.
pub const BACK_OFFICE: &[Field] = &[
    Field::Id,
    Field::Kind,
    Field::Parent,
    Field::Sponsor,
    Field::JoinedOn,
    Field::Country,
    Field::Currency,
    Field::Zone,
    Field::Tags,
    Field::Name,
    Field::DocumentType,
    Field::DocumentNumber,
    Field::Email,
    Field::Phone,
    Field::Locale,
    Field::Slug,
];

/// Fields of a registration on a public page.
pub const PUBLIC: &[Field] = &[
    Field::Kind,
    Field::Sponsor,
    Field::Country,
    Field::Currency,
    Field::Zone,
    Field::Name,
    Field::DocumentType,
    Field::DocumentNumber,
    Field::Email,
    Field::Phone,
    Field::Locale,
];

/// The texts of a registration by field; absent and empty are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry(BTreeMap<Field, String>);

impl Entry {
    /// The entry with these texts.
    pub fn of<'a>(texts: impl IntoIterator<Item = (Field, &'a str)>) -> Self {
        let trimmed = texts.into_iter().map(|(field, text)| (field, text.trim()));
        Self(
            trimmed
                .filter(|(_, text)| !text.is_empty())
                .map(|(field, text)| (field, text.to_owned()))
                .collect(),
        )
    }

    /// Reads a body that may have the fields `allowed`. Everything that is wrong with its shape is reported at once, together with
    /// what [`Registration::check`] says of the fields whose shape is right.
    pub fn read(body: &Value, allowed: &[Field]) -> Result<Registration, Malformed> {
        let mut wrong = Vec::new();
        let entry = Self::of_body(body, allowed, &mut wrong);
        let is_reported = |field: Field, wrong: &[FieldError]| {
            wrong.iter().any(|error| field.pointer().starts_with(&error.pointer))
        };
        let checked = Registration::check(&entry).map_err(|errors| {
            for (field, detail) in errors {
                if !is_reported(field, &wrong) {
                    wrong.push(FieldError { pointer: field.pointer().to_owned(), detail });
                }
            }
        });
        match checked {
            Ok(registration) if wrong.is_empty() => Ok(registration),
            _ => Err(Malformed(wrong)),
        }
    }

    fn of_body(body: &Value, allowed: &[Field], wrong: &mut Vec<FieldError>) -> Self {
        let mut texts = BTreeMap::new();
        let mut pending = vec![(String::new(), body)];
        while let Some((pointer, value)) = pending.pop() {
            let field = allowed.iter().find(|field| field.pointer() == pointer);
            let is_inside = allowed.iter().any(|field| field.pointer().starts_with(&format!("{pointer}/")));
            let text = match (field, value) {
                (_, Value::Null) if !pointer.is_empty() => continue,
                (None, Value::Object(members)) if is_inside => {
                    pending.extend(members.iter().map(|(name, value)| (format!("{pointer}/{name}"), value)));
                    continue;
                }
                (Some(Field::Tags), Value::Array(tags)) if tags.iter().all(Value::is_string) => {
                    tags.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(";")
                }
                (Some(field), Value::String(text)) if *field != Field::Tags => text.clone(),
                (field, _) => {
                    let detail = match field {
                        Some(Field::Tags) => "expected a list of texts",
                        Some(_) => "expected a text",
                        None if is_inside => "expected an object",
                        None => "there is no such member",
                    };
                    wrong.push(FieldError { pointer, detail: detail.to_owned() });
                    continue;
                }
            };
            texts.extend(field.map(|field| (*field, text)));
        }
        Self::of(texts.iter().map(|(field, text)| (*field, text.as_str())))
    }

    fn get(&self, field: Field) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }
}

/// A registration whose fields are sound. Whom it names may still not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The id, where the caller gave one.
    pub id: Option<PersonId>,
    /// Consultant or customer.
    pub kind: Kind,
    /// Under whom.
    pub parent: Option<PersonId>,
    /// Brought in by whom: an id, or the name of a public page.
    pub sponsor: Option<PersonId>,
    /// The day of joining; today unless said otherwise.
    pub joined_on: Option<Date>,
    /// Where the person stands.
    pub status: Status,
    /// Country of residence and of the document.
    pub country: Country,
    /// The company's base currency unless said otherwise.
    pub currency: Option<Currency>,
    /// Sales territory.
    pub zone: Option<String>,
    /// Marks.
    pub tags: BTreeSet<String>,
    /// Given names and surnames.
    pub name: String,
    /// Identity document.
    pub document: Document,
    /// E-mail address, in small letters.
    pub email: String,
    /// Phone number in international form.
    pub phone: Option<String>,
    /// The company's language unless said otherwise.
    pub locale: Option<Locale>,
    /// Name of the public page.
    pub slug: Option<String>,
    /// What commission runs start from.
    pub ranks: Ranks,
}

/// Reads fields one after the other and keeps everything that is wrong.
struct Check<'a> {
    entry: &'a Entry,
    wrong: Vec<(Field, Wrong)>,
}

impl Check<'_> {
    fn optional<T>(&mut self, field: Field, read: impl FnOnce(&str) -> Result<T, Wrong>) -> Option<T> {
        let read = self.entry.get(field).map(read)?;
        read.map_err(|wrong| self.wrong.push((field, wrong))).ok()
    }

    fn required<T>(&mut self, field: Field, read: impl FnOnce(&str) -> Result<T, Wrong>) -> Option<T> {
        if self.entry.get(field).is_none() {
            self.wrong.push((field, "is required".to_owned()));
        }
        self.optional(field, read)
    }
}

impl Registration {
    /// Checks every field; all that are wrong are reported together.
    pub fn check(entry: &Entry) -> Result<Self, Vec<(Field, String)>> {
        let mut check = Check { entry, wrong: Vec::new() };
        let id = check.optional(Field::Id, field::parsed);
        let kind = check.required(Field::Kind, |text| field::word("\"consultant\" or \"customer\"", text));
        let parent = check.optional(Field::Parent, field::parsed);
        let sponsor = check.optional(Field::Sponsor, field::parsed);
        let joined_on = check.optional(Field::JoinedOn, field::date);
        let statuses = "\"active\", \"inactive\" or \"terminated\"";
        let status = check.optional(Field::Status, |text| field::word(statuses, text));
        let country = check.required(Field::Country, field::parsed);
        let currency = check.optional(Field::Currency, field::parsed);
        let zone = check.optional(Field::Zone, |text| field::line(text, 64));
        let tags = check.optional(Field::Tags, field::tags);
        let name = check.required(Field::Name, field::name);
        let document_type = check.required(Field::DocumentType, field::document_type);
        let document_number = check.required(Field::DocumentNumber, field::document_number);
        let email = check.required(Field::Email, field::email);
        let phone = check.optional(Field::Phone, field::phone);
        let locale = check.optional(Field::Locale, |text| field::word("\"es\" or \"en\"", text));
        let slug = check.optional(Field::Slug, field::slug);
        let ranks = ranks(&mut check);
        let (Some(kind), Some(country), Some(name), Some(document_type), Some(document_number), Some(email)) =
            (kind, country, name, document_type, document_number, email)
        else {
            return Err(check.wrong);
        };
        if !check.wrong.is_empty() {
            return Err(check.wrong);
        }
        Ok(Self {
            id,
            kind,
            parent,
            sponsor,
            joined_on,
            status: status.unwrap_or_default(),
            country,
            currency,
            zone,
            tags: tags.unwrap_or_default(),
            name,
            document: field::document(document_type, document_number),
            email,
            phone,
            locale,
            slug,
            ranks,
        })
    }

    /// The hash of all of it: what is registered again with the same one is the same person.
    pub fn hash(&self) -> String {
        // Texts, days and sets always serialise; should one ever not, the hash differs from every other and the line is refused.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut hash = sha256_hex(&json);
        hash.truncate(32);
        hash
    }
}

fn ranks(check: &mut Check<'_>) -> Ranks {
    Ranks {
        previous_rank: check.optional(Field::PreviousRank, field::rank),
        rank_grace_used: check.optional(Field::RankGraceUsed, field::parsed),
        honorific_rank: check.optional(Field::HonorificRank, field::rank),
        manual_rank: check.optional(Field::ManualRank, field::rank),
        manual_from: check.optional(Field::ManualFrom, field::date),
        manual_to: check.optional(Field::ManualTo, field::date),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn body(id: &str) -> Value {
        json!({
            "id": id, "kind": "consultant", "parent": "ANA", "name": "Ben Díaz", "country": "CO",
            "document": {"type": "cc", "number": "1.234.567"}, "email": format!("{id}@example.com"),
        })
    }

    #[test]
    fn everything_that_is_wrong_is_reported_at_once_with_its_pointer() {
        let wrong = json!({
            "kind": "boss", "name": 7, "document": {"type": "CC"}, "country": "XX", "email": "x", "tags": "vip",
            "nickname": "B", "status": "terminated",
        });
        let Malformed(errors) = Entry::read(&wrong, BACK_OFFICE).unwrap_err();
        let mut pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        pointers.sort_unstable();
        let expected =
            ["/country", "/document/number", "/email", "/kind", "/name", "/nickname", "/status", "/tags"];
        assert_eq!(pointers, expected);
    }

    #[test]
    fn a_body_that_is_no_object_is_one_mistake() {
        for body in [json!(null), json!([]), json!("x")] {
            assert!(Entry::read(&body, PUBLIC).is_err(), "{body}");
        }
        let Malformed(errors) =
            Entry::read(&json!({"document": "CC 1", "kind": "customer", "name": "Ben Díaz", "country": "CO", "email": "b@x.co"}), PUBLIC)
                .unwrap_err();
        assert_eq!(errors.iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>(), ["/document"]);
    }

    #[test]
    fn a_registration_says_the_same_however_it_was_written() {
        let mut other = body("BEN");
        other["document"]["number"] = json!("1234567");
        other["email"] = json!("BEN@Example.com");
        let [one, two] = [body("BEN"), other].map(|body| Entry::read(&body, BACK_OFFICE).unwrap());
        assert_eq!(one.hash(), two.hash());
        assert_ne!(one.hash(), Entry::read(&body("BEM"), BACK_OFFICE).unwrap().hash());
    }
}
