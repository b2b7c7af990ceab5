//! The bonuses that walk the tree against their definitions, person by person, on random networks; and laws of all of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use engine::{LineKind, NONE, OrderFact, OrderKind, PersonFact, PersonKind, SettledCycle};
use foundation::locale::Locale;
use plan::Plan;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::fixture::{Company, Run, bonus, cycle, document, parse, share};

/// A person of a random network; person 0 is the root.
#[derive(Clone, Debug)]
struct Someone {
    parent: usize,
    customer: bool,
    rank: u8,
    /// Takes levels.
    active: bool,
    /// Is paid.
    paid: bool,
    sales: Vec<i64>,
}

#[derive(Clone, Debug)]
struct Network {
    people: Vec<Someone>,
    /// Ids are a permutation, so that neither order of rows nor order of ids follows the tree.
    ids: Vec<usize>,
}

fn network(most: usize) -> impl Strategy<Value = Network> {
    let someone = (
        // Half hang under the person before, so that there are long lines.
        prop_oneof![any::<prop::sample::Index>().prop_map(Some), Just(None)],
        prop::bool::weighted(0.1),
        prop_oneof![2 => Just(0_u8), 3 => 1_u8..4],
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.8),
        prop::collection::vec(-20_i64..150, 0..3),
    );
    prop::collection::vec(someone, 1..most).prop_flat_map(|raw| {
        let count = raw.len();
        let people: Vec<Someone> = raw
            .into_iter()
            .enumerate()
            .map(|(index, (parent, customer, rank, active, paid, sales))| Someone {
                parent: match (index, parent) {
                    (0, _) => 0,
                    (_, Some(parent)) => parent.index(index),
                    (_, None) => index - 1,
                },
                customer: customer && index != 0,
                rank: if customer && index != 0 { 0 } else { rank },
                active,
                paid,
                sales: sales.into_iter().filter(|volume| *volume != 0).collect(),
            })
            .collect();
        let ids = Just((0..count).collect::<Vec<usize>>()).prop_shuffle();
        (Just(people), ids).prop_map(|(people, ids)| Network { people, ids })
    })
}

/// Earner, source, order (none: an indicator), level paid.
type Place = (usize, usize, Option<usize>, usize);
/// Base, rate in thousandths, levels walked.
type Paid = (i64, i64, usize);
type Lines = BTreeMap<Place, Paid>;

impl Network {
    fn id(&self, index: usize) -> String {
        format!("P{:03}", self.ids[index])
    }

    fn company(&self) -> Company {
        let mut company = Company::default();
        for (index, someone) in self.people.iter().enumerate() {
            let parent = (index != 0).then(|| self.id(someone.parent).parse().unwrap());
            let mut person = PersonFact::new(self.id(index).parse().unwrap(), parent);
            person.kind = if someone.customer { PersonKind::Customer } else { PersonKind::Consultant };
            person.manual_rank = (someone.rank != 0).then(|| format!("r{}", someone.rank));
            if !someone.active {
                "idle".clone_into(&mut person.status);
            }
            if someone.paid {
                person.tags.push("paid".to_owned());
            }
            if index % 3 == 1 {
                person.currency = Some("EUR".parse().unwrap());
            }
            company.people.push(person);
            for (number, volume) in someone.sales.iter().enumerate() {
                let id = format!("O-{index}-{number}").parse().unwrap();
                let person = self.id(index).parse().unwrap();
                let mut order = OrderFact::sale(id, person, cycle(10).start, Decimal::from(volume.abs()));
                order.kind = if *volume < 0 { OrderKind::Return } else { OrderKind::Sale };
                company.orders.push(order);
            }
        }
        company
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

    /// From `index` up to the person under `top`.
    fn path(&self, top: usize, index: usize) -> Vec<usize> {
        let mut path = vec![index];
        path.extend(self.above(index));
        path.into_iter().take_while(|one| *one != top).collect()
    }

    fn is_below(&self, top: usize, index: usize) -> bool {
        self.above(index).contains(&top)
    }

    fn own(&self, index: usize) -> i64 {
        self.people[index].sales.iter().sum()
    }

    fn team(&self, index: usize) -> i64 {
        let members = (0..self.people.len()).filter(|one| *one == index || self.is_below(index, *one));
        members.map(|one| self.own(one)).sum()
    }

    fn earns(&self, index: usize) -> bool {
        !self.people[index].customer && self.people[index].paid
    }

    fn is_qualified(&self, index: usize) -> bool {
        !self.people[index].customer && self.people[index].active
    }

    fn is_leader(&self, index: usize) -> bool {
        !self.people[index].customer && 2 <= self.people[index].rank
    }

    /// A leader with everyone below down to the next leaders.
    fn group(&self, index: usize) -> i64 {
        let of_group = |one: &usize| {
            let path = self.path(index, *one);
            *one == index
                || (self.is_below(index, *one) && path.iter().all(|between| !self.is_leader(*between)))
        };
        (0..self.people.len()).filter(of_group).map(|one| self.own(one)).sum()
    }

    fn rate(&self, index: usize) -> i64 {
        i64::from(self.people[index].rank) * 100
    }

    /// Each sale or return: of whom, its number, how much.
    fn orders(&self) -> Vec<(usize, usize, i64)> {
        let of = |index: usize| {
            let sales = self.people[index].sales.iter().enumerate();
            sales.map(move |(number, volume)| (index, number, *volume))
        };
        (0..self.people.len()).flat_map(of).collect()
    }

    fn leaders_above(&self, index: usize) -> Vec<usize> {
        self.above(index).into_iter().filter(|upper| self.is_leader(*upper)).collect()
    }
}

fn plan(bonus: &Value) -> Arc<Plan> {
    static KNOWN: Mutex<BTreeMap<String, Arc<Plan>>> = Mutex::new(BTreeMap::new());
    let mut bonus = bonus.clone();
    bonus["when"] = json!("'paid' in tags");
    let mut known = KNOWN.lock().unwrap();
    Arc::clone(known.entry(bonus.to_string()).or_insert_with(|| Arc::new(parse(&document(&[bonus])))))
}

/// The lines of a run by place, those whose exact amount is 0 left out; the exact amount is base × rate in the earner's currency.
fn lines(network: &Network, run: &Run) -> Lines {
    let index: BTreeMap<String, usize> =
        (0..network.people.len()).map(|one| (network.id(one), one)).collect();
    let of = |row: u32| index[run.snapshot.people.ids.get(row as usize)];
    let mut lines = Lines::new();
    for line in &run.payouts.lines {
        assert_eq!(line.kind, LineKind::Earned);
        let order = (line.order != NONE).then(|| {
            let id = run.snapshot.orders.ids.get(line.order as usize);
            id.rsplit('-').next().unwrap().parse::<usize>().unwrap()
        });
        let (base, rate) = (line.base / 10_000, line.rate / 1_000_000);
        let per_unit = if of(line.earner) % 3 == 1 { 5 } else { 10 };
        let exact = i128::from(base) * i128::from(rate) * per_unit * 10_i128.pow(20);
        assert_eq!(line.exact, exact, "{line:?}");
        let place = (of(line.earner), of(line.source), order, usize::from(line.level_paid));
        let before = lines.insert(place, (base, rate, usize::from(line.level_walked)));
        assert_eq!(before, None, "two lines at {place:?}");
    }
    lines
}

fn by_rank() -> Value {
    json!([{"rank": "r1", "rate": "0.1"}, {"rank": "r2", "rate": "0.2"}, {"rank": "r3", "rate": "0.3"}])
}

fn differential_by_member(network: &Network) -> Lines {
    let mut lines = Lines::new();
    for earner in (0..network.people.len()).filter(|one| network.earns(*one)) {
        for child in (1..network.people.len()).filter(|one| network.people[*one].parent == earner) {
            let rate = network.rate(earner) - network.rate(child);
            if 0 < rate && network.team(child) != 0 {
                lines.insert((earner, child, None, 1), (network.team(child), rate, 1));
            }
        }
        if network.own(earner) != 0 && network.rate(earner) != 0 {
            lines.insert((earner, earner, None, 0), (network.own(earner), network.rate(earner), 0));
        }
    }
    lines
}

fn differential_by_source(network: &Network, own: bool, most: i64) -> Lines {
    let mut lines = Lines::new();
    let rate = |index: usize| network.rate(index).min(most);
    for (source, order, base) in network.orders() {
        for earner in network.above(source).into_iter().chain([source]).filter(|one| network.earns(*one)) {
            let path = network.path(earner, source);
            let highest = path.iter().map(|one| rate(*one)).max().unwrap_or(0);
            if highest < rate(earner) && (own || earner != source) {
                let place = (earner, source, Some(order), path.len());
                lines.insert(place, (base, rate(earner) - highest, path.len()));
            }
        }
    }
    lines
}

fn infinity(network: &Network, difference: bool, from: usize) -> Lines {
    let mut lines = Lines::new();
    for (source, order, base) in network.orders() {
        for earner in network.above(source).into_iter().filter(|one| network.earns(*one)) {
            let path = network.path(earner, source);
            let rank = network.people[earner].rank;
            let blocks = |one: &usize| !network.people[*one].customer && rank <= network.people[*one].rank;
            let highest = path.iter().map(|one| network.rate(*one)).max().unwrap_or(0);
            let rate = match difference {
                true => network.rate(earner) - highest,
                false if path.iter().any(blocks) => 0,
                false => network.rate(earner),
            };
            if 0 < rate && from <= path.len() {
                lines.insert((earner, source, Some(order), path.len()), (base, rate, path.len()));
            }
        }
    }
    lines
}

/// Rates of generations by rank of a leader, in thousandths.
fn generation_rates(rank: u8) -> &'static [i64] {
    match rank {
        0 | 1 => &[],
        2 => &[100, 50],
        _ => &[200, 100, 50],
    }
}

/// How a generation bonus is set up.
#[derive(Clone, Copy, Debug)]
struct Setup {
    compression: &'static str,
    receiver: bool,
    /// `leader`, `member`, or `own-group` for members with one's own group as generation 1.
    per: &'static str,
}

/// What one source pays `leaders`, nearest first, the nearest being of generation `first`.
fn pay_generations(
    network: &Network,
    lines: &mut Lines,
    setup: Setup,
    (source, base): (usize, i64),
    (leaders, first): (&[usize], usize),
) {
    let skips = |leader: &usize| setup.compression == "dynamic" && !network.is_qualified(*leader);
    let taking: Vec<usize> = leaders.iter().copied().filter(|leader| !skips(leader)).collect();
    for (position, holder) in taking.iter().enumerate() {
        let generation = first + position;
        let earner = match (network.is_qualified(*holder), setup.compression) {
            (true, _) => Some(*holder),
            (false, "roll-up") => taking[position..].iter().copied().find(|one| network.is_qualified(*one)),
            (false, _) => None,
        };
        let Some(earner) = earner else { continue };
        let by = if setup.receiver { earner } else { *holder };
        let rate = generation_rates(network.people[by].rank).get(generation - 1).copied().unwrap_or(0);
        let depth = if network.people[earner].rank == 2 { 1 } else { 3 };
        if network.earns(earner) && generation <= depth && rate != 0 && base != 0 {
            let between = network.path(earner, source).iter().filter(|one| network.is_leader(**one)).count();
            let walked = between + usize::from(setup.per == "own-group");
            lines.insert((earner, source, None, generation), (base, rate, walked));
        }
    }
}

fn generations(network: &Network, setup: Setup) -> Lines {
    let mut lines = Lines::new();
    for source in 0..network.people.len() {
        let above = network.leaders_above(source);
        let leads = network.is_leader(source);
        let makes_one = leads && (setup.compression != "dynamic" || network.is_qualified(source));
        let (base, ways) = match (setup.per, leads) {
            ("leader", true) => (network.group(source), (&above[..], 1)),
            ("leader", false) => continue,
            ("own-group", _) => (network.own(source), (&above[..], if makes_one { 2 } else { 1 })),
            // The head of the group is the first leader above; nobody is paid for what has none.
            (_, true) => (network.own(source), (&above[..], 1)),
            (_, false) => (network.own(source), (above.get(1..).unwrap_or_default(), 1)),
        };
        pay_generations(network, &mut lines, setup, (source, base), ways);
    }
    lines
}

const BREAKAWAY_RATE: i64 = 40;
const MINIMUM: i64 = 150;

/// What a leader hands up.
fn handed(network: &Network, leader: usize) -> i64 {
    network.group(leader) + taken(network, leader)
}

/// What a leader's own group lacks of the minimum, out of what comes from below.
fn taken(network: &Network, leader: usize) -> i64 {
    if network.leaders_above(leader).is_empty() {
        return 0;
    }
    let from_below: i64 = first_leaders(network, leader).into_iter().map(|one| handed(network, one)).sum();
    (MINIMUM - network.group(leader)).max(0).min(from_below.max(0))
}

fn first_leaders(network: &Network, leader: usize) -> Vec<usize> {
    let leaders = (0..network.people.len()).filter(|one| network.is_leader(*one));
    leaders.filter(|one| network.leaders_above(*one).first() == Some(&leader)).collect()
}

fn breakaway(network: &Network) -> Lines {
    let mut lines = Lines::new();
    for leader in (0..network.people.len()).filter(|one| network.is_leader(*one) && network.earns(*one)) {
        for below in first_leaders(network, leader) {
            lines.insert((leader, below, None, 1), (handed(network, below), BREAKAWAY_RATE, 1));
        }
        lines.insert((leader, leader, None, 0), (-taken(network, leader), BREAKAWAY_RATE, 0));
    }
    lines.retain(|_, (base, ..)| *base != 0);
    lines
}

fn differential_plan(change: &Value) -> Arc<Plan> {
    let mut pays = json!({"of": "TEAM", "rate": {"by-rank": by_rank()}});
    for (field, value) in change.as_object().unwrap() {
        pays[field] = value.clone();
    }
    plan(&bonus(&json!({"differential": pays})))
}

fn infinity_plan(difference: bool, from: usize) -> Arc<Plan> {
    plan(&bonus(&json!({"infinity": {
        "on": {"orders": "vc"}, "rates": by_rank(), "difference": difference, "from_level": from
    }})))
}

fn generation_plan(setup: Setup) -> Arc<Plan> {
    let rates = json!([
        {"rank": "r2", "rates": ["0.1", "0.05"]}, {"rank": "r3", "rates": ["0.2", "0.1", "0.05"]}
    ]);
    plan(&bonus(&json!({"generation": {
        "of": if setup.per == "leader" { "GROUP" } else { "OWN" },
        "rank": "r2", "rates": {"by-rank": rates}, "compression": setup.compression,
        "depth": [{"rank": "r2", "levels": 1}, {"rank": "r3", "levels": 3}],
        "per": if setup.per == "leader" { "leader" } else { "member" },
        "counts": if setup.per == "own-group" { "own-group" } else { "leader" },
        "roll_up_rate": if setup.receiver { "receiver" } else { "loser" },
    }})))
}

fn setups() -> impl Strategy<Value = Setup> {
    let compression = prop::sample::select(vec!["none", "dynamic", "roll-up"]);
    let per = prop::sample::select(vec!["leader", "member", "own-group"]);
    (compression, any::<bool>(), per).prop_map(|(compression, receiver, per)| Setup {
        compression,
        receiver,
        per,
    })
}

fn breakaway_plan() -> Arc<Plan> {
    plan(&bonus(
        &json!({"breakaway": {"of": "GROUP", "rank": "r2", "rate": "0.04", "minimum": MINIMUM.to_string()}}),
    ))
}

/// A bonus on what each member brought altogether.
fn own_volume_plan() -> Arc<Plan> {
    plan(&bonus(&json!({"unilevel": {
        "on": {"indicator": "OWN"}, "compression": "roll-up", "rates": {"by-level": ["0.1", "0.05", "0.02"]}
    }})))
}

/// A plan of each kind, for laws that hold for all of them.
fn any_plan() -> impl Strategy<Value = Arc<Plan>> {
    let unilevel = |compression: &str| {
        bonus(&json!({"unilevel": {
            "on": {"orders": "vc"}, "compression": compression,
            "rates": {"rule": {"rate": "rank * 0.01 + source.rank * 0.001 + level_paid * 0.1", "levels": 3}}
        }}))
    };
    prop_oneof![
        Just(differential_plan(&json!({"own": true}))),
        Just(differential_plan(&json!({"by": {"source": {"orders": "vc"}}, "most": "0.25"}))),
        any::<bool>().prop_map(|difference| infinity_plan(difference, 1)),
        setups().prop_map(generation_plan),
        Just(breakaway_plan()),
        prop::sample::select(vec!["none", "dynamic", "roll-up"]).prop_map(move |how| plan(&unilevel(how))),
    ]
}

/// The lines by ids, which say the same whatever the rows are.
fn by_ids(run: &Run) -> Vec<String> {
    let mut lines = run.lines();
    lines.sort();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn differential_lines_are_those_of_the_definition(network in network(30), own in any::<bool>(), capped in any::<bool>()) {
        let run = network.company().settle(&differential_plan(&json!({"own": true})));
        prop_assert_eq!(lines(&network, &run), differential_by_member(&network));
        let most = if capped { json!("0.25") } else { json!(null) };
        let plan = differential_plan(&json!({"by": {"source": {"orders": "vc"}}, "own": own, "most": most}));
        let run = network.company().settle(&plan);
        let found = lines(&network, &run);
        prop_assert_eq!(&found, &differential_by_source(&network, own, if capped { 250 } else { i64::MAX }));
        let mut of_order: BTreeMap<(usize, Option<usize>), i64> = BTreeMap::new();
        for ((_, source, order, _), (_, rate, _)) in found {
            *of_order.entry((source, order)).or_default() += rate;
        }
        let top = if capped { 250 } else { 300 };
        prop_assert!(of_order.values().all(|rate| *rate <= top), "{of_order:?}");
    }

    #[test]
    fn infinity_lines_are_those_of_the_definition(network in network(30), difference in any::<bool>(), from in 1_usize..4) {
        let run = network.company().settle(&infinity_plan(difference, from));
        prop_assert_eq!(lines(&network, &run), infinity(&network, difference, from));
    }

    #[test]
    fn generation_lines_are_those_of_the_definition(network in network(30), setup in setups()) {
        let run = network.company().settle(&generation_plan(setup));
        prop_assert_eq!(lines(&network, &run), generations(&network, setup));
    }

    #[test]
    fn breakaway_lines_are_those_of_the_definition(network in network(30)) {
        let run = network.company().settle(&breakaway_plan());
        prop_assert_eq!(lines(&network, &run), breakaway(&network));
        let groups: i64 = (0..network.people.len()).filter(|one| network.is_leader(*one)).map(|one| network.group(one)).sum();
        prop_assert_eq!(run.payouts.conservation[0].offered, i128::from(groups * BREAKAWAY_RATE) * 10_i128.pow(10));
    }

    #[test]
    fn neither_the_order_of_facts_nor_the_names_of_people_change_anything(
        (network, plan, facts) in (network(30), any_plan()).prop_flat_map(|(network, plan)| {
            let company = network.company();
            let facts = (Just(company.people).prop_shuffle(), Just(company.orders).prop_shuffle());
            (Just(network), Just(plan), facts)
        }),
    ) {
        let run = network.company().settle(&plan);
        let shuffled = Company { people: facts.0, orders: facts.1 }.settle(&plan);
        prop_assert_eq!(&run.payouts, &shuffled.payouts);
        let renamed = Network { ids: (0..network.people.len()).collect(), ..network.clone() };
        prop_assert_eq!(lines_of_any(&network, &run), lines_of_any(&renamed, &renamed.company().settle(&plan)));
    }

    #[test]
    fn somebody_new_without_volume_changes_nobodys_pay(network in network(30), plan in any_plan(), parent in any::<prop::sample::Index>()) {
        let before = by_ids(&network.company().settle(&plan));
        let mut company = network.company();
        let parent = network.id(parent.index(network.people.len())).parse().unwrap();
        company.people.push(PersonFact::new("new".parse().unwrap(), Some(parent)));
        prop_assert_eq!(by_ids(&company.settle(&plan)), before);
    }

    #[test]
    fn the_sheets_of_all_orders_close_and_add_up_to_the_accounts_and_lines(
        network in network(15), plan in prop_oneof![any_plan(), Just(own_volume_plan())],
    ) {
        let run = network.company().settle(&plan);
        let stored = run.stored(&plan);
        let (mut sums, mut found) = ([Decimal::ZERO; 6], Vec::new());
        let mut has_sheets = false;
        for order in 0..u32::try_from(run.snapshot.orders.len()).unwrap() {
            for sheet in stored.order_sheet(order).unwrap().bonuses {
                prop_assert_eq!(sheet.remainder, Decimal::ZERO);
                has_sheets = true;
                let accounts = [
                    sheet.offered, sheet.paid, sheet.passed_up, sheet.unqualified, sheet.forfeited, sheet.unclaimed,
                ];
                prop_assert_eq!(accounts[0], accounts[1..].iter().sum::<Decimal>());
                prop_assert_eq!(accounts[0], sheet.shares.iter().map(|share| share.share).sum::<Decimal>());
                for (sum, account) in sums.iter_mut().zip(accounts) {
                    *sum += account;
                }
                let paid = sheet.shares.into_iter().filter_map(|share| Some((share.earner?, order, share.level, share.exact?)));
                found.extend(paid);
            }
        }
        if has_sheets {
            let account = run.payouts.conservation[0];
            let parts = [
                account.offered, account.paid, account.rolled_up, account.unqualified, account.forfeited, account.unclaimed,
            ];
            prop_assert_eq!(sums, parts.map(share));
            let lines = run.payouts.lines.iter();
            let id = |row: u32| run.snapshot.people.ids.get(row as usize).to_owned();
            let mut expected: Vec<_> =
                lines.map(|line| (id(line.earner), line.order, line.level_paid, line.exact_amount())).collect();
            if expected.iter().all(|(_, order, ..)| *order != NONE) {
                expected.sort();
                found.sort();
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn every_line_has_its_reasons_in_both_languages(network in network(15), plan in any_plan()) {
        let run = network.company().settle(&plan);
        let walks = ["level", "difference", "group", "guarantee", "formula", "rate"];
        for line in &run.payouts.lines {
            let reason = run.stored(&plan).explain_line(&run.payouts, line);
            let own: Vec<&str> = reason.parts.iter().map(|part| part.kind.as_str()).collect();
            prop_assert!(own.iter().any(|kind| walks.contains(kind)), "{own:?}");
            prop_assert!(own.contains(&"rule"), "{own:?}");
            prop_assert_ne!(reason.render(Locale::Es), reason.render(Locale::En));
        }
    }

    #[test]
    fn what_all_orders_paid_is_undone_to_the_last_digit(network in network(30), difference in any::<bool>(), which in 0_u8..3) {
        let plan = match which {
            0 => differential_plan(&json!({"by": {"source": {"orders": "vc"}}, "own": true})),
            1 => infinity_plan(difference, 1),
            _ => generation_plan(Setup { compression: "roll-up", receiver: difference, per: "member" }),
        };
        let mut company = network.company();
        company.orders.retain(|order| order.kind == OrderKind::Sale);
        let september = cycle(9);
        for order in &mut company.orders {
            order.paid_at = september.start;
        }
        let before = company.settle_after(&plan, &september, &[]);
        for order in &mut company.orders {
            order.paid_at = cycle(10).start;
            order.kind = OrderKind::Return;
            order.reverses = Some(order.id.clone());
            order.id = format!("R-{}", order.id).parse().unwrap();
        }
        let settled = [SettledCycle { snapshot: &before.snapshot, payouts: &before.payouts }];
        let after = company.settle_after(&plan, &cycle(10), &settled);
        let sums = |run: &Run| {
            let mut sums: BTreeMap<(String, String), i128> = BTreeMap::new();
            for line in &run.payouts.lines {
                let id = |row: u32| run.snapshot.people.ids.get(row as usize).to_owned();
                *sums.entry((id(line.earner), id(line.source))).or_default() += line.exact;
            }
            sums.retain(|_, sum| *sum != 0);
            sums
        };
        let undone: BTreeMap<_, _> = sums(&after).into_iter().map(|(who, sum)| (who, -sum)).collect();
        prop_assert_eq!(sums(&before), undone);
    }
}

/// Earner, source, level, base, rate and exact amount of each line, by index instead of by name.
fn lines_of_any(network: &Network, run: &Run) -> Vec<(usize, usize, u16, i64, i64, i128)> {
    let index: BTreeMap<String, usize> =
        (0..network.people.len()).map(|one| (network.id(one), one)).collect();
    let of = |row: u32| index[run.snapshot.people.ids.get(row as usize)];
    let lines = run.payouts.lines.iter();
    let mut lines: Vec<_> = lines
        .map(|line| (of(line.earner), of(line.source), line.level_paid, line.base, line.rate, line.exact))
        .collect();
    lines.sort_unstable();
    lines
}

/// A walk that took a step for each level of a chain would not come to an end here.
#[test]
fn long_chains_and_wide_stars_are_walked_in_no_time() {
    let id = |index: usize| format!("p{index:05}");
    let plans = [
        differential_plan(&json!({"own": true})),
        differential_plan(&json!({"by": {"source": {"orders": "vc"}}})),
        infinity_plan(false, 1),
        infinity_plan(true, 1),
        generation_plan(Setup { compression: "dynamic", receiver: false, per: "member" }),
        breakaway_plan(),
    ];
    for chain in [true, false] {
        let mut company = Company::default();
        for index in 0..10_000 {
            let parent = (index != 0).then(|| id(if chain { index - 1 } else { 0 }).parse().unwrap());
            let mut person = PersonFact::new(id(index).parse().unwrap(), parent);
            person.tags.push("paid".to_owned());
            person.manual_rank = (index == 0 || index % 3_000 == 1).then(|| "r3".to_owned());
            company.people.push(person);
            let order = format!("o{index:05}").parse().unwrap();
            let buyer = id(index).parse().unwrap();
            company.orders.push(OrderFact::sale(order, buyer, cycle(10).start, Decimal::ONE));
        }
        for plan in &plans {
            let run = company.settle(plan);
            assert!(!run.payouts.lines.is_empty());
        }
    }
}
