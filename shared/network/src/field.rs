//! The fields of a registration: their names in a body and in a file, and what each may hold.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::person::Document;

/// Tags a person may have.
const TAGS_MAX: usize = 20;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $column:literal $pointer:literal,)*) => {
        /// A field of a registration.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $($(#[$doc])* $name,)* }

        impl Field {
            /// All fields.
            pub const ALL: &'static [Field] = &[$(Field::$name,)*];

            /// The field's column in a bulk file.
            pub fn column(self) -> &'static str {
                match self { $(Field::$name => $column,)* }
            }

            /// Where the field stands in a body.
            pub fn pointer(self) -> &'static str {
                match self { $(Field::$name => $pointer,)* }
            }
        }
    };
}

fields! {
    /// The person's id.
    Id = "id" "/id",
    /// Consultant or customer.
    Kind = "kind" "/kind",
    /// Under whom.
    Parent = "parent" "/parent",
    /// Brought in by whom.
    Sponsor = "sponsor" "/sponsor",
    /// The day the person joined.
    JoinedOn = "joined_on" "/joined_on",
    /// Active, inactive or terminated.
    Status = "status" "/status",
    /// Country of residence and of the document.
    Country = "country" "/country",
    /// Currency the person pays in.
    Currency = "currency" "/currency",
    /// Sales territory.
    Zone = "zone" "/zone",
    /// Marks.
    Tags = "tags" "/tags",
    /// Given names and surnames.
    Name = "name" "/name",
    /// Type of the identity document.
    DocumentType = "document_type" "/document/type",
    /// Number of the identity document.
    DocumentNumber = "document" "/document/number",
    /// E-mail address.
    Email = "email" "/email",
    /// Phone number.
    Phone = "phone" "/phone",
    /// Language.
    Locale = "locale" "/locale",
    /// Name of the public page.
    Slug = "slug" "/slug",
    /// Rank paid in the cycle before.
    PreviousRank = "previous_rank" "/previous_rank",
    /// Cycles of grace used on it.
    RankGraceUsed = "rank_grace_used" "/rank_grace_used",
    /// Title kept.
    HonorificRank = "honorific_rank" "/honorific_rank",
    /// Rank set by hand.
    ManualRank = "manual_rank" "/manual_rank",
    /// Its first day.
    ManualFrom = "manual_from" "/manual_from",
    /// Its last day.
    ManualTo = "manual_to" "/manual_to",
}

/// What is wrong with a field's text.
pub(crate) type Wrong = String;

fn expected(what: &str, found: &str) -> Wrong {
    // A refusal repeats at most so much of what it refuses.
    let shown: String = found.chars().take(80).collect();
    format!("expected {what}; found {shown:?}")
}

pub(crate) fn name(text: &str) -> Result<String, Wrong> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = name.chars().count();
    if (2..=120).contains(&length) && !name.chars().any(char::is_control) {
        Ok(name)
    } else {
        Err(expected("2 to 120 characters", text))
    }
}

pub(crate) fn line(text: &str, longest: usize) -> Result<String, Wrong> {
    let fits = text.chars().count() <= longest && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(expected(&format!("at most {longest} characters"), text)) }
}

pub(crate) fn date(text: &str) -> Result<Date, Wrong> {
    text.parse().map_err(|_| expected("a day such as 2026-10-31", text))
}

pub(crate) fn email(text: &str) -> Result<String, Wrong> {
    let address = text.to_ascii_lowercase();
    let sound = address.len() <= 254
        && address.split_once('@').is_some_and(|(local, domain)| {
            is_sound_local(local) && domain.contains('.') && domain.split('.').all(is_sound_label)
        });
    if sound { Ok(address) } else { Err(expected("an e-mail address such as ana@example.com", text)) }
}

fn is_sound_local(local: &str) -> bool {
    let sound =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'');
    (1..=64).contains(&local.len())
        && local.bytes().all(sound)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
}

fn is_sound_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

pub(crate) fn phone(text: &str) -> Result<String, Wrong> {
    let dialled: String = text.chars().filter(|sign| !matches!(sign, ' ' | '-' | '(' | ')' | '.')).collect();
    let sound = dialled.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    });
    if sound { Ok(dialled) } else { Err(expected("an international number such as +573001234567", text)) }
}

pub(crate) fn document_type(text: &str) -> Result<String, Wrong> {
    let code = text.to_ascii_uppercase();
    let sound = (1..=10).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if sound { Ok(code) } else { Err(expected("a document type such as CC", text)) }
}

/// Dots, hyphens and spaces are how people write the number, not part of it.
pub(crate) fn document_number(text: &str) -> Result<String, Wrong> {
    let number: String = text
        .chars()
        .filter(|sign| !matches!(sign, ' ' | '.' | '-'))
        .map(|sign| sign.to_ascii_uppercase())
        .collect();
    let sound = (3..=30).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if sound { Ok(number) } else { Err(expected("3 to 30 letters and digits", text)) }
}

pub(crate) fn document(kind: String, number: String) -> Document {
    Document { r#type: kind, number }
}

pub(crate) fn tags(text: &str) -> Result<BTreeSet<String>, Wrong> {
    let tags: BTreeSet<String> =
        text.split(';').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_lowercase).collect();
    let sound = |tag: &String| {
        tag.chars().count() <= 40
            && tag.chars().all(|sign| sign.is_alphanumeric() || matches!(sign, '-' | '_'))
    };
    if tags.len() <= TAGS_MAX && tags.iter().all(sound) {
        Ok(tags)
    } else {
        Err(expected(
            &format!("at most {TAGS_MAX} tags of at most 40 letters, digits, '-' and '_', separated by ';'"),
            text,
        ))
    }
}

pub(crate) fn slug(text: &str) -> Result<String, Wrong> {
    let sound = (3..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if sound { Ok(text.to_owned()) } else { Err(expected("3 to 40 small letters, digits and '-'", text)) }
}

pub(crate) fn rank(text: &str) -> Result<String, Wrong> {
    let sound = text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if sound { Ok(text.to_owned()) } else { Err(expected("a rank's code", text)) }
}

/// A text that serde knows as one of a few words.
pub(crate) fn word<T: serde::de::DeserializeOwned>(words: &str, text: &str) -> Result<T, Wrong> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|_| expected(words, text))
}

/// A text that knows itself how it is read.
pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Wrong> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_kept_in_one_form() {
        assert_eq!(email("Ana.Ruiz+1@Example.COM").unwrap(), "ana.ruiz+1@example.com");
        assert_eq!(phone("+57 (300) 123-4567").unwrap(), "+573001234567");
        assert_eq!(document_number("1.023-456 789k").unwrap(), "1023456789K");
        assert_eq!(name("  Ana   María ").unwrap(), "Ana María");
        assert_eq!(tags("VIP; mentor;;").unwrap().into_iter().collect::<Vec<_>>(), ["mentor", "vip"]);
    }

    #[test]
    fn what_is_no_address_or_number_is_refused() {
        for text in [
            "ana",
            "ana@",
            "@x.co",
            "ana@x",
            "a b@x.co",
            ".a@x.co",
            "a..b@x.co",
            "a@-x.co",
            "ñ@x.co",
            "a@x..co",
        ] {
            assert!(email(text).is_err(), "{text:?}");
        }
        for text in ["3001234567", "+0571234567", "+57", "+57300123456789012", "+57x00123456"] {
            assert!(phone(text).is_err(), "{text:?}");
        }
        for text in ["12", "", "12#34", "ñ123"] {
            assert!(document_number(text).is_err(), "{text:?}");
        }
        assert!(name("A").is_err());
        assert!(name("Ana\u{7}Ruiz").is_err());
    }
}
