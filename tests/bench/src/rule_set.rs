//! 18 rules of 5 comparisons over columns, as `tests/peers/cel` has them record by record.

use anyhow::{Result, bail};
use rules::{BoolColumn, Column, Columns, Program, Scope, Slot, Type, compile};
use serde_json::{Value, json};

use crate::input::Watch;

const NAMES: [&str; 5] = ["own_vq", "group_vc", "legs", "active_legs", "head_count"];
/// How many different values each column has; volumes are in cents.
const SPANS: [u64; 5] = [50_000, 5_000_000, 8, 6, 400];
const RULES: i64 = 18;
const ROUNDS: usize = 3;

struct Company;

impl Scope for Company {
    fn name(&self, name: &str) -> Option<Slot> {
        let position = NAMES.iter().position(|known| *known == name)?;
        Some(Slot::new(u32::try_from(position).ok()?, Type::Number))
    }

    fn known_names(&self) -> Vec<String> {
        NAMES.map(str::to_owned).to_vec()
    }
}

struct People([Vec<i64>; 5]);

impl Columns for People {
    fn column(&self, slot: u32) -> Column<'_> {
        let position = usize::try_from(slot).unwrap_or_default();
        Column::Fixed { values: &self.0[position], scale: if position < 2 { 2 } else { 0 } }
    }
}

/// The same numbers as in `tests/peers/cel`.
fn people(count: usize) -> People {
    let mut state = 42_u64;
    People(SPANS.map(|span| {
        let value = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((state >> 33) % span).unwrap_or(0)
        };
        (0..count).map(value).collect()
    }))
}

/// Thresholds rise slowly, so that no rule fails for everyone at its first comparison.
fn texts() -> impl Iterator<Item = String> {
    (0..RULES).map(|step| {
        let (own, group, legs, active, heads) = (step * 10, step * 500, 1 + step / 6, step / 9, step * 5);
        format!(
            "own_vq >= {own}.5 && group_vc >= {group} && legs >= {legs} && active_legs >= {active} && head_count >= {heads}"
        )
    })
}

pub(crate) fn run(count: usize) -> Result<Value> {
    let people = people(count);
    let mut programs: Vec<Program> = Vec::new();
    for text in texts() {
        match compile(&text, &Company, &Type::Bool) {
            Ok(program) => programs.push(program),
            Err(mistakes) => bail!("{text}: {mistakes:?}"),
        }
    }
    let mut column = BoolColumn::default();
    let (mut held, mut best) = (0, f64::MAX);
    for _ in 0..ROUNDS {
        held = 0;
        let mut watch = Watch::start();
        for program in &programs {
            program.evaluate_columns(&people, 0..count, &mut column)?;
            held += column.values.iter().filter(|held| **held).count();
        }
        best = best.min(watch.lap().1);
    }
    Ok(json!({
        "impl": "ceiba", "n": count, "cpu_compute": best, "held": held, "people_per_second": count as f64 / best,
    }))
}
