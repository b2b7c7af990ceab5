//! A rate on what others earned from named bonuses.

use plan::{
    PlannedBonus,
    bonus::{MatchBy, Matching},
};
use rust_decimal::Decimal;

use super::{
    desk::Desk,
    levels::{Start, Terms},
};
use crate::{
    columns::{NONE, position},
    failure::EngineError,
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
        for (source, base) in
            self.payments_of(number, &self.lines, |code| matching.of.iter().any(|of| of == code))?
        {
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
}
