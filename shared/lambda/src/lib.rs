//! The only crate that names the Lambda runtime: edges for REST, queues, streams, steps and schedules.
