//! Workload W from its plan document.

use std::{fs::File, io::Write as _, path::Path};

use anyhow::{Context as _, Result, bail};
use engine::{
    BonusContext, Context, EXACT_SCALE, ExchangeRates, Values, calculate_bonuses, calculate_indicators,
    calculate_ranks, integrate_columns, use_threads,
};
use plan::Plan;
use serde_json::{Value, json};

use crate::input::{Watch, facts, peak_mb};

const PLAN: &str = include_str!("../plans/w.json");
const PER_LEVEL: &str = r#""per": "level""#;
const PER_SOURCE: &str = r#""per": "source""#;
/// Result columns that are indicators, with how many of their units make one of the comparison's.
const COLUMNS: [(&str, i64); 18] = [
    ("W_PVQ", 100),
    ("W_PVC", 100),
    ("W_GV", 100),
    ("W_TV", 100),
    ("W_HC", 1),
    ("W_AHC", 1),
    ("W_DEPTH", 1),
    ("W_ACD", 1),
    ("W_LEGS", 1),
    ("W_LV1", 100),
    ("W_LV2", 100),
    ("W_LV3", 100),
    ("W_LV4", 100),
    ("W_LV5", 100),
    ("W_G1", 100),
    ("W_G2", 100),
    ("W_G3", 100),
    ("W_G4", 100),
];
/// Where the rank stands among the columns.
const RANK_AT: usize = 14;

/// An exact amount in cents, half to even.
fn cents(exact: i128) -> i64 {
    let cent = 10_i128.pow(EXACT_SCALE - 2);
    let (whole, twice) = (exact.div_euclid(cent), exact.rem_euclid(cent) * 2);
    let up = cent < twice || (twice == cent && whole % 2 != 0);
    i64::try_from(whole + i128::from(up)).unwrap_or(i64::MAX)
}

pub(crate) fn run(data: &Path, threads: usize, out: Option<&Path>, per_source: bool) -> Result<Value> {
    use_threads(threads);
    if per_source && !PLAN.contains(PER_LEVEL) {
        bail!("the plan of W has no {PER_LEVEL}");
    }
    let document = if per_source { PLAN.replace(PER_LEVEL, PER_SOURCE) } else { PLAN.to_owned() };
    let plan = Plan::parse(&document).map_err(|mistakes| anyhow::anyhow!("{mistakes:?}"))?;
    let mut watch = Watch::start();
    let facts = facts(data)?;
    let load = watch.lap();
    let snapshot = integrate_columns(facts, None, &plan, ExchangeRates::of_plan(&plan))?;
    let integrate = watch.lap();
    let indicators = calculate_indicators(&snapshot, &plan, Context::default())?;
    let before = watch.lap();
    let ranked = calculate_ranks(&snapshot, &indicators, &plan, Context::default())?;
    let ranks = watch.lap();
    let payouts = calculate_bonuses(&snapshot, &indicators, &ranked, &plan, BonusContext::default())?;
    let bonuses = watch.lap();
    let peak_mb = peak_mb();
    if let Some(out) = out {
        let people = snapshot.people.len();
        let mut file = std::io::BufWriter::new(File::create(out)?);
        // Row of each person, in the order of the input.
        let rows = &snapshot.people.by_id;
        let mut put = |value: &dyn Fn(usize) -> i64| -> Result<()> {
            for row in rows {
                file.write_all(&value(*row as usize).to_le_bytes())?;
            }
            Ok(())
        };
        for (place, (code, unit)) in COLUMNS.iter().enumerate() {
            if place == RANK_AT {
                put(&|row| i64::from(ranked.ranks.earned[row]))?;
            }
            let column = indicators.column(code).or_else(|| ranked.indicators.column(code));
            let column = column.with_context(|| format!("no indicator {code}"))?;
            let Values::Fixed(values) = &column.values else { bail!("indicator {code} is a quotient") };
            put(&|row| values[row] / unit)?;
        }
        // The comparison rounds the sum of a person's lines, the engine each line: their exact amounts are added up.
        let mut exact = vec![0_i128; people];
        for line in &payouts.lines {
            exact[line.earner as usize] += line.exact;
        }
        put(&|row| cents(exact[row]))?;
    }
    let phases = [integrate, before, ranks, bonuses];
    let total = |pick: fn(&(f64, f64)) -> f64| phases.iter().map(pick).sum::<f64>();
    Ok(json!({
        "impl": format!("ceiba{threads}{}", if per_source { " per source" } else { "" }), "n": snapshot.people.len(),
        "load": load.0, "cpu_load": load.1, "compute": total(|lap| lap.0), "cpu_compute": total(|lap| lap.1),
        "wall_integrate": integrate.0, "wall_indicators": before.0, "wall_ranks": ranks.0, "wall_bonuses": bonuses.0,
        "cpu_integrate": integrate.1, "cpu_indicators": before.1, "cpu_ranks": ranks.1, "cpu_bonuses": bonuses.1,
        "peak_mb": peak_mb, "lines": payouts.lines.len(),
    }))
}
