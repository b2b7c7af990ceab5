//! The demo plan parses; its schema is the checked-in one; mistakes are named where they are, all at once.
#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail like tests.

use foundation::locale::Locale;
use plan::{
    Plan, PlanError,
    catalogue::{Coverage, NAMED, page},
    json_schema,
};
use serde_json::{Value, json};

const DEMO: &str = include_str!("../../testkit/company/plan.json");

fn demo() -> Value {
    serde_json::from_str(DEMO).unwrap()
}

fn parsed(document: &Value) -> Plan {
    Plan::parse(&document.to_string()).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn mistakes(document: &Value) -> Vec<PlanError> {
    Plan::parse(&document.to_string()).err().unwrap_or_default()
}

fn shown(document: &Value) -> Vec<String> {
    mistakes(document).iter().map(ToString::to_string).collect()
}

#[test]
fn the_demo_plan_has_no_mistakes() {
    let plan = Plan::parse(DEMO).unwrap_or_else(|mistakes| {
        panic!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    let enabled = plan.indicators().iter().filter(|indicator| indicator.definition.enabled).count();
    assert!(60 <= enabled, "{enabled}");
    assert_eq!(plan.rank_rules().len(), 7);
}

#[test]
fn the_catalogue_has_more_than_250_indicators_with_distinct_codes() {
    let plan = Plan::parse(DEMO).unwrap();
    let mut codes: Vec<&str> = plan
        .indicators()
        .iter()
        .filter(|indicator| indicator.built_in)
        .map(|indicator| indicator.definition.code.as_str())
        .collect();
    codes.sort_unstable();
    let all = codes.len();
    codes.dedup();
    assert_eq!(codes.len(), all);
    assert!(250 <= all, "{all}");
    assert!(plan.indicators().iter().all(|one| !one.definition.name.es.is_empty()));
}

#[test]
fn every_named_indicator_has_a_built_in_one_or_a_reason() {
    let plan = Plan::parse(DEMO).unwrap();
    for (index, named) in NAMED.iter().enumerate() {
        assert_eq!(usize::from(named.line), index + 1);
        let Coverage::BuiltIn(codes) = named.coverage else { continue };
        for code in codes {
            let code = code.replace("{leader}", "oro");
            let known = plan.indicator(&code).is_some_and(|(_, planned)| planned.built_in);
            assert!(known, "line {}, {}: there is no {code}", named.line, named.name);
        }
    }
}

#[test]
fn the_page_of_the_catalogue_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/catalogue.md");
    let made = page(Plan::parse(DEMO).unwrap().document());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    assert!(stored == made, "run the tests of `plan` once with UPDATE_DOCS=1 and review the difference");
}

#[test]
fn the_graph_names_every_reason_and_every_end_of_it() {
    let mut document = demo();
    document["catalogue"]["enabled"].as_array_mut().unwrap().push(json!("ACT_STREAK"));
    let graph = parsed(&document).graph();
    let ids: Vec<&str> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
    for edge in &graph.edges {
        assert!(ids.contains(&edge.from.as_str()) && ids.contains(&edge.to.as_str()), "{edge:?}");
    }
    for (from, to, through) in [
        ("indicator:PVQ", "activity", "rule"),
        ("activity", "indicator:TEAM_ACT", "filter"),
        ("rank:asociado", "ranks", "steps"),
        ("ranks", "indicator:G1VQ", "scope"),
        ("indicator:ACT_STREAK", "indicator:ACT_STREAK_PREV", "earlier"),
        ("indicator:ACT_STREAK_PREV", "indicator:ACT_STREAK", "measure"),
    ] {
        let edge = (from, to, through);
        let found = graph.edges.iter().any(|one| (&*one.from, &*one.to, &*one.through) == edge);
        assert!(found, "{edge:?}");
    }
    let (dot, mermaid) = (graph.to_dot(Locale::En), graph.to_mermaid(Locale::Es));
    assert!(dot.contains("\"indicator:PVQ\" -> \"activity\" [label=\"rule\"];"), "{dot}");
    assert!(mermaid.starts_with("flowchart LR\n") && !mermaid.contains(&usize::MAX.to_string()), "{mermaid}");
    assert_eq!(serde_json::to_value(&graph).unwrap()["nodes"][0]["kind"], "activity");
}

#[test]
fn every_built_in_indicator_can_be_switched_on() {
    let plan = Plan::parse(DEMO).unwrap();
    let all: Vec<&str> = plan
        .indicators()
        .iter()
        .filter(|indicator| indicator.built_in)
        .map(|indicator| indicator.definition.code.as_str())
        .collect();
    let mut document = demo();
    document["catalogue"]["enabled"] = json!(all);
    assert_eq!(shown(&document), Vec::<String>::new());
}

#[test]
fn the_checked_in_schema_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/schemas/plan.schema.json");
    let made = format!("{}\n", serde_json::to_string_pretty(&json_schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    assert!(stored == made, "run the tests of `plan` once with UPDATE_SCHEMAS=1 and review the difference");
}

#[test]
fn mistakes_of_structure_are_all_named_with_their_places() {
    let mut document = demo();
    document["version"] = json!("one");
    document["surprise"] = json!(1);
    document["currencies"]["base"] = json!("cop");
    document["ranks"]["promotion"] = json!("jump");
    document["bonuses"][0]["pays"]["unilevel"]["rates"]["by-level"][1] = json!(0.045);
    document["bonuses"][0]["pays"]["unilevel"]["compression"] = json!("squeeze");
    document["indicators"][0]["scope"] = json!({"except-strongest-legs": "two"});
    let pointers: Vec<String> = mistakes(&document).into_iter().map(|mistake| mistake.pointer).collect();
    assert_eq!(
        pointers,
        [
            "/bonuses/0/pays/unilevel/compression",
            "/bonuses/0/pays/unilevel/rates/by-level/1",
            "/currencies/base",
            "/indicators/0/scope/except-strongest-legs",
            "/ranks/promotion",
            "/surprise",
            "/version",
        ]
    );
}

#[test]
fn a_limit_is_an_amount_amounts_by_rank_or_a_rule() {
    let pointer = "/bonuses/0/cap_per_person";
    let with = |cap: Value| {
        let mut document = demo();
        document["bonuses"][0]["cap_per_person"] = cap;
        document
    };
    let rank = demo()["ranks"]["steps"][0]["code"].clone();
    for cap in
        [json!("5000"), json!({"by-rank": [{"rank": rank, "amount": "10"}]}), json!({"rule": "own_vq * 2"})]
    {
        // It is written as it was read, so that its plan keeps its name.
        let kept = serde_json::to_value(parsed(&with(cap.clone())).document()).unwrap();
        assert_eq!(kept.pointer(pointer), Some(&cap));
    }
    for (cap, below, expected) in [
        (json!(5000), "", "in quotes: \"5000\", {\"by-rank\": ...}"),
        (json!("much"), "", "a decimal of up to 18 digits"),
        (json!({"by_rank": []}), "", "{\"by-rank\": ...}"),
        (json!({"by-rank": [], "rule": "1"}), "/rule", "one of by-rank"),
        (json!({"by-rank": [{"rank": rank, "amount": 10}]}), "/by-rank/0/amount", "in quotes: \"10\""),
        (json!({"by-rank": [{"rank": rank}]}), "/by-rank/0", "field \"amount\""),
        (json!({"rule": true}), "/rule", "string"),
    ] {
        let found = mistakes(&with(cap.clone()));
        let place = found.iter().find(|mistake| mistake.pointer == format!("{pointer}{below}"));
        assert!(place.is_some_and(|mistake| mistake.expected.contains(expected)), "{cap}: {found:#?}");
    }
}

#[test]
fn a_number_in_the_place_of_a_decimal_is_told_how_to_be_written() {
    let told = |rate: &str| {
        let document = demo();
        let text = document.to_string().replacen("\"by-level\":[\"", "\"by-level\":[@,\"", 1);
        let mistakes = Plan::parse(&text.replace('@', rate)).err().unwrap();
        mistakes.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let place = "/bonuses/0/pays/unilevel/rates/by-level/0: a number where a text is expected";
    let cases = [
        ("0.05", "(found 0.05; expected the decimal as a text, in quotes: \"0.05\")"),
        ("-2", "(found -2; expected the decimal as a text, in quotes: \"-2\")"),
        (
            "1e-7",
            "(found 1e-7; expected a text in quotes: a decimal of up to 18 digits before and 9 after the point, as \"0.05\")",
        ),
    ];
    for (rate, expected) in cases {
        assert_eq!(told(rate), [format!("{place} {expected}")]);
    }
    let mut document = demo();
    document["bonuses"] = json!([{
        "code": "own", "name": {"es": "x", "en": "x"},
        "pays": {"percentage": {"of": "PVC", "rate": {"fixed": 0.05}}}
    }]);
    assert_eq!(
        shown(&document),
        ["/bonuses/0/pays/percentage/rate/fixed: a number where a text is expected \
          (found 0.05; expected the decimal as a text, in quotes: \"0.05\")"]
    );
}

/// What stands in the document is told as it is written there.
#[test]
fn parts_of_a_definition_are_told_as_they_are_written() {
    let found = |change: Value| {
        let mut document = demo();
        for (field, value) in change.as_object().unwrap() {
            document["indicators"][0][field] = value.clone();
        }
        mistakes(&document).into_iter().map(|mistake| mistake.found).collect::<Vec<_>>()
    };
    let group = json!({"group": {"rank": "oro", "self": false}});
    let scope = r#"{"group":{"rank":"oro","self":false}}"#;
    assert_eq!(found(json!({"aggregate": "legs", "scope": group})), [scope]);
    let options = json!({"cap_per_leg": {"amount": "1"}});
    assert_eq!(found(json!({"aggregate": "sum", "scope": group, "options": options})), [scope]);
    let capped = json!({"aggregate": "max", "scope": "downline", "options": options});
    assert_eq!(found(capped), ["\"max\""]);
    let over = json!({"aggregate": "legs", "scope": "legs", "options": {"over": "cycles"}});
    assert_eq!(found(over), ["\"cycles\""]);
}

#[test]
fn mistakes_of_meaning_are_all_named_with_their_places() {
    let mut document = demo();
    document["time_zone"] = json!("America/Macondo");
    document["ranks"]["steps"][2]["rule"] = json!("own_vq >= 100 &&\n  grup_vq >= 1200");
    document["bonuses"][0]["pays"]["unilevel"]["depth"][1]["rank"] = json!("hierro");
    document["bonuses"][1]["pays"]["percentage"]["of"] = json!("NOPE");
    document["catalogue"]["enabled"][0] = json!("PVX");
    let found = mistakes(&document);
    let place = |pointer: &str| found.iter().find(|mistake| mistake.pointer == pointer);
    for pointer in [
        "/time_zone",
        "/bonuses/0/pays/unilevel/depth/1/rank",
        "/bonuses/1/pays/percentage/of",
        "/catalogue/enabled/0",
    ] {
        assert!(place(pointer).is_some(), "{pointer}: {found:#?}");
    }
    let rule = place("/ranks/steps/2/rule").unwrap();
    assert_eq!((rule.line, rule.column), (Some(2), Some(3)), "{rule}");
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[test]
fn circular_references_are_named() {
    let own = |code: &str, formula: &str| {
        json!({
            "code": code, "name": {"es": code, "en": code}, "unit": "points",
            "measure": {"formula": formula}, "scope": "self"
        })
    };
    let mut document = demo();
    document["indicators"] = json!([own("A", "B + 1"), own("B", "C + 1"), own("C", "A")]);
    document["ranks"]["steps"][5]["rule"] = json!("true");
    document["ranks"]["steps"][6]["rule"] = json!("true");
    let found = mistakes(&document);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].message, "circular reference");
    assert_eq!(found[0].found, "A -> B -> C -> A");

    // A rank rule cannot use an indicator over ranks of this cycle, nor the activity rule itself.
    for (pointer, rule) in [("/ranks/steps/0/rule", "G1VQ > 1"), ("/activity/rule", "TEAM_ACT > 0")] {
        let mut document = demo();
        *document.pointer_mut(pointer).unwrap() = json!(rule);
        let found = mistakes(&document);
        assert!(found.iter().any(|mistake| mistake.message == "circular reference"), "{rule}: {found:#?}");
    }
}

#[test]
fn rules_of_ranks_read_groups_of_this_cycle_that_are_known_from_below() {
    let group = |change: Value| {
        let mut one = json!({
            "code": "PGV", "name": {"es": "PGV", "en": "PGV"}, "unit": "points", "measure": "vc",
            "scope": {"group": {"rank": "oro", "self": false}}, "options": {"ranks": "paid"}
        });
        for (field, value) in change.as_object().unwrap() {
            match value.as_object().filter(|_| field == "options") {
                Some(options) => {
                    for (option, value) in options {
                        one["options"][option] = value.clone();
                    }
                }
                None => one[field] = value.clone(),
            }
        }
        one
    };
    let with = |indicators: Value, rule: &str| {
        let mut document = demo();
        document["indicators"] = indicators;
        document["ranks"]["steps"][5]["rule"] = json!(rule);
        document["ranks"]["steps"][6]["rule"] = json!("true");
        document
    };
    for change in [
        json!({}),
        json!({"aggregate": "count"}),
        json!({"measure": {"indicator": "TVC"}}),
        json!({"measure": {"formula": "own_vc + TVC"}}),
        json!({"filter": "active && previous_rank >= oro"}),
        json!({"measure": "rank", "window": {"previous": 1}}),
        json!({"window": {"last": 3}, "options": {"minimum_own_volume": "10"}}),
    ] {
        let plan = parsed(&with(json!([group(change.clone())]), "PGV >= 100 && PGV < 2 * TVC"));
        let (_, pgv) = plan.indicator("PGV").unwrap();
        assert!(pgv.after_ranks && pgv.needed, "{change}");
        let graph = plan.graph();
        let edge = |from: &str, through: &str| {
            graph.edges.iter().any(|edge| edge.from == from && edge.through == through)
        };
        assert!(edge("indicator:PGV", "below") && edge("ranks", "scope"), "{change}");
    }
    for change in [
        json!({"aggregate": "max"}),
        json!({"aggregate": "average"}),
        json!({"measure": "rank"}),
        json!({"measure": {"formula": "rank > 0 ? own_vc : 0"}}),
        json!({"measure": {"formula": "own_vc / 3"}, "unit": "ratio"}),
        json!({"filter": "rank >= oro"}),
        json!({"where": "earned_rank >= oro"}),
        json!({"options": {"tree": "enrolment"}}),
        json!({"options": {"over": "orders"}}),
        json!({"scope": {"generation": {"rank": "oro", "number": 1}}}),
    ] {
        let found = mistakes(&with(json!([group(change.clone())]), "PGV >= 100"));
        assert_eq!(found.len(), 1, "{change}: {found:#?}");
        assert_eq!(found[0].message, "circular reference");
        assert!(found[0].found.contains("PGV"), "{change}: {found:#?}");
        assert!(found[0].expected.contains("a sum or count over a group"), "{change}: {found:#?}");
    }
    // What a rule reads itself is known from below; what is made of it is not.
    let around = json!({
        "code": "TWICE", "name": {"es": "x", "en": "x"}, "unit": "points", "measure": {"formula": "PGV * 2"}, "scope": "self"
    });
    let found = mistakes(&with(json!([group(json!({})), around]), "TWICE >= 100"));
    assert_eq!(found[0].found, "ranks of this cycle -> TWICE -> PGV -> ranks of this cycle");
    // Members may be chosen by what is known before ranks, and by nothing else.
    let leaders = json!({
        "code": "LEADERS", "name": {"es": "x", "en": "x"}, "unit": "people", "measure": "people", "scope": "downline",
        "filter": "rank >= oro", "options": {"ranks": "paid"}
    });
    let found = mistakes(&with(json!([group(json!({"filter": "LEADERS > 0"})), leaders]), "PGV >= 100"));
    assert_eq!(found[0].found, "ranks of this cycle -> PGV -> LEADERS -> ranks of this cycle");
}

#[test]
fn legs_are_asked_for_a_rank_and_how_many_of_it() {
    let with = |rule: &str| {
        let mut document = demo();
        document["ranks"]["steps"][5]["rule"] = json!(rule);
        document
    };
    let asked = |rule: &str| parsed(&with(rule)).legs_asked().collect::<Vec<_>>();
    let oro = parsed(&demo()).rank_position("oro").unwrap();
    assert_eq!(asked("legs_with_rank('oro') >= 2 && legs_with_rank('oro', 1) >= 1"), []);
    let several =
        "legs_with_rank('oro', 3) >= 1 || legs_with_rank(oro, 2) >= 2 && legs_with_rank(oro, 3) >= 1";
    assert_eq!(asked(several), [(oro, 3), (oro, 2)]);
    for wrong in [
        "legs_with_rank()",
        "legs_with_rank('oro', 0)",
        "legs_with_rank('oro', 1.5)",
        "legs_with_rank('oro', 'plata')",
        "legs_with_rank('oro', 2, 2)",
        "frontline_with_rank('oro', 2)",
        "downline_with_rank('oro', 2)",
    ] {
        let found = mistakes(&with(&format!("{wrong} >= 1")));
        let places: Vec<&str> = found.iter().map(|mistake| mistake.pointer.as_str()).collect();
        assert_eq!(places, ["/ranks/steps/5/rule"], "{wrong}: {found:#?}");
        assert_eq!(found[0].expected.contains("how many people"), wrong.starts_with("legs"), "{found:#?}");
    }
}

#[test]
fn there_is_no_generation_0_where_ones_own_group_is_generation_1() {
    let mut document = demo();
    let scope = json!({ "generation": { "number": 0, "rank": "oro", "counts": "own-group" } });
    document["indicators"][0]["scope"] = scope;
    let found = shown(&document);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("/indicators/0/scope/generation/number"), "{found:?}");
}

#[test]
fn what_is_not_computed_or_contradicts_itself_is_refused() {
    let with = |change: Value| {
        let mut document = demo();
        for (field, value) in change.as_object().unwrap() {
            document["indicators"][0][field] = value.clone();
        }
        mistakes(&document)
    };
    let cases = [
        (json!({"measure": "unpaid-balance"}), "/indicators/0/measure"),
        (json!({"measure": "people", "window": {"days-since-joining": 30}}), "/indicators/0/window"),
        (json!({"measure": "level", "where": "order.vq > 1"}), "/indicators/0/where"),
        (json!({"measure": "rank", "options": {"over": "orders"}}), "/indicators/0/options/over"),
        (json!({"aggregate": "legs", "scope": "downline"}), "/indicators/0/scope"),
        (json!({"scope": "team", "options": {"qualified": "active"}}), "/indicators/0/options/qualified"),
        (
            json!({"scope": {"level": 2}, "options": {"qualified": "own_vq"}}),
            "/indicators/0/options/qualified",
        ),
        (
            json!({"scope": "frontline", "options": {"cap_per_leg": {"share": "0.5"}}}),
            "/indicators/0/options/cap_per_leg",
        ),
        (
            json!({"aggregate": "count", "options": {"cap_per_leg": {"amount": "120.5"}}}),
            "/indicators/0/options/cap_per_leg/amount",
        ),
    ];
    for (change, pointer) in cases {
        let found: Vec<String> = with(change.clone()).into_iter().map(|mistake| mistake.pointer).collect();
        assert_eq!(found, [pointer], "{change}");
    }
    let fine =
        json!({"aggregate": "average", "options": {"over": "orders"}, "where": "order.category == 'x'"});
    assert_eq!(with(fine), []);
}

#[test]
fn levels_and_what_comes_after_them_fit_each_other() {
    let bonus =
        |code: &str, pays: Value| json!({"code": code, "name": {"es": code, "en": code}, "pays": pays});
    let levels = |code: &str, change: Value| {
        let mut pays = json!({"on": {"orders": "vc"}, "rates": {"by-level": ["0.1"]}});
        for (field, value) in change.as_object().unwrap() {
            pays[field] = value.clone();
        }
        bonus(code, json!({ "unilevel": pays }))
    };
    let infinity = |after: &str, tree: &str| {
        let pays = json!({"on": {"orders": "vc"}, "rates": [{"rate": "0.01"}], "after": after, "tree": tree});
        bonus("inf", json!({ "infinity": pays }))
    };
    let own = bonus("own", json!({"percentage": {"of": "PVC", "rate": {"fixed": "0.1"}}}));
    let by_level = json!({"compression": "dynamic-by-level"});
    let with_depth = json!({"compression": "dynamic-by-level", "depth": [{"levels": 1}], "per": "level"});
    let after = "/bonuses/1/pays/infinity/after";
    let cases = [
        (json!([levels("uni", json!({})), infinity("uni", "placement")]), vec![]),
        (json!([levels("uni", json!({})), infinity("uni", "enrolment")]), vec![after]),
        (json!([levels("uni", json!({})), infinity("other", "placement")]), vec![after]),
        (json!([own, infinity("own", "placement")]), vec![after]),
        (
            json!([infinity("uni", "placement"), levels("uni", json!({}))]),
            vec!["/bonuses/0/pays/infinity/after"],
        ),
        (json!([infinity("inf", "placement")]), vec!["/bonuses/0/pays/infinity/after"]),
        (json!([levels("uni", by_level)]), vec!["/bonuses/0/pays/unilevel/compression"]),
        (json!([levels("uni", with_depth)]), vec![]),
    ];
    for (bonuses, pointers) in cases {
        let mut document = demo();
        document["bonuses"] = bonuses.clone();
        let found: Vec<String> = mistakes(&document).into_iter().map(|mistake| mistake.pointer).collect();
        assert_eq!(found, pointers, "{bonuses}");
    }
}

#[test]
fn the_cap_of_the_plan_is_a_limit_too() {
    let rank = demo()["ranks"]["steps"][0]["code"].clone();
    let with = |cap: Value| {
        let mut document = demo();
        document["cap_per_person"] = cap;
        document
    };
    let plan = parsed(&with(json!({"rule": "max(1000, L3VC * 2)"})));
    assert!(plan.cap_rule().is_some());
    // What its rule needs is computed.
    assert!(plan.indicator("L3VC").unwrap().1.needed);
    assert!(plan.graph().edges.iter().any(|edge| edge.from == "indicator:L3VC" && edge.to == "cap"));
    assert!(parsed(&with(json!("5000"))).cap_rule().is_none());
    for (cap, pointers) in [
        (json!("0"), vec!["/cap_per_person"]),
        (json!({"by-rank": [{"rank": rank, "amount": "10"}]}), vec![]),
        (json!({"by-rank": [{"rank": "nope", "amount": "10"}]}), vec!["/cap_per_person/by-rank/0/rank"]),
        (json!({"rule": "own_vq >="}), vec!["/cap_per_person/rule"]),
    ] {
        let found: Vec<String> = mistakes(&with(cap.clone())).into_iter().map(|one| one.pointer).collect();
        assert_eq!(found, pointers, "{cap}");
    }
}

#[test]
fn numbers_of_those_who_pass_up_are_in_order_and_no_bonus_pays_after_them() {
    let of = |pass_up: Value| {
        let mut document = demo();
        document["bonuses"] = json!([
            {"code": "uni", "name": {"es": "x", "en": "x"}, "pays": {"unilevel": {
                "on": {"orders": "vc"}, "rates": {"by-level": ["0.5"]}, "pass_up": pass_up
            }}},
            {"code": "inf", "name": {"es": "x", "en": "x"}, "pays": {"infinity": {
                "on": {"orders": "vc"}, "rates": [{"rate": "0.01"}], "after": "uni"
            }}}
        ]);
        mistakes(&document).into_iter().map(|mistake| mistake.pointer).collect::<Vec<_>>()
    };
    let (after, numbers) = ("/bonuses/1/pays/infinity/after", "/bonuses/0/pays/unilevel/pass_up/numbers");
    assert_eq!(of(json!({"numbers": [1, 2], "where": "consultant"})), [after]);
    assert_eq!(of(json!({"numbers": []})), [numbers, after]);
    assert_eq!(of(json!({"numbers": [2, 2]})), [format!("{numbers}/1").as_str(), after]);
    assert_eq!(of(json!({"numbers": [0]})), [format!("{numbers}/0")]);
    let rule = "/bonuses/0/pays/unilevel/pass_up/where";
    assert_eq!(of(json!({"numbers": [1], "where": "order.vq > 1"})), [rule, after]);
}

#[test]
fn days_after_which_nothing_is_taken_back_are_one_at_least() {
    for (returns, pointers) in [
        (json!({"within_days": 60}), vec![]),
        (json!({"within_days": 0}), vec!["/returns/within_days"]),
        (json!({"within_days": 60, "after_settlement": "deduct"}), vec![]),
    ] {
        let mut document = demo();
        document["returns"] = returns.clone();
        let found: Vec<String> = mistakes(&document).into_iter().map(|mistake| mistake.pointer).collect();
        assert_eq!(found, pointers, "{returns}");
    }
}

#[test]
fn periods_of_the_plan_follow_each_other_and_are_there_where_they_are_asked_for() {
    let with = |starts: Value| {
        let mut document = demo();
        document["period_starts"] = starts;
        document["indicators"][0]["window"] = json!("plan-period");
        document
    };
    assert_eq!(mistakes(&with(json!(["2026-01-05", "2026-05-11", "2027-01-04"]))), []);
    for (starts, pointer) in [
        (json!([]), "/indicators/0/window"),
        (json!(["2026-01-05"]), "/period_starts"),
        (json!(["2026-01-05", "2026-01-05"]), "/period_starts/1"),
        (json!(["2026-01-05", "2026-05-11", "2026-02-01"]), "/period_starts/2"),
        (json!(["2026-01-05", "2026-02-30"]), "/period_starts/1"),
        (json!(["2026-01-05", "2026-5-11"]), "/period_starts/1"),
        (json!(["2026-01-05", 2026]), "/period_starts/1"),
    ] {
        let found: Vec<String> =
            mistakes(&with(starts.clone())).into_iter().map(|mistake| mistake.pointer).collect();
        assert_eq!(found, [pointer], "{starts}");
    }
    let mut document = demo();
    let mut bonuses = document["bonuses"].as_array().unwrap().iter();
    let place = bonuses.position(|bonus| bonus.pointer("/pays/percentage").is_some()).unwrap();
    document["bonuses"][place]["pays"]["percentage"]["true_up"] = json!("plan-period");
    let found: Vec<String> = mistakes(&document).into_iter().map(|mistake| mistake.pointer).collect();
    assert_eq!(found, [format!("/bonuses/{place}/pays/percentage/true_up")]);
}

#[test]
fn rules_of_bonuses_ask_what_was_paid_of_bonuses_that_are_complete() {
    let own = |code: &str, change: Value| {
        let mut one = json!({
            "code": code, "name": {"es": code, "en": code},
            "pays": {"percentage": {"of": "PVC", "rate": {"fixed": "0.1"}}}
        });
        for (field, value) in change.as_object().unwrap() {
            one[field] = value.clone();
        }
        one
    };
    let with = |first: Value, second: Value| {
        let mut document = demo();
        document["alternatives"] = json!([]);
        document["bonuses"] = json!([own("a", first), own("b", second), own("c", json!({}))]);
        document
    };
    let asks = |code: &str| json!({"when": format!("active && paid('{code}') > 10")});
    let here = |processes: Value, mut change: Value| {
        change["processes"] = processes;
        change
    };
    let fine = [
        with(json!({}), asks("a")),
        with(json!({}), here(json!(["month"]), asks("a"))),
        with(json!({"processes": ["month", "week"]}), here(json!(["week"]), asks("a"))),
        with(
            json!({}),
            json!({"pays": {"fixed": {"amount": {"rule": "max(0, 50 - paid('a'))"}}}, "cap_per_person": {"rule": "paid('a')"}}),
        ),
        with(
            json!({}),
            json!({"pays": {"unilevel": {"on": {"orders": "vc"}, "rates": {"rule": {"rate": "paid('a') / 100", "levels": 1}}}}}),
        ),
    ];
    for document in fine {
        let plan = parsed(&document);
        assert_eq!(
            plan.bonuses().iter().map(|bonus| plan.asks_payments(bonus)).collect::<Vec<_>>(),
            [false, true, false]
        );
        let edges = plan.graph().edges;
        assert!(edges.iter().any(|edge| edge.from == "bonus:a" && edge.to == "bonus:b"), "{edges:#?}");
    }
    let mut alternatives = with(json!({}), asks("a"));
    alternatives["alternatives"] = json!([{"bonuses": ["a", "c"]}]);
    let only_where = json!({"pays": {"unilevel": {"on": {"orders": "vc"}, "where": "paid('a') > 1", "rates": {"by-level": ["0.1"]}}}});
    let refused = [
        (with(json!({}), asks("b")), "when"),
        (with(json!({}), asks("c")), "when"),
        (with(json!({}), asks("nobody")), "when"),
        (with(json!({"processes": ["week"]}), asks("a")), "when"),
        (with(json!({"processes": ["week"]}), here(json!(["month", "week"]), asks("a"))), "when"),
        (with(json!({"award": "points"}), asks("a")), "when"),
        (alternatives, "when"),
        (with(json!({}), only_where), "pays/unilevel/where"),
    ];
    for (document, place) in refused {
        let found = mistakes(&document);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].pointer, format!("/bonuses/1/{place}"), "{found:#?}");
        assert!(found[0].line.is_some(), "{found:#?}");
    }
    let mut document = demo();
    document["ranks"]["steps"][0]["rule"] = json!("paid('a') > 1");
    assert_eq!(mistakes(&document).len(), 1);
    // The plan's own cap looks at everything that is paid, and at no bonus.
    let mut document = with(json!({}), asks("a"));
    document["cap_per_person"] = json!({"rule": "paid('a') * 2"});
    let found = mistakes(&document);
    assert_eq!(
        found.iter().map(|one| one.pointer.as_str()).collect::<Vec<_>>(),
        ["/cap_per_person/rule"],
        "{found:#?}"
    );
    // Levels are walked again where somebody pays after them.
    let levels = json!({"processes": ["month"], "pays": {"unilevel": {"on": {"orders": "vc"}, "qualified": "paid('a') > 0",
        "rates": {"by-level": ["0.1"]}}}});
    let after = |process: &str| {
        let mut document = with(json!({"processes": ["month"]}), levels.clone());
        let pays = json!({"infinity": {"on": {"orders": "vc"}, "rates": [{"rate": "0.01"}], "after": "b"}});
        document["bonuses"][2]["pays"] = pays;
        document["bonuses"][2]["processes"] = json!([process]);
        document
    };
    parsed(&after("month"));
    let found = mistakes(&after("week"));
    let pointers: Vec<&str> = found.iter().map(|one| one.pointer.as_str()).collect();
    assert_eq!(pointers, ["/bonuses/2/pays/infinity/after"], "{found:#?}");
}

#[test]
fn the_hash_names_the_content_and_not_its_layout() {
    let plan = Plan::parse(DEMO).unwrap();
    let compact = Plan::parse(&demo().to_string()).unwrap();
    assert_eq!(plan.hash(), compact.hash());
    let mut changed = demo();
    changed["version"] = json!(2);
    assert_ne!(plan.hash(), Plan::parse(&changed.to_string()).unwrap().hash());
}
