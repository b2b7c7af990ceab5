//! What each step of a run does: reads what earlier steps wrote, computes, writes its own result once.
//!
//! Every step may run twice and may stop anywhere: what it writes before its manifest is written again with the same bytes, and what
//! comes after the manifest is one conditional update of the run.

mod compute;
mod integrate;
mod parts;
mod pay;
mod publish;
mod simulate;
mod verify;

use std::borrow::Cow;

use bytes::Bytes;
use calendar::Calendar;
use engine::{Snapshot, codec};
use foundation::{digest::sha256_hex, problem::Fault};
use network::People;
use orders::Orders;
use plan::Plan;

pub use compute::{apply_honorific_rank, calculate_bonuses, calculate_indicators, calculate_rank};
pub use integrate::integrate_network;
pub use parts::calculate_part;
pub use pay::{Payment, open_payment, settle_payment};
pub use publish::{integrate_indicators, validate_bonuses};
pub use simulate::simulate;
pub use verify::verify_network;

use crate::{
    freeze::{CONTEXT, Context, Earlier},
    manifest::FileError,
    step::Step,
    store::{Commissions, Inputs, Made, Work, checked},
};

/// Where a run's facts come from.
#[derive(Debug)]
pub struct Sources {
    /// People.
    pub people: People,
    /// Orders.
    pub orders: Orders,
    /// Cycles.
    pub calendar: Calendar,
}

const PARQUET: &str = "application/vnd.apache.parquet";
const JSON: &str = "application/json";

impl Made {
    fn file(mut self, name: impl Into<Cow<'static, str>>, bytes: Vec<u8>, media_type: &'static str) -> Self {
        self.files.push((name.into(), Bytes::from(bytes), media_type));
        self
    }

    fn parquet(self, name: impl Into<Cow<'static, str>>, bytes: Vec<u8>) -> Self {
        self.file(name, bytes, PARQUET)
    }

    fn json(self, name: &'static str, value: &impl serde::Serialize) -> Result<Self, FileError> {
        let bytes = serde_json::to_vec_pretty(value)
            .map_err(|source| FileError::Unreadable { what: name, source })?;
        Ok(self.file(name, bytes, JSON))
    }

    fn count(self, name: &str, count: usize) -> Self {
        self.counting(name, count as u64)
    }

    fn counting(mut self, name: &str, count: u64) -> Self {
        self.counts.insert(name.to_owned(), count);
        self
    }
}

async fn input_snapshot(store: &Commissions, work: &mut Work) -> Result<Snapshot, Fault> {
    let people = store.input(work, Step::IntegrateNetwork, "people.parquet").await?;
    let orders = store.input(work, Step::IntegrateNetwork, "orders.parquet").await?;
    Ok(codec::decode_snapshot(people, orders)?)
}

async fn input_context(store: &Commissions, work: &mut Work) -> Result<Context, Fault> {
    let bytes = store.input(work, Step::IntegrateNetwork, CONTEXT).await?;
    Ok(Context::read(&bytes)?)
}

/// The snapshot of an earlier run.
async fn earlier_snapshot(
    store: &Commissions,
    inputs: &mut Inputs,
    earlier: &Earlier,
) -> Result<Snapshot, Fault> {
    let people = store.input_file(inputs, earlier.needed("people.parquet")?).await?;
    let orders = store.input_file(inputs, earlier.needed("orders.parquet")?).await?;
    Ok(codec::decode_snapshot(people, orders)?)
}

/// The plan an earlier run was computed with.
async fn earlier_plan(
    store: &Commissions,
    inputs: &mut Inputs,
    earlier: &Earlier,
    snapshot: &Snapshot,
) -> Result<Plan, Fault> {
    let document = store.input_file(inputs, earlier.needed("plan.json")?).await?;
    let damaged = |_| FileError::Damaged { key: format!("plan.json {}", sha256_hex(&document)) };
    Ok(checked(&document, &snapshot.plan_hash).map_err(damaged)?)
}

impl Earlier {
    fn needed(&self, name: &str) -> Result<&crate::manifest::FileReference, FileError> {
        let missing = || FileError::Missing { key: format!("{name} of run {}", self.run) };
        self.file(name).ok_or_else(missing)
    }
}
