//! The only crate that names the AWS SDK.
//!
//! Calls are not generic and return boxed futures ([`Boxed`]), so that the SDK's state machines are compiled here once and not again in
//! every function (measured: 2 instead of 17 CPU-seconds a function).
//! Clients are made at their first use, so that a function that starts does no work for services it may not call.

mod clients;
mod config;
mod cursor;
mod dynamo;
mod error;
mod events;
pub mod idempotency;
mod item;
mod mail;
pub mod outbox;
mod queue;
mod storage;
mod workflow;

use std::{future::Future, pin::Pin};

pub use clients::{Aws, round_trips};
pub use config::{Env, MissingConfiguration};
pub use dynamo::{Condition, Key, Page, Query, Table, Update, Write};
pub use error::AwsError;
pub use events::{Bus, Event};
pub use item::{Attribute, Item, ItemError, decimal, from_item, number, text, to_attribute, to_item};
pub use mail::{Letter, Mailbox};
pub use queue::Queue;
pub use storage::{Bucket, Object};
pub use workflow::Workflow;

/// A future that was boxed here, so that its code is generated here.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
