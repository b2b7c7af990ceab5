//! The places where bytes from outside come in. Each target takes any bytes; whatever they are, it returns.
//!
//! `tests/smoke.rs` feeds them for a short time in every test run; `libfuzzer/` feeds them for as long as one likes.

use bytes::Bytes;
use engine::{
    BonusContext, Context, ExchangeRates, Facts, HandedUp, Indicators, Payouts, PersonFact, Ranked, Snapshot,
    calculate_bonuses, calculate_indicators, calculate_ranks, codec, integrate, read_orders, read_people,
    settle, verify,
};
use foundation::cycle::Cycle;
use jiff::{Timestamp, civil::date, tz::TimeZone};
use plan::Plan;
use rules::{Record, Scope, Slot, Type, Value, compile};
use rust_decimal::Decimal;

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 4] = [
    ("rule-text", rule_text),
    ("plan-json", plan_json),
    ("facts-csv", facts_csv),
    ("snapshot-parquet", snapshot_parquet),
];

/// Most elementary steps a compiled rule may take.
const COST_MAX: u32 = 50_000;

struct Anything;

impl Anything {
    fn slot(name: &str) -> Option<(u32, Type)> {
        Some(match name {
            "own_vq" => (0, Type::Number),
            "active" => (1, Type::Bool),
            "country" => (2, Type::Text),
            "tags" => (3, Type::list(Type::Text)),
            "joined_on" => (4, Type::Date),
            _ => return None,
        })
    }
}

impl Scope for Anything {
    fn name(&self, name: &str) -> Option<Slot> {
        Self::slot(name).map(|(index, ty)| Slot::new(index, ty))
    }

    fn known_names(&self) -> Vec<String> {
        ["own_vq", "active", "country", "tags", "joined_on"].map(str::to_owned).into()
    }
}

impl Record for Anything {
    fn value(&self, slot: u32) -> Value {
        match slot {
            0 => Value::Number(Decimal::new(12_345, 2)),
            1 => Value::Bool(true),
            2 => Value::text("CO"),
            3 => Value::list(vec![Value::text("vip"), Value::text("new")]),
            _ => Value::Date(date(2026, 2, 28)),
        }
    }
}

/// A rule as somebody types it: checked, evaluated, explained.
///
/// # Panics
/// If a compiled rule is dearer than the language allows.
#[allow(clippy::panic, reason = "a broken promise is what is looked for")]
pub fn rule_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for expected in [Type::Bool, Type::Number] {
        match compile(text, &Anything, &expected) {
            Ok(program) => {
                assert!(program.cost() <= COST_MAX, "{text:?} costs {}", program.cost());
                // Failing is allowed, panicking is not.
                drop(program.evaluate(&Anything));
                drop(program.explain(&Anything).missing());
            }
            Err(mistakes) => assert!(!mistakes.is_empty(), "{text:?} is refused without a reason"),
        }
    }
}

/// A plan document: read, checked, and if it has no mistakes run over a small network.
pub fn plan_json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(plan) = Plan::parse(text) else { return };
    drop(run(&plan, &people(9)));
}

/// Facts as a company uploads them. The first byte chooses the file.
pub fn facts_csv(bytes: &[u8]) {
    let Some((which, file)) = bytes.split_first() else { return };
    if which % 2 == 0 {
        if let Ok(people) = read_people("people.csv", file) {
            drop(verify(&people, &[], &cycle()));
        }
    } else if let Ok(orders) = read_orders("orders.csv", file, &TimeZone::UTC) {
        drop(verify(&people(3), &orders, &cycle()));
    }
}

/// Stored files, read as each kind there is. The first byte chooses.
pub fn snapshot_parquet(bytes: &[u8]) {
    let Some((which, file)) = bytes.split_first() else { return };
    let file = Bytes::copy_from_slice(file);
    match which % 8 {
        0 => drop(codec::decode_snapshot(file.clone(), file)),
        1 => drop(codec::decode_indicators(file)),
        2 => drop(codec::decode_ranks(file)),
        3 => drop(codec::decode_payouts(file)),
        4 => drop(codec::decode_awards(file)),
        5 => drop(codec::decode_carried(file)),
        6 => drop(HandedUp::decode(file)),
        _ => drop(codec::decode_settlements(file)),
    }
}

/// A cycle.
pub fn cycle() -> Cycle {
    let at = |text: &str| text.parse::<Timestamp>().unwrap_or(Timestamp::UNIX_EPOCH);
    Cycle {
        id: "2026-10".parse().unwrap_or_else(|_| unreachable!("a fixed text")),
        start: at("2026-10-01T00:00:00Z"),
        end: at("2026-11-01T00:00:00Z"),
    }
}

/// So many people, each under the one in the middle between them and the first.
pub fn people(count: usize) -> Vec<PersonFact> {
    let id = |number: usize| format!("P{number}").parse().unwrap_or_else(|_| unreachable!("a fixed form"));
    (0..count).map(|number| PersonFact::new(id(number), (number != 0).then(|| id(number / 2)))).collect()
}

/// Everything a run makes.
pub type Run = (Snapshot, Indicators, Ranked, Payouts);

/// A run of `plan` over `people` without orders, if it can be made.
pub fn run(plan: &Plan, people: &[PersonFact]) -> Option<Run> {
    let facts = Facts { cycle: &cycle(), people, orders: &[] };
    let snapshot = integrate(facts, None, plan, ExchangeRates::of_plan(plan)).ok()?;
    let indicators = calculate_indicators(&snapshot, plan, Context::default()).ok()?;
    let ranked = calculate_ranks(&snapshot, &indicators, plan, Context::default()).ok()?;
    let payouts = calculate_bonuses(&snapshot, &indicators, &ranked, plan, BonusContext::default()).ok()?;
    settle(&snapshot, &indicators, &ranked.ranks, &payouts, plan).ok()?;
    Some((snapshot, indicators, ranked, payouts))
}
