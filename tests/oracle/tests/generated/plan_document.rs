//! Random plan documents over the whole format. What the engine refuses is taken out again.

use plan::Plan;
use serde_json::{Value, json};

use super::{dice::Dice, rule_text::Words};

fn name() -> Value {
    json!({ "es": "n", "en": "n" })
}

fn decimal(dice: &mut Dice<'_>, choices: &[&str]) -> Value {
    json!(dice.one_of(choices))
}

const RATES: [&str; 7] = ["0.1", "0.05", "0.125", "0.0333", "1", "0", "0.2"];

fn rate(dice: &mut Dice<'_>) -> Value {
    decimal(dice, &RATES)
}

/// What parts of a plan are drawn from.
struct Draft<'a, 'b> {
    dice: &'a mut Dice<'b>,
    ranks: Vec<String>,
    /// Names of indicators that rules may use everywhere.
    before: Vec<String>,
    /// And those that bonuses may use too.
    codes: Vec<String>,
    /// Groups that rules of ranks ask for, cut at the ranks of the cycle.
    groups: Vec<Value>,
    /// Codes of the bonuses before the one that is drawn.
    bonuses: Vec<String>,
}

/// Codes of the ranks of all plans: the first so many.
pub(crate) const RANKS: [&str; 4] = ["R1", "R2", "R3", "R4"];

/// Indicators over periods of the calendar and of the plan, for bonuses that pay on the whole of them: code, window, period.
const PERIODS: [(&str, &str, &str); 4] = [
    ("PM", "calendar-month", "month"),
    ("PQ", "calendar-quarter", "quarter"),
    ("PY", "calendar-year", "year"),
    ("PP", "plan-period", "plan-period"),
];

/// Days on which periods begin, so that the cycles of a company lie in one, two or three of them.
const PERIOD_STARTS: [&str; 4] = [
    "2025-11-30 2025-12-31 2026-02-01",
    "2025-12-31 2026-02-01",
    "2025-10-05 2025-12-01 2026-01-31 2026-02-14",
    "2026-02-01 2026-06-30",
];

fn of_period((code, window, _): (&str, &str, &str)) -> Value {
    json!({
        "code": code, "name": name(), "unit": "points", "measure": "vc", "scope": "self",
        "window": window, "enabled": false,
    })
}

/// A plan document and what the engine made of it.
pub(crate) fn document(dice: &mut Dice<'_>, built_in: &[String]) -> (Value, Plan) {
    let n_ranks = 1 + dice.below(RANKS.len());
    let ranks: Vec<String> = RANKS[..n_ranks].iter().map(|rank| (*rank).to_owned()).collect();
    let before =
        ["own_vq", "own_vc", "PNET", "active_legs", "TVQ", "CVQ", "PVQ_R3"].map(str::to_owned).to_vec();
    let mut draft =
        Draft { dice, ranks, codes: before.clone(), before, groups: Vec::new(), bonuses: Vec::new() };
    let indicators: Vec<Value> = (0..draft.dice.below(6)).map(|index| draft.indicator(index)).collect();
    let ranks = draft.ladder();
    let groups = std::mem::take(&mut draft.groups);
    let indicators: Vec<Value> = indicators.into_iter().chain(PERIODS.map(of_period)).chain(groups).collect();
    let activity = match draft.dice.below(4) {
        0 => "own_vq >= 100".to_owned(),
        1 => "own_vq > 0".to_owned(),
        2 => "consultant || own_vc >= 50".to_owned(),
        _ => Words::of_person(&draft.before, &[]).truth(draft.dice, 1),
    };
    let n_bonuses = 1 + draft.dice.below(4);
    let bonuses: Vec<Value> = (0..n_bonuses).map(|index| draft.bonus(index)).collect();
    let enabled: Vec<&String> =
        (0..draft.dice.below(9)).map(|_| &built_in[draft.dice.below(built_in.len())]).collect();
    let mut enabled: Vec<String> = enabled.into_iter().cloned().collect();
    enabled.sort();
    enabled.dedup();
    let mut document = json!({
        "format": 1,
        "name": name(),
        "version": 1,
        "time_zone": "America/Bogota",
        "period_starts": draft.dice.one_of(&PERIOD_STARTS).split(' ').collect::<Vec<_>>(),
        "currencies": {
            "base": "COP",
            "earners": [
                { "currency": "USD", "per_base_unit": "0.25" },
                { "currency": "CLP", "per_base_unit": "2.5" },
                { "currency": "KWD", "per_base_unit": "0.03" }
            ],
            "rounding": draft.dice.one_of(&["half-even", "half-up", "down", "up"]),
        },
        "volumes": {
            "vq_value": draft.dice.one_of(&["1", "0.5", "3"]),
            "vc_value": draft.dice.one_of(&["1", "0.25", "4"]),
            "points_value": draft.dice.one_of(&["1", "0.1"]),
        },
        "activity": { "rule": activity },
        "catalogue": { "enabled": enabled, "own_volume_goal": "100", "leader_rank": draft.dice.one_of(&draft.ranks) },
        "indicators": indicators,
        "ranks": ranks,
        "bonuses": bonuses,
        "returns": { "after_settlement": draft.dice.one_of(&["undo", "deduct"]) },
    });
    if draft.dice.once_in(4) {
        document["payout_cap"] = json!({ "share_of_vc": draft.dice.one_of(&["0.1", "0.4", "0.033"]) });
    }
    if draft.dice.once_in(6) {
        document["cap_per_person"] = draft.limit(&["100", "10.05", "0.5"]);
    }
    if draft.dice.once_in(3) {
        document["minimum_payout"] = json!({ "amount": draft.dice.one_of(&["20", "0", "100.555", "3.3"]) });
    }
    if draft.dice.once_in(3) && 1 < n_bonuses {
        document["alternatives"] =
            json!([{ "bonuses": ["B0", "B1"], "pays": draft.dice.one_of(&["greatest", "first"]) }]);
    }
    if draft.dice.once_in(3) {
        document["returns"]["within_days"] = json!(draft.dice.one_of(&[1, 14, 35]));
    }
    after_levels(draft.dice, &mut document);
    accepted(document)
}

/// Lets some infinity bonuses pay after the levels of a bonus before them.
fn after_levels(dice: &mut Dice<'_>, document: &mut Value) {
    let mut levels: Vec<(Value, Value)> = Vec::new();
    for bonus in document["bonuses"].as_array_mut().unwrap() {
        let no_pass_up = bonus.pointer("/pays/unilevel/pass_up").is_none();
        if let Some(tree) = bonus.pointer("/pays/unilevel/tree").filter(|_| no_pass_up) {
            levels.push((bonus["code"].clone(), tree.clone()));
        }
        if bonus.pointer("/pays/infinity").is_some() && !levels.is_empty() && !dice.once_in(3) {
            let (code, tree) = dice.one_of(&levels);
            let infinity = &mut bonus["pays"]["infinity"];
            (infinity["after"], infinity["tree"]) = (code, tree);
            infinity["from_level"] = json!(dice.one_of(&[1, 1, 3]));
        }
    }
}

/// Takes out, piece by piece, what the engine refuses.
fn accepted(mut document: Value) -> (Value, Plan) {
    loop {
        let mistakes = match Plan::parse(&document.to_string()) {
            Ok(plan) => return (document, plan),
            Err(mistakes) => mistakes,
        };
        let pointers: Vec<String> = mistakes.into_iter().map(|mistake| mistake.pointer).collect();
        let mut gone: Vec<(String, usize)> = Vec::new();
        for pointer in &pointers {
            let mut parts = pointer.split('/').skip(1);
            match (parts.next(), parts.next(), parts.next()) {
                (Some(list @ ("indicators" | "bonuses")), Some(index), _) => {
                    gone.push((list.to_owned(), index.parse().unwrap()));
                }
                (Some("activity"), ..) => document["activity"]["rule"] = json!("own_vq >= 100"),
                (Some("ranks"), Some("steps"), Some(index)) => {
                    let index: usize = index.parse().unwrap();
                    document["ranks"]["steps"][index]["rule"] = json!("own_vq >= 50");
                }
                (Some("ranks"), Some("steps"), None) => {
                    for step in document["ranks"]["steps"].as_array_mut().unwrap() {
                        step["rule"] = json!("own_vq >= 50");
                    }
                }
                (Some("catalogue"), ..) => document["catalogue"]["enabled"] = json!([]),
                (Some(block @ "ranks"), Some(field), _) => {
                    document[block].as_object_mut().unwrap().remove(field);
                }
                (Some(field), ..) => {
                    document.as_object_mut().unwrap().remove(field);
                }
                (None, ..) => panic!("the whole plan is refused"),
            }
        }
        gone.sort();
        gone.dedup();
        for (list, index) in gone.into_iter().rev() {
            document[list].as_array_mut().unwrap().remove(index);
        }
    }
}

impl Draft<'_, '_> {
    fn words(&self) -> Words {
        Words::of_person(&self.before, &self.ranks)
    }

    fn rank(&mut self) -> String {
        self.dice.one_of(&self.ranks)
    }

    /// Rows by rank, lowest first, perhaps from everyone on.
    fn rows(&mut self, row: impl Fn(&mut Self) -> Value) -> Value {
        let mut rows = Vec::new();
        if self.dice.once_in(2) {
            rows.push(row(self));
        }
        for rank in self.ranks.clone() {
            if self.dice.once_in(2) || rows.is_empty() {
                let mut one = row(self);
                one["rank"] = json!(rank);
                rows.push(one);
            }
        }
        Value::Array(rows)
    }

    fn indicator(&mut self, index: usize) -> Value {
        let code = format!("I{index}");
        let paid = self.dice.once_in(4);
        let of_orders = [
            "vq",
            "vc",
            "net",
            "gross",
            "orders",
            "units",
            "points",
            "returns-vq",
            "returns-vc",
            "returns-count",
        ];
        let measure = match self.dice.below(8) {
            0..=3 => json!(self.dice.one_of(&of_orders)),
            4 => json!(self.dice.one_of(&["people", "rank", "level"])),
            5 if !self.codes.is_empty() => {
                json!({ "indicator": self.dice.one_of(&["PVQ", "PVC", "TVQ", "PVQ_R3", "LEGS_ACT"]) })
            }
            _ => {
                let mut words = self.words().and_truth("active");
                if paid {
                    words = words.and_number("rank");
                }
                json!({ "formula": words.number(self.dice, 2) })
            }
        };
        let is_formula = measure.get("formula").is_some();
        let scope = match self.dice.below(18) {
            _ if is_formula && !self.dice.once_in(5) => json!("self"),
            0 => json!("self"),
            1 => json!("customers"),
            2 => json!("frontline"),
            3 => json!({ "level": 1 + self.dice.below(4) }),
            4 => json!({ "levels": { "from": 1 + self.dice.below(2), "to": 2 + self.dice.below(3) } }),
            5 | 6 => json!("downline"),
            7 => json!("team"),
            8 => json!({ "group": { "rank": self.rank(), "self": self.dice.once_in(2) } }),
            9 | 10 => json!({ "generation": {
                "number": self.dice.below(4), "rank": self.rank(), "counts": self.dice.one_of(&["leader", "own-group", "between"])
            } }),
            11 => json!("strongest-leg"),
            12 => json!({ "except-strongest-legs": 1 + self.dice.below(2) }),
            13 => json!({ "weakest-of-strongest-legs": 1 + self.dice.below(3) }),
            14 => json!({ "leg": 1 + self.dice.below(3) }),
            15 => json!("legs"),
            16 => json!("enrolled"),
            _ => self.dice.one_of(&[json!({ "upline": { "rank": self.ranks[0] } }), json!("company")]),
        };
        let aggregate = match self.dice.below(7) {
            0..=2 => "sum",
            3 => "count",
            4 => "max",
            5 => self.dice.one_of(&["min", "average"]),
            _ if scope == "legs" => "legs",
            _ => "sum",
        };
        // Who is counted is whole, and a cap on them is, too.
        let is_finer =
            aggregate != "count" && ["vq", "vc", "net"].iter().any(|volume| measure == json!(volume));
        let window = match self.dice.below(10) {
            0..=3 => json!("this-cycle"),
            4 => json!({ "previous": 1 + self.dice.below(2) }),
            5 => json!({ "last": 1 + self.dice.below(3) }),
            6 => json!("calendar-year"),
            7 => json!("lifetime"),
            8 => json!(self.dice.one_of(&[
                "calendar-month",
                "calendar-quarter",
                "calendar-half",
                "plan-period"
            ])),
            _ => json!({ "days-since-joining": 1 + self.dice.below(60) }),
        };
        let mut one = json!({
            "code": code,
            "name": name(),
            "unit": if is_formula { self.dice.one_of(&["points", "ratio", "count", "money", "people"]) } else { "points" },
            "measure": measure,
            "aggregate": aggregate,
            "scope": scope,
            "window": window,
            "options": {
                "tree": self.dice.one_of(&["placement", "placement", "enrolment"]),
                "ranks": if paid { "paid" } else { "previous" },
                "customers_open_legs": self.dice.once_in(3),
                "over": self.dice.one_of(&["members", "members", "members", "members", "orders", "cycles"]),
            },
        });
        if self.dice.once_in(6) {
            one["where"] = json!(self.earner_words().and_of_order().truth(self.dice, 1));
        }
        if self.dice.once_in(3) {
            one["filter"] = json!(self.words().and_truth("active").truth(self.dice, 1));
        }
        if self.dice.once_in(6) {
            one["options"]["minimum_own_volume"] = json!("60");
        }
        let by_level = ["level", "levels"].iter().any(|levels| one["scope"].get(levels).is_some());
        if by_level && self.dice.once_in(2) {
            one["options"]["qualified"] = json!(self.words().and_truth("active").truth(self.dice, 1));
        }
        if aggregate == "legs" && self.dice.once_in(2) {
            one["options"]["members_per_leg"] = json!(2);
        }
        if self.dice.once_in(5) {
            one["options"]["cap_per_leg"] = self.dice.one_of(&[
                json!({ "amount": if is_finer { "120.5" } else { "120" } }),
                json!({ "share": "0.4" }),
                json!({ "amount": "3" }),
            ]);
        }
        if !paid {
            self.before.push(code.clone());
        }
        self.codes.push(code);
        one
    }

    /// A group that a rule of a rank asks for: its code, and numbers it may be compared with.
    fn group_of_ranks(&mut self, tree: &str) -> (String, [u32; 3]) {
        let code = format!("G{}", self.groups.len());
        let (measure, bounds) = match self.dice.below(6) {
            0..=2 => (json!(self.dice.one_of(&["vq", "vc", "net"])), [60, 200, 500]),
            3 => (json!(self.dice.one_of(&["people", "orders"])), [1, 2, 4]),
            4 => (json!({ "indicator": self.dice.one_of(&["PVQ", "TVQ", "PVQ_R3"]) }), [100, 400, 900]),
            _ => {
                (json!({ "formula": self.words().and_truth("active").number(self.dice, 2) }), [10, 100, 300])
            }
        };
        let counts = self.dice.once_in(4);
        let mut one = json!({
            "code": code,
            "name": name(),
            "unit": "points",
            "measure": measure,
            "aggregate": if counts { "count" } else { "sum" },
            "scope": { "group": { "rank": self.rank(), "self": self.dice.once_in(2) } },
            "options": { "tree": tree, "ranks": "paid" },
        });
        if self.dice.once_in(3) {
            one["filter"] = json!(self.words().and_truth("active").truth(self.dice, 1));
        }
        if self.dice.once_in(4) {
            one["window"] =
                self.dice.one_of(&[json!({ "last": 2 }), json!({ "previous": 1 }), json!("lifetime")]);
        }
        if self.dice.once_in(6) {
            one["options"]["minimum_own_volume"] = json!("60");
        }
        self.groups.push(one);
        self.codes.push(code.clone());
        (code, if counts { [1, 2, 4] } else { bounds })
    }

    fn ladder(&mut self) -> Value {
        let tree = self.dice.one_of(&["placement", "placement", "enrolment"]);
        let mut steps = Vec::new();
        for (index, code) in self.ranks.clone().into_iter().enumerate() {
            let rule = match self.dice.below(7) {
                5 | 6 => {
                    let (group, bounds) = self.group_of_ranks(tree);
                    let least = self.dice.one_of(&bounds);
                    match self.dice.below(4) {
                        0 => format!("{group} >= {least}"),
                        1 => format!("{group} < {least} || own_vq >= 100"),
                        2 => format!("{group} >= {least} || downline_with_rank('{code}') >= 1"),
                        _ => format!("active && {group} >= 2 * own_vq"),
                    }
                }
                0 | 1 => format!("own_vq >= {}", 50 * (index + 1)),
                2 => format!("own_vq >= 20 && TVQ >= {}", 150 * index),
                3 if 0 < index => format!("legs_with_rank('{}') >= 1 && active", self.ranks[index - 1]),
                _ => {
                    let mut words = self.words().and_truth("active");
                    words.ranks_around.clone_from(&self.ranks);
                    words.truth(self.dice, 2)
                }
            };
            steps.push(json!({ "code": code, "name": name(), "rule": rule }));
        }
        let mut ladder = json!({
            "steps": steps,
            "promotion": self.dice.one_of(&["sequential", "highest"]),
            "grace": { "cycles": self.dice.below(3), "then": self.dice.one_of(&["to-earned", "one-step"]) },
            "leg_rank": self.dice.one_of(&["earned", "paid"]),
            "tree": tree,
            "customers_open_legs": self.dice.once_in(3),
            "honorific": self.dice.one_of(&["history", "year"]),
        });
        if self.dice.once_in(3) {
            ladder["max_steps_per_cycle"] = json!(1 + self.dice.below(2));
        }
        if self.dice.once_in(3) {
            let of_last = 1 + self.dice.below(3);
            ladder["continuity"] = json!({
                "earned": 1 + self.dice.below(of_last),
                "of_last": of_last,
                "asked": self.dice.one_of(&["to-keep", "for-grace", "to-be-paid"]),
            });
        }
        if self.dice.once_in(3) {
            ladder["lock"] = json!({ "cycles": 1 + self.dice.below(2) });
            if self.dice.once_in(2) {
                ladder["lock"]["months_since_joining"] = json!(1 + self.dice.below(3));
            }
        }
        ladder
    }

    /// A rule over an earner.
    fn earner_words(&self) -> Words {
        Words::of_person(&self.codes, &self.ranks)
            .and_truth("active")
            .and_number("rank")
            .and_number("earned_rank")
    }

    /// A rule over an earner and what earlier bonuses paid, which comes up among all the other numbers.
    fn payment_words(&self) -> Words {
        let paid = self.bonuses.iter().map(|code| format!("paid('{code}')"));
        let often = paid.flat_map(|paid| std::iter::repeat_n(paid, 3));
        often.fold(self.earner_words(), |words, paid| words.and_number(&paid))
    }

    fn condition(&mut self) -> String {
        match self.dice.below(6) {
            5 if !self.bonuses.is_empty() => {
                let relation = self.dice.one_of(&[">=", "<"]);
                format!(
                    "paid('{}') {relation} {}",
                    self.dice.one_of(&self.bonuses),
                    self.dice.one_of(&[1, 10, 40])
                )
            }
            0 => "active".to_owned(),
            1 => "true".to_owned(),
            2 => format!("rank >= {}", self.rank()),
            _ => self.payment_words().truth(self.dice, 1),
        }
    }

    fn base_indicator(&mut self) -> String {
        match self.dice.below(4) {
            0 => "PVC".to_owned(),
            1 => "PVQ".to_owned(),
            2 => self.dice.one_of(&["PNET", "TVC_S", "GVC_H", "PPTS", "PUNITS"]).to_owned(),
            _ => self.dice.one_of(&self.codes),
        }
    }

    fn on(&mut self) -> Value {
        if self.dice.once_in(2) {
            return json!({ "indicator": self.base_indicator() });
        }
        json!({ "orders": self.dice.one_of(&["vc", "vq", "net", "gross", "points", "units", "count", "margin"]) })
    }

    fn steps(&mut self) -> Value {
        let mut rates = || rate(self.dice);
        json!([{ "from": "0", "rate": rates() }, { "from": "100", "rate": rates() }, { "from": "250.5", "rate": rates() }])
    }

    fn rate_of_person(&mut self, marginal: bool) -> Value {
        match self.dice.below(6) {
            0 => json!({ "fixed": rate(self.dice) }),
            1 => {
                json!({ "brackets": { "steps": self.steps(), "marginal": marginal && self.dice.once_in(2) } })
            }
            2 => json!({ "brackets": { "over": self.base_indicator(), "steps": self.steps() } }),
            3 | 4 => json!({ "by-rank": self.rows(|draft| json!({ "rate": rate(draft.dice) })) }),
            _ => json!({ "rule": format!("({}) / 1000", self.payment_words().number(self.dice, 1)) }),
        }
    }

    fn level_rates(&mut self, orders: bool, source: bool) -> Value {
        let rates = |draft: &mut Self| -> Value {
            Value::Array((0..=draft.dice.below(4)).map(|_| rate(draft.dice)).collect())
        };
        match self.dice.below(5) {
            0 | 1 => json!({ "by-level": rates(self) }),
            2 | 3 => json!({ "by-rank": self.rows(|draft| json!({ "rates": rates(draft) })) }),
            _ => {
                let mut words = self.payment_words().and_number("level_paid");
                if source {
                    words = words.and_of_source();
                }
                if orders {
                    words = words.and_of_order();
                }
                let rule = format!("min(1, max(0 - 1, ({}) / 1000))", words.number(self.dice, 1));
                json!({ "rule": { "rate": rule, "levels": 1 + self.dice.below(4) } })
            }
        }
    }

    fn walk(&mut self, how: &mut Value) {
        how["compression"] = json!(self.dice.one_of(&["none", "dynamic", "roll-up", "dynamic-by-level"]));
        how["roll_up_rate"] = json!(self.dice.one_of(&["loser", "receiver"]));
        how["tree"] = json!(self.dice.one_of(&["placement", "placement", "enrolment"]));
        if self.dice.once_in(2) {
            how["qualified"] = json!(self.condition());
        }
        if how["compression"] == "dynamic-by-level" || self.dice.once_in(3) {
            how["depth"] = self.rows(|draft| json!({ "levels": draft.dice.below(4) }));
        }
    }

    fn only(&mut self, how: &mut Value, orders: bool) {
        if self.dice.once_in(3) {
            let mut words = self.earner_words();
            if orders {
                words = words.and_of_order();
            }
            how["where"] = json!(words.truth(self.dice, 1));
        }
    }

    fn bonus(&mut self, index: usize) -> Value {
        self.bonuses = (0..index).map(|earlier| format!("B{earlier}")).collect();
        let pays = self.mechanic(index);
        let mut bonus = json!({ "code": format!("B{index}"), "name": name(), "pays": pays });
        if self.dice.once_in(2) {
            bonus["when"] = json!(self.condition());
        }
        if self.dice.once_in(5) {
            bonus["cap_per_person"] = self.limit(&["20", "5.555", "0.3"]);
        }
        if self.dice.once_in(8) {
            bonus["cap"] = match self.dice.below(3) {
                0 => {
                    json!({ "share": { "of": self.dice.one_of(&["COVC", "COVQ"]), "rate": rate(self.dice) } })
                }
                _ => json!(self.dice.one_of(&["50", "7.77"])),
            };
        }
        if self.dice.once_in(8) {
            bonus["hold"] = json!({ "while": self.condition(), "at_most_cycles": 1 + self.dice.below(2) });
        }
        if self.dice.once_in(12) {
            bonus["award"] = json!("points");
        }
        if bonus.pointer("/pays/fixed").is_some() && self.dice.once_in(4) {
            bonus["award"] = self.dice.one_of(&[json!({ "prize": "car" }), json!({ "tag": "star" })]);
        }
        if self.dice.once_in(8) {
            bonus["processes"] = self.dice.one_of(&[json!(["monthly"]), json!(["weekly", "monthly"])]);
        }
        bonus
    }

    fn mechanic(&mut self, index: usize) -> Value {
        match self.dice.below(20) {
            0..=2 => {
                let on = self.on();
                let orders = on.get("orders").is_some();
                let mut how = json!({ "on": on, "rates": self.level_rates(orders, true) });
                self.walk(&mut how);
                self.only(&mut how, orders);
                // Levels together only where all that makes one has the same rate.
                if how["compression"] != "roll-up"
                    && how["rates"].get("rule").is_none()
                    && self.dice.once_in(3)
                {
                    how["per"] = json!("level");
                }
                if self.dice.once_in(3) {
                    how["pass_up"] = json!({ "numbers": self.dice.one_of(&[vec![1], vec![1, 2], vec![2], vec![1, 3], vec![2, 4]]) });
                    if self.dice.once_in(3) {
                        how["pass_up"]["where"] = json!(self.condition());
                    }
                }
                json!({ "unilevel": how })
            }
            3 | 4 => {
                json!({ "percentage": { "of": self.base_indicator(), "rate": self.rate_of_person(true) } })
            }
            16 => {
                let (code, _, period) = self.dice.one_of(&PERIODS);
                let rate = self.rate_of_person(false);
                json!({ "percentage": { "of": code, "rate": rate, "true_up": period } })
            }
            5 | 6 => {
                let mut how = json!({
                    "of": self.base_indicator(),
                    "rate": self.rate_of_person(false),
                    "own": self.dice.once_in(2),
                    "tree": self.dice.one_of(&["placement", "enrolment"]),
                });
                if self.dice.once_in(2) {
                    let on = self.on();
                    let orders = on.get("orders").is_some();
                    how["by"] = json!({ "source": on });
                    self.only(&mut how, orders);
                    if self.dice.once_in(3) {
                        how["most"] = json!("0.11");
                    }
                    if self.dice.once_in(5) {
                        how["given"] = json!(self.dice.one_of(&self.codes));
                    }
                }
                json!({ "differential": how })
            }
            7 | 8 => {
                let mut how = json!({
                    "of": self.base_indicator(),
                    "rank": self.rank(),
                    "rates": self.level_rates(false, true),
                    "per": self.dice.one_of(&["leader", "member"]),
                });
                if how["per"] == "member" && self.dice.once_in(2) {
                    how["counts"] = json!(self.dice.one_of(&["own-group", "between"]));
                }
                self.walk(&mut how);
                json!({ "generation": how })
            }
            9 => {
                let mut how =
                    json!({ "of": self.base_indicator(), "rank": self.rank(), "rate": rate(self.dice) });
                if self.dice.once_in(2) {
                    how["minimum"] = json!("150");
                }
                json!({ "breakaway": how })
            }
            10 | 18 | 19 => {
                let on = self.on();
                let orders = on.get("orders").is_some();
                let mut how = json!({
                    "on": on,
                    "rates": self.rows(|draft| json!({ "rate": rate(draft.dice) })),
                    "from_level": 1 + self.dice.below(3),
                    "difference": self.dice.once_in(2),
                    "tree": self.dice.one_of(&["placement", "placement", "enrolment"]),
                });
                self.only(&mut how, orders);
                json!({ "infinity": how })
            }
            11 => {
                let of: Vec<String> = (0..index.max(1)).map(|earlier| format!("B{earlier}")).collect();
                let mut how = json!({ "of": of, "rates": self.level_rates(false, true) });
                if self.dice.once_in(2) {
                    how["by"] = json!({ "generation": { "rank": self.rank() } });
                }
                self.walk(&mut how);
                json!({ "matching": how })
            }
            12 => {
                let fund = if self.dice.once_in(2) {
                    json!({ "share": { "of": self.dice.one_of(&["COVC", "COVQ"]), "rate": rate(self.dice) } })
                } else {
                    json!({ "amount": self.dice.one_of(&["100", "33.333"]) })
                };
                let mut how = json!({ "fund": fund });
                if self.dice.once_in(2) {
                    how["shares"] = json!(self.payment_words().number(self.dice, 1));
                }
                if self.dice.once_in(3) {
                    how["positions"] = json!(["3", "2", "1"]);
                }
                if self.dice.once_in(3) {
                    how["value_decimals"] = json!(self.dice.below(4));
                }
                if self.dice.once_in(3) {
                    how["rounding"] = json!(self.dice.one_of(&["half-even", "half-up", "down", "up"]));
                }
                json!({ "pool": how })
            }
            13 | 17 => {
                let reaching = self.dice.once_in(2);
                let amount = match self.dice.below(3) {
                    _ if reaching => json!({ "by-rank": self.amounts() }),
                    0 => json!({ "amount": "12.345" }),
                    1 => json!({ "by-rank": self.amounts() }),
                    _ => json!({ "rule": self.payment_words().number(self.dice, 1) }),
                };
                let mut how =
                    json!({ "amount": amount, "times": self.dice.one_of(&["each-cycle", "yearly", "once"]) });
                if reaching {
                    how["on"] = json!({ "reaching-rank": { "only_reached": self.dice.once_in(2) } });
                }
                json!({ "fixed": how })
            }
            14 => {
                let mut how = json!({});
                if self.dice.once_in(2) {
                    how["share"] = json!("0.5");
                }
                self.only(&mut how, true);
                json!({ "retail-profit": how })
            }
            _ => {
                let pays = if self.dice.once_in(2) {
                    json!({ "percentage": self.rate_of_person(false) })
                } else {
                    json!({ "cycles": {
                        "strong": self.dice.one_of(&["100", "70.5"]),
                        "weak": self.dice.one_of(&["50", "100", "33"]),
                        "amount": self.limit(&["7.5", "0.333"]),
                        "sides": self.dice.one_of(&["stronger", "either"]),
                    } })
                };
                let mut how = json!({
                    "of": self.dice.one_of(&["PVC", "PVQ"]),
                    "pays": pays,
                    "legs": self.dice.one_of(&[json!("two-strongest"), json!("strongest-and-rest"), json!({ "tagged": { "left": "left", "right": "right" } })]),
                    "carry": self.dice.one_of(&["forward", "flush"]),
                    "flush_over_most": self.dice.once_in(2),
                    "flush_unpaid": self.dice.once_in(2),
                });
                if self.dice.once_in(2) {
                    how["most"] = self.limit(&["2", "120", "1"]);
                }
                if self.dice.once_in(3) {
                    how["carry_most"] = json!("150");
                }
                json!({ "binary": how })
            }
        }
    }

    /// A number for everyone, for some ranks, or by a rule.
    fn limit(&mut self, choices: &[&str]) -> Value {
        match self.dice.below(4) {
            0 | 1 => json!(self.dice.one_of(choices)),
            2 => {
                let mut rows = Vec::new();
                for rank in self.ranks.clone() {
                    if self.dice.once_in(2) || rows.is_empty() {
                        let amount = if self.dice.once_in(4) { "0" } else { self.dice.one_of(choices) };
                        rows.push(json!({ "rank": rank, "amount": amount }));
                    }
                }
                json!({ "by-rank": rows })
            }
            _ => json!({ "rule": format!("({}) / 7", self.payment_words().number(self.dice, 1)) }),
        }
    }

    fn amounts(&mut self) -> Value {
        let rows = self.ranks.clone().into_iter();
        Value::Array(
            rows.map(|rank| json!({ "rank": rank, "amount": self.dice.one_of(&["10", "25.5", "3.333"]) }))
                .collect(),
        )
    }
}
