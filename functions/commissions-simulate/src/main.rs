//! `commissions-simulate`: does the simulations that were asked for.
mod handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let store = commissions::Commissions::new(&aws, &mut env);
    env.complete()?;
    lambda::queue::serve_each(store, handler::handle).await
}
