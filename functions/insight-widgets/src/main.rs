//! `insight-widgets`: the live indicators of a person.
mod handler;

use foundation::permission::Permission;
use handler::Desk;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let people = network::People::new(&aws, &mut env);
    let calendar = calendar::Calendar::new(&aws, &mut env);
    let live = insight::live::Live::new(&aws, &mut env);
    env.complete()?;
    Routes::over(Desk { people, calendar, live })
        .on(Method::Get, "/people/{personId}/live", Access::Needs(Permission::NetworkRead), handler::live)
        .serve()
        .await
}
