//! What a caller may be allowed to do. Roles are sets of these; the company configures the roles.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! permissions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A named permission. The names are part of the API and of the settings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Permission {
            $($(#[$doc])* $variant,)*
        }

        impl Permission {
            /// All permissions, in the order of this list.
            pub const ALL: &'static [Permission] = &[$(Permission::$variant,)*];

            /// The permission's name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Permission::$variant => $name,)*
                }
            }
        }

        impl FromStr for Permission {
            type Err = UnknownPermission;
            fn from_str(name: &str) -> Result<Self, UnknownPermission> {
                match name {
                    $($name => Ok(Permission::$variant),)*
                    _ => Err(UnknownPermission { found: name.to_owned() }),
                }
            }
        }
    };
}

permissions! {
    /// Act on every person, not on one's own downline only.
    AnyPerson = "ANY_PERSON",
    /// Read people, paths and levels of the network.
    NetworkRead = "NETWORK_READ",
    /// Register a person.
    NetworkRegister = "NETWORK_REGISTER",
    /// Start bulk loads of people.
    NetworkLoad = "NETWORK_LOAD",
    /// Read the catalogue.
    CatalogueRead = "CATALOGUE_READ",
    /// Change the catalogue.
    CatalogueWrite = "CATALOGUE_WRITE",
    /// Read orders.
    OrdersRead = "ORDERS_READ",
    /// Draft, place and cancel orders.
    OrdersWrite = "ORDERS_WRITE",
    /// Record the payment of an order.
    OrdersPay = "ORDERS_PAY",
    /// Start bulk loads of orders.
    OrdersLoad = "ORDERS_LOAD",
    /// Read one's own tickets, or those of people one may act on.
    TicketsRead = "TICKETS_READ",
    /// Create and reply to tickets.
    TicketsWrite = "TICKETS_WRITE",
    /// Work on tickets of every queue: change state, assign.
    TicketsWork = "TICKETS_WORK",
    /// Read and send e-mail campaigns.
    CampaignsSend = "CAMPAIGNS_SEND",
    /// Read statements and settlements.
    StatementsRead = "STATEMENTS_READ",
    /// See bonus results before they are validated.
    ViewPartialCommissions = "CAN_VIEW_PARTIAL_COMMISSIONS",
    /// Read cycles, plans, processes and runs.
    CommissionsRead = "COMMISSIONS_READ",
    /// Configure cycles, plans and processes.
    CommissionsConfigure = "COMMISSIONS_CONFIGURE",
    /// Start runs and steps.
    CommissionsRun = "COMMISSIONS_RUN",
    /// Approve or reject the bonuses of a run.
    CommissionsApprove = "COMMISSIONS_APPROVE",
    /// Read payables and payment files.
    PayoutsRead = "PAYOUTS_READ",
    /// Hold and release payables, load payment results.
    PayoutsPay = "PAYOUTS_PAY",
    /// Ask for reports.
    ReportsRequest = "REPORTS_REQUEST",
    /// Read settings, roles and permissions.
    SettingsRead = "SETTINGS_READ",
    /// Change settings, roles and permissions.
    SettingsWrite = "SETTINGS_WRITE",
    /// Read the ledger's accounts and proofs.
    LedgerRead = "LEDGER_READ",
}

/// A name that is no permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no permission {found:?}")]
pub struct UnknownPermission {
    /// The refused name.
    pub found: String,
}

impl TryFrom<String> for Permission {
    type Error = UnknownPermission;
    fn try_from(name: String) -> Result<Self, UnknownPermission> {
        name.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> String {
        permission.name().to_owned()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Permission;

    #[test]
    fn every_name_leads_back_to_its_permission() {
        for permission in Permission::ALL {
            assert_eq!(permission.name().parse::<Permission>().unwrap(), *permission);
        }
    }
}
