//! Step Functions: starting executions and answering those that wait.

use aws_sdk_sfn::error::ProvideErrorMetadata;

use crate::{Boxed, Env, clients::Aws, error::AwsError};

const SERVICE: &str = "Step Functions";

/// A state machine.
#[derive(Clone, Debug)]
pub struct Workflow {
    aws: Aws,
    arn: String,
}

impl Workflow {
    /// The state machine whose ARN stands in the environment under `variable`.
    pub fn from_env(aws: &Aws, env: &mut Env, variable: &str) -> Self {
        Self { aws: aws.clone(), arn: env.required(variable) }
    }

    /// Starts an execution. One of that name that was started before is the same execution.
    pub fn start<'a>(&'a self, name: &'a str, input: String) -> Boxed<'a, Result<(), AwsError>> {
        Box::pin(async move {
            let request =
                self.aws.sfn().start_execution().state_machine_arn(&self.arn).name(name).input(input);
            match request.send().await {
                Err(error) if error.code() == Some("ExecutionAlreadyExists") => Ok(()),
                answer => answer.map(drop).map_err(|error| AwsError::of(SERVICE, error)),
            }
        })
    }

    /// Lets the execution that waits with `token` go on. False if nothing waits with it any more.
    pub fn succeed<'a>(&'a self, token: &'a str, output: String) -> Boxed<'a, Result<bool, AwsError>> {
        Box::pin(async move {
            match self.aws.sfn().send_task_success().task_token(token).output(output).send().await {
                Err(error) if is_gone(error.code()) => Ok(false),
                answer => answer.map(|_| true).map_err(|error| AwsError::of(SERVICE, error)),
            }
        })
    }

    /// Lets the execution that waits with `token` fail. False if nothing waits with it any more.
    pub fn fail<'a>(
        &'a self,
        token: &'a str,
        error: &'a str,
        cause: &'a str,
    ) -> Boxed<'a, Result<bool, AwsError>> {
        Box::pin(async move {
            let request = self.aws.sfn().send_task_failure().task_token(token).error(error).cause(cause);
            match request.send().await {
                Err(error) if is_gone(error.code()) => Ok(false),
                answer => answer.map(|_| true).map_err(|error| AwsError::of(SERVICE, error)),
            }
        })
    }
}

fn is_gone(code: Option<&str>) -> bool {
    matches!(code, Some("TaskTimedOut" | "TaskDoesNotExist" | "InvalidToken"))
}
