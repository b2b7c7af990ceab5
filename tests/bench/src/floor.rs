//! The memory floor: what reading the workload's input and writing its output takes when nothing is computed.

use std::hint::black_box;

use serde_json::{Value, json};

use crate::input::Watch;

/// Bytes that the pass of the workload reads and writes of a person.
const BYTES_READ: usize = 20;
const BYTES_WRITTEN: usize = 111;
const ROUNDS: usize = 5;

/// Nanoseconds a person, from the best of some rounds.
pub(crate) fn run(people: usize) -> Value {
    let source = vec![1_i64; people * BYTES_READ / 8];
    let mut target = vec![1_i64; people * BYTES_WRITTEN / 8];
    let (mut warm, mut fresh) = (f64::MAX, f64::MAX);
    for round in 0..ROUNDS {
        let mut watch = Watch::start();
        let sum: i64 = black_box(&source).iter().sum();
        let value = sum + i64::try_from(round).unwrap_or(0);
        target.fill(value);
        black_box(&mut target);
        warm = warm.min(watch.lap().1);
        black_box(vec![value; people * BYTES_WRITTEN / 8]);
        fresh = fresh.min(watch.lap().1);
    }
    let each = |seconds: f64| seconds * 1e9 / people.max(1) as f64;
    json!({
        "impl": "floor", "n": people,
        "ns_memory_used_before": each(warm), "ns_memory_fresh": each(fresh),
        "cpu_compute": fresh,
    })
}
