//! Catalogue and orders: what is sold at what price, who buys it, when it is paid, what comes back, and the facts of all that.
//!
//! - [`product`], [`pricing`], [`order`] are the rules: values in, values or a typed refusal out.
//! - [`paid`] is what a commission run reads of an order; [`load`] reads such rows from a file.
//! - [`facts`] is what other areas learn; [`store`] does all I/O on the area's table.

pub mod facts;
pub mod failure;
mod keys;
pub mod load;
pub mod order;
pub mod paid;
pub mod pricing;
pub mod product;
pub mod store;

pub use failure::OrderError;
pub use store::Orders;
