//! Ranks: earned from the leaves to the root, then paid, then honorific.

use std::collections::BTreeMap;

use foundation::locale::Locale;
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use plan::{
    Plan, Ranked as Counted, Source,
    indicator::Tree as TreeName,
    rank::{Asked, Fall, Honorific, LegRank, Promotion},
};
use rules::{Bound, Explanation, Live};

use crate::{
    columns::{Tree, position},
    edge::Edge,
    failure::EngineError,
    fold::Crossed,
    groups::Groups,
    indicators::{Calculation, Context, Indicators, restored},
    past::last_day,
    snapshot::{NO_DAY, People, Snapshot},
    threads,
    view::{Around, View, rule_failed},
};

/// Ranks of everyone, 0 for none, 1 for the first. Rows are those of the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranks {
    /// What the rules say for this cycle.
    pub earned: Vec<u8>,
    /// What the cycle is settled with.
    pub paid: Vec<u8>,
    /// The title kept.
    pub honorific: Vec<u8>,
    /// Cycles of grace used, this one included.
    pub grace_used: Vec<u8>,
    /// Cycles after this one for which a rank that was reached is safe.
    pub lock_left: Vec<u8>,
    /// What was earned in the cycles before, the latest first, as far as the plan's continuity looks back.
    pub earned_before: Vec<Vec<u8>>,
}

/// A rank of the career of plan `then` in that of plan `now`. Ranks are known by their codes; one that is no more counts as none.
pub fn rank_under_plan(position: u8, then: &Plan, now: &Plan) -> u8 {
    now.rank_position(then.rank_code(position)).unwrap_or(0)
}

/// What the step that computes ranks writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranked {
    /// The ranks.
    pub ranks: Ranks,
    /// The indicators that need them.
    pub indicators: Indicators,
}

/// Ranks, then the indicators that need them. `indicators` are those of [`crate::calculate_indicators`].
pub fn calculate_ranks(
    snapshot: &Snapshot,
    indicators: &Indicators,
    plan: &Plan,
    context: Context<'_>,
) -> Result<Ranked, EngineError> {
    let mut run = restored(snapshot, plan, context, &[indicators])?;
    let ranks = climb(&mut run)?;
    run.after_ranks(&ranks)?;
    Ok(Ranked { ranks, indicators: run.into_indicators(true) })
}

/// People by rank, for each depth. Each count is of people with exactly a rank; a rule asks for at least a rank, which is the sum
/// from there up.
#[derive(Clone)]
struct ByRank {
    /// Cells per depth: ranks, from 0 for none; no cells if no rule asks for this count.
    width: usize,
    cells: Vec<u32>,
}

impl ByRank {
    fn new(depths: usize, width: usize, is_asked: bool) -> Self {
        let width = if is_asked { width } else { 0 };
        Self { width, cells: vec![0; (depths + 2) * width] }
    }

    fn is_asked(&self) -> bool {
        self.width != 0
    }

    fn at(&self, depth: usize) -> &[u32] {
        &self.cells[depth * self.width..(depth + 1) * self.width]
    }

    fn at_mut(&mut self, depth: usize) -> &mut [u32] {
        &mut self.cells[depth * self.width..(depth + 1) * self.width]
    }

    /// People of at least `rank`.
    fn of_at_least(&self, depth: usize, rank: u8) -> u32 {
        self.at(depth).get(usize::from(rank)..).unwrap_or_default().iter().sum()
    }
}

/// Ranks met below the people on the way to the root, by depth.
#[derive(Clone)]
struct Counts {
    /// The highest rank anywhere below.
    best: Vec<u8>,
    /// Legs by the highest rank in them.
    legs: ByRank,
    frontline: ByRank,
    downline: ByRank,
    /// Ranks, and how many people of at least that rank a leg needs to count, where that is more than one.
    asked: Vec<(u8, u32)>,
    /// By depth, how many legs have as many.
    full: Vec<u32>,
}

impl Counts {
    fn new(depths: usize, plan: &Plan) -> Self {
        let width = plan.rank_rules().len() + 1;
        let asked: Vec<(u8, u32)> = plan.legs_asked().collect();
        let slots = || plan.rank_rules().iter().flat_map(rules::Program::slots);
        let asks = |counted: Counted| {
            slots()
                .any(|slot| matches!(plan.source(*slot), Some(Source::Ranked(place, _)) if place == counted))
        };
        Self {
            best: vec![0; depths + 2],
            legs: ByRank::new(depths, width, asks(Counted::Legs)),
            frontline: ByRank::new(depths, width, asks(Counted::Frontline)),
            downline: ByRank::new(depths, width, asks(Counted::Downline) || !asked.is_empty()),
            full: vec![0; (depths + 2) * asked.len()],
            asked,
        }
    }

    /// How many of at least `rank` there are below the person of depth `level` who comes next.
    fn below(&self, level: usize, place: Counted, rank: u8) -> i64 {
        i64::from(match place {
            Counted::Legs => self.legs.of_at_least(level + 1, rank),
            Counted::Frontline => self.frontline.of_at_least(level + 1, rank),
            Counted::Downline => self.downline.of_at_least(level + 1, rank),
            Counted::LegsWith(people) => {
                let at = self.asked.iter().position(|asked| *asked == (rank, people));
                at.map_or(0, |at| self.full[(level + 1) * self.asked.len() + at])
            }
        })
    }

    /// Adds a person of `rank` to the parent's counts, and empties what lay below. Ranks of 0 are not counted.
    fn pass_up(&mut self, level: usize, rank: u8, opens_leg: bool) {
        let below = std::mem::take(&mut self.best[level + 1]);
        let best = below.max(rank);
        if best == 0 {
            return;
        }
        self.best[level] = self.best[level].max(best);
        if self.legs.is_asked() {
            self.legs.at_mut(level)[usize::from(best)] += u32::from(opens_leg);
            if below != 0 {
                self.legs.at_mut(level + 1).fill(0);
            }
        }
        if self.frontline.is_asked() {
            self.frontline.at_mut(level)[usize::from(rank)] += u32::from(rank != 0);
            if below != 0 {
                self.frontline.at_mut(level + 1).fill(0);
            }
        }
        if self.downline.is_asked() {
            self.downline.at_mut(level)[usize::from(rank)] += u32::from(rank != 0);
            self.pass_up_full_legs(level, rank, opens_leg);
            if below != 0 {
                let width = self.downline.width;
                let cells = &mut self.downline.cells[level * width..(level + 2) * width];
                let (upper, lower) = cells.split_at_mut(width);
                for (upper, lower) in upper.iter_mut().zip(lower) {
                    *upper += std::mem::take(lower);
                }
            }
        }
    }

    /// Adds a person to the parent's legs that have as many of a rank as a rule asks for.
    fn pass_up_full_legs(&mut self, level: usize, rank: u8, opens_leg: bool) {
        let kinds = self.asked.len();
        for (at, (least, people)) in self.asked.iter().enumerate().filter(|_| opens_leg) {
            let found = self.downline.of_at_least(level + 1, *least) + u32::from(*least <= rank);
            self.full[level * kinds + at] += u32::from(*people <= found);
        }
        self.full[(level + 1) * kinds..(level + 2) * kinds].fill(0);
    }

    /// What people of depth `level` have handed up, which is forgotten; nothing if it is nothing.
    fn take(&mut self, level: usize) -> Option<Vec<i64>> {
        let best = std::mem::take(&mut self.best[level]);
        if best == 0 {
            return None;
        }
        let mut cells = vec![i64::from(best)];
        for counts in [&mut self.legs, &mut self.frontline, &mut self.downline] {
            let counts = counts.at_mut(level);
            cells.extend(counts.iter().map(|count| i64::from(*count)));
            counts.fill(0);
        }
        let full = &mut self.full[level * self.asked.len()..(level + 1) * self.asked.len()];
        cells.extend(full.iter().map(|count| i64::from(*count)));
        full.fill(0);
        Some(cells)
    }

    /// Adds what other people of depth `level` have handed up, as [`Self::take`] gives it. Refuses what another build has handed up, which
    /// may count something else.
    fn add(&mut self, level: usize, cells: &[i64]) -> Result<(), EngineError> {
        let kinds = [&mut self.legs, &mut self.frontline, &mut self.downline];
        let width = 1 + kinds.iter().map(|counts| counts.width).sum::<usize>() + self.asked.len();
        let Some((best, cells)) = cells.split_first().filter(|_| cells.len() == width) else {
            return Err(EngineError::Mismatch(
                "a part has handed up other counts of ranks than the plan asks for".to_owned(),
            ));
        };
        self.best[level] = self.best[level].max(u8::try_from(*best).unwrap_or(u8::MAX));
        let kinds = kinds.map(|counts| counts.at_mut(level));
        let full = &mut self.full[level * self.asked.len()..(level + 1) * self.asked.len()];
        for (count, more) in kinds.into_iter().flatten().chain(full).zip(cells) {
            *count = count.saturating_add(u32::try_from(*more).unwrap_or(u32::MAX));
        }
        Ok(())
    }
}

/// The ranks of everyone, from the leaves to the root.
pub(crate) fn climb(run: &mut Calculation<'_>) -> Result<Ranks, EngineError> {
    let groups = Groups::of(run, ladder_tree(run.snapshot, run.plan))?;
    let (ranks, handed) = climbed(run, groups)?;
    run.border.passed(handed.into());
    Ok(ranks)
}

/// The blocks of what a climb hands up: counts of ranks, and sums over groups.
const COUNTS: u32 = 0;
const GROUPS: u32 = 1;

/// What is handed up, by block.
type Handed = [Vec<Crossed>; 2];

/// The ranks, and what is handed up.
fn climbed(run: &Calculation<'_>, groups: Groups) -> Result<(Ranks, Handed), EngineError> {
    let (snapshot, plan) = (run.snapshot, run.plan);
    let people = &snapshot.people;
    let count = people.len();
    let mut ranks = Ranks {
        earned: vec![0; count],
        paid: vec![0; count],
        honorific: people.honorific_rank.clone(),
        grace_used: vec![0; count],
        lock_left: vec![0; count],
        earned_before: people.earned_before.clone(),
    };
    let tree = ladder_tree(snapshot, plan);
    let counts = Counts::new(tree.deepest() as usize, plan);
    let view = run.view();
    let climb = Climb::of(snapshot, plan, Rules::of(&view, &groups)?);
    let open = Open { counts, groups };
    let edge = run.border.edge();
    if matches!(edge, Edge::Whole) && climb.in_halves(&mut ranks, &open) {
        return Ok((ranks, Handed::default()));
    }
    let (handed, _) = climb.part((0..count).rev(), &mut Columns::of(&mut ranks), open, &edge)?;
    Ok((ranks, handed))
}

/// What was handed up from below and nobody has taken yet.
#[derive(Clone)]
struct Open {
    counts: Counts,
    groups: Groups,
}

impl Open {
    /// Writes down what is handed to a person of depth `level`, and forgets it.
    fn hand(&mut self, row: usize, level: usize, handed: &mut Handed) {
        let [counts, groups] = handed;
        counts.extend(self.counts.take(level + 1).map(|cells| (position(row), cells)));
        groups.extend(self.groups.take(level + 1).map(|cells| (position(row), cells)));
    }
}

/// The columns of [`Ranks`] from a row on.
struct Columns<'a> {
    first: usize,
    earned: &'a mut [u8],
    paid: &'a mut [u8],
    honorific: &'a mut [u8],
    grace_used: &'a mut [u8],
    lock_left: &'a mut [u8],
}

impl<'a> Columns<'a> {
    fn of(ranks: &'a mut Ranks) -> Self {
        let Ranks { earned, paid, honorific, grace_used, lock_left, .. } = ranks;
        Self { first: 0, earned, paid, honorific, grace_used, lock_left }
    }

    fn split_at(self, row: usize) -> (Self, Self) {
        let at = row - self.first;
        let (earned, paid) = (self.earned.split_at_mut(at), self.paid.split_at_mut(at));
        let (honorific, grace_used) = (self.honorific.split_at_mut(at), self.grace_used.split_at_mut(at));
        let lock_left = self.lock_left.split_at_mut(at);
        let before = Self {
            first: self.first,
            earned: earned.0,
            paid: paid.0,
            honorific: honorific.0,
            grace_used: grace_used.0,
            lock_left: lock_left.0,
        };
        let after = Self {
            first: row,
            earned: earned.1,
            paid: paid.1,
            honorific: honorific.1,
            grace_used: grace_used.1,
            lock_left: lock_left.1,
        };
        (before, after)
    }
}

/// What ranks are climbed by.
struct Climb<'a> {
    people: &'a People,
    plan: &'a Plan,
    tree: &'a Tree,
    rules: Rules<'a>,
    /// The cycle's last day.
    closing: Date,
    /// Whether the cycle has the last day of the year: it closes it, whatever day it ends on.
    closes_year: bool,
}

impl<'a> Climb<'a> {
    fn of(snapshot: &'a Snapshot, plan: &'a Plan, rules: Rules<'a>) -> Self {
        let zone = TimeZone::get(&plan.document().time_zone).unwrap_or(TimeZone::UTC);
        let closing = last_day(snapshot.cycle.end, &zone);
        let opening = snapshot.cycle.start.to_zoned(zone).date();
        let closes_year = closing.tomorrow().is_ok_and(|next| next.year() != opening.year());
        Self {
            people: &snapshot.people,
            plan,
            tree: ladder_tree(snapshot, plan),
            rules,
            closing,
            closes_year,
        }
    }

    /// Climbs the halves of a network that is in preorder side by side. Those above both are left to the end, as visitors of the
    /// first half. `false` if that is not worth it, or a rule fails: of several people the same has to be named whatever the threads.
    fn in_halves(&self, ranks: &mut Ranks, open: &Open) -> bool {
        let tree = self.tree;
        let Some((middle, above)) = tree.halves() else { return false };
        let mut visitors = vec![false; middle];
        for row in &above {
            visitors[*row] = true;
        }
        let (mut first, mut second) = Columns::of(ranks).split_at(middle);
        let (first, second) = threads::both(
            || self.part((0..middle).rev(), &mut first, open.clone(), &Edge::Part { visitors: &visitors }),
            || self.part((middle..tree.len()).rev(), &mut second, open.clone(), &Edge::Whole),
        );
        let (Ok((first, _)), Ok((_, mut left))) = (first, second) else { return false };
        let mut second = Handed::default();
        for row in &above {
            left.hand(*row, tree.depth[*row] as usize, &mut second);
        }
        let mut below: BTreeMap<(u32, u32), Vec<&[i64]>> = BTreeMap::new();
        for handed in [&first, &second] {
            for (block, handed) in (COUNTS..).zip(handed) {
                for (row, cells) in handed {
                    below.entry((block, *row)).or_default().push(cells);
                }
            }
        }
        let edge = Edge::Trunk { below };
        // Everything left was handed on.
        self.part(above.into_iter(), &mut Columns::of(ranks), left, &edge).is_ok()
    }

    /// Climbs some places of the tree, which come from the last to the first; gives what is handed up to visitors, and what nobody has
    /// taken.
    fn part(
        &self,
        places: impl Iterator<Item = usize>,
        ranks: &mut Columns<'_>,
        mut open: Open,
        edge: &Edge<'_>,
    ) -> Result<(Handed, Open), EngineError> {
        let Self { people, plan, tree, .. } = self;
        let ladder = &plan.document().ranks;
        let is_plain = ladder.continuity.is_none() && ladder.lock.is_none();
        let mut handed = Handed::default();
        let mut live = Vec::new();
        for place in places {
            let (row, level) = (tree.order[place] as usize, tree.depth[place] as usize);
            if edge.is_visitor(row) {
                open.hand(row, level, &mut handed);
                continue;
            }
            let Open { counts, groups } = &mut open;
            for cells in edge.below(COUNTS, row) {
                counts.add(level + 1, cells)?;
            }
            for cells in edge.below(GROUPS, row) {
                groups.add(level + 1, cells);
            }
            let at = row - ranks.first;
            if people.consultant[row] {
                let earned = self.rules.earned(row, &mut live, |asked| match asked {
                    Below::Ranked(place, rank) => counts.below(level, place, rank),
                    Below::Group(group) => groups.value(level, row, group),
                })?;
                ranks.earned[at] = earned;
                let previous = people.previous_rank[row];
                let kept = if is_plain && previous <= earned && people.manual_rank[row] == 0 {
                    Kept { rank: earned, grace_used: 0, lock_left: people.lock_left[row].saturating_sub(1) }
                } else {
                    paid(standing(earned, row, people, self.closing, plan), plan)
                };
                (ranks.paid[at], ranks.grace_used[at], ranks.lock_left[at]) =
                    (kept.rank, kept.grace_used, kept.lock_left);
            }
            let seen = match ladder.leg_rank {
                LegRank::Earned => ranks.earned[at],
                LegRank::Paid => ranks.paid[at],
            };
            let opens_leg = people.consultant[row] || ladder.customers_open_legs;
            counts.pass_up(level, seen, opens_leg);
            groups.pass_up(level, row, ranks.paid[at]);
            ranks.honorific[at] = match ladder.honorific {
                Honorific::History => ranks.honorific[at].max(ranks.paid[at]),
                Honorific::Year if self.closes_year => ranks.paid[at],
                Honorific::Year => ranks.honorific[at],
            };
        }
        Ok((handed, open))
    }
}

/// The rules of the ranks made ready for everyone.
struct Rules<'a> {
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    steps: Vec<Step<'a>>,
    /// By row, the highest rank there can be: what stands above asks more of columns than they have.
    most: Vec<u8>,
}

/// What a rule asks for that is known of those below only while ranks are climbed.
#[derive(Clone, Copy)]
enum Below {
    /// People of at least a rank.
    Ranked(Counted, u8),
    /// A group, by its number in [`Groups`].
    Group(usize),
}

/// The rule of one rank.
struct Step<'a> {
    rule: Bound<'a>,
    /// What it asks for below.
    asks: Vec<Below>,
    look: Look,
}

/// What a look along the columns says of a rule. Of several parts of a column the one that says least counts, which is the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    /// For whom it holds.
    Settles,
    /// For whom it may hold: it asks for what is below too.
    Screens,
    /// Nothing: it can fail for somebody, so it is asked where its answer counts, and nowhere else.
    Nothing,
}

/// Rows that are looked at together: what the rules read of them stays in the cache from one rule to the next.
const ROWS_LOOKED_AT: usize = 8192;

impl<'a> Rules<'a> {
    fn of(view: &'a View<'a>, groups: &Groups) -> Result<Self, EngineError> {
        let plan = view.plan;
        let (rank_rules, ranks) = (plan.rank_rules(), &plan.document().ranks.steps);
        let step = |(rule, rank): (&'a rules::Program, &plan::rank::Rank)| {
            let ask = |slot: &u32| match plan.source(*slot) {
                Some(Source::Ranked(place, rank)) => {
                    Some((Live { slot: *slot, scale: 0 }, Below::Ranked(place, rank)))
                }
                Some(Source::Indicator(index)) => {
                    let (group, scale) = groups.of_indicator(index)?;
                    Some((Live { slot: *slot, scale }, Below::Group(group)))
                }
                _ => None,
            };
            let (live, asks): (Vec<Live>, Vec<Below>) = rule.slots().iter().filter_map(ask).unzip();
            let rule = rule
                .bind_live(view, &live)
                .map_err(|reason| rule_failed(&rank.code, view.snapshot, reason.row.unwrap_or(0), &reason))?;
            let look = if asks.is_empty() { Look::Settles } else { Look::Screens };
            Ok(Step { rule, asks, look })
        };
        let steps = rank_rules.iter().zip(ranks).map(step).collect::<Result<Vec<_>, EngineError>>()?;
        let mut rules = Self { snapshot: view.snapshot, plan, steps, most: Vec::new() };
        // A rule that turns out to fail for somebody is not looked at again.
        while !rules.look() {}
        Ok(rules)
    }

    /// Looks along the columns for the highest rank everyone can have; `false` if that has to be done again.
    fn look(&mut self) -> bool {
        let (rows, steps) = (self.snapshot.people.len(), &self.steps);
        let promotion = self.plan.document().ranks.promotion;
        let shares = threads::shares_of(rows, ROWS_LOOKED_AT);
        let parts = threads::each(shares.len(), |share| {
            let rows = shares[share].clone();
            let mut found = vec![0_u8; rows.len()];
            let mut looks: Vec<Look> = steps.iter().map(|step| step.look).collect();
            let mut may_hold = vec![true; ROWS_LOOKED_AT];
            for (block, most) in found.chunks_mut(ROWS_LOOKED_AT).enumerate() {
                let start = rows.start + block * ROWS_LOOKED_AT;
                for (position, (step, look)) in (1_u8..).zip(steps.iter().zip(&mut looks)) {
                    let may_hold = &mut may_hold[..most.len()];
                    *look = match *look {
                        Look::Nothing => Look::Nothing,
                        _ => match step.rule.screen(start..start + most.len(), may_hold) {
                            Some(true) if step.asks.is_empty() => Look::Settles,
                            Some(_) => Look::Screens,
                            None => Look::Nothing,
                        },
                    };
                    if *look == Look::Nothing {
                        may_hold.fill(true);
                    }
                    let each = most.iter_mut().zip(may_hold);
                    match promotion {
                        Promotion::Highest => {
                            each.for_each(|(most, may_hold)| {
                                *most = if *may_hold { position } else { *most }
                            });
                        }
                        Promotion::Sequential => each.for_each(|(most, may_hold)| {
                            *most += u8::from(*most + 1 == position && *may_hold);
                        }),
                    }
                }
            }
            (found, looks)
        });
        let mut is_done = true;
        for (at, step) in self.steps.iter_mut().enumerate() {
            let look = parts.iter().map(|(_, looks)| looks[at]);
            let look = look.max().unwrap_or(step.look);
            is_done &= look != Look::Nothing || step.look == Look::Nothing;
            step.look = look;
        }
        let parts = parts.into_iter().map(|(found, _)| found);
        self.most = parts
            .reduce(|mut most, part| {
                most.extend(part);
                most
            })
            .unwrap_or_default();
        is_done
    }

    /// Whether a rank's rule holds for somebody who cannot have more than the rank `most`.
    fn holds(
        &self,
        position: usize,
        row: usize,
        live: &mut Vec<i64>,
        below: &impl Fn(Below) -> i64,
    ) -> Result<bool, EngineError> {
        let Step { rule, asks, look } = &self.steps[position - 1];
        let is_highest = position == usize::from(self.most[row]);
        if *look == Look::Settles
            && (is_highest || self.plan.document().ranks.promotion == Promotion::Sequential)
        {
            return Ok(true);
        }
        live.clear();
        live.extend(asks.iter().map(|asked| below(*asked)));
        rule.holds_at(row, live).map_err(|reason| {
            rule_failed(&self.plan.document().ranks.steps[position - 1].code, self.snapshot, row, &reason)
        })
    }

    /// The rank the rules give a person. `live` is room for the values that a rule asks for below.
    fn earned(
        &self,
        row: usize,
        live: &mut Vec<i64>,
        below: impl Fn(Below) -> i64,
    ) -> Result<u8, EngineError> {
        let ladder = &self.plan.document().ranks;
        let previous = self.snapshot.people.previous_rank[row];
        let steps = ladder.max_steps_per_cycle.unwrap_or(u8::MAX);
        let most = usize::from(previous.saturating_add(steps).min(self.most[row]));
        let mut reached = 0;
        match ladder.promotion {
            Promotion::Sequential => {
                while reached < most && self.holds(reached + 1, row, live, &below)? {
                    reached += 1;
                }
            }
            Promotion::Highest => {
                for position in (1..=most).rev() {
                    if self.holds(position, row, live, &below)? {
                        reached = position;
                        break;
                    }
                }
            }
        }
        Ok(u8::try_from(reached).unwrap_or(u8::MAX))
    }
}

/// What decides a paid rank.
#[derive(Clone, Copy, Debug)]
struct Standing {
    earned: u8,
    previous: u8,
    manual: u8,
    grace_used: u8,
    lock_left: u8,
    /// Whether a rank reached now is safe for a while.
    is_lockable: bool,
    /// The highest rank earned as often as continuity asks; what is earned if it asks nothing.
    often_enough: u8,
}

fn standing(earned: u8, row: usize, people: &People, closing: Date, plan: &Plan) -> Standing {
    Standing {
        earned,
        previous: people.previous_rank[row],
        manual: people.manual_rank[row],
        grace_used: people.grace_used[row],
        lock_left: people.lock_left[row],
        is_lockable: lockable(people.joined_on[row], closing, plan),
        often_enough: often_enough(earned, row, people, plan),
    }
}

/// A paid rank, and what the next cycle has to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kept {
    rank: u8,
    grace_used: u8,
    lock_left: u8,
}

/// The highest rank earned in as many of the last cycles as continuity asks.
fn often_enough(earned: u8, row: usize, people: &People, plan: &Plan) -> u8 {
    let Some(asked) = plan.document().ranks.continuity else { return earned };
    let before = people.earned_before.iter().take(usize::from(asked.of_last) - 1);
    let before = before.map(|earned| earned.get(row).copied().unwrap_or(0));
    let mut ranks: Vec<u8> = std::iter::once(earned).chain(before).collect();
    ranks.sort_unstable_by(|a, b| b.cmp(a));
    usize::from(asked.earned).checked_sub(1).and_then(|place| ranks.get(place)).copied().unwrap_or(0)
}

/// Whether somebody who joined on a day is new enough on another for the plan's lock.
fn lockable(joined_on: i32, closing: Date, plan: &Plan) -> bool {
    let Some(lock) = plan.document().ranks.lock else { return false };
    let Some(months) = lock.months_since_joining else { return true };
    let joined = crate::view::day(joined_on);
    joined_on != NO_DAY && joined.checked_add(i32::from(months).months()).is_ok_and(|end| closing < end)
}

fn paid(standing: Standing, plan: &Plan) -> Kept {
    let ladder = &plan.document().ranks;
    let Standing { earned, previous, manual, grace_used, often_enough, .. } = standing;
    let asked = ladder.continuity.map(|continuity| continuity.asked);
    let earned = if asked == Some(Asked::ToBePaid) { often_enough } else { earned };
    let reached = match asked {
        Some(Asked::ToKeep) => earned.max(often_enough.min(previous)),
        _ => earned,
    };
    // The count restarts when the rank is earned again, and having earned it often enough before is not that.
    let grace_used_before = if previous <= earned { 0 } else { grace_used };
    let has_grace =
        grace_used < ladder.grace.cycles && (asked != Some(Asked::ForGrace) || previous <= often_enough);
    let left = standing.lock_left.saturating_sub(1);
    let by_rules = if previous <= reached {
        let is_new = previous < reached && standing.is_lockable;
        let lock_left = if is_new { ladder.lock.map_or(0, |lock| lock.cycles) } else { left };
        Kept { rank: reached, grace_used: grace_used_before, lock_left }
    } else if 0 < standing.lock_left {
        Kept { rank: previous, grace_used, lock_left: left }
    } else if has_grace {
        Kept { rank: previous, grace_used: grace_used + 1, lock_left: 0 }
    } else {
        let (rank, grace_used) = match ladder.grace.then {
            Fall::ToEarned => (reached, 0),
            // The count restarts when a rank is earned again; one step down it has not been.
            Fall::OneStep => {
                let lower = previous.saturating_sub(1).max(reached);
                (lower, if lower == reached { 0 } else { grace_used })
            }
        };
        Kept { rank, grace_used, lock_left: 0 }
    };
    if manual == 0 {
        return by_rules;
    }
    Kept { rank: manual, grace_used: grace_used_before, lock_left: left }
}

/// Why a person has earned a rank, or not: the rank's rule with the values it saw.
pub fn explain_rank(
    snapshot: &Snapshot,
    indicators: &Indicators,
    ranked: &Ranked,
    plan: &Plan,
    row: u32,
    rank: u8,
) -> Result<Option<Explanation>, EngineError> {
    // Groups cut at ranks of this cycle are stored as the rule saw them.
    let run = restored(snapshot, plan, Context::default(), &[indicators, &ranked.indicators])?;
    let Some(rule) = usize::from(rank).checked_sub(1).and_then(|index| plan.rank_rules().get(index)) else {
        return Ok(None);
    };
    let around = around_one(snapshot, &ranked.ranks, plan, row);
    let view = run.view();
    let person = view.person(row as usize).with_ranked(Around::of(&around));
    Ok(Some(rule.explain(&person)))
}

/// The counts of all ranks up to `rank`.
fn reached(counts: &mut [u32], rank: u8) -> impl Iterator<Item = &mut u32> {
    counts.iter_mut().skip(1).take(usize::from(rank))
}

/// Legs, frontline and downline of at least each rank, and the plan's [`Plan::legs_asked`], counted for one person.
pub(crate) fn around_one(snapshot: &Snapshot, ranks: &Ranks, plan: &Plan, row: u32) -> [Vec<u32>; 4] {
    let tree = ladder_tree(snapshot, plan);
    let width = plan.rank_rules().len() + 1;
    let mut found = [vec![0; width], vec![0; width], vec![0; width], vec![0; plan.legs_asked().count()]];
    if let Some(place) = tree.order.iter().position(|one| *one == row) {
        let deeper = tree.depth[place + 1..].iter().take_while(|depth| tree.depth[place] < **depth).count();
        around_each(snapshot, ranks, plan, place..place + 1 + deeper, |of, counts| {
            if of == row {
                found.clone_from(counts);
            }
        });
    }
    found
}

/// The same, counted for everyone whose place in the tree lies in `places`: one person with
/// everyone below, or all.
pub(crate) fn around_each(
    snapshot: &Snapshot,
    ranks: &Ranks,
    plan: &Plan,
    places: std::ops::Range<usize>,
    mut visit: impl FnMut(u32, &[Vec<u32>; 4]),
) {
    let people = &snapshot.people;
    let ladder = &plan.document().ranks;
    let tree = ladder_tree(snapshot, plan);
    let seen = match ladder.leg_rank {
        LegRank::Earned => &ranks.earned,
        LegRank::Paid => &ranks.paid,
    };
    let width = plan.rank_rules().len() + 1;
    let asked: Vec<(u8, u32)> = plan.legs_asked().collect();
    let nobody = || ([vec![0_u32; width], vec![0; width], vec![0; width], vec![0; asked.len()]], 0_u8);
    // By depth, those below the next person up: the counts, and the highest rank.
    let mut open = vec![nobody(), nobody()];
    for place in places.rev() {
        let (row, depth) = (tree.order[place], tree.depth[place] as usize);
        let at = row as usize;
        while open.len() < depth + 2 {
            open.push(nobody());
        }
        let (counts, highest) = std::mem::replace(&mut open[depth + 1], nobody());
        visit(row, &counts);
        let (above, highest_above) = &mut open[depth];
        let best = highest.max(seen[at]);
        *highest_above = best.max(*highest_above);
        let opens_leg = people.consultant[at] || ladder.customers_open_legs;
        for count in reached(&mut above[0], best).filter(|_| opens_leg) {
            *count += 1;
        }
        for (count, (rank, people)) in above[3].iter_mut().zip(&asked).filter(|_| opens_leg) {
            let found = counts[2][usize::from(*rank)] + u32::from(*rank <= seen[at]);
            *count += u32::from(*people <= found);
        }
        for count in reached(&mut above[1], seen[at]) {
            *count += 1;
        }
        for (above, below) in above[2].iter_mut().zip(&counts[2]) {
            *above += below;
        }
        for count in reached(&mut above[2], seen[at]) {
            *count += 1;
        }
    }
}

fn ladder_tree<'a>(snapshot: &'a Snapshot, plan: &Plan) -> &'a Tree {
    match plan.document().ranks.tree {
        TreeName::Placement => &snapshot.people.placement,
        TreeName::Enrolment => &snapshot.people.enrolment,
    }
}

/// A rank's name for a person to read.
pub fn rank_label(plan: &Plan, rank: u8, locale: Locale) -> String {
    match (plan.rank_name(rank), locale) {
        (Some(name), _) => name.in_locale(locale).to_owned(),
        (None, Locale::Es) => "sin rango".to_owned(),
        (None, Locale::En) => "no rank".to_owned(),
    }
}
