//! People, both trees, registration, reach.
//!
//! A person's ancestors in the placement tree are frozen into the person's item, so that one read answers the question every other area
//! asks first: is this person within the caller's reach ([`People::reachable`]).

mod country;
pub mod facts;
pub mod field;
mod keys;
pub mod load;
pub mod person;
pub mod placing;
pub mod registration;
mod store;

pub use country::Country;
pub use load::{Load, LoadState};
pub use person::{Document, Kind, Person, Ranks, Status};
pub use placing::RegistrationError;
pub use registration::{Entry, Registration};
pub use store::{
    People,
    loads::{LoadError, Loads, Upload},
    registering::{Receipt, Request},
};
