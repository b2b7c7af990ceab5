//! `orders-api`: draft, change, place, pay, cancel and comment orders.
mod handler;

use foundation::permission::Permission;
use handler::Shop;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let people = network::People::new(&aws, &mut env);
    let calendar = calendar::Calendar::new(&aws, &mut env);
    let orders = orders::Orders::new(&aws, &mut env);
    env.complete()?;
    Routes::over(Shop { people, calendar, orders })
        .on(Method::Post, "/orders", Access::Needs(Permission::OrdersWrite), handler::create)
        .on(Method::Get, "/orders/{orderId}", Access::Needs(Permission::OrdersRead), handler::show)
        .on(Method::Patch, "/orders/{orderId}", Access::Needs(Permission::OrdersWrite), handler::rewrite)
        .on(
            Method::Post,
            "/orders/{orderId}/placement",
            Access::Needs(Permission::OrdersWrite),
            handler::place,
        )
        .on(Method::Post, "/orders/{orderId}/payment", Access::Needs(Permission::OrdersPay), handler::pay)
        .on(
            Method::Post,
            "/orders/{orderId}/cancellation",
            Access::Needs(Permission::OrdersWrite),
            handler::cancel,
        )
        .on(
            Method::Post,
            "/orders/{orderId}/comments",
            Access::Needs(Permission::OrdersWrite),
            handler::comment,
        )
        .on(
            Method::Get,
            "/people/{personId}/orders",
            Access::Needs(Permission::OrdersRead),
            handler::of_person,
        )
        .serve()
        .await
}
