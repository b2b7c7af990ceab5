//! Orders and their states: draft, placed, paid, cancelled; each step by a condition on the present state, with time and author.

use std::{collections::BTreeMap, fmt};

use foundation::{
    id::{CycleId, LoadId, OrderId, PersonId, ProductId},
    money::Currency,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    failure::OrderError,
    paid::{Paid, PaidKind},
    pricing::{Buyer, Line, Totals, Wanted, price, totals},
    product::Product,
};

/// Characters a comment has at most.
pub const COMMENT_LENGTH_MAX: usize = 2_000;
/// Comments an order has at most.
pub const COMMENTS_MAX: usize = 60;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Priced; nothing is reserved.
    Draft,
    /// Prices are frozen, stock is reserved.
    Placed,
    /// It became commissionable.
    Paid,
    /// It will not happen, or was taken back.
    Cancelled,
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Placed => "placed",
            Self::Paid => "paid",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a comment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The draft.
    Draft,
    /// The placing.
    Placement,
    /// The payment.
    Payment,
    /// The shipping.
    Shipping,
    /// The person.
    Person,
    /// The cancellation.
    Cancellation,
}

/// What somebody wrote about an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// When.
    pub at: Timestamp,
    /// Subject of the author's token.
    pub author: String,
    /// What it is about.
    pub step: Step,
    /// What was written.
    pub text: String,
}

/// A state an order has reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// The state.
    pub state: State,
    /// When.
    pub at: Timestamp,
    /// Subject of the token of who did it.
    pub author: String,
}

/// An order. Amounts are in its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The person it is for.
    pub buyer: PersonId,
    /// Where it stands.
    pub state: State,
    /// Raised by each change.
    pub version: u64,
    /// Currency of all amounts.
    pub currency: Currency,
    /// What is ordered.
    pub lines: Vec<Line>,
    /// Sums over the lines.
    pub totals: Totals,
    /// When it was made.
    pub created_at: Timestamp,
    /// Each state it has reached, first to last.
    pub history: Vec<Reached>,
    /// What was written about it, first to last.
    #[serde(default)]
    pub comments: Vec<Comment>,
    /// The cycle it counts in, since it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<CycleId>,
    /// What a run reads of it, since it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<Paid>,
    /// The return that took it back, if its cycle had closed when it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_as: Option<OrderId>,
    /// The bulk load it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadId>,
}

/// Who does something when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Subject of the caller's token.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// What the caller writes about it.
    pub comment: Option<String>,
}

impl Order {
    /// A draft for `buyer`, priced by `products`.
    pub fn draft(
        id: OrderId,
        buyer: &Buyer,
        currency: Currency,
        wanted: &[Wanted],
        products: &BTreeMap<ProductId, Product>,
        act: &Act,
    ) -> Result<Self, OrderError> {
        if buyer.is_terminated {
            return Err(OrderError::BuyerTerminated);
        }
        let lines = price(wanted, products, buyer, currency)?;
        let mut order = Self {
            id,
            buyer: buyer.id.clone(),
            state: State::Draft,
            version: 1,
            currency,
            totals: totals(&lines)?,
            lines,
            created_at: act.at,
            history: Vec::new(),
            comments: Vec::new(),
            cycle: None,
            paid: None,
            returned_as: None,
            load: None,
        };
        order.reach(State::Draft, Step::Draft, act)?;
        Ok(order)
    }

    /// A sale or return that came with a bulk load: paid, with its sums and without lines.
    pub fn loaded(load: LoadId, paid: Paid, cycle: CycleId, author: &str) -> Self {
        let totals = Totals {
            net: paid.net,
            vat: paid.gross - paid.net,
            gross: paid.gross,
            vq: paid.vq,
            vc: paid.vc,
            points: paid.points,
            units: paid.units,
            customer_price: paid.customer_price,
            consultant_price: paid.consultant_price,
        };
        Self {
            id: paid.id.clone(),
            buyer: paid.person.clone(),
            state: State::Paid,
            version: 1,
            currency: paid.currency,
            lines: Vec::new(),
            totals,
            created_at: paid.paid_at,
            history: vec![Reached { state: State::Paid, at: paid.paid_at, author: author.to_owned() }],
            comments: Vec::new(),
            cycle: Some(cycle),
            paid: Some(paid),
            returned_as: None,
            load: Some(load),
        }
    }

    /// The draft with other lines, priced anew.
    pub fn rewritten(
        mut self,
        buyer: &Buyer,
        wanted: &[Wanted],
        products: &BTreeMap<ProductId, Product>,
    ) -> Result<Self, OrderError> {
        self.needs(&[State::Draft], "changing it", "a draft")?;
        self.lines = price(wanted, products, buyer, self.currency)?;
        self.totals = totals(&self.lines)?;
        self.version += 1;
        Ok(self)
    }

    /// The order, placed as it was priced.
    pub fn placed(mut self, act: &Act) -> Result<Self, OrderError> {
        self.needs(&[State::Draft], "placing it", "a draft")?;
        self.version += 1;
        self.reach(State::Placed, Step::Placement, act)?;
        Ok(self)
    }

    /// The order, paid at `paid_at` in `cycle`.
    pub fn paid(
        mut self,
        act: &Act,
        paid_at: Timestamp,
        cycle: CycleId,
        first_of_person: bool,
    ) -> Result<Self, OrderError> {
        self.needs(&[State::Placed], "paying it", "placed")?;
        if paid_at > act.at {
            return Err(OrderError::PaidInFuture);
        }
        self.version += 1;
        self.reach(State::Paid, Step::Payment, act)?;
        self.cycle = Some(cycle);
        self.paid = Some(Paid::sale(&self, paid_at, first_of_person));
        Ok(self)
    }

    /// The order, cancelled. If it was paid in a cycle that has closed, `returned_as` names the return that takes it back.
    pub fn cancelled(mut self, act: &Act, returned_as: Option<OrderId>) -> Result<Self, OrderError> {
        self.needs(&[State::Draft, State::Placed, State::Paid], "cancelling it", "draft, placed or paid")?;
        if self.paid.as_ref().is_some_and(|paid| paid.kind == PaidKind::Return) {
            return Err(OrderError::IsReturn { order: self.id });
        }
        self.version += 1;
        self.returned_as = returned_as;
        self.reach(State::Cancelled, Step::Cancellation, act)?;
        Ok(self)
    }

    /// The order with one more comment.
    pub fn commented(mut self, step: Step, text: &str, act: &Act) -> Result<Self, OrderError> {
        self.version += 1;
        self.comment(step, text, act)?;
        Ok(self)
    }

    /// Refuses `action` unless the order is in one of `states`.
    pub fn needs(
        &self,
        states: &[State],
        action: &'static str,
        needed: &'static str,
    ) -> Result<(), OrderError> {
        if states.contains(&self.state) {
            Ok(())
        } else {
            Err(OrderError::WrongState { action, needed, found: self.state })
        }
    }

    fn reach(&mut self, state: State, step: Step, act: &Act) -> Result<(), OrderError> {
        self.state = state;
        self.history.push(Reached { state, at: act.at, author: act.author.clone() });
        act.comment.as_deref().map_or(Ok(()), |text| self.comment(step, text, act))
    }

    fn comment(&mut self, step: Step, text: &str, act: &Act) -> Result<(), OrderError> {
        let text = text.trim();
        let found = text.chars().count();
        if !(1..=COMMENT_LENGTH_MAX).contains(&found) {
            return Err(OrderError::CommentLength { found });
        }
        if self.comments.len() >= COMMENTS_MAX {
            return Err(OrderError::TooManyComments);
        }
        let comment = Comment { at: act.at, author: act.author.clone(), step, text: text.to_owned() };
        self.comments.push(comment);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use foundation::problem::Problem;

    use super::*;
    use crate::pricing::tests::*;

    pub(crate) fn act(comment: Option<&str>) -> Act {
        Act { author: "user-1".into(), at: Timestamp::UNIX_EPOCH, comment: comment.map(str::to_owned) }
    }

    pub(crate) fn draft(wanted: &[Wanted], products: &BTreeMap<ProductId, Product>) -> Order {
        let id = "O1".parse().unwrap();
        Order::draft(id, &buyer(true), "COP".parse().unwrap(), wanted, products, &act(None)).unwrap()
    }

    fn simple() -> Order {
        draft(&[wanted("T", 2)], &catalogue(vec![product("T", "100.00", "19", false)]))
    }

    fn paid(order: Order) -> Result<Order, OrderError> {
        order.paid(&act(None), Timestamp::UNIX_EPOCH, "2026-10".parse().unwrap(), false)
    }

    #[test]
    fn placing_freezes_exactly_what_the_draft_said() {
        let draft = simple();
        let placed = draft.clone().placed(&act(Some(" paga el viernes "))).unwrap();
        assert_eq!((&placed.lines, &placed.totals), (&draft.lines, &draft.totals));
        assert_eq!((placed.state, placed.version), (State::Placed, 2));
        assert_eq!(
            (placed.comments[0].text.as_str(), placed.comments[0].step),
            ("paga el viernes", Step::Placement)
        );
        assert_eq!(placed.history.len(), 2);
    }

    #[test]
    fn each_step_needs_its_state_and_a_refusal_tells_the_present_one() {
        let placed = || simple().placed(&act(None)).unwrap();
        let cancelled = || simple().cancelled(&act(None), None).unwrap();
        let cases = [
            ("pay a draft", paid(simple()), "draft"),
            ("place twice", placed().placed(&act(None)), "placed"),
            ("pay twice", paid(paid(placed()).unwrap()), "paid"),
            ("cancel twice", cancelled().cancelled(&act(None), None), "cancelled"),
            (
                "change what is placed",
                placed().rewritten(&buyer(true), &[wanted("T", 1)], &BTreeMap::new()),
                "placed",
            ),
        ];
        for (name, outcome, state) in cases {
            let refused = outcome.unwrap_err();
            assert_eq!(refused.code(), "order.wrong-state", "{name}");
            assert!(refused.to_string().contains(state), "{name}: {refused}");
        }
    }

    #[test]
    fn payments_of_tomorrow_and_orders_of_people_who_left_are_refused() {
        let later = Timestamp::from_second(1).unwrap();
        let placed = simple().placed(&act(None)).unwrap();
        let refused = placed.paid(&act(None), later, "2026-10".parse().unwrap(), true).unwrap_err();
        assert_eq!(refused.code(), "order.paid-in-future");
        let gone = Buyer { is_terminated: true, ..buyer(true) };
        let products = catalogue(vec![product("T", "100.00", "19", false)]);
        let refused = Order::draft(
            "O1".parse().unwrap(),
            &gone,
            gone.currency,
            &[wanted("T", 1)],
            &products,
            &act(None),
        );
        assert_eq!(refused.unwrap_err().code(), "order.buyer-terminated");
    }

    #[test]
    fn comments_have_a_length_and_a_number() {
        for text in ["", "  ", &"x".repeat(COMMENT_LENGTH_MAX + 1)] {
            let refused = simple().commented(Step::Person, text, &act(None)).unwrap_err();
            assert_eq!(refused.code(), "order.comment-length");
        }
        let mut order = simple();
        for _ in 0..COMMENTS_MAX {
            order = order.commented(Step::Shipping, "ñ", &act(None)).unwrap();
        }
        assert_eq!(
            order.commented(Step::Shipping, "x", &act(None)).unwrap_err().code(),
            "order.too-many-comments"
        );
    }
}
