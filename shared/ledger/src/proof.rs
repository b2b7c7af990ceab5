//! Shows that the ledger is in balance: each account's postings sum to its balance, each transfer's postings to zero.
//!
//! A ledger is read while it is written to, so a proof meets accounts and transfers of which it saw only a part. They are its
//! [suspects](Prover::suspects); whoever reads the ledger looks at each of them again and [clears](Prover::clear_transfer) those that are
//! in order. What is left is wrong.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Collects balances and postings in any order.
#[derive(Clone, Debug, Default)]
pub struct Prover {
    accounts: BTreeMap<String, Sums>,
    /// What the postings of a transfer that were seen sum to, by transfer and unit; transfers that sum to zero are not kept.
    transfers: BTreeMap<(String, String), Decimal>,
    postings: u64,
    overflows: bool,
}

/// The balance kept with an account, and what its postings sum to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// The balance that is kept.
    pub balance: Decimal,
    /// What the postings sum to.
    pub postings: Decimal,
}

impl Sums {
    /// Whether both agree.
    pub fn agree(self) -> bool {
        self.balance == self.postings
    }
}

/// What has to be looked at again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suspects {
    /// Accounts whose balance differs from what their postings sum to.
    pub accounts: Vec<String>,
    /// Keys of transfers whose postings do not sum to zero.
    pub transfers: Vec<String>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When it was begun.
    pub made_at: Timestamp,
    /// Whether nothing is wrong.
    pub balanced: bool,
    /// Accounts looked at.
    pub accounts: u64,
    /// Postings looked at.
    pub postings: u64,
    /// What the balances of each unit sum to; 0 in each if nothing is wrong.
    pub units: BTreeMap<String, Decimal>,
    /// Accounts whose postings do not sum to their balance, the first 100.
    pub wrong_accounts: Vec<WrongAccount>,
    /// Transfers whose postings do not sum to zero or are not all there, the first 100.
    pub wrong_transfers: Vec<String>,
}

/// An account whose postings do not sum to its balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongAccount {
    /// The account.
    pub account: String,
    /// The balance that is kept.
    pub balance: Decimal,
    /// What its postings sum to.
    pub postings: Decimal,
}

/// How many wrong things a proof names.
const NAMED_MAX: usize = 100;

impl Prover {
    /// An account and the balance kept with it.
    pub fn balance(&mut self, account: String, balance: Decimal) {
        self.accounts.entry(account).or_default().balance = balance;
    }

    /// A posting of a transfer.
    pub fn posting(&mut self, transfer: &str, account: String, amount: Decimal) {
        let key = (transfer.to_owned(), unit_of(&account).to_owned());
        let open = self.transfers.get(&key).copied().unwrap_or_default();
        let sums = self.accounts.entry(account).or_default();
        let (Some(postings), Some(open)) = (sums.postings.checked_add(amount), open.checked_add(amount))
        else {
            self.overflows = true;
            return;
        };
        sums.postings = postings;
        if open.is_zero() {
            self.transfers.remove(&key);
        } else {
            self.transfers.insert(key, open);
        }
        self.postings += 1;
    }

    /// What does not add up so far.
    pub fn suspects(&self) -> Suspects {
        let accounts = self.accounts.iter().filter(|(_, sums)| !sums.agree());
        let mut transfers: Vec<_> = self.transfers.keys().map(|(transfer, _)| transfer.clone()).collect();
        transfers.dedup();
        Suspects { accounts: accounts.map(|(account, _)| account.clone()).collect(), transfers }
    }

    /// Takes `sums`, read again at one moment, for what was seen of `account`.
    pub fn replace_account(&mut self, account: &str, sums: Sums) {
        self.accounts.insert(account.to_owned(), sums);
    }

    /// All postings of `transfer` were looked at again and are in order: it was written while the ledger was read.
    pub fn clear_transfer(&mut self, transfer: &str) {
        self.transfers.retain(|(known, _), _| known != transfer);
    }

    /// What all that was collected shows.
    pub fn finish(self, made_at: Timestamp) -> Proof {
        let suspects = self.suspects();
        let mut units: BTreeMap<String, Decimal> =
            self.accounts.keys().map(|account| (unit_of(account).to_owned(), Decimal::ZERO)).collect();
        // A unit's balances sum to what its accounts and its transfers are off; both are 0 for what is in order.
        let off_accounts = self
            .accounts
            .iter()
            .map(|(account, sums)| (unit_of(account), sums.balance.saturating_sub(sums.postings)));
        let off_transfers = self.transfers.iter().map(|((_, unit), sum)| (unit.as_str(), *sum));
        for (unit, off) in off_accounts.chain(off_transfers) {
            let sum = units.entry(unit.to_owned()).or_default();
            *sum = sum.saturating_add(off);
        }
        let wrong = |account: &String| {
            let sums = self.accounts.get(account).copied().unwrap_or_default();
            WrongAccount { account: account.clone(), balance: sums.balance, postings: sums.postings }
        };
        Proof {
            made_at,
            balanced: suspects == Suspects::default() && !self.overflows,
            accounts: u64::try_from(self.accounts.len()).unwrap_or(u64::MAX),
            postings: self.postings,
            units,
            wrong_accounts: suspects.accounts.iter().take(NAMED_MAX).map(wrong).collect(),
            wrong_transfers: suspects.transfers.into_iter().take(NAMED_MAX).collect(),
        }
    }
}

fn unit_of(account: &str) -> &str {
    account.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EARNED: [(&str, i64); 2] = [("P1/commissions/COP", 30), ("company.0/commissions-expense/COP", -30)];

    fn prover(balances: &[(&str, i64)], postings: &[(&str, i64)]) -> Prover {
        let mut prover = Prover::default();
        for (account, balance) in balances {
            prover.balance((*account).to_owned(), Decimal::from(*balance));
        }
        for (account, amount) in postings {
            prover.posting("t-1", (*account).to_owned(), Decimal::from(*amount));
        }
        prover
    }

    #[test]
    fn a_ledger_in_balance_is_proved() {
        let proof = prover(&EARNED, &EARNED).finish(Timestamp::UNIX_EPOCH);
        assert!(proof.balanced);
        assert_eq!((proof.accounts, proof.postings), (2, 2));
        assert_eq!(proof.units["COP"], Decimal::ZERO);
    }

    #[test]
    fn an_account_that_was_tampered_with_is_named() {
        let balances = [("P1/commissions/COP", 31), EARNED[1]];
        let proof = prover(&balances, &EARNED).finish(Timestamp::UNIX_EPOCH);
        assert!(!proof.balanced);
        assert_eq!(proof.wrong_accounts[0].account, "P1/commissions/COP");
        assert_eq!(proof.units["COP"], Decimal::ONE);
    }

    #[test]
    fn a_posting_that_was_lost_leaves_its_account_and_its_transfer_wrong() {
        let proof = prover(&EARNED, &EARNED[..1]).finish(Timestamp::UNIX_EPOCH);
        assert!(!proof.balanced);
        assert_eq!(proof.wrong_accounts[0].account, EARNED[1].0);
        assert_eq!(proof.wrong_transfers, ["t-1"]);
    }

    #[test]
    fn an_account_and_its_posting_lost_together_leave_the_transfer_wrong() {
        let proof = prover(&EARNED[..1], &EARNED[..1]).finish(Timestamp::UNIX_EPOCH);
        assert!(!proof.balanced);
        assert_eq!(proof.wrong_accounts, []);
        assert_eq!(proof.wrong_transfers, ["t-1"]);
        assert_eq!(proof.units["COP"], Decimal::from(30));
    }

    #[test]
    fn what_was_written_while_it_was_read_is_cleared_and_does_not_count() {
        // The reader passed the person before the transfer was made and the company after it.
        let mut prover = prover(&[("P1/commissions/COP", 0), EARNED[1]], &EARNED[1..]);
        assert_eq!(prover.suspects().transfers, ["t-1"]);
        prover.clear_transfer("t-1");
        let proof = prover.finish(Timestamp::UNIX_EPOCH);
        assert!(proof.balanced);
        assert_eq!(proof.units["COP"], Decimal::ZERO);
    }
}
