//! `network-load`: writes the people of a bulk load, a stretch at a time.
mod handler;

use handler::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let loads = network::Loads::new(&aws, &mut env);
    let queue = aws::Queue::from_env(&aws, &mut env, "LOADS_QUEUE");
    env.complete()?;
    lambda::queue::serve_each(Desk { loads, queue }, handler::advance).await
}
