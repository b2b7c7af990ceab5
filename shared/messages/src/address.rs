//! E-mail addresses as far as we need to know them: one spelling each.

use foundation::problem::{Kind, Problem};
use serde::{Deserialize, Serialize};

/// An address in lower case. Mailboxes that differ only in case do not occur in practice, and a suppression must catch both spellings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address: {found:?}")]
pub struct InvalidAddress {
    /// The refused text.
    pub found: String,
}

impl Problem for InvalidAddress {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn code(&self) -> &'static str {
        "message.invalid-address"
    }
}

impl Address {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Address {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let refused = || InvalidAddress { found: text.chars().take(254).collect() };
        let address = text.trim().to_lowercase();
        let (local, domain) = address.rsplit_once('@').ok_or_else(refused)?;
        let plain = |character: char| character.is_ascii_graphic() && !"<>()[],;:\\\"#".contains(character);
        let fits = (1..=64).contains(&local.len())
            && address.len() <= 254
            && address.chars().all(plain)
            && !local.contains('@')
            && domain.contains('.')
            && domain.split('.').all(|label| !label.is_empty());
        if fits { Ok(Self(address)) } else { Err(refused()) }
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;
    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.0
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn one_mailbox_has_one_spelling() {
        assert_eq!(" Ana.Ruiz+x@Example.COM ".parse::<Address>().unwrap().as_str(), "ana.ruiz+x@example.com");
    }

    #[test]
    fn what_could_break_a_header_or_a_key_is_refused() {
        for text in [
            "",
            "ana",
            "@x.co",
            "ana@",
            "ana@x",
            "a na@x.co",
            "ana@x.co\nBcc: b@x.co",
            "a#b@x.co",
            "a@b@x.co",
            "<a@x.co>",
            "a@x..co",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?}");
        }
    }
}
