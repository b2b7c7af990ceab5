//! Whether a condition can hold at all: bounds of what it compares, and what is known of that. "Cannot" is proved; "can" is not.

use std::collections::{BTreeMap, BTreeSet};

use plan::{
    Attribute, Plan, PlannedIndicator, Ranked, Source,
    indicator::{Aggregate, Measure},
    rank::{LegRank, Promotion},
};
use rules::{Condition, Relation, Term, Test, Type, Value};
use rust_decimal::Decimal;

/// Cases that are gone through before a condition is taken to be possible.
const MOST_CASES: usize = 20_000;

/// What is known of the people of a plan.
pub(crate) struct Reasoner<'a> {
    plan: &'a Plan,
    activity: Condition,
    /// The highest rank that somebody can have earned.
    earnable: u8,
    /// Pairs of slots of which the first is never more than the second.
    at_most: Vec<(u32, u32)>,
}

/// The values something can have.
#[derive(Clone, Debug, Default)]
struct Domain {
    low: Option<(Value, bool)>,
    high: Option<(Value, bool)>,
    not: BTreeSet<Value>,
    whole: bool,
}

impl Domain {
    fn at_least(&mut self, value: Value, itself: bool) {
        let (value, itself) = match (self.whole, &value) {
            (true, Value::Number(number)) => match (number.ceil(), itself) {
                (up, false) if up == *number => next(value, up.checked_add(Decimal::ONE)),
                (up, _) => (Value::Number(up), true),
            },
            _ => (value, itself),
        };
        let tighter = match &self.low {
            None => true,
            Some((low, included)) => *low < value || (*low == value && *included && !itself),
        };
        if tighter {
            self.low = Some((value, itself));
        }
    }

    fn at_most(&mut self, value: Value, itself: bool) {
        let (value, itself) = match (self.whole, &value) {
            (true, Value::Number(number)) => match (number.floor(), itself) {
                (down, false) if down == *number => next(value, down.checked_sub(Decimal::ONE)),
                (down, _) => (Value::Number(down), true),
            },
            _ => (value, itself),
        };
        let tighter = match &self.high {
            None => true,
            Some((high, included)) => value < *high || (*high == value && *included && !itself),
        };
        if tighter {
            self.high = Some((value, itself));
        }
    }

    fn assume(&mut self, relation: Relation, value: &Value) {
        match (relation, value) {
            (Relation::Different, Value::Bool(held)) => self.assume(Relation::Equal, &Value::Bool(!held)),
            (Relation::Different, _) => drop(self.not.insert(value.clone())),
            (Relation::Equal, _) => {
                self.at_least(value.clone(), true);
                self.at_most(value.clone(), true);
            }
            (Relation::Less | Relation::AtMost, _) => {
                self.at_most(value.clone(), relation == Relation::AtMost);
            }
            (Relation::Greater | Relation::AtLeast, _) => {
                self.at_least(value.clone(), relation == Relation::AtLeast);
            }
        }
    }

    fn is_empty(&self) -> bool {
        let (Some((low, with_low)), Some((high, with_high))) = (&self.low, &self.high) else { return false };
        high < low || (low == high && (!with_low || !with_high || self.not.contains(low)))
    }
}

/// A bound without the value itself, as the whole number behind it, where there is one.
fn next(value: Value, whole: Option<Decimal>) -> (Value, bool) {
    whole.map_or((value, false), |whole| (Value::Number(whole), true))
}

/// What has been assumed so far on the way through the cases.
#[derive(Clone, Default)]
struct Case {
    known: BTreeMap<Term, Domain>,
    /// Conditions of which one part has to hold, not yet looked into.
    choices: Vec<Vec<Condition>>,
}

impl<'a> Reasoner<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        let all = u8::try_from(plan.rank_rules().len()).unwrap_or(u8::MAX);
        let activity = plan.activity().condition();
        Self { plan, activity, earnable: all, at_most: orderings(plan) }
    }

    /// Whether a condition over a consultant can hold. `false` is certain.
    pub(crate) fn can_hold(&self, condition: &Condition) -> bool {
        let mut left = MOST_CASES;
        self.explore(Case::default(), vec![condition.clone()], &mut left)
    }

    /// What has to hold for a rank, lowest rule first.
    pub(crate) fn of_rank(&self, position: usize) -> Vec<Condition> {
        let rules = self.plan.rank_rules();
        let first = match self.plan.document().ranks.promotion {
            Promotion::Sequential => 0,
            Promotion::Highest => position,
        };
        rules.iter().take(position + 1).skip(first).map(rules::Program::condition).collect()
    }

    /// The ranks that can be earned, by position from 0. Starts from a network in which nobody has a rank and adds rank after rank: what
    /// needs itself below is never added, because somebody has to be the lowest.
    pub(crate) fn earnable(&mut self) -> Vec<bool> {
        let ranks = self.plan.rank_rules().len();
        let mut reached = vec![false; ranks];
        // Paid ranks can be set by hand, so anybody below may have any.
        let by_hand = self.plan.document().ranks.leg_rank == LegRank::Paid;
        loop {
            let highest = reached.iter().rposition(|is| *is).map_or(0, |place| place + 1);
            self.earnable = u8::try_from(if by_hand { ranks } else { highest }).unwrap_or(u8::MAX);
            let next = (0..ranks)
                .find(|place| !reached[*place] && self.can_hold(&Condition::All(self.of_rank(*place))));
            match next {
                Some(place) => reached[place] = true,
                None => return reached,
            }
        }
    }

    /// The fewest of the conditions that cannot hold together, of those that do not.
    pub(crate) fn core(&self, conditions: &[Condition]) -> Vec<Condition> {
        let mut core: Vec<Condition> = Vec::new();
        for condition in conditions {
            flatten(condition, &mut core);
        }
        let mut place = 0;
        while place < core.len() {
            let mut fewer = core.clone();
            fewer.remove(place);
            if self.can_hold(&Condition::All(fewer.clone())) {
                place += 1;
            } else {
                core = fewer;
            }
        }
        core
    }

    fn explore(&self, mut case: Case, mut pending: Vec<Condition>, left: &mut usize) -> bool {
        while let Some(condition) = pending.pop() {
            match condition {
                Condition::Constant(true) => {}
                Condition::Constant(false) => return false,
                Condition::All(parts) => pending.extend(parts),
                Condition::Any(parts) => case.choices.push(parts),
                Condition::Test(test) => {
                    if let Some(more) = self.expanded(&test) {
                        pending.push(more);
                    }
                    let domain =
                        case.known.entry(test.term.clone()).or_insert_with(|| self.domain(&test.term));
                    domain.assume(test.relation, &test.value);
                    if domain.is_empty() {
                        return false;
                    }
                }
            }
        }
        if self.contradicts(&mut case.known) {
            return false;
        }
        let Some(choice) = case.choices.pop() else { return true };
        for part in choice {
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => return true,
            }
            if self.explore(case.clone(), vec![part], left) {
                return true;
            }
        }
        false
    }

    /// What a comparison says besides itself: who is active meets the activity rule.
    fn expanded(&self, test: &Test) -> Option<Condition> {
        let source = self.plan.source(test.term.slot?)?;
        match (source, test.relation, &test.value) {
            (Source::Attribute(Attribute::Active), Relation::Equal, Value::Bool(true))
            | (Source::Attribute(Attribute::Active), Relation::Different, Value::Bool(false)) => {
                Some(self.activity.clone())
            }
            (Source::Attribute(Attribute::Active), Relation::Equal | Relation::Different, _) => {
                Some(self.activity.clone().negated())
            }
            _ => None,
        }
    }

    /// The values that something can have, whoever it is of.
    fn domain(&self, term: &Term) -> Domain {
        let mut domain = Domain::default();
        let Some(source) = term.slot.and_then(|slot| self.plan.source(slot)) else { return domain };
        let mut within = |low: i64, high: Option<u8>| {
            domain.whole = true;
            domain.at_least(Value::from(low), true);
            if let Some(high) = high {
                domain.at_most(Value::from(i64::from(high)), true);
            }
        };
        let ranks = u8::try_from(self.plan.rank_rules().len()).ok();
        match source {
            Source::Attribute(attribute) | Source::MemberAttribute(attribute) => match attribute {
                Attribute::PreviousRank
                | Attribute::HonorificRank
                | Attribute::Rank
                | Attribute::EarnedRank => within(0, ranks),
                Attribute::Level => within(0, None),
                Attribute::Consultant if matches!(source, Source::Attribute(_)) => {
                    domain.assume(Relation::Equal, &Value::Bool(true));
                }
                Attribute::Kind if matches!(source, Source::Attribute(_)) => {
                    domain.assume(Relation::Equal, &Value::text("consultant"));
                }
                _ => {}
            },
            Source::Indicator(index) | Source::MemberIndicator(index) => {
                if self.plan.indicators().get(index).is_some_and(is_count) {
                    within(0, None);
                }
            }
            Source::Ranked(_, rank) => within(0, (self.earnable < rank).then_some(0)),
            Source::LevelPaid => within(1, None),
            Source::Order(_) | Source::Paid(_) => {}
        }
        domain
    }

    /// Whether what is known contradicts what is always in order. Bounds are handed on as often as there are pairs, which is enough.
    fn contradicts(&self, known: &mut BTreeMap<Term, Domain>) -> bool {
        let slots: BTreeMap<u32, Term> =
            known.keys().filter_map(|term| Some((term.slot?, term.clone()))).collect();
        let pairs: Vec<(&Term, &Term)> = self
            .at_most
            .iter()
            .filter_map(|(less, more)| Some((slots.get(less)?, slots.get(more)?)))
            .collect();
        for _ in 0..pairs.len() {
            for (less, more) in &pairs {
                let low = known.get(*less).and_then(|domain| domain.low.clone());
                let high = known.get(*more).and_then(|domain| domain.high.clone());
                if let (Some((low, itself)), Some(domain)) = (low, known.get_mut(*more)) {
                    domain.at_least(low, itself);
                }
                if let (Some((high, itself)), Some(domain)) = (high, known.get_mut(*less)) {
                    domain.at_most(high, itself);
                }
            }
        }
        known.values().any(Domain::is_empty)
    }
}

fn flatten(condition: &Condition, into: &mut Vec<Condition>) {
    match condition {
        Condition::All(parts) => {
            for part in parts {
                flatten(part, into);
            }
        }
        Condition::Constant(true) => {}
        other if into.contains(other) => {}
        other => into.push(other.clone()),
    }
}

/// Whether an indicator counts: it is whole and never negative.
pub(crate) fn is_count(planned: &PlannedIndicator) -> bool {
    let definition = &planned.definition;
    let counted = matches!(
        definition.measure,
        Measure::People | Measure::Orders | Measure::ReturnsCount | Measure::Rank | Measure::Level
    );
    planned.scale == 0 && (counted || matches!(definition.aggregate, Aggregate::Count | Aggregate::Legs))
}

/// Pairs of slots of which the first is never more than the second: higher ranks are rarer, legs are part of the downline, and who
/// passes a filter is among all.
fn orderings(plan: &Plan) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    let slots = || plan.sources().iter().copied().zip(0_u32..);
    for (one, less) in slots() {
        for (other, more) in slots().filter(|(_, more)| *more != less) {
            let ordered = match (one, other) {
                (Source::Ranked(here, high), Source::Ranked(there, low)) => {
                    let part = here == there
                        || matches!(
                            (here, there),
                            (Ranked::Legs | Ranked::Frontline, Ranked::Downline)
                                | (Ranked::Frontline, Ranked::Legs)
                                | (Ranked::LegsWith(_), Ranked::Legs | Ranked::Downline)
                        )
                        || matches!((here, there), (Ranked::LegsWith(more), Ranked::LegsWith(fewer)) if fewer <= more);
                    part && low <= high
                }
                (Source::Indicator(one), Source::Indicator(other)) => {
                    match (plan.indicators().get(one), plan.indicators().get(other)) {
                        (Some(one), Some(other)) => is_part(one, other),
                        _ => false,
                    }
                }
                _ => false,
            };
            if ordered {
                pairs.push((less, more));
            }
        }
    }
    pairs
}

/// Whether one indicator counts those of the other who pass a filter.
fn is_part(one: &PlannedIndicator, other: &PlannedIndicator) -> bool {
    let (one, other) = (&one.definition, &other.definition);
    matches!(one.aggregate, Aggregate::Count | Aggregate::Legs)
        && other.filter.is_none()
        && one.measure == other.measure
        && (&one.aggregate, &one.scope, &one.window, &one.options)
            == (&other.aggregate, &other.scope, &other.window, &other.options)
        && one.only_where == other.only_where
}

/// Whether a term is a number.
pub(crate) fn is_number(term: &Term) -> bool {
    term.ty == Type::Number
}
