//! `run-integrate-network`: closes the cycle and freezes everything the run depends on.
mod handler;

use commissions::{Commissions, steps::Sources};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let store = Commissions::new(&aws, &mut env);
    let people = network::People::new(&aws, &mut env);
    let orders = orders::Orders::new(&aws, &mut env);
    let calendar = calendar::Calendar::new(&aws, &mut env);
    env.complete()?;
    lambda::step::serve((store, Sources { people, orders, calendar }), handler::handle).await
}
