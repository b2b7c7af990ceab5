//! The plan document: types, schema, indicator catalogue, validation.
//!
//! [`Plan::parse`] turns the JSON a company writes into a checked plan, or names everything that is wrong with it.

pub mod bonus;
pub mod catalogue;
mod check;
mod checked;
pub mod document;
mod error;
mod graph;
pub mod indicator;
mod order;
pub mod rank;
mod schema;
mod source;
mod structure;

pub use checked::{AMOUNT_SCALE, Plan, PlannedBonus, PlannedIndicator, RATIO_SCALE, Role};
pub use document::Document;
pub use error::{InvalidPlan, PlanError};
pub use graph::{Graph, GraphEdge, GraphNode, NodeKind};
pub use schema::json_schema;
pub use source::{Attribute, OrderAttribute, Ranked, Source};
