//! What a commission run reads of an order: one row per sale or return that became commissionable in a cycle.

use foundation::{
    id::{OrderId, PersonId},
    money::Currency,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::order::Order;

/// Whether goods went out or came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaidKind {
    /// Sold.
    #[default]
    Sale,
    /// Came back. Its amounts are positive and are subtracted.
    Return,
}

/// A sale or a return that became commissionable. Amounts are positive and in `currency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// The order, or the return.
    pub id: OrderId,
    /// Whose order it is.
    pub person: PersonId,
    /// When it became commissionable.
    pub paid_at: Timestamp,
    /// Sale or return.
    pub kind: PaidKind,
    /// Currency of the amounts.
    pub currency: Currency,
    /// What was paid without VAT.
    pub net: Decimal,
    /// What was paid.
    pub gross: Decimal,
    /// Qualifying volume.
    pub vq: Decimal,
    /// Commissionable volume.
    pub vc: Decimal,
    /// Units.
    pub units: Decimal,
    /// Loyalty points.
    pub points: Decimal,
    /// What somebody without a list of their own pays for the same, without VAT.
    pub customer_price: Decimal,
    /// What a consultant pays for the same, without VAT.
    pub consultant_price: Decimal,
    /// Whether it is the person's first order ever.
    pub first_of_person: bool,
    /// The category all lines have; empty if they have several.
    pub category: String,
    /// For a return: the order that came back.
    pub reverses: Option<OrderId>,
    /// For a return: when what came back was paid. Returns kept before this was known have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sold_at: Option<Timestamp>,
}

impl Paid {
    /// The row of `order`, paid at `paid_at`.
    pub fn sale(order: &Order, paid_at: Timestamp, first_of_person: bool) -> Self {
        let totals = order.totals.clone();
        let mut categories = order.lines.iter().map(|line| line.category.as_str());
        let category = categories.next().unwrap_or_default();
        let category = if categories.all(|other| other == category) { category } else { "" };
        Self {
            id: order.id.clone(),
            person: order.buyer.clone(),
            paid_at,
            kind: PaidKind::Sale,
            currency: order.currency,
            net: totals.net,
            gross: totals.gross,
            vq: totals.vq,
            vc: totals.vc,
            units: totals.units,
            points: totals.points,
            customer_price: totals.customer_price,
            consultant_price: totals.consultant_price,
            first_of_person,
            category: category.to_owned(),
            reverses: None,
            sold_at: None,
        }
    }

    /// The return of all of it, settled at `at`.
    #[must_use]
    pub fn returned(&self, at: Timestamp) -> Self {
        Self {
            id: return_id(&self.id),
            paid_at: at,
            kind: PaidKind::Return,
            first_of_person: false,
            reverses: Some(self.id.clone()),
            sold_at: Some(self.paid_at),
            ..self.clone()
        }
    }
}

/// The id of the return of a whole order: there is one at most.
fn return_id(order: &OrderId) -> OrderId {
    let long = foundation::digest::sha256_hex(order.as_str().as_bytes());
    // An id of 64 characters leaves no room for the ending; half of a hash does, and is as unique.
    format!("{order}.return")
        .parse()
        .or_else(|_| format!("{}.return", &long[..32]).parse())
        .unwrap_or_else(|_: foundation::id::InvalidId| order.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{order, pricing::tests::*};

    #[test]
    fn a_row_has_the_orders_totals_and_its_return_takes_all_of_it_back() {
        let at = Timestamp::UNIX_EPOCH;
        let products = catalogue(vec![product("T", "100.00", "19", false)]);
        let order = order::tests::draft(&[wanted("T", 2)], &products);
        let sale = Paid::sale(&order, at, true);
        assert_eq!((sale.gross, sale.vq), (decimal("178.50"), decimal("9.00")));
        assert_eq!(sale.category, "nutricion");
        let later = at + jiff::SignedDuration::from_hours(1);
        let back = sale.returned(later);
        assert_eq!((back.paid_at, back.sold_at), (later, Some(at)));
        assert_eq!(back.id.as_str(), "O1.return");
        assert_eq!((back.kind, back.gross), (PaidKind::Return, sale.gross));
        assert_eq!(back.reverses.as_ref(), Some(&sale.id));
        assert!(!back.first_of_person);
        // A sale is kept as ever, and what was kept without the moment is read.
        let mut kept = serde_json::to_value(&back).unwrap();
        assert!(serde_json::to_value(&sale).unwrap().get("sold_at").is_none());
        kept.as_object_mut().unwrap().remove("sold_at");
        assert_eq!(serde_json::from_value::<Paid>(kept).unwrap(), Paid { sold_at: None, ..back });
    }

    #[test]
    fn the_longest_id_has_a_return_too() {
        let id: OrderId = "x".repeat(64).parse().unwrap();
        let back = return_id(&id);
        assert_ne!(back, id);
        assert!(back.as_str().ends_with(".return"));
    }

    #[test]
    fn lines_of_several_categories_have_none_in_common() {
        let mut other = product("U", "1.00", "19", false);
        other.category = "hogar".into();
        let products = catalogue(vec![product("T", "100.00", "19", false), other]);
        let order = order::tests::draft(&[wanted("T", 1), wanted("U", 1)], &products);
        assert_eq!(Paid::sale(&order, Timestamp::UNIX_EPOCH, false).category, "");
    }
}
