//! Cursors: where the next page of a listing starts, as an opaque text for the caller.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use foundation::problem::Malformed;

use crate::{
    Page, Query,
    item::{Item, text},
};

impl Page {
    /// The text with which the caller asks for the next page, if there is one. All our keys are texts.
    pub fn cursor(&self) -> Option<String> {
        let keys: BTreeMap<&str, &str> = self
            .next
            .as_ref()?
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_s().ok()?.as_str())))
            .collect();
        serde_json::to_vec(&keys).ok().map(|json| URL_SAFE_NO_PAD.encode(json))
    }
}

impl Query {
    /// Goes on where the caller's cursor says. One of another listing is malformed, so that nobody walks into a partition that was not
    /// checked.
    pub fn from_cursor(self, cursor: Option<&str>) -> Result<Self, Malformed> {
        let Some(cursor) = cursor else { return Ok(self) };
        let wrong = || Malformed::at("query:cursor", "expected a cursor of this listing");
        let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
        let keys: BTreeMap<String, String> = serde_json::from_slice(&json).map_err(|_| wrong())?;
        if keys.get(&self.partition_name()) != Some(self.partition_value()) {
            return Err(wrong());
        }
        let item: Item = keys.into_iter().map(|(name, value)| (name, text(value))).collect();
        Ok(self.after(Some(item)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_fits_only_the_partition_it_came_from() {
        let keys = [("pk", "T#1"), ("sk", "T"), ("queuepk", "orders"), ("queuesk", "open#1")];
        let next = keys.map(|(name, value)| (name.to_owned(), text(value))).into_iter().collect();
        let cursor = Page { items: vec![], next: Some(next) }.cursor().unwrap();
        let ask = |pk: &str| Query::partition(pk).index("queue").from_cursor(Some(&cursor));
        assert!(ask("orders").is_ok());
        assert!(ask("data").is_err());
        assert!(Query::partition("orders").from_cursor(Some("%%")).is_err());
        assert_eq!(Page::default().cursor(), None);
    }
}
