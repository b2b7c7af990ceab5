//! Lets each AWS call of a function fail once, in each way a call can fail, and compares what the retry leaves behind.
//!
//! A [`sandbox::Sandbox`] holds tables, buckets and queues of its own beside a deployed stack, so that other tests are not disturbed.
//! In it a function's binary runs as a child process: its events come from a small runtime API ([`runtime`]), its calls go through a
//! counting proxy ([`proxy`]) that fails the one it is told to. [`trial::survive`] does that for every call of a function and an event.

mod http;
pub mod proxy;
mod runtime;
pub mod sandbox;
mod service;
pub mod state;
pub mod trial;
