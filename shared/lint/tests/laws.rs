//! Random plans and networks: every example shows what it says, and what is proved impossible never happens.
#![allow(clippy::unwrap_used)] // Helpers of tests may fail like tests.

use engine::{ExchangeRates, OrderFact, PersonFact};
use jiff::tz::TimeZone;
use lint::{CYCLE, Code, Finding, Severity, lint};
use plan::Plan;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use simulation::{CycleFacts, Occurrence, Simulated, cycles_of, simulate};

/// Networks that each plan is tried with by the linter.
const NETWORKS: usize = 60;

fn named(code: &str) -> Value {
    json!({"es": code, "en": code})
}

/// A comparison of what ranks and bonuses ask.
fn atom() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (prop::sample::select(vec!["own_vq", "team_vc", "own_vc"]), prop::sample::select(vec![">=", ">", "<", "<="]),
            prop::sample::select(vec![100, 150, 200, 300, 900]))
            .prop_map(|(name, relation, number)| format!("{name} {relation} {number}")),
        2 => (prop::sample::select(vec![">=", "<", "=="]), 0..3)
            .prop_map(|(relation, number)| format!("active_legs {relation} {number}")),
        2 => (prop::sample::select(vec!["active", "!active", "consultant", "kind == 'customer'", "level == 0"])).prop_map(str::to_owned),
        1 => (100..400).prop_map(|number| format!("bracket(own_vq, [100, 1, 200, 2]) + {number} >= {}", number + 1)),
        1 => (1..4).prop_map(|number| format!("min(own_vq, team_vc) > {number}00 || max(own_vq, team_vc) < {number}00")),
    ]
}

fn asked_of_legs() -> impl Strategy<Value = String> {
    let function = prop::sample::select(vec!["legs_with_rank", "frontline_with_rank", "downline_with_rank"]);
    let people = prop::sample::select(vec!["", "", ", 2"]);
    (function, 0..3, people, prop::sample::select(vec![">=", "<"]), 1..3).prop_map(
        |(function, rank, people, relation, number)| {
            let people = if function == "legs_with_rank" { people } else { "" };
            format!("{function}('r{rank}'{people}) {relation} {number}")
        },
    )
}

fn joined(parts: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = String> {
    let two = (parts.clone(), prop::sample::select(vec!["&&", "||"]), parts.clone())
        .prop_map(|(one, word, other)| format!("({one}) {word} ({other})"));
    prop_oneof![parts, two.clone(), two.prop_map(|two| format!("!({two})"))]
}

fn rank_rule() -> impl Strategy<Value = String> {
    (joined(prop_oneof![3 => atom(), 1 => asked_of_legs()].boxed()), prop::option::of(asked_of_legs()))
        .prop_map(|(rule, legs)| legs.map_or(rule.clone(), |legs| format!("({rule}) && {legs}")))
}

fn rate() -> impl Strategy<Value = Value> {
    // Rates of thousandths differ by less than rounding shows of small volumes.
    let decimal = |thousandths: u32| Decimal::new(i64::from(thousandths), 3).to_string();
    let rate = |least: u32| prop_oneof![(least..60).prop_map(|cents| cents * 10), least..60];
    prop_oneof![
        rate(1).prop_map(move |rate| json!({"fixed": decimal(rate)})),
        (rate(1), rate(0), any::<bool>()).prop_map(move |(low, high, marginal)| json!({"brackets": {
            "marginal": marginal, "steps": [{"from": "100", "rate": decimal(low)}, {"from": "300", "rate": decimal(high)}]}})),
    ]
}

prop_compose! {
    fn plans()(
        rules in prop::collection::vec(rank_rule(), 3), highest: bool,
        whens in prop::collection::vec(joined(atom().boxed()), 3), rates in prop::collection::vec(rate(), 3),
        choice in prop::option::of(prop::sample::select(vec!["greatest", "first"])), levels in 1..4,
    ) -> Value {
        let step = |(place, rule): (usize, &String)| {
            let code = format!("r{place}");
            json!({"code": code, "name": named(&code), "rule": rule})
        };
        let bonus = |(place, (when, rate)): (usize, (&String, &Value))| {
            let code = format!("b{place}");
            json!({"code": code, "name": named(&code), "when": when, "pays": {"percentage": {"of": "own_vc", "rate": rate}}})
        };
        let mut bonuses: Vec<Value> = whens.iter().zip(&rates).enumerate().map(bonus).collect();
        let by_level: Vec<String> = (0..levels).map(|level| format!("0.{}", 45 - level)).collect();
        bonuses.push(json!({"code": "levels", "name": named("levels"),
            "pays": {"unilevel": {"on": {"orders": "vc"}, "rates": {"by-level": by_level}}}}));
        let mut plan = json!({
            "format": 1, "name": named("plan"), "version": 1, "time_zone": "UTC", "currencies": {"base": "USD"},
            "activity": {"rule": "own_vq >= 100"}, "catalogue": {"enabled": ["PVQ"]}, "bonuses": bonuses,
            "ranks": {"promotion": if highest { "highest" } else { "sequential" },
                "steps": rules.iter().enumerate().map(step).collect::<Vec<_>>()},
        });
        if let Some(pays) = choice {
            plan["alternatives"] = json!([{"bonuses": ["b0", "b1"], "pays": pays}]);
        }
        plan
    }
}

/// Who stands under whom, and what each orders.
fn network() -> impl Strategy<Value = Vec<(prop::sample::Index, i64)>> {
    let volume = prop::sample::select(vec![0, 1, 50, 99, 100, 101, 150, 199, 200, 300, 301, 900]);
    prop::collection::vec((any::<prop::sample::Index>(), volume), 1..9)
}

fn computed(plan: &Plan, network: &[(prop::sample::Index, i64)]) -> Simulated {
    let id = |place: usize| format!("p{place}").parse().unwrap();
    let person = |(place, (above, _)): (usize, &(prop::sample::Index, i64))| {
        PersonFact::new(id(place), (0 < place).then(|| id(above.index(place.max(1)))))
    };
    let order = |(place, (_, volume)): (usize, &(prop::sample::Index, i64))| {
        let number = format!("o{place}").parse().unwrap();
        OrderFact::sale(number, id(place), "2026-01-10T00:00:00Z".parse().unwrap(), Decimal::from(*volume))
    };
    let named = Occurrence { name: Some(CYCLE.to_owned()), ..Occurrence::default() };
    let facts = CycleFacts {
        cycle: cycles_of(&[named], &TimeZone::UTC).unwrap().pop().unwrap(),
        people: network.iter().enumerate().map(person).collect(),
        orders: network.iter().enumerate().map(order).collect(),
        process: None,
    };
    simulate(plan, &[facts], &ExchangeRates::of_plan(plan), &mut |_| ()).unwrap().pop().unwrap()
}

/// What a network contradicts of the findings.
fn contradicted<'a>(plan: &Plan, found: &'a [Finding], result: &Simulated) -> Option<&'a Finding> {
    let place = |finding: &Finding, prefix: &str| -> usize {
        finding.pointer.strip_prefix(prefix).unwrap().split('/').next().unwrap().parse().unwrap()
    };
    let earned = |place: usize| result.ranks.earned.iter().any(|earned| usize::from(*earned) == place + 1);
    let paid = |code: &str| result.payouts.lines.iter().any(|line| result.payouts.code(line) == code);
    found.iter().find(|finding| match finding.code {
        Code::RankUnreachable | Code::RankNeverHeld => earned(place(finding, "/ranks/steps/")),
        Code::BonusNeverPaid => paid(&plan.bonuses()[place(finding, "/bonuses/")].definition.code),
        Code::AlternativeNeverChosen if finding.severity == Severity::Warning => {
            let losing = place(finding, "/alternatives/0/bonuses/");
            paid(&plan.document().alternatives[0].bonuses[losing])
        }
        _ => false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, max_global_rejects: 30, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_so(document in plans(), networks in prop::collection::vec(network(), 24)) {
        let json = document.to_string();
        let plan = Plan::parse(&json);
        prop_assume!(plan.is_ok());
        let plan = plan.unwrap();
        let found = lint(&json, NETWORKS, &mut |_| ()).unwrap();
        for finding in &found {
            if let Some(example) = &finding.example {
                prop_assert!(example.is_shown(&plan), "not shown: {finding:#?} {json}");
            }
        }
        for network in &networks {
            let result = computed(&plan, network);
            let wrong = contradicted(&plan, &found, &result);
            prop_assert!(wrong.is_none(), "{:?} is contradicted by {network:?} {json}", wrong);
        }
    }
}
