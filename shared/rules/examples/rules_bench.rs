//! Rows per second of 18 rules with 5 comparisons each over a million people.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use rules::{BoolColumn, Column, Columns, Program, Scope, Slot, Type, compile};

const NAMES: [&str; 8] =
    ["own_vq", "group_vc", "team_vq", "legs", "active_legs", "head_count", "rank", "joined_on"];
const PEOPLE: usize = 1_000_000;
const RULES: usize = 18;
const ROUNDS: u32 = 5;

struct Company;

impl Scope for Company {
    fn name(&self, name: &str) -> Option<Slot> {
        let position = NAMES.iter().position(|known| *known == name)?;
        let ty = if name == "joined_on" { Type::Date } else { Type::Number };
        Some(Slot::new(u32::try_from(position).ok()?, ty))
    }

    fn known_names(&self) -> Vec<String> {
        NAMES.map(str::to_owned).to_vec()
    }
}

struct People {
    volumes: [Vec<i64>; 3],
    counts: [Vec<u32>; 3],
    ranks: Vec<u8>,
    joined: Vec<i32>,
}

impl Columns for People {
    fn column(&self, slot: u32) -> Column<'_> {
        let position = usize::try_from(slot).unwrap_or_default();
        match position {
            0..=2 => Column::Fixed { values: &self.volumes[position], scale: 2 },
            3..=5 => Column::Count(&self.counts[position - 3]),
            6 => Column::Code(&self.ranks),
            _ => Column::Date(&self.joined),
        }
    }
}

/// The same columns, all as 64-bit numbers.
struct Wide([Vec<i64>; 8]);

impl Columns for Wide {
    fn column(&self, slot: u32) -> Column<'_> {
        let position = usize::try_from(slot).unwrap_or_default();
        let scale = if position < 3 { 2 } else { 0 };
        Column::Fixed { values: &self.0[position], scale }
    }
}

fn people() -> People {
    let mut state = 42_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut volume =
        |most: u64| (0..PEOPLE).map(|_| i64::try_from(next(most)).unwrap_or(0)).collect::<Vec<_>>();
    let volumes = [volume(50_000), volume(5_000_000), volume(9_000_000)];
    let mut count =
        |most: u64| (0..PEOPLE).map(|_| u32::try_from(next(most)).unwrap_or(0)).collect::<Vec<_>>();
    let counts = [count(8), count(6), count(400)];
    let ranks = (0..PEOPLE).map(|_| u8::try_from(next(9)).unwrap_or(0)).collect();
    let joined = (0..PEOPLE).map(|_| i32::try_from(15_000 + next(5_000)).unwrap_or(0)).collect();
    People { volumes, counts, ranks, joined }
}

fn wide(people: &People) -> Wide {
    let counts =
        people.counts.each_ref().map(|column| column.iter().map(|number| i64::from(*number)).collect());
    let [own, group, team] = people.volumes.clone();
    let [legs, active, heads] = counts;
    let ranks = people.ranks.iter().map(|rank| i64::from(*rank)).collect();
    Wide([
        own,
        group,
        team,
        legs,
        active,
        heads,
        ranks,
        people.joined.iter().map(|day| i64::from(*day)).collect(),
    ])
}

/// Ladder rules whose thresholds rise slowly, so that no block fails as a whole and nothing is skipped.
fn texts() -> Vec<String> {
    (0..RULES)
        .map(|step| {
            format!(
                "own_vq >= {}.50 && group_vc >= {} && legs >= {} && active_legs >= {} && head_count >= {}",
                step * 10,
                step * 500,
                1 + step / 6,
                step / 9,
                step * 5
            )
        })
        .collect()
}

fn measure(name: &str, programs: &[Program], columns: &dyn Columns) -> Result<usize, rules::EvaluationError> {
    let mut column = BoolColumn::default();
    let mut held = 0;
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        held = 0;
        let start = Instant::now();
        for program in programs {
            program.evaluate_columns(columns, 0..PEOPLE, &mut column)?;
            held += column.values.iter().filter(|held| **held).count();
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    #[allow(clippy::cast_precision_loss, clippy::float_arithmetic)]
    let millions = PEOPLE as f64 / best / 1e6;
    println!("{name:<34} {millions:>8.2} million rows/s   ({held} held)");
    Ok(held)
}

fn rows(
    name: &str,
    count: usize,
    mut held_at: impl FnMut(usize) -> Result<usize, rules::EvaluationError>,
) -> Result<(), rules::EvaluationError> {
    let start = Instant::now();
    let held = (0..count).try_fold(0, |held, row| Ok::<_, rules::EvaluationError>(held + held_at(row)?))?;
    #[allow(clippy::cast_precision_loss, clippy::float_arithmetic)]
    let millions = count as f64 / start.elapsed().as_secs_f64() / 1e6;
    println!("{name:<34} {millions:>8.2} million rows/s   ({held} held of {count} people)");
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let people = people();
    let wide = wide(&people);
    let programs = texts()
        .iter()
        .map(|text| compile(text, &Company, &Type::Bool).map_err(|mistakes| mistakes[0].to_string()))
        .collect::<Result<Vec<_>, _>>()?;
    println!("{RULES} rules of 5 comparisons, {PEOPLE} people, one thread, best of {ROUNDS}");
    let narrow = measure("columns, counts in 32 bits", &programs, &people)?;
    let all_wide = measure("columns, all in 64 bits", &programs, &wide)?;
    assert_eq!(narrow, all_wide);
    let bound = programs.iter().map(|program| program.bind(&people)).collect::<Result<Vec<_>, _>>()?;
    rows("row by row, in integers", PEOPLE, |row| {
        bound.iter().try_fold(0, |held, bound| Ok(held + usize::from(bound.holds_at(row, &[])?)))
    })?;
    rows("row by row, in decimals", PEOPLE / 100, |row| {
        bound
            .iter()
            .try_fold(0, |held, bound| Ok(held + usize::from(bound.value(row, &[])?.as_bool() == Some(true))))
    })?;
    Ok(())
}
