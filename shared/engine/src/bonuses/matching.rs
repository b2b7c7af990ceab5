//! A rate on what others earned from named bonuses.

use plan::{
    AMOUNT_SCALE, PlannedBonus,
    bonus::{MatchBy, Matching},
};
use rust_decimal::Decimal;

use super::{
    desk::Desk,
    levels::{Start, Terms},
};
use crate::{
    amount::from_minor,
    columns::{NONE, position},
    failure::EngineError,
    indicators::rounded,
};

impl Desk<'_> {
    pub(super) fn matching(
        &mut self,
        number: u16,
        bonus: &PlannedBonus,
        matching: &Matching,
    ) -> Result<(), EngineError> {
        let terms = Terms {
            rates: &matching.rates,
            depth: &matching.depth,
            compression: matching.compression,
            roll_up_rate: matching.roll_up_rate,
        };
        let tree = self.tree(matching.tree);
        let leaders = match &matching.by {
            MatchBy::Level => None,
            MatchBy::Generation { rank } => Some(self.leaders(rank)),
        };
        let levels =
            self.levels(number, bonus, terms, Decimal::ONE)?.along(tree, leaders.as_deref(), &self.run.paid);
        for (source, base) in self.earnings(number, matching)? {
            let start = Start::at((position(source), NONE, base));
            let start = match &leaders {
                None => start,
                // What is earned in a group goes the way of its leader.
                Some(leaders) if leaders[source] => start,
                Some(_) => match levels.next(source) {
                    NONE => continue,
                    head => Start { below: head as usize, ..start },
                },
            };
            self.walk(&levels, start)?;
        }
        Ok(())
    }

    /// What everyone got of the matched bonuses, as the sum of their rounded lines in the base currency, kept with [`AMOUNT_SCALE`]
    /// decimals half to even; nobody who got nothing.
    fn earnings(&self, number: u16, matching: &Matching) -> Result<Vec<(usize, i64)>, EngineError> {
        let code = |at: u16| self.bonuses.get(usize::from(at)).map_or("", |bonus| &bonus.code);
        let matched: Vec<bool> = (0_u16..)
            .take(self.bonuses.len())
            .map(|at| matching.of.iter().any(|of| of == code(at)))
            .collect();
        let sums = self.sums(number, &self.lines, |line| matched[usize::from(line.bonus)])?;
        let in_base = |(row, minor): (u32, i64)| {
            let row = row as usize;
            let (currency, per_base_unit, _) = self.currencies[self.currency_index(row)];
            let amount = from_minor(minor, currency).checked_div(per_base_unit);
            let amount = amount.and_then(|amount| rounded(amount, AMOUNT_SCALE));
            Ok((row, amount.ok_or_else(|| self.overflow(row, number))?))
        };
        let earnings = sums.into_iter().map(in_base).collect::<Result<Vec<_>, EngineError>>()?;
        Ok(earnings.into_iter().filter(|(_, base)| *base != 0).collect())
    }
}
