//! Bonuses that look at nothing but indicators and ranks are computed side by side, ahead of what follows the plan's order.

use plan::{PlannedBonus, bonus::Mechanic};

use super::{BonusContext, desk::Desk, payments::depends_on_payments};
use crate::{
    failure::EngineError,
    payouts::{AwardLine, Conservation, PayoutLine},
    threads,
};

/// The lines of a bonus before any cap, with its account.
struct Ahead {
    lines: Vec<PayoutLine>,
    awards: Vec<AwardLine>,
    account: Conservation,
}

/// What was computed ahead, by the numbers of the bonuses.
pub(super) struct Aheads(Vec<Option<Result<Ahead, EngineError>>>);

/// Whether a bonus needs neither lines of others nor what earlier cycles handed on.
fn stands_alone(mechanic: &Mechanic) -> bool {
    match mechanic {
        Mechanic::Unilevel(_)
        | Mechanic::Differential(_)
        | Mechanic::Generation(_)
        | Mechanic::Breakaway(_)
        | Mechanic::Infinity(_)
        | Mechanic::RetailProfit(_) => true,
        Mechanic::Percentage(percentage) => percentage.true_up.is_none(),
        Mechanic::Matching(_) | Mechanic::Pool(_) | Mechanic::Fixed(_) | Mechanic::Binary(_) => false,
    }
}

impl Desk<'_> {
    /// Computes what can be computed ahead of the bonuses that are `here`; nothing if there is one thread only, because all lines
    /// would be there twice for a while.
    pub(super) fn ahead(&self, here: impl Fn(&PlannedBonus) -> bool) -> Aheads {
        let bonuses = self.plan.bonuses();
        let alone = |number: &usize| {
            let bonus = &bonuses[*number];
            here(bonus) && stands_alone(&bonus.definition.pays) && !depends_on_payments(self.plan, bonus)
        };
        let numbers: Vec<usize> = (0..bonuses.len()).filter(alone).collect();
        let mut aheads: Vec<Option<Result<Ahead, EngineError>>> = bonuses.iter().map(|_| None).collect();
        if 1 < threads::most() {
            let is_only = numbers.len() == 1;
            let computed = threads::each(numbers.len(), |at| self.alone(numbers[at], is_only));
            for (number, computed) in numbers.into_iter().zip(computed) {
                aheads[number] = Some(computed);
            }
        }
        Aheads(aheads)
    }

    fn alone(&self, number: usize, may_share: bool) -> Result<Ahead, EngineError> {
        let mut desk = Desk::new(self.snapshot, self.plan, self.run, BonusContext::default())?;
        desk.may_share = may_share;
        desk.mechanic(u16::try_from(number).unwrap_or(u16::MAX), &self.plan.bonuses()[number])?;
        let account = std::mem::take(&mut desk.conservation[number]);
        Ok(Ahead { lines: desk.lines, awards: desk.awards, account })
    }

    /// The lines of a bonus before any cap, computed ahead or now.
    pub(super) fn mechanic_or_ahead(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        aheads: &mut Aheads,
    ) -> Result<(), EngineError> {
        let Some(ahead) = aheads.0.get_mut(usize::from(number)).and_then(Option::take) else {
            return self.mechanic(number, bonus);
        };
        let ahead = ahead?;
        if self.lines.is_empty() {
            let still_to_come = aheads.0.iter().flatten().flatten().map(|ahead| ahead.lines.len());
            self.lines = ahead.lines;
            self.lines.reserve(still_to_come.sum());
        } else {
            self.lines.extend(ahead.lines);
        }
        self.awards.extend(ahead.awards);
        // Nothing was accounted for before: what is undone belongs to other cycles' accounts.
        self.conservation[usize::from(number)] = ahead.account;
        Ok(())
    }
}
