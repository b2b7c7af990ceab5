//! `payouts-results`: checks and applies the payment files that were started.
mod handler;

use handler::Results;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let payouts = payouts::store::Payouts::new(&aws, &mut env);
    let ledger = ledger::store::Ledger::new(&aws, &mut env);
    env.complete()?;
    lambda::queue::serve_each(Results { payouts, ledger }, handler::apply).await
}
