//! `network-api`: people, level by level and up to the root.
mod handler;

use foundation::permission::Permission;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let people = network::People::new(&aws, &mut env);
    env.complete()?;
    Routes::over(people)
        .on(Method::Get, "/people/{personId}", Access::Needs(Permission::NetworkRead), handler::show)
        .on(
            Method::Get,
            "/people/{personId}/children",
            Access::Needs(Permission::NetworkRead),
            handler::children,
        )
        .on(Method::Get, "/people/{personId}/path", Access::Needs(Permission::NetworkRead), handler::path)
        .serve()
        .await
}
