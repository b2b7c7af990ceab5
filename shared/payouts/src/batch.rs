//! Cuts what a run earned, and what a file paid, into ledger transfers that each fit into one transaction. Pure.

use std::collections::BTreeMap;

use foundation::{
    digest::sha256_hex,
    id::{CycleId, PersonId, RunId},
    money::{Currency, Money},
    problem::{Kind, Problem},
};
use jiff::Timestamp;
use ledger::{
    account::{Account, Purpose},
    transfer::{Posting, Transfer, TransferError},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    file::{Mistake, PaymentLine},
    payable::{Method, Payable, PayableId, PayableState},
};

/// People of one transaction of `pay`: each takes two accounts with a posting each and a payable, beside the transfer, the company's two,
/// the batch and the counts.
pub const EARNERS_MAX: usize = 19;
/// Lines of one transaction of a payment file: each takes an account, a posting and a payable.
pub const LINES_MAX: usize = 31;

/// What a person earned in a run, in one currency. May be below zero, when returns took back more than was earned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earning {
    /// Who.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Their document.
    pub document: String,
    /// How much.
    pub amount: Money,
}

/// Earnings that become payables in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarningBatch {
    /// The run.
    pub run: RunId,
    /// The cycle it is for.
    pub cycle: CycleId,
    /// Of all earnings.
    pub currency: Currency,
    /// Counts the batches of a run and a currency from 0.
    pub number: usize,
    /// None of them zero.
    pub earnings: Vec<Earning>,
}

/// What a batch of earnings comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// From the company's expense to the people's accounts.
    pub transfer: Transfer,
    /// For those who are owed something.
    pub payables: Vec<Payable>,
    /// The carried balances it was worked out from.
    pub expected: BTreeMap<Account, Decimal>,
    /// The counts of it.
    pub owed: Owed,
}

/// What became of a batch of earnings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// Payables made.
    pub payables: u64,
    /// What they come to, in the batch's currency.
    pub owed: Decimal,
    /// What was earned and carried instead; below zero what became a debt, above what repaid one.
    pub carried: Decimal,
}

/// Lines of a payment file that are applied in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentBatch {
    /// The run of all lines.
    pub run: RunId,
    /// The currency of all lines.
    pub currency: Currency,
    /// Counts the batches of a file, a run and a currency from 0.
    pub number: usize,
    /// With their numbers in the file.
    pub lines: Vec<(u64, PaymentLine)>,
}

/// What applying a batch of a payment file comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Paid: from the people's commissions accounts to the bank. None if the batch has no paid line.
    pub transfer: Option<Transfer>,
    /// Payables before and after.
    pub turned: Vec<(Payable, Payable)>,
    /// The counts of it.
    pub outcome: BatchOutcome,
}

/// What became of a batch of a payment file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchOutcome {
    /// Lines that turned their payable to paid.
    pub paid: u64,
    /// Lines that turned their payable to failed.
    pub failed: u64,
    /// Lines that could not be applied, because their payable changed after the file was checked.
    pub left: Vec<Mistake>,
}

/// Who applies a payment file.
#[derive(Clone, Copy, Debug)]
pub struct Applying<'a> {
    /// The file.
    pub file: &'a str,
    /// Who started it.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
}

/// Why earnings cannot become payables.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EarningError {
    /// A person stands there twice in one currency.
    #[error("{person} stands twice among the earnings in {currency}")]
    Twice {
        /// Who.
        person: PersonId,
        /// In what.
        currency: Currency,
    },
    /// An amount is too large.
    #[error("the earnings of {0} are too large to add to what is carried")]
    Overflow(PersonId),
    /// They make no transfer.
    #[error(transparent)]
    Transfer(#[from] TransferError),
}

impl Problem for EarningError {
    fn kind(&self) -> Kind {
        match self {
            Self::Twice { .. } => Kind::Internal,
            Self::Overflow(_) => Kind::Rejected,
            Self::Transfer(error) => error.kind(),
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Twice { .. } => "payouts.earning-twice",
            Self::Overflow(_) => "payouts.earning-overflow",
            Self::Transfer(error) => error.code(),
        }
    }
}

/// The batches of `run`, the same for the same earnings in whatever order they come. Earnings of zero are left out.
pub fn earned(
    run: &RunId,
    cycle: &CycleId,
    earnings: Vec<Earning>,
) -> Result<Vec<EarningBatch>, EarningError> {
    let mut sorted = BTreeMap::<Currency, BTreeMap<PersonId, Earning>>::new();
    for earning in earnings {
        let currency = earning.amount.currency();
        if let Some(first) = sorted.entry(currency).or_default().insert(earning.person.clone(), earning) {
            return Err(EarningError::Twice { person: first.person, currency });
        }
    }
    let mut batches = Vec::new();
    for (currency, earnings) in sorted {
        let earnings: Vec<_> =
            earnings.into_values().filter(|earning| !earning.amount.amount().is_zero()).collect();
        for (number, earnings) in earnings.chunks(EARNERS_MAX).enumerate() {
            let (run, cycle, earnings) = (run.clone(), cycle.clone(), earnings.to_vec());
            batches.push(EarningBatch { run, cycle, currency, number, earnings });
        }
    }
    Ok(batches)
}

impl EarningBatch {
    /// The accounts of what its people carry.
    pub fn carried_accounts(&self) -> Vec<Account> {
        self.earnings.iter().map(|earning| self.account(earning, Purpose::CommissionsCarried)).collect()
    }

    /// Works out what is owed from what is carried (accounts that are missing carry nothing).
    ///
    /// A person is owed what was earned and what is carried together, if that is above zero. So an earlier debt is repaid first, and never
    /// twice: what repays it leaves the carried account in the same transfer.
    pub fn settle(
        &self,
        carried: &BTreeMap<Account, Decimal>,
        at: Timestamp,
    ) -> Result<Settled, EarningError> {
        let mut postings = Vec::new();
        let mut payables = Vec::new();
        let mut expected = BTreeMap::new();
        let mut owed = Owed { payables: 0, owed: Decimal::ZERO, carried: Decimal::ZERO };
        for earning in &self.earnings {
            let overflow = || EarningError::Overflow(earning.person.clone());
            let account = self.account(earning, Purpose::CommissionsCarried);
            let before = carried.get(&account).copied().unwrap_or_default();
            let amount = earning.amount.amount();
            let due = before.checked_add(amount).ok_or_else(overflow)?.max(Decimal::ZERO);
            let kept = amount.checked_sub(due).ok_or_else(overflow)?;
            if !due.is_zero() {
                postings.push(Posting { account: self.account(earning, Purpose::Commissions), amount: due });
                let money = Money::exactly(due, self.currency).map_err(|_| overflow())?;
                payables.push(self.payable(earning, money, at));
            }
            if !kept.is_zero() {
                expected.insert(account.clone(), before);
                postings.push(Posting { account, amount: kept });
            }
            owed.payables += u64::from(!due.is_zero());
            owed.owed = owed.owed.checked_add(due).ok_or_else(overflow)?;
            owed.carried = owed.carried.checked_add(kept).ok_or_else(overflow)?;
        }
        let company = Account::of_company(self.number, Purpose::CommissionsExpense, self.currency.code());
        let total = owed.owed.saturating_add(owed.carried);
        let key = format!("run/{}/pay/{}/{}", self.run, self.currency, self.number);
        let postings = closed(postings, company, total);
        let transfer = Transfer::new(key, "commission.earned", self.run.as_str(), at, postings)?;
        Ok(Settled { transfer, payables, expected, owed })
    }

    /// The hash of who earned what: a batch that is written again must agree in it.
    pub fn content(&self) -> String {
        let lines = self
            .earnings
            .iter()
            .map(|earning| format!("{} {}\n", earning.person, earning.amount.amount().normalize()));
        sha256_hex(lines.collect::<String>().as_bytes())
    }

    fn account(&self, earning: &Earning, purpose: Purpose) -> Account {
        Account::of_person(earning.person.clone(), purpose, self.currency.code())
    }

    fn payable(&self, earning: &Earning, amount: Money, since: Timestamp) -> Payable {
        let (run, person) = (self.run.clone(), earning.person.clone());
        Payable {
            id: PayableId { run, person, currency: self.currency },
            cycle: self.cycle.clone(),
            name: earning.name.clone(),
            document: earning.document.clone(),
            amount,
            method: Method::default(),
            state: PayableState::Pending,
            note: None,
            file: None,
            since,
            version: 1,
            history: Vec::new(),
        }
    }
}

/// The batches of a file's lines, the same in whatever order they come.
pub fn batches(mut lines: Vec<(u64, PaymentLine)>) -> Vec<PaymentBatch> {
    let mut sorted = BTreeMap::<(RunId, Currency), Vec<(u64, PaymentLine)>>::new();
    lines.sort_by(|(_, one), (_, other)| one.payable.cmp(&other.payable));
    for (line, payment) in lines {
        let of = (payment.payable.run.clone(), payment.payable.currency);
        sorted.entry(of).or_default().push((line, payment));
    }
    let mut batches = Vec::new();
    for ((run, currency), lines) in sorted {
        for (number, lines) in lines.chunks(LINES_MAX).enumerate() {
            batches.push(PaymentBatch { run: run.clone(), currency, number, lines: lines.to_vec() });
        }
    }
    batches
}

impl PaymentBatch {
    /// Applies the lines to `payables` as they are now. A line whose payable is no longer due is left.
    pub fn apply(
        &self,
        payables: &BTreeMap<PayableId, Payable>,
        how: Applying<'_>,
    ) -> Result<Applied, TransferError> {
        let mut applied = Applied::default();
        let mut postings = Vec::new();
        let mut total = Decimal::ZERO;
        for (line, payment) in &self.lines {
            let Some(before) = payables.get(&payment.payable) else {
                let detail = format!("there is no payable {}", payment.payable);
                applied.outcome.left.push(Mistake { line: *line, detail });
                continue;
            };
            let after = match before.settle(payment, how.file, how.by, how.at) {
                Ok(after) => after,
                Err(error) => {
                    let detail = format!("not applied: {error}");
                    applied.outcome.left.push(Mistake { line: *line, detail });
                    continue;
                }
            };
            if payment.paid {
                let (person, unit) = (payment.payable.person.clone(), self.currency.code());
                let account = Account::of_person(person, Purpose::Commissions, unit);
                let amount = before.amount.amount();
                postings.push(Posting { account, amount: -amount });
                total = total.saturating_add(amount);
                applied.outcome.paid += 1;
            } else {
                applied.outcome.failed += 1;
            }
            applied.turned.push((before.clone(), after));
        }
        if !postings.is_empty() {
            let key = format!("payment-file/{}/{}/{}/{}", how.file, self.run, self.currency, self.number);
            let bank = Account::of_company(self.number, Purpose::Bank, self.currency.code());
            let postings = closed(postings, bank, -total);
            applied.transfer = Some(Transfer::new(key, "commission.paid", how.file, how.at, postings)?);
        }
        Ok(applied)
    }
}

/// The postings and the company's, which takes `total` off its account.
fn closed(mut postings: Vec<Posting>, company: Account, total: Decimal) -> Vec<Posting> {
    // Earnings and debts may cancel each other out; then the company has no part in it.
    if !total.is_zero() {
        postings.push(Posting { account: company, amount: -total });
    }
    postings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::payable::tests::payable;

    fn earning(person: usize, minor: i64, currency: &str) -> Earning {
        Earning {
            person: format!("P{person:04}").parse().unwrap(),
            name: format!("Person {person}"),
            document: format!("CC {person}"),
            amount: Money::exactly(Decimal::new(minor, 2), currency.parse().unwrap()).unwrap(),
        }
    }

    fn batches_of(earnings: Vec<Earning>) -> Vec<EarningBatch> {
        earned(&"r-1".parse().unwrap(), &"2026-10".parse().unwrap(), earnings).unwrap()
    }

    /// Runs one person's earnings one after the other over a ledger; gives what was payable each time.
    fn payables_of(minor: &[i64]) -> (Vec<Decimal>, BTreeMap<Account, Decimal>) {
        let mut balances = BTreeMap::new();
        let mut payables = Vec::new();
        for amount in minor {
            for batch in batches_of(vec![earning(1, *amount, "COP")]) {
                let settled = batch.settle(&balances, Timestamp::UNIX_EPOCH).unwrap();
                for Posting { account, amount } in settled.transfer.postings() {
                    *balances.entry(account.clone()).or_default() += *amount;
                }
                payables.push(settled.owed.owed);
            }
        }
        (payables, balances)
    }

    #[test]
    fn a_debt_is_repaid_by_later_earnings_before_anything_is_payable() {
        let (payables, balances) = payables_of(&[10_000, -30_000, 25_000, 25_000, 1_000]);
        let expected = [100, 0, 0, 200, 10].map(Decimal::from);
        assert_eq!(payables, expected);
        let balance = |account: &str| balances[&account.parse::<Account>().unwrap()];
        // The payable of the first run stays as it was: a debt is taken from what is earned later.
        assert_eq!(balance("P0001/commissions/COP"), Decimal::from(310));
        assert_eq!(balance("P0001/commissions-carried/COP"), Decimal::ZERO);
    }

    #[test]
    fn a_repetition_with_other_earnings_has_another_content() {
        let [one, other] = [1000, 1001].map(|minor| batches_of(vec![earning(1, minor, "COP")]).remove(0));
        assert_ne!(one.content(), other.content());
        assert_eq!(one.content(), one.clone().content());
    }

    #[test]
    fn a_person_who_stands_twice_is_refused() {
        let earnings = vec![earning(1, 1000, "COP"), earning(1, 500, "COP")];
        let refused = earned(&"r-1".parse().unwrap(), &"2026-10".parse().unwrap(), earnings);
        assert!(matches!(refused, Err(EarningError::Twice { .. })));
    }

    fn line(id: &str, paid: bool) -> PaymentLine {
        PaymentLine { payable: id.parse().unwrap(), amount: 5.into(), paid, note: String::new() }
    }

    const HOW: Applying<'static> = Applying { file: "f1", by: "ana", at: Timestamp::UNIX_EPOCH };

    #[test]
    fn a_person_paid_for_two_runs_stands_in_two_transfers() {
        let made = batches(vec![(2, line("r-1~P1~COP", true)), (3, line("r-2~P1~COP", true))]);
        let owed = ["r-1~P1~COP", "r-2~P1~COP"].map(|id| payable(id, "5", PayableState::Pending));
        let owed = owed.into_iter().map(|payable| (payable.id.clone(), payable)).collect();
        let keys: Vec<_> = made
            .iter()
            .map(|batch| batch.apply(&owed, HOW).unwrap().transfer.unwrap().key().to_owned())
            .collect();
        assert_eq!(keys, ["payment-file/f1/r-1/COP/0", "payment-file/f1/r-2/COP/0"]);
    }

    #[test]
    fn a_line_whose_payable_was_held_meanwhile_is_left_and_the_others_are_applied() {
        let lines =
            vec![(2, line("r~P1~COP", true)), (3, line("r~P2~COP", true)), (4, line("r~P3~COP", false))];
        let states = [PayableState::Held, PayableState::Pending, PayableState::Failed];
        let owed = states.iter().zip(&lines).map(|(state, (_, line))| {
            (line.payable.clone(), payable(&line.payable.to_string(), "5", *state))
        });
        let applied = batches(lines.clone())[0].apply(&owed.collect(), HOW).unwrap();
        assert_eq!((applied.outcome.paid, applied.outcome.failed), (1, 1));
        assert_eq!(applied.outcome.left.iter().map(|left| left.line).collect::<Vec<_>>(), [2]);
        assert_eq!(applied.transfer.unwrap().postings().len(), 2);
        assert!(applied.turned.iter().all(|(_, after)| after.file.as_deref() == Some("f1")));
    }

    proptest! {
        #[test]
        fn every_cent_earned_is_posted_once_in_whatever_order_it_comes(
            minor in prop::collection::vec(-50_000_i64..1_000_000, 2..150),
            debts in prop::collection::vec(-60_000_i64..1, 150),
            turn in 0_usize..150,
        ) {
            let earnings: Vec<_> = minor.iter().enumerate()
                .map(|(n, amount)| earning(n, *amount, if n % 3 == 0 { "USD" } else { "COP" })).collect();
            let mut turned = earnings.clone();
            turned.rotate_left(turn % minor.len());
            let made = batches_of(earnings.clone());
            prop_assert_eq!(&made, &batches_of(turned));
            let mut posted = Decimal::ZERO;
            for batch in &made {
                let accounts = batch.carried_accounts().into_iter();
                let carried: BTreeMap<_, _> =
                    accounts.zip(&debts).map(|(account, minor)| (account, Decimal::new(*minor, 2))).collect();
                let settled = batch.settle(&carried, Timestamp::UNIX_EPOCH).unwrap();
                let people = settled.transfer.postings().iter().filter(|posting| {
                    matches!(posting.account.purpose, Purpose::Commissions | Purpose::CommissionsCarried)
                });
                for posting in people {
                    posted += posting.amount;
                    // What is carried never rises above zero by an earning: whatever is above is owed.
                    let before = carried.get(&posting.account).copied().unwrap_or_default();
                    let is_carried = posting.account.purpose == Purpose::CommissionsCarried;
                    prop_assert!(!is_carried || before + posting.amount <= Decimal::ZERO);
                }
                let writes = ledger::store::writes_len(settled.transfer.postings().len());
                prop_assert!(writes + settled.payables.len() + 2 <= 100);
            }
            prop_assert_eq!(posted, earnings.iter().map(|earning| earning.amount.amount()).sum::<Decimal>());
        }
    }
}
