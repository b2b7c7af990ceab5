//! Live indicators: own and team volumes of a cycle, raised and lowered as orders are paid, come back or are cancelled.
//!
//! - A [`Movement`] is one fact; it moves the volumes of the buyer and of everybody above.
//! - [`batch`] merges movements into as few transactions as they fit into and applies each exactly once, however often and in whatever
//!   order facts arrive.
//! - [`Live`] does the I/O.
//!
//! The cost of a fact is the depth of the buyer in the tree. An official run computes the same numbers from the orders.

pub mod batch;
mod keys;
mod store;

use std::ops::AddAssign;

use foundation::id::{CycleId, PersonId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use store::{Live, NotApplied};

/// What a fact adds to the indicators of one person. Returns and cancellations add negative numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Qualifying volume.
    pub vq: Decimal,
    /// Commissionable volume.
    pub vc: Decimal,
    /// Orders paid.
    pub orders: i64,
    /// Returns.
    pub returns: i64,
}

impl Delta {
    /// An order was paid.
    pub fn sale(vq: Decimal, vc: Decimal) -> Self {
        Self { vq, vc, orders: 1, returns: 0 }
    }

    /// Goods came back.
    pub fn returned(vq: Decimal, vc: Decimal) -> Self {
        Self { vq: -vq, vc: -vc, orders: 0, returns: 1 }
    }

    /// A paid order did not happen after all.
    pub fn cancelled(vq: Decimal, vc: Decimal) -> Self {
        Self { vq: -vq, vc: -vc, orders: -1, returns: 0 }
    }
}

impl AddAssign for Delta {
    fn add_assign(&mut self, other: Self) {
        self.vq += other.vq;
        self.vc += other.vc;
        self.orders += other.orders;
        self.returns += other.returns;
    }
}

/// A fact that moves volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The fact's id: it is applied once.
    pub fact: String,
    /// The cycle it counts in.
    pub cycle: CycleId,
    /// Whose order it is.
    pub person: PersonId,
    /// Everybody above that person, the root first and the parent last.
    pub upline: Vec<PersonId>,
    /// What it adds.
    pub delta: Delta,
}

/// The live indicators of a person in a cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indicators {
    /// Qualifying volume of the person's own orders.
    pub own_vq: Decimal,
    /// Commissionable volume of the person's own orders.
    pub own_vc: Decimal,
    /// The person's own orders.
    pub own_orders: Decimal,
    /// The person's own returns.
    pub own_returns: Decimal,
    /// Qualifying volume of the downline, without the person.
    pub team_vq: Decimal,
    /// Commissionable volume of the downline, without the person.
    pub team_vc: Decimal,
    /// Orders of the downline, without the person.
    pub team_orders: Decimal,
    /// Returns of the downline, without the person.
    pub team_returns: Decimal,
}
