//! Stored runs, computed anew under another plan and compared with what was stored.
//!
//! A cycle sees what its run saw: the frozen network and exchange rates, and the earlier runs its context names. Only what depends on the plan
//! is frozen anew. What is computed is written as the steps of a run write it, so that the next cycle reads it in the place of what was stored.

use bytes::Bytes;
use engine::{BonusContext, Indicators, Payouts, Ranked, SettledCycle, Snapshot, codec};
use foundation::{digest::sha256_hex, problem::Fault};
use jiff::Timestamp;
use plan::Plan;
use simulation::{Comparing, Format, Side};

use super::{
    JSON, PARQUET,
    compute::{Past, carried, settled},
    earlier_plan, earlier_snapshot,
    integrate::previous,
};
use crate::{
    freeze::{CONTEXT, Context, Earlier},
    keys,
    manifest::{FileError, FileReference},
    simulations::{CycleSummary, Simulation, SimulationManifest, fits},
    store::{Commissions, Inputs, checked},
};

/// Does a simulation that has not come to its end. Doing it again gives the same files. `now` tells the time at the end.
pub async fn simulate(
    store: &Commissions,
    simulation: &Simulation,
    now: fn() -> Timestamp,
) -> Result<(), Fault> {
    store.simulation_progressed(&simulation.id, 0).await?;
    let document = store.plan_document(&simulation.plan.hash).await?;
    let plan = checked(&document, &simulation.plan.hash)?;
    let (context, last) = store.stored_run(simulation).await?;
    let mut work = Anew {
        store,
        simulation,
        plan_file: plan_file(&plan, &document),
        plan,
        inputs: Inputs::default(),
        outputs: Vec::new(),
        runs: Vec::new(),
    };
    let mut total: Option<Comparing> = None;
    let mut by_cycle = Vec::new();
    for (done, stored) in (1..).zip(simulation.chain(last, &context)?) {
        let (before, after) = work.cycle(&stored).await?;
        let (a, b) = (before.side(), after.side());
        match &mut total {
            Some(total) => total.add(a, b),
            None => total = Some(Comparing::of(a, b)),
        }
        let summary = Comparing::of(a, b).finish().summary;
        by_cycle.push(CycleSummary { cycle: stored.cycle.id, run: stored.run, summary });
        store.simulation_progressed(&simulation.id, done).await?;
    }
    match total {
        Some(total) => work.finish(total, &by_cycle, now).await,
        None => Ok(()),
    }
}

/// The document of the other plan, as files of a run name theirs.
fn plan_file(plan: &Plan, document: &[u8]) -> FileReference {
    FileReference {
        name: "plan.json".to_owned(),
        key: keys::plan_document(plan.hash()),
        sha256: sha256_hex(document),
        bytes: document.len() as u64,
    }
}

/// A cycle under one of the plans.
struct Paid {
    plan: Plan,
    snapshot: Snapshot,
    ranks: engine::Ranks,
    payouts: Payouts,
}

impl Paid {
    fn side(&self) -> Side<'_> {
        Side { plan: &self.plan, snapshot: &self.snapshot, ranks: &self.ranks, payouts: &self.payouts }
    }
}

/// A simulation that is at work.
struct Anew<'a> {
    store: &'a Commissions,
    simulation: &'a Simulation,
    plan: Plan,
    plan_file: FileReference,
    inputs: Inputs,
    outputs: Vec<FileReference>,
    /// Runs as they were computed anew.
    runs: Vec<Earlier>,
}

impl Anew<'_> {
    /// Computes the cycle of a stored run anew and writes it: what was stored, and what came out.
    async fn cycle(&mut self, stored: &Earlier) -> Result<(Paid, Paid), Fault> {
        let (store, inputs) = (self.store, &mut self.inputs);
        let context = Context::read(&store.input_file(inputs, stored.needed(CONTEXT)?).await?)?;
        let context = context.with(&self.runs);
        let snapshot = earlier_snapshot(store, inputs, stored).await?;
        let plan = earlier_plan(store, inputs, stored, &snapshot).await?;
        fits(&plan, &self.plan, &|_| "/cycles".to_owned())?;
        let ranks = store.input_file(inputs, stored.needed("ranks.parquet")?).await?;
        let payouts = store.input_file(inputs, stored.needed("payouts.parquet")?).await?;
        let before = Paid {
            ranks: codec::decode_ranks(ranks)?,
            payouts: codec::decode_payouts(payouts)?,
            plan,
            snapshot,
        };
        let latest = match context.earlier.first() {
            Some(latest) => Some(previous(store, inputs, latest, &self.plan).await?),
            None => None,
        };
        let latest = latest.as_ref().map(|(snapshot, ranks)| engine::Previous { snapshot, ranks });
        let snapshot = engine::refreeze(before.snapshot.clone(), &before.plan, &self.plan, latest)?;
        let (indicators, ranked, payouts) = self.compute(&context, &snapshot).await?;
        let files = self.write(stored, &snapshot, &indicators, &ranked, &payouts).await?;
        self.runs.push(Earlier { cycle: stored.cycle.clone(), run: stored.run.clone(), files });
        Ok((before, Paid { plan: self.plan.clone(), snapshot, ranks: ranked.ranks, payouts }))
    }

    /// The steps of a run that only compute.
    async fn compute(
        &mut self,
        context: &Context,
        snapshot: &Snapshot,
    ) -> Result<(Indicators, Ranked, Payouts), Fault> {
        let (store, inputs, plan) = (self.store, &mut self.inputs, &self.plan);
        let past = Past::of(store, inputs, context, plan).await?;
        let settled = settled(store, inputs, context, plan, snapshot).await?;
        let settled: Vec<_> =
            settled.iter().map(|(snapshot, payouts)| SettledCycle { snapshot, payouts }).collect();
        let carried = carried(store, inputs, context).await?;
        let results = past.results();
        let looked_at = past.context(&results);
        let indicators = engine::calculate_indicators(snapshot, plan, looked_at)?;
        let ranked = engine::calculate_ranks(snapshot, &indicators, plan, looked_at)?;
        let bonuses = BonusContext {
            settled: &settled,
            carried: carried.as_ref(),
            process: Some(self.simulation.process.as_str()),
            advances: &[],
        };
        let payouts = engine::calculate_bonuses(snapshot, &indicators, &ranked, plan, bonuses)?;
        Ok((indicators, ranked, payouts))
    }

    /// Writes a cycle as the steps of a run do, and names its files as theirs.
    async fn write(
        &mut self,
        stored: &Earlier,
        snapshot: &Snapshot,
        indicators: &Indicators,
        ranked: &Ranked,
        payouts: &Payouts,
    ) -> Result<Vec<FileReference>, Fault> {
        let frozen = codec::encode_snapshot(snapshot)?;
        let made = [
            ("people.parquet", frozen.people),
            ("orders.parquet", frozen.orders),
            ("indicators.parquet", codec::encode_indicators(indicators, snapshot)?),
            ("ranks.parquet", codec::encode_ranks(&ranked.ranks, snapshot)?),
            ("rank-indicators.parquet", codec::encode_indicators(&ranked.indicators, snapshot)?),
            ("payouts.parquet", codec::encode_payouts(payouts, snapshot)?),
            ("awards.parquet", codec::encode_awards(payouts, snapshot)?),
            ("carried.parquet", codec::encode_carried(&payouts.carried, snapshot)?),
        ];
        let mut files = vec![self.plan_file.clone()];
        for (name, bytes) in made {
            let written = self.put(&format!("{}/{name}", stored.cycle.id), bytes, PARQUET).await?;
            files.push(FileReference { name: name.to_owned(), ..written });
        }
        // Applied where they were applied.
        if stored.file("honorific.parquet").is_some()
            && let Some(ranks) = files.iter().find(|file| file.name == "ranks.parquet")
        {
            let applied = FileReference { name: "honorific.parquet".to_owned(), ..ranks.clone() };
            files.push(applied);
        }
        Ok(files)
    }

    async fn put(&mut self, name: &str, bytes: Vec<u8>, media_type: &str) -> Result<FileReference, Fault> {
        let id = &self.simulation.id;
        let written = self.store.put_simulation_file(id, name, Bytes::from(bytes), media_type).await?;
        self.outputs.push(written.clone());
        Ok(written)
    }

    /// Writes the comparison, says what was read and written, and ends the simulation.
    async fn finish(
        mut self,
        total: Comparing,
        by_cycle: &[CycleSummary],
        now: fn() -> Timestamp,
    ) -> Result<(), Fault> {
        let comparison = total.finish();
        let told = serde_json::json!({"summary": comparison.summary, "by_cycle": by_cycle});
        let told = serde_json::to_vec_pretty(&told)
            .map_err(|source| FileError::Unreadable { what: "a comparison", source })?;
        let changes = comparison.changes_table()?;
        self.put("comparison.json", told, JSON).await?;
        self.put("changes.parquet", changes.to_bytes(Format::Parquet)?, PARQUET).await?;
        self.put("changes.csv", changes.to_bytes(Format::Csv)?, "text/csv; charset=utf-8").await?;
        let Self { store, simulation, inputs, outputs, .. } = self;
        let read = inputs
            .into_references()
            .into_iter()
            .filter(|file| !outputs.iter().any(|one| one.key == file.key));
        let manifest = SimulationManifest {
            format: 1,
            simulation: simulation.id.clone(),
            run: simulation.run.clone(),
            stored_plan: simulation.stored_plan.clone(),
            plan: simulation.plan.clone(),
            engine: engine::VERSION.to_owned(),
            inputs: read.collect(),
            outputs,
        };
        store.finish_simulation(&manifest, &comparison.summary, by_cycle, now()).await
    }
}
