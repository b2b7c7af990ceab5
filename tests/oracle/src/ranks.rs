//! Ranks: earned, paid, honorific.

use anyhow::{Context, Result, bail};
use jiff::ToSpan;

use crate::{
    cycle::{Cycle, Standing},
    names::{Place, Speaker},
    plan::{count, flag, list, text},
};

impl Cycle<'_> {
    /// The rank the rules give a person, 0 being none.
    pub(crate) fn earned(&self, person: usize) -> Result<u8> {
        if !self.is_consultant(person) {
            return Ok(0);
        }
        if let Some(known) = self.earned.borrow()[person] {
            return Ok(known);
        }
        let ladder = &self.plan.document["ranks"];
        let steps = list(ladder, "/steps");
        let previous = usize::from(self.standing[person].previous_rank);
        let within_reach =
            previous.saturating_add(count(ladder, "/max_steps_per_cycle", 255)?).min(steps.len());
        let speaker = Speaker::new(self, person, Place::Rank);
        let holds = |step: &serde_json::Value| {
            self.plan.rule(text(step, "/rule").context("a rank has no rule")?)?.holds(&speaker)
        };
        let mut earned = 0;
        for (below, step) in steps.iter().take(within_reach).enumerate() {
            let held = holds(step)?;
            match text(ladder, "/promotion").unwrap_or("sequential") {
                "sequential" if !held => break,
                "sequential" | "highest" => {
                    if held {
                        earned = below + 1;
                    }
                }
                other => bail!("the oracle does not know the promotion {other}"),
            }
        }
        let earned = u8::try_from(earned)?;
        self.earned.borrow_mut()[person] = Some(earned);
        Ok(earned)
    }

    /// Legs with so many people of at least a rank, people of level 1 or people below with it.
    pub(crate) fn ranked_around(&self, what: &str, least: u8, in_leg: usize, person: usize) -> Result<usize> {
        let ladder = &self.plan.document["ranks"];
        let tree = self.tree(text(ladder, "/tree").unwrap_or("placement"));
        let reaches = |member: usize| {
            let rank = match text(ladder, "/leg_rank").unwrap_or("earned") {
                "paid" => self.paid(member)?,
                _ => self.earned(member)?,
            };
            Ok::<bool, anyhow::Error>(least <= rank)
        };
        let number = |members: Vec<usize>| -> Result<usize> {
            members.into_iter().try_fold(0, |count, member| Ok(count + usize::from(reaches(member)?)))
        };
        match what {
            "frontline_with_rank" => number(tree.children[person].clone()),
            "downline_with_rank" => number(tree.below(person)),
            _ => {
                let customers = flag(ladder, "/customers_open_legs", false);
                let heads =
                    tree.children[person].iter().filter(|head| customers || self.is_consultant(**head));
                heads
                    .into_iter()
                    .try_fold(0, |count, head| Ok(count + usize::from(in_leg <= number(tree.leg(*head))?)))
            }
        }
    }

    fn by_hand(&self, person: usize) -> Result<u8> {
        let facts = &self.people()[person];
        let day = self.input.last_day;
        let holds =
            facts.manual_from.is_none_or(|from| from <= day) && facts.manual_to.is_none_or(|to| day <= to);
        if holds { self.plan.rank(&facts.manual_rank) } else { Ok(0) }
    }

    /// The paid rank and the cycles of grace used.
    pub(crate) fn paid_and_grace(&self, person: usize) -> Result<(u8, u8)> {
        if let Some(known) = self.paid.borrow()[person] {
            return Ok(known);
        }
        let found = self.settle_rank(person)?;
        self.paid.borrow_mut()[person] = Some(found);
        Ok(found)
    }

    /// The highest rank that was earned in so many of the last cycles, this one included.
    fn earned_often(&self, person: usize, times: usize, of_last: usize) -> Result<u8> {
        let id = &self.people()[person].id;
        let mut history = vec![self.earned(person)?];
        for k in 1..of_last {
            let before =
                self.before(k).and_then(|cycle| cycle.index.get(id).map(|there| cycle.earned(*there)));
            history.push(before.transpose()?.unwrap_or(0));
        }
        let often = |rank: &u8| times <= history.iter().filter(|earned| rank <= *earned).count();
        Ok((1..=u8::MAX).take_while(often).last().unwrap_or(0))
    }

    fn settle_rank(&self, person: usize) -> Result<(u8, u8)> {
        if !self.is_consultant(person) {
            return Ok((0, 0));
        }
        let ladder = &self.plan.document["ranks"];
        let mut earned = self.earned(person)?;
        let Standing { previous_rank: previous, grace_used, lock_left, .. } = self.standing[person];
        let mut grace = u8::try_from(count(ladder, "/grace/cycles", 0)?)?;
        let mut kept = 0;
        if let Some(continuity) = ladder.get("continuity").filter(|continuity| !continuity.is_null()) {
            let of_last = count(continuity, "/of_last", 1)?;
            let often = self.earned_often(person, count(continuity, "/earned", 1)?, of_last)?;
            match text(continuity, "/asked").unwrap_or("to-keep") {
                "to-keep" => kept = often.min(previous),
                "for-grace" if often < previous => grace = 0,
                "for-grace" => {}
                "to-be-paid" => earned = often,
                other => bail!("the oracle does not know continuity asked {other}"),
            }
        }
        let by_hand = self.by_hand(person)?;
        if by_hand != 0 {
            return Ok((by_hand, if previous <= earned { 0 } else { grace_used }));
        }
        if previous <= earned {
            return Ok((earned, 0));
        }
        if 0 < lock_left || previous <= kept {
            return Ok((previous, grace_used));
        }
        if grace_used < grace {
            return Ok((previous, grace_used + 1));
        }
        let earned = earned.max(kept);
        match text(ladder, "/grace/then").unwrap_or("to-earned") {
            "one-step" if earned < previous - 1 => Ok((previous - 1, grace_used)),
            "one-step" | "to-earned" => Ok((earned, 0)),
            other => bail!("the oracle does not know the fall {other}"),
        }
    }

    /// The rank a person is paid as.
    pub(crate) fn paid(&self, person: usize) -> Result<u8> {
        self.paid_and_grace(person).map(|(paid, _)| paid)
    }

    /// The title a person keeps.
    pub(crate) fn honorific(&self, person: usize) -> Result<u8> {
        let before = self.standing[person].honorific_rank;
        let closes_year = self.input.last_day.tomorrow()?.year() != self.input.first_day.year();
        match text(&self.plan.document, "/ranks/honorific").unwrap_or("history") {
            "history" => Ok(before.max(self.paid(person)?)),
            "year" if closes_year => self.paid(person),
            "year" => Ok(before),
            other => bail!("the oracle does not know the honorific rank by {other}"),
        }
    }

    /// What a person brings to the next cycle.
    pub(crate) fn handed_on(&self, person: usize) -> Result<Standing> {
        let (previous_rank, grace_used) = self.paid_and_grace(person)?;
        let (honorific_rank, lock_left) = (self.honorific(person)?, self.lock_left(person)?);
        Ok(Standing { previous_rank, honorific_rank, grace_used, lock_left })
    }

    /// Cycles after this one in which the paid rank is safe.
    pub(crate) fn lock_left(&self, person: usize) -> Result<u8> {
        let before = self.standing[person].lock_left.saturating_sub(1);
        let Some(lock) = self.plan.document.pointer("/ranks/lock").filter(|lock| !lock.is_null()) else {
            return Ok(0);
        };
        let joined = self.people()[person].joined_on;
        let in_time = match count(lock, "/months_since_joining", 0)? {
            0 => true,
            months => match joined {
                Some(joined) => self.input.last_day < joined.checked_add(i64::try_from(months)?.months())?,
                None => false,
            },
        };
        let reached =
            self.by_hand(person)? == 0 && self.standing[person].previous_rank < self.paid(person)?;
        let cycles = u8::try_from(count(lock, "/cycles", 1)?)?;
        Ok(if reached && in_time { before.max(cycles) } else { before })
    }
}

impl Cycle<'_> {
    /// Works out everyone's earned rank, the deepest people first, so that long chains do not nest.
    pub(crate) fn climb(&self) -> Result<()> {
        let tree = self.tree(text(&self.plan.document, "/ranks/tree").unwrap_or("placement"));
        let mut order: Vec<(usize, usize)> =
            (0..self.people().len()).map(|person| (tree.level(person), person)).collect();
        order.sort_unstable();
        for (_, person) in order.into_iter().rev() {
            self.earned(person)?;
        }
        Ok(())
    }
}
