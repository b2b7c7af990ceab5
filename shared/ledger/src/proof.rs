//! Shows that the ledger is in balance: each account's postings sum to its balance, and each unit's balances to zero.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Collects accounts and postings in any order.
#[derive(Clone, Debug, Default)]
pub struct Prover {
    balances: BTreeMap<String, Decimal>,
    sums: BTreeMap<String, Decimal>,
    postings: u64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When it was made.
    pub made_at: Timestamp,
    /// Whether nothing is wrong.
    pub balanced: bool,
    /// Accounts looked at.
    pub accounts: u64,
    /// Postings looked at.
    pub postings: u64,
    /// The sum of all balances for each unit; 0 in each if nothing is wrong.
    pub units: BTreeMap<String, Decimal>,
    /// Accounts whose postings do not sum to their balance, the first 100.
    pub wrong_accounts: Vec<WrongAccount>,
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

const WRONG_ACCOUNTS_MAX: usize = 100;

impl Prover {
    /// An account and the balance kept with it.
    pub fn balance(&mut self, account: String, balance: Decimal) {
        self.balances.insert(account, balance);
    }

    /// A posting.
    pub fn posting(&mut self, account: String, amount: Decimal) {
        *self.sums.entry(account).or_default() += amount;
        self.postings += 1;
    }

    /// What all that was collected shows.
    pub fn finish(self, made_at: Timestamp) -> Proof {
        let mut units = BTreeMap::<String, Decimal>::new();
        let mut wrong_accounts = Vec::new();
        let accounts: BTreeSet<&String> = self.balances.keys().chain(self.sums.keys()).collect();
        for account in &accounts {
            let balance = self.balances.get(*account).copied().unwrap_or_default();
            let postings = self.sums.get(*account).copied().unwrap_or_default();
            let unit = account.rsplit('/').next().unwrap_or_default();
            *units.entry(unit.to_owned()).or_default() += balance;
            if balance != postings {
                wrong_accounts.push(WrongAccount { account: (*account).clone(), balance, postings });
            }
        }
        let balanced = wrong_accounts.is_empty() && units.values().all(Decimal::is_zero);
        wrong_accounts.truncate(WRONG_ACCOUNTS_MAX);
        let accounts = u64::try_from(accounts.len()).unwrap_or(u64::MAX);
        Proof { made_at, balanced, accounts, postings: self.postings, units, wrong_accounts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prover(rows: &[(&str, i64, &[i64])]) -> Proof {
        let mut prover = Prover::default();
        for (account, balance, postings) in rows {
            prover.balance((*account).to_owned(), Decimal::from(*balance));
            for amount in *postings {
                prover.posting((*account).to_owned(), Decimal::from(*amount));
            }
        }
        prover.finish(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_ledger_in_balance_is_proved() {
        let proof = prover(&[
            ("P1/commissions/COP", 30, &[10, 20]),
            ("company.0/commissions-expense/COP", -30, &[-30]),
        ]);
        assert!(proof.balanced);
        assert_eq!((proof.accounts, proof.postings), (2, 3));
    }

    #[test]
    fn an_account_that_was_tampered_with_is_named() {
        let proof = prover(&[
            ("P1/commissions/COP", 31, &[10, 20]),
            ("company.0/commissions-expense/COP", -30, &[-30]),
        ]);
        assert!(!proof.balanced);
        assert_eq!(proof.wrong_accounts[0].account, "P1/commissions/COP");
        assert_eq!(proof.units["COP"], Decimal::ONE);
    }

    #[test]
    fn a_posting_without_an_account_is_found() {
        let mut lost = Prover::default();
        lost.posting("P1/wallet/COP".to_owned(), Decimal::ONE);
        assert!(!lost.finish(Timestamp::UNIX_EPOCH).balanced);
    }
}
