//! A payment file is applied once, wherever its worker is stopped.

use aws::{Aws, Env, idempotency::Claim};
use faults::{sandbox::Sandbox, trial::survive};
use foundation::money::Money;
use jiff::Timestamp;
use ledger::store::Ledger;
use payouts::{
    batch::{Earning, earned},
    store::{Actor, Payouts},
};
use rust_decimal::Decimal;
use serde_json::json;
use testkit::{api::Client, stack::Stack};

/// More people than one batch of a payment file holds.
const PEOPLE: usize = 40;

/// Makes payables and a payment file for all of them, uploaded and started.
async fn start_file(sandbox: &Sandbox) {
    let mut env = Env::of(sandbox.environment("payouts-results").unwrap());
    let aws = Aws::new(&mut env);
    let (payouts, ledger) = (Payouts::new(&aws, &mut env), Ledger::new(&aws, &mut env));
    env.complete().unwrap();
    let earnings = (0..PEOPLE).map(|number| Earning {
        person: format!("P{number:02}").parse().unwrap(),
        name: "Ana".into(),
        document: "CC 1".into(),
        amount: Money::exactly(Decimal::from(number + 1), "COP".parse().unwrap()).unwrap(),
    });
    let run = "run-1".parse().unwrap();
    let at = Timestamp::from_second(1_790_000_000).unwrap();
    for batch in earned(&run, &"2026-10".parse().unwrap(), earnings.collect()).unwrap() {
        payouts.owe(&ledger, &batch, at).await.unwrap();
    }
    let actor = Actor { by: "treasury-1", at };
    let claim = Claim::new("treasury-1", "k1", "expect payment file", &()).unwrap();
    let file = payouts.expect_file("F1".into(), actor, &claim).await.unwrap();
    let header = "payable,currency,amount,status,reference".to_owned();
    let lines = (0..PEOPLE).map(|number| {
        let status = if number == 0 { "failed" } else { "paid" };
        format!("run-1~P{number:02}~COP,COP,{},{status},ref {number}", number + 1)
    });
    let csv: Vec<_> = std::iter::once(header).chain(lines).collect();
    Client::new("").upload(&file.upload.url, "text/csv", csv.join("\n").into_bytes()).unwrap();
    payouts.start_file("F1", actor).await.unwrap();
}

#[test]
fn a_payment_file_survives_the_failure_of_each_call() {
    let sandbox = Sandbox::beside(Stack::from_env().unwrap(), "pay").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(start_file(&sandbox));
    let body = json!({"file": "F1", "correlation": "fault-trial"}).to_string();
    let event = json!({"Records": [{"messageId": "m-1", "body": body, "attributes": {}}]});
    let survived = survive(&sandbox, "payouts-results", &event).unwrap();
    let transactions = survived.calls.iter().filter(|call| call.ends_with("TransactWriteItems")).count();
    // Two batches; the run is not paid as a whole, because the bank refused one line.
    assert_eq!(transactions, 2, "{:?}", survived.calls);
    assert_eq!(survived.faults, 4 * survived.calls.len());
}
