//! Calendars, cycles and their states, exchange rates of a cycle.
