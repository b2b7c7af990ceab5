//! A whole plan with all traces from Parquet to Parquet, and single kernels for counting instructions.

use std::path::Path;

use anyhow::{Result, bail};
use bytes::Bytes;
use engine::{
    BonusContext, Context, ExchangeRates, IndexedFacts, Link, NONE, OrderColumns, PeopleColumns, Settlements,
    Snapshot, Texts, calculate_bonuses, calculate_indicators, calculate_ranks, codec, integrate_columns,
    use_threads,
};
use plan::Plan;
use serde_json::{Value, json};

use crate::input::{Watch, cycle, facts, peak_mb};

const PLAN: &str = include_str!("../plans/full.json");
/// People of the network on which instructions are counted.
const KERNEL_PEOPLE: u32 = 20_000;
const KERNELS: [&str; 6] = ["none", "integrate", "indicators", "ranks", "bonuses", "encode"];

fn plan() -> Result<Plan> {
    Plan::parse(PLAN).map_err(|mistakes| anyhow::anyhow!("{mistakes:?}"))
}

pub(crate) fn run(data: &Path, threads: usize) -> Result<Value> {
    use_threads(threads);
    let plan = plan()?;
    let mut whole = Watch::start();
    let mut laps = Vec::new();
    let mut watch = Watch::start();
    let mut lap = |what: &'static str| laps.push((what, watch.lap()));
    let facts = facts(data)?;
    lap("read");
    let snapshot = integrate_columns(facts, None, &plan, ExchangeRates::of_plan(&plan))?;
    lap("integrate");
    let files = codec::encode_snapshot(&snapshot)?;
    let mut written = files.people.len() + files.orders.len();
    lap("write snapshot");
    drop(snapshot);
    let snapshot = codec::decode_snapshot(Bytes::from(files.people), Bytes::from(files.orders))?;
    lap("read snapshot");
    let indicators = calculate_indicators(&snapshot, &plan, Context::default())?;
    lap("indicators");
    let ranked = calculate_ranks(&snapshot, &indicators, &plan, Context::default())?;
    lap("ranks");
    written += codec::encode_indicators(&indicators, &snapshot)?.len();
    written += codec::encode_indicators(&ranked.indicators, &snapshot)?.len();
    written += codec::encode_ranks(&ranked.ranks, &snapshot)?.len();
    lap("write indicators");
    let payouts = calculate_bonuses(&snapshot, &indicators, &ranked, &plan, BonusContext::default())?;
    lap("bonuses");
    let settlements = Settlements::of(&snapshot, &indicators, &ranked.ranks, &payouts, &plan)?;
    written += codec::encode_settlements(&settlements)?.len();
    lap("settle and write");
    let count = indicators.columns.len() + ranked.indicators.columns.len();
    // Nobody needs them any more.
    drop(settlements);
    drop((indicators, ranked));
    written += codec::encode_payouts(&payouts, &snapshot)?.len();
    lap("write payouts");
    let (wall, cpu) = whole.lap();
    let of = |pick: fn((f64, f64)) -> f64| -> serde_json::Map<String, Value> {
        laps.iter().map(|(what, lap)| ((*what).to_owned(), json!(pick(*lap)))).collect()
    };
    Ok(json!({
        "impl": format!("full{threads}"), "n": snapshot.people.len(), "compute": wall, "cpu_compute": cpu,
        "peak_mb": peak_mb(), "lines": payouts.lines.len(),
        "indicators": count,
        "written_mb": written as f64 / 1e6, "cpu_of": of(|lap| lap.1), "wall_of": of(|lap| lap.0),
    }))
}

/// A network that is the same everywhere: each newcomer under an earlier person, orders for 60%.
fn network() -> Result<IndexedFacts> {
    let mut state = 7_u64;
    let mut below = |limit: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % u64::from(limit.max(1))).unwrap_or(0)
    };
    let cycle = cycle()?;
    let (mut ids, mut order_ids) = (Texts::default(), Texts::default());
    let (mut parent, mut buyer, mut vq) = (Vec::new(), Vec::new(), Vec::new());
    for person in 0..KERNEL_PEOPLE {
        ids.push(&format!("P{person:08}"));
        let span = if below(3) == 0 { person } else { person.div_ceil(10) };
        parent.push(if person == 0 { NONE } else { person - 1 - below(span) });
        if below(10) < 6 {
            order_ids.push(&format!("O{:08}", buyer.len()));
            buyer.push(person);
            vq.push(i64::from(10_000 * (1 + below(300))));
        }
    }
    let people = PeopleColumns { ids, parent: Link::Rows(parent), ..PeopleColumns::default() };
    let orders = OrderColumns {
        ids: order_ids,
        paid_at: vec![cycle.start.as_microsecond(); buyer.len()],
        person: Link::Rows(buyer),
        vc: vq.clone(),
        vq,
        ..OrderColumns::default()
    };
    Ok(IndexedFacts::of(&cycle, people, orders)?)
}

/// Runs everything up to and with a kernel; the difference to the one before is its own.
pub(crate) fn kernel(name: &str) -> Result<Value> {
    let Some(last) = KERNELS.iter().position(|known| *known == name) else {
        bail!("no kernel {name}; there is {}", KERNELS.join(", "));
    };
    use_threads(1);
    let plan = plan()?;
    let facts = network()?;
    if last == 0 {
        return Ok(json!({ "kernel": name }));
    }
    let snapshot: Snapshot = integrate_columns(facts, None, &plan, ExchangeRates::of_plan(&plan))?;
    if 2 <= last {
        let indicators = calculate_indicators(&snapshot, &plan, Context::default())?;
        if 3 <= last {
            let ranked = calculate_ranks(&snapshot, &indicators, &plan, Context::default())?;
            if 4 <= last {
                let payouts =
                    calculate_bonuses(&snapshot, &indicators, &ranked, &plan, BonusContext::default())?;
                if 5 <= last {
                    codec::encode_indicators(&indicators, &snapshot)?;
                    codec::encode_payouts(&payouts, &snapshot)?;
                }
            }
        }
    }
    Ok(json!({ "kernel": name }))
}
