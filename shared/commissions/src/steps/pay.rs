//! `pay`: what of a run is to be paid. The function composes it with the ledger and the payouts.

use calendar::Calendar;
use engine::codec;
use foundation::{id::PersonId, money::Money, problem::Fault};
use jiff::Timestamp;

use super::Made;
use crate::{
    manifest::FileError,
    run::{PAYABLES, RunError},
    statement::money,
    step::Step,
    store::{Commissions, Work},
    task::Task,
};

/// What is to be paid, and the work it belongs to.
#[derive(Debug)]
pub struct Payment {
    /// The attempt at work.
    pub work: Work,
    /// Who earned what; people without lines are left out.
    pub earnings: Vec<(PersonId, Money)>,
    /// When the earnings were approved: the time of what is posted, the same for every attempt.
    pub approved_at: Timestamp,
}

/// What is to be paid; none if the step is done.
pub async fn open_payment(store: &Commissions, task: &Task) -> Result<Option<Payment>, Fault> {
    let Some(mut work) = store.open(task).await? else { return Ok(None) };
    let approval = work.run.result(Step::ValidateBonuses).and_then(|result| result.approval.clone());
    let approval =
        approval.ok_or(RunError::OutOfOrder { step: Step::Pay, missing: Step::ValidateBonuses })?;
    let settlements = store.input(&mut work, Step::CalculateBonuses, "settlements.parquet").await?;
    let mut earnings = Vec::new();
    for one in codec::decode_settlements(settlements)? {
        let person = one.person.parse();
        let person =
            person.map_err(|_| FileError::Damaged { key: format!("settlements.parquet: {}", one.person) })?;
        if !one.total.is_zero() {
            earnings.push((person, money(one.total, one.currency)));
        }
    }
    Ok(Some(Payment { work, earnings, approved_at: approval.at }))
}

/// Settles the cycle and ends the step. `payables` were made of what was to be paid.
pub async fn settle_payment(
    store: &Commissions,
    calendar: &Calendar,
    payment: Payment,
    payables: u64,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut work = payment.work;
    calendar.settle(&work.run.cycle, &work.run.id).await?;
    if work.manifest().is_none() {
        let made = Made::default().count("earnings", payment.earnings.len()).counting(PAYABLES, payables);
        store.seal(&mut work, made).await?;
    }
    store.finish(&work, now).await
}
