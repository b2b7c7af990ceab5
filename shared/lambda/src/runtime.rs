//! What all edges share: the loop that asks Lambda for work, the clock, fresh ids.

use std::{future::Future, pin::Pin, sync::Arc};

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::Value;

pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
pub(crate) type Handler = Arc<dyn Fn(Value) -> Boxed<Result<Value, Diagnostic>> + Send + Sync>;

/// Asks Lambda for events until the process is stopped.
pub(crate) async fn run(handler: Handler) -> Result<(), Error> {
    crate::telemetry::start();
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let LambdaEvent { payload, context } = event;
        let correlation =
            crate::telemetry::correlation_of(&payload).unwrap_or_else(|| context.request_id.clone());
        let work = handler(payload);
        let boxed: Boxed<Result<Value, Diagnostic>> =
            Box::pin(async move { crate::telemetry::within(correlation, &context, work).await });
        boxed
    });
    lambda_runtime::run(service).await
}

/// The time at the edge; everything inside takes it as an argument.
#[expect(clippy::disallowed_methods, reason = "this is the edge that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A fresh id that sorts by the time of its making (UUID version 7).
pub fn new_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}
