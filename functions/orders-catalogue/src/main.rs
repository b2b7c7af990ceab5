//! `orders-catalogue`: products, their prices and what they count for.
mod handler;

use foundation::permission::Permission;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let orders = orders::Orders::new(&aws, &mut env);
    env.complete()?;
    Routes::over(orders)
        .on(Method::Get, "/products", Access::Needs(Permission::CatalogueRead), handler::list)
        .on(Method::Get, "/products/{productId}", Access::Needs(Permission::CatalogueRead), handler::show)
        .on(Method::Put, "/products/{productId}", Access::Needs(Permission::CatalogueWrite), handler::put)
        .serve()
        .await
}
