//! What people were paid of bonuses that come earlier in the plan, for those that are paid on it or ask for it.

use plan::{AMOUNT_SCALE, Plan, PlannedBonus, Source, bonus::Mechanic};

use super::{BonusContext, desk::Desk};
use crate::{
    amount::from_minor,
    failure::EngineError,
    indicators::{Calculation, rounded},
    payouts::{LineKind, PayoutLine, Payouts},
    snapshot::Snapshot,
};

impl Desk<'_> {
    /// What everyone got of the bonuses whose code `counts`, as the sum of their rounded `lines` in the base currency, kept with
    /// [`AMOUNT_SCALE`] decimals half to even; nobody who got nothing. Advances, which stored lines have, are deducted later.
    pub(super) fn payments_of(
        &self,
        number: u16,
        lines: &[PayoutLine],
        counts: impl Fn(&str) -> bool,
    ) -> Result<Vec<(usize, i64)>, EngineError> {
        let counted: Vec<bool> = self.bonuses.iter().map(|bonus| counts(&bonus.code)).collect();
        let counts = |line: &PayoutLine| {
            line.kind != LineKind::Advance && counted.get(usize::from(line.bonus)) == Some(&true)
        };
        let sums = self.sums(number, lines, counts)?;
        let in_base = |(row, minor): (u32, i64)| {
            let row = row as usize;
            let (currency, per_base_unit, _) = self.currencies[self.currency_index(row)];
            let amount = from_minor(minor, currency).checked_div(per_base_unit);
            let amount = amount.and_then(|amount| rounded(amount, AMOUNT_SCALE));
            Ok((row, amount.ok_or_else(|| self.overflow(row, number))?))
        };
        let payments = sums.into_iter().map(in_base).collect::<Result<Vec<_>, EngineError>>()?;
        Ok(payments.into_iter().filter(|(_, base)| *base != 0).collect())
    }

    /// Makes ready what the rules of a bonus ask of earlier ones, which are complete.
    pub(super) fn know_payments(&self, number: u16, bonus: &PlannedBonus) -> Result<(), EngineError> {
        self.know_payments_in(number, bonus, &self.lines)?;
        match walked_again(self.plan, bonus) {
            Some(other) => self.know_payments_in(number, other, &self.lines),
            None => Ok(()),
        }
    }

    fn know_payments_in(
        &self,
        number: u16,
        bonus: &PlannedBonus,
        lines: &[PayoutLine],
    ) -> Result<(), EngineError> {
        for slot in bonus.rules().flat_map(rules::Program::slots) {
            let Some(Source::Paid(asked)) = self.plan.source(*slot) else { continue };
            let known = &self.run.payments[asked];
            if known.get().is_none() {
                let code = &self.plan.bonuses()[asked].definition.code;
                let mut values = vec![0; self.snapshot.people.len()];
                for (row, amount) in self.payments_of(number, lines, |one| one == code)? {
                    values[row] = amount;
                }
                known.get_or_init(|| values);
            }
        }
        Ok(())
    }
}

/// The bonus whose levels are walked again for this one.
fn walked_again<'a>(plan: &'a Plan, bonus: &PlannedBonus) -> Option<&'a PlannedBonus> {
    let Mechanic::Infinity(infinity) = &bonus.definition.pays else { return None };
    let after = infinity.after.as_ref()?;
    plan.bonuses().iter().find(|one| one.definition.code == *after)
}

/// Whether what a bonus pays depends on what others paid, but for what it is paid on.
pub(super) fn depends_on_payments(plan: &Plan, bonus: &PlannedBonus) -> bool {
    plan.asks_payments(bonus) || walked_again(plan, bonus).is_some_and(|other| plan.asks_payments(other))
}

/// Makes ready for a run that is told again what its rules asked of what was paid.
pub(crate) fn restore_payments(
    run: &Calculation<'_>,
    plan: &Plan,
    snapshot: &Snapshot,
    payouts: &Payouts,
) -> Result<(), EngineError> {
    if !plan.bonuses().iter().any(|bonus| plan.asks_payments(bonus)) {
        return Ok(());
    }
    // Bonuses of the plan come first in what was paid, as they do here.
    let desk = Desk::new(snapshot, plan, run, BonusContext::default())?;
    for (number, bonus) in (0_u16..).zip(plan.bonuses()) {
        desk.know_payments_in(number, bonus, &payouts.lines)?;
    }
    Ok(())
}
