//! `insight-reports`: ask for reports and fetch them.
mod handler;

use foundation::permission::Permission;
use handler::Desk;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let reports = insight::reports::Reports::new(&aws, &mut env);
    let queue = aws::Queue::from_env(&aws, &mut env, "REPORT_QUEUE");
    env.complete()?;
    Routes::over(Desk { reports, queue })
        .on(Method::Post, "/reports", Access::Needs(Permission::ReportsRequest), handler::ask)
        .on(Method::Get, "/reports/{reportId}", Access::Needs(Permission::ReportsRequest), handler::show)
        .serve()
        .await
}
