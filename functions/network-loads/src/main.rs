//! `network-loads`: bulk loads of people: upload link, start, progress.
mod handler;

use foundation::permission::Permission;
use handler::Desk;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let loads = network::Loads::new(&aws, &mut env);
    let configuration = access::Configuration::new(&aws, &mut env);
    let queue = aws::Queue::from_env(&aws, &mut env, "LOADS_QUEUE");
    env.complete()?;
    Routes::over(Desk { loads, configuration, queue })
        .on(Method::Post, "/people-loads", Access::Needs(Permission::NetworkLoad), handler::create)
        .on(
            Method::Post,
            "/people-loads/{loadId}/start",
            Access::Needs(Permission::NetworkLoad),
            handler::start,
        )
        .on(Method::Get, "/people-loads/{loadId}", Access::Needs(Permission::NetworkLoad), handler::show)
        .serve()
        .await
}
