//! For tests and demos only: an invented company of any size, and a client for the API.
//!
//! - [`company`] draws people, two trees, orders and a catalogue from a seed, and writes them as the bulk files the API
//!   loads and as the CSV files a simulation reads. The same options give the same bytes on every machine.
//! - [`api`] speaks to a running deployment: JSON in and out, problem documents kept as data, polling.
//! - [`stack`] says where a deployment is, [`issuer`] signs tokens for it.
//!
//! No function that is deployed depends on this crate.

pub mod api;
pub mod company;
pub mod emulator;
pub mod issuer;
pub mod stack;
