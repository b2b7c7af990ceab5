//! Tickets: cases that concern a person, handled by queues, with every change kept.
//!
//! [`settings`] says which types, queues and states a company has; [`ticket`] holds the rules; [`facts`] is what the other areas hear of it;
//! [`store`] is the only module that reads and writes the area's table, by the shapes in `keys`.

pub mod facts;
mod keys;
pub mod settings;
pub mod store;
pub mod ticket;

pub use store::{Listing, Tickets};
