//! The engine against the oracle on generated companies: every indicator, rank, line and total of two cycles.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail as a test does")]

use std::path::Path;

use engine::{Context, ExchangeRates, Facts, Indicators, Payouts, Previous, Ranked, SettledCycle, Snapshot};
use foundation::cycle::Cycle;
use jiff::tz::TimeZone;
use oracle::{
    facts::{CycleFacts, read_people},
    settle::{Line, Settled, settle},
};
use plan::Plan;
use rust_decimal::Decimal;
use testkit::company::{Company, Options, generate, write};

const PLAN: &str = include_str!("../../../shared/testkit/company/plan.json");

struct Computed {
    snapshot: Snapshot,
    indicators: Indicators,
    ranked: Ranked,
    payouts: Payouts,
}

fn computed(folder: &Path, company: &Company, plan: &Plan) -> Vec<Computed> {
    let zone = TimeZone::get("America/Bogota").unwrap();
    let people =
        engine::read_people("people.csv", &std::fs::read(folder.join("people.csv")).unwrap()).unwrap();
    let mut done: Vec<Computed> = Vec::new();
    for generated in &company.cycles {
        let dates = &generated.dates;
        let file = format!("orders-{}.csv", dates.id);
        let orders = engine::read_orders(&file, &std::fs::read(folder.join(&file)).unwrap(), &zone).unwrap();
        let cycle =
            Cycle::of_days(dates.id.as_str().parse().unwrap(), dates.first_day, dates.last_day, &zone)
                .unwrap();
        let previous =
            done.last().map(|before| Previous { snapshot: &before.snapshot, ranks: &before.ranked.ranks });
        let facts = Facts { cycle: &cycle, people: &people, orders: &orders };
        let snapshot = engine::integrate(facts, previous, plan, ExchangeRates::of_plan(plan)).unwrap();
        let history: Vec<Snapshot> = done.iter().rev().map(|before| before.snapshot.clone()).collect();
        let context = Context { history: &history, adjustments: &[] };
        let indicators = engine::calculate_indicators(&snapshot, plan, context).unwrap();
        let ranked = engine::calculate_ranks(&snapshot, &indicators, plan, context).unwrap();
        let settled: Vec<SettledCycle<'_>> = done
            .iter()
            .map(|before| SettledCycle { snapshot: &before.snapshot, payouts: &before.payouts })
            .collect();
        let payouts = engine::calculate_bonuses(
            &snapshot,
            &indicators,
            &ranked,
            plan,
            engine::BonusContext { settled: &settled, ..Default::default() },
        )
        .unwrap();
        done.push(Computed { snapshot, indicators, ranked, payouts });
    }
    done
}

fn lines(computed: &Computed, row: u32) -> Vec<Line> {
    let Computed { snapshot, payouts, .. } = computed;
    let of_row = payouts.lines.iter().filter(|line| line.earner == row);
    let mut lines: Vec<_> = of_row
        .map(|line| Line {
            bonus: payouts.bonuses[usize::from(line.bonus)].code.clone(),
            source: snapshot.people.ids.get(line.source as usize).to_owned(),
            order: if line.order == engine::NONE {
                String::new()
            } else {
                snapshot.orders.ids.get(line.order as usize).to_owned()
            },
            level_paid: usize::from(line.level_paid),
            level_walked: usize::from(line.level_walked),
            base: Decimal::new(line.base, 4).normalize(),
            rate: Decimal::new(line.rate, engine::RATE_SCALE).normalize(),
            amount: engine::from_minor(line.amount, line.currency).normalize(),
        })
        .collect();
    lines.sort();
    lines
}

/// Volumes and counts agree exactly, a quotient to the last kept decimal.
fn agrees(found: Decimal, scale: u32, expected: Decimal) -> bool {
    (found - expected).abs() <= Decimal::new(1, scale) && (scale > 4 || found == expected)
}

fn compare(computed: &Computed, expected: &Settled, cycle: &str) {
    let people = &computed.snapshot.people;
    assert_eq!(people.len(), expected.people.len());
    for row in 0..u32::try_from(people.len()).unwrap() {
        let id = people.ids.get(row as usize);
        let oracle = &expected.people[id];
        let place = row as usize;
        let here = format!("{id} in {cycle}");
        assert_eq!(computed.indicators.active[place], oracle.active, "active, {here}");
        assert_eq!(computed.ranked.ranks.earned[place], oracle.earned_rank, "earned rank, {here}");
        assert_eq!(computed.ranked.ranks.paid[place], oracle.paid_rank, "paid rank, {here}");
        assert_eq!(computed.ranked.ranks.honorific[place], oracle.honorific_rank, "honorific rank, {here}");
        for (code, value) in &oracle.indicators {
            let column = computed.indicators.column(code).or_else(|| computed.ranked.indicators.column(code));
            let column = column.unwrap_or_else(|| panic!("the engine has no {code}"));
            let found = column.value(row);
            assert!(agrees(found, column.scale, *value), "{code} is {found}, not {value}, {here}");
        }
        assert_eq!(lines(computed, row), oracle.lines, "lines, {here}");
    }
}

fn check(people: usize, seed: u64) {
    let ranks = ["", "asociado", "bronce", "plata", "oro", "platino", "esmeralda", "diamante"];
    let options = Options { people, seed, ranks: ranks.map(str::to_owned).to_vec(), ..Options::default() };
    let company = generate(&options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(&company, folder.path()).unwrap();
    let plan = Plan::parse(PLAN).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let facts = company.cycles.iter().map(|cycle| {
        let dates = &cycle.dates;
        CycleFacts::read(folder.path(), &dates.id, dates.first_day, dates.last_day).unwrap()
    });
    let facts: Vec<_> = facts.collect();
    let expected =
        settle(&read_people(folder.path()).unwrap(), &facts, &serde_json::from_str(PLAN).unwrap()).unwrap();
    let computed = computed(folder.path(), &company, &plan);
    assert!(computed.iter().all(|cycle| !cycle.payouts.lines.is_empty()), "nothing was paid");
    for ((computed, expected), facts) in computed.iter().zip(&expected).zip(&facts) {
        compare(computed, expected, &facts.id);
    }
}

#[test]
fn the_demos_company_settles_alike() {
    let options = Options::default();
    check(options.people, options.seed);
}

#[test]
fn small_companies_of_many_shapes_settle_alike() {
    for seed in 1..=40 {
        check(30 + 7 * usize::try_from(seed).unwrap(), seed);
    }
}
