//! From a message of the queue to a file.

use std::sync::Arc;

use calendar::Calendar;
use foundation::problem::{Fault, Kind};
use insight::reports::{self, Report, ReportState, Reports, Work, detailed_sales};
use lambda::queue::Message;
use network::People;
use orders::Orders;

use crate::collect;

/// Deliveries after which a report is given up: the next one would go to the dead letters.
const DELIVERIES_MAX: u32 = 5;

/// What making reports needs.
pub(crate) struct Press {
    pub(crate) reports: Reports,
    pub(crate) people: People,
    pub(crate) orders: Orders,
    pub(crate) calendar: Calendar,
}

/// A report that the rules refuse has failed; a fault is tried again, and told to who waits when it was tried for the last time.
pub(crate) async fn handle(press: Arc<Press>, message: Message) -> Result<(), Fault> {
    let work: Work = message.read()?;
    let report = press.reports.find(&work.report).await?;
    if matches!(report.state, ReportState::Ready | ReportState::Failed) {
        return Ok(());
    }
    let Err(fault) = make(&press, &report).await else { return Ok(()) };
    let refused = matches!(fault.kind(), Kind::Rejected | Kind::Invalid | Kind::NotFound);
    if refused || DELIVERIES_MAX <= message.deliveries {
        press.reports.fail(&report.id, fault.code()).await?;
    }
    if refused { Ok(()) } else { Err(fault) }
}

async fn make(press: &Press, report: &Report) -> Result<(), Fault> {
    press.reports.progressed(&report.id, 0).await?;
    let sales = collect::sales(press, report).await?;
    let rows = sales.iter().map(|(sale, _)| sale.lines.len()).sum::<usize>();
    let (format, locale) = (report.request.format, report.request.locale);
    let mut lines = sales.iter().flat_map(|(sale, buyer)| detailed_sales::rows(sale, buyer, locale));
    let file = reports::write(format, locale, &detailed_sales::columns(), &mut lines)?;
    press.reports.finish(report, u64::try_from(rows).unwrap_or_default(), file).await?;
    Ok(())
}
