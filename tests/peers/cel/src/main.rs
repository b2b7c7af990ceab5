//! 18 rules of 5 comparisons by `cel-interpreter`, one record after the other: the numbers and rules of `tests/bench`.

use cel_interpreter::{Context, Program, Value};
use cpu_time::ProcessTime;

const NAMES: [&str; 5] = ["own_vq", "group_vc", "legs", "active_legs", "head_count"];
const SPANS: [u64; 5] = [50_000, 5_000_000, 8, 6, 400];

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let mut state = 42_u64;
    let columns = SPANS.map(|span| {
        let value = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % span
        };
        (0..count).map(value).collect::<Vec<u64>>()
    });
    let programs: Vec<Program> = (0..18)
        .map(|step| {
            let (own, group, legs, active, heads) = (step * 10, step * 500, 1 + step / 6, step / 9, step * 5);
            Program::compile(&format!(
                "own_vq >= {own}.5 && group_vc >= {group}.0 && legs >= {legs} && active_legs >= {active} && head_count >= {heads}"
            ))
            .expect("a rule without mistakes")
        })
        .collect();
    let start = ProcessTime::now();
    let mut held = 0_u64;
    for row in 0..count {
        let mut context = Context::default();
        for (place, name) in NAMES.iter().enumerate() {
            let number = columns[place][row];
            let value = if place < 2 { Value::Float(number as f64 / 100.0) } else { Value::Int(number as i64) };
            context.add_variable_from_value(*name, value);
        }
        for program in &programs {
            held += u64::from(matches!(program.execute(&context), Ok(Value::Bool(true))));
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{{\"impl\":\"cel\",\"n\":{count},\"cpu_compute\":{seconds},\"held\":{held},\"people_per_second\":{}}}",
        count as f64 / seconds
    );
}
