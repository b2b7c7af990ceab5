//! Transfers: what moves, checked before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use foundation::{
    digest::sha256_hex,
    problem::{Kind, Problem},
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::account::Account;

/// Postings a transfer has at most, so that it fits into one DynamoDB transaction together with what it belongs to.
pub const POSTINGS_MAX: usize = 39;

/// An amount onto an account (positive) or off it (negative).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posting {
    /// The account.
    pub account: Account,
    /// The amount, in the account's unit.
    pub amount: Decimal,
}

/// A movement between accounts that sums to zero in each unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Given by the caller out of the cause (`run/2026-10-monthly-1/pay/COP/0`): the same key is the same transfer.
    key: String,
    /// Why, as a stable name: `commission.earned`.
    reason: String,
    /// What it belongs to: a run, an order, a payment file.
    reference: String,
    /// When it was true.
    occurred_at: Timestamp,
    postings: Vec<Posting>,
}

/// Why a movement is no transfer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// Nothing moves, or too much at once.
    #[error("a transfer has 2 to {POSTINGS_MAX} postings; found {0}")]
    Count(usize),
    /// A posting of nothing.
    #[error("the posting onto {0} is of nothing")]
    Zero(Account),
    /// An account stands there twice.
    #[error("{0} stands twice in one transfer")]
    Twice(Account),
    /// The postings of a unit do not sum to zero.
    #[error("the postings in {unit} sum to {sum}, not to 0")]
    Unbalanced {
        /// The unit.
        unit: String,
        /// Their sum.
        sum: Decimal,
    },
    /// An amount is too large.
    #[error("the postings in {0} are too large to add")]
    Overflow(String),
    /// The key cannot be stored.
    #[error("a transfer's key has 1 to 200 printable characters; found {0:?}")]
    Key(String),
}

impl Problem for TransferError {
    fn kind(&self) -> Kind {
        Kind::Rejected
    }
    fn code(&self) -> &'static str {
        "ledger.transfer"
    }
}

impl Transfer {
    /// A checked transfer.
    pub fn new(
        key: impl Into<String>,
        reason: impl Into<String>,
        reference: impl Into<String>,
        occurred_at: Timestamp,
        postings: Vec<Posting>,
    ) -> Result<Self, TransferError> {
        let key = key.into();
        if !(1..=200).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TransferError::Key(key));
        }
        check(&postings)?;
        Ok(Self { key, reason: reason.into(), reference: reference.into(), occurred_at, postings })
    }

    /// The transfer that undoes this one, under `key`.
    pub fn reversed(&self, key: impl Into<String>, occurred_at: Timestamp) -> Result<Self, TransferError> {
        let undo = |posting: &Posting| Posting { account: posting.account.clone(), amount: -posting.amount };
        let postings = self.postings.iter().map(undo).collect();
        Self::new(key, format!("{}.reversed", self.reason), &self.key, occurred_at, postings)
    }

    /// The caller's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// What it belongs to.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// When it was true.
    pub fn occurred_at(&self) -> Timestamp {
        self.occurred_at
    }

    /// Its postings.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// The hash of what it moves and why: two transfers of one key must agree in it. The time is left out, so that a repetition at another
    /// moment is the same transfer.
    pub fn content(&self) -> String {
        let head = format!("{}\n{}\n", self.reason, self.reference);
        let lines = self
            .postings
            .iter()
            .map(|posting| format!("{} {}\n", posting.account, posting.amount.normalize()));
        let text: String = std::iter::once(head).chain(lines).collect();
        sha256_hex(text.as_bytes())
    }
}

fn check(postings: &[Posting]) -> Result<(), TransferError> {
    if !(2..=POSTINGS_MAX).contains(&postings.len()) {
        return Err(TransferError::Count(postings.len()));
    }
    let mut seen = BTreeSet::new();
    let mut sums = BTreeMap::<&str, Decimal>::new();
    for Posting { account, amount } in postings {
        if amount.is_zero() {
            return Err(TransferError::Zero(account.clone()));
        }
        if !seen.insert(account) {
            return Err(TransferError::Twice(account.clone()));
        }
        let sum = sums.entry(&account.unit).or_default();
        *sum = sum.checked_add(*amount).ok_or_else(|| TransferError::Overflow(account.unit.clone()))?;
    }
    match sums.into_iter().find(|(_, sum)| !sum.is_zero()) {
        Some((unit, sum)) => Err(TransferError::Unbalanced { unit: unit.to_owned(), sum }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn posting(account: &str, amount: &str) -> Posting {
        Posting { account: account.parse().unwrap(), amount: amount.parse().unwrap() }
    }

    fn transfer(postings: Vec<Posting>) -> Result<Transfer, TransferError> {
        Transfer::new("k", "commission.earned", "run-1", Timestamp::UNIX_EPOCH, postings)
    }

    #[test]
    fn what_does_not_sum_to_zero_in_each_unit_is_refused() {
        let unbalanced =
            vec![posting("P1/commissions/COP", "10"), posting("company.0/commissions-expense/USD", "-10")];
        assert!(matches!(transfer(unbalanced), Err(TransferError::Unbalanced { .. })));
        let twice = vec![posting("P1/commissions/COP", "10"), posting("P1/commissions/COP", "-10")];
        assert!(matches!(transfer(twice), Err(TransferError::Twice(_))));
        let nothing = vec![posting("P1/commissions/COP", "0"), posting("P2/commissions/COP", "0")];
        assert!(matches!(transfer(nothing), Err(TransferError::Zero(_))));
        assert!(matches!(transfer(vec![posting("P1/commissions/COP", "1")]), Err(TransferError::Count(1))));
    }

    #[test]
    fn the_same_movement_at_another_time_or_scale_is_the_same_content() {
        let one =
            transfer(vec![posting("P1/commissions/COP", "10.00"), posting("company.0/bank/COP", "-10")])
                .unwrap();
        let other = Transfer::new(
            "k",
            "commission.earned",
            "run-1",
            Timestamp::from_second(5).unwrap(),
            vec![posting("P1/commissions/COP", "10"), posting("company.0/bank/COP", "-10.0")],
        );
        assert_eq!(one.content(), other.unwrap().content());
    }

    proptest! {
        #[test]
        fn a_transfer_and_its_reverse_leave_every_account_as_it_was(minor in prop::collection::vec(1_i64..1_000_000, 1..30)) {
            let mut postings: Vec<_> =
                minor.iter().enumerate().map(|(n, amount)| Posting {
                    account: format!("P{n}/commissions/COP").parse().unwrap(),
                    amount: Decimal::new(*amount, 2),
                }).collect();
            let total: Decimal = postings.iter().map(|posting| posting.amount).sum();
            postings.push(Posting { account: "company.0/commissions-expense/COP".parse().unwrap(), amount: -total });
            let forth = transfer(postings).unwrap();
            let back = forth.reversed("k2", Timestamp::UNIX_EPOCH).unwrap();
            for (one, other) in forth.postings().iter().zip(back.postings()) {
                prop_assert_eq!(one.amount + other.amount, Decimal::ZERO);
            }
        }
    }
}
