//! `calendar-api`: cycles, their days and exchange rates.
mod handler;

use foundation::permission::Permission;
use handler::Desk;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let calendar = calendar::Calendar::new(&aws, &mut env);
    let configuration = access::Configuration::new(&aws, &mut env);
    env.complete()?;
    Routes::over(Desk { calendar, configuration })
        .on(Method::Get, "/cycles", Access::Needs(Permission::CommissionsRead), handler::list)
        .on(Method::Get, "/cycles/{cycleId}", Access::Needs(Permission::CommissionsRead), handler::show)
        .on(Method::Put, "/cycles/{cycleId}", Access::Needs(Permission::CommissionsConfigure), handler::put)
        .serve()
        .await
}
