//! Built-in indicators by their definition in the list of named indicators, for plans that switch them on by code alone.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::plan::{list, text};

/// Definitions of the built-in indicators a plan switches on, or uses in rules, that `known` does not know.
pub(crate) fn missing(document: &Value, known: &dyn Fn(&str) -> bool) -> Result<Vec<Value>> {
    let enabled: Vec<&str> = list(document, "/catalogue/enabled").iter().filter_map(Value::as_str).collect();
    let mut found = Vec::new();
    for code in &enabled {
        if !known(code) {
            let Some(definition) = definition(code, document) else {
                bail!("the oracle does not know the indicator {code}");
            };
            found.push(definition);
        }
    }
    // What others are made of, and what rules name.
    for code in [
        "PVQ", "PVC", "CVQ", "TVQ", "TVQ_PREV", "TVQ_S", "GVQ_H", "PSVQ", "PVQ_R3", "RMAVQ_R3", "LEGS_ACT",
        "DEEPEST",
    ] {
        if !known(code)
            && !enabled.contains(&code)
            && let Some(mut definition) = definition(code, document)
        {
            definition["enabled"] = json!(false);
            found.push(definition);
        }
    }
    Ok(found)
}

fn alias(code: &str) -> Option<&'static str> {
    Some(match code {
        "PVQ" => "own_vq",
        "PVC" => "own_vc",
        "GVQ_H" => "group_vq",
        "TVQ_S" => "team_vq",
        "TVQ" => "downline_vq",
        "LEGS_ACT" => "active_legs",
        _ => return None,
    })
}

fn definition(code: &str, document: &Value) -> Option<Value> {
    let mut definition = shape(code, document)?;
    definition["code"] = json!(code);
    if let Some(alias) = alias(code) {
        definition["alias"] = json!(alias);
    }
    Some(definition)
}

/// The dimensions of an indicator.
fn shape(code: &str, document: &Value) -> Option<Value> {
    let ranks = list(document, "/ranks/steps");
    let highest = ranks.last().and_then(|rank| text(rank, "/code"));
    let leader = text(document, "/catalogue/leader_rank").or(highest);
    let goal = text(document, "/catalogue/own_volume_goal");
    let sum = |measure: &str, scope: Value| json!({ "measure": measure, "scope": scope });
    let count = |scope: Value, filter: &str| json!({ "measure": "people", "aggregate": "count", "scope": scope, "filter": filter });
    let formula = |rule: &str| json!({ "measure": { "formula": rule }, "scope": "self", "unit": "points" });
    let ratio = |rule: &str| json!({ "measure": { "formula": rule }, "scope": "self", "unit": "ratio" });
    let of_rank = |rule: &str| json!({ "measure": { "formula": rule }, "scope": "self", "unit": "count", "options": { "ranks": "paid" } });
    let group = |with_self: bool| json!({ "group": { "rank": leader, "self": with_self } });
    let window = |mut one: Value, window: Value| {
        one["window"] = window;
        one
    };
    let measure = |stem: &str| {
        Some(match stem {
            "VQ" => "vq",
            "VC" => "vc",
            "NET" => "net",
            "GROSS" => "gross",
            "UNITS" => "units",
            "ORD" => "orders",
            "PTS" => "points",
            _ => return None,
        })
    };
    if let Some((stem, suffix)) = code.split_once('_')
        && let Some((tree, measure)) =
            stem.split_at_checked(1).and_then(|(tree, stem)| Some((tree, measure(stem)?)))
        && let Some(scope) = match tree {
            "P" => Some("self"),
            "T" => Some("downline"),
            _ => None,
        }
        && let Some(when) = match suffix {
            "PREV" => Some(json!({ "previous": 1 })),
            "R3" => Some(json!({ "last": 3 })),
            "YTD" => Some(json!("calendar-year")),
            "CUM" => Some(json!("lifetime")),
            _ => None,
        }
    {
        return Some(window(sum(measure, json!(scope)), when));
    }
    if let Some((tree, stem)) = code.split_at_checked(1)
        && let Some(measure) = measure(stem)
        && let Some(scope) = match tree {
            "P" => Some("self"),
            "T" => Some("downline"),
            "C" => Some("customers"),
            _ => None,
        }
    {
        return Some(sum(measure, json!(scope)));
    }
    if let Some((tree, rank)) = code.split_once("RK_") {
        let filter = format!("consultant && rank >= {rank}");
        return match (tree, rank) {
            ("LEG", _) => Some(
                json!({ "measure": "people", "aggregate": "legs", "scope": "legs", "filter": filter, "options": { "ranks": "paid" } }),
            ),
            ("TM", _) => {
                let mut one = count(json!("downline"), &filter);
                one["options"] = json!({ "ranks": "paid" });
                Some(one)
            }
            ("", "PAID") => Some(of_rank("rank")),
            ("", "PREV") => Some(of_rank("previous_rank")),
            ("", "UP") => Some(of_rank("rank - previous_rank")),
            _ => None,
        };
    }
    Some(match code {
        "PSVQ" => formula("PVQ + CVQ"),
        "PVQ_SHORT" => formula(&format!("max(0, {} - PSVQ)", goal?)),
        "PVQ_EXC" => formula(&format!("max(0, PSVQ - {})", goal?)),
        "GVQ" => sum("vq", group(false)),
        "GVQ_H" => sum("vq", group(true)),
        "GVC" => sum("vc", group(false)),
        "GVC_H" => sum("vc", group(true)),
        "GVQ_MIN" => {
            json!({ "measure": "vq", "scope": group(false), "options": { "minimum_own_volume": goal? } })
        }
        "GROUP_N" => count(group(false), "true"),
        "GROUP_ACT" => count(group(false), "active"),
        "TVQ_S" => sum("vq", json!("team")),
        "TVC_S" => sum("vc", json!("team")),
        "TVQ_DELTA" => formula("TVQ - TVQ_PREV"),
        "L1VQ" | "L2VQ" | "L3VQ" | "L4VQ" | "L5VQ" => {
            sum("vq", json!({ "level": code[1..2].parse::<u8>().ok()? }))
        }
        "L1_5VC" => sum("vc", json!({ "levels": { "from": 1, "to": 5 } })),
        "G1VQ" | "G2VQ" | "G3VQ" | "G1VC" | "G2VC" => {
            let scope = json!({ "generation": { "number": code[1..2].parse::<u8>().ok()?, "rank": leader } });
            json!({ "measure": measure(&code[2..])?, "scope": scope, "options": { "ranks": "paid" } })
        }
        "LEG1VQ" | "LEG2VQ" => sum("vq", json!({ "leg": code[3..4].parse::<u8>().ok()? })),
        "NONMAX" => sum("vq", json!({ "except-strongest-legs": 1 })),
        "LEGS" => count(json!("frontline"), "consultant"),
        "LEGS_ACT" => count(json!("frontline"), "consultant && active"),
        "LEGS_NEW" => count(json!("frontline"), "consultant && joined_this_cycle"),
        "LEGS_ALIVE" => {
            json!({ "measure": "people", "aggregate": "legs", "scope": "legs", "filter": "active" })
        }
        "ACT" => formula("active ? 1 : 0"),
        "FL" => count(json!("frontline"), "true"),
        "FL_ACT" => count(json!("frontline"), "active"),
        "FL_NEW" => count(json!("frontline"), "joined_this_cycle"),
        "ENR_N" => count(json!("enrolled"), "true"),
        "ENR_NEW" => count(json!("enrolled"), "joined_this_cycle"),
        "TEAM_N" => count(json!("downline"), "true"),
        "TEAM_ACT" => count(json!("downline"), "active"),
        "TEAM_NEW" => count(json!("downline"), "joined_this_cycle"),
        "CUST_N" => count(json!("customers"), "true"),
        "CUST_ACT" => count(json!("customers"), "active"),
        "DEEPEST" => json!({ "measure": "level", "aggregate": "max", "scope": "team" }),
        "DEPTH" => formula("DEEPEST - level"),
        "RMAVQ" => sum("returns-vq", json!("self")),
        "RMAVQ_R3" => window(sum("returns-vq", json!("self")), json!({ "last": 3 })),
        "RMA_N" => sum("returns-count", json!("self")),
        "RMA_RATE" => ratio("RMAVQ_R3 / (PVQ_R3 + RMAVQ_R3)"),
        _ => return None,
    })
}
