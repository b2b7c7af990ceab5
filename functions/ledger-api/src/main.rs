//! `ledger-api`: accounts of people, and the proof that the ledger is in balance.
mod handler;

use foundation::permission::Permission;
use handler::Books;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let people = network::People::new(&aws, &mut env);
    let ledger = ledger::store::Ledger::new(&aws, &mut env);
    let proofs = aws::Queue::from_env(&aws, &mut env, "LEDGER_PROOFS_QUEUE");
    env.complete()?;
    Routes::over(Books { people, ledger, proofs })
        .on(
            Method::Get,
            "/ledger/accounts/{personId}",
            Access::Needs(Permission::LedgerRead),
            handler::account,
        )
        .on(Method::Get, "/ledger/proof", Access::Needs(Permission::LedgerRead), handler::proof)
        .on(Method::Post, "/ledger/proof", Access::Needs(Permission::LedgerRead), handler::ask_for_proof)
        .serve()
        .await
}
