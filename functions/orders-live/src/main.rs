//! `orders-live`: facts of orders raise and lower the live indicators of buyers and of everybody above them.
mod handler;

use handler::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let people = network::People::new(&aws, &mut env);
    let live = insight::live::Live::new(&aws, &mut env);
    env.complete()?;
    lambda::queue::serve_batch(Desk { people, live }, handler::handle).await
}
