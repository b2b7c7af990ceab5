//! `ceiba explain` and `ceiba nearly`.

use std::{fs, path::Path};

use engine::{OrderSheet, Reason, WhyNot};
use serde::Serialize;
use simulation::{Manifest, StoreError, Stored};

use crate::{
    Done,
    args::{Explain, Nearly},
    failure::{Cause, Failure},
    output,
};

pub(crate) fn run(args: &Explain) -> Done {
    let stored = read_run(&args.run)?;
    let answer = answer(&stored, args)?;
    let text = if args.json {
        // Where there are only reasons, they are the answer.
        if answer.sheet.is_none() && answer.why_not.is_none() {
            json(&answer.reasons)?
        } else {
            json(&answer)?
        }
    } else {
        let sheet = answer.sheet.as_ref().map(OrderSheet::reason);
        let why_not = answer.why_not.as_ref().map(WhyNot::reason);
        answer.reasons.iter().chain(&sheet).chain(&why_not).map(|reason| reason.render(args.locale)).collect()
    };
    output::print(&text)
}

/// `ceiba nearly`.
pub(crate) fn nearly(args: &Nearly) -> Done {
    let stored = read_run(&args.run)?;
    let run = stored.run();
    let found = match (&args.rank, &args.bonus) {
        (Some(code), _) => {
            let rank = stored.plan.rank_position(code).ok_or_else(|| unknown("rank", code))?;
            run.nearly_rank(rank, args.limit)
        }
        (None, Some(code)) => match run.nearly_bonus(code, args.limit) {
            Ok(None) => return Err(unknown("bonus", code)),
            found => found,
        },
        (None, None) => Ok(None),
    };
    let found = found.map_err(failed)?.unwrap_or_default();
    let text = if args.json {
        json(&found)?
    } else {
        found.iter().map(|one| one.reason().render(args.locale)).collect()
    };
    output::print(&text)
}

/// What is said of a person.
#[derive(Debug, Default, Serialize)]
struct Answer {
    reasons: Vec<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sheet: Option<OrderSheet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<WhyNot>,
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(value);
    Ok(json.map_err(|error| Failure::new(Cause::Internal, error.to_string()))? + "\n")
}

fn unknown(what: &str, name: &str) -> Failure {
    Failure::new(Cause::Unknown, format!("the run knows no {what} {name:?}"))
}

fn failed(error: engine::EngineError) -> Failure {
    Failure::new(Cause::Computation, error.to_string())
}

fn read_run(folder: &Path) -> Result<Stored, Failure> {
    read_stored(folder, &read_manifest(folder)?)
}

/// The manifest of the run in a folder.
pub(crate) fn read_manifest(folder: &Path) -> Result<Manifest, Failure> {
    let path = folder.join(output::MANIFEST);
    let bytes = fs::read(&path).map_err(|error| Failure::file(&path, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::file(&path, &error))
}

/// The run in a folder.
pub(crate) fn read_stored(folder: &Path, manifest: &Manifest) -> Result<Stored, Failure> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path)
            .map_err(|error| StoreError::File { file: path.display().to_string(), reason: error.to_string() })
    };
    Stored::read(manifest.settings.format, &read)
        .map_err(|error| Failure::new(Cause::File, format!("{}: {error}", folder.display())))
}

fn answer(stored: &Stored, args: &Explain) -> Result<Answer, Failure> {
    let row = stored.snapshot.people.row(&args.person).ok_or_else(|| unknown("person", &args.person))?;
    let run = stored.run();
    let lines = || stored.payouts.of(row).iter();
    let explained = |line| run.explain_line(&stored.payouts, line);
    let only = |reasons: Vec<Reason>| Answer { reasons, ..Answer::default() };
    if let Some(code) = &args.indicator {
        if stored.indicators.column(code).is_none() {
            return Err(unknown("indicator", code));
        }
        return Ok(only(vec![run.explain_indicator(code, row).map_err(failed)?]));
    }
    if let Some(code) = &args.rank {
        let rank = stored.plan.rank_position(code).ok_or_else(|| unknown("rank", code))?;
        let reasons = run.explain_rank(row, rank).map_err(failed)?.into_iter().collect();
        let why_not = run.why_not_rank(row, rank).map_err(failed)?;
        return Ok(Answer { why_not, ..only(reasons) });
    }
    if let Some(id) = &args.order {
        let order = stored.snapshot.orders.row(id).and_then(|order| u32::try_from(order).ok());
        let order = order.ok_or_else(|| unknown("order", id))?;
        let reasons = lines().filter(|line| line.order == order).map(explained).collect();
        let sheet = Some(run.order_sheet(order).map_err(failed)?);
        return Ok(Answer { sheet, ..only(reasons) });
    }
    if let Some(code) = &args.bonus {
        let known = stored.payouts.bonuses.iter().any(|bonus| bonus.code == *code);
        if !known {
            return Err(unknown("bonus", code));
        }
        let of_bonus = lines().filter(|line| stored.payouts.code(line) == code);
        let mut reasons: Vec<Reason> = of_bonus.map(explained).collect();
        if reasons.is_empty() {
            reasons.extend(run.explain_condition(code, row).map_err(failed)?);
        }
        let why_not = run.why_not_bonus(&stored.payouts, code, row).map_err(failed)?;
        return Ok(Answer { why_not, ..only(reasons) });
    }
    let rank = stored.ranked.ranks.paid.get(row as usize).copied().unwrap_or(0);
    let mut reasons: Vec<Reason> = run.explain_rank(row, rank).map_err(failed)?.into_iter().collect();
    reasons.extend(lines().map(explained));
    Ok(only(reasons))
}
