//! Ranks: earned from the leaves to the root, then paid, then honorific.

use foundation::locale::Locale;
use jiff::tz::TimeZone;
use plan::{
    Plan,
    indicator::Tree as TreeName,
    rank::{Fall, Honorific, LegRank, Promotion},
};
use rules::Explanation;

use crate::{
    failure::EngineError,
    indicators::{Calculation, Context, Indicators, last_day, restored},
    snapshot::Snapshot,
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
    let ranks = climb(&run, snapshot, plan)?;
    run.after_ranks(&ranks)?;
    Ok(Ranked { ranks, indicators: run.into_indicators(true) })
}

/// How many people of at least each rank there are below the people on the way to the root, by depth.
struct Counts {
    /// Cells per depth and kind of count.
    width: usize,
    legs: Vec<u32>,
    frontline: Vec<u32>,
    downline: Vec<u32>,
}

impl Counts {
    fn new(depths: usize, ranks: usize) -> Self {
        let width = ranks + 1;
        let cells = vec![0; (depths + 2) * width];
        Self { width, legs: cells.clone(), frontline: cells.clone(), downline: cells }
    }

    /// What lies below the person of depth `level` who comes next.
    fn below(&self, level: usize) -> Around<'_> {
        let cells = (level + 1) * self.width..(level + 2) * self.width;
        Around {
            legs: &self.legs[cells.clone()],
            frontline: &self.frontline[cells.clone()],
            downline: &self.downline[cells],
        }
    }

    /// Adds a person of `rank` to the parent's counts, and empties what lay below.
    fn pass_up(&mut self, level: usize, rank: usize, opens_leg: bool) {
        for at in 1..self.width {
            let (mine, below) = (level * self.width + at, (level + 1) * self.width + at);
            let reached = u32::from(at <= rank);
            self.frontline[mine] += reached;
            self.downline[mine] += self.downline[below] + reached;
            let in_leg = 0 < reached || 0 < self.downline[below];
            self.legs[mine] += u32::from(in_leg && opens_leg);
            (self.legs[below], self.frontline[below], self.downline[below]) = (0, 0, 0);
        }
    }
}

fn climb(run: &Calculation<'_>, snapshot: &Snapshot, plan: &Plan) -> Result<Ranks, EngineError> {
    let people = &snapshot.people;
    let ladder = &plan.document().ranks;
    let count = people.len();
    let mut ranks = Ranks {
        earned: vec![0; count],
        paid: vec![0; count],
        honorific: people.honorific_rank.clone(),
        grace_used: vec![0; count],
    };
    let tree = match ladder.tree {
        TreeName::Placement => &people.placement,
        TreeName::Enrolment => &people.enrolment,
    };
    let zone = TimeZone::get(&plan.document().time_zone).unwrap_or(TimeZone::UTC);
    let closing = last_day(snapshot, &zone);
    let closes_year = closing.tomorrow().is_ok_and(|next| next.year() != closing.year());
    let view = run.view();
    let mut counts = Counts::new(tree.deepest() as usize, plan.rank_rules().len());
    for (row, depth) in tree.order.iter().zip(&tree.depth).rev() {
        let (row, level) = (*row as usize, *depth as usize);
        if people.consultant[row] {
            let earned = earned(&view, row, counts.below(level))?;
            ranks.earned[row] = earned;
            let standing = Standing {
                earned,
                previous: people.previous_rank[row],
                manual: people.manual_rank[row],
                grace_used: people.grace_used[row],
            };
            (ranks.paid[row], ranks.grace_used[row]) = paid(standing, plan);
        }
        let seen = match ladder.leg_rank {
            LegRank::Earned => ranks.earned[row],
            LegRank::Paid => ranks.paid[row],
        };
        let opens_leg = people.consultant[row] || ladder.customers_open_legs;
        counts.pass_up(level, usize::from(seen), opens_leg);
        ranks.honorific[row] = match ladder.honorific {
            Honorific::History => ranks.honorific[row].max(ranks.paid[row]),
            Honorific::Year if closes_year => ranks.paid[row],
            Honorific::Year => ranks.honorific[row],
        };
    }
    Ok(ranks)
}

/// The rank the rules give a person.
fn earned(view: &View<'_>, row: usize, around: Around<'_>) -> Result<u8, EngineError> {
    let plan = view.plan;
    let ladder = &plan.document().ranks;
    let previous = view.snapshot.people.previous_rank[row];
    let steps = ladder.max_steps_per_cycle.unwrap_or(u8::MAX);
    let most = usize::from(previous.saturating_add(steps)).min(plan.rank_rules().len());
    let person = view.person(row).with_ranked(around);
    let holds = |position: usize| {
        let outcome = plan.rank_rules()[position - 1].evaluate(&person);
        let value = outcome
            .map_err(|reason| rule_failed(&ladder.steps[position - 1].code, view.snapshot, row, &reason))?;
        Ok::<bool, EngineError>(value.as_bool() == Some(true))
    };
    let mut reached = 0;
    match ladder.promotion {
        Promotion::Sequential => {
            while reached < most && holds(reached + 1)? {
                reached += 1;
            }
        }
        Promotion::Highest => {
            for position in (1..=most).rev() {
                if holds(position)? {
                    reached = position;
                    break;
                }
            }
        }
    }
    Ok(u8::try_from(reached).unwrap_or(u8::MAX))
}

/// What decides a paid rank.
#[derive(Clone, Copy, Debug)]
struct Standing {
    earned: u8,
    previous: u8,
    manual: u8,
    grace_used: u8,
}

/// The paid rank and the cycles of grace used.
fn paid(standing: Standing, plan: &Plan) -> (u8, u8) {
    let grace = plan.document().ranks.grace;
    let Standing { earned, previous, manual, grace_used } = standing;
    let (by_rules, used) = if previous <= earned {
        (earned, 0)
    } else if grace_used < grace.cycles {
        (previous, grace_used + 1)
    } else {
        match grace.then {
            Fall::ToEarned => (earned, 0),
            // The count restarts when a rank is earned again; one step down it has not been.
            Fall::OneStep => {
                let lower = previous.saturating_sub(1).max(earned);
                (lower, if lower == earned { 0 } else { grace_used })
            }
        }
    };
    if manual == 0 { (by_rules, used) } else { (manual, if previous <= earned { 0 } else { grace_used }) }
}

/// Why a person has earned a rank, or not: the rank's rule with the values it saw.
pub fn explain_rank(
    snapshot: &Snapshot,
    indicators: &Indicators,
    ranks: &Ranks,
    plan: &Plan,
    row: u32,
    rank: u8,
) -> Result<Option<Explanation>, EngineError> {
    let run = restored(snapshot, plan, Context::default(), &[indicators])?;
    let Some(rule) = usize::from(rank).checked_sub(1).and_then(|index| plan.rank_rules().get(index)) else {
        return Ok(None);
    };
    let around = around(snapshot, ranks, plan, row);
    let view = run.view();
    let person = view.person(row as usize).with_ranked(Around {
        legs: &around[0],
        frontline: &around[1],
        downline: &around[2],
    });
    Ok(Some(rule.explain(&person)))
}

/// The counts of all ranks up to `rank`.
fn reached(counts: &mut [u32], rank: u8) -> impl Iterator<Item = &mut u32> {
    counts.iter_mut().skip(1).take(usize::from(rank))
}

/// Legs, frontline and downline of at least each rank, counted for one person.
fn around(snapshot: &Snapshot, ranks: &Ranks, plan: &Plan, row: u32) -> [Vec<u32>; 3] {
    let people = &snapshot.people;
    let ladder = &plan.document().ranks;
    let tree = match ladder.tree {
        TreeName::Placement => &people.placement,
        TreeName::Enrolment => &people.enrolment,
    };
    let seen = match ladder.leg_rank {
        LegRank::Earned => &ranks.earned,
        LegRank::Paid => &ranks.paid,
    };
    let width = plan.rank_rules().len() + 1;
    let mut counts = [vec![0_u32; width], vec![0; width], vec![0; width]];
    let Some(place) = tree.order.iter().position(|one| *one == row) else { return counts };
    let level = tree.depth[place];
    let mut best = 0;
    let mut opens_leg = false;
    let close = |counts: &mut [Vec<u32>; 3], best: u8, opens_leg: bool| {
        for count in reached(&mut counts[0], best).filter(|_| opens_leg) {
            *count += 1;
        }
    };
    for (below, depth) in tree.order.iter().zip(&tree.depth).skip(place + 1) {
        if *depth <= level {
            break;
        }
        let below = *below as usize;
        if *depth == level + 1 {
            close(&mut counts, best, opens_leg);
            (best, opens_leg) = (0, people.consultant[below] || ladder.customers_open_legs);
            for count in reached(&mut counts[1], seen[below]) {
                *count += 1;
            }
        }
        best = best.max(seen[below]);
        for count in reached(&mut counts[2], seen[below]) {
            *count += 1;
        }
    }
    close(&mut counts, best, opens_leg);
    counts
}

/// A rank's name for a person to read.
pub fn rank_label(plan: &Plan, rank: u8, locale: Locale) -> String {
    match (plan.rank_name(rank), locale) {
        (Some(name), _) => name.in_locale(locale).to_owned(),
        (None, Locale::Es) => "sin rango".to_owned(),
        (None, Locale::En) => "no rank".to_owned(),
    }
}
