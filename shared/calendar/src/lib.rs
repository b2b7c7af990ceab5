//! Calendars, cycles and their states, exchange rates of a cycle.
//!
//! A cycle is open, then closed, then settled, and never goes back. Orders are paid into open cycles only, which the paying transaction
//! itself asks for ([`Calendar::require_open`]), so that nothing slips into a cycle while it is being closed.

mod cycle;
mod keys;
mod store;

pub use cycle::{CalendarError, Cycle, CycleState, Draft};
pub use store::Calendar;
