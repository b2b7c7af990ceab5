//! `ledger-prove`: proves that the ledger is in balance, each day and when somebody asks for it.
mod handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let ledger = ledger::store::Ledger::new(&aws, &mut env);
    env.complete()?;
    lambda::queue::serve_batch(ledger, handler::prove).await
}
