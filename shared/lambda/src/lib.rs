//! The only crate that names the Lambda runtime.
//!
//! Each module is an edge: it turns what Lambda delivers into plain values, calls one handler, and turns its answer or its
//! [`Fault`](foundation::problem::Fault) into what the other side understands: a problem document, a message that goes back to its queue,
//! an error name that the state machine knows.
//! The handlers are boxed at once, so that the runtime's state machines are compiled here and not in every function.

pub mod authorizer;
pub mod http;
mod objects;
pub mod queue;
mod runtime;
pub mod step;
pub mod stream;
pub mod telemetry;

pub use lambda_runtime::Error;
pub use runtime::{new_id, now};
pub use telemetry::correlation;
