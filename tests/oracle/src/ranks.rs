//! Ranks: earned, paid, honorific.

use anyhow::{Context, Result, bail};

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

    /// Legs, people of level 1 or people below with at least a rank.
    pub(crate) fn ranked_around(&self, what: &str, least: u8, person: usize) -> Result<usize> {
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
                    .try_fold(0, |count, head| Ok(count + usize::from(0 < number(tree.leg(*head))?)))
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

    fn settle_rank(&self, person: usize) -> Result<(u8, u8)> {
        if !self.is_consultant(person) {
            return Ok((0, 0));
        }
        let ladder = &self.plan.document["ranks"];
        let earned = self.earned(person)?;
        let Standing { previous_rank: previous, grace_used, .. } = self.standing[person];
        let grace = u8::try_from(count(ladder, "/grace/cycles", 0)?)?;
        let by_hand = self.by_hand(person)?;
        if by_hand != 0 {
            return Ok((by_hand, if previous <= earned { 0 } else { grace_used }));
        }
        if previous <= earned {
            return Ok((earned, 0));
        }
        if grace_used < grace {
            return Ok((previous, grace_used + 1));
        }
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
        let last_day = self.input.last_day;
        match text(&self.plan.document, "/ranks/honorific").unwrap_or("history") {
            "history" => Ok(before.max(self.paid(person)?)),
            "year" if (last_day.month(), last_day.day()) == (12, 31) => self.paid(person),
            "year" => Ok(before),
            other => bail!("the oracle does not know the honorific rank by {other}"),
        }
    }

    /// What a person brings to the next cycle.
    pub(crate) fn handed_on(&self, person: usize) -> Result<Standing> {
        let (previous_rank, grace_used) = self.paid_and_grace(person)?;
        Ok(Standing { previous_rank, grace_used, honorific_rank: self.honorific(person)? })
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
