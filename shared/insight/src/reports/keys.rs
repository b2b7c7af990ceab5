//! Key shapes of reports in the area's table and bucket.
//!
//! | what | pk | sk |
//! | --- | --- | --- |
//! | report | `REPORT#<id>` | `REPORT` |
//!
//! Its file is the object `reports/<id>.<extension>`.

use aws::Key;
use foundation::id::ReportId;

use super::Report;

pub(super) fn report(id: &ReportId) -> Key {
    Key::new(format!("REPORT#{id}"), "REPORT")
}

pub(super) fn object(report: &Report) -> String {
    format!("reports/{}.{}", report.id, report.request.format.extension())
}
