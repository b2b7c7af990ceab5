//! A cycle of a calendar, and what may become of it.

use std::collections::BTreeMap;

use foundation::{
    cycle::CycleError,
    id::{CycleId, RunId},
    money::Currency,
    problem::{FieldError, Kind, Malformed, NotFound, Problem},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Exchange rates are no finer than this many decimals.
const RATE_DECIMALS_MAX: u32 = 12;
/// Days a cycle may have: two years.
const DAYS_MAX: i32 = 732;

/// Where a cycle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CycleState {
    /// Orders are paid into it.
    Open,
    /// Nothing is paid into it any more; runs compute it.
    Closed,
    /// A run has settled it; it never changes again.
    Settled,
}

/// A cycle of a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// Its name, unique over all calendars.
    pub id: CycleId,
    /// The calendar it belongs to; `commercial` is the one orders are paid in.
    pub calendar: String,
    /// Its first day in the company's time zone.
    pub first_day: Date,
    /// Its last day in the company's time zone.
    pub last_day: Date,
    /// The first moment of it.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
    /// Where it stands.
    pub state: CycleState,
    /// The company's currency, which the rates lead to.
    pub base: Currency,
    /// What one unit of a currency is worth in the base currency.
    pub rates: BTreeMap<Currency, Decimal>,
    /// The run that closed it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub closed_by: Option<RunId>,
    /// The run that settled it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub settled_by: Option<RunId>,
    /// Raised by every change.
    pub version: u64,
}

impl Cycle {
    /// Whether something at `moment` belongs to this cycle.
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.start <= moment && moment < self.end
    }

    /// What one unit of `currency` is worth in the base currency, if that is known.
    pub fn rate(&self, currency: Currency) -> Option<Decimal> {
        if currency == self.base { Some(Decimal::ONE) } else { self.rates.get(&currency).copied() }
    }

    /// The bare period.
    pub fn period(&self) -> foundation::cycle::Cycle {
        foundation::cycle::Cycle { id: self.id.clone(), start: self.start, end: self.end }
    }
}

/// What a caller says of a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The calendar; `commercial` unless said otherwise.
    #[serde(default = "commercial")]
    pub calendar: String,
    /// First day.
    pub first_day: Date,
    /// Last day.
    pub last_day: Date,
    /// Rates to the base currency.
    #[serde(default)]
    pub rates: BTreeMap<Currency, Decimal>,
    /// The version that the caller has seen; none for a new cycle.
    #[serde(default)]
    pub version: Option<u64>,
}

fn commercial() -> String {
    crate::Calendar::COMMERCIAL.to_owned()
}

/// Why a cycle is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// Members are wrong.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// There is no such cycle.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// Nothing can be paid into it.
    #[error("the cycle {0} is not open")]
    NotOpen(CycleId),
    /// It is not over.
    #[error("the cycle {0} is still open until {1}")]
    NotOver(CycleId, Timestamp),
    /// It is open: it has to be closed before it is settled.
    #[error("the cycle {0} was not closed")]
    NotClosed(CycleId),
    /// It never changes again.
    #[error("the cycle {0} is settled")]
    Settled(CycleId),
    /// Its days are fixed once it is closed.
    #[error("the cycle {0} is closed; its days are fixed")]
    DaysFixed(CycleId),
    /// Two cycles of one calendar share days.
    #[error("the days overlap those of the cycle {0}")]
    Overlaps(CycleId),
    /// Somebody else changed it.
    #[error("the cycle was changed in between: its version is {0}")]
    Changed(u64),
    /// The table.
    #[error(transparent)]
    Aws(#[from] aws::AwsError),
}

impl Problem for CalendarError {
    fn kind(&self) -> Kind {
        match self {
            Self::Malformed(error) => error.kind(),
            Self::NotFound(error) => error.kind(),
            Self::Aws(error) => error.kind(),
            Self::NotOpen(_) | Self::NotOver(..) | Self::NotClosed(_) => Kind::Rejected,
            Self::Settled(_) | Self::DaysFixed(_) | Self::Overlaps(_) | Self::Changed(_) => Kind::Conflict,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(error) => error.code(),
            Self::NotFound(error) => error.code(),
            Self::Aws(error) => error.code(),
            Self::NotOpen(_) => "calendar.cycle-closed",
            Self::NotOver(..) => "calendar.cycle-open",
            Self::NotClosed(_) => "calendar.cycle-not-closed",
            Self::Settled(_) => "calendar.cycle-settled",
            Self::DaysFixed(_) => "calendar.days-fixed",
            Self::Overlaps(_) => "calendar.overlap",
            Self::Changed(_) => "calendar.changed",
        }
    }
    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Malformed(error) => error.fields(),
            Self::Changed(_) => vec![FieldError { pointer: "/version".into(), detail: self.to_string() }],
            _ => Vec::new(),
        }
    }
}

/// The cycle `id` as `draft` wants it, beside the `others` there are (the one that stands under `id` among them).
pub(crate) fn drafted(
    id: &CycleId,
    draft: Draft,
    others: &[Cycle],
    base: Currency,
    zone: &TimeZone,
) -> Result<Cycle, CalendarError> {
    check(&draft, base)?;
    let period = foundation::cycle::Cycle::of_days(id.clone(), draft.first_day, draft.last_day, zone);
    let period = period.map_err(|error| match error {
        CycleError::EndsBeforeStart { .. } => Malformed::at("/last_day", error.to_string()),
        CycleError::OutOfRange => Malformed::at("/first_day", error.to_string()),
    })?;
    let standing = others.iter().find(|cycle| cycle.id == *id);
    let overlapped = others.iter().find(|other| {
        other.id != *id
            && other.calendar == draft.calendar
            && period.start < other.end
            && other.start < period.end
    });
    if let Some(other) = overlapped {
        return Err(CalendarError::Overlaps(other.id.clone()));
    }
    let Some(standing) = standing else {
        if draft.version.is_some() {
            return Err(NotFound("cycle").into());
        }
        return Ok(Cycle {
            id: id.clone(),
            calendar: draft.calendar,
            first_day: draft.first_day,
            last_day: draft.last_day,
            start: period.start,
            end: period.end,
            state: CycleState::Open,
            base,
            rates: draft.rates,
            closed_by: None,
            settled_by: None,
            version: 1,
        });
    };
    if draft.version != Some(standing.version) {
        return Err(CalendarError::Changed(standing.version));
    }
    let moves = (&standing.calendar, standing.first_day, standing.last_day)
        != (&draft.calendar, draft.first_day, draft.last_day);
    match standing.state {
        CycleState::Settled => return Err(CalendarError::Settled(id.clone())),
        CycleState::Closed if moves => return Err(CalendarError::DaysFixed(id.clone())),
        _ => {}
    }
    let mut changed = standing.clone();
    if moves {
        (changed.calendar, changed.first_day, changed.last_day) =
            (draft.calendar, draft.first_day, draft.last_day);
        (changed.start, changed.end) = (period.start, period.end);
    }
    changed.rates = draft.rates;
    changed.version = standing.version.saturating_add(1);
    Ok(changed)
}

fn check(draft: &Draft, base: Currency) -> Result<(), Malformed> {
    let mut wrong = Vec::new();
    let mut at =
        |pointer: String, detail: &str| wrong.push(FieldError { pointer, detail: detail.to_owned() });
    let sound = (1..=40).contains(&draft.calendar.len())
        && draft
            .calendar
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !sound {
        at("/calendar".into(), "expected 1 to 40 small letters, digits and '-'");
    }
    if draft.last_day.since(draft.first_day).is_ok_and(|span| span.get_days() > DAYS_MAX) {
        at("/last_day".into(), "a cycle has at most 732 days");
    }
    for (currency, rate) in &draft.rates {
        if *rate <= Decimal::ZERO || rate.normalize().scale() > RATE_DECIMALS_MAX {
            at(format!("/rates/{currency}"), "expected a number above 0 with at most 12 decimals");
        }
        if *currency == base && *rate != Decimal::ONE {
            at(format!("/rates/{currency}"), "the base currency is worth 1");
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Malformed(wrong)) }
}

/// Whether `cycle` may be closed at `now`; false if that was done before.
pub(crate) fn closes(cycle: &Cycle, now: Timestamp) -> Result<bool, CalendarError> {
    match cycle.state {
        CycleState::Open if now < cycle.end => Err(CalendarError::NotOver(cycle.id.clone(), cycle.end)),
        CycleState::Open => Ok(true),
        CycleState::Closed => Ok(false),
        CycleState::Settled => Err(CalendarError::Settled(cycle.id.clone())),
    }
}

/// Whether `run` may settle `cycle`; false if it has done so before.
pub(crate) fn settles(cycle: &Cycle, run: &RunId) -> Result<bool, CalendarError> {
    match cycle.state {
        CycleState::Open => Err(CalendarError::NotClosed(cycle.id.clone())),
        CycleState::Closed => Ok(true),
        CycleState::Settled if cycle.settled_by.as_ref() == Some(run) => Ok(false),
        CycleState::Settled => Err(CalendarError::Settled(cycle.id.clone())),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn october(state: CycleState) -> Cycle {
        let zone = TimeZone::get("America/Bogota").unwrap();
        let draft = draft(date(2026, 10, 1), date(2026, 10, 31), None);
        let cycle = drafted(&"2026-10".parse().unwrap(), draft, &[], "COP".parse().unwrap(), &zone).unwrap();
        Cycle { state, ..cycle }
    }

    fn draft(first_day: Date, last_day: Date, version: Option<u64>) -> Draft {
        let rates = BTreeMap::from([("USD".parse().unwrap(), "4012.50".parse().unwrap())]);
        Draft { calendar: "commercial".into(), first_day, last_day, rates, version }
    }

    fn put(id: &str, draft: Draft, others: &[Cycle]) -> Result<Cycle, CalendarError> {
        drafted(&id.parse().unwrap(), draft, others, "COP".parse().unwrap(), &TimeZone::UTC)
    }

    #[test]
    fn two_cycles_of_a_calendar_share_no_day() {
        let others = [october(CycleState::Open)];
        let shared = put("2026-11", draft(date(2026, 10, 31), date(2026, 11, 30), None), &others);
        assert_eq!(shared.unwrap_err().code(), "calendar.overlap");
        let mut advance = draft(date(2026, 10, 1), date(2026, 10, 15), None);
        advance.calendar = "advance".into();
        assert!(put("2026-10-a", advance, &others).is_ok(), "calendars are apart");
    }

    #[test]
    fn a_cycle_changes_as_far_as_its_state_lets_it() {
        let same = |version| draft(date(2026, 10, 1), date(2026, 10, 31), Some(version));
        let longer = draft(date(2026, 10, 1), date(2026, 11, 1), Some(1));
        let cases = [
            ("rates of an open one", CycleState::Open, same(1), None),
            ("days of an open one", CycleState::Open, longer.clone(), None),
            ("an old version", CycleState::Open, same(7), Some("calendar.changed")),
            ("rates of a closed one", CycleState::Closed, same(1), None),
            ("days of a closed one", CycleState::Closed, longer, Some("calendar.days-fixed")),
            ("a settled one", CycleState::Settled, same(1), Some("calendar.cycle-settled")),
        ];
        for (name, state, draft, code) in cases {
            let changed = put("2026-10", draft, &[october(state)]);
            assert_eq!(changed.as_ref().err().map(Problem::code), code, "{name}");
            assert!(changed.is_err() || changed.unwrap().version == 2, "{name}");
        }
    }

    #[test]
    fn unsound_rates_and_days_are_named() {
        let mut wrong = draft(date(2026, 10, 1), date(2026, 9, 1), None);
        assert_eq!(put("x", wrong.clone(), &[]).unwrap_err().fields()[0].pointer, "/last_day");
        wrong.last_day = date(2029, 1, 1);
        wrong.rates.insert("EUR".parse().unwrap(), "-1".parse().unwrap());
        let CalendarError::Malformed(Malformed(fields)) = put("x", wrong, &[]).unwrap_err() else {
            panic!("malformed")
        };
        assert_eq!(
            fields.iter().map(|field| field.pointer.as_str()).collect::<Vec<_>>(),
            ["/last_day", "/rates/EUR"]
        );
    }

    #[test]
    fn a_cycle_goes_from_open_to_closed_to_settled_and_never_back() {
        let end = october(CycleState::Open).end;
        let run = |id: &str| id.parse::<RunId>().unwrap();
        assert_eq!(
            closes(&october(CycleState::Open), end - jiff::SignedDuration::from_secs(1)).unwrap_err().code(),
            "calendar.cycle-open"
        );
        assert!(closes(&october(CycleState::Open), end).unwrap());
        assert!(!closes(&october(CycleState::Closed), end).unwrap());
        assert!(closes(&october(CycleState::Settled), end).is_err());
        let settled = Cycle { settled_by: Some(run("R1")), ..october(CycleState::Settled) };
        assert!(settles(&october(CycleState::Open), &run("R1")).is_err());
        assert!(settles(&october(CycleState::Closed), &run("R1")).unwrap());
        assert!(!settles(&settled, &run("R1")).unwrap());
        assert!(settles(&settled, &run("R2")).is_err());
    }

    #[test]
    fn the_base_currency_is_worth_one() {
        let cycle = october(CycleState::Open);
        assert_eq!(cycle.rate("COP".parse().unwrap()), Some(Decimal::ONE));
        assert_eq!(cycle.rate("USD".parse().unwrap()).unwrap().to_string(), "4012.50");
        assert_eq!(cycle.rate("EUR".parse().unwrap()), None);
    }
}
