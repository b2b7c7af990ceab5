//! `run-calculate-part`: one part of a large network, beside all others.
mod handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let store = commissions::Commissions::new(&aws, &mut env);
    env.complete()?;
    lambda::step::serve(store, handler::handle).await
}
