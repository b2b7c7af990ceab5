//! Manifests: what a step read, what it wrote, and by which plan and engine.

use std::collections::BTreeMap;

use foundation::{
    digest::sha256_hex,
    id::{CycleId, ProcessId, RunId},
    problem::{Kind, Problem},
};
use serde::{Deserialize, Serialize};

use crate::{plans::PlanReference, step::Step};

/// An attempt at a step of a run: what a state machine task and every key of a file name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The run.
    pub run: RunId,
    /// Its cycle.
    pub cycle: CycleId,
    /// Its process.
    pub process: ProcessId,
    /// The step.
    pub step: Step,
    /// The attempt.
    pub attempt: u32,
}

impl Place {
    /// The folder of the attempt's files, with a slash at its end.
    pub fn folder(&self) -> String {
        format!("runs/{}/{}/{}/{}/{}/", self.cycle, self.process, self.run, self.step, self.attempt)
    }

    /// Where the manifest lies. It is written last and once.
    pub fn manifest_key(&self) -> String {
        format!("{}manifest.json", self.folder())
    }

    /// Where lies what a part of the network came to, for the step to join.
    pub fn part_key(&self, name: &str) -> String {
        format!("{}parts/{name}", self.folder())
    }

    /// Where a file of these bytes lies. The hash in the name keeps two executions of one attempt from writing over each
    /// other, so that a manifest always names the bytes it was written for.
    pub fn file_key(&self, name: &str, sha256: &str) -> String {
        hashed_key(&self.folder(), name, sha256)
    }
}

/// Where a file of these bytes lies in a folder.
pub(crate) fn hashed_key(folder: &str, name: &str, sha256: &str) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
    format!("{folder}{stem}-{}.{extension}", sha256.get(..16).unwrap_or(sha256))
}

/// A file that a step read or wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReference {
    /// What it is: `snapshot.parquet`.
    pub name: String,
    /// Key of the object.
    pub key: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// What an attempt at a step read and wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this document's shape: 1.
    pub format: u32,
    /// Whose manifest it is.
    #[serde(flatten)]
    pub place: Place,
    /// Version of the engine that computed it.
    pub engine: String,
    /// The plan, by name, version and hash; none before it is frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanReference>,
    /// Files it read.
    pub inputs: Vec<FileReference>,
    /// Files it wrote.
    pub outputs: Vec<FileReference>,
    /// What it counted.
    pub counts: BTreeMap<String, u64>,
}

/// A file whose bytes are not the ones its manifest names.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there.
    #[error("the file {key} is missing")]
    Missing {
        /// Its key.
        key: String,
    },
    /// Its hash is another.
    #[error("the file {key} is damaged: its hash is not the one in the manifest")]
    Damaged {
        /// Its key.
        key: String,
    },
    /// A manifest names no such file.
    #[error("the manifest of {step} names no file {name}")]
    NotWritten {
        /// The step.
        step: Step,
        /// The file.
        name: String,
    },
    /// A step that should be done is not.
    #[error("step {step} has no result")]
    NoResult {
        /// The step.
        step: Step,
    },
    /// A manifest, a report or a checked plan that cannot be read.
    #[error("{what} cannot be read")]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Problem for FileError {
    fn kind(&self) -> Kind {
        Kind::Internal
    }
    fn code(&self) -> &'static str {
        "run.file"
    }
}

impl Manifest {
    /// The manifest as it is stored, and its hash. The same manifest always gives the same bytes.
    pub fn to_bytes(&self) -> Result<(Vec<u8>, String), FileError> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|source| FileError::Unreadable { what: "a manifest", source })?;
        bytes.push(b'\n');
        let hash = sha256_hex(&bytes);
        Ok((bytes, hash))
    }

    /// Reads a stored manifest.
    pub fn read(bytes: &[u8]) -> Result<Self, FileError> {
        serde_json::from_slice(bytes).map_err(|source| FileError::Unreadable { what: "a manifest", source })
    }

    /// A file it wrote.
    pub fn output(&self, name: &str) -> Result<&FileReference, FileError> {
        let found = self.outputs.iter().find(|file| file.name == name);
        found.ok_or_else(|| FileError::NotWritten { step: self.place.step, name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            run: "R1".parse().unwrap(),
            cycle: "2026-10".parse().unwrap(),
            process: "monthly".parse().unwrap(),
            step: Step::CalculateRank,
            attempt: 2,
        }
    }

    #[test]
    fn files_lie_under_cycle_process_run_step_and_attempt_and_carry_their_hash() {
        let key = place().file_key("ranks.parquet", &sha256_hex(b"x"));
        assert_eq!(key, "runs/2026-10/monthly/R1/calculate-rank/2/ranks-2d711642b726b044.parquet");
        assert_eq!(place().manifest_key(), "runs/2026-10/monthly/R1/calculate-rank/2/manifest.json");
    }

    #[test]
    fn the_same_manifest_has_the_same_bytes_and_reads_back() {
        let file = FileReference {
            name: "ranks.parquet".into(),
            key: "k".into(),
            sha256: sha256_hex(b"x"),
            bytes: 1,
        };
        let manifest = Manifest {
            format: 1,
            place: place(),
            engine: "0.1.0".into(),
            plan: Some(PlanReference { name: "monthly".parse().unwrap(), version: 1, hash: "p".into() }),
            inputs: vec![],
            outputs: vec![file],
            counts: BTreeMap::from([("people".into(), 3), ("lines".into(), 7)]),
        };
        let (bytes, hash) = manifest.to_bytes().unwrap();
        assert_eq!(manifest.to_bytes().unwrap().1, hash);
        assert_eq!(Manifest::read(&bytes).unwrap(), manifest);
        assert!(manifest.output("ranks.parquet").is_ok());
        assert!(manifest.output("payouts.parquet").is_err());
    }
}
