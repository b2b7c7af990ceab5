//! `commissions-api`: plans, processes, runs, settlements, statements, simulations.
mod configuration;
mod runs;
mod shop;
mod simulations;
mod statements;

use foundation::permission::Permission;
use lambda::http::{Access, Method, Routes};
use shop::Shop;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let store = commissions::Commissions::new(&aws, &mut env);
    let people = network::People::new(&aws, &mut env);
    let calendar = calendar::Calendar::new(&aws, &mut env);
    let machine = aws::Workflow::from_env(&aws, &mut env, "COMMISSION_PROCESS_ARN");
    let simulations = aws::Queue::from_env(&aws, &mut env, "SIMULATION_QUEUE");
    env.complete()?;
    Routes::over(Shop { store, people, calendar, machine, simulations })
        .on(Method::Post, "/plans", Access::Needs(Permission::CommissionsConfigure), configuration::save_plan)
        .on(Method::Get, "/plans", Access::Needs(Permission::CommissionsRead), configuration::plans)
        .on(
            Method::Get,
            "/plans/{planName}/{planVersion}",
            Access::Needs(Permission::CommissionsRead),
            configuration::plan,
        )
        .on(
            Method::Post,
            "/plans/{planName}/{planVersion}/publication",
            Access::Needs(Permission::CommissionsConfigure),
            configuration::publish,
        )
        .on(
            Method::Post,
            "/plans/{planName}/{planVersion}/retirement",
            Access::Needs(Permission::CommissionsConfigure),
            configuration::retire,
        )
        .on(Method::Get, "/processes", Access::Needs(Permission::CommissionsRead), configuration::processes)
        .on(
            Method::Put,
            "/processes/{processId}",
            Access::Needs(Permission::CommissionsConfigure),
            configuration::configure,
        )
        .on(Method::Post, "/runs", Access::Needs(Permission::CommissionsRun), runs::start)
        .on(Method::Get, "/runs", Access::Needs(Permission::CommissionsRead), runs::list)
        .on(Method::Get, "/runs/{runId}", Access::Needs(Permission::CommissionsRead), runs::show)
        .on(Method::Post, "/runs/{runId}/steps/{step}", Access::Needs(Permission::CommissionsRun), runs::step)
        .on(
            Method::Post,
            "/runs/{runId}/approval",
            Access::Needs(Permission::CommissionsApprove),
            runs::decide,
        )
        .on(
            Method::Get,
            "/runs/{runId}/settlements",
            Access::Needs(Permission::CommissionsRead),
            statements::settlements,
        )
        .on(
            Method::Get,
            "/runs/{runId}/settlements/file",
            Access::Needs(Permission::CommissionsRead),
            statements::settlements_file,
        )
        .on(
            Method::Get,
            "/people/{personId}/statements/{cycleId}",
            Access::Needs(Permission::StatementsRead),
            statements::show,
        )
        .on(
            Method::Get,
            "/people/{personId}/statements/{cycleId}/file",
            Access::Needs(Permission::StatementsRead),
            statements::file,
        )
        .on(Method::Post, "/simulations", Access::Needs(Permission::CommissionsConfigure), simulations::ask)
        .on(Method::Get, "/simulations", Access::Needs(Permission::CommissionsRead), simulations::list)
        .on(
            Method::Get,
            "/simulations/{simulationId}",
            Access::Needs(Permission::CommissionsRead),
            simulations::show,
        )
        .serve()
        .await
}
