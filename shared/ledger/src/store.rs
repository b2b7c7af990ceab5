//! The ledger's table: the only place that reads and writes it.

use aws::{Aws, AwsError, Condition, Env, Item, Query, Table, Update, Write, decimal, number, text};
use foundation::{
    id::PersonId,
    problem::{Fault, Kind, Problem},
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    account::{Account, Purpose},
    keys,
    proof::{Proof, Prover},
    transfer::Transfer,
};

/// The ledger.
#[derive(Clone, Debug)]
pub struct Ledger {
    aws: Aws,
    table: Table,
}

/// Why a transfer was not made.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A limited account would pass below zero.
    #[error("{0} does not hold enough")]
    Insufficient(Account),
    /// The key stands for another transfer.
    #[error("the transfer {0} was made with another content")]
    KeyReused(String),
    /// The table.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl Problem for LedgerError {
    fn kind(&self) -> Kind {
        match self {
            Self::Insufficient(_) => Kind::Rejected,
            // Keys are made from causes: two contents under one key are a fault of ours, which a retry must not paper over.
            Self::KeyReused(_) => Kind::Internal,
            Self::Aws(error) => error.kind(),
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Insufficient(_) => "ledger.insufficient",
            Self::KeyReused(_) => "ledger.key-reused",
            Self::Aws(error) => error.code(),
        }
    }
}

/// Whether a transfer was made now or stood there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// Now.
    Now,
    /// Before, with the same content.
    Before,
}

/// One movement of an account's statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Movement {
    /// When it was true.
    pub occurred_at: String,
    /// Its amount.
    pub amount: Decimal,
    /// Why.
    pub reason: String,
    /// What it belongs to.
    pub reference: String,
}

/// An account's balance and its latest movements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountStatement {
    /// The account.
    pub account: Account,
    /// Its balance.
    pub balance: Decimal,
    /// Its latest movements, the latest first.
    pub movements: Vec<Movement>,
}

/// How many items a transfer of `postings` postings adds to a transaction.
pub fn writes_len(postings: usize) -> usize {
    1 + 2 * postings
}

/// Movements an account statement shows at most.
const MOVEMENTS_MAX: u16 = 100;

impl Ledger {
    /// The ledger in the table named by `LEDGER_TABLE`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self { aws: aws.clone(), table: Table::from_env(aws, env, "LEDGER_TABLE") }
    }

    /// The writes of `transfer`, to be put at the start of a transaction together with what it belongs to.
    /// What a refusal means is told by [`Ledger::refusal`].
    pub fn writes(&self, transfer: &Transfer) -> Vec<Write> {
        let mut head = keys::transfer(transfer.key()).onto(Item::new());
        for (name, value) in
            [("content", transfer.content()), ("occurred_at", transfer.occurred_at().to_string())]
        {
            head.insert(name.to_owned(), text(value));
        }
        describe(&mut head, transfer);
        let mut writes = vec![Write::Put(self.table.clone(), head, Condition::Absent)];
        for posting in transfer.postings() {
            let account = &posting.account;
            let change = Update::new()
                .add("balance", number(posting.amount))
                .set_once("account", text(account.to_string()));
            let limit = if account.purpose.is_limited() && posting.amount.is_sign_negative() {
                Condition::AtLeast("balance", number(-posting.amount))
            } else {
                Condition::Always
            };
            writes.push(Write::Update(self.table.clone(), keys::balance(account), change, limit));
            let mut item = keys::posting(account, transfer.occurred_at(), transfer.key()).onto(Item::new());
            item.insert("account".to_owned(), text(account.to_string()));
            item.insert("amount".to_owned(), number(posting.amount));
            item.insert("occurred_at".to_owned(), text(transfer.occurred_at().to_string()));
            describe(&mut item, transfer);
            writes.push(Write::Put(self.table.clone(), item, Condition::Always));
        }
        writes
    }

    /// What `error` means for a transaction that starts with [`Ledger::writes`] of `transfer`:
    /// it was made before, or why it could not be made. `Err(None)`: the refusal is not the ledger's but of a later write.
    pub fn refusal(transfer: &Transfer, error: AwsError) -> Result<Posted, Option<LedgerError>> {
        let AwsError::Refused(reasons) = &error else { return Err(Some(error.into())) };
        if let Some(Some(standing)) = reasons.first() {
            let same =
                standing.get("content").and_then(|value| value.as_s().ok()) == Some(&transfer.content());
            return if same {
                Ok(Posted::Before)
            } else {
                Err(Some(LedgerError::KeyReused(transfer.key().to_owned())))
            };
        }
        let short = transfer
            .postings()
            .iter()
            .enumerate()
            .find(|(n, _)| matches!(reasons.get(1 + 2 * n), Some(Some(_))));
        Err(short.map(|(_, posting)| LedgerError::Insufficient(posting.account.clone())))
    }

    /// Makes `transfer`, once.
    pub async fn post(&self, transfer: &Transfer) -> Result<Posted, LedgerError> {
        match self.aws.transact(self.writes(transfer)).await {
            Ok(()) => Ok(Posted::Now),
            Err(error) => Self::refusal(transfer, error).map_err(|refusal| {
                refusal.unwrap_or_else(|| LedgerError::KeyReused(transfer.key().to_owned()))
            }),
        }
    }

    /// A person's account of commissions in `unit`.
    pub async fn commissions_of(
        &self,
        person: &PersonId,
        unit: &str,
    ) -> Result<AccountStatement, LedgerError> {
        let account = Account::of_person(person.clone(), Purpose::Commissions, unit);
        let balance = self.table.get(keys::balance(&account)).await?.unwrap_or_default();
        let query =
            Query::partition(keys::account(&account)).prefix(keys::POSTING).descending().limit(MOVEMENTS_MAX);
        let movements = self.table.query(query).await?.items.iter().map(movement).collect();
        Ok(AccountStatement { account, balance: decimal(&balance, "balance"), movements })
    }

    /// Reads the whole ledger and proves it, and keeps the proof. Background work.
    pub async fn prove(&self, now: Timestamp) -> Result<Proof, Fault> {
        let mut prover = Prover::default();
        let mut cursor = None;
        loop {
            let page = self.table.scan(0, 1, cursor).await?;
            for item in &page.items {
                collect(&mut prover, item);
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let proof = prover.finish(now);
        let item = keys::last_proof().onto(aws::to_item(&proof).map_err(AwsError::from)?);
        self.table.put(item, Condition::Always).await?;
        Ok(proof)
    }

    /// The last proof, if one was ever made.
    pub async fn last_proof(&self) -> Result<Option<Proof>, Fault> {
        let item = self.table.get(keys::last_proof()).await?;
        Ok(item.map(aws::from_item).transpose().map_err(AwsError::from)?)
    }
}

fn describe(item: &mut Item, transfer: &Transfer) {
    for (name, value) in
        [("key", transfer.key()), ("reason", transfer.reason()), ("reference", transfer.reference())]
    {
        item.insert(name.to_owned(), text(value));
    }
}

fn movement(item: &Item) -> Movement {
    let field = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    Movement {
        occurred_at: field("occurred_at"),
        amount: decimal(item, "amount"),
        reason: field("reason"),
        reference: field("reference"),
    }
}

fn collect(prover: &mut Prover, item: &Item) {
    let field = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    let sort = field("sk");
    if sort == keys::BALANCE {
        prover.balance(field("account"), decimal(item, "balance"));
    } else if sort.starts_with(keys::POSTING) {
        prover.posting(field("account"), decimal(item, "amount"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::Posting;

    fn transfer() -> Transfer {
        let posting = |account: &str, amount: i64| Posting {
            account: account.parse().unwrap(),
            amount: Decimal::from(amount),
        };
        let postings = vec![posting("P1/wallet/COP", -5), posting("P2/wallet/COP", 5)];
        Transfer::new("k", "wallet.sent", "t-1", Timestamp::UNIX_EPOCH, postings).unwrap()
    }

    #[test]
    fn a_refused_transaction_says_what_stood_in_the_way() {
        let standing = |content: String| Some(Box::new(Item::from([("content".to_owned(), text(content))])));
        let same = AwsError::Refused(vec![standing(transfer().content()), None, None, None, None]);
        assert!(matches!(Ledger::refusal(&transfer(), same), Ok(Posted::Before)));
        let other = AwsError::Refused(vec![standing("x".to_owned()), None, None, None, None]);
        assert!(matches!(Ledger::refusal(&transfer(), other), Err(Some(LedgerError::KeyReused(_)))));
        let short = AwsError::Refused(vec![None, Some(Box::default()), None, None, None]);
        let refusal = Ledger::refusal(&transfer(), short);
        assert!(
            matches!(refusal, Err(Some(LedgerError::Insufficient(account))) if account.to_string() == "P1/wallet/COP")
        );
        let later = AwsError::Refused(vec![None, None, None, None, None, Some(Box::default())]);
        assert!(matches!(Ledger::refusal(&transfer(), later), Err(None)));
    }
}
