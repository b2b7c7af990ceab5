//! A cycle's commissions: run, approved, paid.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{
    office::{Office, await_body, post, text},
    seed::{Company, PROCESS, put_process},
};
use crate::run;

/// A finished run.
pub(super) struct Run {
    pub(super) id: String,
    /// From the start of the state machine to payables, without the wait for the approval.
    pub(super) work: Duration,
}

/// Runs the monthly process for `cycle`. The last cycle's run is started by the schedule, those before it by hand of the API.
pub(super) fn settle(office: &Office, company: &Company, cycle: &str) -> Result<Run> {
    let id = match known_run(office, cycle)? {
        Some(run) => text(&run, "/id")?,
        None if cycle == company.last_cycle() => started_by_schedule(office, cycle)?,
        None => {
            run::progress(&format!("start the run of {cycle} through the API"));
            let asked = json!({ "process": PROCESS, "cycle": cycle, "mode": "all" });
            let run: Value =
                post(&office.commercial, "/runs", &format!("demo-run-{cycle}"), &asked)?.success()?;
            text(&run, "/id")?
        }
    };
    approve(office, &id)?;
    pay(office, &id)?;
    let path = format!("/runs/{id}");
    let run = await_body(&office.admin, &path, |run| Ok((run["state"] == "paid").then(|| run.clone())))?;
    Ok(Run { work: time_at_work(&run), id })
}

fn known_run(office: &Office, cycle: &str) -> Result<Option<Value>> {
    let path = format!("/runs?process={PROCESS}&cycle={cycle}");
    let listed: Value = office.admin.get(&path)?.success()?;
    let runs = listed["items"].as_array().into_iter().flatten();
    Ok(runs
        .into_iter()
        .find(|run| !matches!(run["state"].as_str(), Some("rejected" | "superseded")))
        .cloned())
}

fn started_by_schedule(office: &Office, cycle: &str) -> Result<String> {
    run::progress(&format!("switch the schedule on and wait until it starts the run of {cycle}"));
    put_process(&office.admin, true)?;
    let path = format!("/runs?process={PROCESS}&cycle={cycle}");
    let id = await_body(&office.admin, &path, |listed| {
        listed["items"].as_array().and_then(|runs| runs.first()).map(|run| text(run, "/id")).transpose()
    })?;
    put_process(&office.admin, false)?;
    Ok(id)
}

fn approve(office: &Office, run: &str) -> Result<()> {
    run::progress(&format!("run {run}: wait for its bonuses, approve them"));
    let path = format!("/runs/{run}");
    let state = await_body(&office.admin, &path, |run| match run["state"].as_str() {
        Some("failed" | "rejected") => bail!("the run stopped: {}", run["failure"]),
        Some(state @ ("waiting" | "paid-pending" | "paid" | "finished")) => Ok(Some(state.to_owned())),
        _ => Ok(None),
    })?;
    if state == "waiting" {
        let decision = json!({ "decision": "approve", "comment": "Revisado en la demostración" });
        post(&office.commercial, &format!("{path}/approval"), &format!("demo-approval-{run}"), &decision)?
            .success::<Value>()?;
    }
    Ok(())
}

/// The treasury file comes out, the bank pays every line of it, the payment file goes in.
fn pay(office: &Office, run: &str) -> Result<()> {
    let path = format!("/runs/{run}");
    let state = await_body(&office.admin, &path, |run| match run["state"].as_str() {
        Some("failed") => bail!("the run stopped: {}", run["failure"]),
        Some(state @ ("paid-pending" | "paid")) => Ok(Some(state.to_owned())),
        _ => Ok(None),
    })?;
    if state == "paid" {
        return Ok(());
    }
    run::progress(&format!("run {run}: take the treasury file out, put the payment file in"));
    let treasury = &office.treasury;
    let link: Value = treasury.get(&format!("{path}/treasury-file"))?.success()?;
    let due = treasury.download(&text(&link, "/url")?)?;
    let payments = paid_by_the_bank(&due)?;
    let file: Value =
        post(treasury, "/payment-files", &format!("demo-payments-{run}"), &json!({}))?.success()?;
    let place = format!("/payment-files/{}", text(&file, "/id")?);
    let known: Value = treasury.get(&place)?.success()?;
    if known["state"] == "expected" {
        treasury.upload(&text(&file, "/upload/url")?, "text/csv", payments)?;
        post(treasury, &format!("{place}/start"), &format!("demo-payments-start-{run}"), &json!({}))?
            .success::<Value>()?;
    }
    await_body(treasury, &place, |file| match file["state"].as_str() {
        Some("applied") => Ok(Some(())),
        Some("refused" | "partly-applied") => bail!("the payment file was refused: {}", file["mistakes"]),
        _ => Ok(None),
    })
}

/// What a bank that pays everything answers to a treasury file.
fn paid_by_the_bank(treasury_file: &[u8]) -> Result<Vec<u8>> {
    let mut reader = csv::Reader::from_reader(treasury_file);
    let header = reader.headers()?.clone();
    let column = |name: &str| {
        header.iter().position(|found| found == name).with_context(|| format!("no column {name}"))
    };
    let (payable, currency, amount) = (column("payable")?, column("currency")?, column("amount")?);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["payable", "currency", "amount", "status", "reference"])?;
    for (number, row) in reader.records().enumerate() {
        let row = row?;
        writer.write_record([
            &row[payable],
            &row[currency],
            &row[amount],
            "paid",
            &format!("ACH-{number:06}"),
        ])?;
    }
    Ok(writer.into_inner()?)
}

/// The time the steps took, from their own records.
fn time_at_work(run: &Value) -> Duration {
    let moment = |value: &Value| value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let steps =
        run["steps"].as_array().into_iter().flatten().filter(|step| step["step"] != "validate-bonuses");
    let spans = steps.filter_map(|step| {
        let attempt = step["attempts"].as_array()?.last()?;
        let span = moment(&attempt["finished_at"])?.duration_since(moment(&attempt["started_at"])?);
        Duration::try_from(span).ok()
    });
    spans.sum()
}
