//! Shapes of this area's keys.

use aws::Key;
use foundation::id::CycleId;

/// Copies of a cycle's state that payments ask, so that payments at the same time do not wait for each other.
pub(crate) const GATES: u64 = 16;

/// All cycles: a company has a few dozen a year, and every question about them is answered from the list.
pub(crate) const CYCLES: &str = "CYCLES";

pub(crate) fn cycle(id: &CycleId) -> Key {
    Key::new(CYCLES, format!("CYCLE#{id}"))
}

/// One of the copies of a cycle's state.
pub(crate) fn gate(id: &CycleId, number: u64) -> Key {
    Key::new(format!("GATE#{id}#{number}"), "GATE")
}

/// Raised by every change of a calendar's days, so that two cycles made at the same time cannot overlap.
pub(crate) fn calendar(name: &str) -> Key {
    Key::new("CALENDARS", format!("CALENDAR#{name}"))
}
