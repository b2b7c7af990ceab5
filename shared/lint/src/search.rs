//! Networks that are tried: made from the plan's own constants, always the same ones, so many at most.

use std::collections::{BTreeMap, BTreeSet};

use engine::ExchangeRates;
use foundation::cycle::Cycle;
use jiff::tz::TimeZone;
use plan::{
    Attribute, OrderAttribute, Plan, Ranked, Source,
    bonus::{BinaryPay, Brackets, Fund, Limit, Mechanic, Rate},
    indicator::{Indicator, LegCap, Scope},
};
use rules::{Condition, Program, Relation, Test, Value};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use simulation::{CycleFacts, Occurrence, Simulated, cycles_of, simulate};

use crate::{
    network::{CYCLE, Network, Profile, caterpillar, chain, regular},
    reason::{Reasoner, is_count, is_number},
};

/// The most people of a network that is tried.
const MOST_PEOPLE: usize = 120;
/// The most people of a network that is tried for its shape alone.
const MOST_IN_SHAPES: usize = 45;
/// The most children somebody is given.
const MOST_CHILDREN: usize = 12;
/// The most volumes that are tried in each shape.
const MOST_VOLUMES: usize = 10;
/// So many profiles are tried with a third of the networks each. Of more, each is tried with fewer, so that the list stays as long.
const MOST_PROFILES: usize = 10;

/// A network and what the plan makes of it.
pub(crate) struct Seen {
    pub(crate) network: Network,
    pub(crate) result: Simulated,
}

/// Runs networks, so many at most.
pub(crate) struct Laboratory<'a> {
    pub(crate) plan: &'a Plan,
    cycle: Option<Cycle>,
    rates: ExchangeRates,
    left: usize,
    tried: usize,
    progress: &'a mut dyn FnMut(usize),
}

impl<'a> Laboratory<'a> {
    pub(crate) fn new(plan: &'a Plan, most: usize, progress: &'a mut dyn FnMut(usize)) -> Self {
        let named = Occurrence { name: Some(CYCLE.to_owned()), ..Occurrence::default() };
        let zone = TimeZone::get(&plan.document().time_zone).ok();
        let cycle = zone.and_then(|zone| cycles_of(&[named], &zone).ok()?.pop());
        Self { plan, cycle, rates: ExchangeRates::of_plan(plan), left: most, tried: 0, progress }
    }

    /// What the plan makes of a network; `None` where it refuses, or enough were tried.
    pub(crate) fn run(&mut self, network: &Network) -> Option<Simulated> {
        self.left = self.left.checked_sub(1)?;
        self.tried += 1;
        (self.progress)(self.tried);
        self.under(self.plan, network)
    }

    /// What another plan makes of a network.
    pub(crate) fn under(&self, plan: &Plan, network: &Network) -> Option<Simulated> {
        let facts = CycleFacts {
            cycle: self.cycle.clone()?,
            people: network.people(),
            orders: network.orders(),
            process: None,
        };
        simulate(plan, &[facts], &self.rates, &mut |_| ()).ok()?.pop()
    }

    /// A network that shows the same with fewer people and orders, as far as leaving out one after the other goes. `keeps` says
    /// whether a network still shows it; of `kept` people nobody goes, and `keeps` is told where they are now. `tries` is the bound:
    /// what is tried here is not taken from what the search has left, so that a finding never stays large for want of networks.
    pub(crate) fn shrink(
        &mut self,
        network: &Network,
        kept: &[usize],
        tries: usize,
        keeps: &mut dyn FnMut(&mut Self, &Network, &[usize]) -> bool,
    ) -> (Network, Vec<usize>) {
        let of_search = std::mem::replace(&mut self.left, usize::MAX);
        let (mut best, mut kept, mut left) = (network.clone(), kept.to_vec(), tries);
        'smaller: loop {
            for (less, places) in smaller(&best, &kept) {
                let Some(fewer) = left.checked_sub(1) else { break 'smaller };
                left = fewer;
                if keeps(self, &less, &places) {
                    (best, kept) = (less, places);
                    continue 'smaller;
                }
            }
            break;
        }
        self.left = of_search;
        (best, kept)
    }
}

/// Networks with one thing less, those with much less first, and where the kept people are in them.
fn smaller(network: &Network, kept: &[usize]) -> Vec<(Network, Vec<usize>)> {
    let mut found = Vec::new();
    if network.profile != Profile::default() {
        found.push((network.clone().with_profile(&Profile::default()), kept.to_vec()));
    }
    for gone in (0..network.members.len()).rev() {
        if let Some(branch) = without_branch(network, kept, gone) {
            found.push(branch);
        }
    }
    for gone in (0..network.members.len()).filter(|gone| !kept.contains(gone)) {
        if let Some(less) = network.without(gone) {
            let moved = kept.iter().map(|place| if gone < *place { place - 1 } else { *place }).collect();
            found.push((less, moved));
        }
    }
    for sale in 1..network.sales.len() {
        let Some(same) = network.sales[..sale].iter().position(|one| one.buyer == network.sales[sale].buyer)
        else {
            continue;
        };
        let mut less = network.clone();
        let gone = less.sales.remove(sale);
        less.sales[same].volume += gone.volume;
        found.push((less, kept.to_vec()));
    }
    for sale in 0..network.sales.len() {
        let mut less = network.clone();
        less.sales.remove(sale);
        found.push((less, kept.to_vec()));
    }
    found
}

/// Without somebody and everyone below, where that is more than one person.
fn without_branch(network: &Network, kept: &[usize], top: usize) -> Option<(Network, Vec<usize>)> {
    let mut gone = BTreeSet::from([top]);
    for (place, member) in network.members.iter().enumerate() {
        if member.parent.is_some_and(|parent| gone.contains(&parent)) {
            gone.insert(place);
        }
    }
    if gone.len() < 2 || gone.len() == network.members.len() || kept.iter().any(|place| gone.contains(place))
    {
        return None;
    }
    let mut less = network.clone();
    for place in gone.iter().rev() {
        less = less.without(*place)?;
    }
    let moved = kept.iter().map(|place| place - gone.range(..place).count()).collect();
    Some((less, moved))
}

/// Constants that something is compared with.
#[derive(Default)]
pub(crate) struct Constants {
    /// By indicator: what decides at which value.
    pub(crate) of_indicators: BTreeMap<usize, BTreeSet<Decimal>>,
    /// Amounts of volume or money.
    volumes: BTreeSet<Decimal>,
    /// Numbers of people, legs, orders.
    counts: BTreeSet<usize>,
    texts: BTreeMap<OfText, BTreeSet<String>>,
    /// Whether a rule asks for new people or first orders.
    asks_for_new: bool,
    /// Whether something is counted or paid that only customers bring.
    asks_for_customers: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum OfText {
    Status,
    Country,
    Zone,
    Tags,
    Category,
}

/// All rules of what a plan computes.
fn programs(plan: &Plan) -> Vec<&Program> {
    let indicators = plan.indicators().iter().filter(|planned| planned.needed).flat_map(|planned| {
        let rules = [&planned.filter, &planned.only_where, &planned.qualified, &planned.formula];
        rules.into_iter().flatten()
    });
    let bonuses = plan.bonuses().iter().flat_map(plan::PlannedBonus::rules).chain(plan.cap_rule());
    std::iter::once(plan.activity()).chain(indicators).chain(plan.rank_rules()).chain(bonuses).collect()
}

impl Constants {
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut constants = Self::default();
        for program in programs(plan) {
            for test in program.thresholds() {
                constants.test(plan, &test);
            }
            for slot in program.slots() {
                constants.source(plan.source(*slot));
            }
            constants.tags(plan, program);
        }
        for bonus in plan.bonuses() {
            constants.bonus(bonus);
        }
        for (index, planned) in plan.indicators().iter().enumerate().filter(|(_, planned)| planned.needed) {
            constants.indicator(index, &planned.definition);
        }
        let document = plan.document();
        let caps = document.cap_per_person.iter().flat_map(Limit::amounts).map(|(_, amount)| amount);
        constants.volumes.extend(document.catalogue.own_volume_goal.into_iter().chain(caps));
        constants.volumes.retain(|volume| Decimal::ZERO < *volume && *volume <= Decimal::from(100_000_000));
        constants
    }

    fn test(&mut self, plan: &Plan, test: &Test) {
        let sources: Vec<Source> = test.term.slots.iter().filter_map(|slot| plan.source(*slot)).collect();
        match &test.value {
            Value::Number(number) if is_number(&test.term) => {
                for source in sources {
                    self.number(plan, source, *number);
                }
            }
            Value::Text(text) => {
                for source in sources {
                    let of = match source {
                        Source::Attribute(attribute) | Source::MemberAttribute(attribute) => {
                            match attribute {
                                Attribute::Status => OfText::Status,
                                Attribute::Country => OfText::Country,
                                Attribute::Zone => OfText::Zone,
                                _ => continue,
                            }
                        }
                        Source::Order(OrderAttribute::Category) => OfText::Category,
                        _ => continue,
                    };
                    self.texts.entry(of).or_default().insert(text.to_string());
                }
            }
            _ => {}
        }
    }

    fn number(&mut self, plan: &Plan, source: Source, number: Decimal) {
        let count = |number: Decimal| number.ceil().to_usize().filter(|count| *count <= MOST_CHILDREN);
        match source {
            Source::Indicator(index) | Source::MemberIndicator(index) => {
                self.of_indicators.entry(index).or_default().insert(number);
                if plan.indicators().get(index).is_some_and(is_count) {
                    self.counts.extend(count(number));
                } else {
                    self.volumes.insert(number);
                }
            }
            Source::Ranked(..) => self.counts.extend(count(number)),
            Source::Order(attribute) => {
                use OrderAttribute::{Gross, Net, Points, Vc, Vq};
                if matches!(attribute, Net | Gross | Vq | Vc | Points) {
                    self.volumes.insert(number);
                }
            }
            _ => {}
        }
    }

    fn source(&mut self, source: Option<Source>) {
        match source {
            Some(
                Source::Order(OrderAttribute::FirstOfPerson | OrderAttribute::DaysSinceJoining)
                | Source::Attribute(Attribute::JoinedThisCycle | Attribute::JoinedOn)
                | Source::MemberAttribute(Attribute::JoinedThisCycle | Attribute::JoinedOn),
            ) => self.asks_for_new = true,
            Some(Source::Attribute(Attribute::Kind | Attribute::Consultant)) => {
                self.asks_for_customers = true;
            }
            _ => {}
        }
    }

    /// A tag is asked for by `'vip' in tags`: every text in such a rule may be one.
    fn tags(&mut self, plan: &Plan, program: &Program) {
        let is_tags = |slot: &u32| {
            matches!(
                plan.source(*slot),
                Some(Source::Attribute(Attribute::Tags) | Source::MemberAttribute(Attribute::Tags))
            )
        };
        if program.slots().iter().any(is_tags) {
            let quoted = program.text().split('\'').skip(1).step_by(2).filter(|text| !text.is_empty());
            self.texts.entry(OfText::Tags).or_default().extend(quoted.map(str::to_owned));
        }
    }

    fn bonus(&mut self, bonus: &plan::PlannedBonus) {
        use plan::Role;
        let of = bonus
            .indicator(Role::Over)
            .or_else(|| bonus.indicator(Role::Of))
            .or_else(|| bonus.indicator(Role::On));
        let mut numbers: Vec<Decimal> = Vec::new();
        let brackets = |rate: &Rate| match rate {
            Rate::Brackets(Brackets { steps, .. }) => steps.iter().map(|step| step.from).collect(),
            _ => Vec::new(),
        };
        match &bonus.definition.pays {
            Mechanic::Percentage(percentage) => numbers.extend(brackets(&percentage.rate)),
            Mechanic::Differential(differential) => numbers.extend(brackets(&differential.rate)),
            Mechanic::Breakaway(breakaway) => numbers.extend(breakaway.minimum),
            Mechanic::Binary(binary) => {
                numbers.extend(binary.most.iter().flat_map(Limit::amounts).map(|(_, amount)| amount));
                match &binary.pays {
                    BinaryPay::Percentage(rate) => numbers.extend(brackets(rate)),
                    BinaryPay::Cycles(cycles) => numbers.extend([cycles.strong, cycles.weak]),
                }
            }
            Mechanic::Pool(pool) => {
                if let Fund::Amount(amount) = pool.fund {
                    numbers.push(amount);
                }
            }
            Mechanic::RetailProfit(_) => self.asks_for_customers = true,
            _ => {}
        }
        self.volumes.extend(&numbers);
        if let Some(index) = of {
            self.of_indicators.entry(index).or_default().extend(numbers);
        }
    }

    fn indicator(&mut self, index: usize, definition: &Indicator) {
        self.asks_for_customers |= definition.scope == Scope::Customers;
        if let Some(least) = definition.options.minimum_own_volume {
            self.volumes.insert(least);
        }
        if let Some(LegCap::Amount(amount)) = definition.options.cap_per_leg {
            self.volumes.insert(amount);
            self.of_indicators.entry(index).or_default().insert(amount);
        }
    }

    /// Volumes worth trying for everyone: the constants themselves, the ends first.
    fn ladder(&self) -> Vec<Decimal> {
        let mut ladder: Vec<Decimal> = self.volumes.iter().copied().collect();
        if ladder.is_empty() {
            ladder.push(Decimal::ONE_HUNDRED);
        }
        while MOST_VOLUMES < ladder.len() {
            // The ends matter most.
            ladder.remove(ladder.len() / 2);
        }
        ladder
    }

    /// More than every condition on volumes asks for, also where it asks for more than a constant.
    pub(crate) fn plenty(&self) -> Decimal {
        self.volumes.last().map_or(Decimal::ONE_HUNDRED, |most| most + Decimal::ONE)
    }

    fn profiles(&self, plan: &Plan) -> Vec<Profile> {
        let texts = |of| self.texts.get(&of).map(|texts| texts.iter().cloned().collect()).unwrap_or_default();
        let (status, country, zone, category): (Vec<String>, Vec<String>, Vec<String>, Vec<String>) =
            (texts(OfText::Status), texts(OfText::Country), texts(OfText::Zone), texts(OfText::Category));
        let tags: Vec<String> = texts(OfText::Tags);
        let most = [&status, &country, &zone, &category].iter().map(|texts| texts.len()).max().unwrap_or(0);
        let most = most.max(usize::from(!tags.is_empty())).min(3);
        let at = |texts: &[String], place: usize| texts.get(place).cloned().unwrap_or_default();
        let mut profiles: Vec<Profile> = (0..most)
            .map(|place| Profile {
                status: at(&status, place),
                country: at(&country, place),
                zone: at(&zone, place),
                currency: String::new(),
                tags: tags.clone(),
                category: at(&category, place),
                rank_before: String::new(),
                new: self.asks_for_new,
            })
            .collect();
        let ranks = &plan.document().ranks;
        if ranks.max_steps_per_cycle.is_some() {
            let before = |rank_before: String| Profile { rank_before, ..Profile::default() };
            profiles.extend(ranks.steps.iter().map(|rank| before(rank.code.clone())));
        }
        if self.asks_for_new {
            profiles.push(Profile { new: true, ..Profile::default() });
        }
        profiles
    }
}

/// The networks that every plan is tried with, the smallest first.
pub(crate) fn networks(plan: &Plan, reasoner: &Reasoner<'_>, constants: &Constants) -> Vec<Network> {
    let mut found: Vec<Network> = Vec::new();
    let ladder = constants.ladder();
    for parents in shapes(constants) {
        for volume in &ladder {
            found.push(Network::of(&parents, *volume));
            if parents.len() <= 7 && 1 < parents.len() {
                let base = Network::of(&parents, ladder.first().copied().unwrap_or_default());
                found.extend([0, 1, parents.len() - 1].map(|buyer| base.with_sale(buyer, *volume)));
            }
        }
        found.push(Network::of(&parents, constants.plenty()));
    }
    found.extend(for_ranks(plan, reasoner, constants));
    let mut more = Vec::new();
    if constants.asks_for_customers {
        let each = constants.counts.last().copied().unwrap_or(1).clamp(1, 5);
        let small = found.iter().filter(|network| network.members.len() * (each + 1) <= MOST_PEOPLE);
        more.extend(small.step_by(3).map(|network| network.with_customers(each, constants.plenty())));
    }
    let profiles = constants.profiles(plan);
    let step = 3 * profiles.len().div_ceil(MOST_PROFILES).max(1);
    // Chosen before any profile is given: a network has one profile, and each that is added makes the list longer.
    let plain: Vec<Network> = found.iter().chain(&more).step_by(step).cloned().collect();
    for profile in profiles {
        found.extend(plain.iter().map(|network| network.clone().with_profile(&profile)));
    }
    found.extend(more);
    found.sort_by_key(|network| (network.members.len(), network.sales.len()));
    let mut distinct: Vec<Network> = Vec::new();
    for network in found {
        let same = |known: &&Network| known.members.len() == network.members.len();
        if !distinct.iter().rev().take_while(same).any(|known| *known == network) {
            distinct.push(network);
        }
    }
    distinct
}

/// Networks made for what the rules of each rank ask of people and ranks below, lowest rank first.
pub(crate) fn for_ranks(plan: &Plan, reasoner: &Reasoner<'_>, constants: &Constants) -> Vec<Network> {
    let mut found: Vec<Network> = Vec::new();
    for place in 0..plan.rank_rules().len() {
        let parents = for_rank(plan, reasoner, place);
        for volume in [constants.ladder().first().copied(), Some(constants.plenty())].into_iter().flatten() {
            let network = Network::of(&parents, volume);
            if !found.contains(&network) {
                found.push(network);
            }
        }
    }
    found
}

fn shapes(constants: &Constants) -> Vec<Vec<Option<usize>>> {
    let mut shapes = vec![chain(1), chain(2), chain(3), chain(4), chain(6), chain(9), chain(16)];
    let widths: BTreeSet<usize> = [2, 3].into_iter().chain(constants.counts.iter().copied()).collect();
    for width in widths.into_iter().filter(|width| 1 < *width) {
        for depth in 1..=4 {
            let parents = regular(width, depth);
            if MOST_IN_SHAPES < parents.len() {
                break;
            }
            shapes.push(parents);
        }
    }
    shapes.extend([caterpillar(3, 2), caterpillar(6, 3), regular(20, 1)]);
    shapes
}

/// A tree in which the root has what the rules of a rank ask of people and ranks below; everything else is left to volumes.
fn for_rank(plan: &Plan, reasoner: &Reasoner<'_>, place: usize) -> Vec<Option<usize>> {
    let mut parents = vec![None];
    grow(plan, reasoner, place, 0, &mut parents);
    parents
}

fn grow(plan: &Plan, reasoner: &Reasoner<'_>, place: usize, root: usize, parents: &mut Vec<Option<usize>>) {
    let mut wanted = Wanted::default();
    for condition in reasoner.of_rank(place) {
        wanted.add(plan, &condition);
    }
    let mut heads: Vec<usize> = Vec::new();
    // Who has a higher rank has the lower ones too.
    for (rank, count) in wanted.ranked.iter().rev() {
        while heads.len() < *count {
            heads.push(*rank);
        }
    }
    let children = wanted.children.max(heads.len());
    let mut deeper = Vec::new();
    for child in 0..children {
        if MOST_PEOPLE <= parents.len() {
            return;
        }
        parents.push(Some(root));
        if let Some(rank) = heads.get(child) {
            let head = parents.len() - 1;
            deeper.push((*rank, head));
            for _ in 1..wanted.per_leg.get(rank).copied().unwrap_or(1) {
                if MOST_PEOPLE <= parents.len() {
                    return;
                }
                parents.push(Some(head));
                deeper.push((*rank, parents.len() - 1));
            }
        }
    }
    for (rank, child) in deeper {
        // What asks for itself below is not built for ever.
        if rank <= place && rank != 0 && MOST_PEOPLE > parents.len() {
            grow(plan, reasoner, rank - 1, child, parents);
        }
    }
}

/// What the rules of a rank ask of a person's downline.
#[derive(Default)]
struct Wanted {
    children: usize,
    /// How many of a rank, by its position from 1.
    ranked: BTreeMap<usize, usize>,
    /// How many of it in each leg, where that is more than one.
    per_leg: BTreeMap<usize, usize>,
}

impl Wanted {
    fn add(&mut self, plan: &Plan, condition: &Condition) {
        match condition {
            Condition::All(parts) => {
                for part in parts {
                    self.add(plan, part);
                }
            }
            // The first way is as good as any.
            Condition::Any(parts) => {
                if let Some(part) = parts.first() {
                    self.add(plan, part);
                }
            }
            Condition::Test(test) => self.test(plan, test),
            Condition::Constant(_) => {}
        }
    }

    fn test(&mut self, plan: &Plan, test: &Test) {
        let (Relation::AtLeast | Relation::Greater | Relation::Equal, Value::Number(number)) =
            (test.relation, &test.value)
        else {
            return;
        };
        let more = usize::from(test.relation == Relation::Greater);
        let Some(count) = number.ceil().to_usize().map(|count| count.saturating_add(more).min(MOST_CHILDREN))
        else {
            return;
        };
        for source in test.term.slots.iter().filter_map(|slot| plan.source(*slot)) {
            match source {
                Source::Ranked(Ranked::Legs | Ranked::Frontline | Ranked::Downline, rank) => {
                    let known = self.ranked.entry(usize::from(rank)).or_default();
                    *known = (*known).max(count);
                }
                Source::Ranked(Ranked::LegsWith(people), rank) => {
                    let known = self.ranked.entry(usize::from(rank)).or_default();
                    *known = (*known).max(count);
                    let people = usize::try_from(people).unwrap_or(MOST_CHILDREN).min(MOST_CHILDREN);
                    let known = self.per_leg.entry(usize::from(rank)).or_default();
                    *known = (*known).max(people);
                }
                Source::Indicator(index) if plan.indicators().get(index).is_some_and(is_count) => {
                    self.children = self.children.max(count);
                }
                _ => {}
            }
        }
    }
}
