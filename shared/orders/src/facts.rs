//! Facts of the area: placed, paid (or come back), cancelled.

use foundation::{
    fact::Fact,
    id::{CycleId, OrderId, PersonId},
    money::Currency,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    order::Order,
    paid::{Paid, PaidKind},
    pricing::Totals,
};

/// Who says the facts of this area.
pub const SOURCE: &str = "ceiba.orders";

/// What an order comes to, in facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// Currency of net and gross.
    pub currency: Currency,
    /// What is paid without VAT.
    pub net: Decimal,
    /// What is paid.
    pub gross: Decimal,
    /// Qualifying volume.
    pub vq: Decimal,
    /// Commissionable volume.
    pub vc: Decimal,
    /// Loyalty points.
    pub points: Decimal,
    /// Units.
    pub units: Decimal,
}

impl Amounts {
    fn of_totals(totals: &Totals, currency: Currency) -> Self {
        Self {
            currency,
            net: totals.net,
            gross: totals.gross,
            vq: totals.vq,
            vc: totals.vc,
            points: totals.points,
            units: totals.units,
        }
    }

    fn of_paid(paid: &Paid) -> Self {
        Self {
            currency: paid.currency,
            net: paid.net,
            gross: paid.gross,
            vq: paid.vq,
            vc: paid.vc,
            points: paid.points,
            units: paid.units,
        }
    }
}

/// An order was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// The order.
    pub order: OrderId,
    /// The person it is for.
    pub person: PersonId,
    /// What it comes to.
    #[serde(flatten)]
    pub amounts: Amounts,
}

impl OrderPlaced {
    /// The fact of `order`.
    pub fn of(order: &Order) -> Self {
        Self {
            order: order.id.clone(),
            person: order.buyer.clone(),
            amounts: Amounts::of_totals(&order.totals, order.currency),
        }
    }
}

impl Fact for OrderPlaced {
    const TYPE: &'static str = "OrderPlaced";
    const SOURCE: &'static str = SOURCE;
    fn id(&self) -> String {
        format!("order-placed-{}", self.order)
    }
}

/// An order became commissionable, or came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaid {
    /// The order, or the return.
    pub order: OrderId,
    /// Whose order it is.
    pub person: PersonId,
    /// The cycle it counts in.
    pub cycle: CycleId,
    /// When it became commissionable.
    pub paid_at: Timestamp,
    /// Sale or return; the amounts of a return are positive and to be subtracted.
    pub kind: PaidKind,
    /// What it comes to.
    #[serde(flatten)]
    pub amounts: Amounts,
    /// Whether it is the person's first order ever.
    pub first_of_person: bool,
    /// For a return: the order that came back.
    pub reverses: Option<OrderId>,
    /// For a return: the cycle that what came back was paid in. The volumes of a later cycle stay untouched by it: what the order paid is
    /// undone by the next run.
    pub reverses_cycle: Option<CycleId>,
    /// Whether it came with a bulk load of historical orders.
    pub loaded: bool,
}

impl OrderPaid {
    /// The fact of `paid`, which counts in `cycle`; `reverses_cycle` is that of the order a return takes back.
    pub fn of(paid: &Paid, cycle: CycleId, reverses_cycle: Option<CycleId>, loaded: bool) -> Self {
        Self {
            order: paid.id.clone(),
            person: paid.person.clone(),
            cycle,
            paid_at: paid.paid_at,
            kind: paid.kind,
            amounts: Amounts::of_paid(paid),
            first_of_person: paid.first_of_person,
            reverses: paid.reverses.clone(),
            reverses_cycle,
            loaded,
        }
    }
}

impl OrderPaid {
    /// Whether it takes back an order of another cycle.
    pub fn is_late(&self) -> bool {
        self.reverses_cycle.as_ref().is_some_and(|reversed| *reversed != self.cycle)
    }
}

impl Fact for OrderPaid {
    const TYPE: &'static str = "OrderPaid";
    const SOURCE: &'static str = SOURCE;
    fn id(&self) -> String {
        format!("order-paid-{}", self.order)
    }
}

/// An order was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// The order.
    pub order: OrderId,
    /// The person it was for.
    pub person: PersonId,
    /// Whether it had been paid: then its volumes are to be subtracted in `cycle`, unless `returned_as` does that.
    pub was_paid: bool,
    /// The cycle it counted in.
    pub cycle: Option<CycleId>,
    /// The return that takes it back in the present cycle, because its own had closed; that return is an [`OrderPaid`] of its own.
    pub returned_as: Option<OrderId>,
    /// What it came to.
    #[serde(flatten)]
    pub amounts: Amounts,
}

impl OrderCancelled {
    /// The fact of `order`, which has been cancelled.
    pub fn of(order: &Order) -> Self {
        Self {
            order: order.id.clone(),
            person: order.buyer.clone(),
            was_paid: order.paid.is_some(),
            cycle: order.cycle.clone(),
            returned_as: order.returned_as.clone(),
            amounts: order
                .paid
                .as_ref()
                .map_or_else(|| Amounts::of_totals(&order.totals, order.currency), Amounts::of_paid),
        }
    }
}

impl Fact for OrderCancelled {
    const TYPE: &'static str = "OrderCancelled";
    const SOURCE: &'static str = SOURCE;
    fn id(&self) -> String {
        format!("order-cancelled-{}", self.order)
    }
}

#[cfg(test)]
mod tests {
    use foundation::fact::Envelope;

    use super::*;
    use crate::{order::tests::*, pricing::tests::*};

    #[test]
    fn facts_come_back_from_their_json() {
        let order = draft(&[wanted("T", 2)], &catalogue(vec![product("T", "100.00", "19", false)]));
        let at = Timestamp::UNIX_EPOCH;
        let paid = Paid::sale(&order, at, true);
        let fact = OrderPaid::of(&paid, "2026-10".parse().unwrap(), None, false);
        let envelope = Envelope::of(fact, at, at, "c-12345678");
        let json = serde_json::to_value(&envelope).unwrap();
        assert_eq!((json["fact"].as_str(), json["kind"].as_str()), (Some("order-paid-O1"), Some("sale")));
        assert_eq!((json["vq"].as_str(), json["currency"].as_str()), (Some("9.00"), Some("COP")));
        assert_eq!(serde_json::from_value::<Envelope<OrderPaid>>(json).unwrap(), envelope);
    }

    #[test]
    fn a_cancellation_says_whether_volumes_are_to_be_taken_back() {
        let draft = draft(&[wanted("T", 2)], &catalogue(vec![product("T", "100.00", "19", false)]));
        let unpaid = OrderCancelled::of(&draft.clone().cancelled(&act(None), None).unwrap());
        assert!(!unpaid.was_paid);
        let placed = draft.placed(&act(None)).unwrap();
        let paid = placed.paid(&act(None), Timestamp::UNIX_EPOCH, "2026-10".parse().unwrap(), true).unwrap();
        let taken_back = OrderCancelled::of(&paid.cancelled(&act(None), None).unwrap());
        assert!(taken_back.was_paid && taken_back.returned_as.is_none());
        assert_eq!(taken_back.cycle.unwrap().as_str(), "2026-10");
        assert_eq!(taken_back.amounts.vq, decimal("9.00"));
    }
}
