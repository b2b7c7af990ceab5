//! `payouts-api`: payables to review, hold and release; the treasury file out, payment files in.
mod handler;

use foundation::permission::Permission;
use handler::Treasury;
use lambda::http::{Access, Method, Routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let payouts = payouts::store::Payouts::new(&aws, &mut env);
    let started = aws::Queue::from_env(&aws, &mut env, "PAYMENT_FILES_QUEUE");
    env.complete()?;
    Routes::over(Treasury { payouts, started })
        .on(Method::Get, "/runs/{runId}/payables", Access::Needs(Permission::PayoutsRead), handler::payables)
        .on(
            Method::Get,
            "/runs/{runId}/treasury-file",
            Access::Needs(Permission::PayoutsRead),
            handler::treasury_file,
        )
        .on(Method::Post, "/payables/{payableId}/hold", Access::Needs(Permission::PayoutsPay), handler::hold)
        .on(
            Method::Post,
            "/payables/{payableId}/release",
            Access::Needs(Permission::PayoutsPay),
            handler::release,
        )
        .on(Method::Post, "/payment-files", Access::Needs(Permission::PayoutsPay), handler::expect_file)
        .on(
            Method::Post,
            "/payment-files/{fileId}/start",
            Access::Needs(Permission::PayoutsPay),
            handler::start_file,
        )
        .on(
            Method::Get,
            "/payment-files/{fileId}",
            Access::Needs(Permission::PayoutsRead),
            handler::show_file,
        )
        .serve()
        .await
}
