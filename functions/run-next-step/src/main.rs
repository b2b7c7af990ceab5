//! `run-next-step`: looks for due runs, decides what a run does next, records why one failed.
mod handler;

use handler::Shared;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let store = commissions::Commissions::new(&aws, &mut env);
    let calendar = calendar::Calendar::new(&aws, &mut env);
    let machine = aws::Workflow::from_env(&aws, &mut env, "COMMISSION_PROCESS_ARN");
    env.complete()?;
    lambda::step::serve(Shared { store, calendar, machine }, handler::handle).await
}
