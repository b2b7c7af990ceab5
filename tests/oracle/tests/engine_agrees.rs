//! The engine against the oracle on generated companies: every indicator, rank, line and total of two cycles.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail as a test does")]

mod engine_run;

use oracle::{CycleInput, facts::read_people};
use testkit::company::{Options, generate, write};

const PLAN: &str = include_str!("../../../shared/testkit/company/plan.json");

fn check(people: usize, seed: u64) {
    let ranks = ["", "asociado", "bronce", "plata", "oro", "platino", "esmeralda", "diamante"];
    let options = Options { people, seed, ranks: ranks.map(str::to_owned).to_vec(), ..Options::default() };
    let company = generate(&options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(&company, folder.path()).unwrap();
    let people = read_people(&folder.path().join("people.csv")).unwrap();
    let cycles: Vec<CycleInput> = company
        .cycles
        .iter()
        .map(|cycle| {
            let dates = &cycle.dates;
            CycleInput::read(folder.path(), &dates.id, dates.first_day, dates.last_day, &people).unwrap()
        })
        .collect();
    let plan = plan::Plan::parse(PLAN).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let expected = oracle::evaluate(&serde_json::from_str(PLAN).unwrap(), &cycles).unwrap();
    let computed = engine_run::run(&plan, &cycles).unwrap();
    assert!(computed.iter().all(|cycle| !cycle.payouts.lines.is_empty()), "nothing was paid");
    let differences = engine_run::differences(&plan, &computed, &expected);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_demos_company_settles_alike() {
    let options = Options::default();
    check(options.people, options.seed);
}

#[test]
fn small_companies_of_many_shapes_settle_alike() {
    for seed in 1..=10 {
        check(30 + 7 * usize::try_from(seed).unwrap(), seed);
    }
}
