//! Rates by generation on the groups of the leaders below.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Brought, levels::Share, own_measure, worth_of};
use crate::{
    payouts::{Claim, Desk},
    plan::text,
};

impl<'a> Desk<'a> {
    pub(super) fn generations(&mut self, code: &'a str, bonus: &'a Value, how: &'a Value) -> Result<()> {
        let of = text(how, "/of").context("it is paid on nothing")?;
        let plan = self.cycle.plan;
        let worth = worth_of(plan, of)?;
        let per = text(how, "/per").unwrap_or("leader");
        let own_first = text(how, "/counts") == Some("own-group");
        for source in self.cycle.in_order() {
            let leads = self.leads(how, source)?;
            let above = self.leaders_above(how, source)?;
            // Where one's own group is generation 1, a leader is generation 2 of the next, unless nobody counts them as one.
            let skipped = leads && self.holders(how, &[source], 1)?.is_empty();
            let leaders_last = text(how, "/counts") == Some("between");
            let (above, first, further) = match (per, own_first) {
                ("leader", _) if !leads => continue,
                ("leader", _) => (above, 1, 0),
                ("member", false) if leads || leaders_last => (above, 1, 0),
                ("member", false) => (above.get(1..).unwrap_or_default().to_vec(), 1, 0),
                ("member", true) if leads && !skipped => (above, 2, 1),
                ("member", true) => (above, 1, usize::from(leads)),
                (other, _) => bail!("the oracle does not know lines per {other}"),
            };
            let base = self.cycle.indicator_of(of, source)?;
            let one = Brought { source, order: None, base };
            let measure = if per == "member" { own_measure(plan, of)? } else { None };
            for Share { level, walked, earner, rate } in self.shares(bonus, how, &above, &one, first)? {
                let claim = Claim {
                    bonus: code,
                    source,
                    order: None,
                    level_paid: level,
                    level_walked: walked + further,
                    base,
                    rate,
                    worth,
                    measure: measure.clone(),
                    ..Claim::default()
                };
                self.pay(earner, claim)?;
            }
        }
        Ok(())
    }
}
