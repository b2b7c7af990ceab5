//! The command from the outside: files in, files and exit codes out.
#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail like tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

const PEOPLE: &str = "parent,id\n,a\na,b\nb,c\n";
const ORDERS: &str =
    "id,person,paid_at,vq,vc\no1,a,2026-10-02,200,200\no2,b,2026-10-03,100,100\no3,c,2026-10-04,50.5,50.5\n";
const PLAN: &str = r#"{
  "format": 1, "name": {"es": "Plan", "en": "Plan"}, "version": 1, "time_zone": "America/Bogota",
  "currencies": {"base": "USD"},
  "activity": {"rule": "own_vq >= 100"},
  "catalogue": {"enabled": ["PVQ", "PVC", "TVQ", "PVQ_PREV"]},
  "ranks": {"steps": [{"code": "silver", "name": {"es": "Plata", "en": "Silver"}, "rule": "TVQ >= 150"}], "grace": {"cycles": 1}},
  "bonuses": [{"code": "levels", "name": {"es": "Niveles", "en": "Levels"},
    "pays": {"unilevel": {"on": {"orders": "vc"}, "rates": {"by-level": ["0.1", "0.05"]}}}}]
}"#;

/// A folder with the three files.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.put("people.csv", PEOPLE).put("orders.csv", ORDERS).put("plan.json", PLAN);
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) -> &Self {
        fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        fs::write(self.at(name), text).unwrap();
        self
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    fn ceiba(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ceiba")).current_dir(self.0.path()).args(args).output().unwrap()
    }

    fn simulate(&self, more: &[&str]) -> Output {
        let args = [
            "simulate",
            "--people",
            "people.csv",
            "--orders",
            "orders.csv",
            "--plan",
            "plan.json",
            "--out",
            "run",
        ];
        self.ceiba(&[&args, more].concat())
    }

    /// Runs without mistakes.
    fn simulated(&self, more: &[&str]) -> String {
        let output = self.simulate(more);
        assert!(output.status.success(), "{}", errors(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Ends with a code, and says these parts.
    fn refused(&self, more: &[&str], code: i32, parts: &[&str]) {
        let output = self.simulate(more);
        let told = errors(&output);
        assert_eq!(output.status.code(), Some(code), "{told}");
        for part in parts {
            assert!(told.contains(part), "{part} is not in {told}");
        }
        assert!(!self.at("run").exists(), "a run that failed left files");
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// All files of a folder with their bytes, sorted.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_run_writes_its_tables_and_a_manifest() {
    let desk = Desk::new();
    let summary = desk.simulated(&[]);
    assert_eq!(summary, "cycle 2026-10: 3 people, 3 orders, 3 payout lines\nlevels: 17.57 USD in 3 lines\n");
    assert_eq!(
        desk.read("run/payouts.csv"),
        "earner,bonus,kind,source,order,level_walked,level_paid,base,rate,exact,amount,currency\n\
         a,levels,earned,b,o2,1,1,100,0.1,10,10.00,USD\n\
         a,levels,earned,c,o3,2,2,50.5,0.05,2.525,2.52,USD\n\
         b,levels,earned,c,o3,1,1,50.5,0.1,5.05,5.05,USD\n"
    );
    assert_eq!(
        desk.read("run/totals.csv"),
        "person,bonus,currency,lines,amount,exact,residual\n\
         ,levels,USD,3,17.57,17.575,0.005\n\
         ,,USD,3,17.57,17.575,0.005\n\
         a,,USD,2,12.52,12.525,0.005\n\
         b,,USD,1,5.05,5.05,0\n"
    );
    assert_eq!(
        desk.read("run/ranks.csv"),
        "person,earned,paid,honorific,previous,grace_used\na,silver,silver,silver,,0\nb,,,,,0\nc,,,,,0\n"
    );
    assert_eq!(
        desk.read("run/indicators.csv").lines().next().unwrap().split(',').take(3).collect::<Vec<_>>(),
        ["person", "active", "PVQ"]
    );
    let manifest: Value = serde_json::from_str(&desk.read("run/manifest.json")).unwrap();
    assert_eq!(manifest["cycle"]["id"], "2026-10");
    assert_eq!(manifest["cycle"]["start"], "2026-10-01T05:00:00Z");
    for group in ["inputs", "outputs"] {
        for file in manifest[group].as_array().unwrap() {
            let bytes = fs::read(desk.at("run").join(file["name"].as_str().unwrap())).unwrap();
            assert_eq!(file["sha256"], foundation::digest::sha256_hex(&bytes).as_str(), "{file}");
        }
    }
}

/// Points and tags are results like any other; a tag is on the person from the next cycle on. A weekly bonus is not paid monthly.
#[test]
fn awards_are_told_tags_stay_and_processes_choose() {
    let desk = Desk::new();
    let bonus = |code: &str, rate: &str, more: &str| {
        format!(
            r#"{{"code": "{code}", "name": {{"es": "{code}", "en": "{code}"}}, {more},
                "pays": {{"percentage": {{"of": "PVC", "rate": {{"fixed": "{rate}"}}}}}}}}"#
        )
    };
    let bonuses = [
        r#"{"code": "club", "name": {"es": "Club", "en": "Club"}, "award": {"tag": "club"}, "when": "own_vc >= 200",
            "pays": {"fixed": {"amount": {"amount": "1"}}}}"#
            .to_owned(),
        bonus("points", "5", r#""award": "points", "when": "own_vc >= 200""#),
        bonus("member", "0.25", r#""when": "'club' in tags""#),
        bonus("weekly", "0.01", r#""processes": ["weekly"]"#),
    ];
    let start = PLAN.find("\"bonuses\"").unwrap();
    desk.put("plan.json", &format!("{}\"bonuses\": [{}]}}", &PLAN[..start], bonuses.join(",")));
    desk.put("history/2026-09/people.csv", PEOPLE);
    desk.put("history/2026-09/orders.csv", "id,person,paid_at,vq,vc\no9,a,2026-09-02,200,200\n");
    desk.simulated(&["--history", "history", "--process", "monthly"]);
    let lines = desk.read("run/payouts.csv");
    let paid: Vec<&str> = lines.lines().skip(1).collect();
    assert_eq!(paid, ["a,member,earned,a,,0,0,200,0.25,50,50.00,USD"]);
    assert_eq!(
        desk.read("run/awards.csv"),
        "earner,bonus,kind,code,source,order,level_paid,base,rate,exact,quantity\n\
         a,club,tag,club,a,,0,1,1,1,1\n\
         a,points,points,,a,,0,200,5,1000,1000\n"
    );
    assert!(desk.ceiba(&["verify", "--run", "run"]).status.success());
    desk.simulated(&["--history", "history"]);
    assert_eq!(desk.read("run/payouts.csv").matches(",weekly,").count(), 2);
}

#[test]
fn the_same_facts_give_the_same_bytes_on_any_number_of_threads() {
    let desk = Desk::new();
    desk.simulated(&["--quiet"]);
    let first = files(&desk.at("run"));
    desk.simulated(&["--quiet", "--threads", "4"]);
    assert_eq!(files(&desk.at("run")), first);
    assert_eq!(desk.simulate(&["--threads", "0"]).status.code(), Some(2));
}

#[test]
fn another_format_replaces_the_tables() {
    let desk = Desk::new();
    desk.simulated(&[]);
    desk.put("run/notes.txt", "mine");
    desk.simulated(&["--format", "parquet"]);
    let names: Vec<String> = files(&desk.at("run")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "awards.parquet",
            "carried.parquet",
            "facts/orders.csv",
            "facts/people.csv",
            "indicators.parquet",
            "manifest.json",
            "notes.txt",
            "payouts.parquet",
            "ranks.parquet",
            "stored/orders.parquet",
            "stored/people.parquet",
            "stored/plan.json",
            "stored/ranks.parquet",
            "totals.parquet",
        ]
    );
    let explained = desk.ceiba(&["explain", "--run", "run", "--person", "b"]);
    assert!(String::from_utf8_lossy(&explained.stdout).contains("5.05"), "{}", errors(&explained));
}

#[test]
fn earlier_cycles_are_computed_first() {
    let desk = Desk::new();
    desk.put("history/1/people.csv", "id,parent\na,\nb,a\n");
    desk.put(
        "history/1/orders.csv",
        "id,person,paid_at,vq,vc\np1,a,2026-09-02,150,100\np2,b,2026-09-03,150,100\n",
    );
    // The rank of September is kept in grace, and what p2 paid is undone.
    desk.put(
        "orders.csv",
        "id,person,paid_at,vq,vc,kind,reverses\no1,a,2026-10-02,100,100,,\nr1,b,2026-10-09,150,100,return,p2\n",
    );
    desk.simulated(&["--history", "history"]);
    assert_eq!(
        desk.read("run/ranks.csv"),
        "person,earned,paid,honorific,previous,grace_used\na,,silver,silver,silver,1\nb,,,,,0\nc,,,,,0\n"
    );
    assert_eq!(
        desk.read("run/payouts.csv").lines().nth(1).unwrap(),
        "a,levels,undo,b,r1,1,1,-100,0.1,-10,-10.00,USD"
    );
    let indicators = desk.read("run/indicators.csv");
    let header = indicators.lines().next().unwrap();
    let before = header.split(',').position(|name| name == "PVQ_PREV").unwrap();
    assert_eq!(indicators.lines().nth(1).unwrap().split(',').nth(before), Some("150"));
}

#[test]
fn what_comes_back_too_late_is_not_deducted_and_verified_so() {
    let desk = Desk::new();
    let deducts = r#""returns": {"after_settlement": "deduct", "within_days": 10}, "activity""#;
    desk.put("plan.json", &PLAN.replace(r#""activity""#, deducts));
    desk.put("history/1/people.csv", "id,parent\na,\nb,a\n");
    desk.put(
        "history/1/orders.csv",
        "id,person,paid_at,vq,vc\np1,b,2026-09-02,50,50\np2,b,2026-09-25,30,30\n",
    );
    desk.put(
        "orders.csv",
        "id,person,paid_at,vq,vc,kind,reverses\no1,a,2026-10-02,100,100,,\no2,b,2026-10-02,200,200,,\n\
         r1,b,2026-10-01,50,50,return,p1\nr2,b,2026-10-01,30,30,return,p2\n",
    );
    for format in ["csv", "parquet"] {
        desk.simulated(&["--history", "history", "--format", format]);
        let output = desk.ceiba(&["verify", "--run", "run"]);
        assert!(output.status.success(), "{format}: {}", errors(&output));
    }
    // Sold six days before, p2 is deducted; p1 was sold 29 days before, and nothing else says so than its cycle.
    let output = desk.ceiba(&["verify", "--run", "run", "--person", "a"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("total: 17\n"), "{text}");
    // As a plan without days has it, both are.
    desk.put("plan.json", &PLAN.replace(r#""activity""#, &deducts.replace(r#", "within_days": 10"#, "")));
    desk.simulated(&["--history", "history"]);
    let output = desk.ceiba(&["verify", "--run", "run", "--person", "a"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("total: 12\n"), "{text}");
}

#[test]
fn parquet_facts_are_read() {
    let desk = Desk::new();
    desk.simulated(&["--format", "parquet"]);
    // The stored people have an `id` and a numeric `parent`: not the columns of facts.
    fs::copy(desk.at("run/stored/people.parquet"), desk.at("people.csv")).unwrap();
    fs::remove_dir_all(desk.at("run")).unwrap();
    desk.refused(&[], 4, &["people.csv:1, column by_id: found \"by_id\", expected one of id, kind"]);
}

#[test]
fn mistakes_in_facts_are_all_listed_with_line_and_column() {
    let desk = Desk::new();
    desk.put("people.csv", "id,kind\na,robot\nb b,\n");
    desk.put("orders.csv", "id,person,paid_at,vq\no1,a,yesterday,1\no2,a,2026-10-01,many\n");
    desk.refused(
        &[],
        4,
        &[
            "people.csv:2, column kind: found \"robot\", expected consultant or customer",
            "people.csv:3, column id: found \"b b\"",
            "orders.csv:2, column paid_at: found \"yesterday\"",
            "orders.csv:3, column vq: found \"many\"",
        ],
    );
}

#[test]
fn a_network_that_is_none_is_told_by_line() {
    let desk = Desk::new();
    desk.put("people.csv", "id,parent\na,\nb,nobody\nc,d\nd,c\nb,a\n");
    desk.put("orders.csv", "id,person,paid_at\no1,x,2026-10-01\no1,a,2026-10-02\n");
    desk.refused(
        &[],
        6,
        &[
            "people.csv:6, column id: person b is there twice",
            "people.csv:3, column parent: person b hangs under the unknown person nobody",
            "people.csv:4, column parent: a circle",
            "orders.csv:2, column person: order o1 is of the unknown person x",
            "orders.csv:3, column id: order o1 is there twice",
        ],
    );
}

#[test]
fn several_tops_are_allowed_when_asked_for() {
    let desk = Desk::new();
    desk.put("people.csv", "id,parent\na,\nb,\nc,b\n");
    desk.refused(&[], 6, &["people.csv:3, column parent: person b is another root"]);
    desk.simulated(&["--allow-forest"]);
    assert!(desk.read("run/payouts.csv").contains("b,levels,earned,c,o3,1,1,50.5,0.1,5.05,5.05,USD"));
    assert!(desk.read("run/manifest.json").contains("\"company_root\": \"company\""));
}

#[test]
fn mistakes_in_a_plan_have_a_place_in_its_file() {
    let desk = Desk::new();
    desk.put("plan.json", &PLAN.replace("\"0.05\"", "\"x\""));
    desk.refused(&[], 5, &["plan.json:8:81: /bonuses/0/pays/unilevel/rates/by-level/1: "]);
    desk.put("plan.json", &PLAN.replace("own_vq >= 100", "own_vw >= 100"));
    desk.refused(&[], 5, &["plan.json:4:25: /activity/rule:1:1: "]);
    desk.put("plan.json", "{\n\"format\": 1,,\n}");
    desk.refused(&[], 5, &["plan.json:2:"]);
}

#[test]
fn what_cannot_be_computed_is_told_by_line() {
    let desk = Desk::new();
    desk.put("people.csv", "id,parent,previous_rank\na,,gold\n").put("orders.csv", "id,person,paid_at\n");
    desk.refused(&[], 4, &["people.csv:2, column previous_rank: person a has the unknown rank \"gold\""]);
    desk.put("people.csv", "id,parent,currency\na,,EUR\n");
    desk.refused(&[], 7, &["people.csv:2, column currency: there is no exchange rate for EUR"]);
    desk.put("people.csv", PEOPLE).put("orders.csv", "id,person,paid_at,vq\no1,a,2026-10-01,0.00001\n");
    desk.refused(&[], 7, &["orders.csv:2, column vq: vq of o1 has more than 4 decimals"]);
}

/// An amount that is too large is the order's, not a person's; so is the sum it makes too large.
#[test]
fn amounts_that_are_too_large_are_told_by_order_and_column() {
    let desk = Desk::new();
    let orders =
        |rows: &str| desk.put("orders.csv", &format!("id,person,paid_at,currency,vq,vc,net\n{rows}"));
    orders("o1,a,2026-10-01,,1,1,1\no2,b,2026-10-02,,1,1000000000000000,1\n");
    desk.refused(&[], 7, &["orders.csv:3, column vc: vc of order o2 is too large"]);
    orders("o1,b,2026-10-01,,1,900000000000000,1\no2,b,2026-10-02,,1,900000000000000,1\n");
    desk.refused(&[], 7, &["orders.csv:3, column vc: the sum of vc of person b with order o2 is too large"]);
    let euro = r#""currencies": {"base": "USD", "earners": [{"currency": "EUR", "per_base_unit": "0.001"}]}"#;
    desk.put("plan.json", &PLAN.replace(r#""currencies": {"base": "USD"}"#, euro));
    orders("o1,a,2026-10-01,,1,1,1\no2,b,2026-10-02,EUR,1,1,900000000000000\n");
    desk.refused(&[], 7, &["orders.csv:3, column net: net of order o2 in the base currency is too large"]);
}

#[test]
fn all_unknown_ranks_are_told_in_the_order_of_the_file() {
    let desk = Desk::new();
    let people = "id,parent,previous_rank,manual_rank\nz,,gold,lead\nb,z,silver,\na,z,,tin\nc,z,gold,\n";
    desk.put("people.csv", people).put("orders.csv", "id,person,paid_at\n");
    let output = desk.simulate(&["--quiet"]);
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        errors(&output),
        "error: people.csv:2, column previous_rank: person z has the unknown rank \"gold\" in previous_rank\n\
         error: people.csv:2, column manual_rank: person z has the unknown rank \"lead\" in manual_rank\n\
         error: people.csv:4, column manual_rank: person a has the unknown rank \"tin\" in manual_rank\n\
         error: people.csv:5, column previous_rank: person c has the unknown rank \"gold\" in previous_rank\n"
    );
    let many: Vec<String> = (0..1200).map(|number| format!("p{number},z,gold\n")).collect();
    desk.put("people.csv", &format!("id,parent,previous_rank\nz,,\n{}", many.concat()));
    let told = errors(&desk.simulate(&["--quiet"]));
    assert!(told.contains("people.csv:102, column previous_rank: person p99 "), "{told}");
    assert!(told.ends_with("error: and 900 more\n"), "{told}");
}

#[test]
fn columns_that_no_table_has_are_refused_by_name() {
    let desk = Desk::new();
    desk.put("people.csv", "id,parent,nickname\na,,x\n")
        .put("orders.csv", "id,person,paid_at,pv\no1,a,2026-10-01,5\n");
    desk.refused(
        &[],
        4,
        &[
            "people.csv:1, column nickname: found \"nickname\", expected one of id, kind, parent",
            "orders.csv:1, column pv: found \"pv\", expected one of id, person, paid_at",
        ],
    );
}

#[test]
fn files_that_are_not_there_are_named() {
    let desk = Desk::new();
    fs::remove_file(desk.at("orders.csv")).unwrap();
    desk.refused(&[], 3, &["orders.csv: "]);
    desk.put("orders.csv", ORDERS).put("history/1/people.csv", PEOPLE);
    desk.refused(&["--history", "history"], 3, &["history/1: found neither orders.csv nor orders.parquet"]);
    desk.refused(&["--history", "nowhere"], 3, &["nowhere: "]);
    desk.refused(&["--cycle", "soon"], 2, &["--cycle: found \"soon\""]);
}

#[test]
fn a_cycle_that_is_asked_for_refuses_orders_outside_of_it() {
    let desk = Desk::new();
    desk.refused(
        &["--cycle", "2026-10-01_2026-10-03"],
        6,
        &["orders.csv:4, column paid_at: order o3 was not paid in the cycle"],
    );
    desk.simulated(&["--cycle", "2026"]);
}

#[test]
fn numbers_of_a_run_are_explained() {
    let desk = Desk::new();
    desk.simulated(&["--quiet"]);
    let explain = |more: &[&str]| {
        let output = desk.ceiba(&[&["explain", "--run", "run", "--person"], more].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &errors(&output))
    };
    let cases: [(&[&str], i32, &str); 13] = [
        (&["a", "--order", "o3"], 0, "Levels: volume 50.5, offered 7.575 = 7.575 paid + 0 passed up"),
        (&["a", "--order", "o3", "--locale", "es"], 0, "Nivel 2: 5 % = 2.525 se paga a a (2.525 USD)"),
        (&["b", "--rank", "silver"], 0, "silver of b: 1 condition(s) missing"),
        (&["c", "--bonus", "levels"], 0, "levels of c: 1 condition(s) missing"),
        (&["a"], 0, "Levels: 2.52 USD, earned in this cycle"),
        (&["a", "--locale", "es"], 0, "Niveles: 2.52 USD, ganado en este ciclo"),
        (&["a", "--order", "o2"], 0, "Order o2 of b: 100"),
        (&["b", "--rank", "silver"], 0, "Silver: does not hold"),
        (&["c", "--bonus", "levels"], 0, "Condition of the bonus: does not hold"),
        (&["a", "--indicator", "TVQ"], 0, ": 150.5"),
        (&["z"], 8, "the run knows no person \"z\""),
        (&["a", "--bonus", "pool"], 8, "the run knows no bonus \"pool\""),
        (&["a", "--rank", "x", "--bonus", "y"], 2, "cannot be used with"),
    ];
    for (more, code, part) in cases {
        let (found, text) = explain(more);
        assert!(found == Some(code) && text.contains(part), "{more:?}: {found:?} {text}");
    }
    let (_, json) = explain(&["c", "--order", "o3", "--json"]);
    let answer: Value = serde_json::from_str(&json).unwrap();
    let sheet = &answer["sheet"]["bonuses"][0];
    assert_eq!(
        sheet["remainder"].as_str().map(|rest| rest.parse::<rust_decimal::Decimal>().unwrap()),
        Some(0.into()),
        "{json}"
    );
    assert_eq!(sheet["shares"][0]["holder"], "b", "{json}");
    let (_, json) = explain(&["a", "--json"]);
    let reasons: Value = serde_json::from_str(&json).unwrap();
    assert!(reasons.as_array().is_some_and(|reasons| reasons.len() == 3), "{json}");
}

#[test]
fn who_is_nearly_there_is_listed() {
    let desk = Desk::new();
    desk.simulated(&["--quiet"]);
    let nearly = |more: &[&str]| {
        let output = desk.ceiba(&[&["nearly", "--run", "run"], more].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &errors(&output))
    };
    // Below b 50.5 were sold, below c nothing.
    let (code, text) = nearly(&["--rank", "silver"]);
    assert_eq!(code, Some(0), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("b: ") && lines[0].ends_with("(99.5 short)"), "{text}");
    assert!(lines[1].starts_with("c: ") && lines[1].ends_with("(150 short)") && lines.len() == 2, "{text}");
    let (_, text) = nearly(&["--bonus", "levels", "--locale", "es"]);
    assert!(text.starts_with("c: ") && text.lines().count() == 1, "{text}");
    let (_, json) = nearly(&["--rank", "silver", "--limit", "0", "--json"]);
    assert_eq!(json.trim(), "[]");
    assert_eq!(nearly(&["--bonus", "pool"]).0, Some(8));
    assert_eq!(nearly(&["--rank", "gold"]).0, Some(8));
    assert_eq!(nearly(&[]).0, Some(2));
}

#[test]
fn two_plans_are_compared() {
    let desk = Desk::new();
    desk.put(
        "b.json",
        &PLAN.replace("\"0.1\", \"0.05\"", "\"0.05\", \"0.1\"").replace("TVQ >= 150", "TVQ >= 50"),
    );
    let args = [
        "compare",
        "--plan",
        "plan.json",
        "--plan",
        "b.json",
        "--people",
        "people.csv",
        "--orders",
        "orders.csv",
    ];
    let text = String::from_utf8(desk.ceiba(&args).stdout).unwrap();
    for part in [
        "cost: 17.57 -> 12.57 (-5.00)",
        "payout ratio: 5.0128 % -> 3.5863 %",
        "winners: 0, losers: 2, unchanged: 1",
        "rank none -> silver: 1 people",
        "loses: b 5.05 -> 2.52 (-2.53)",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let json: Value = serde_json::from_slice(&desk.ceiba(&[&args[..], &["--json"]].concat()).stdout).unwrap();
    assert_eq!(json["changes"].as_array().unwrap().len(), 2);
    let one = ["compare", "--plan", "plan.json", "--people", "people.csv", "--orders", "orders.csv"];
    assert_eq!(desk.ceiba(&one).status.code(), Some(2));
}

/// The PEM file of an Ed25519 key.
fn pem(label: &str, prefix: &[u8], key: &[u8]) -> String {
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode([prefix, key].concat());
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn a_run_is_computed_again_by_another_evaluator() {
    let desk = Desk::new();
    desk.put("history/1/people.csv", "id,parent\na,\nb,a\n");
    desk.put(
        "history/1/orders.csv",
        "id,person,paid_at,vq,vc\np1,a,2026-09-02,150,100\np2,b,2026-09-03,150,100\n",
    );
    desk.put(
        "orders.csv",
        "id,person,paid_at,vq,vc,kind,reverses\no1,a,2026-10-02T03:00:00Z,100,100,,\no2,b,2026-10-02 10:00,70,70.5,,\n\
         r1,b,2026-10-09,150,100,return,p2\n",
    );
    desk.put("people.csv", "id,parent\na,\nb,a\nc,b\nz,\n");
    for format in ["csv", "parquet"] {
        desk.simulated(&["--history", "history", "--allow-forest", "--format", format]);
        let output = desk.ceiba(&["verify", "--run", "run"]);
        assert!(output.status.success(), "{format}: {}", errors(&output));
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("5 people computed again with the same results")
        );
    }
    let output = desk.ceiba(&["verify", "--run", "run", "--person", "a"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.starts_with("levels earned: 7.05 USD from b o2\nlevels undo: -10 USD from b r1\ntotal: -2.95\n"),
        "{text}"
    );
    assert_eq!(desk.ceiba(&["verify", "--run", "run", "--person", "nobody"]).status.code(), Some(8));
}

#[test]
fn a_run_that_was_changed_is_found_out() {
    let desk = Desk::new();
    desk.simulated(&[]);
    let verified = |parts: &[&str]| {
        let output = desk.ceiba(&["verify", "--run", "run"]);
        let told = errors(&output);
        assert_eq!(output.status.code(), Some(9), "{told}");
        for part in parts {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    };
    let totals = desk.read("run/totals.csv");
    desk.put("run/totals.csv", &totals.replace("12.52", "92.52"));
    verified(&["totals.csv: its hash is not the one in the manifest"]);
    desk.put("run/totals.csv", &totals);
    // Somebody else's orders, with a manifest that fits them.
    let orders = ORDERS.replace("o2,b,2026-10-03,100,100", "o2,b,2026-10-03,100,300");
    desk.put("run/facts/orders.csv", &orders);
    let hash = foundation::digest::sha256_hex;
    let manifest = desk.read("run/manifest.json").replace(&hash(ORDERS.as_bytes()), &hash(orders.as_bytes()));
    desk.put("run/manifest.json", &manifest);
    verified(&[
        "person a, line levels earned 10 from b o2: stored only",
        "person a, line levels earned 30 from b o2: the other evaluator only",
    ]);
}

#[test]
fn a_signature_is_of_the_manifest_and_the_key() {
    let desk = Desk::new();
    let private = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let public = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
    for (name, seed) in [("ours", [7; 32]), ("theirs", [8; 32])] {
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        desk.put(&format!("{name}.key"), &pem("PRIVATE KEY", &private, &seed));
        desk.put(&format!("{name}.pub"), &pem("PUBLIC KEY", &public, key.verifying_key().as_bytes()));
    }
    desk.simulated(&["--key", "ours.key"]);
    let verify = |key: &str| desk.ceiba(&["verify", "--run", "run", "--key", key]);
    let output = verify("ours.pub");
    assert!(String::from_utf8_lossy(&output.stdout).contains("signature right"), "{}", errors(&output));
    assert_eq!(verify("theirs.pub").status.code(), Some(9));
    assert_eq!(verify("ours.key").status.code(), Some(3));
    let manifest = desk.read("run/manifest.json");
    desk.put("run/manifest.json", &manifest.replace("\"lines\": 3", "\"lines\": 4"));
    assert_eq!(verify("ours.pub").status.code(), Some(9));
    // A run that is not signed does not keep the signature of the one before.
    desk.simulated(&[]);
    assert_eq!(verify("ours.pub").status.code(), Some(3));
}

/// A plan in which nothing is left open; who orders 500 or more gets a lower rate.
const FALLING: &str = r#"{
  "format": 1, "name": {"es": "Plan", "en": "Plan"}, "version": 1, "time_zone": "America/Bogota",
  "currencies": {"base": "USD", "rounding": "half-even"}, "activity": {"rule": "own_vq >= 100"}, "catalogue": {"enabled": ["PVQ"]},
  "bonuses": [{"code": "own", "name": {"es": "Propio", "en": "Own"},
    "pays": {"percentage": {"of": "own_vc", "rate": {"brackets": {"marginal": false, "steps": [
      {"from": "100", "rate": "0.40"},
      {"from": "500", "rate": "0.05"}]}}}}}]
}"#;

#[test]
fn lint_shows_what_it_finds_with_networks_that_run() {
    let desk = Desk::new();
    desk.put("plan.json", FALLING);
    let output = desk.ceiba(&["lint", "--plan", "plan.json", "--out", "found", "--networks", "300"]);
    assert_eq!(output.status.code(), Some(10), "{}", errors(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with(
            "warning: selling-more-pays-less: Selling more pays less: if p1 orders 400 more, p1 is paid 25.00 instead of 40.00.\n  \
             plan.json:7:31: /bonuses/0/pays/percentage/rate/brackets/steps/1/rate\n  \
             ceiba simulate --plan plan.json --people found/01-selling-more-pays-less/people.csv"
        ),
        "{text}"
    );
    assert!(text.ends_with("0 errors, 1 warnings, 0 notes\n"), "{text}");
    for (run, amount) in [("base", "40.00"), ("more", "25.00")] {
        let line = text.lines().find(|line| line.ends_with(&format!("run-{run}"))).unwrap();
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        let output = desk.ceiba(&words);
        assert!(output.status.success(), "{}", errors(&output));
        let payouts = desk.read(&format!("found/01-selling-more-pays-less/run-{run}/payouts.csv"));
        assert!(payouts.contains(amount), "{payouts}");
    }
}

#[test]
fn lint_says_it_in_spanish_as_data_and_as_an_exit_code() {
    let desk = Desk::new();
    desk.put("plan.json", FALLING);
    let lint =
        |more: &[&str]| desk.ceiba(&[&["lint", "--plan", "plan.json", "--networks", "300"], more].concat());
    let spanish = String::from_utf8(lint(&["--locale", "es"]).stdout).unwrap();
    assert!(spanish.contains("aviso: selling-more-pays-less: Vender más paga menos"), "{spanish}");
    assert!(spanish.contains("\n  people.csv\n    id,kind,"), "{spanish}");
    let data: Value = serde_json::from_slice(&lint(&["--format", "json"]).stdout).unwrap();
    let finding = &data["findings"][0];
    assert_eq!(finding["code"], "selling-more-pays-less");
    assert_eq!(finding["severity"], "warning");
    assert_eq!(finding["example"]["shows"]["what"], "paid-less");
    assert_eq!(finding["example"]["runs"][1]["name"], "more");
    assert_eq!(lint(&["--format", "xml"]).status.code(), Some(2));
    // Without the lower rate nothing is found but that the indicator is shown.
    desk.put("plan.json", &FALLING.replace("\"0.05\"", "\"0.45\""));
    let clean = lint(&[]);
    assert_eq!(clean.status.code(), Some(0), "{}", String::from_utf8_lossy(&clean.stdout));
    desk.put("plan.json", "{}");
    assert_eq!(lint(&[]).status.code(), Some(5));
}
