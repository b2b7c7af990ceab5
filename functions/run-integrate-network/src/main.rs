//! `run-integrate-network`: closes the cycle and freezes everything the run depends on.
mod handler;

use commissions::{Commissions, steps::Sources};
use handler::Shared;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let store = Commissions::new(&aws, &mut env);
    let people = network::People::new(&aws, &mut env);
    let orders = orders::Orders::new(&aws, &mut env);
    let calendar = calendar::Calendar::new(&aws, &mut env);
    let people_per_part = env.positive("PEOPLE_PER_PART");
    env.complete()?;
    let sources = Sources { people, orders, calendar };
    lambda::step::serve(Shared { store, sources, people_per_part }, handler::handle).await
}
