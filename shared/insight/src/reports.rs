//! Reports: asked for by the API, made in the background, fetched by a short-lived link.
//!
//! [`Report`] is a request and how far it is; [`detailed_sales`] turns order lines into rows of [`Cell`]s; `csv` and `xlsx` write any rows;
//! [`Reports`] does the I/O.

mod csv;
pub mod detailed_sales;
mod keys;
mod store;
mod xlsx;

use std::sync::Arc;

use foundation::{
    id::{CycleId, PersonId, ReportId},
    locale::{Locale, Text},
    problem::{Kind, Malformed, Problem},
    reach::Reach,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use store::{Reports, Work};

/// Rows of a report; a longer one is to be asked for in parts.
pub const ROWS_MAX: usize = 500_000;

/// Which report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// Every line of every order that was paid, and of every return.
    DetailedSales,
}

/// The form of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A workbook: real numbers and dates.
    #[default]
    Xlsx,
    /// Text with commas: exact decimals.
    Csv,
}

impl Format {
    /// The ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
        }
    }

    /// The media type of the file.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// What a caller asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewReport {
    /// Which report.
    pub kind: ReportKind,
    /// The cycle it is about; or `from` and `to`.
    #[serde(default)]
    pub cycle: Option<CycleId>,
    /// The first moment.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// The first moment after it.
    #[serde(default)]
    pub to: Option<Timestamp>,
    /// Which people's.
    #[serde(default)]
    pub filters: Filters,
    /// The form of the file.
    #[serde(default)]
    pub format: Format,
    /// The language of headings and words.
    #[serde(default)]
    pub locale: Locale,
}

/// Conditions on the people of a report, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// ISO 3166 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Sales territory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// One person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// This person and their downline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under: Option<PersonId>,
}

/// How far a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportState {
    /// It waits for its turn.
    Queued,
    /// It is being made.
    Making,
    /// Its file is there.
    Ready,
    /// It cannot be made.
    Failed,
}

/// A report that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its id; sorts by the time of asking.
    pub id: ReportId,
    /// What was asked for.
    #[serde(flatten)]
    pub request: NewReport,
    /// The subject of who asked.
    pub requested_by: String,
    /// The person who asked, if it was one of the network: the report shows their downline.
    pub person: Option<PersonId>,
    /// Whether it shows everybody.
    pub shows_anybody: bool,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// How far it is.
    pub state: ReportState,
    /// Orders looked at so far.
    pub orders_read: u64,
    /// Rows of the file.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Size of the file in bytes.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Why it cannot be made.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Why a report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It would be too long.
    #[error("the report has more than {ROWS_MAX} rows: ask for a shorter period")]
    TooLong,
    /// There is no such cycle.
    #[error("there is no cycle {0}")]
    UnknownCycle(CycleId),
    /// The file cannot be written.
    #[error("the file cannot be written")]
    File(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Problem for ReportError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooLong | Self::UnknownCycle(_) => Kind::Rejected,
            Self::File(_) => Kind::Internal,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "report.too-long",
            Self::UnknownCycle(_) => "report.unknown-cycle",
            Self::File(_) => "report.file",
        }
    }
}

impl ReportError {
    fn file(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::File(Arc::new(error))
    }
}

impl Report {
    /// The report that `request` asks for, if it says what it is about.
    pub fn asked(
        request: NewReport,
        id: ReportId,
        requested_by: &str,
        reach: &Reach,
        now: Timestamp,
    ) -> Result<Self, Malformed> {
        match (&request.cycle, request.from, request.to) {
            (Some(_), None, None) => {}
            (None, Some(from), Some(to)) if from < to => {}
            (None, Some(_), Some(_)) => return Err(Malformed::at("/to", "expected a moment after /from")),
            _ => return Err(Malformed::at("/cycle", "expected a cycle, or from and to")),
        }
        Ok(Self {
            id,
            request,
            requested_by: requested_by.to_owned(),
            person: reach.person.clone(),
            shows_anybody: reach.any,
            requested_at: now,
            state: ReportState::Queued,
            orders_read: 0,
            rows: None,
            bytes: None,
            reason: None,
        })
    }

    /// Whom the report may show.
    pub fn reach(&self) -> Reach {
        Reach { person: self.person.clone(), any: self.shows_anybody }
    }

    /// Whether the report is about what was paid at `moment`, as far as its period says.
    pub fn covers(&self, moment: Timestamp) -> bool {
        self.request.from.is_none_or(|from| from <= moment) && self.request.to.is_none_or(|to| moment < to)
    }

    /// The name under which the file is fetched.
    pub fn file_name(&self) -> String {
        let period = self.request.cycle.as_ref().map_or_else(
            || self.request.from.map(|from| format!("{from:.0}").replace(':', "")).unwrap_or_default(),
            ToString::to_string,
        );
        let name = match (self.request.kind, self.request.locale) {
            (ReportKind::DetailedSales, Locale::Es) => "ventas-detalladas",
            (ReportKind::DetailedSales, Locale::En) => "detailed-sales",
        };
        format!("{name}-{period}.{}", self.request.format.extension())
    }
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
    /// A number, exact.
    Number(Decimal),
    /// A moment, written in UTC.
    Moment(Timestamp),
}

/// A heading and the width of its column in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub heading: Text,
    /// Width.
    pub width: u16,
}

/// Rows as a file.
pub fn write(
    format: Format,
    locale: Locale,
    columns: &[Column],
    rows: &mut dyn Iterator<Item = Vec<Cell>>,
) -> Result<Vec<u8>, ReportError> {
    match format {
        Format::Csv => csv::write(locale, columns, rows),
        Format::Xlsx => xlsx::write(locale, columns, rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(request: &str) -> Result<Report, Malformed> {
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let reach = Reach { person: Some("ANA".parse().unwrap()), any: false };
        Report::asked(serde_json::from_str(request).unwrap(), "R1".parse().unwrap(), "u1", &reach, at)
    }

    #[test]
    fn a_report_is_about_a_cycle_or_a_period() {
        let cases = [
            (r#"{"kind":"detailed-sales","cycle":"2026-10"}"#, None),
            (r#"{"kind":"detailed-sales","from":"2026-10-01T00:00:00Z","to":"2026-10-02T00:00:00Z"}"#, None),
            (r#"{"kind":"detailed-sales"}"#, Some("/cycle")),
            (r#"{"kind":"detailed-sales","cycle":"2026-10","from":"2026-10-01T00:00:00Z"}"#, Some("/cycle")),
            (
                r#"{"kind":"detailed-sales","from":"2026-10-01T00:00:00Z","to":"2026-10-01T00:00:00Z"}"#,
                Some("/to"),
            ),
        ];
        for (request, wrong) in cases {
            let pointer = asked(request).err().map(|Malformed(fields)| fields[0].pointer.clone());
            assert_eq!(pointer.as_deref(), wrong, "{request}");
        }
    }

    #[test]
    fn a_period_is_half_open_and_named_in_the_file() {
        let report =
            asked(r#"{"kind":"detailed-sales","from":"2026-10-01T00:00:00Z","to":"2026-10-02T00:00:00Z","format":"csv"}"#)
                .unwrap();
        assert!(report.covers("2026-10-01T00:00:00Z".parse().unwrap()));
        assert!(!report.covers("2026-10-02T00:00:00Z".parse().unwrap()));
        assert_eq!(report.file_name(), "ventas-detalladas-2026-10-01T000000Z.csv");
        let stored: Report = serde_json::from_value(serde_json::to_value(&report).unwrap()).unwrap();
        assert_eq!(stored, report);
    }
}
