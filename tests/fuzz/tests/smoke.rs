//! A short run of every target: seeds, and seeds damaged in ways that keep most of their shape.
#![allow(clippy::unwrap_used)] // Helpers of tests may fail like tests.
#![allow(clippy::disallowed_methods)] // The number of rounds comes from who starts the test.

use std::{alloc::System, fs, path::Path};

use cap::Cap;
use engine::{Context, Cut, Settlements, codec};
use fuzz::{TARGETS, people, run};
use plan::Plan;

/// No input may make a target take more memory than this, whatever sizes it claims to hold.
const MEMORY_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Damaged inputs per seed; `FUZZ_ROUNDS` asks for more.
const ROUNDS: usize = 1_500;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Repeatable numbers (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (limit.max(1) as u64)).unwrap()
    }
}

/// One to four changes: a byte, a cut, a chunk twice, a chunk of another seed, a token that means something.
fn damaged(seed: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    const TOKENS: [&[u8]; 16] = [
        b"(",
        b")",
        b"[",
        b"{",
        b"\"",
        b",",
        b"\n",
        b"-1",
        b"0",
        b"99999999999999999999999999999",
        b"1e400",
        b"null",
        b"&&",
        b"?",
        b"\xff",
        b"\x00",
    ];
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        let end = at + numbers.below((bytes.len() - at).min(64) + 1);
        match numbers.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.extend_from_slice(&seed[at.min(seed.len())..end.min(seed.len())]),
            3 => {
                let from = numbers.below(other.len() + 1);
                let to = from + numbers.below((other.len() - from).min(64) + 1);
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            4 => bytes.truncate(at),
            _ => drop(bytes.splice(at..at, TOKENS[numbers.below(TOKENS.len())].iter().copied())),
        }
    }
    bytes
}

fn corpus(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

fn after(first: u8, bytes: Vec<u8>) -> Vec<u8> {
    [vec![first], bytes].concat()
}

fn demo_plan() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/testkit/company/plan.json")).unwrap()
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "rule-text" => corpus("rules")
            .iter()
            .flat_map(|file| file.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>())
            .collect(),
        "plan-json" => vec![demo_plan()],
        "facts-csv" => {
            let people = corpus("people").into_iter().map(|file| after(0, file));
            people.chain(corpus("orders").into_iter().map(|file| after(1, file))).collect()
        }
        _ => {
            let plan = Plan::parse(std::str::from_utf8(&demo_plan()).unwrap()).unwrap();
            let (snapshot, indicators, ranked, payouts) = run(&plan, &people(40)).unwrap();
            let files = codec::encode_snapshot(&snapshot).unwrap();
            let part = Cut::of(&snapshot, &plan, 10).unwrap().piece(1, &snapshot);
            let (_, handed) = part.calculate_indicators(&plan, Context::default(), None).unwrap();
            let settlements =
                Settlements::of(&snapshot, &indicators, &ranked.ranks, &payouts, &plan).unwrap();
            vec![
                after(0, files.people),
                after(0, files.orders),
                after(1, codec::encode_indicators(&indicators, &snapshot).unwrap()),
                after(2, codec::encode_ranks(&ranked.ranks, &snapshot).unwrap()),
                after(3, codec::encode_payouts(&payouts, &snapshot).unwrap()),
                after(4, codec::encode_awards(&payouts, &snapshot).unwrap()),
                after(5, codec::encode_carried(&payouts.carried, &snapshot).unwrap()),
                after(6, handed.encode().unwrap()),
                after(7, codec::encode_settlements(&settlements).unwrap()),
            ]
        }
    }
}

fn feed(name: &str) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let rounds = std::env::var("FUZZ_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    ALLOCATOR.set_limit(ALLOCATOR.allocated() + MEMORY_BYTES_MAX).unwrap();
    let mut numbers = Numbers(0x00C0_FFEE);
    for seed in &seeds {
        target(seed);
        for _ in 0..rounds {
            let other = &seeds[numbers.below(seeds.len())];
            target(&damaged(seed, other, &mut numbers));
        }
    }
}

#[test]
fn rule_texts_are_refused_or_evaluated() {
    feed("rule-text");
}

#[test]
fn plan_documents_are_refused_or_run() {
    feed("plan-json");
}

#[test]
fn files_of_facts_are_refused_or_read() {
    feed("facts-csv");
}

#[test]
fn stored_files_are_refused_or_read() {
    feed("snapshot-parquet");
}
