//! Shares: what was brought, times a rate, and what became of it. All a bonus offers is the sum of its shares.

use std::borrow::Cow;

use plan::{PlannedBonus, bonus::OrderMeasure};
use serde::{Deserialize, Serialize};

use super::{
    BonusContext,
    desk::{Desk, order_column},
};
use crate::{
    columns::NONE,
    failure::EngineError,
    indicators::Calculation,
    payouts::{Conservation, PayoutLine},
    snapshot::Snapshot,
};

/// What became of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Paid to the person it belongs to.
    Paid,
    /// Paid to somebody further up, because the person it belongs to is not qualified.
    PassedUp,
    /// Not paid, because the person it belongs to is not qualified.
    Unqualified,
    /// Not paid, because `when` does not hold for who would be paid.
    FailsWhen,
    /// Not paid, because the rank of who would be paid does not reach the level.
    RankTooLow,
    /// Not paid, because it belongs to nobody.
    NobodyThere,
    /// Not paid, because the person it belongs to is not qualified, nor is anybody further up.
    NobodyQualified,
}

impl Outcome {
    fn account(self, accounts: &mut Conservation) -> &mut i128 {
        match self {
            Self::Paid => &mut accounts.paid,
            Self::PassedUp => &mut accounts.rolled_up,
            Self::Unqualified => &mut accounts.unqualified,
            Self::FailsWhen | Self::RankTooLow => &mut accounts.forfeited,
            Self::NobodyThere | Self::NobodyQualified => &mut accounts.unclaimed,
        }
    }

    /// Paid if `when` holds.
    pub(super) fn paid_if(when: bool) -> Self {
        if when { Self::Paid } else { Self::FailsWhen }
    }
}

/// A share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) bonus: u16,
    /// Row of who stands at the level, or [`NONE`].
    pub(crate) holder: u32,
    /// Row of who is or would be paid, or [`NONE`].
    pub(crate) earner: u32,
    /// The level it is paid as; 0 where levels play no part.
    pub(crate) level: u16,
    pub(crate) base: i64,
    pub(crate) rate: i64,
    pub(crate) outcome: Outcome,
}

/// What somebody wants to know of a computation.
#[derive(Default)]
pub(super) struct Watch {
    /// The only order that is paid on.
    order: Option<u32>,
    /// Row of the only person whose shares are kept.
    person: Option<u32>,
    shares: Vec<Share>,
}

impl<'a> Desk<'a> {
    /// Keeps account of a share, and the share itself where somebody wants to know.
    pub(super) fn share(&mut self, share: Share) {
        self.keep_account(share.bonus, share.base, share.rate, |accounts| share.outcome.account(accounts));
        if let Some(watch) = &mut self.watch
            && watch.person.is_none_or(|person| person == share.holder || person == share.earner)
        {
            watch.shares.push(share);
        }
    }

    /// Leaves only the order that is watched, if there is one.
    pub(super) fn only_watched(&self, counts: &mut [bool]) {
        if let Some(order) = self.watched_order() {
            for (row, counts) in counts.iter_mut().enumerate() {
                *counts &= row == order;
            }
        }
    }

    fn watched_order(&self) -> Option<usize> {
        self.watch.as_ref().and_then(|watch| watch.order).map(|order| order as usize)
    }

    /// What a bonus is paid on, by person: an indicator, or what the order that is watched brings to it.
    pub(super) fn paid_on(&self, index: usize, bonus: u16) -> Result<Cow<'a, [i64]>, EngineError> {
        let Some(order) = self.watched_order() else { return self.base(index, bonus) };
        let orders = &self.snapshot.orders;
        let mut alone = vec![0; self.snapshot.people.len()];
        if let Some(measure) = self.bonuses[usize::from(bonus)].measure
            && !orders.is_late[order]
        {
            alone[orders.person[order] as usize] = brings(self.snapshot, measure, order)?;
        }
        Ok(Cow::Owned(alone))
    }
}

/// What an order brings by a measure; of a return it is less than 0.
pub(crate) fn brings(snapshot: &Snapshot, measure: OrderMeasure, order: usize) -> Result<i64, EngineError> {
    let amount = order_column(snapshot, measure)?[order];
    Ok(if snapshot.orders.is_return[order] { -amount } else { amount })
}

/// What a bonus makes of one order.
pub(crate) struct OrderShares {
    /// The place of the bonus in the plan.
    pub(crate) number: usize,
    /// What is paid on of the order.
    pub(crate) measure: OrderMeasure,
    pub(crate) account: Conservation,
    pub(crate) shares: Vec<Share>,
    /// The lines it would have if there was no other order. They are not capped.
    pub(crate) lines: Vec<PayoutLine>,
}

/// What each of the plan's bonuses that are paid on orders makes of one order alone, by the code that pays them.
pub(crate) fn shares_of_order(
    run: &Calculation<'_>,
    plan: &plan::Plan,
    snapshot: &Snapshot,
    order: u32,
) -> Result<Vec<OrderShares>, EngineError> {
    let mut desk = Desk::new(snapshot, plan, run, BonusContext::default())?;
    let mut found = Vec::new();
    for (number, bonus) in (0_u16..).zip(plan.bonuses()) {
        let place = usize::from(number);
        let Some(measure) = desk.bonuses[place].measure else { continue };
        desk.watch = Some(Watch { order: Some(order), ..Watch::default() });
        desk.mechanic(number, bonus)?;
        let shares = desk.watch.take().map(|watch| watch.shares).unwrap_or_default();
        let lines = std::mem::take(&mut desk.lines);
        found.push(OrderShares { number: place, measure, account: desk.conservation[place], shares, lines });
    }
    Ok(found)
}

/// The shares of a bonus that belong to a person, or are paid to them.
pub(crate) fn shares_of_person(
    run: &Calculation<'_>,
    plan: &plan::Plan,
    snapshot: &Snapshot,
    (number, bonus): (u16, &PlannedBonus),
    row: u32,
) -> Result<Vec<Share>, EngineError> {
    let mut desk = Desk::new(snapshot, plan, run, BonusContext::default())?;
    desk.watch = Some(Watch { person: Some(row), ..Watch::default() });
    desk.mechanic(number, bonus)?;
    let shares = desk.watch.map(|watch| watch.shares).unwrap_or_default();
    Ok(shares.into_iter().filter(|share| share.holder != NONE || share.earner != NONE).collect())
}
