//! Bonuses on totals against their definitions, and laws that hold for every company.

use std::collections::BTreeMap;

use engine::{BalanceKind, BonusContext, LineKind, PayoutLine, codec};
use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use crate::fixture::{Company, Run, bonus, carried, cycle, document, own, parse, plan, with};

/// Somebody of a random company; ids do not follow the tree.
#[derive(Clone, Debug)]
struct Someone {
    id: usize,
    parent: usize,
    rank: u8,
    active: bool,
    customer: bool,
    euros: bool,
    tag: Option<bool>,
    /// Sales of three cycles.
    sales: [i64; 3],
}

fn company(most: usize) -> impl Strategy<Value = Vec<Someone>> {
    let someone = (
        any::<prop::sample::Index>(),
        0_u8..4,
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.2),
        prop::option::of(any::<bool>()),
        [0_i64..400, 0_i64..400, -100_i64..400],
    );
    prop::collection::vec(someone, 1..most).prop_flat_map(|raw| {
        let people: Vec<Someone> = raw
            .into_iter()
            .enumerate()
            .map(|(index, (parent, rank, active, customer, euros, tag, sales))| Someone {
                id: 0,
                parent: if index == 0 { 0 } else { parent.index(index) },
                rank,
                active,
                customer: customer && index != 0,
                euros,
                tag,
                sales,
            })
            .collect();
        let ids: Vec<usize> = (0..people.len()).collect();
        (Just(people), Just(ids).prop_shuffle()).prop_map(|(mut people, ids)| {
            for (someone, id) in people.iter_mut().zip(ids) {
                someone.id = id;
            }
            people
        })
    })
}

fn id(someone: &Someone) -> String {
    format!("p{:03}", someone.id)
}

fn facts(people: &[Someone], month: usize) -> Company {
    let word = |(index, someone): (usize, &Someone)| {
        let rank = if someone.rank == 0 { String::new() } else { format!(":{}", someone.rank) };
        let flags = [(someone.active, "!"), (!someone.customer, "?"), (!someone.euros, "$")];
        let flags: String = flags.iter().filter(|(off, _)| !off).map(|(_, flag)| *flag).collect();
        let tag = someone.tag.map_or("", |left| if left { "#left" } else { "#right" });
        let parent = if index == 0 { String::new() } else { format!("<{}", id(&people[someone.parent])) };
        format!("{}{rank}{flags}{tag}{parent}", id(someone))
    };
    let words: Vec<String> = people.iter().enumerate().map(word).collect();
    let sold = people.iter().filter(|someone| someone.sales[month] != 0);
    let sales: Vec<String> =
        sold.map(|someone| format!("{}={}", id(someone), someone.sales[month])).collect();
    Company::of(&words.join(" ")).selling(&sales.join(" "))
}

fn earns(someone: &Someone) -> bool {
    someone.active && !someone.customer
}

/// From a person up to the top, without the person.
fn above(people: &[Someone], mut at: usize) -> Vec<usize> {
    let mut path = Vec::new();
    while at != 0 {
        at = people[at].parent;
        path.push(at);
    }
    path
}

/// Units of the currency of somebody for a dollar.
fn per_dollar(someone: &Someone) -> Decimal {
    if someone.euros { "0.5".parse().unwrap() } else { Decimal::ONE }
}

fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven)
}

/// Earner, source and amount of the earned lines of a bonus, sorted.
fn earned(run: &Run, code: &str) -> Vec<(String, String, Decimal)> {
    let name = |row: u32| run.snapshot.people.ids.get(row as usize).to_owned();
    let of_bonus = run
        .payouts
        .lines
        .iter()
        .filter(|line| run.payouts.code(line) == code && line.kind == LineKind::Earned);
    let mut lines: Vec<_> =
        of_bonus.map(|line| (name(line.earner), name(line.source), line.amount().normalize())).collect();
    lines.sort();
    lines
}

fn sum_of(run: &Run, who: &str, code: &str) -> Decimal {
    let row = run.snapshot.people.row(who).unwrap();
    let lines = run.payouts.of(row).iter();
    lines.filter(|line| run.payouts.code(line) == code).map(PayoutLine::amount).sum()
}

/// The two sides of somebody's legs and the volumes left, straight from the definition.
struct Legs<'a> {
    people: &'a [Someone],
    left: Vec<i64>,
}

impl Legs<'_> {
    fn heads(&self, of: usize) -> Vec<usize> {
        let mut heads: Vec<usize> =
            (1..self.people.len()).filter(|row| self.people[*row].parent == of).collect();
        heads.sort_by_key(|row| (-self.left[*row], id(&self.people[*row])));
        heads
    }

    fn sides(&self, of: usize, kind: &str) -> [Vec<usize>; 2] {
        let heads = self.heads(of);
        match kind {
            "two-strongest" => {
                [heads.iter().take(1).copied().collect(), heads.iter().skip(1).take(1).copied().collect()]
            }
            "strongest-and-rest" => {
                [heads.iter().take(1).copied().collect(), heads.iter().skip(1).copied().collect()]
            }
            _ => {
                let tagged = |left: bool| {
                    heads.iter().copied().filter(|row| self.people[*row].tag == Some(left)).collect()
                };
                [tagged(true), tagged(false)]
            }
        }
    }

    fn volume(&self, side: &[usize]) -> i64 {
        side.iter().map(|row| self.left[*row]).sum()
    }

    fn use_up(&mut self, side: &[usize], mut volume: i64) {
        for row in side {
            let used = volume.min(self.left[*row].max(0));
            self.left[*row] -= used;
            volume -= used;
        }
    }
}

fn binary_document(legs: &str, most: Option<i64>, flush: (bool, bool), carry_most: Option<i64>) -> Value {
    let legs = match legs {
        "tagged" => json!({"tagged": {"left": "left", "right": "right"}}),
        other => json!(other),
    };
    let mut binary = json!({
        "of": "OWN", "pays": {"percentage": {"fixed": "0.1"}}, "legs": legs,
        "flush_over_most": flush.0, "flush_unpaid": flush.1
    });
    if let Some(most) = most {
        binary["most"] = json!(most.to_string());
    }
    if let Some(most) = carry_most {
        binary["carry_most"] = json!(most.to_string());
    }
    bonus("bin", &json!({"binary": binary}))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn binary_lines_and_balances_are_those_of_the_definition(
        people in company(20),
        legs in prop::sample::select(vec!["two-strongest", "strongest-and-rest", "tagged"]),
        most in prop::option::of(1_i64..300),
        flush in any::<(bool, bool)>(),
        carry_most in prop::option::of(1_i64..300),
    ) {
        let plan = plan(&[binary_document(legs, most, flush, carry_most)]);
        let mut balances = vec![0_i64; people.len()];
        let mut before: Option<Run> = None;
        for month in 0..3 {
            let context = before.as_ref().map(carried).unwrap_or_default();
            let run = facts(&people, month).settle_in(&plan, &cycle(i8::try_from(month + 1).unwrap()), &context);
            let team = |head: usize| -> i64 {
                let inside = |row: &usize| *row == head || above(&people, *row).contains(&head);
                (0..people.len()).filter(inside).map(|row| people[row].sales[month]).sum()
            };
            let left = (0..people.len()).map(|row| balances[row] + team(row)).collect();
            let mut naive = Legs { people: &people, left };
            let mut lines = Vec::new();
            for (row, someone) in people.iter().enumerate() {
                let mut sides = naive.sides(row, legs);
                sides.sort_by_key(|side| -naive.volume(side));
                if !earns(someone) {
                    for head in sides.iter().flatten().filter(|_| flush.1) {
                        naive.left[*head] = 0;
                    }
                    continue;
                }
                let matched = naive.volume(&sides[0]).min(naive.volume(&sides[1])).max(0);
                let paid = most.map_or(matched, |most| matched.min(most));
                for side in &sides {
                    naive.use_up(side, if flush.0 { matched } else { paid });
                }
                let amount = Decimal::new(paid, 1) * per_dollar(someone);
                if paid != 0 {
                    lines.push((id(someone), id(someone), cents(amount).normalize()));
                }
            }
            lines.sort();
            prop_assert_eq!(earned(&run, "bin"), lines);
            balances = naive.left.iter().map(|left| carry_most.map_or(*left, |most| *left.min(&most))).collect();
            balances[0] = 0;
            let mut expected: Vec<String> = (1..people.len())
                .filter(|row| balances[*row] != 0)
                .map(|row| format!("{} {}", id(&people[row]), balances[row]))
                .collect();
            expected.sort();
            prop_assert_eq!(run.carried(BalanceKind::Leg), expected);
            before = Some(run);
        }
    }

    #[test]
    fn pool_lines_are_the_exact_quotients_rounded_once_and_leave_a_residual(
        people in company(20),
        fund in 1_i64..10_000_000,
        (rounding, strategy) in prop::sample::select(vec![
            ("half-even", RoundingStrategy::MidpointNearestEven),
            ("half-up", RoundingStrategy::MidpointAwayFromZero),
            ("down", RoundingStrategy::ToZero),
            ("up", RoundingStrategy::AwayFromZero),
        ]),
    ) {
        let fund = Decimal::new(fund, 2);
        let fields = json!({"fund": {"amount": fund.to_string()}, "shares": "OWN", "rounding": rounding});
        let run = facts(&people, 0).settle(&plan(&[bonus("pool", &json!({"pool": fields}))]));
        let has: Vec<&Someone> =
            people.iter().filter(|someone| earns(someone) && 0 < someone.sales[0]).collect();
        let all: Decimal = has.iter().map(|someone| Decimal::from(someone.sales[0])).sum();
        let mut expected: Vec<_> = has
            .iter()
            .map(|someone| {
                // 26 digits decide: what is shared out has 9, what it is shared by 4.
                let share = fund * per_dollar(someone) * Decimal::from(someone.sales[0]) / all;
                (id(someone), id(someone), share.round_dp_with_strategy(2, strategy).normalize())
            })
            .collect();
        expected.sort();
        prop_assert_eq!(earned(&run, "pool"), expected);
        if !has.is_empty() && has.iter().all(|someone| !someone.euros) {
            let exact: i128 = run.payouts.lines.iter().map(|line| line.exact).sum();
            prop_assert_eq!(engine::from_exact(exact), fund.normalize());
            prop_assert_eq!(exact % 10_i128.pow(22), 0);
        }
    }

    #[test]
    fn matching_by_level_is_that_of_the_definition(
        people in company(20),
        compression in prop::sample::select(vec!["none", "dynamic", "roll-up"]),
    ) {
        let rates = ["0.1", "0.05", "0.025"];
        let fields = json!({"of": ["own"], "rates": {"by-level": rates}, "compression": compression});
        let run = facts(&people, 2).settle(&plan(&[own("own", "0.07"), bonus("match", &json!({"matching": fields}))]));
        let mut expected = Vec::new();
        for (row, someone) in people.iter().enumerate() {
            let base = (sum_of(&run, &id(someone), "own") / per_dollar(someone)).round_dp(4);
            let mut upline = above(&people, row);
            if compression == "dynamic" {
                upline.retain(|upper| earns(&people[*upper]));
            }
            for (level, rate) in rates.iter().enumerate() {
                let upper = upline.iter().skip(level);
                let receiver = match compression {
                    "roll-up" => upper.copied().find(|upper| earns(&people[*upper])),
                    _ => upper.copied().next().filter(|upper| earns(&people[*upper])),
                };
                let Some(receiver) = receiver.filter(|_| !base.is_zero()) else { continue };
                let receiver = &people[receiver];
                let amount = cents(base * rate.parse::<Decimal>().unwrap() * per_dollar(receiver));
                expected.push((id(receiver), id(someone), amount.normalize()));
            }
        }
        expected.sort();
        prop_assert_eq!(earned(&run, "match"), expected);
    }

    #[test]
    fn matching_by_generation_is_that_of_the_definition(people in company(20)) {
        let fields = json!({"of": ["own"], "rates": {"by-level": ["0.1", "0.05"]}, "by": {"generation": {"rank": "r2"}}});
        let run = facts(&people, 0).settle(&plan(&[own("own", "0.1"), bonus("match", &json!({"matching": fields}))]));
        let leads = |row: usize| !people[row].customer && 2 <= people[row].rank;
        let mut expected = Vec::new();
        for (row, someone) in people.iter().enumerate() {
            let base = (sum_of(&run, &id(someone), "own") / per_dollar(someone)).round_dp(4);
            let path: Vec<usize> = std::iter::once(row).chain(above(&people, row)).collect();
            for (place, upper) in path.iter().enumerate().skip(1) {
                let generation = path[..place].iter().filter(|between| leads(**between)).count();
                let rate = match generation {
                    1 => Decimal::new(1, 1),
                    2 => Decimal::new(5, 2),
                    _ => continue,
                };
                if leads(*upper) && earns(&people[*upper]) && !base.is_zero() {
                    let amount = cents(base * rate * per_dollar(&people[*upper]));
                    expected.push((id(&people[*upper]), id(someone), amount.normalize()));
                }
            }
        }
        expected.sort();
        prop_assert_eq!(earned(&run, "match"), expected);
    }

    #[test]
    fn everyone_gets_the_greatest_of_an_alternative_and_nobody_more_than_the_caps(people in company(20)) {
        let base = [
            own("one", "0.1"),
            bonus("two", &json!({"unilevel": {"on": {"indicator": "OWN"}, "rates": {"by-level": ["0.08", "0.04"]}}})),
        ];
        let free = facts(&people, 0).settle(&plan(&base));
        let mut chosen = document(&base);
        chosen["alternatives"] = json!([{"bonuses": ["one", "two"]}]);
        let chosen = facts(&people, 0).settle(&parse(&chosen));
        for someone in &people {
            let who = id(someone);
            let (one, two) = (sum_of(&free, &who, "one"), sum_of(&free, &who, "two"));
            let expected = if one < two { [Decimal::ZERO, two] } else { [one, Decimal::ZERO] };
            prop_assert_eq!([sum_of(&chosen, &who, "one"), sum_of(&chosen, &who, "two")], expected);
        }
        let mut capped = document(&[with(base[0].clone(), &json!({"cap": "50"})), base[1].clone()]);
        capped["cap_per_person"] = json!("25");
        let capped = facts(&people, 0).settle(&parse(&capped));
        let mut all = Decimal::ZERO;
        for someone in &people {
            let row = capped.snapshot.people.row(&id(someone)).unwrap();
            let total: Decimal = capped.payouts.of(row).iter().map(PayoutLine::amount).sum();
            prop_assert!(total <= Decimal::from(25) * per_dollar(someone));
            all += sum_of(&capped, &id(someone), "one") / per_dollar(someone);
        }
        // Everyone's part is rounded by itself: by half a cent, or a cent where it is in euros.
        prop_assert!(all <= Decimal::from(50) + Decimal::new(i64::try_from(people.len()).unwrap(), 2));
    }

    #[test]
    fn what_is_held_is_paid_in_the_end_and_a_period_pays_the_whole_once(people in company(12), waits in 0_usize..3) {
        // Held in the first cycles, then released; the period pays a tenth of the whole in every cycle anew.
        let held = with(own("held", "0.1"), &json!({"hold": {"while": "rank < r1"}}));
        let percentage = json!({"percentage": {"of": "OWN", "rate": {"fixed": "0.1"}, "true_up": "year"}});
        let plan = plan(&[held, bonus("period", &percentage)]);
        let mut before: Option<Run> = None;
        let (mut paid, mut expected) = (BTreeMap::<String, Decimal>::new(), BTreeMap::<String, Decimal>::new());
        let mut of_period = BTreeMap::<String, Decimal>::new();
        for month in 0..3 {
            let mut now = people.clone();
            for someone in &mut now {
                (someone.active, someone.rank) = (true, u8::from(waits <= month));
            }
            let context = before.as_ref().map(carried).unwrap_or_default();
            let run = facts(&now, month).settle_in(&plan, &cycle(i8::try_from(month + 1).unwrap()), &context);
            for someone in now.iter().filter(|someone| !someone.customer) {
                let tenth = cents(Decimal::new(someone.sales[month], 1) * per_dollar(someone));
                *paid.entry(id(someone)).or_default() += sum_of(&run, &id(someone), "held");
                *expected.entry(id(someone)).or_default() += tenth;
                let period = of_period.entry(id(someone)).or_default();
                *period += sum_of(&run, &id(someone), "period");
                prop_assert_eq!(*period, tenth);
            }
            before = Some(run);
        }
        prop_assert_eq!(paid, expected);
        prop_assert!(before.unwrap().carried(BalanceKind::Held).is_empty());
    }

    #[test]
    fn the_order_of_facts_changes_nothing(people in company(20), seed in any::<u64>()) {
        let mut document = document(&[
            own("own", "0.1"),
            bonus("match", &json!({"matching": {"of": ["own"], "rates": {"by-level": ["0.1", "0.05"]}, "compression": "roll-up"}})),
            with(bonus("pool", &json!({"pool": {"fund": {"share": {"of": "ALL", "rate": "0.01"}}, "shares": "OWN"}})), &json!({"cap": "5"})),
            bonus("best", &json!({"pool": {"fund": {"amount": "7"}, "shares": "OWN", "positions": ["2", "1"]}})),
            with(binary_document("two-strongest", Some(200), (false, false), None), &json!({"hold": {"while": "rank < r2"}})),
            with(bonus("pts", &json!({"fixed": {"amount": {"rule": "OWN"}, "times": "once"}})), &json!({"award": "points"})),
        ]);
        document["alternatives"] = json!([{"bonuses": ["pool", "best"]}]);
        document["cap_per_person"] = json!("40");
        let plan = parse(&document);
        let straight = facts(&people, 0).settle_in(&plan, &cycle(1), &BonusContext::default());
        let mut turned = facts(&people, 0);
        let at = |length: usize| usize::try_from(seed % u64::try_from(length.max(1)).unwrap()).unwrap();
        let (people_at, orders_at) = (at(turned.people.len()), at(turned.orders.len()));
        turned.people.rotate_left(people_at);
        turned.orders.rotate_left(orders_at);
        turned.people.reverse();
        let turned = turned.settle_in(&plan, &cycle(1), &BonusContext::default());
        prop_assert_eq!(straight.payouts, turned.payouts);
    }
}

#[test]
fn nobody_active_is_nobody_paid() {
    let plan = plan(&[
        own("own", "0.1"),
        bonus("match", &json!({"matching": {"of": ["own"], "rates": {"by-level": ["0.1"]}}})),
        bonus("pool", &json!({"pool": {"fund": {"amount": "100"}}})),
        bonus("fix", &json!({"fixed": {"amount": {"amount": "1"}}})),
        bonus("retail", &json!({"retail-profit": {}})),
        bonus("bin", &json!({"binary": {"of": "OWN", "pays": {"percentage": {"fixed": "0.1"}}}})),
    ]);
    for people in ["a!", "a! b?<a c?<b"] {
        let run = Company::of(people).selling("a=100").settle(&plan);
        assert!(run.payouts.lines.is_empty(), "{people}");
        assert_eq!(run.payouts.conservation[2].unclaimed, 100 * 10_i128.pow(13));
    }
}

#[test]
fn files_with_lines_of_nobody_are_written_and_refused() {
    let Run { snapshot, payouts, .. } =
        Company::of("a b<a").selling("a=100").settle(&plan(&[own("own", "0.1")]));
    let damages: [fn(&mut PayoutLine); 3] =
        [|line| line.earner = u32::MAX, |line| line.source = u32::MAX, |line| line.bonus = 1];
    for damage in damages {
        let mut payouts = payouts.clone();
        damage(&mut payouts.lines[0]);
        let stored = codec::encode_payouts(&payouts, &snapshot).unwrap();
        assert!(codec::decode_payouts(stored.into()).is_err());
    }
    let mut snapshot = snapshot;
    snapshot.people.by_id[1] = u32::MAX;
    let files = codec::encode_snapshot(&snapshot).unwrap();
    assert!(codec::decode_snapshot(files.people.into(), files.orders.into()).is_err());
}
