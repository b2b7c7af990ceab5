//! The steps that show results: `integrate-indicators` writes settlements and statements, `validate-bonuses` checks and waits.

use bytes::Bytes;
use engine::{Finding, Indicators, Payouts, Ranked, Ranks, Snapshot, codec};
use foundation::problem::{Fault, Kind, Problem};
use jiff::Timestamp;

use super::{Made, compute::input_ranked, input_context, input_snapshot};
use crate::{
    manifest::FileError,
    run::ManifestReference,
    settlement::{BonusAmount, Legend, LinePage, Settlement, indicators_of, lines_of, pages},
    sheets,
    step::Step,
    store::{Commissions, Work},
    task::{Answer, Task},
};

/// People whose items are written in one go: a bound on memory, not on the table.
const PEOPLE_AT_ONCE: usize = 2_000;

/// Everything that settlements are made of.
struct Results {
    snapshot: Snapshot,
    plan: plan::Plan,
    indicators: Indicators,
    ranked: Ranked,
    payouts: Payouts,
}

async fn results(store: &Commissions, work: &mut Work) -> Result<Results, Fault> {
    let plan = store.input_plan(work).await?;
    let snapshot = input_snapshot(store, work).await?;
    let indicators = store.input(work, Step::CalculateIndicators, "indicators.parquet").await?;
    let indicators = codec::decode_indicators(indicators)?;
    let people = snapshot.people.len();
    let ranked = if work.run.result(Step::CalculateRank).is_some() {
        input_ranked(store, work).await?
    } else {
        // A process may show indicators before there are ranks; then there are none.
        Ranked {
            ranks: Ranks {
                earned: vec![0; people],
                paid: vec![0; people],
                honorific: snapshot.people.honorific_rank.clone(),
                grace_used: vec![0; people],
                ..Ranks::default()
            },
            indicators: Indicators::default(),
        }
    };
    let payouts = if work.run.result(Step::CalculateBonuses).is_some() {
        codec::decode_payouts(store.input(work, Step::CalculateBonuses, "payouts.parquet").await?)?
    } else {
        Payouts::default()
    };
    Ok(Results { snapshot, plan, indicators, ranked, payouts })
}

impl Results {
    /// The settlement of each person with the pages of its lines, in the order of the snapshot.
    fn settlements(&self, work: &Work) -> Result<Vec<(Settlement, Vec<LinePage>)>, Fault> {
        let place = work.place();
        let settled =
            engine::settle(&self.snapshot, &self.indicators, &self.ranked.ranks, &self.payouts, &self.plan)?;
        let computed = [&self.indicators, &self.ranked.indicators];
        let mut people = Vec::with_capacity(settled.len());
        for one in settled {
            let lines = lines_of(self.payouts.of(one.row), &self.payouts, &self.snapshot);
            let pages = pages(&lines, &place.run, place.attempt)
                .map_err(|source| FileError::Unreadable { what: "a page of statement lines", source })?;
            let person = one.person.parse();
            let person =
                person.map_err(|_| FileError::Damaged { key: format!("people.parquet: {}", one.person) })?;
            let amount = |paid: engine::BonusAmount| BonusAmount {
                bonus: paid.bonus,
                amount: paid.amount,
                lines: paid.lines,
            };
            let settlement = Settlement {
                person,
                run: place.run.clone(),
                attempt: place.attempt,
                process: place.process.clone(),
                cycle: place.cycle.clone(),
                active: one.active,
                earned_rank: one.earned_rank,
                paid_rank: one.paid_rank,
                honorific_rank: one.honorific_rank,
                currency: one.currency,
                total: one.total,
                bonuses: one.bonuses.into_iter().map(amount).collect(),
                indicators: indicators_of(one.row, &computed),
                lines: u32::try_from(lines.len()).unwrap_or(u32::MAX),
                pages: u32::try_from(pages.len()).unwrap_or(u32::MAX),
            };
            people.push((settlement, pages));
        }
        Ok(people)
    }
}

/// Writes settlements and statements so that they can be read.
pub async fn integrate_indicators(store: &Commissions, task: &Task, now: Timestamp) -> Result<Answer, Fault> {
    let Some(mut work) = store.open(task).await? else { return Ok(task.done()) };
    if work.manifest().is_none() {
        let results = results(store, &mut work).await?;
        let legend = Legend::of(&results.plan, Some(&results.payouts));
        let mut people = results.settlements(&work)?;
        let csv = sheets::settlements(people.iter().map(|(settlement, _)| settlement), &legend)?;
        let lines: usize = people.iter().map(|(settlement, _)| settlement.lines as usize).sum();
        let made = Made::default().count("people", people.len()).count("lines", lines).file(
            "settlements.csv",
            csv,
            "text/csv; charset=utf-8",
        );
        store.write_legend(&work.run, &legend).await?;
        while !people.is_empty() {
            let rest = people.split_off(people.len().min(PEOPLE_AT_ONCE));
            store.write_settlements(std::mem::replace(&mut people, rest)).await?;
        }
        store.seal(&mut work, made).await?;
    }
    store.finish(&work, now).await?;
    Ok(task.done())
}

/// Checks that somebody has to settle before bonuses can be shown.
#[derive(Debug, thiserror::Error)]
#[error("{count} check(s) failed: {said}")]
struct Blocked {
    count: usize,
    said: String,
}

impl Problem for Blocked {
    fn kind(&self) -> Kind {
        Kind::Rejected
    }
    fn code(&self) -> &'static str {
        "run.checks-failed"
    }
}

/// A step that waits was not told what to be called back with.
#[derive(Debug, thiserror::Error)]
#[error("the step waits and was given no task token")]
struct NoToken;

impl Problem for NoToken {
    fn kind(&self) -> Kind {
        Kind::Internal
    }
    fn code(&self) -> &'static str {
        "run.no-token"
    }
}

/// Checks the bonuses, then lets the run wait for approval. A check that blocks is a failure of the step.
pub async fn validate_bonuses(store: &Commissions, task: &Task, now: Timestamp) -> Result<Answer, Fault> {
    let Some(mut work) = store.open(task).await? else { return Ok(task.done()) };
    if work.manifest().is_none() {
        let findings = findings(store, &mut work).await?;
        let blocking = findings.iter().filter(|finding| finding.blocks).count();
        let made = Made::default().count("blocking", blocking).count("warnings", findings.len() - blocking);
        store.seal(&mut work, made.json("report.json", &findings)?).await?;
    }
    let counts = work.manifest().map(|manifest| manifest.counts.clone()).unwrap_or_default();
    if 0 < counts.get("blocking").copied().unwrap_or_default() {
        store.note(&work).await?;
        let findings: Vec<Finding> = store.report(&work).await?;
        let said: Vec<_> =
            findings.iter().filter(|finding| finding.blocks).map(|finding| finding.text.en.clone()).collect();
        return Err(Blocked {
            count: said.len(),
            said: said.into_iter().take(20).collect::<Vec<_>>().join("; "),
        }
        .into());
    }
    store.wait(&work, task.token.as_deref().ok_or(NoToken)?, &task.correlation, now).await?;
    Ok(task.done())
}

async fn findings(store: &Commissions, work: &mut Work) -> Result<Vec<Finding>, Fault> {
    let plan = store.input_plan(work).await?;
    let snapshot = input_snapshot(store, work).await?;
    let payouts = store.input(work, Step::CalculateBonuses, "payouts.parquet").await?;
    let payouts = codec::decode_payouts(payouts)?;
    let settlements = store.input(work, Step::CalculateBonuses, "settlements.parquet").await?;
    let settlements = codec::decode_settlements(settlements)?;
    let context = input_context(store, work).await?;
    let last = context.earlier.first().and_then(|earlier| earlier.file("settlements.parquet"));
    let last = match last {
        Some(file) => Some(codec::decode_settlements(store.input_file(&mut work.inputs, file).await?)?),
        None => None,
    };
    Ok(engine::check_settlements(&settlements, &payouts, &snapshot, &plan, last.as_deref()))
}

impl Commissions {
    /// The list of violations or findings that a sealed attempt wrote.
    pub(crate) async fn report<T: serde::de::DeserializeOwned>(&self, work: &Work) -> Result<Vec<T>, Fault> {
        let manifest = work.manifest().ok_or(FileError::NoResult { step: work.place().step })?;
        let bytes = self.fetch(manifest.output("report.json")?).await?;
        Ok(read_report(&bytes)?)
    }

    /// The list of violations or findings behind a manifest that an attempt is noted with.
    pub async fn report_of(&self, reference: &ManifestReference) -> Result<Vec<serde_json::Value>, Fault> {
        let manifest = self.manifest_at(reference).await?;
        let bytes: Bytes = self.fetch(manifest.output("report.json")?).await?;
        Ok(read_report(&bytes)?)
    }
}

fn read_report<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>, FileError> {
    serde_json::from_slice(bytes).map_err(|source| FileError::Unreadable { what: "report.json", source })
}
