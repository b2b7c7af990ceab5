//! A network too large to be computed at once: cut when it is frozen, computed part by part, joined by the step.
//!
//! Everything a part needs is written when the network is frozen, so that no part reads the whole. What a part comes to is written
//! under the attempt it is computed for; the step reads all of it, computes the trunk, and puts the pieces together to the bytes
//! the whole gives.

use bytes::Bytes;
use engine::{Cut, CycleResults, HandedUp, Indicators, Piece, Ranked, Snapshot, codec};
use foundation::problem::{Fault, Kind, Problem};
use plan::Plan;
use serde::{Deserialize, Serialize};

use super::{
    Made,
    compute::{Earliers, Past},
    input_snapshot,
};
use crate::{
    freeze::{Context, EARLIER_MAX},
    manifest::{FileError, Manifest, Place},
    run::RunError,
    step::Step,
    store::{Commissions, Work},
    task::{Answer, PARTS, PartTask},
};

/// Why the parts of a network cannot be joined.
#[derive(Debug, thiserror::Error)]
enum PartError {
    /// A part has not come to anything: it ran out of time or memory.
    #[error("part {part} of the network was not computed")]
    Missing {
        /// Which part.
        part: usize,
    },
    /// A part cannot be computed.
    #[error("part {part} of the network: {code}: {detail}")]
    Failed {
        /// Which part.
        part: usize,
        /// The code of its failure.
        code: String,
        /// What its failure says.
        detail: String,
    },
}

impl Problem for PartError {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. } => Kind::Internal,
            Self::Failed { .. } => Kind::Rejected,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "run.part-missing",
            Self::Failed { .. } => "run.part-failed",
        }
    }
}

/// A failure of a part as it is kept for the step that joins.
#[derive(Debug, Serialize, Deserialize)]
struct KeptFailure {
    code: String,
    detail: String,
}

/// An item of the list that the machine goes through.
#[derive(Debug, Serialize)]
struct Item {
    part: usize,
}

fn named(piece: usize, name: &str) -> String {
    format!("part-{piece}-{name}.parquet")
}

fn named_earlier(piece: usize, back: usize, name: &str) -> String {
    named(piece, &format!("earlier-{back}-{name}"))
}

/// Cuts a network of more than `at_most` people, and writes all that its pieces need.
pub(super) async fn cut(
    store: &Commissions,
    work: &mut Work,
    made: Made,
    (snapshot, plan): (&Snapshot, &Plan),
    (context, at_most): (&Context, usize),
) -> Result<Made, Fault> {
    let Some(cut) = Cut::of(snapshot, plan, at_most) else { return Ok(made) };
    let items: Vec<Item> = (1..cut.pieces()).map(|part| Item { part }).collect();
    let mut made = made.json("cut.json", &cut)?.json("parts.json", &items)?.count(PARTS, items.len());
    for number in 0..cut.pieces() {
        let files = codec::encode_snapshot(&cut.piece(number, snapshot).snapshot)?;
        made = made
            .parquet(named(number, "people"), files.people)
            .parquet(named(number, "orders"), files.orders);
    }
    let earliers = Earliers::needed(context, plan);
    for back in 0..earliers.len() {
        // One earlier cycle at a time: several may not fit.
        let (then, results) = earliers.read(store, &mut work.inputs, plan, back).await?;
        for number in 0..cut.pieces() {
            let before = cut.piece(number, snapshot).earlier(&then);
            let files = codec::encode_snapshot(&before.snapshot)?;
            made = made
                .parquet(named_earlier(number, back, "people"), files.people)
                .parquet(named_earlier(number, back, "orders"), files.orders);
            if let Some((indicators, ranked)) = &results {
                let (indicators, ranked) = before.results(CycleResults {
                    indicators,
                    after_ranks: Some(&ranked.indicators),
                    ranks: &ranked.ranks,
                });
                let then = &before.snapshot;
                made = made
                    .parquet(
                        named_earlier(number, back, "indicators"),
                        codec::encode_indicators(&indicators, then)?,
                    )
                    .parquet(named_earlier(number, back, "ranks"), codec::encode_ranks(&ranked.ranks, then)?)
                    .parquet(
                        named_earlier(number, back, "rank-indicators"),
                        codec::encode_indicators(&ranked.indicators, then)?,
                    );
            }
        }
    }
    Ok(made)
}

/// The pieces of a run's network.
pub(super) struct Pieces {
    cut: Cut,
    frozen: Manifest,
    plan: Plan,
    earlier: usize,
}

impl Pieces {
    /// Where the run's network was cut, if it was.
    pub(super) async fn of(store: &Commissions, work: &mut Work) -> Result<Option<Self>, Fault> {
        let frozen = store.manifest(&work.run, Step::IntegrateNetwork).await?;
        let Ok(file) = frozen.output("cut.json") else { return Ok(None) };
        let bytes = store.input_file(&mut work.inputs, file).await?;
        let cut = serde_json::from_slice(&bytes)
            .map_err(|source| FileError::Unreadable { what: "cut.json", source })?;
        let plan = store.input_plan(work).await?;
        let earlier = (0..EARLIER_MAX)
            .take_while(|back| frozen.output(&named_earlier(0, *back, "people")).is_ok())
            .count();
        Ok(Some(Self { cut, frozen, plan, earlier }))
    }

    async fn file(&self, store: &Commissions, work: &mut Work, name: &str) -> Result<Bytes, Fault> {
        store.input_file(&mut work.inputs, self.frozen.output(name)?).await
    }

    async fn piece(&self, store: &Commissions, work: &mut Work, number: usize) -> Result<Piece, Fault> {
        let people = self.file(store, work, &named(number, "people")).await?;
        let orders = self.file(store, work, &named(number, "orders")).await?;
        Ok(self.cut.piece_of(number, codec::decode_snapshot(people, orders)?)?)
    }

    /// What earlier cycles know of a piece.
    async fn past(&self, store: &Commissions, work: &mut Work, number: usize) -> Result<Past, Fault> {
        let mut past = Past::default();
        for back in 0..self.earlier {
            let name = |name: &str| named_earlier(number, back, name);
            let people = self.file(store, work, &name("people")).await?;
            let orders = self.file(store, work, &name("orders")).await?;
            let results = if self.frozen.output(&name("ranks")).is_ok() {
                let indicators = self.file(store, work, &name("indicators")).await?;
                let ranks = self.file(store, work, &name("ranks")).await?;
                let after = self.file(store, work, &name("rank-indicators")).await?;
                let ranked = Ranked {
                    ranks: codec::decode_ranks(ranks)?,
                    indicators: codec::decode_indicators(after)?,
                };
                Some((codec::decode_indicators(indicators)?, ranked))
            } else {
                None
            };
            past.push(codec::decode_snapshot(people, orders)?, results);
        }
        Ok(past)
    }

    /// What earlier cycles know of everybody, if anything is left to be computed with it: all of it may not fit beside this cycle.
    async fn past_of_whole(
        &self,
        store: &Commissions,
        work: &mut Work,
        after_ranks: bool,
    ) -> Result<Past, Fault> {
        if engine::whole_is_needed(&self.plan, after_ranks) {
            Past::read(store, work, &self.plan).await
        } else {
            Ok(Past::default())
        }
    }

    /// Computes the indicators of a piece; what parts hand up is given for the trunk.
    async fn indicators(
        &self,
        store: &Commissions,
        work: &mut Work,
        number: usize,
        handed: Option<&[HandedUp]>,
    ) -> Result<(Piece, Indicators, HandedUp), Fault> {
        let piece = self.piece(store, work, number).await?;
        let past = self.past(store, work, number).await?;
        let results = past.results();
        let (indicators, up) = piece.calculate_indicators(&self.plan, past.context(&results), handed)?;
        Ok((piece, indicators, up))
    }

    /// Computes the ranks of a piece; what parts hand up is given for the trunk.
    async fn ranks(
        &self,
        store: &Commissions,
        work: &mut Work,
        number: usize,
        handed: Option<&[HandedUp]>,
    ) -> Result<(Piece, Ranked, HandedUp), Fault> {
        let piece = self.piece(store, work, number).await?;
        let past = self.past(store, work, number).await?;
        let results = past.results();
        let indicators = store.input(work, Step::CalculateIndicators, &named(number, "indicators")).await?;
        let indicators = codec::decode_indicators(indicators)?;
        let (ranked, up) = piece.calculate_ranks(&indicators, &self.plan, past.context(&results), handed)?;
        Ok((piece, ranked, up))
    }

    /// Joins the indicators of all parts and the trunk, and computes what no piece can.
    pub(super) async fn joined_indicators(
        &self,
        store: &Commissions,
        work: &mut Work,
    ) -> Result<Made, Fault> {
        let mut pieces = Vec::with_capacity(self.cut.pieces());
        let mut handed = Vec::with_capacity(self.cut.pieces());
        for part in 1..self.cut.pieces() {
            pieces.push(codec::decode_indicators(output(store, work, part, "indicators").await?)?);
            handed.push(HandedUp::decode(output(store, work, part, "handed-up").await?)?);
        }
        pieces.insert(0, self.indicators(store, work, 0, Some(&handed)).await?.1);
        let snapshot = input_snapshot(store, work).await?;
        let indicators = self.cut.join_indicators(&pieces)?;
        drop(pieces);
        let past = self.past_of_whole(store, work, false).await?;
        let results = past.results();
        let context = past.context(&results);
        let indicators = engine::finish_indicators(&snapshot, &self.plan, context, indicators)?;
        let mut made = super::compute::made_indicators(&indicators, &snapshot)?;
        for number in 0..self.cut.pieces() {
            let piece = self.cut.piece(number, &snapshot);
            let some = codec::encode_indicators(&piece.indicators(&indicators), &piece.snapshot)?;
            made = made.parquet(named(number, "indicators"), some);
        }
        Ok(made)
    }

    /// Joins the ranks of all parts and the trunk, and computes what no piece can.
    pub(super) async fn joined_ranks(&self, store: &Commissions, work: &mut Work) -> Result<Made, Fault> {
        let (mut ranks, mut after) = (Vec::new(), Vec::new());
        let mut handed = Vec::with_capacity(self.cut.pieces());
        for part in 1..self.cut.pieces() {
            ranks.push(codec::decode_ranks(output(store, work, part, "ranks").await?)?);
            after.push(codec::decode_indicators(output(store, work, part, "rank-indicators").await?)?);
            handed.push(HandedUp::decode(output(store, work, part, "handed-up").await?)?);
        }
        let trunk = self.ranks(store, work, 0, Some(&handed)).await?.1;
        ranks.insert(0, trunk.ranks);
        after.insert(0, trunk.indicators);
        let ranked =
            Ranked { ranks: self.cut.join_ranks(&ranks)?, indicators: self.cut.join_indicators(&after)? };
        drop((ranks, after));
        let snapshot = input_snapshot(store, work).await?;
        let indicators = store.input(work, Step::CalculateIndicators, "indicators.parquet").await?;
        let indicators = codec::decode_indicators(indicators)?;
        let past = self.past_of_whole(store, work, true).await?;
        let results = past.results();
        let context = past.context(&results);
        let ranked = engine::finish_ranks(&snapshot, &indicators, &self.plan, context, ranked)?;
        super::compute::made_ranks(&ranked, &snapshot)
    }
}

/// What a part came to.
async fn output(store: &Commissions, work: &mut Work, part: usize, name: &str) -> Result<Bytes, Fault> {
    if let Some(bytes) = store.part_output(work, &named(part, name)).await? {
        return Ok(bytes);
    }
    let Some(kept) = store.part_output(work, &failure_name(part)).await? else {
        return Err(PartError::Missing { part }.into());
    };
    let KeptFailure { code, detail } = serde_json::from_slice(&kept)
        .map_err(|source| FileError::Unreadable { what: "the failure of a part", source })?;
    Err(PartError::Failed { part, code, detail }.into())
}

fn failure_name(part: usize) -> String {
    format!("part-{part}-failure.json")
}

/// Computes one part of a large network for a step. What the plan or the facts do not allow is kept for the step to tell, so that all
/// parts are computed whatever becomes of one.
pub async fn calculate_part(store: &Commissions, asked: &PartTask) -> Result<Answer, Fault> {
    let done = asked.task.done();
    let Some(mut work) = store.open(&asked.task).await? else { return Ok(done) };
    if work.manifest().is_some() {
        return Ok(done);
    }
    let place = work.place().clone();
    match compute(store, &mut work, &place, asked.part).await {
        Err(fault) if fault.kind() == Kind::Rejected => {
            let kept = KeptFailure { code: fault.code().to_owned(), detail: fault.to_string() };
            let bytes = serde_json::to_vec(&kept)
                .map_err(|source| FileError::Unreadable { what: "the failure of a part", source })?;
            store.put_part(&place, &failure_name(asked.part), bytes).await?;
            Ok(done)
        }
        computed => computed.map(|()| done),
    }
}

async fn compute(store: &Commissions, work: &mut Work, place: &Place, part: usize) -> Result<(), Fault> {
    let pieces = Pieces::of(store, work).await?.ok_or(PartError::Missing { part })?;
    if part == 0 || pieces.cut.pieces() <= part || !place.step.is_computed_by_parts() {
        return Err(RunError::NotAStep { step: place.step, process: place.process.clone() }.into());
    }
    let mut files = Vec::new();
    let up = if place.step == Step::CalculateIndicators {
        let (piece, indicators, up) = pieces.indicators(store, work, part, None).await?;
        files.push(("indicators", codec::encode_indicators(&indicators, &piece.snapshot)?));
        up
    } else {
        let (piece, ranked, up) = pieces.ranks(store, work, part, None).await?;
        files.push(("ranks", codec::encode_ranks(&ranked.ranks, &piece.snapshot)?));
        files.push(("rank-indicators", codec::encode_indicators(&ranked.indicators, &piece.snapshot)?));
        up
    };
    files.push(("handed-up", up.encode()?));
    for (name, bytes) in files {
        store.put_part(place, &named(part, name), bytes).await?;
    }
    Ok(())
}
