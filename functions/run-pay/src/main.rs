//! `run-pay`: payables of what was approved, the treasury file; the cycle is settled.
mod handler;

use handler::Shared;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let store = commissions::Commissions::new(&aws, &mut env);
    let calendar = calendar::Calendar::new(&aws, &mut env);
    let people = network::People::new(&aws, &mut env);
    let ledger = ledger::store::Ledger::new(&aws, &mut env);
    let payouts = payouts::store::Payouts::new(&aws, &mut env);
    env.complete()?;
    lambda::step::serve(Shared { store, calendar, people, ledger, payouts }, handler::handle).await
}
