//! What a run owes, counted: kept in parts, each changed in the transactions that change payables.

use std::collections::BTreeMap;

use aws::{Item, Update, decimal, number};
use foundation::money::{Currency, Money};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::payable::{Payable, PayableState};

/// Parts of a run's counts, so that many batches can be written side by side.
pub(crate) const PARTS: usize = 16;

/// How many payables a run has in each state, and how much they come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PayoutSummary {
    /// All of them.
    pub payables: u64,
    /// To be paid.
    pub pending: StateTotal,
    /// Held back.
    pub held: StateTotal,
    /// Refused by the bank.
    pub failed: StateTotal,
    /// Paid.
    pub paid: StateTotal,
}

/// Payables in one state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StateTotal {
    /// How many.
    pub payables: u64,
    /// How much, in the order of the currencies.
    pub amounts: Vec<Money>,
}

impl PayoutSummary {
    /// The sum of the parts.
    pub(crate) fn of_parts(parts: &[Item]) -> Self {
        let total = |state| StateTotal::of_parts(parts, state);
        let [pending, held, failed, paid] = PayableState::ALL.map(total);
        let payables = [&pending, &held, &failed, &paid].map(|total| total.payables).iter().sum();
        Self { payables, pending, held, failed, paid }
    }

    /// Whether everything that is owed is paid.
    pub fn is_complete(&self) -> bool {
        self.payables == self.paid.payables
    }
}

impl StateTotal {
    fn of_parts(parts: &[Item], state: PayableState) -> Self {
        let prefix = format!("{}_", state.name());
        let mut amounts = BTreeMap::<Currency, Decimal>::new();
        let mut payables = Decimal::ZERO;
        for part in parts {
            // Sums do not depend on the order; a BTreeMap gives the attributes one all the same.
            let attributes: BTreeMap<_, _> = part.iter().collect();
            for name in attributes.into_keys() {
                let Some(what) = name.strip_prefix(&prefix) else { continue };
                let sum = match what.parse() {
                    Ok(currency) => amounts.entry(currency).or_default(),
                    Err(_) => &mut payables,
                };
                *sum = sum.saturating_add(decimal(part, name));
            }
        }
        let money = |(currency, amount): (Currency, Decimal)| Money::exactly(amount, currency).ok();
        let amounts = amounts.into_iter().filter(|(_, amount)| !amount.is_zero()).filter_map(money);
        Self { payables: payables.try_into().unwrap_or_default(), amounts: amounts.collect() }
    }
}

/// Changes of a run's counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(BTreeMap<String, Decimal>);

impl Tally {
    /// A payable that is new.
    pub(crate) fn made(&mut self, payable: &Payable) {
        self.change(payable, Decimal::ONE);
    }

    /// A payable that changed.
    pub(crate) fn turned(&mut self, before: &Payable, after: &Payable) {
        self.change(before, Decimal::NEGATIVE_ONE);
        self.change(after, Decimal::ONE);
    }

    fn change(&mut self, payable: &Payable, by: Decimal) {
        let state = payable.state.name();
        let amount = payable.amount.amount() * by;
        for (what, change) in [("count", by), (payable.amount.currency().code(), amount)] {
            *self.0.entry(format!("{state}_{what}")).or_default() += change;
        }
    }

    /// As a change of a part; none if nothing changes.
    pub(crate) fn update(self) -> Option<Update> {
        let changes = self.0.into_iter().filter(|(_, change)| !change.is_zero());
        changes.fold(None, |update, (name, change)| {
            Some(update.unwrap_or_else(Update::new).add(name, number(change)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payable::tests::payable;

    fn part(tally: Tally) -> Item {
        tally.0.into_iter().map(|(name, value)| (name, number(value))).collect()
    }

    #[test]
    fn parts_add_up_to_what_stands_in_each_state() {
        let [one, two, three] = [("P1~COP", "5.10"), ("P2~COP", "2.00"), ("P3~USD", "1.00")]
            .map(|(id, amount)| payable(&format!("r~{id}"), amount, PayableState::Pending));
        let (mut made, mut later) = (Tally::default(), Tally::default());
        for payable in [&one, &two, &three] {
            made.made(payable);
        }
        later.turned(&two, &two.hold("x", "ana", two.since).unwrap());
        let summary = PayoutSummary::of_parts(&[part(made), part(later)]);
        let shown = |total: &StateTotal| {
            (total.payables, total.amounts.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(summary.payables, 3);
        assert_eq!(shown(&summary.pending), (2, vec!["5.10 COP".to_owned(), "1.00 USD".to_owned()]));
        assert_eq!(shown(&summary.held), (1, vec!["2.00 COP".to_owned()]));
        assert!(!summary.is_complete());
        assert!(PayoutSummary::default().is_complete());
    }

    #[test]
    fn a_change_that_changes_no_count_is_no_write() {
        let one = payable("r~P1~COP", "5", PayableState::Failed);
        let mut tally = Tally::default();
        tally.turned(&one, &one);
        assert!(tally.update().is_none());
    }
}
