//! Moves what a dead-letter queue holds back to the queue it came from.

use anyhow::Result;

use crate::{Redrive, emulator, run, stack, venv::Venv, workspace::Workspace};

/// `cargo xtask redrive`
pub(crate) fn redrive(workspace: &Workspace, options: &Redrive) -> Result<()> {
    let venv = Venv::ensure(workspace)?;
    let stack = stack::known(workspace, &options.stack.name)?;
    let mut python = venv.command(workspace, "python");
    python.arg(workspace.path("infra/local/redrive.py")).arg(stack.queue(&options.queue)?);
    // The other queues, among which is the other end.
    python.args(stack.resources.get("AWS::SQS::Queue").into_iter().flat_map(|queues| queues.values()));
    match &stack.endpoint {
        Some(endpoint) => emulator::point_at(&mut python, endpoint),
        None => drop(python.env("AWS_DEFAULT_REGION", &stack.region)),
    }
    run::shown("redrive", &mut python)
}
