//! Facts of this area.

use foundation::{
    fact::Fact,
    id::{LoadId, PersonId},
    locale::Locale,
};
use serde::{Deserialize, Serialize};

use crate::{country::Country, person::Kind};

/// How somebody came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Somebody registered the person in the back office.
    BackOffice,
    /// The person registered on a public page.
    Public,
    /// A bulk load that announces its people.
    Load(LoadId),
}

/// Somebody is now a person of the network. People who came by a bulk load that does not announce them are not told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRegistered {
    /// Who.
    pub person: PersonId,
    /// Consultant or customer.
    pub kind: Kind,
    /// Under whom.
    pub parent: Option<PersonId>,
    /// Brought in by whom.
    pub sponsor: Option<PersonId>,
    /// The person's name, for the welcome.
    pub name: String,
    /// Where to write to.
    pub email: String,
    /// In which language.
    pub locale: Locale,
    /// Country of residence.
    pub country: Country,
    /// How the person came in.
    pub origin: Origin,
}

impl Fact for PersonRegistered {
    const TYPE: &'static str = "PersonRegistered";
    const SOURCE: &'static str = "ceiba.network";
    fn id(&self) -> String {
        format!("person-registered-{}", self.person)
    }
}
