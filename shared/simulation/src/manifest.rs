//! The manifest of a simulated run: what it read, by which plan and engine, and what it wrote. It names no time and no place,
//! so that the same inputs give the same bytes.

use std::collections::BTreeMap;

use foundation::{
    cycle::Cycle,
    digest::sha256_hex,
    money::{Currency, Rounding},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{run::CycleFacts, run::Simulated, stored::OutputFile, tables::Format};

/// A file of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name in the folder of the run.
    pub name: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

impl FileEntry {
    /// The entry of a file.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), sha256: sha256_hex(bytes), bytes: bytes.len() as u64 }
    }

    /// Whether it is the entry of these bytes.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        self.bytes == bytes.len() as u64 && self.sha256 == sha256_hex(bytes)
    }
}

/// The plan of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// Its English name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Its hash: of the document's JSON with sorted keys and without white space.
    pub hash: String,
}

/// How a run was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How the tables are written.
    pub format: Format,
    /// Whether several tops get a company root above them.
    pub allow_forest: bool,
    /// The id of that root in the last cycle, where it was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_root: Option<String>,
    /// The process it was computed in, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
}

/// What a run read and wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this document's shape: 1.
    pub format: u32,
    /// Version of the engine.
    pub engine: String,
    /// The plan.
    pub plan: PlanEntry,
    /// The cycle.
    pub cycle: Cycle,
    /// Earlier cycles that were computed first, earliest first.
    pub history: Vec<Cycle>,
    /// How payout lines are rounded.
    pub rounding: Rounding,
    /// The currency totals are compared in.
    pub base_currency: Currency,
    /// Units of other currencies for one unit of it.
    pub rates: BTreeMap<String, Decimal>,
    /// How it was asked for.
    pub settings: Settings,
    /// Files it was computed from, as copies in the folder of the run: the cycle's people and orders, then those of earlier
    /// cycles.
    pub inputs: Vec<FileEntry>,
    /// Files it wrote.
    pub outputs: Vec<FileEntry>,
    /// What it counted: `people`, `orders`, `lines`, `not_undone`.
    pub counts: BTreeMap<String, u64>,
}

impl Manifest {
    /// The manifest of a run.
    pub fn of(
        plan: &plan::Plan,
        run: &Simulated,
        history: &[CycleFacts],
        settings: Settings,
        inputs: Vec<FileEntry>,
        outputs: &[OutputFile],
    ) -> Self {
        let document = plan.document();
        let rates = &run.snapshot.rates;
        let counts = [
            ("people", run.snapshot.people.len()),
            ("orders", run.snapshot.orders.len()),
            ("lines", run.payouts.lines.len()),
            ("not_undone", run.payouts.not_undone.len()),
        ];
        Self {
            format: 1,
            engine: engine::VERSION.to_owned(),
            plan: PlanEntry {
                name: document.name.en.clone(),
                version: document.version,
                hash: plan.hash().to_owned(),
            },
            cycle: run.snapshot.cycle.clone(),
            history: history.iter().map(|facts| facts.cycle.clone()).collect(),
            rounding: document.currencies.rounding,
            base_currency: rates.base,
            rates: rates.per_base_unit.iter().map(|(currency, rate)| (currency.to_string(), *rate)).collect(),
            settings,
            inputs,
            outputs: outputs.iter().map(|file| FileEntry::of(&file.name, &file.bytes)).collect(),
            counts: counts.iter().map(|(name, count)| ((*name).to_owned(), *count as u64)).collect(),
        }
    }

    /// The manifest as it is stored and signed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}
