//! Accounts: whose, what for, in which unit.

use std::{fmt, str::FromStr};

use foundation::id::PersonId;
use serde::{Deserialize, Serialize};

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Commissions the company owes a person: the sum of the person's unpaid payables. Never below zero.
    Commissions,
    /// What a person earned that did not become payable. Below zero after returns took back more than was earned; later earnings repay it.
    CommissionsCarried,
    /// A person's wallet. Never below zero.
    Wallet,
    /// What commissions have cost the company.
    CommissionsExpense,
    /// What has left the company's bank accounts.
    Bank,
}

const PURPOSES: [Purpose; 5] = [
    Purpose::Commissions,
    Purpose::CommissionsCarried,
    Purpose::Wallet,
    Purpose::CommissionsExpense,
    Purpose::Bank,
];

/// A text that names no purpose of a person's account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected commissions, commissions-carried or wallet; found {found:?}")]
pub struct UnknownPurpose {
    /// The refused text.
    pub found: String,
}

/// Purposes by their names; only those of people's accounts.
impl FromStr for Purpose {
    type Err = UnknownPurpose;
    fn from_str(name: &str) -> Result<Self, UnknownPurpose> {
        let found = PURPOSES.into_iter().find(|known| known.is_personal() && known.name() == name);
        found.ok_or_else(|| UnknownPurpose { found: name.to_owned() })
    }
}

impl Purpose {
    /// The purpose's name, as stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Commissions => "commissions",
            Self::CommissionsCarried => "commissions-carried",
            Self::Wallet => "wallet",
            Self::CommissionsExpense => "commissions-expense",
            Self::Bank => "bank",
        }
    }

    /// Whether the balance may not pass below zero.
    pub fn is_limited(self) -> bool {
        matches!(self, Self::Commissions | Self::Wallet)
    }

    fn is_personal(self) -> bool {
        matches!(self, Self::Commissions | Self::CommissionsCarried | Self::Wallet)
    }
}

/// Whose an account is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A person of the network.
    Person(PersonId),
    /// The company. Its accounts are kept in parts, so that many transfers can be written side by side; the balance is the sum of the parts.
    Company {
        /// Which part, 0 to 15.
        part: u8,
    },
}

/// An account. As text `P1/commissions/COP` or `company.3/bank/COP`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Account {
    /// Whose it is.
    pub owner: Owner,
    /// What it is for.
    pub purpose: Purpose,
    /// The currency or kind of points: letters, digits and hyphens.
    pub unit: String,
}

/// A text that is no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an account: {found:?}")]
pub struct InvalidAccount {
    /// The refused text.
    pub found: String,
}

/// What an account is kept in: the code of a currency or of a kind of points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit(pub String);

impl FromStr for Unit {
    type Err = InvalidUnit;
    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let fits = (1..=16).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidUnit { found: text.to_owned() }) }
    }
}

/// A text that is no unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a unit has 1 to 16 letters, digits and hyphens; found {found:?}")]
pub struct InvalidUnit {
    /// The refused text.
    pub found: String,
}

/// Parts of a company account.
pub const COMPANY_PARTS: u8 = 16;

impl Account {
    /// A person's account.
    pub fn of_person(person: PersonId, purpose: Purpose, unit: impl Into<String>) -> Self {
        Self { owner: Owner::Person(person), purpose, unit: unit.into() }
    }

    /// Part `number % 16` of a company account.
    pub fn of_company(number: usize, purpose: Purpose, unit: impl Into<String>) -> Self {
        let part = u8::try_from(number % usize::from(COMPANY_PARTS)).unwrap_or_default();
        Self { owner: Owner::Company { part }, purpose, unit: unit.into() }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            Owner::Person(person) => write!(f, "{person}/")?,
            Owner::Company { part } => write!(f, "company.{part}/")?,
        }
        write!(f, "{}/{}", self.purpose.name(), self.unit)
    }
}

impl FromStr for Account {
    type Err = InvalidAccount;
    fn from_str(text: &str) -> Result<Self, InvalidAccount> {
        let invalid = || InvalidAccount { found: text.to_owned() };
        let [owner, purpose, unit] = text.split('/').collect::<Vec<_>>()[..] else { return Err(invalid()) };
        let owner = match owner.strip_prefix("company.").map(str::parse) {
            Some(Ok(part)) if part < COMPANY_PARTS => Owner::Company { part },
            Some(_) => return Err(invalid()),
            None => Owner::Person(owner.parse().map_err(|_| invalid())?),
        };
        let purpose = PURPOSES.into_iter().find(|known| known.name() == purpose).ok_or_else(invalid)?;
        let Unit(unit) = unit.parse().map_err(|_| invalid())?;
        Ok(Self { owner, purpose, unit })
    }
}

impl TryFrom<String> for Account {
    type Error = InvalidAccount;
    fn try_from(text: String) -> Result<Self, InvalidAccount> {
        text.parse()
    }
}

impl From<Account> for String {
    fn from(account: Account) -> String {
        account.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_accounts_of_people_can_be_asked_for_by_purpose() {
        assert_eq!("commissions-carried".parse(), Ok(Purpose::CommissionsCarried));
        assert!("bank".parse::<Purpose>().is_err());
    }

    #[test]
    fn an_account_reads_back_from_its_text() {
        for text in ["P1/commissions/COP", "company.3/bank/USD", "P-2/wallet/stars"] {
            assert_eq!(text.parse::<Account>().unwrap().to_string(), text);
        }
        for text in ["P1/commissions", "company.16/bank/USD", "P1/other/COP", "P1/bank/", "P 1/bank/COP"] {
            assert!(text.parse::<Account>().is_err(), "{text}");
        }
    }
}
