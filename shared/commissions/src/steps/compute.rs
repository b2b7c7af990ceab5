//! The steps that only compute: files in, files out.

use bytes::Bytes;
use engine::{
    BonusContext, Carried, CycleResults, Indicators, Payouts, Ranked, SettledCycle, Snapshot, codec,
};
use foundation::problem::Fault;
use jiff::{Timestamp, tz::TimeZone};
use plan::{Plan, document::AfterSettlement};

use super::{Made, earlier_plan, earlier_snapshot, input_context, input_snapshot, parts::Pieces};
use crate::{
    freeze::{Context, Earlier, under_plan},
    step::Step,
    store::{Commissions, Inputs, Work},
    task::{Answer, Task},
};

/// All indicators that do not need this cycle's ranks.
pub async fn calculate_indicators(store: &Commissions, task: &Task, now: Timestamp) -> Result<Answer, Fault> {
    let Some(mut work) = store.open(task).await? else { return Ok(task.done()) };
    if work.manifest().is_none() {
        let made = match Pieces::of(store, &mut work).await? {
            Some(pieces) => pieces.joined_indicators(store, &mut work).await?,
            None => all_indicators(store, &mut work).await?,
        };
        store.seal(&mut work, made).await?;
    }
    store.finish(&work, now).await?;
    Ok(task.done())
}

async fn all_indicators(store: &Commissions, work: &mut Work) -> Result<Made, Fault> {
    let plan = store.input_plan(work).await?;
    let snapshot = input_snapshot(store, work).await?;
    let past = Past::read(store, work, &plan).await?;
    let results = past.results();
    let indicators = engine::calculate_indicators(&snapshot, &plan, past.context(&results))?;
    made_indicators(&indicators, &snapshot)
}

/// What the step `calculate-indicators` writes.
pub(super) fn made_indicators(indicators: &Indicators, snapshot: &Snapshot) -> Result<Made, Fault> {
    Ok(Made::default()
        .parquet("indicators.parquet", codec::encode_indicators(indicators, snapshot)?)
        .count("people", snapshot.people.len())
        .count("indicators", indicators.columns.len())
        .count("active", indicators.active.iter().filter(|active| **active).count()))
}

/// The earlier cycles that the plan's indicators look at, the latest first.
#[derive(Default)]
pub(super) struct Past {
    snapshots: Vec<Snapshot>,
    /// What they computed, where the plan looks at that; nothing for a run without ranks.
    results: Vec<Option<EarlierResults>>,
}

/// What an earlier cycle computed, before ranks and after.
type EarlierResults = (Indicators, Ranked);

/// The earlier runs that a plan looks at, the latest first.
pub(super) struct Earliers<'a> {
    runs: Vec<&'a Earlier>,
    with_results: bool,
}

impl<'a> Earliers<'a> {
    pub(super) fn needed(context: &'a Context, plan: &Plan) -> Self {
        let needed = engine::history_needed(plan);
        let zone = TimeZone::get(&plan.document().time_zone).unwrap_or(TimeZone::UTC);
        let runs = if needed.is_nothing() { Vec::new() } else { needed_cycles(context, &needed, &zone) };
        Self { runs, with_results: needed.results }
    }

    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    pub(super) async fn read(
        &self,
        store: &Commissions,
        inputs: &mut Inputs,
        plan: &Plan,
        back: usize,
    ) -> Result<(Snapshot, Option<EarlierResults>), Fault> {
        let earlier = self.runs[back];
        let snapshot = earlier_snapshot(store, inputs, earlier).await?;
        let results = if self.with_results {
            earlier_results(store, inputs, earlier, &snapshot, plan).await?
        } else {
            None
        };
        Ok((snapshot, results))
    }
}

impl Past {
    pub(super) async fn read(store: &Commissions, work: &mut Work, plan: &Plan) -> Result<Self, Fault> {
        if engine::history_needed(plan).is_nothing() {
            return Ok(Self::default());
        }
        let context = input_context(store, work).await?;
        Self::of(store, &mut work.inputs, &context, plan).await
    }

    /// Those of `context`.
    pub(super) async fn of(
        store: &Commissions,
        inputs: &mut Inputs,
        context: &Context,
        plan: &Plan,
    ) -> Result<Self, Fault> {
        let mut past = Self::default();
        let earliers = Earliers::needed(context, plan);
        for back in 0..earliers.len() {
            let (snapshot, results) = earliers.read(store, inputs, plan, back).await?;
            past.push(snapshot, results);
        }
        Ok(past)
    }

    pub(super) fn push(&mut self, snapshot: Snapshot, results: Option<EarlierResults>) {
        self.snapshots.push(snapshot);
        self.results.push(results);
    }

    pub(super) fn context<'a>(&'a self, results: &'a [Option<CycleResults<'a>>]) -> engine::Context<'a> {
        engine::Context { history: &self.snapshots, results, ..engine::Context::default() }
    }

    pub(super) fn results(&self) -> Vec<Option<CycleResults<'_>>> {
        self.results
            .iter()
            .map(|known| {
                let (indicators, ranked) = known.as_ref()?;
                Some(CycleResults { indicators, after_ranks: Some(&ranked.indicators), ranks: &ranked.ranks })
            })
            .collect()
    }
}

/// What an earlier run computed, its ranks numbered as the plan of today does; nothing if it computed no ranks.
async fn earlier_results(
    store: &Commissions,
    inputs: &mut Inputs,
    earlier: &Earlier,
    snapshot: &Snapshot,
    plan: &Plan,
) -> Result<Option<EarlierResults>, Fault> {
    let files = ["indicators.parquet", "ranks.parquet", "rank-indicators.parquet"];
    let [Some(before), Some(ranks), Some(after)] = files.map(|name| earlier.file(name)) else {
        return Ok(None);
    };
    let then = earlier_plan(store, inputs, earlier, snapshot).await?;
    let ranks = codec::decode_ranks(store.input_file(inputs, ranks).await?)?;
    let ranked = Ranked {
        ranks: under_plan(ranks, &then, plan),
        indicators: codec::decode_indicators(store.input_file(inputs, after).await?)?,
    };
    Ok(Some((codec::decode_indicators(store.input_file(inputs, before).await?)?, ranked)))
}

/// Which earlier runs a plan looks at. A cycle is of the period its last day is of.
fn needed_cycles<'a>(
    context: &'a Context,
    needed: &engine::HistoryNeeded,
    zone: &TimeZone,
) -> Vec<&'a Earlier> {
    let wanted =
        |(place, earlier): &(usize, &Earlier)| needed.wants(*place, &earlier.cycle, &context.cycle, zone);
    context.earlier.iter().enumerate().filter(wanted).map(|(_, earlier)| earlier).collect()
}

/// Ranks, then the indicators that need them.
pub async fn calculate_rank(store: &Commissions, task: &Task, now: Timestamp) -> Result<Answer, Fault> {
    let Some(mut work) = store.open(task).await? else { return Ok(task.done()) };
    if work.manifest().is_none() {
        let made = match Pieces::of(store, &mut work).await? {
            Some(pieces) => pieces.joined_ranks(store, &mut work).await?,
            None => all_ranks(store, &mut work).await?,
        };
        store.seal(&mut work, made).await?;
    }
    store.finish(&work, now).await?;
    Ok(task.done())
}

async fn all_ranks(store: &Commissions, work: &mut Work) -> Result<Made, Fault> {
    let plan = store.input_plan(work).await?;
    let snapshot = input_snapshot(store, work).await?;
    let past = Past::read(store, work, &plan).await?;
    let results = past.results();
    let indicators = store.input(work, Step::CalculateIndicators, "indicators.parquet").await?;
    let indicators = codec::decode_indicators(indicators)?;
    let ranked = engine::calculate_ranks(&snapshot, &indicators, &plan, past.context(&results))?;
    made_ranks(&ranked, &snapshot)
}

/// What the step `calculate-rank` writes.
pub(super) fn made_ranks(ranked: &Ranked, snapshot: &Snapshot) -> Result<Made, Fault> {
    Ok(Made::default()
        .parquet("ranks.parquet", codec::encode_ranks(&ranked.ranks, snapshot)?)
        .parquet("rank-indicators.parquet", codec::encode_indicators(&ranked.indicators, snapshot)?)
        .count("people", snapshot.people.len())
        .count("ranked", ranked.ranks.paid.iter().filter(|rank| **rank != 0).count()))
}

/// The results of `calculate-rank`.
pub(super) async fn input_ranked(store: &Commissions, work: &mut Work) -> Result<Ranked, Fault> {
    let ranks = store.input(work, Step::CalculateRank, "ranks.parquet").await?;
    let indicators = store.input(work, Step::CalculateRank, "rank-indicators.parquet").await?;
    Ok(Ranked { ranks: codec::decode_ranks(ranks)?, indicators: codec::decode_indicators(indicators)? })
}

/// Payout lines with their traces, and the settlements they add up to.
pub async fn calculate_bonuses(store: &Commissions, task: &Task, now: Timestamp) -> Result<Answer, Fault> {
    let Some(mut work) = store.open(task).await? else { return Ok(task.done()) };
    if work.manifest().is_none() {
        let plan = store.input_plan(&mut work).await?;
        let snapshot = input_snapshot(store, &mut work).await?;
        let indicators = store.input(&mut work, Step::CalculateIndicators, "indicators.parquet").await?;
        let indicators = codec::decode_indicators(indicators)?;
        let ranked = input_ranked(store, &mut work).await?;
        let context = input_context(store, &mut work).await?;
        let settled = settled(store, &mut work.inputs, &context, &plan, &snapshot).await?;
        let settled: Vec<_> =
            settled.iter().map(|(snapshot, payouts)| SettledCycle { snapshot, payouts }).collect();
        let carried = carried(store, &mut work.inputs, &context).await?;
        let process = work.place().process.clone();
        let bonus_context = BonusContext {
            settled: &settled,
            carried: carried.as_ref(),
            process: Some(process.as_str()),
            // What is paid on account comes with the processes of additional calendars.
            advances: &[],
        };
        let payouts = engine::calculate_bonuses(&snapshot, &indicators, &ranked, &plan, bonus_context)?;
        let settlements = engine::Settlements::of(&snapshot, &indicators, &ranked.ranks, &payouts, &plan)?;
        let made = Made::default()
            .parquet("payouts.parquet", codec::encode_payouts(&payouts, &snapshot)?)
            .parquet("settlements.parquet", codec::encode_settlements(&settlements)?)
            .parquet("awards.parquet", codec::encode_awards(&payouts, &snapshot)?)
            .parquet("carried.parquet", codec::encode_carried(&payouts.carried, &snapshot)?)
            .json("totals.json", &payouts.totals())?
            .count("lines", payouts.lines.len())
            .count("people", settlements.len())
            .count("awards", payouts.awards.len())
            .count("carried", payouts.carried.0.len())
            .count("earners", settlements.n_earners())
            .count("not_undone", payouts.not_undone.len());
        store.seal(&mut work, made).await?;
    }
    store.finish(&work, now).await?;
    Ok(task.done())
}

/// What the latest earlier run that computed bonuses handed on. Its files are those the context froze when the network was
/// integrated, so that every attempt reads the same.
pub(super) async fn carried(
    store: &Commissions,
    inputs: &mut Inputs,
    context: &Context,
) -> Result<Option<Carried>, Fault> {
    let latest = context.earlier.iter().find_map(|earlier| earlier.file("carried.parquet"));
    match latest {
        Some(file) => Ok(Some(codec::decode_carried(store.input_file(inputs, file).await?)?)),
        None => Ok(None),
    }
}

/// The earlier cycles in which orders were sold that came back in this one and are undone, the latest first.
pub(super) async fn settled(
    store: &Commissions,
    inputs: &mut Inputs,
    context: &Context,
    plan: &Plan,
    snapshot: &Snapshot,
) -> Result<Vec<(Snapshot, Payouts)>, Fault> {
    if plan.document().returns.after_settlement != AfterSettlement::Undo {
        return Ok(Vec::new());
    }
    let orders = &snapshot.orders;
    let mut sold: Vec<&str> = (0..orders.len())
        .filter(|order| orders.is_late[*order])
        .map(|order| orders.reverses.get(order))
        .collect();
    if sold.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for earlier in &context.earlier {
        let (Some(payouts), false) = (earlier.file("payouts.parquet"), sold.is_empty()) else { continue };
        let before = earlier_snapshot(store, inputs, earlier).await?;
        let open = sold.len();
        sold.retain(|sale| before.orders.row(sale).is_none());
        if sold.len() < open {
            let payouts: Bytes = store.input_file(inputs, payouts).await?;
            found.push((before, codec::decode_payouts(payouts)?));
        }
    }
    Ok(found)
}

/// Writes the honorific ranks the next cycle starts from.
pub async fn apply_honorific_rank(store: &Commissions, task: &Task, now: Timestamp) -> Result<Answer, Fault> {
    let Some(mut work) = store.open(task).await? else { return Ok(task.done()) };
    if work.manifest().is_none() {
        let snapshot = input_snapshot(store, &mut work).await?;
        let ranks = store.input(&mut work, Step::CalculateRank, "ranks.parquet").await?;
        let ranks = codec::decode_ranks(ranks)?;
        let raised =
            ranks.honorific.iter().zip(&snapshot.people.honorific_rank).filter(|(now, before)| before < now);
        let made = Made::default()
            .count("people", ranks.honorific.len())
            .count("raised", raised.count())
            .parquet("honorific.parquet", codec::encode_ranks(&ranks, &snapshot)?);
        store.seal(&mut work, made).await?;
    }
    store.finish(&work, now).await?;
    Ok(task.done())
}

#[cfg(test)]
mod tests {
    use foundation::cycle::Cycle;

    use super::*;

    fn month(month: i8) -> Cycle {
        let first = jiff::civil::date(2026, 1, 1).checked_add(jiff::Span::new().months(month)).unwrap();
        let last = first.last_of_month();
        let zone = TimeZone::get("America/Bogota").unwrap();
        Cycle::of_days(format!("{first}").parse().unwrap(), first, last, &zone).unwrap()
    }

    #[test]
    fn a_plan_looks_at_the_last_cycles_and_at_those_of_the_year() {
        let earlier = |cycle| Earlier { cycle, run: "R".parse().unwrap(), files: vec![] };
        let context =
            Context { cycle: month(2), earlier: (1..6).map(|back| earlier(month(2 - back))).collect() };
        let zone = TimeZone::get("America/Bogota").unwrap();
        let looked_at = |cycles, calendar_year: bool| {
            let period = calendar_year.then_some(plan::bonus::Period::Year);
            let needed = engine::HistoryNeeded { cycles, period, ..engine::HistoryNeeded::default() };
            let found = needed_cycles(&context, &needed, &zone);
            found.iter().map(|one| one.cycle.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(looked_at(1, false), ["2026-02-01"]);
        assert_eq!(looked_at(0, true), ["2026-02-01", "2026-01-01"]);
        assert_eq!(looked_at(3, true), ["2026-02-01", "2026-01-01", "2025-12-01"]);
    }
}
