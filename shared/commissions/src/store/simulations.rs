//! Simulations in the table, their files in the bucket.

use std::time::Duration;

use aws::{
    AwsError, Condition, Queue, Update, Write, from_item, idempotency::Claim, number, to_attribute, to_item,
};
use bytes::Bytes;
use foundation::{
    digest::sha256_hex,
    id::SimulationId,
    problem::{Fault, NotFound},
};
use jiff::Timestamp;
use plan::Plan;
use rust_decimal::Decimal;
use serde_json::Value;
use simulation::Summary;

use super::{Claimed, Commissions, RunFilter, plans::checked};
use crate::{
    freeze::{CONTEXT, Context, Earlier},
    keys,
    manifest::{FileError, FileReference, Manifest, hashed_key},
    run::Run,
    simulations::{
        CycleSummary, FileView, Other, SimulatedPlan, Simulation, SimulationManifest, SimulationState, Which,
        stored_results,
    },
};

/// How long a simulation is kept, in seconds: 90 days. The bucket's rule removes its files then too.
const KEPT_SECONDS: i64 = 90 * 24 * 3600;
/// How long a link to a file works.
const LINK_LIFETIME: Duration = Duration::from_mins(15);

/// A page of simulations, newest first.
#[derive(Clone, Debug)]
pub struct SimulationPage {
    /// The simulations.
    pub simulations: Vec<Simulation>,
    /// What the next page is asked with.
    pub next: Option<String>,
}

impl Commissions {
    /// The run that is to be simulated.
    pub async fn simulated_run(&self, which: &Which) -> Result<Run, Fault> {
        match which {
            Which::Run(id) => self.run(id).await,
            Which::Of(process, cycle) => {
                let found = self.run_of(process, cycle).await?;
                Ok(found.ok_or(NotFound("run of the process and the cycle"))?)
            }
        }
    }

    /// The plan a run is to be simulated under, if it can be. A document that came with the request is checked as a whole and kept
    /// under its hash.
    pub async fn simulated_plan(&self, run: &Run, other: &Other) -> Result<SimulatedPlan, Fault> {
        let (simulated, plan) = match other {
            Other::Version(name, version) => {
                let found = SimulatedPlan::of_version(self.plan_version(name, *version).await?)?;
                let plan = checked(&self.plan_document(&found.hash).await?, &found.hash)?;
                (found, plan)
            }
            Other::Document(document) => {
                let plan = Plan::parse(&document.to_string()).map_err(|found| other.mistakes(found))?;
                (SimulatedPlan::of_document(&plan), plan)
            }
        };
        let (stored, _) = stored_results(run)?;
        other.fits(&checked(&self.plan_document(&stored.hash).await?, &stored.hash)?, &plan)?;
        if matches!(other, Other::Document(_)) {
            self.keep_document(&plan).await?;
        }
        Ok(simulated)
    }

    /// The simulation of an earlier request with this key, if there was one.
    pub async fn asked_before(&self, claim: &Claim) -> Result<Option<Simulation>, Fault> {
        match self.answered::<SimulationId>(claim).await? {
            Some(first) => Ok(Some(self.simulation(&first).await?)),
            None => Ok(None),
        }
    }

    /// Writes a new simulation down, if so many cycles are stored. The same key with the same request gives the first one.
    pub async fn ask_simulation(&self, simulation: Simulation, claim: &Claim) -> Result<Simulation, Fault> {
        if simulation.cycles > 1 {
            let (context, stored) = self.stored_run(&simulation).await?;
            simulation.chain(stored, &context)?;
        }
        let at = simulation.requested_at;
        let item = keys::simulation(&simulation.id).onto(to_item(&simulation).map_err(AwsError::from)?);
        let mut item = keys::among_simulations(item, at, &simulation.id);
        let expires = at.as_second().saturating_add(KEPT_SECONDS);
        item.insert("expires".to_owned(), number(Decimal::from(expires)));
        let writes = vec![Write::Put(self.table.clone(), item, Condition::Absent)];
        match self.transact_once(writes, claim, &simulation.id, at).await? {
            Claimed::Done => Ok(simulation),
            Claimed::Before(first) => self.simulation(&first).await,
        }
    }

    /// Queues a simulation that nobody has begun: the request that wrote it down may have ended before. Queued twice it is done once.
    pub async fn queue_simulation(&self, simulation: &Simulation, queue: &Queue) -> Result<(), Fault> {
        if simulation.state != SimulationState::Queued {
            return Ok(());
        }
        let body = serde_json::to_string(&simulation.task())
            .map_err(|source| FileError::Unreadable { what: "a message", source })?;
        Ok(queue.send(body).await?)
    }

    /// A simulation.
    pub async fn simulation(&self, id: &SimulationId) -> Result<Simulation, Fault> {
        let item = self.table.get(keys::simulation(id)).await?.ok_or(NotFound("simulation"))?;
        Ok(from_item(item).map_err(AwsError::from)?)
    }

    /// Simulations, newest first. A page may hold fewer than `limit` where a filter passes some over.
    pub async fn simulations(
        &self,
        filter: &RunFilter,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<SimulationPage, Fault> {
        let (mut simulations, next) = self.newest::<Simulation>(keys::SIMULATIONS, limit, cursor).await?;
        simulations.retain(|one| filter.lets_through(&one.process, &one.cycle));
        Ok(SimulationPage { simulations, next })
    }

    /// The files of a simulation with links to them.
    pub async fn simulation_files(&self, simulation: &Simulation) -> Result<Vec<FileView>, Fault> {
        let mut shown = Vec::with_capacity(simulation.files.len());
        for file in &simulation.files {
            let name = format!("simulation-{}-{}", simulation.cycle, file.name.replace('/', "-"));
            let url = self.bucket.link_to_get(&file.key, &name, LINK_LIFETIME).await?;
            let FileReference { name, sha256, bytes, .. } = file.clone();
            shown.push(FileView { name, bytes, sha256, url });
        }
        Ok(shown)
    }

    /// Says how many cycles of a simulation are computed. Why a delivery before failed is no more of interest.
    pub(crate) async fn simulation_progressed(&self, id: &SimulationId, done: u8) -> Result<(), Fault> {
        let update = Update::new()
            .set("state", to_attribute(&SimulationState::Computing).map_err(AwsError::from)?)
            .set("cycles_done", number(Decimal::from(done)))
            .remove("problem");
        self.unless_over(id, update).await
    }

    /// What the run of a simulation knew besides its snapshot, and its files, as they were pinned.
    pub(crate) async fn stored_run(&self, simulation: &Simulation) -> Result<(Context, Earlier), Fault> {
        let mut manifests: Vec<Manifest> = Vec::with_capacity(simulation.stored.len());
        for reference in &simulation.stored {
            manifests.push(self.manifest_at(reference).await?);
        }
        let missing = || FileError::Missing { key: format!("{CONTEXT} of run {}", simulation.run) };
        let context =
            manifests.iter().find_map(|manifest| manifest.output(CONTEXT).ok()).ok_or_else(missing)?;
        let context = Context::read(&self.fetch(context).await?)?;
        let stored = Earlier::of(context.cycle.clone(), simulation.run.clone(), manifests);
        Ok((context, stored))
    }

    /// Writes a file of a simulation.
    pub(crate) async fn put_simulation_file(
        &self,
        id: &SimulationId,
        name: &str,
        bytes: Bytes,
        media_type: &str,
    ) -> Result<FileReference, Fault> {
        let (sha256, size) = (sha256_hex(&bytes), bytes.len() as u64);
        let key = hashed_key(&keys::simulation_folder(id), name, &sha256);
        self.bucket.put(&key, bytes, media_type).await?;
        Ok(FileReference { name: name.to_owned(), key, sha256, bytes: size })
    }

    /// Writes the manifest, then says that the result is there. The manifest is written over that of a delivery that did not come to
    /// say so, so that it names the files the simulation names.
    pub(crate) async fn finish_simulation(
        &self,
        manifest: &SimulationManifest,
        summary: &Summary,
        by_cycle: &[CycleSummary],
        now: Timestamp,
    ) -> Result<(), Fault> {
        let bytes = serde_json::to_vec_pretty(manifest)
            .map_err(|source| FileError::Unreadable { what: "a manifest", source })?;
        let id = &manifest.simulation;
        let key = format!("{}manifest.json", keys::simulation_folder(id));
        self.bucket.put(&key, Bytes::from(bytes), "application/json").await?;
        // The item has a bound: between which ranks people move in each cycle stands in the files.
        let by_cycle: Vec<CycleSummary> = by_cycle
            .iter()
            .cloned()
            .map(|one| CycleSummary { summary: Summary { rank_flow: Vec::new(), ..one.summary }, ..one })
            .collect();
        let update = Update::new()
            .set("state", to_attribute(&SimulationState::Done).map_err(AwsError::from)?)
            .set("finished_at", to_attribute(&now).map_err(AwsError::from)?)
            .set("summary", to_attribute(summary).map_err(AwsError::from)?)
            .set("by_cycle", to_attribute(&by_cycle).map_err(AwsError::from)?)
            .set("files", to_attribute(&manifest.outputs).map_err(AwsError::from)?);
        self.unless_over(id, update).await
    }

    /// Says why a delivery failed, of a simulation that is tried again.
    pub async fn note_problem(&self, id: &SimulationId, problem: &Value) -> Result<(), Fault> {
        let update = Update::new().set("problem", to_attribute(problem).map_err(AwsError::from)?);
        self.unless_over(id, update).await
    }

    /// Says that a simulation cannot be done, and why, as the API tells problems.
    pub async fn fail_simulation(
        &self,
        id: &SimulationId,
        problem: &Value,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let update = Update::new()
            .set("state", to_attribute(&SimulationState::Failed).map_err(AwsError::from)?)
            .set("finished_at", to_attribute(&now).map_err(AwsError::from)?)
            .set("problem", to_attribute(problem).map_err(AwsError::from)?);
        self.unless_over(id, update).await
    }

    /// A simulation that has its end keeps it: a second delivery of its message changes nothing.
    async fn unless_over(&self, id: &SimulationId, update: Update) -> Result<(), Fault> {
        let open = SimulationState::OPEN.iter().map(to_attribute).collect::<Result<_, _>>();
        let open = Condition::OneOf("state", open.map_err(AwsError::from)?);
        match self.table.update(keys::simulation(id), update, open).await {
            Err(error) if error.is_condition() => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }
}
