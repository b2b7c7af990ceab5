//! The REST paths of reports.

use std::sync::Arc;

use aws::{Queue, idempotency::Claim};
use foundation::problem::{Fault, Malformed, NotFound};
use insight::reports::{NewReport, Report, Reports};
use lambda::http::{Call, Reply};
use serde::Serialize;

/// What the paths share.
pub(crate) struct Desk {
    pub(crate) reports: Reports,
    pub(crate) queue: Queue,
}

/// A report with the link to its file, once there is one.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    report: Report,
    link: Option<String>,
}

pub(crate) async fn ask(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let request: NewReport = call.body()?;
    let claim = Claim::new(&caller.subject, call.idempotency_key()?, "ask-report", &request)?;
    let id = lambda::new_id().parse().map_err(|_| Malformed::at("", "no id could be made"))?;
    let report = Report::asked(request, id, &caller.subject, &caller.reach(), call.received_at)?;
    let report = desk.reports.ask_once(report, &claim, &desk.queue, &lambda::correlation()).await?;
    Reply::accepted(format!("/reports/{}", report.id), &Shown { report, link: None })
}

/// A report is shown to who asked for it and to those who reach everybody.
pub(crate) async fn show(desk: Arc<Desk>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let report = desk.reports.find(&call.path("reportId")?).await?;
    if !caller.reach().any && report.requested_by != caller.subject {
        return Err(NotFound("report").into());
    }
    let link = desk.reports.link(&report).await?;
    Reply::ok(&Shown { report, link })
}
