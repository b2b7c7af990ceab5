//! Roles: named sets of permissions. The company configures them; some are there from the start.

use std::collections::BTreeSet;

use foundation::permission::Permission;
use serde::{Deserialize, Serialize};

/// The name of a role, as it stands in tokens: 1 to 40 small letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleName(String);

/// A text that is no role's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role's name has 1 to 40 small letters, digits and '-'; found {found:?}")]
pub struct InvalidRoleName {
    /// The refused text.
    pub found: String,
}

impl RoleName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for RoleName {
    type Err = InvalidRoleName;
    fn from_str(text: &str) -> Result<Self, InvalidRoleName> {
        let sound = (1..=40).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if sound { Ok(Self(text.to_owned())) } else { Err(InvalidRoleName { found: text.to_owned() }) }
    }
}

impl TryFrom<String> for RoleName {
    type Error = InvalidRoleName;
    fn try_from(text: String) -> Result<Self, InvalidRoleName> {
        text.parse()
    }
}

impl From<RoleName> for String {
    fn from(name: RoleName) -> String {
        name.0
    }
}

/// A role and what it allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: RoleName,
    /// What it allows.
    pub permissions: BTreeSet<Permission>,
    /// Raised by every change; 0 as long as it is as it was from the start.
    pub version: u64,
}

/// What a caller says of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleDraft {
    /// What it is to allow.
    pub permissions: BTreeSet<Permission>,
    /// The version the caller has seen; 0 for a role that was never configured.
    pub version: u64,
}

use Permission as P;

const CUSTOMER: &[Permission] =
    &[P::CatalogueRead, P::OrdersRead, P::OrdersWrite, P::TicketsRead, P::TicketsWrite];
const CONSULTANT: &[Permission] = &[
    P::NetworkRead,
    P::NetworkRegister,
    P::CatalogueRead,
    P::OrdersRead,
    P::OrdersWrite,
    P::TicketsRead,
    P::TicketsWrite,
    P::StatementsRead,
    P::ReportsRequest,
];
const SENIOR_CONSULTANT: &[Permission] = &[
    P::NetworkRead,
    P::NetworkRegister,
    P::CatalogueRead,
    P::OrdersRead,
    P::OrdersWrite,
    P::TicketsRead,
    P::TicketsWrite,
    P::StatementsRead,
    P::ReportsRequest,
    P::CampaignsSend,
];
const COMMERCIAL: &[Permission] = &[
    P::AnyPerson,
    P::NetworkRead,
    P::NetworkRegister,
    P::NetworkLoad,
    P::CatalogueRead,
    P::CatalogueWrite,
    P::OrdersRead,
    P::OrdersWrite,
    P::OrdersPay,
    P::OrdersLoad,
    P::TicketsRead,
    P::StatementsRead,
    P::ViewPartialCommissions,
    P::CommissionsRead,
    P::CommissionsConfigure,
    P::CommissionsRun,
    P::CommissionsApprove,
    P::PayoutsRead,
    P::ReportsRequest,
    P::SettingsRead,
];
const MARKETING: &[Permission] =
    &[P::AnyPerson, P::NetworkRead, P::CatalogueRead, P::CatalogueWrite, P::CampaignsSend, P::ReportsRequest];
const SUPPORT: &[Permission] = &[
    P::AnyPerson,
    P::NetworkRead,
    P::NetworkRegister,
    P::CatalogueRead,
    P::OrdersRead,
    P::OrdersWrite,
    P::TicketsRead,
    P::TicketsWrite,
    P::TicketsWork,
    P::StatementsRead,
];
const TREASURY: &[Permission] = &[
    P::AnyPerson,
    P::NetworkRead,
    P::OrdersRead,
    P::OrdersPay,
    P::StatementsRead,
    P::CommissionsRead,
    P::PayoutsRead,
    P::PayoutsPay,
    P::LedgerRead,
    P::ReportsRequest,
];

/// The roles that are there from the start.
const DEFAULTS: &[(&str, &[Permission])] = &[
    ("commercial", COMMERCIAL),
    ("company-admin", Permission::ALL),
    ("consultant", CONSULTANT),
    ("customer", CUSTOMER),
    ("marketing", MARKETING),
    ("senior-consultant", SENIOR_CONSULTANT),
    ("support", SUPPORT),
    ("treasury", TREASURY),
];

/// The roles that are there from the start, by name.
pub(crate) fn defaults() -> impl Iterator<Item = Role> {
    DEFAULTS.iter().filter_map(|(name, permissions)| {
        let permissions = permissions.iter().copied().collect();
        Some(Role { name: name.parse().ok()?, permissions, version: 0 })
    })
}

/// The roles of a company that has configured some of them.
pub(crate) fn with_defaults(configured: Vec<Role>) -> Vec<Role> {
    let standing: Vec<_> =
        defaults().filter(|role| configured.iter().all(|other| other.name != role.name)).collect();
    let mut roles: Vec<_> = configured.into_iter().chain(standing).collect();
    roles.sort_by(|one, other| one.name.cmp(&other.name));
    roles
}

/// What somebody in the roles `names` may do. A role nobody configured allows nothing.
pub fn allowed(names: &[String], roles: &[Role]) -> BTreeSet<Permission> {
    let held = roles.iter().filter(|role| names.iter().any(|name| name == role.name.as_str()));
    held.flat_map(|role| role.permissions.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_role_is_there_and_only_the_back_office_reaches_everybody() {
        let roles = with_defaults(Vec::new());
        assert_eq!(roles.len(), DEFAULTS.len());
        for role in &roles {
            let is_field = matches!(role.name.as_str(), "consultant" | "senior-consultant" | "customer");
            assert_eq!(role.permissions.contains(&P::AnyPerson), !is_field, "{:?}", role.name);
            let pays = role.permissions.contains(&P::PayoutsPay);
            assert_eq!(pays, matches!(role.name.as_str(), "treasury" | "company-admin"), "{:?}", role.name);
        }
    }

    #[test]
    fn a_configured_role_takes_the_place_of_the_default_and_unknown_ones_allow_nothing() {
        let customer = Role {
            name: "customer".parse().unwrap(),
            permissions: BTreeSet::from([P::CatalogueRead]),
            version: 1,
        };
        let roles = with_defaults(vec![customer]);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(allowed(&names(&["customer", "root"]), &roles), BTreeSet::from([P::CatalogueRead]));
        assert!(allowed(&names(&["root"]), &roles).is_empty());
        assert_eq!(allowed(&names(&["company-admin"]), &roles).len(), P::ALL.len());
    }
}
