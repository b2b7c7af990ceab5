//! `network-register`: newcomers, from the back office and from public pages.
mod handler;

use foundation::permission::Permission;
use handler::Desk;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let people = network::People::new(&aws, &mut env);
    let configuration = access::Configuration::new(&aws, &mut env);
    env.complete()?;
    Routes::over(Desk { people, configuration })
        .on(Method::Post, "/people", Access::Needs(Permission::NetworkRegister), handler::register)
        .on(Method::Post, "/public/registrations", Access::Public, handler::register_publicly)
        .serve()
        .await
}
