//! The catalogue in the table.

use std::collections::BTreeMap;

use aws::{AwsError, Condition, Query, Update, from_item, text, to_item};
use foundation::{id::ProductId, problem::NotFound};

use super::{Orders, OrdersError, number};
use crate::{
    failure::OrderError,
    keys,
    product::{Product, ProductChange},
};

/// Products of a listing, and where the next page starts.
#[derive(Clone, Debug)]
pub struct CataloguePage {
    /// The products.
    pub products: Vec<Product>,
    /// What to pass as `cursor` for the next ones.
    pub next: Option<String>,
}

impl Orders {
    /// The product with this id.
    pub async fn product(&self, id: &ProductId) -> Result<Product, OrdersError> {
        let found = self.table.get(keys::product(id)).await?;
        Ok(from_item(found.ok_or(NotFound("product"))?)?)
    }

    /// A page of the catalogue, in the order of ids.
    pub async fn catalogue(&self, cursor: Option<&str>, limit: u16) -> Result<CataloguePage, OrdersError> {
        let query = Query::partition(keys::PRODUCTS).index(keys::LIST).limit(limit);
        let page = self.table.query(query.from_cursor(cursor)?).await?;
        let next = page.cursor();
        let products = page.items.into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok(CataloguePage { products, next })
    }

    /// Makes or replaces a product. Orders that were placed keep what they were placed at.
    pub async fn put_product(&self, id: &ProductId, change: &ProductChange) -> Result<Product, OrdersError> {
        change.check()?;
        let mut columns = to_item(change)?;
        columns.remove("stock");
        columns.insert("version".to_owned(), number(change.version.saturating_add(1)));
        columns.insert("id".to_owned(), text(id.as_str()));
        columns.insert("listpk".to_owned(), text(keys::PRODUCTS));
        columns.insert("listsk".to_owned(), text(id.as_str()));
        let update = columns.into_iter().collect::<BTreeMap<_, _>>().into_iter();
        let update = update.fold(Update::new(), |update, (name, value)| update.set(name, value));
        let update = match change.stock {
            None => update,
            Some(None) => update.remove("stock"),
            Some(Some(counted)) => update.set("stock", number(counted)),
        };
        let condition = match change.version {
            0 => Condition::Absent,
            version => Condition::Equals("version", number(version)),
        };
        match self.table.update(keys::product(id), update, condition).await {
            Ok(item) => Ok(from_item(item)?),
            Err(AwsError::ConditionFailed(_)) => {
                Err(OrderError::StaleProduct { product: id.clone(), stated: change.version }.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The products with these ids, those there are. One round trip.
    pub(super) async fn products<'a>(
        &self,
        ids: impl Iterator<Item = &'a ProductId> + Send,
    ) -> Result<BTreeMap<ProductId, Product>, OrdersError> {
        let items = self.table.get_many(ids.map(keys::product).collect()).await?;
        items
            .into_iter()
            .map(|item| {
                let product: Product = from_item(item)?;
                Ok((product.id.clone(), product))
            })
            .collect()
    }
}
