//! Cycles: half-open periods in the company's time zone.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::id::CycleId;

/// A period `[start, end)` that volumes are measured and commissions are paid over.
///
/// A fact at exactly `end` belongs to the next cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cycle {
    /// Its name within the calendar.
    pub id: CycleId,
    /// The first moment of it.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

/// Why dates do not make a cycle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CycleError {
    /// The last day lies before the first.
    #[error("a cycle cannot end ({last_day}) before it starts ({first_day})")]
    EndsBeforeStart {
        /// First day.
        first_day: Date,
        /// Last day.
        last_day: Date,
    },
    /// A day has no midnight that can be represented.
    #[error("the dates are out of range")]
    OutOfRange,
}

impl Cycle {
    /// The cycle from local midnight of `first_day` to the local midnight after `last_day`.
    pub fn of_days(
        id: CycleId,
        first_day: Date,
        last_day: Date,
        zone: &TimeZone,
    ) -> Result<Self, CycleError> {
        if last_day < first_day {
            return Err(CycleError::EndsBeforeStart { first_day, last_day });
        }
        let midnight = |day: Date| {
            day.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|_| CycleError::OutOfRange)
        };
        let after = last_day.tomorrow().map_err(|_| CycleError::OutOfRange)?;
        Ok(Self { id, start: midnight(first_day)?, end: midnight(after)? })
    }

    /// Whether something at `moment` belongs to this cycle.
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.start <= moment && moment < self.end
    }

    /// Whether the cycle is over at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.end <= now
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_end_belongs_to_the_next_cycle_in_the_companys_zone() {
        let bogota = TimeZone::get("America/Bogota").unwrap();
        let cycle =
            Cycle::of_days("2026-10".parse().unwrap(), date(2026, 10, 1), date(2026, 10, 31), &bogota)
                .unwrap();
        assert_eq!(cycle.start.to_string(), "2026-10-01T05:00:00Z");
        assert_eq!(cycle.end.to_string(), "2026-11-01T05:00:00Z");
        assert!(cycle.contains(cycle.start));
        assert!(!cycle.contains(cycle.end));
        assert!(cycle.is_over(cycle.end));
    }

    #[test]
    fn a_cycle_that_ends_before_it_starts_is_refused() {
        let made = Cycle::of_days("x".parse().unwrap(), date(2026, 2, 1), date(2026, 1, 1), &TimeZone::UTC);
        assert!(matches!(made, Err(CycleError::EndsBeforeStart { .. })));
    }
}
