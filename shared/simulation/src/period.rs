//! Which days a cycle has: as its name says, or as its orders show.

use foundation::cycle::{Cycle, CycleError};
use jiff::{
    Timestamp,
    civil::{Date, ISOWeekDate, Weekday},
    tz::TimeZone,
};

/// The days of a cycle, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
}

/// What is known of a cycle before its days are.
#[derive(Clone, Debug, Default)]
pub struct Occurrence {
    /// Its name: of a folder, or as it was asked for.
    pub name: Option<String>,
    /// When its first and its last order were paid.
    pub orders: Option<(Timestamp, Timestamp)>,
    /// The latest day somebody joined.
    pub joined: Option<Date>,
}

/// Why cycles have no days.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Two cycles share days.
    #[error("the cycles {earlier} and {later} overlap: name each by its days, as 2026-10-01_2026-10-15")]
    Overlap {
        /// The earlier one.
        earlier: String,
        /// The later one.
        later: String,
    },
    /// The days make no cycle.
    #[error(transparent)]
    Cycle(#[from] CycleError),
}

/// The days that a name stands for: a year (`2026`), a month (`2026-10`), an ISO week (`2026-W41`), a day (`2026-10-05`), or
/// the first and the last of several days (`2026-10-01_2026-10-15`). `None` for any other name.
pub fn span_named(name: &str) -> Option<Span> {
    if let Some((first, last)) = name.split_once('_').or_else(|| name.split_once("..")) {
        let span = Span { first: first.parse().ok()?, last: last.parse().ok()? };
        return (span.first <= span.last).then_some(span);
    }
    let numbers = |text: &str, digits: usize| {
        (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<i16>().ok())?
    };
    let (year, rest) = name.split_at_checked(4)?;
    // A folder named `0007` is the seventh one, not a year.
    let year = numbers(year, 4).filter(|year| 1900 <= *year)?;
    if rest.is_empty() {
        return Some(Span { first: Date::new(year, 1, 1).ok()?, last: Date::new(year, 12, 31).ok()? });
    }
    let rest = rest.strip_prefix('-')?;
    if let Some(week) = rest.strip_prefix('W') {
        let week = i8::try_from(numbers(week, 2)?).ok()?;
        let first = ISOWeekDate::new(year, week, Weekday::Monday).ok()?.date();
        return Some(Span { first, last: first.checked_add(jiff::Span::new().days(6)).ok()? });
    }
    if let Some(month) = numbers(rest, 2) {
        return Some(month_of(Date::new(year, i8::try_from(month).ok()?, 1).ok()?));
    }
    let day = (name.len() == 10).then(|| name.parse::<Date>().ok())??;
    Some(Span { first: day, last: day })
}

fn month_of(day: Date) -> Span {
    Span { first: day.first_of_month(), last: day.last_of_month() }
}

fn months(first: Date, last: Date) -> Span {
    Span { first: first.first_of_month(), last: last.last_of_month() }
}

/// The cycles, earliest first, of what is known of them in that order.
///
/// A name that stands for days decides. Without one a cycle has the whole calendar months its orders lie in; where that would
/// make cycles overlap, it has the days from its first to its last order, and gaps between cycles belong to the later one. A
/// cycle without orders is the month after the one before it, or before the one after it; if it is the only one, the month
/// in which somebody joined last, or January 1970.
pub fn cycles_of(known: &[Occurrence], zone: &TimeZone) -> Result<Vec<Cycle>, PeriodError> {
    let named: Vec<Option<Span>> =
        known.iter().map(|cycle| cycle.name.as_deref().and_then(span_named)).collect();
    let day = |moment: Timestamp| moment.to_zoned(zone.clone()).date();
    let ordered: Vec<Option<Span>> = known
        .iter()
        .map(|cycle| cycle.orders.map(|(first, last)| Span { first: day(first), last: day(last) }))
        .collect();
    let whole: Vec<Option<Span>> = ordered
        .iter()
        .zip(&named)
        .map(|(ordered, named)| named.or_else(|| ordered.map(|span| months(span.first, span.last))))
        .collect();
    let mut spans = filled(&whole, known);
    if overlap(&spans).is_some() {
        let tight: Vec<Option<Span>> =
            ordered.iter().zip(&named).map(|(ordered, named)| named.or(*ordered)).collect();
        spans = filled(&tight, known);
        for place in 1..spans.len() {
            let after = spans[place - 1].last.tomorrow().map_err(|_| CycleError::OutOfRange)?;
            if named[place].is_none() && after < spans[place].first {
                spans[place].first = after;
            }
        }
    }
    if let Some(place) = overlap(&spans) {
        return Err(PeriodError::Overlap { earlier: id_of(spans[place - 1]), later: id_of(spans[place]) });
    }
    let cycle = |span: &Span| {
        let id = id_of(*span).parse().map_err(|_| CycleError::OutOfRange)?;
        Ok(Cycle::of_days(id, span.first, span.last, zone)?)
    };
    spans.iter().map(cycle).collect()
}

/// Spans for cycles that nothing is known of.
fn filled(spans: &[Option<Span>], known: &[Occurrence]) -> Vec<Span> {
    let mut filled = spans.to_vec();
    for place in 1..filled.len() {
        if let (None, Some(before)) = (filled[place], filled[place - 1]) {
            filled[place] = before.last.tomorrow().ok().map(month_of);
        }
    }
    for place in (0..filled.len().saturating_sub(1)).rev() {
        if let (None, Some(after)) = (filled[place], filled[place + 1]) {
            filled[place] = after.first.yesterday().ok().map(month_of);
        }
    }
    let joined = known.iter().filter_map(|cycle| cycle.joined).max();
    let only = month_of(joined.unwrap_or(jiff::civil::date(1970, 1, 1)));
    filled.into_iter().map(|span| span.unwrap_or(only)).collect()
}

/// The first cycle that does not lie after the one before it.
fn overlap(spans: &[Span]) -> Option<usize> {
    (1..spans.len()).find(|place| spans[*place].first <= spans[place - 1].last)
}

/// The name of a cycle of these days: `2026-10` for a month, else the first and the last day.
fn id_of(span: Span) -> String {
    let month = span == month_of(span.first);
    let week = span.first.weekday() == Weekday::Monday
        && span.first.checked_add(jiff::Span::new().days(6)).ok() == Some(span.last);
    if month {
        format!("{:04}-{:02}", span.first.year(), span.first.month())
    } else if week {
        let of = span.first.iso_week_date();
        format!("{:04}-W{:02}", of.year(), of.week())
    } else if span.first == span.last {
        span.first.to_string()
    } else {
        format!("{}_{}", span.first, span.last)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn orders(first: &str, last: &str) -> Occurrence {
        Occurrence { orders: Some((first.parse().unwrap(), last.parse().unwrap())), ..Occurrence::default() }
    }

    fn ids(known: &[Occurrence]) -> Vec<String> {
        cycles_of(known, &TimeZone::UTC).unwrap().iter().map(|cycle| cycle.id.to_string()).collect()
    }

    #[test]
    fn a_name_stands_for_days() {
        let days = |first, last| Some(Span { first, last });
        let cases = [
            ("2026", days(date(2026, 1, 1), date(2026, 12, 31))),
            ("2026-02", days(date(2026, 2, 1), date(2026, 2, 28))),
            ("2026-W41", days(date(2026, 10, 5), date(2026, 10, 11))),
            ("2026-10-05", days(date(2026, 10, 5), date(2026, 10, 5))),
            ("2026-10-01_2026-10-15", days(date(2026, 10, 1), date(2026, 10, 15))),
            ("2026-10-15_2026-10-01", None),
            ("2026-13", None),
            ("2026-W60", None),
            ("first", None),
            ("01", None),
            ("0001", None),
            ("", None),
        ];
        for (name, span) in cases {
            assert_eq!(span_named(name), span, "{name}");
        }
    }

    #[test]
    fn a_cycle_has_the_months_its_orders_lie_in() {
        assert_eq!(ids(&[orders("2026-10-03T10:00:00Z", "2026-10-04T10:00:00Z")]), ["2026-10"]);
        let quarter = [orders("2026-10-03T10:00:00Z", "2026-12-04T10:00:00Z")];
        assert_eq!(ids(&quarter), ["2026-10-01_2026-12-31"]);
    }

    #[test]
    fn cycles_within_a_month_have_the_days_of_their_orders() {
        let weeks = [
            orders("2026-10-05T10:00:00Z", "2026-10-11T10:00:00Z"),
            orders("2026-10-13T10:00:00Z", "2026-10-18T10:00:00Z"),
        ];
        assert_eq!(ids(&weeks), ["2026-W41", "2026-W42"]);
        let same_day = [
            orders("2026-10-05T10:00:00Z", "2026-10-11T10:00:00Z"),
            orders("2026-10-11T12:00:00Z", "2026-10-18T10:00:00Z"),
        ];
        assert!(matches!(cycles_of(&same_day, &TimeZone::UTC), Err(PeriodError::Overlap { .. })));
    }

    #[test]
    fn a_cycle_without_orders_lies_beside_its_neighbours() {
        let october = orders("2026-10-05T10:00:00Z", "2026-10-11T10:00:00Z");
        assert_eq!(ids(&[Occurrence::default(), october.clone()]), ["2026-09", "2026-10"]);
        assert_eq!(ids(&[october, Occurrence::default()]), ["2026-10", "2026-11"]);
        let joined = Occurrence { joined: Some(date(2026, 3, 9)), ..Occurrence::default() };
        assert_eq!(ids(&[joined]), ["2026-03"]);
    }
}
