//! Cuts what a run earned, and what a file paid, into ledger transfers that each fit into one transaction. Pure.

use std::collections::BTreeMap;

use foundation::{
    id::{CycleId, PersonId, RunId},
    money::{Currency, Money},
};
use jiff::Timestamp;
use ledger::{
    account::{Account, Purpose},
    transfer::{Posting, Transfer, TransferError},
};
use rust_decimal::Decimal;

use crate::{
    file::PaymentLine,
    payable::{Method, Payable, PayableId, PayableState},
};

/// People of one transaction: each takes an account, a posting and a payable, beside the transfer and the company's two.
pub const PEOPLE_MAX: usize = 32;

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

/// One transaction of `pay`: a transfer, and the payables it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarningBatch {
    /// Earned: from the company's expense to the people's commissions accounts.
    pub transfer: Transfer,
    /// For those who are owed something.
    pub payables: Vec<Payable>,
}

/// One transaction of a payment file: a transfer, and the payables it settles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentBatch {
    /// Paid: from the people's commissions accounts to the bank.
    pub transfer: Transfer,
    /// The lines it is made of.
    pub lines: Vec<PaymentLine>,
}

/// The batches of `run`, the same for the same earnings in whatever order they come. Earnings of zero are left out.
pub fn earned(
    run: &RunId,
    cycle: &CycleId,
    earnings: Vec<Earning>,
    occurred_at: Timestamp,
) -> Result<Vec<EarningBatch>, TransferError> {
    let mut batches = Vec::new();
    for (currency, mut earnings) in by_currency(earnings, |earning| earning.amount.currency()) {
        earnings.retain(|earning| !earning.amount.amount().is_zero());
        earnings.sort_by(|one, other| one.person.cmp(&other.person));
        for (number, people) in earnings.chunks(PEOPLE_MAX).enumerate() {
            let amounts = people.iter().map(|earning| (&earning.person, earning.amount.amount()));
            let key = format!("run/{run}/pay/{currency}/{number}");
            let company = Account::of_company(number, Purpose::CommissionsExpense, currency.code());
            let postings = postings(amounts, currency, company);
            let transfer = Transfer::new(key, "commission.earned", run.as_str(), occurred_at, postings)?;
            let owed = people.iter().filter(|earning| earning.amount.amount() > Decimal::ZERO);
            let payables = owed.map(|earning| payable(run, cycle, earning, occurred_at)).collect();
            batches.push(EarningBatch { transfer, payables });
        }
    }
    Ok(batches)
}

/// The batches of the paid lines of a file.
pub fn paid(
    file: &str,
    lines: Vec<PaymentLine>,
    occurred_at: Timestamp,
) -> Result<Vec<PaymentBatch>, TransferError> {
    let mut batches = Vec::new();
    for (currency, mut lines) in by_currency(lines, |line| line.payable.currency) {
        lines.sort_by(|one, other| one.payable.cmp(&other.payable));
        for (number, lines) in cut_where_people_repeat(lines).into_iter().enumerate() {
            let amounts = lines.iter().map(|line| (&line.payable.person, -line.amount));
            let key = format!("payment-file/{file}/{currency}/{number}");
            let bank = Account::of_company(number, Purpose::Bank, currency.code());
            let transfer =
                Transfer::new(key, "commission.paid", file, occurred_at, postings(amounts, currency, bank))?;
            batches.push(PaymentBatch { transfer, lines });
        }
    }
    Ok(batches)
}

fn by_currency<T>(things: Vec<T>, currency: impl Fn(&T) -> Currency) -> BTreeMap<Currency, Vec<T>> {
    let mut sorted = BTreeMap::<Currency, Vec<T>>::new();
    for thing in things {
        sorted.entry(currency(&thing)).or_default().push(thing);
    }
    sorted
}

/// A file may pay several runs: the same person must not stand twice in one transfer.
fn cut_where_people_repeat(lines: Vec<PaymentLine>) -> Vec<Vec<PaymentLine>> {
    let mut rounds = Vec::<Vec<PaymentLine>>::new();
    let mut times = BTreeMap::<PersonId, usize>::new();
    for line in lines {
        let round = times.entry(line.payable.person.clone()).or_default();
        if rounds.len() <= *round {
            rounds.push(Vec::new());
        }
        rounds[*round].push(line);
        *round += 1;
    }
    rounds
        .into_iter()
        .flat_map(|round| round.chunks(PEOPLE_MAX).map(<[_]>::to_vec).collect::<Vec<_>>())
        .collect()
}

fn postings<'a>(
    amounts: impl Iterator<Item = (&'a PersonId, Decimal)>,
    currency: Currency,
    company: Account,
) -> Vec<Posting> {
    let mut postings: Vec<_> = amounts
        .map(|(person, amount)| Posting {
            account: Account::of_person(person.clone(), Purpose::Commissions, currency.code()),
            amount,
        })
        .collect();
    let total: Decimal = postings.iter().map(|posting| posting.amount).sum();
    // Earnings and debts may cancel each other out; then the company has no part in it.
    if !total.is_zero() {
        postings.push(Posting { account: company, amount: -total });
    }
    postings
}

fn payable(run: &RunId, cycle: &CycleId, earning: &Earning, since: Timestamp) -> Payable {
    Payable {
        id: PayableId {
            run: run.clone(),
            person: earning.person.clone(),
            currency: earning.amount.currency(),
        },
        cycle: cycle.clone(),
        name: earning.name.clone(),
        document: earning.document.clone(),
        amount: earning.amount,
        method: Method::default(),
        state: PayableState::Pending,
        note: None,
        since,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn earning(person: usize, minor: i64, currency: &str) -> Earning {
        Earning {
            person: format!("P{person:04}").parse().unwrap(),
            name: format!("Person {person}"),
            document: format!("CC {person}"),
            amount: Money::exactly(Decimal::new(minor, 2), currency.parse().unwrap()).unwrap(),
        }
    }

    fn batches(earnings: Vec<Earning>) -> Vec<EarningBatch> {
        earned(&"r-1".parse().unwrap(), &"2026-10".parse().unwrap(), earnings, Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn a_debt_is_posted_but_not_payable() {
        let made = batches(vec![earning(1, 1000, "COP"), earning(2, -300, "COP"), earning(3, 0, "COP")]);
        assert_eq!(made.len(), 1);
        assert_eq!(made[0].payables.len(), 1);
        assert_eq!(made[0].transfer.postings().len(), 3);
    }

    #[test]
    fn a_person_paid_for_two_runs_stands_in_two_transfers() {
        let line = |run: &str| PaymentLine {
            payable: format!("{run}~P1~COP").parse().unwrap(),
            amount: Decimal::from(5),
            paid: true,
            note: String::new(),
        };
        let made = paid("f1", vec![line("r-1"), line("r-2")], Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(made.len(), 2);
        assert_ne!(made[0].transfer.key(), made[1].transfer.key());
    }

    proptest! {
        #[test]
        fn every_cent_earned_is_posted_once_in_whatever_order_it_comes(
            minor in prop::collection::vec(-50_000_i64..1_000_000, 2..150), turn in 0_usize..150,
        ) {
            let earnings: Vec<_> = minor.iter().enumerate()
                .map(|(n, amount)| earning(n, *amount, if n % 3 == 0 { "USD" } else { "COP" })).collect();
            let mut turned = earnings.clone();
            turned.rotate_left(turn % minor.len());
            let made = batches(earnings.clone());
            prop_assert_eq!(&made, &batches(turned));
            let posted: Decimal = made.iter().flat_map(|batch| batch.transfer.postings())
                .filter(|posting| posting.account.purpose == Purpose::Commissions).map(|posting| posting.amount).sum();
            prop_assert_eq!(posted, earnings.iter().map(|earning| earning.amount.amount()).sum::<Decimal>());
            for batch in &made {
                prop_assert!(ledger::store::writes_len(batch.transfer.postings().len()) + batch.payables.len() < 100);
            }
        }
    }
}
