//! Orders from step to step: each step is one transaction of the order, its claim, stock, rows for runs and the fact.

use aws::{AwsError, Condition, Item, Update, Write, decimal, from_item, idempotency::Claim, outbox};
use foundation::{
    fact::{Envelope, Fact},
    id::{CycleId, OrderId, ProductId},
    money::Currency,
};
use jiff::Timestamp;

use super::{Orders, OrdersError, first_item, number};
use crate::{
    facts::{OrderCancelled, OrderPaid, OrderPlaced},
    failure::OrderError,
    keys,
    order::{Act, Order, State, Step},
    pricing::{Buyer, Line, Wanted, check_wanted},
};

/// How long an idempotency key is remembered, in seconds: a week.
const CLAIM_SECONDS: i64 = 7 * 24 * 3600;

/// What somebody does to orders: who, when, under which key, and the correlation id that goes with its facts.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who, when, and what is said about it.
    pub act: Act,
    /// The claim of the caller's idempotency key.
    pub claim: Claim,
    /// The correlation id.
    pub correlation: String,
}

/// An order to be made.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Its id.
    pub id: OrderId,
    /// Whom it is for.
    pub buyer: Buyer,
    /// Its currency.
    pub currency: Currency,
    /// What is wanted.
    pub wanted: Vec<Wanted>,
    /// Whether it is placed at once.
    pub place: bool,
}

/// A cycle and the write that refuses if it is not open any more.
#[derive(Clone, Debug)]
pub struct OpenCycle {
    /// The cycle.
    pub id: CycleId,
    /// The condition on it.
    pub gate: Write,
}

/// What a paid order's volumes are to be taken back from.
#[derive(Clone, Debug)]
pub enum TakeBack {
    /// The order was not paid.
    Nothing,
    /// Its cycle is open: it did not happen.
    Unpaid(OpenCycle),
    /// Its cycle has closed: it comes back in the present one.
    Return(OpenCycle),
}

/// What a refused condition of a transaction means.
enum Blame {
    Claim,
    Order,
    Product(ProductId, u64),
    /// Stock that is not counted any more.
    Uncounted(ProductId),
    Cycle(CycleId),
    First,
}

/// The writes of a step, each with what its refusal means.
struct Writes {
    writes: Vec<(Write, Option<Blame>)>,
}

/// What became of a transaction that was refused.
enum Refused {
    /// The request was answered before.
    Answered(Box<Order>),
    /// Somebody paid a first order of the same person in between, or the note of it is gone.
    First,
    /// These products are not counted any more.
    Uncounted(Vec<ProductId>),
}

impl Orders {
    /// Makes a draft, or places it at once. At most two round trips.
    pub async fn create(&self, new: NewOrder, request: &Request) -> Result<Order, OrdersError> {
        check_wanted(&new.wanted).map_err(OrdersError::from)?;
        let products = self.products(new.wanted.iter().map(|wanted| &wanted.product)).await?;
        let act = &request.act;
        let draft = Order::draft(new.id, &new.buyer, new.currency, &new.wanted, &products, act);
        let silent = Act { comment: None, ..act.clone() };
        let made = if new.place { draft.and_then(|draft| draft.placed(&silent)) } else { draft };
        match made {
            Ok(order) => self.store_placed(order, None, request).await,
            Err(refused) => self.answered(&request.claim, refused.into()).await,
        }
    }

    /// Gives a draft other lines, priced anew, if it is still of this `version`. Two round trips.
    pub async fn rewrite(
        &self,
        draft: Order,
        version: u64,
        buyer: &Buyer,
        wanted: &[Wanted],
    ) -> Result<Order, OrdersError> {
        draft.needs(&[State::Draft], "changing it", "a draft")?;
        if draft.version != version {
            return Err(OrderError::Stale.into());
        }
        check_wanted(wanted)?;
        let products = self.products(wanted.iter().map(|wanted| &wanted.product)).await?;
        let order = draft.rewritten(buyer, wanted, &products)?;
        let write = self.put(&order, Some(version))?;
        match self.aws.transact(vec![write]).await {
            Ok(()) => Ok(order),
            Err(AwsError::Refused(_)) => Err(OrderError::Stale.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Places a draft at the prices it says. One round trip.
    pub async fn place(&self, draft: Order, buyer: &Buyer, request: &Request) -> Result<Order, OrdersError> {
        let read = draft.version;
        let placed = draft
            .placed(&request.act)
            .and_then(|order| if buyer.is_terminated { Err(OrderError::BuyerTerminated) } else { Ok(order) });
        match placed {
            Ok(order) => self.store_placed(order, Some(read), request).await,
            Err(refused) => self.answered(&request.claim, refused.into()).await,
        }
    }

    /// Records that a placed order was paid at `paid_at` in `cycle`. Two round trips.
    pub async fn pay(
        &self,
        placed: Order,
        paid_at: Timestamp,
        cycle: OpenCycle,
        request: &Request,
    ) -> Result<Order, OrdersError> {
        let has_paid_before = self.table.get(keys::first(&placed.buyer)).await?.is_some();
        let read = placed.version;
        // Two payments of one person at the same time both mean to be the first; the second try knows better.
        for first_of_person in [!has_paid_before, false] {
            let paid = placed.clone().paid(&request.act, paid_at, cycle.id.clone(), first_of_person);
            let order = match paid {
                Ok(order) => order,
                Err(refused) => return self.answered(&request.claim, refused.into()).await,
            };
            match self.commit(self.payment(&order, read, &cycle, request)?, request).await? {
                None => return Ok(order),
                Some(Refused::Answered(order)) => return Ok(*order),
                Some(_) => {}
            }
        }
        Err(OrderError::Stale.into())
    }

    fn payment(
        &self,
        order: &Order,
        read: u64,
        cycle: &OpenCycle,
        request: &Request,
    ) -> Result<Writes, OrdersError> {
        let mut step = self.step(order, Some(read), request)?;
        step.also(cycle.gate.clone(), Some(Blame::Cycle(cycle.id.clone())));
        if let Some(paid) = &order.paid {
            step.also(self.put_row(&cycle.id, paid)?, None);
            if paid.first_of_person {
                let item = first_item(&order.buyer, &order.id);
                step.also(Write::Put(self.table.clone(), item, Condition::Absent), Some(Blame::First));
            }
            let fact = OrderPaid::of(paid, cycle.id.clone(), None, false);
            step.also(self.fact(fact, paid.paid_at, request)?, None);
        }
        Ok(step)
    }

    /// Cancels an order: stock goes back, and volumes as `back` says. One round trip, seldom two.
    pub async fn cancel(
        &self,
        order: Order,
        back: &TakeBack,
        request: &Request,
    ) -> Result<Order, OrdersError> {
        let (read, before) = (order.version, order.state);
        let returned_as = match (back, &order.paid) {
            (TakeBack::Return(_), Some(paid)) => Some(paid.returned(request.act.at).id),
            _ => None,
        };
        let cancelled = match order.cancelled(&request.act, returned_as) {
            Ok(order) => order,
            Err(refused) => return self.answered(&request.claim, refused.into()).await,
        };
        let mut uncounted = Vec::new();
        let mut forget_first = true;
        for _ in 0..3 {
            let mut step = self.cancellation(&cancelled, read, back, forget_first, request)?;
            if before != State::Draft {
                for line in cancelled.lines.iter().filter(|line| !uncounted.contains(&line.product)) {
                    step.writes.extend(self.release(line));
                }
            }
            match self.commit(step, request).await? {
                None => return Ok(cancelled),
                Some(Refused::Answered(order)) => return Ok(*order),
                Some(Refused::First) => forget_first = false,
                Some(Refused::Uncounted(products)) => uncounted.extend(products),
            }
        }
        Err(OrderError::Stale.into())
    }

    fn cancellation(
        &self,
        order: &Order,
        read: u64,
        back: &TakeBack,
        forget_first: bool,
        request: &Request,
    ) -> Result<Writes, OrdersError> {
        let mut step = self.step(order, Some(read), request)?;
        let at = request.act.at;
        match (back, &order.paid) {
            (TakeBack::Unpaid(cycle), Some(paid)) => {
                step.also(cycle.gate.clone(), Some(Blame::Cycle(cycle.id.clone())));
                let row = keys::row(&cycle.id, &paid.id);
                step.also(Write::Delete(self.table.clone(), row, Condition::Always), None);
                if paid.first_of_person && forget_first {
                    let noted = Condition::Equals("order", aws::text(order.id.as_str()));
                    let first = keys::first(&order.buyer);
                    step.also(Write::Delete(self.table.clone(), first, noted), Some(Blame::First));
                }
            }
            (TakeBack::Return(cycle), Some(paid)) => {
                step.also(cycle.gate.clone(), Some(Blame::Cycle(cycle.id.clone())));
                let back = paid.returned(at);
                step.also(self.put_row(&cycle.id, &back)?, None);
                let fact = OrderPaid::of(&back, cycle.id.clone(), order.cycle.clone(), false);
                step.also(self.fact(fact, at, request)?, None);
            }
            _ => {}
        }
        step.also(self.fact(OrderCancelled::of(order), at, request)?, None);
        Ok(step)
    }

    /// Adds a comment. One round trip, and another for each change of the order in between.
    pub async fn comment(
        &self,
        order: Order,
        about: Step,
        text: &str,
        request: &Request,
    ) -> Result<Order, OrdersError> {
        let read = order.version;
        match order.commented(about, text, &request.act) {
            Ok(order) => {
                let step = self.step(&order, Some(read), request)?;
                match self.commit(step, request).await? {
                    Some(Refused::Answered(order)) => Ok(*order),
                    _ => Ok(order),
                }
            }
            Err(refused) => self.answered(&request.claim, refused.into()).await,
        }
    }

    /// Stores an order that is a draft, or that is placed now.
    async fn store_placed(
        &self,
        order: Order,
        read: Option<u64>,
        request: &Request,
    ) -> Result<Order, OrdersError> {
        let mut step = self.step(&order, read, request)?;
        if order.state == State::Placed {
            step.writes.extend(order.lines.iter().map(|line| self.reserve(line)));
            step.also(self.fact(OrderPlaced::of(&order), request.act.at, request)?, None);
        }
        match self.commit(step, request).await? {
            Some(Refused::Answered(order)) => Ok(*order),
            _ => Ok(order),
        }
    }

    /// A step that leaves `order` behind, if it still is as it was read.
    fn step(&self, order: &Order, read: Option<u64>, request: &Request) -> Result<Writes, OrdersError> {
        let expires = request.act.at.as_second().saturating_add(CLAIM_SECONDS);
        let claim = request.claim.write(&self.table, order, expires)?;
        Ok(Writes { writes: vec![(claim, Some(Blame::Claim)), (self.put(order, read)?, Some(Blame::Order))] })
    }

    fn fact<F: Fact>(&self, fact: F, occurred_at: Timestamp, request: &Request) -> Result<Write, AwsError> {
        let envelope = Envelope::of(fact, occurred_at, request.act.at, request.correlation.as_str());
        outbox::write(&self.table, &envelope)
    }

    /// The product is as it was when the line was priced; what is counted is taken from the stock.
    fn reserve(&self, line: &Line) -> (Write, Option<Blame>) {
        let key = keys::product(&line.product);
        let unchanged = Condition::Equals("version", number(line.product_version));
        let blame = Some(Blame::Product(line.product.clone(), line.product_version));
        if !line.is_counted {
            return (Write::Check(self.table.clone(), key, unchanged), blame);
        }
        let enough = Condition::AtLeast("stock", number(line.quantity.into()));
        let take = Update::new().add("stock", aws::number(-rust_decimal::Decimal::from(line.quantity)));
        (Write::Update(self.table.clone(), key, take, Condition::All(vec![unchanged, enough])), blame)
    }

    /// What was taken from the stock goes back, if the product is still counted.
    fn release(&self, line: &Line) -> Option<(Write, Option<Blame>)> {
        let give = Update::new().add("stock", number(line.quantity.into()));
        let counted = Condition::AtLeast("stock", number(0));
        let write = Write::Update(self.table.clone(), keys::product(&line.product), give, counted);
        line.is_counted.then(|| (write, Some(Blame::Uncounted(line.product.clone()))))
    }

    /// Does a step, or says what its refusal means. `None`: done.
    async fn commit(&self, step: Writes, request: &Request) -> Result<Option<Refused>, OrdersError> {
        let (writes, blames): (Vec<_>, Vec<_>) = step.writes.into_iter().unzip();
        let refused = match self.aws.transact(writes).await {
            Ok(()) => return Ok(None),
            Err(AwsError::Refused(refused)) => refused,
            Err(error) => return Err(error.into()),
        };
        let mut changed = Vec::new();
        let mut uncounted = Vec::new();
        let mut is_first_gone = false;
        let mut failure = None;
        for (standing, blame) in refused.iter().zip(&blames) {
            let (Some(standing), Some(blame)) = (standing, blame) else { continue };
            match blame {
                // The claim comes first: whatever else does not hold is the doing of the first request.
                Blame::Claim => {
                    let answer = request.claim.answer::<Order>(standing)?;
                    return answer.map(|order| Some(Refused::Answered(Box::new(order)))).ok_or_else(stale);
                }
                Blame::Order => failure = failure.or_else(|| Some(in_between(standing))),
                Blame::Cycle(cycle) => {
                    failure = failure.or_else(|| Some(OrdersError::CycleClosed(cycle.clone())));
                }
                Blame::Product(product, version) if decimal(standing, "version") != (*version).into() => {
                    changed.push(product.clone());
                }
                Blame::Product(product, _) => {
                    let left = decimal(standing, "stock").to_string();
                    let short = OrderError::OutOfStock { product: product.clone(), left };
                    failure = failure.or_else(|| Some(short.into()));
                }
                Blame::Uncounted(product) => uncounted.push(product.clone()),
                Blame::First => is_first_gone = true,
            }
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        if !changed.is_empty() {
            return Err(OrderError::PricesChanged { products: changed }.into());
        }
        match (is_first_gone, uncounted.is_empty()) {
            (true, _) => Ok(Some(Refused::First)),
            (false, false) => Ok(Some(Refused::Uncounted(uncounted))),
            (false, true) => Err(AwsError::Refused(refused).into()),
        }
    }
}

impl Writes {
    fn also(&mut self, write: Write, blame: Option<Blame>) {
        self.writes.push((write, blame));
    }
}

fn stale() -> OrdersError {
    OrderError::Stale.into()
}

/// The order that stands there was changed by somebody else: into another state, or only into another version.
fn in_between(standing: &Item) -> OrdersError {
    match from_item::<Order>(standing.clone()) {
        Ok(order) if order.state != State::Draft => {
            OrderError::WrongState { action: "this", needed: "as it was read", found: order.state }.into()
        }
        _ => stale(),
    }
}
