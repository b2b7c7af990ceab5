//! The REST paths of orders.

use std::sync::Arc;

use aws::idempotency::Claim;
use calendar::{Calendar, Cycle, CycleState};
use foundation::{
    id::{OrderId, PersonId},
    money::Currency,
    permission::Permission,
    problem::{Fault, Kind, Malformed, NotFound},
};
use jiff::Timestamp;
use lambda::http::{Call, MissingPermission, Reply};
use network::{People, Person, Status};
use orders::{
    OrderError, Orders,
    order::{Act, Order, State, Step},
    pricing::{Buyer, Wanted},
    store::ordering::{NewOrder, OpenCycle, Request, TakeBack},
};
use serde::{Deserialize, Serialize};

/// What the paths share.
pub(crate) struct Shop {
    pub(crate) people: People,
    pub(crate) calendar: Calendar,
    pub(crate) orders: Orders,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    /// Whom it is for; the caller if not said.
    buyer: Option<PersonId>,
    currency: Option<Currency>,
    lines: Vec<Wanted>,
    comment: Option<String>,
    #[serde(default)]
    place: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RewriteBody {
    version: u64,
    lines: Vec<Wanted>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepBody {
    comment: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentBody {
    /// Now if not said.
    paid_at: Option<Timestamp>,
    comment: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommentBody {
    step: Step,
    text: String,
}

#[derive(Serialize)]
struct Listed {
    items: Vec<Order>,
    next: Option<String>,
}

pub(crate) async fn create(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    let body: CreateBody = call.body()?;
    let request = request(&call, "create-order", &body, body.comment.clone())?;
    let buyer = body.buyer.as_ref().or(caller.person.as_ref());
    let buyer = buyer.ok_or_else(|| Malformed::at("/buyer", "expected a person: the caller is none"))?;
    let buyer = buyer_of(&shop.people.reachable(&caller.reach(), buyer).await?);
    let new = NewOrder {
        id: lambda::new_id().parse().map_err(|error| unexpected_id(&error))?,
        currency: body.currency.unwrap_or(buyer.currency),
        buyer,
        wanted: body.lines,
        place: body.place,
    };
    let order = shop.orders.create(new, &request).await?;
    Reply::created(format!("/orders/{}", order.id), &order)
}

pub(crate) async fn show(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    Reply::ok(&shop.visible(&call).await?.0)
}

pub(crate) async fn of_person(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let person = call.path::<PersonId>("personId")?;
    shop.people.reachable(&call.caller()?.reach(), &person).await?;
    let cursor = call.query::<String>("cursor")?;
    let page = shop.orders.of_person(&person, cursor.as_deref(), call.limit()?).await?;
    Reply::ok(&Listed { items: page.orders, next: page.next })
}

pub(crate) async fn rewrite(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let body: RewriteBody = call.body()?;
    let (draft, person) = shop.visible(&call).await?;
    Reply::ok(&shop.orders.rewrite(draft, body.version, &buyer_of(&person), &body.lines).await?)
}

pub(crate) async fn place(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let body: StepBody = call.body_or_default()?;
    let request = request(&call, "place-order", &body, body.comment.clone())?;
    let (draft, person) = shop.visible(&call).await?;
    Reply::ok(&shop.orders.place(draft, &buyer_of(&person), &request).await?)
}

pub(crate) async fn pay(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let body: PaymentBody = call.body_or_default()?;
    let request = request(&call, "pay-order", &body, body.comment.clone())?;
    let (placed, _) = shop.visible(&call).await?;
    let paid_at = body.paid_at.unwrap_or(call.received_at);
    let cycle = shop.cycle_at(paid_at).await?;
    Reply::ok(&shop.orders.pay(placed, paid_at, shop.gated(&cycle)?, &request).await?)
}

pub(crate) async fn cancel(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let body: StepBody = call.body_or_default()?;
    let request = request(&call, "cancel-order", &body, body.comment.clone())?;
    let (order, _) = shop.visible(&call).await?;
    if order.state == State::Paid && !call.caller()?.may(Permission::OrdersPay) {
        return Err(MissingPermission(Permission::OrdersPay).into());
    }
    let back = shop.take_back(&order, call.received_at).await?;
    Reply::ok(&shop.orders.cancel(order, &back, &request).await?)
}

pub(crate) async fn comment(shop: Arc<Shop>, call: Call) -> Result<Reply, Fault> {
    let body: CommentBody = call.body()?;
    let request = request(&call, "comment-order", &body, None)?;
    let (order, _) = shop.visible(&call).await?;
    Reply::ok(&shop.orders.comment(order, body.step, &body.text, &request).await?)
}

impl Shop {
    /// The order in the path, and its buyer, if the caller reaches the buyer. Two round trips.
    async fn visible(&self, call: &Call) -> Result<(Order, Person), Fault> {
        let order = self.orders.find(&call.path::<OrderId>("orderId")?).await?;
        let person = self.people.reachable(&call.caller()?.reach(), &order.buyer).await.map_err(Fault::from);
        // Whoever may not see the person shall not learn that the order exists.
        let hidden =
            |fault: Fault| if fault.kind() == Kind::NotFound { NotFound("order").into() } else { fault };
        Ok((order, person.map_err(hidden)?))
    }

    async fn cycle_at(&self, moment: Timestamp) -> Result<Cycle, Fault> {
        Ok(self.calendar.cycle_at(moment).await?.ok_or(OrderError::NoCycle { at: moment })?)
    }

    fn gated(&self, cycle: &Cycle) -> Result<OpenCycle, Fault> {
        Ok(OpenCycle { id: cycle.id.clone(), gate: self.calendar.require_open(&cycle.id)? })
    }

    /// Volumes of a paid order are taken out of its cycle while that is open, and else out of the present one.
    async fn take_back(&self, order: &Order, now: Timestamp) -> Result<TakeBack, Fault> {
        let Some(cycle) = order.cycle.as_ref().filter(|_| order.state == State::Paid) else {
            return Ok(TakeBack::Nothing);
        };
        let found = self.calendar.find(cycle).await?.ok_or(NotFound("cycle"))?;
        if found.state == CycleState::Open {
            return Ok(TakeBack::Unpaid(self.gated(&found)?));
        }
        Ok(TakeBack::Return(self.gated(&self.cycle_at(now).await?)?))
    }
}

fn buyer_of(person: &Person) -> Buyer {
    Buyer {
        id: person.id.clone(),
        is_consultant: person.kind == network::Kind::Consultant,
        is_terminated: person.status == Status::Terminated,
        currency: person.currency,
    }
}

/// What is the same request: who, which path, which body.
fn request(
    call: &Call,
    operation: &str,
    body: &impl Serialize,
    comment: Option<String>,
) -> Result<Request, Fault> {
    let caller = call.caller()?;
    // Paths that make an order have none in them.
    let order = call.path::<OrderId>("orderId").map(String::from).unwrap_or_default();
    let operation = format!("{operation} {order}");
    Ok(Request {
        claim: Claim::new(&caller.subject, call.idempotency_key()?, &operation, body)?,
        act: Act { author: caller.subject.clone(), at: call.received_at, comment },
        correlation: lambda::correlation(),
    })
}

fn unexpected_id(error: &foundation::id::InvalidId) -> Malformed {
    Malformed::at("", error.to_string())
}
