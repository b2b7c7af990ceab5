//! `insight-export`: makes the reports that were asked for.
mod collect;
mod handler;

use handler::Press;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let reports = insight::reports::Reports::new(&aws, &mut env);
    let people = network::People::new(&aws, &mut env);
    let orders = orders::Orders::new(&aws, &mut env);
    let calendar = calendar::Calendar::new(&aws, &mut env);
    env.complete()?;
    lambda::queue::serve_each(Press { reports, people, orders, calendar }, handler::handle).await
}
