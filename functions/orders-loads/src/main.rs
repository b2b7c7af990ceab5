//! `orders-loads`: ask for a bulk load of orders, start it, see how far it is.
mod handler;

use foundation::permission::Permission;
use handler::Desk;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let loads = orders::store::loads::Loads::new(&aws, &mut env);
    let queue = aws::Queue::from_env(&aws, &mut env, "LOADS_QUEUE");
    env.complete()?;
    Routes::over(Desk { loads, queue })
        .on(Method::Post, "/order-loads", Access::Needs(Permission::OrdersLoad), handler::create)
        .on(Method::Get, "/order-loads/{loadId}", Access::Needs(Permission::OrdersLoad), handler::show)
        .on(
            Method::Post,
            "/order-loads/{loadId}/start",
            Access::Needs(Permission::OrdersLoad),
            handler::start,
        )
        .serve()
        .await
}
