//! `service-tickets`: open, list, read, answer and work on tickets.
mod handler;

use foundation::permission::Permission;
use handler::Desk;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let people = network::People::new(&aws, &mut env);
    let tickets = service::Tickets::new(&aws, &mut env);
    env.complete()?;
    Routes::over(Desk { people, tickets })
        .on(Method::Get, "/ticket-settings", Access::Needs(Permission::TicketsRead), handler::show_settings)
        .on(Method::Put, "/ticket-settings", Access::Needs(Permission::SettingsWrite), handler::put_settings)
        .on(Method::Post, "/tickets", Access::Needs(Permission::TicketsWrite), handler::open)
        .on(Method::Get, "/tickets", Access::Needs(Permission::TicketsRead), handler::list)
        .on(Method::Get, "/tickets/{ticketId}", Access::Needs(Permission::TicketsRead), handler::show)
        .on(
            Method::Post,
            "/tickets/{ticketId}/replies",
            Access::Needs(Permission::TicketsWrite),
            handler::reply,
        )
        .on(
            Method::Post,
            "/tickets/{ticketId}/state",
            Access::Needs(Permission::TicketsWork),
            handler::change,
        )
        .serve()
        .await
}
