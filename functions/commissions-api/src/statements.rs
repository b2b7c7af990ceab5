//! Settlements of a run, statements of a person, both also as files.

use std::sync::Arc;

use commissions::{
    sheets,
    statement::{LineView, Statement, statement},
    store::Shown,
};
use foundation::{
    id::{PersonId, ProcessId, RunId},
    locale::Locale,
    permission::Permission,
    problem::{Fault, Malformed},
};
use jiff::Timestamp;
use lambda::http::{Call, Reply};
use serde::Serialize;

use crate::shop::{Listed, Shop, must_see_bonuses, sees_bonuses, viewer};

/// Seconds a link to a file works.
const LINK_SECONDS: i64 = 300;
/// The process whose statement is shown unless another is asked for.
const USUAL_PROCESS: &str = "monthly";

#[derive(Serialize)]
struct Link {
    url: String,
    expires_at: Timestamp,
}

impl Link {
    fn made(url: String, call: &Call) -> Self {
        let expires_at = Timestamp::from_second(call.received_at.as_second() + LINK_SECONDS);
        Self { url, expires_at: expires_at.unwrap_or(call.received_at) }
    }
}

fn process(call: &Call) -> Result<ProcessId, Malformed> {
    let usual = || USUAL_PROCESS.parse().map_err(|_| Malformed::at("query:process", "expected a process"));
    call.query("process")?.map_or_else(usual, Ok)
}

pub(crate) async fn settlements(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let run = shop.store.run(&call.path("runId")?).await?;
    let cursor = call.query::<String>("cursor")?;
    let page = shop.store.settlements(&run, call.limit()?, cursor.as_deref()).await?;
    let sees_bonuses = sees_bonuses(call.caller()?, run.is_published());
    let items = page.settlements.into_iter().map(|one| one.listed(&run, sees_bonuses)).collect();
    Reply::ok(&Listed { items, next: page.next })
}

pub(crate) async fn settlements_file(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let id: RunId = call.path("runId")?;
    let run = shop.store.run(&id).await?;
    must_see_bonuses(call.caller()?, run.is_published())?;
    Reply::ok(&Link::made(shop.store.settlements_link(&run).await?, &call))
}

pub(crate) async fn show(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let person = reachable(&shop, &call).await?;
    let page = call.query::<u32>("cursor")?.unwrap_or(1);
    let shown = shop.store.settlement(&person, &process(&call)?, &call.path("cycleId")?, page).await?;
    Reply::ok(&readable(&shown, page, &call)?)
}

pub(crate) async fn file(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let person = reachable(&shop, &call).await?;
    let locale = match call.query::<String>("locale")?.as_deref() {
        None | Some("es") => Locale::Es,
        Some("en") => Locale::En,
        Some(other) => {
            return Err(Malformed::at("query:locale", format!("expected es or en; found {other:?}")).into());
        }
    };
    let (process, cycle) = (process(&call)?, call.path("cycleId")?);
    let mut lines: Vec<LineView> = Vec::new();
    let mut page = 1;
    let settlement = loop {
        let shown = shop.store.settlement(&person, &process, &cycle, page).await?;
        let readable = readable(&shown, page, &call)?;
        lines.extend(readable.lines.unwrap_or_default());
        if readable.next.is_none() {
            break shown.settlement;
        }
        page += 1;
    };
    let partial = call.caller()?.may(Permission::ViewPartialCommissions);
    let audience = format!(
        "{}-{}",
        if partial { "office" } else { "people" },
        if locale == Locale::Es { "es" } else { "en" }
    );
    let csv = sheets::statement(&lines, locale)?;
    Reply::ok(&Link::made(shop.store.statement_link(&settlement, &audience, csv).await?, &call))
}

async fn reachable(shop: &Shop, call: &Call) -> Result<PersonId, Fault> {
    Ok(shop.people.reachable(&call.caller()?.reach(), &call.path("personId")?).await?.id)
}

fn readable(shown: &Shown, page: u32, call: &Call) -> Result<Statement, Fault> {
    let viewer = viewer(call.caller()?);
    let Shown { settlement, lines, before, visibility, legend } = shown;
    Ok(statement(settlement, lines, page, *before, visibility.as_ref(), legend, viewer))
}
