//! `ceiba explain`.

use std::{fs, path::Path};

use engine::Reason;
use simulation::{Manifest, StoreError, Stored};

use crate::{
    Done,
    args::Explain,
    failure::{Cause, Failure},
    output,
};

pub(crate) fn run(args: &Explain) -> Done {
    let manifest = read_manifest(&args.run)?;
    let stored = read_stored(&args.run, &manifest)?;
    let reasons = reasons(&stored, args)?;
    let text = if args.json {
        let json = serde_json::to_string_pretty(&reasons);
        json.map_err(|error| Failure::new(Cause::Internal, error.to_string()))? + "\n"
    } else {
        reasons.iter().map(|reason| reason.render(args.locale)).collect()
    };
    output::print(&text)
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

fn reasons(stored: &Stored, args: &Explain) -> Result<Vec<Reason>, Failure> {
    let unknown =
        |what: &str, name: &str| Failure::new(Cause::Unknown, format!("the run knows no {what} {name:?}"));
    let failed = |error: engine::EngineError| Failure::new(Cause::Computation, error.to_string());
    let row = stored.snapshot.people.row(&args.person).ok_or_else(|| unknown("person", &args.person))?;
    let run = stored.run();
    let lines = || stored.payouts.of(row).iter();
    if let Some(code) = &args.indicator {
        if stored.indicators.column(code).is_none() {
            return Err(unknown("indicator", code));
        }
        return Ok(vec![run.explain_indicator(code, row).map_err(failed)?]);
    }
    if let Some(code) = &args.rank {
        let rank = stored.plan.rank_position(code).ok_or_else(|| unknown("rank", code))?;
        return Ok(run.explain_rank(row, rank).map_err(failed)?.into_iter().collect());
    }
    if let Some(id) = &args.order {
        let orders = &stored.snapshot.orders;
        let order = (0..orders.len()).find(|order| orders.ids.get(*order) == id);
        let order = order.and_then(|order| u32::try_from(order).ok()).ok_or_else(|| unknown("order", id))?;
        let of_order = lines().filter(|line| line.order == order);
        return Ok(of_order.map(|line| run.explain_line(&stored.payouts, line)).collect());
    }
    if let Some(code) = &args.bonus {
        let known = stored.payouts.bonuses.iter().any(|bonus| bonus.code == *code);
        if !known {
            return Err(unknown("bonus", code));
        }
        let mut reasons: Vec<Reason> = lines()
            .filter(|line| stored.payouts.code(line) == code)
            .map(|line| run.explain_line(&stored.payouts, line))
            .collect();
        if reasons.is_empty() {
            reasons.extend(run.explain_condition(code, row).map_err(failed)?);
        }
        return Ok(reasons);
    }
    let mut reasons = Vec::new();
    let rank = stored.ranked.ranks.paid.get(row as usize).copied().unwrap_or(0);
    reasons.extend(run.explain_rank(row, rank).map_err(failed)?);
    reasons.extend(lines().map(|line| run.explain_line(&stored.payouts, line)));
    Ok(reasons)
}
