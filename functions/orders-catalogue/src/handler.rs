//! The REST paths of the catalogue.

use std::sync::Arc;

use foundation::{id::ProductId, problem::Fault};
use lambda::http::{Call, Reply};
use orders::{
    Orders,
    product::{Product, ProductChange},
};
use serde::Serialize;

#[derive(Serialize)]
struct Listed {
    items: Vec<Product>,
    next: Option<String>,
}

pub(crate) async fn list(orders: Arc<Orders>, call: Call) -> Result<Reply, Fault> {
    let cursor = call.query::<String>("cursor")?;
    let page = orders.catalogue(cursor.as_deref(), call.limit()?).await?;
    Reply::ok(&Listed { items: page.products, next: page.next })
}

pub(crate) async fn show(orders: Arc<Orders>, call: Call) -> Result<Reply, Fault> {
    Reply::ok(&orders.product(&call.path::<ProductId>("productId")?).await?)
}

pub(crate) async fn put(orders: Arc<Orders>, call: Call) -> Result<Reply, Fault> {
    let change: ProductChange = call.body()?;
    Reply::ok(&orders.put_product(&call.path("productId")?, &change).await?)
}
