//! The Step Functions edge, also for what EventBridge starts on a schedule: one input, one output, three error names.

use std::{future::Future, sync::Arc};

use foundation::problem::{Fault, Kind};
use lambda_runtime::Diagnostic;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, runtime::run};

/// The error names that the state machine has rules for.
pub const ERROR_NAMES: [&str; 3] = [RETRYABLE, REJECTED, BROKEN];
/// Try the step again.
pub const RETRYABLE: &str = "Retryable";
/// The rules refuse it: somebody must change something.
pub const REJECTED: &str = "Rejected";
/// A fault of ours.
pub const BROKEN: &str = "Broken";

/// Serves one input after the other.
pub async fn serve<S, I, O, F, H>(shared: S, handler: H) -> Result<(), Error>
where
    S: Send + Sync + 'static,
    I: DeserializeOwned,
    O: Serialize,
    H: Fn(Arc<S>, I) -> F + Send + Sync + 'static,
    F: Future<Output = Result<O, Fault>> + Send + 'static,
{
    let shared = Arc::new(shared);
    run(Arc::new(move |event: Value| {
        let work = serde_json::from_value(event).map(|input| handler(Arc::clone(&shared), input));
        Box::pin(async move {
            let broken = |error: serde_json::Error| Diagnostic {
                error_type: BROKEN.to_owned(),
                error_message: error.to_string(),
            };
            let output = work.map_err(broken)?.await.map_err(|fault| diagnostic(&fault))?;
            serde_json::to_value(output).map_err(broken)
        })
    }))
    .await
}

fn diagnostic(fault: &Fault) -> Diagnostic {
    let error_type = match fault.kind() {
        Kind::Unavailable | Kind::Conflict => RETRYABLE,
        Kind::Internal => BROKEN,
        _ => REJECTED,
    };
    tracing::warn!(code = fault.code(), error = ?fault, "step failed as {error_type}");
    let error_message =
        if error_type == BROKEN { fault.code().to_owned() } else { format!("{}: {fault}", fault.code()) };
    Diagnostic { error_type: error_type.to_owned(), error_message }
}
