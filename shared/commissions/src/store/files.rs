//! The work of one attempt at a step: its inputs read and checked, its files written, its manifest last and once.

use std::{borrow::Cow, collections::BTreeMap};

use aws::outbox;
use bytes::Bytes;
use foundation::{digest::sha256_hex, fact::Envelope, problem::Fault};
use jiff::Timestamp;
use plan::Plan;

use super::{Commissions, plans::checked};
use crate::{
    facts::RunWaiting,
    manifest::{FileError, FileReference, Manifest, Place},
    plans::PlanReference,
    run::{ManifestReference, Run},
    step::Step,
    task::{PARTS, PartList, Task},
};

/// Files that were read.
#[derive(Debug, Default)]
pub(crate) struct Inputs(Vec<FileReference>);

impl Inputs {
    /// Them, each once, by key.
    pub(crate) fn into_references(mut self) -> Vec<FileReference> {
        self.0.sort_by(|a, b| a.key.cmp(&b.key));
        self.0.dedup();
        self.0
    }
}

/// An attempt that is at work.
#[derive(Debug)]
pub struct Work {
    /// The run, as it was when the work began.
    pub run: Run,
    place: Place,
    pub(crate) inputs: Inputs,
    sealed: Option<(Manifest, String)>,
}

/// What an attempt made, before it is written.
#[derive(Debug, Default)]
pub struct Made {
    /// Files: name, bytes, media type.
    pub files: Vec<(Cow<'static, str>, Bytes, &'static str)>,
    /// What it counted.
    pub counts: BTreeMap<String, u64>,
    /// The plan, if this step froze it.
    pub plan: Option<PlanReference>,
}

impl Work {
    /// The attempt.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What the attempt wrote, if it is written.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.sealed.as_ref().map(|(manifest, _)| manifest)
    }
}

impl Commissions {
    /// Takes up an attempt; none if its result counts already. Work that was sealed before needs no computing.
    pub async fn open(&self, task: &Task) -> Result<Option<Work>, Fault> {
        let run = self.run(&task.run).await?;
        if run.is_done(task.step, task.attempt) {
            return Ok(None);
        }
        let at_work = run.open_attempt().map(|(step, open)| (step, open.attempt));
        if at_work != Some((task.step, task.attempt)) {
            return Err(crate::run::RunError::Superseded { step: task.step, attempt: task.attempt }.into());
        }
        let place = Place {
            run: run.id.clone(),
            cycle: run.cycle.clone(),
            process: run.process.clone(),
            step: task.step,
            attempt: task.attempt,
        };
        let sealed = self.stored_manifest(&place.manifest_key()).await?;
        Ok(Some(Work { run, place, inputs: Inputs::default(), sealed }))
    }

    async fn stored_manifest(&self, key: &str) -> Result<Option<(Manifest, String)>, Fault> {
        let Some(bytes) = self.bucket.get(key).await? else { return Ok(None) };
        Ok(Some((Manifest::read(&bytes)?, sha256_hex(&bytes))))
    }

    /// The manifest of the result of a step that counts.
    pub async fn manifest(&self, run: &Run, step: Step) -> Result<Manifest, Fault> {
        let reference = run.result(step).and_then(|result| result.manifest.as_ref());
        self.manifest_at(reference.ok_or(FileError::NoResult { step })?).await
    }

    pub(crate) async fn manifest_at(&self, reference: &ManifestReference) -> Result<Manifest, Fault> {
        let found = self.stored_manifest(&reference.key).await?;
        match found {
            Some((manifest, hash)) if hash == reference.sha256 => Ok(manifest),
            Some(_) => Err(FileError::Damaged { key: reference.key.clone() }.into()),
            None => Err(FileError::Missing { key: reference.key.clone() }.into()),
        }
    }

    /// A file's bytes, which must be the ones its reference names.
    pub async fn fetch(&self, file: &FileReference) -> Result<Bytes, Fault> {
        let bytes = self.bucket.get(&file.key).await?;
        let bytes = bytes.ok_or_else(|| FileError::Missing { key: file.key.clone() })?;
        if sha256_hex(&bytes) == file.sha256 {
            Ok(bytes)
        } else {
            Err(FileError::Damaged { key: file.key.clone() }.into())
        }
    }

    /// A file that an earlier step of the run wrote; it becomes one of the work's inputs.
    pub async fn input(&self, work: &mut Work, step: Step, name: &str) -> Result<Bytes, Fault> {
        let manifest = self.manifest(&work.run, step).await?;
        self.input_file(&mut work.inputs, manifest.output(name)?).await
    }

    /// A file, perhaps of another run; it becomes one of the inputs.
    pub(crate) async fn input_file(&self, inputs: &mut Inputs, file: &FileReference) -> Result<Bytes, Fault> {
        let bytes = self.fetch(file).await?;
        inputs.0.push(file.clone());
        Ok(bytes)
    }

    /// Writes what a part of the network came to. Whoever computes it again writes the same bytes.
    pub(crate) async fn put_part(&self, place: &Place, name: &str, bytes: Vec<u8>) -> Result<(), Fault> {
        let media_type =
            if name.ends_with("json") { "application/json" } else { "application/vnd.apache.parquet" };
        Ok(self.bucket.put(&place.part_key(name), Bytes::from(bytes), media_type).await?)
    }

    /// What a part of the network came to, if it is there; it becomes one of the work's inputs.
    pub(crate) async fn part_output(&self, work: &mut Work, name: &str) -> Result<Option<Bytes>, Fault> {
        let key = work.place.part_key(name);
        let Some(bytes) = self.bucket.get(&key).await? else { return Ok(None) };
        let (sha256, size) = (sha256_hex(&bytes), bytes.len() as u64);
        work.inputs.0.push(FileReference { name: name.to_owned(), key, sha256, bytes: size });
        Ok(Some(bytes))
    }

    /// Where the parts of a run's network are listed, if it was cut: bucket and key.
    pub async fn parts_of(&self, run: &Run) -> Result<Option<PartList>, Fault> {
        let is_cut =
            run.result(Step::IntegrateNetwork).is_some_and(|result| result.counts.contains_key(PARTS));
        if !is_cut {
            return Ok(None);
        }
        let manifest = self.manifest(run, Step::IntegrateNetwork).await?;
        let key = manifest.output("parts.json")?.key.clone();
        Ok(Some(PartList { bucket: self.bucket.name().to_owned(), key }))
    }

    /// The plan the run was integrated with.
    pub async fn input_plan(&self, work: &mut Work) -> Result<Plan, Fault> {
        let hash = work.run.plan.as_ref().map(|plan| plan.hash.clone());
        let hash = hash.ok_or(FileError::NoResult { step: Step::IntegrateNetwork })?;
        checked(&self.input(work, Step::IntegrateNetwork, "plan.json").await?, &hash)
    }

    /// Writes the files, then the manifest, once. If another execution of the attempt sealed it first, its result stands.
    pub async fn seal(&self, work: &mut Work, made: Made) -> Result<(), Fault> {
        let mut outputs = Vec::with_capacity(made.files.len());
        for (name, bytes, media_type) in made.files {
            let sha256 = sha256_hex(&bytes);
            let key = work.place.file_key(&name, &sha256);
            let size = bytes.len() as u64;
            self.bucket.put(&key, bytes, media_type).await?;
            outputs.push(FileReference { name: name.into_owned(), key, sha256, bytes: size });
        }
        let manifest = Manifest {
            format: 1,
            place: work.place.clone(),
            engine: engine::VERSION.to_owned(),
            plan: made.plan.or_else(|| work.run.plan.clone()),
            inputs: std::mem::take(&mut work.inputs).into_references(),
            outputs,
            counts: made.counts,
        };
        let (bytes, hash) = manifest.to_bytes()?;
        let key = work.place.manifest_key();
        let first = self.bucket.put_once(&key, Bytes::from(bytes), "application/json").await?;
        work.sealed = if first { Some((manifest, hash)) } else { self.stored_manifest(&key).await? };
        Ok(())
    }

    fn sealed(work: &Work) -> Result<(&Manifest, ManifestReference), Fault> {
        let step = work.place.step;
        let (manifest, sha256) = work.sealed.as_ref().ok_or(FileError::NoResult { step })?;
        Ok((manifest, ManifestReference { key: work.place.manifest_key(), sha256: sha256.clone() }))
    }

    /// Makes sealed work the result that counts.
    pub async fn finish(&self, work: &Work, now: Timestamp) -> Result<(), Fault> {
        let (manifest, reference) = Self::sealed(work)?;
        let place = &work.place;
        let changed = self.change(&place.run, |run| {
            if run.is_done(place.step, place.attempt) {
                return Ok(None);
            }
            run.finish(place.step, place.attempt, reference.clone(), manifest.counts.clone(), now)?;
            if place.step == Step::IntegrateNetwork {
                run.plan.clone_from(&manifest.plan);
            }
            Ok(Some(((), Vec::new())))
        });
        changed.await.map(drop)
    }

    /// Notes on the open attempt what was sealed, so that it can be looked at although the step will not end well.
    pub(crate) async fn note(&self, work: &Work) -> Result<(), Fault> {
        let (manifest, reference) = Self::sealed(work)?;
        let place = &work.place;
        let changed = self.change(&place.run, |run| {
            let noted = run.note(place.step, place.attempt, &reference, &manifest.counts)?;
            Ok(noted.then_some(((), Vec::new())))
        });
        changed.await.map(drop)
    }

    /// Lets sealed work wait for a decision, and tells it.
    pub async fn wait(
        &self,
        work: &Work,
        token: &str,
        correlation: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (manifest, reference) = Self::sealed(work)?;
        let place = &work.place;
        let changed = self.change(&place.run, |run| {
            let before = run.clone();
            run.wait(
                place.step,
                place.attempt,
                token.to_owned(),
                reference.clone(),
                manifest.counts.clone(),
            )?;
            // Told again by the same execution: nothing changes.
            if *run == before {
                return Ok(None);
            }
            let fact = RunWaiting {
                run: run.id.clone(),
                process: run.process.clone(),
                name: run.name.clone(),
                cycle: run.cycle.clone(),
                step: place.step,
                attempt: place.attempt,
                warnings: manifest.counts.get("warnings").copied().unwrap_or_default(),
                mail: run.mail.clone(),
            };
            Ok(Some(((), vec![outbox::write(&self.table, &Envelope::of(fact, now, now, correlation))?])))
        });
        changed.await.map(drop)
    }
}
