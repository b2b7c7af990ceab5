//! The engine against a slow reference made from the definitions alone, on random networks.
#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail like tests.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use engine::{
    BonusContext, Context, ExchangeRates, Facts, LineKind, NONE, OrderFact, OrderKind, PersonFact,
    PersonKind, Settlements, Snapshot, calculate_bonuses, calculate_indicators, calculate_ranks,
    check_settlements, codec, integrate, settle,
};
use foundation::cycle::Cycle;
use jiff::{civil::date, tz::TimeZone};
use plan::Plan;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A person of a random network; ids follow the index.
#[derive(Clone, Debug)]
struct Someone {
    parent: usize,
    sponsor: usize,
    customer: bool,
    sales: Vec<i64>,
    returned: i64,
    previous: u8,
    grace: u8,
}

impl Someone {
    /// Whether what came back is said to be the first sale.
    fn names_its_sale(&self) -> bool {
        !self.sales.is_empty() && self.returned % 2 == 0
    }

    /// The sales, each less what of it came back.
    fn net_sales(&self) -> Vec<i64> {
        let mut sales = self.sales.clone();
        if self.names_its_sale() {
            sales[0] -= self.returned;
        }
        sales
    }
}

#[derive(Clone, Debug)]
struct Network {
    people: Vec<Someone>,
    /// Ids are a permutation, so that neither order of rows nor order of ids follows the tree.
    ids: Vec<usize>,
}

fn network(most: usize) -> impl Strategy<Value = Network> {
    let someone = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        prop::bool::weighted(0.15),
        prop::collection::vec(1_i64..150, 0..3),
        prop_oneof![4 => Just(0_i64), 1 => 1_i64..200],
        prop_oneof![2 => Just(0_u8), 1 => 1_u8..4],
        0_u8..3,
    );
    prop::collection::vec(someone, 1..most).prop_flat_map(|raw| {
        let count = raw.len();
        let people: Vec<Someone> = raw
            .into_iter()
            .enumerate()
            .map(|(index, (parent, sponsor, customer, sales, returned, previous, grace))| Someone {
                parent: if index == 0 { 0 } else { parent.index(index) },
                sponsor: if index == 0 { 0 } else { sponsor.index(index) },
                customer: customer && index != 0,
                sales,
                returned,
                previous: if customer && index != 0 { 0 } else { previous },
                grace,
            })
            .collect();
        (Just(people), Just((0..count).collect::<Vec<usize>>()).prop_shuffle())
            .prop_map(|(people, ids)| Network { people, ids })
    })
}

impl Network {
    fn id(&self, index: usize) -> String {
        format!("P{:03}", self.ids[index])
    }

    fn above(&self, index: usize) -> Vec<usize> {
        let mut all = Vec::new();
        let mut at = index;
        while at != 0 {
            at = self.people[at].parent;
            all.push(at);
        }
        all
    }

    fn below(&self, index: usize) -> Vec<usize> {
        (0..self.people.len()).filter(|other| self.above(*other).contains(&index)).collect()
    }

    fn children(&self, index: usize) -> Vec<usize> {
        (1..self.people.len()).filter(|other| self.people[*other].parent == index).collect()
    }

    fn team(&self, index: usize) -> Vec<usize> {
        let mut team = self.below(index);
        team.push(index);
        team
    }

    fn own(&self, index: usize) -> i64 {
        self.people[index].sales.iter().sum::<i64>() - self.people[index].returned
    }

    fn sum(&self, members: &[usize]) -> i64 {
        members.iter().map(|member| self.own(*member)).sum()
    }

    /// People strictly between `top` and `index`, nearest to `index` first.
    fn between(&self, top: usize, index: usize) -> Vec<usize> {
        self.above(index).into_iter().take_while(|upper| *upper != top).collect()
    }

    fn is_leader(&self, ranks: &[u8], index: usize, cut: u8) -> bool {
        !self.people[index].customer && cut <= ranks[index]
    }

    fn snapshot(&self, plan: &Plan) -> Snapshot {
        let cycle = cycle();
        let mut people = Vec::new();
        let mut orders = Vec::new();
        for (index, someone) in self.people.iter().enumerate() {
            let id = self.id(index);
            let parent = (index != 0).then(|| self.id(someone.parent).parse().unwrap());
            let mut person = PersonFact::new(id.parse().unwrap(), parent);
            person.sponsor = (index != 0).then(|| self.id(someone.sponsor).parse().unwrap());
            person.kind = if someone.customer { PersonKind::Customer } else { PersonKind::Consultant };
            person.previous_rank = (someone.previous != 0).then(|| format!("r{}", someone.previous));
            person.rank_grace_used = someone.grace;
            people.push(person);
            for (number, volume) in someone.sales.iter().enumerate() {
                let order = format!("O-{id}-{number}").parse().unwrap();
                orders.push(OrderFact::sale(order, id.parse().unwrap(), cycle.start, Decimal::from(*volume)));
            }
            if someone.returned != 0 {
                let order = format!("R-{id}").parse().unwrap();
                let volume = Decimal::from(someone.returned);
                let mut order = OrderFact::sale(order, id.parse().unwrap(), cycle.start, volume);
                order.kind = OrderKind::Return;
                if someone.names_its_sale() {
                    order.reverses = Some(format!("O-{id}-0").parse().unwrap());
                }
                orders.push(order);
            }
        }
        people.sort_by_key(|person| person.id.as_str().bytes().rev().collect::<Vec<u8>>());
        let facts = Facts { cycle: &cycle, people: &people, orders: &orders };
        integrate(facts, None, plan, ExchangeRates::of_plan(plan)).unwrap()
    }

    /// Values of a column of the snapshot, by index.
    fn by_index<T: Copy>(&self, snapshot: &Snapshot, values: &[T]) -> Vec<T> {
        (0..self.people.len())
            .map(|index| values[snapshot.people.row(&self.id(index)).unwrap() as usize])
            .collect()
    }
}

fn cycle() -> Cycle {
    let (first, last) = (date(2026, 10, 1), date(2026, 10, 31));
    Cycle::of_days("2026-10".parse().unwrap(), first, last, &TimeZone::UTC).unwrap()
}

fn indicator(code: &str, change: &Value) -> Value {
    let mut definition = json!({
        "code": code, "name": {"es": code, "en": code}, "unit": "points", "measure": "vq", "scope": "self"
    });
    for (field, value) in change.as_object().unwrap() {
        definition[field] = value.clone();
    }
    definition
}

fn document() -> Value {
    let definitions = [
        ("OWN", json!({})),
        ("DOWN", json!({"scope": "downline"})),
        ("TEAM", json!({"scope": "team"})),
        ("LV2", json!({"scope": {"level": 2}})),
        ("LV13", json!({"scope": {"levels": {"from": 1, "to": 3}}})),
        ("GRP", json!({"scope": {"group": {"rank": "r2"}}})),
        ("GRP0", json!({"scope": {"group": {"rank": "r2", "self": false}}})),
        ("GRPP", json!({"scope": {"group": {"rank": "r1"}}, "options": {"ranks": "paid"}})),
        ("GEN0", json!({"scope": {"generation": {"number": 0, "rank": "r1"}}, "options": {"ranks": "paid"}})),
        ("GEN1", json!({"scope": {"generation": {"number": 1, "rank": "r1"}}, "options": {"ranks": "paid"}})),
        ("GEN2", json!({"scope": {"generation": {"number": 2, "rank": "r1"}}, "options": {"ranks": "paid"}})),
        (
            "GEN2O",
            json!({"scope": {"generation": {"number": 2, "rank": "r1", "counts": "own-group"}}, "options": {"ranks": "paid"}}),
        ),
        ("STRONG", json!({"scope": "strongest-leg"})),
        ("SIDE", json!({"scope": {"except-strongest-legs": 1}})),
        ("WEAK2", json!({"scope": {"weakest-of-strongest-legs": 2}})),
        ("LEG3", json!({"scope": {"leg": 3}})),
        ("CAPPED", json!({"scope": "team", "options": {"cap_per_leg": {"amount": "120"}}})),
        (
            "SIDECAP",
            json!({"scope": {"except-strongest-legs": 1}, "options": {"cap_per_leg": {"amount": "120"}}}),
        ),
        (
            "LEGS2",
            json!({"unit": "people", "measure": "people", "aggregate": "legs", "scope": "legs", "filter": "active", "options": {"members_per_leg": 2}}),
        ),
        (
            "FRONT",
            json!({"unit": "people", "measure": "people", "aggregate": "count", "scope": "frontline", "filter": "consultant && active"}),
        ),
        ("MAXFL", json!({"aggregate": "max", "scope": "frontline"})),
        ("MINDL", json!({"aggregate": "min", "scope": "downline"})),
        ("MAXTM", json!({"aggregate": "max", "scope": "team", "filter": "own_vq < 50"})),
        ("ENROL", json!({"scope": "enrolled"})),
        ("CUST", json!({"scope": "customers"})),
        ("UPLINE", json!({"scope": {"upline": {"rank": "r2"}}})),
        ("ALL", json!({"scope": "company"})),
        ("MINOWN", json!({"scope": "downline", "options": {"minimum_own_volume": "60"}})),
        ("HALF", json!({"measure": {"formula": "TEAM / 2 + 0.25"}})),
        ("OFHALF", json!({"measure": {"indicator": "HALF"}, "scope": "frontline"})),
        ("DEEP", json!({"unit": "count", "measure": "level", "aggregate": "max", "scope": "team"})),
        ("AVGDL", json!({"aggregate": "average", "scope": "downline"})),
        ("AVGTM", json!({"aggregate": "average", "scope": "team", "filter": "own_vq > 20"})),
        ("AVGLEG", json!({"aggregate": "average", "scope": {"except-strongest-legs": 1}})),
        ("AVGGRP", json!({"aggregate": "average", "scope": {"group": {"rank": "r2", "self": false}}})),
        ("AVGUP", json!({"aggregate": "average", "scope": {"upline": {"rank": "r2"}}})),
        ("MAXLV2", json!({"aggregate": "max", "scope": {"level": 2}})),
        ("MINGRP", json!({"aggregate": "min", "scope": {"group": {"rank": "r2"}}})),
        (
            "MAXGEN1",
            json!({"aggregate": "max", "scope": {"generation": {"number": 1, "rank": "r1"}}, "options": {"ranks": "paid"}}),
        ),
        ("MAXLEG2", json!({"aggregate": "max", "scope": {"leg": 2}})),
        ("MAXALL", json!({"aggregate": "max", "scope": "company"})),
        ("SHARED", json!({"scope": "downline", "options": {"cap_per_leg": {"share": "0.4"}}})),
        ("SHAREDTM", json!({"scope": "team", "options": {"cap_per_leg": {"share": "0.35"}}})),
        (
            "SHAREDSIDE",
            json!({"scope": {"except-strongest-legs": 1}, "options": {"cap_per_leg": {"share": "0.4"}}}),
        ),
        ("ORDAVG", json!({"aggregate": "average", "scope": "team", "options": {"over": "orders"}})),
        ("ORDMAX", json!({"aggregate": "max", "scope": "downline", "options": {"over": "orders"}})),
        ("ORDMIN", json!({"aggregate": "min", "scope": "self", "options": {"over": "orders"}})),
        (
            "ORDN",
            json!({"unit": "count", "aggregate": "count", "scope": "team", "options": {"over": "orders"}}),
        ),
        ("BIGORD", json!({"scope": "downline", "where": "order.vq >= 75 && !order.is_return"})),
        (
            "BIGORDN",
            json!({"measure": "orders", "unit": "count", "scope": "self", "where": "order.vq >= 75"}),
        ),
        ("SQUARE", json!({"measure": {"formula": "own_vq * own_vq"}, "scope": "downline"})),
        ("THIRD", json!({"measure": {"formula": "own_vq / 3"}, "unit": "ratio", "scope": "team"})),
        (
            "THIRDAVG",
            json!({"measure": {"indicator": "THIRD"}, "aggregate": "average", "scope": "frontline"}),
        ),
        ("KNOWN", json!({"unit": "count", "measure": {"formula": "has(AVGDL) ? AVGDL : -1"}})),
    ];
    let definitions: Vec<Value> = definitions.iter().map(|(code, change)| indicator(code, change)).collect();
    json!({
        "format": 1, "name": {"es": "Prueba", "en": "Test"}, "version": 1, "time_zone": "UTC",
        "currencies": {"base": "COP"},
        "activity": {"rule": "own_vq >= 60"},
        "indicators": definitions,
        "ranks": {
            "grace": {"cycles": 1},
            "steps": [
                {"code": "r1", "name": {"es": "Uno", "en": "One"}, "rule": "active && DOWN >= 50"},
                {"code": "r2", "name": {"es": "Dos", "en": "Two"}, "rule": "legs_with_rank('r1') >= 1 && frontline_with_rank(r1) >= 0"},
                {"code": "r3", "name": {"es": "Tres", "en": "Three"}, "rule": "legs_with_rank('r1') >= 2 && downline_with_rank('r1') >= 2"}
            ]
        }
    })
}

/// The plan of a document. Reading one is slow next to a small network, so each is read once.
fn plan(document: &Value) -> Arc<Plan> {
    static KNOWN: Mutex<BTreeMap<String, Arc<Plan>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    Arc::clone(known.entry(document.to_string()).or_insert_with(|| Arc::new(parsed(document))))
}

fn parsed(document: &Value) -> Plan {
    Plan::parse(&document.to_string()).unwrap_or_else(|mistakes| {
        panic!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

/// Totals of the legs, strongest first.
fn legs(network: &Network, index: usize, cap: i64) -> Vec<i64> {
    let mut legs: Vec<i64> =
        network.children(index).iter().map(|child| network.sum(&network.team(*child)).min(cap)).collect();
    legs.sort_unstable_by(|a, b| b.cmp(a));
    legs
}

/// Members of a group or generation: those below with as many leaders up to and with them.
fn generation(network: &Network, ranks: &[u8], index: usize, number: usize, cut: u8) -> i64 {
    let leaders = |member: usize| {
        let mut path = network.between(index, member);
        path.push(member);
        path.iter().filter(|one| network.is_leader(ranks, **one, cut)).count()
    };
    let members: Vec<usize> =
        network.below(index).into_iter().filter(|member| leaders(*member) == number).collect();
    network.sum(&members)
}

/// Indicators of one person, times 100, from the definitions.
fn reference(network: &Network, paid: &[u8], index: usize) -> BTreeMap<&'static str, i64> {
    let previous: Vec<u8> = network.people.iter().map(|someone| someone.previous).collect();
    let own = network.own(index);
    let below = network.below(index);
    let children = network.children(index);
    let level = |from: usize, to: usize| -> i64 {
        let within = |member: &&usize| (from..=to).contains(&(network.between(index, **member).len() + 1));
        below.iter().filter(within).map(|member| network.own(*member)).sum()
    };
    let active = |member: usize| 60 <= network.own(member);
    let all_legs = legs(network, index, i64::MAX);
    let capped = legs(network, index, 120);
    let at = |legs: &[i64], place: usize| legs.get(place).copied().unwrap_or(0);
    let legs_of_two = children.iter().filter(|child| {
        let members = network.team(**child).into_iter().filter(|member| active(*member)).count();
        2 <= members && !network.people[**child].customer
    });
    let mut upline = 0;
    for upper in network.above(index) {
        upline += network.own(upper);
        if network.is_leader(&previous, upper, 2) {
            break;
        }
    }
    let small: Vec<i64> =
        network.team(index).into_iter().map(|member| network.own(member)).filter(|own| *own < 50).collect();
    let half = |member: usize| network.sum(&network.team(member)) * 50 + 25;
    let consultants = children.iter().filter(|child| !network.people[**child].customer);
    let mut values = BTreeMap::from([
        ("OWN", own),
        ("DOWN", network.sum(&below)),
        ("TEAM", network.sum(&below) + own),
        ("LV2", level(2, 2)),
        ("LV13", level(1, 3)),
        ("GRP", generation(network, &previous, index, 0, 2) + own),
        ("GRP0", generation(network, &previous, index, 0, 2)),
        ("GRPP", generation(network, paid, index, 0, 1) + own),
        ("GEN0", generation(network, paid, index, 0, 1) + own),
        ("GEN1", generation(network, paid, index, 1, 1)),
        ("GEN2", generation(network, paid, index, 2, 1)),
        ("GEN2O", generation(network, paid, index, 1, 1)),
        ("STRONG", at(&all_legs, 0)),
        ("SIDE", all_legs.iter().skip(1).sum()),
        ("WEAK2", at(&all_legs, 1)),
        ("LEG3", at(&all_legs, 2)),
        ("CAPPED", capped.iter().sum::<i64>() + own),
        ("SIDECAP", capped.iter().skip(1).sum()),
        ("LEGS2", i64::try_from(legs_of_two.count()).unwrap()),
        ("FRONT", i64::try_from(consultants.filter(|child| active(**child)).count()).unwrap()),
        ("MAXFL", children.iter().map(|child| network.own(*child)).max().unwrap_or(0)),
        ("MINDL", below.iter().map(|member| network.own(*member)).min().unwrap_or(0)),
        ("MAXTM", small.into_iter().max().unwrap_or(0)),
        (
            "ENROL",
            (1..network.people.len())
                .filter(|one| network.people[*one].sponsor == index)
                .map(|one| network.own(one))
                .sum(),
        ),
        (
            "CUST",
            children
                .iter()
                .filter(|child| network.people[**child].customer)
                .map(|child| network.own(*child))
                .sum(),
        ),
        ("UPLINE", upline),
        ("ALL", (0..network.people.len()).map(|one| network.own(one)).sum()),
        ("MINOWN", below.iter().map(|member| network.own(*member)).filter(|own| 60 <= *own).sum()),
        (
            "DEEP",
            network
                .team(index)
                .iter()
                .map(|one| i64::try_from(network.above(*one).len()).unwrap())
                .max()
                .unwrap(),
        ),
    ]);
    for value in values.values_mut() {
        *value *= 100;
    }
    values.insert("HALF", half(index));
    values.insert("OFHALF", children.iter().map(|child| half(*child)).sum());
    values
}

/// The mean with 18 decimals; nothing for nobody.
fn mean(values: &[Decimal]) -> Option<Decimal> {
    let count = Decimal::from(values.len());
    (!values.is_empty()).then(|| (values.iter().sum::<Decimal>() / count).round_dp(18))
}

/// Legs with no share of their own over `share` of all, strongest first.
fn shared_legs(network: &Network, index: usize, share: Decimal) -> Vec<Decimal> {
    let legs: Vec<Decimal> = network
        .children(index)
        .into_iter()
        .map(|child| Decimal::from(network.sum(&network.team(child))))
        .collect();
    let most = (legs.iter().sum::<Decimal>() * share).max(Decimal::ZERO);
    let mut capped: Vec<Decimal> = legs.into_iter().map(|leg| leg.min(most)).collect();
    capped.sort_by(|a, b| b.cmp(a));
    capped
}

/// What the general pass computes, from the definitions alone; nothing where a value is missing.
fn reference_general(
    network: &Network,
    paid: &[u8],
    index: usize,
) -> BTreeMap<&'static str, Option<Decimal>> {
    let previous: Vec<u8> = network.people.iter().map(|someone| someone.previous).collect();
    let own = |members: &[usize]| -> Vec<Decimal> {
        members.iter().map(|member| Decimal::from(network.own(*member))).collect()
    };
    let most = |values: Vec<Decimal>| values.into_iter().max().unwrap_or_default();
    let least = |values: Vec<Decimal>| values.into_iter().min().unwrap_or_default();
    let (below, team, children) = (network.below(index), network.team(index), network.children(index));
    let mut legs: Vec<Vec<usize>> = children.iter().map(|child| network.team(*child)).collect();
    legs.sort_by_key(|leg| (-network.sum(leg), network.id(*leg.last().unwrap())));
    let sides: Vec<usize> = legs.iter().skip(1).flatten().copied().collect();
    legs.sort_by_key(|leg| -leg.iter().map(|member| network.own(*member)).max().unwrap());
    let second: Vec<usize> = legs.get(1).cloned().unwrap_or_default();
    let leaders_to = |ranks: &[u8], cut: u8, member: usize| {
        let path = network.between(index, member).into_iter().chain([member]);
        path.filter(|one| network.is_leader(ranks, *one, cut)).count()
    };
    let group: Vec<usize> = below.iter().copied().filter(|one| leaders_to(&previous, 2, *one) == 0).collect();
    let first: Vec<usize> = below.iter().copied().filter(|one| leaders_to(paid, 1, *one) == 1).collect();
    let second_level: Vec<usize> =
        below.iter().copied().filter(|one| network.between(index, *one).len() == 1).collect();
    let mut upline = Vec::new();
    for upper in network.above(index) {
        upline.push(upper);
        if network.is_leader(&previous, upper, 2) {
            break;
        }
    }
    let over_20: Vec<usize> = team.iter().copied().filter(|one| 20 < network.own(*one)).collect();
    let sales = |members: &[usize]| -> Vec<Decimal> {
        members.iter().flat_map(|one| network.people[*one].net_sales()).map(Decimal::from).collect()
    };
    let big = |members: &[usize]| -> Vec<i64> {
        members.iter().flat_map(|one| network.people[*one].sales.clone()).filter(|sale| 75 <= *sale).collect()
    };
    let per_order = {
        let count = sales(&team).len();
        (count != 0).then(|| (Decimal::from(network.sum(&team)) / Decimal::from(count)).round_dp(18))
    };
    let third = |one: usize| (Decimal::from(network.own(one)) / Decimal::from(3)).round_dp(18);
    let thirds = |one: usize| network.team(one).into_iter().map(third).sum::<Decimal>();
    let all: Vec<usize> = (0..network.people.len()).collect();
    let mut with_self = group.clone();
    with_self.push(index);
    let (forty, thirty_five) = (Decimal::new(4, 1), Decimal::new(35, 2));
    let rounded = |values: Vec<Decimal>| Some(values.into_iter().sum::<Decimal>().round_dp(4));
    let mut shared_team = shared_legs(network, index, thirty_five);
    shared_team.push(Decimal::from(network.own(index)));
    BTreeMap::from([
        ("AVGDL", mean(&own(&below))),
        ("AVGTM", mean(&own(&over_20))),
        ("AVGLEG", mean(&own(&sides))),
        ("AVGGRP", mean(&own(&group))),
        ("AVGUP", mean(&own(&upline))),
        ("MAXLV2", Some(most(own(&second_level)))),
        ("MINGRP", Some(least(own(&with_self)))),
        ("MAXGEN1", Some(most(own(&first)))),
        ("MAXLEG2", Some(most(own(&second)))),
        ("MAXALL", Some(most(own(&all)))),
        ("SHARED", rounded(shared_legs(network, index, forty))),
        ("SHAREDTM", rounded(shared_team)),
        ("SHAREDSIDE", rounded(shared_legs(network, index, forty).split_off(1.min(children.len())))),
        ("ORDAVG", per_order),
        ("ORDMAX", Some(most(sales(&below)))),
        ("ORDMIN", Some(least(sales(&[index])))),
        ("ORDN", Some(Decimal::from(sales(&team).len()))),
        ("BIGORD", Some(Decimal::from(big(&below).iter().sum::<i64>()))),
        ("BIGORDN", Some(Decimal::from(big(&[index]).len()))),
        ("SQUARE", Some(own(&below).into_iter().map(|one| one * one).sum())),
        ("THIRD", Some(thirds(index))),
        ("THIRDAVG", mean(&children.iter().map(|child| thirds(*child)).collect::<Vec<_>>())),
        ("KNOWN", Some(mean(&own(&below)).map_or(Decimal::NEGATIVE_ONE, |mean| mean.round_dp(4)))),
    ])
}

/// Earned ranks, and paid ones with a grace of one cycle.
fn reference_ranks(network: &Network, leg_ranks_paid: bool) -> (Vec<u8>, Vec<u8>) {
    let count = network.people.len();
    let (mut earned, mut paid) = (vec![0_u8; count], vec![0_u8; count]);
    for index in (0..count).rev() {
        let someone = &network.people[index];
        if someone.customer {
            continue;
        }
        let seen = if leg_ranks_paid { &paid } else { &earned };
        let with_rank = |child: &&usize| network.team(**child).iter().any(|member| 1 <= seen[*member]);
        let children = network.children(index);
        let legs =
            children.iter().filter(|child| !network.people[**child].customer).filter(with_rank).count();
        let below = network.below(index).iter().filter(|member| 1 <= seen[**member]).count();
        earned[index] = if network.own(index) < 60 || network.sum(&network.below(index)) < 50 {
            0
        } else if legs < 1 {
            1
        } else if legs < 2 || below < 2 {
            2
        } else {
            3
        };
        let keeps = earned[index] < someone.previous && someone.grace < 1;
        paid[index] = if keeps { someone.previous } else { earned[index] };
    }
    (earned, paid)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn indicators_and_ranks_are_those_of_the_definitions(network in network(40), leg_ranks_paid in any::<bool>()) {
        let mut document = document();
        document["ranks"]["leg_rank"] = json!(if leg_ranks_paid { "paid" } else { "earned" });
        let plan = plan(&document);
        let snapshot = network.snapshot(&plan);
        let before = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
        let ranked = calculate_ranks(&snapshot, &before, &plan, Context::default()).unwrap();
        let (earned, paid) = reference_ranks(&network, leg_ranks_paid);
        prop_assert_eq!(network.by_index(&snapshot, &ranked.ranks.earned), earned);
        prop_assert_eq!(network.by_index(&snapshot, &ranked.ranks.paid), paid.clone());
        for index in 0..network.people.len() {
            let row = snapshot.people.row(&network.id(index)).unwrap();
            for (code, expected) in reference(&network, &paid, index) {
                let found = before.value(code, row).or_else(|| ranked.indicators.value(code, row)).unwrap();
                prop_assert_eq!(found, Decimal::new(expected, 2), "{} of {}", code, network.id(index));
            }
            for (code, expected) in reference_general(&network, &paid, index) {
                let column = before.column(code).or_else(|| ranked.indicators.column(code)).unwrap();
                let found = (!column.is_missing(row)).then(|| column.value(row));
                prop_assert_eq!(found, expected, "{} of {}", code, network.id(index));
            }
        }
    }
}

const RATES: [i64; 3] = [10, 5, 2];

fn with_unilevel(compression: &str, receiver: bool, per_order: bool) -> Arc<Plan> {
    let mut document = document();
    document["volumes"] = json!({"vc_value": "10"});
    document["bonuses"] = json!([{
        "code": "uni", "name": {"es": "Uni", "en": "Uni"}, "when": "active && rank >= r1",
        "pays": {"unilevel": {
            "on": if per_order { json!({"orders": "vc"}) } else { json!({"indicator": "PVC"}) },
            "rates": {"by-level": ["0.10", "0.05", "0.02"]},
            "depth": [{"rank": "r1", "levels": 1}, {"rank": "r2", "levels": 3}],
            "qualified": "own_vq >= 40",
            "compression": compression,
            "roll_up_rate": if receiver { "receiver" } else { "loser" }
        }}
    }]);
    plan(&document)
}

/// Earner, source, level paid -> amount in cents, from the definitions.
fn reference_unilevel(
    network: &Network,
    paid: &[u8],
    compression: &str,
) -> BTreeMap<(usize, usize, usize), i64> {
    let qualified = |index: usize| !network.people[index].customer && 40 <= network.own(index);
    let depth = |index: usize| match paid[index] {
        0 => 0,
        1 => 1,
        _ => 3,
    };
    let mut lines = BTreeMap::new();
    for source in 0..network.people.len() {
        let above = network.above(source);
        let compressed: Vec<usize> = above.iter().copied().filter(|upper| qualified(*upper)).collect();
        for level in 1..=RATES.len() {
            let earner = match compression {
                "dynamic" => compressed.get(level - 1).copied(),
                "roll-up" => above.iter().skip(level - 1).copied().find(|upper| qualified(*upper)),
                _ => above.get(level - 1).copied().filter(|upper| qualified(*upper)),
            };
            let Some(earner) = earner else { continue };
            let amount = network.own(source) * RATES[level - 1] * 10;
            let reaches = 60 <= network.own(earner) && 1 <= paid[earner] && level <= depth(earner);
            if reaches && amount != 0 && above.len() >= level {
                lines.insert((earner, source, level), amount);
            }
        }
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn unilevel_lines_are_those_of_the_definition(
        network in network(40),
        compression in prop::sample::select(vec!["none", "dynamic", "roll-up"]),
        receiver in any::<bool>(),
        per_order in any::<bool>(),
    ) {
        let plan = with_unilevel(compression, receiver, per_order);
        let snapshot = network.snapshot(&plan);
        let before = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
        let ranked = calculate_ranks(&snapshot, &before, &plan, Context::default()).unwrap();
        let payouts = calculate_bonuses(&snapshot, &before, &ranked, &plan, BonusContext::default()).unwrap();
        let paid = network.by_index(&snapshot, &ranked.ranks.paid);
        let mut found = BTreeMap::new();
        let index_of = |row: u32| {
            (0..network.people.len()).find(|index| network.id(*index) == snapshot.people.ids.get(row as usize)).unwrap()
        };
        for line in &payouts.lines {
            prop_assert_eq!(line.kind, LineKind::Earned);
            prop_assert_eq!(per_order, line.order != NONE);
            *found.entry((index_of(line.earner), index_of(line.source), usize::from(line.level_paid))).or_insert(0) += line.amount;
            let walked = network.between(index_of(line.earner), index_of(line.source)).len() + 1;
            prop_assert_eq!(usize::from(line.level_walked), walked);
        }
        found.retain(|_, amount| *amount != 0);
        let expected = reference_unilevel(&network, &paid, compression);
        prop_assert_eq!(&found, &expected);
        for account in &payouts.conservation {
            let parts = account.paid + account.rolled_up + account.unqualified + account.forfeited + account.unclaimed;
            prop_assert_eq!(account.offered, parts);
        }
        let all: i64 = (0..network.people.len()).map(|one| network.own(one)).sum();
        prop_assert_eq!(payouts.conservation[0].offered, i128::from(all) * 17 * 10_i128.pow(11));
    }

    #[test]
    fn files_give_back_what_was_written_and_are_the_same_bytes(network in network(40)) {
        let plan = with_unilevel("roll-up", false, true);
        let snapshot = network.snapshot(&plan);
        let files = codec::encode_snapshot(&snapshot).unwrap();
        let read = codec::decode_snapshot(Bytes::from(files.people.clone()), Bytes::from(files.orders.clone())).unwrap();
        prop_assert_eq!(&read, &snapshot);
        prop_assert_eq!(&codec::encode_snapshot(&read).unwrap(), &files);

        let before = calculate_indicators(&read, &plan, Context::default()).unwrap();
        let bytes = codec::encode_indicators(&before, &read).unwrap();
        prop_assert_eq!(&codec::decode_indicators(Bytes::from(bytes)).unwrap(), &before);

        let ranked = calculate_ranks(&read, &before, &plan, Context::default()).unwrap();
        let bytes = codec::encode_ranks(&ranked.ranks, &read).unwrap();
        prop_assert_eq!(&codec::decode_ranks(Bytes::from(bytes)).unwrap(), &ranked.ranks);

        let payouts = calculate_bonuses(&read, &before, &ranked, &plan, BonusContext::default()).unwrap();
        let bytes = codec::encode_payouts(&payouts, &read).unwrap();
        prop_assert_eq!(&codec::decode_payouts(Bytes::from(bytes)).unwrap(), &payouts);

        let settlements = settle(&read, &before, &ranked.ranks, &payouts, &plan).unwrap();
        let columns = Settlements::of(&read, &before, &ranked.ranks, &payouts, &plan).unwrap();
        let bytes = codec::encode_settlements(&columns).unwrap();
        prop_assert_eq!(&codec::decode_settlements(Bytes::from(bytes)).unwrap(), &settlements);
        let blocking = check_settlements(&settlements, &payouts, &read, &plan, None).into_iter().any(|one| one.blocks);
        prop_assert!(!blocking);
    }
}
