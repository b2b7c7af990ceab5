//! `orders-load`: writes the lines of bulk loads of orders, part by part.
mod handler;

use handler::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let people = network::People::new(&aws, &mut env);
    let calendar = calendar::Calendar::new(&aws, &mut env);
    let loads = orders::store::loads::Loads::new(&aws, &mut env);
    let queue = aws::Queue::from_env(&aws, &mut env, "LOADS_QUEUE");
    env.complete()?;
    lambda::queue::serve_each(Desk { people, calendar, loads, queue }, handler::handle).await
}
