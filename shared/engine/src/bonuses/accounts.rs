//! Accounts of where the volume of a bonus went, closed when everything is known that lines take back.

use std::collections::BTreeMap;

use plan::{
    Role,
    bonus::{Brackets, Compression, Matching, Mechanic, Percentage, Rate, Unilevel},
};

use super::{desk::Desk, rates::is_marginal};
use crate::{
    amount::{RATE_SCALE, share},
    failure::EngineError,
    payouts::{LineKind, PayoutLine},
};

/// What one person got of one bonus.
#[derive(Default)]
struct Got {
    /// Minor units earned.
    earned: i128,
    /// Base × rate of what was paid to who stands at the level, and of what passed up.
    volumes: [i128; 2],
    /// Minor units taken back, by kind.
    taken: BTreeMap<LineKind, i128>,
}

impl Desk<'_> {
    /// Moves what lines take back from what was paid to what was capped, held or paid before: the same share of somebody's volume as of
    /// their money, cut to the last decimal of the account.
    pub(super) fn close_accounts(&mut self) -> Result<(), EngineError> {
        let taken = |kind: LineKind| {
            matches!(kind, LineKind::TrueUp | LineKind::BonusCap | LineKind::BonusTotalCap | LineKind::Held)
        };
        let mut got: BTreeMap<(u16, u32), Got> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| taken(line.kind)) {
            let of_kind =
                got.entry((line.bonus, line.earner)).or_default().taken.entry(line.kind).or_default();
            *of_kind -= i128::from(line.amount);
        }
        if got.is_empty() {
            return Ok(());
        }
        for line in self.lines.iter().filter(|line| line.kind == LineKind::Earned) {
            if let Some(got) = got.get_mut(&(line.bonus, line.earner)) {
                got.earned += i128::from(line.amount);
                got.volumes[usize::from(self.was_rolled_up(line))] += self.volume_of(line);
            }
        }
        for ((number, row), got) in got {
            let Some(account) = self.conservation.get_mut(usize::from(number)) else { continue };
            for (kind, minor) in got.taken.into_iter().filter(|_| got.earned != 0) {
                let part = |volume: i128| share(volume, minor, got.earned).map(|(part, _)| part);
                let (Some(paid), Some(rolled_up)) = (part(got.volumes[0]), part(got.volumes[1])) else {
                    return Err(EngineError::Overflow {
                        person: self.snapshot.people.ids.get(row as usize).to_owned(),
                        what: "an account".to_owned(),
                    });
                };
                account.paid -= paid;
                account.rolled_up -= rolled_up;
                *match kind {
                    LineKind::TrueUp => &mut account.paid_before,
                    LineKind::Held => &mut account.held,
                    _ => &mut account.capped,
                } += paid + rolled_up;
            }
        }
        Ok(())
    }

    /// Base × rate of a line, each slice at its own rate.
    pub(super) fn volume_of(&self, line: &PayoutLine) -> i128 {
        let bonus = self.plan.bonuses().get(usize::from(line.bonus));
        let slices = bonus.and_then(|bonus| match &bonus.definition.pays {
            Mechanic::Percentage(Percentage { rate, .. }) if is_marginal(rate) => match rate {
                Rate::Brackets(Brackets { steps, .. }) => Some((steps, bonus.indicator(Role::Of)?)),
                _ => None,
            },
            _ => None,
        });
        let Some((steps, _)) = slices else { return i128::from(line.base) * i128::from(line.rate) };
        let mut volume = 0;
        for (place, step) in steps.iter().enumerate() {
            let from = super::desk::fixed_floor(step.from, plan::AMOUNT_SCALE).max(0);
            let next = steps.get(place + 1);
            let to = next.map_or(i64::MAX, |next| super::desk::fixed_floor(next.from, plan::AMOUNT_SCALE));
            let rate = crate::indicators::rounded(step.rate, RATE_SCALE).unwrap_or(0);
            volume += i128::from((line.base.min(to) - from).max(0)) * i128::from(rate);
        }
        volume
    }

    /// Whether a line's share passed up from somebody who is not qualified.
    pub(super) fn was_rolled_up(&self, line: &PayoutLine) -> bool {
        let bonus = self.plan.bonuses().get(usize::from(line.bonus));
        let compression = bonus.map(|bonus| match &bonus.definition.pays {
            Mechanic::Unilevel(Unilevel { compression, .. })
            | Mechanic::Matching(Matching { compression, .. }) => *compression,
            _ => Compression::None,
        });
        compression == Some(Compression::RollUp) && line.level_walked != line.level_paid
    }
}
