//! The ledger's table: the only place that reads and writes it.

use std::collections::BTreeMap;

use aws::{
    Attribute, Aws, AwsError, Condition, Env, Item, Query, Table, Update, Write, decimal, number, text,
};
use foundation::problem::{Fault, Kind, Problem};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    account::Account,
    keys,
    proof::{Proof, Prover, Sums},
    transfer::{Posting, Transfer},
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
    /// An account does not have the balance it was expected to have. Read it again and decide anew.
    #[error("the balance of {0} changed meanwhile")]
    Moved(Account),
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
            Self::Moved(_) => Kind::Conflict,
            // Keys are made from causes: two contents under one key are a fault of ours, which a retry must not paper over.
            Self::KeyReused(_) => Kind::Internal,
            Self::Aws(error) => error.kind(),
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Insufficient(_) => "ledger.insufficient",
            Self::Moved(_) => "ledger.moved",
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
    /// The key of the transfer it is part of.
    pub transfer: String,
    /// When it was true.
    pub occurred_at: String,
    /// Its amount.
    pub amount: Decimal,
    /// Why.
    pub reason: String,
    /// What it belongs to.
    pub reference: String,
}

/// An account's balance and a page of its movements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountStatement {
    /// Its balance.
    pub balance: Decimal,
    /// Movements, the latest first.
    pub items: Vec<Movement>,
    /// Where earlier ones begin, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How many items a transfer of `postings` postings adds to a transaction.
pub fn writes_len(postings: usize) -> usize {
    1 + 2 * postings
}

/// How often an account that moves while it is proved is read again.
const PROOF_READS: u32 = 5;
/// How many suspects of a proof are looked at again; a ledger with more of them is out of order.
const SUSPECTS_MAX: usize = 1000;

impl Ledger {
    /// The ledger in the table named by `LEDGER_TABLE`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self { aws: aws.clone(), table: Table::from_env(aws, env, "LEDGER_TABLE") }
    }

    /// The writes of `transfer`, to be put at the start of a transaction together with what it belongs to.
    /// What a refusal means is told by [`Ledger::refusal`].
    pub fn writes(&self, transfer: &Transfer) -> Vec<Write> {
        self.writes_if(transfer, &BTreeMap::new())
    }

    /// [`Ledger::writes`], refused as [`LedgerError::Moved`] unless these accounts of the transfer still have these balances.
    pub fn writes_if(&self, transfer: &Transfer, expected: &BTreeMap<Account, Decimal>) -> Vec<Write> {
        let mut head = describe(keys::transfer(transfer.key()).onto(Item::new()), transfer);
        let postings = transfer.postings().iter().map(|posting| text(posting_key(transfer, posting)));
        head.insert("content".to_owned(), text(transfer.content()));
        head.insert("postings".to_owned(), Attribute::L(postings.collect()));
        let mut writes = vec![Write::Put(self.table.clone(), head, Condition::Absent)];
        for posting in transfer.postings() {
            let account = &posting.account;
            let change = Update::new()
                .add("balance", number(posting.amount))
                .set_once("account", text(account.to_string()));
            let condition = condition(posting, expected.get(account));
            writes.push(Write::Update(self.table.clone(), keys::balance(account), change, condition));
            let key = keys::posting(account, transfer.occurred_at(), transfer.key());
            let mut item = describe(key.onto(Item::new()), transfer);
            item.insert("account".to_owned(), text(account.to_string()));
            item.insert("amount".to_owned(), number(posting.amount));
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
        Err(short.map(|(_, posting)| {
            let account = posting.account.clone();
            if is_limited(posting) { LedgerError::Insufficient(account) } else { LedgerError::Moved(account) }
        }))
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

    /// The balances of `accounts`, one round trip for each 100. Accounts that nothing was posted to are left out.
    pub async fn balances(&self, accounts: &[Account]) -> Result<BTreeMap<Account, Decimal>, LedgerError> {
        let mut balances = BTreeMap::new();
        for item in self.table.get_many(accounts.iter().map(keys::balance).collect()).await? {
            if let Ok(account) = field(&item, "account").parse() {
                balances.insert(account, decimal(&item, "balance"));
            }
        }
        Ok(balances)
    }

    /// The balance of `account` and a page of its movements, the latest first.
    pub async fn statement(
        &self,
        account: &Account,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<AccountStatement, Fault> {
        let query = Query::partition(keys::account(account)).prefix(keys::POSTING).descending().limit(limit);
        let page = self.table.query(query.consistent().from_cursor(cursor)?).await?;
        let balance = self.table.get(keys::balance(account)).await?.unwrap_or_default();
        Ok(AccountStatement {
            balance: decimal(&balance, "balance"),
            items: page.items.iter().map(movement).collect(),
            next: page.cursor(),
        })
    }

    /// Reads the whole ledger and proves it, and keeps the proof. Background work; the ledger may be written to meanwhile.
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
        self.look_again(&mut prover).await?;
        let proof = prover.finish(now);
        let item = keys::last_proof().onto(aws::to_item(&proof).map_err(AwsError::from)?);
        self.table.put(item, Condition::Always).await?;
        Ok(proof)
    }

    async fn look_again(&self, prover: &mut Prover) -> Result<(), AwsError> {
        let suspects = prover.suspects();
        for account in suspects.accounts.iter().take(SUSPECTS_MAX) {
            let Ok(known) = account.parse() else { continue };
            prover.replace_account(account, self.sums(&known).await?);
        }
        for transfer in suspects.transfers.iter().take(SUSPECTS_MAX) {
            if self.is_whole(transfer).await? {
                prover.clear_transfer(transfer);
            }
        }
        Ok(())
    }

    /// Balance and postings of an account at one moment: read between two equal balances.
    async fn sums(&self, account: &Account) -> Result<Sums, AwsError> {
        let mut sums = Sums::default();
        for _ in 0..PROOF_READS {
            let before = self.table.get(keys::balance(account)).await?.unwrap_or_default();
            let query = Query::partition(keys::account(account)).prefix(keys::POSTING).consistent();
            let postings = self.table.query_all(query).await?;
            let after = self.table.get(keys::balance(account)).await?.unwrap_or_default();
            let postings = postings
                .iter()
                .map(|item| decimal(item, "amount"))
                .fold(Decimal::ZERO, Decimal::saturating_add);
            sums = Sums { balance: decimal(&after, "balance"), postings };
            if decimal(&before, "balance") == sums.balance {
                break;
            }
        }
        Ok(sums)
    }

    /// Whether every posting that the transfer's head names is there, and they sum to zero in each unit.
    async fn is_whole(&self, transfer: &str) -> Result<bool, AwsError> {
        let Some(head) = self.table.get(keys::transfer(transfer)).await? else { return Ok(false) };
        let named = head.get("postings").and_then(|list| list.as_l().ok()).cloned().unwrap_or_default();
        let keys = named.iter().filter_map(|key| keys::posting_at(key.as_s().ok()?)).collect::<Vec<_>>();
        let mut sums = BTreeMap::<String, Decimal>::new();
        let found = self.table.get_many(keys).await?;
        for item in &found {
            let account = field(item, "account");
            let sum = sums.entry(account.rsplit('/').next().unwrap_or_default().to_owned()).or_default();
            *sum = sum.saturating_add(decimal(item, "amount"));
        }
        Ok(found.len() == named.len() && sums.values().all(Decimal::is_zero))
    }

    /// The last proof, if one was ever made.
    pub async fn last_proof(&self) -> Result<Option<Proof>, Fault> {
        let item = self.table.get(keys::last_proof()).await?;
        Ok(item.map(aws::from_item).transpose().map_err(AwsError::from)?)
    }
}

fn is_limited(posting: &Posting) -> bool {
    posting.account.purpose.is_limited() && posting.amount.is_sign_negative()
}

fn condition(posting: &Posting, expected: Option<&Decimal>) -> Condition {
    match expected {
        Some(balance) if balance.is_zero() => Condition::Any(vec![
            Condition::Missing("balance"),
            Condition::Equals("balance", number(Decimal::ZERO)),
        ]),
        Some(balance) => Condition::Equals("balance", number(*balance)),
        None if is_limited(posting) => Condition::AtLeast("balance", number(-posting.amount)),
        None => Condition::Always,
    }
}

fn describe(mut item: Item, transfer: &Transfer) -> Item {
    for (name, value) in
        [("key", transfer.key()), ("reason", transfer.reason()), ("reference", transfer.reference())]
    {
        item.insert(name.to_owned(), text(value));
    }
    item.insert("occurred_at".to_owned(), text(transfer.occurred_at().to_string()));
    item
}

/// The key of a posting as one text, by which a transfer's head names it.
fn posting_key(transfer: &Transfer, posting: &Posting) -> String {
    let key = keys::posting(&posting.account, transfer.occurred_at(), transfer.key());
    format!("{} {}", key.pk, key.sk)
}

fn field(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}

fn movement(item: &Item) -> Movement {
    Movement {
        transfer: field(item, "key"),
        occurred_at: field(item, "occurred_at"),
        amount: decimal(item, "amount"),
        reason: field(item, "reason"),
        reference: field(item, "reference"),
    }
}

fn collect(prover: &mut Prover, item: &Item) {
    let sort = field(item, "sk");
    if sort == keys::BALANCE {
        prover.balance(field(item, "account"), decimal(item, "balance"));
    } else if sort.starts_with(keys::POSTING) {
        prover.posting(&field(item, "key"), field(item, "account"), decimal(item, "amount"));
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
        let moved = AwsError::Refused(vec![None, None, None, Some(Box::default()), None]);
        let refusal = Ledger::refusal(&transfer(), moved);
        assert!(
            matches!(refusal, Err(Some(LedgerError::Moved(account))) if account.to_string() == "P2/wallet/COP")
        );
        let later = AwsError::Refused(vec![None, None, None, None, None, Some(Box::default())]);
        assert!(matches!(Ledger::refusal(&transfer(), later), Err(None)));
    }
}
