//! Settings, roles, tokens.
//!
//! A token says who calls and in which roles; the company's settings say what its roles allow. Every change of settings and roles leaves
//! an entry that says who changed what, when, from what to what.

mod audit;
mod issuer;
mod keys;
mod role;
mod settings;
mod store;
mod token;

pub use audit::{Change, Subject};
pub use issuer::Issuer;
pub use role::{Role, RoleDraft, RoleName, allowed};
pub use settings::{RegistrationRules, Sender, Settings, SettingsDraft};
pub use store::{AccessError, ChangePage, Configuration, Editor};
pub use token::{Claims, Expectations, KeySet, TokenError};
