//! `access-settings`: who one is, the company's settings, roles, and what was changed of them.
mod handler;

use foundation::permission::Permission;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let configuration = access::Configuration::new(&aws, &mut env);
    env.complete()?;
    Routes::over(configuration)
        .on(Method::Get, "/me", Access::Authenticated, handler::me)
        .on(Method::Get, "/settings/changes", Access::Needs(Permission::SettingsRead), handler::changes)
        .on(Method::Get, "/settings", Access::Needs(Permission::SettingsRead), handler::settings)
        .on(Method::Put, "/settings", Access::Needs(Permission::SettingsWrite), handler::put_settings)
        .on(Method::Get, "/roles", Access::Needs(Permission::SettingsRead), handler::roles)
        .on(Method::Put, "/roles/{role}", Access::Needs(Permission::SettingsWrite), handler::put_role)
        .serve()
        .await
}
