//! Mail: templates, notices made from facts, campaigns, suppression, and what happened to each letter.
//!
//! A letter is sent **at least once**: [`dispatch`] says how a claim before sending and a result after it make repetitions rare.
//! [`template`] renders everything in our own code; [`sender`] is the one way out; [`feedback`] reads what comes back.
//! [`store`] is the only module that reads and writes the area's table, by the shapes in `keys`.

pub mod address;
pub mod campaign;
pub mod dispatch;
pub mod facts;
pub mod feedback;
pub mod filter;
mod keys;
pub mod notice;
pub mod pace;
pub mod sender;
pub mod settings;
pub mod store;
pub mod suppression;
pub mod template;
pub mod unsubscribe;
pub mod work;

pub use sender::Sender;
pub use store::Messages;
