//! The table of the area: the only I/O on it.

mod catalogue;
pub mod loads;
pub mod ordering;

use aws::{
    Aws, AwsError, Condition, Env, Item, Key, Query, Table, Write, from_item,
    idempotency::{Claim, KeyReused},
    text, to_item,
};
use foundation::{
    id::{CycleId, OrderId, PersonId},
    problem::{FieldError, Kind, Malformed, NotFound, Problem},
};

use crate::{failure::OrderError, keys, order::Order, paid::Paid};

pub use catalogue::CataloguePage;

/// Products and orders.
#[derive(Clone, Debug)]
pub struct Orders {
    aws: Aws,
    table: Table,
}

/// Why something about products or orders was not done.
#[derive(Debug, thiserror::Error)]
pub enum OrdersError {
    /// The rules refuse it.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The order's cycle is not open any more.
    #[error("cycle {0} is not open")]
    CycleClosed(CycleId),
    /// There is no such thing.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// The request does not fit.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The idempotency key was used for another request.
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    /// A file of a load that the platform itself wrote cannot be read.
    #[error(transparent)]
    UnreadableFile(#[from] crate::load::UnreadableFile),
    /// The table, a bucket or a queue.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl OrdersError {
    fn problem(&self) -> Option<&dyn Problem> {
        match self {
            Self::Order(error) => Some(error),
            Self::NotFound(error) => Some(error),
            Self::Malformed(error) => Some(error),
            Self::KeyReused(error) => Some(error),
            Self::Aws(error) => Some(error),
            Self::CycleClosed(_) | Self::UnreadableFile(_) => None,
        }
    }
}

impl Problem for OrdersError {
    fn kind(&self) -> Kind {
        match self {
            Self::CycleClosed(_) => Kind::Rejected,
            other => other.problem().map_or(Kind::Internal, Problem::kind),
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::CycleClosed(_) => "calendar.cycle-closed",
            other => other.problem().map_or("load.part", Problem::code),
        }
    }
    fn fields(&self) -> Vec<FieldError> {
        self.problem().map(Problem::fields).unwrap_or_default()
    }
}

impl From<aws::ItemError> for OrdersError {
    fn from(error: aws::ItemError) -> Self {
        Self::Aws(error.into())
    }
}

/// Orders of a listing, and where the next page starts.
#[derive(Clone, Debug)]
pub struct OrdersPage {
    /// The orders.
    pub orders: Vec<Order>,
    /// What to pass as `cursor` for the next ones.
    pub next: Option<String>,
}

impl Orders {
    /// The products and orders of the table in `ORDERS_TABLE`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self { aws: aws.clone(), table: Table::from_env(aws, env, "ORDERS_TABLE") }
    }

    /// The order with this id. Whether the caller may see it is asked of the buyer. One round trip.
    pub async fn find(&self, id: &OrderId) -> Result<Order, OrdersError> {
        let found = self.table.get(keys::order(id)).await?;
        Ok(from_item(found.ok_or(NotFound("order"))?)?)
    }

    /// The orders with these ids, those there are, in no order: 100 in a round trip. No id may come twice.
    pub async fn find_many(&self, ids: &[OrderId]) -> Result<Vec<Order>, AwsError> {
        let items = self.table.get_many(ids.iter().map(keys::order).collect()).await?;
        items.into_iter().map(|item| Ok(from_item(item)?)).collect()
    }

    /// A page of a person's orders, newest first.
    pub async fn of_person(
        &self,
        person: &PersonId,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<OrdersPage, OrdersError> {
        let query = Query::partition(keys::orders_of(person)).index(keys::LIST).descending().limit(limit);
        let page = self.table.query(query.from_cursor(cursor)?).await?;
        let next = page.cursor();
        let orders = page.items.into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok(OrdersPage { orders, next })
    }

    /// Hands every sale and return of `cycle` to `take`, page after page. Everything that was paid before the cycle closed is there.
    /// The order of the rows is not said. For run steps, never for a request.
    pub async fn export_cycle(
        &self,
        cycle: &CycleId,
        take: &mut (dyn FnMut(Paid) + Send),
    ) -> Result<(), AwsError> {
        for shard in 0..keys::SHARDS {
            let mut cursor = None;
            loop {
                let query = Query::partition(keys::rows(cycle, shard)).consistent().after(cursor);
                let page = self.table.query(query).await?;
                for item in page.items {
                    take(from_item(item)?);
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The write of an order as it is now, if it still is as it was read (`None`: if it is new).
    fn put(&self, order: &Order, read: Option<u64>) -> Result<Write, AwsError> {
        let mut item = keys::order(&order.id).onto(to_item(order)?);
        item.insert("listpk".to_owned(), text(keys::orders_of(&order.buyer)));
        item.insert("listsk".to_owned(), text(keys::by_time(order.created_at, &order.id)));
        let condition = match read {
            None => Condition::Absent,
            Some(version) => Condition::Equals("version", number(version)),
        };
        Ok(Write::Put(self.table.clone(), item, condition))
    }

    /// The write of a row that runs read.
    fn put_row(&self, cycle: &CycleId, paid: &Paid) -> Result<Write, AwsError> {
        let item = keys::row(cycle, &paid.id).onto(to_item(paid)?);
        Ok(Write::Put(self.table.clone(), item, Condition::Absent))
    }

    /// The answer to the request that claimed its key before, or else `refused`.
    async fn answered(&self, claim: &Claim, refused: OrdersError) -> Result<Order, OrdersError> {
        match self.table.get(claim.key()).await? {
            Some(standing) => claim.answer(&standing)?.ok_or(refused),
            None => Err(refused),
        }
    }
}

/// The first order of `person`, to be written with the payment that makes it so.
fn first_item(person: &PersonId, order: &OrderId) -> Item {
    keys::first(person).onto(Item::from([("order".to_owned(), text(order.as_str()))]))
}

fn number(value: u64) -> aws::Attribute {
    aws::number(value.into())
}

fn key_of(item: &Item) -> Option<Key> {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    Some(Key { pk: part("pk")?, sk: part("sk")? })
}
