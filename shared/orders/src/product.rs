//! The catalogue: products, their price lists, what a unit counts for.

use std::collections::BTreeMap;

use foundation::{id::ProductId, locale::Text, money::Currency, problem::FieldError};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

use crate::failure::OrderError;

/// The price list everybody may buy at.
pub const PUBLIC_LIST: &str = "public";
/// The price list of consultants.
pub const CONSULTANT_LIST: &str = "consultant";

/// The largest price and the largest volume of a unit.
const AMOUNT_MAX: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);
/// Decimals of volumes and points.
const VOLUME_DIGITS: u32 = 4;
/// Price lists a product has at most.
const LISTS_MAX: usize = 20;

/// What a unit costs, by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    /// Whether the amounts include VAT.
    #[serde(default)]
    pub includes_vat: bool,
    /// The price of a unit, in whole minor units of each currency.
    pub amounts: BTreeMap<Currency, Decimal>,
}

/// A product of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its name.
    pub name: Text,
    /// Its category, which rules of a plan may refer to.
    pub category: String,
    /// Whether it is sold at present.
    pub active: bool,
    /// VAT in percent.
    pub vat_percent: Decimal,
    /// Price lists by name; `public` is always there.
    pub price_lists: BTreeMap<String, PriceList>,
    /// Qualifying volume of a unit.
    pub vq: Decimal,
    /// Commissionable volume of a unit.
    pub vc: Decimal,
    /// Loyalty points of a unit.
    pub points: Decimal,
    /// Units left; none if nobody counts.
    #[serde(default)]
    pub stock: Option<u64>,
    /// Raised by each change of the catalogue, not by orders.
    pub version: u64,
}

/// What a product is to be, as the back office says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductChange {
    /// The version that is replaced; 0 for a new product.
    pub version: u64,
    /// Its name.
    pub name: Text,
    /// Its category.
    pub category: String,
    /// Whether it is sold; yes if not said.
    #[serde(default = "yes")]
    pub active: bool,
    /// VAT in percent.
    pub vat_percent: Decimal,
    /// Price lists by name.
    pub price_lists: BTreeMap<String, PriceList>,
    /// Qualifying volume of a unit.
    pub vq: Decimal,
    /// Commissionable volume of a unit.
    pub vc: Decimal,
    /// Loyalty points of a unit.
    #[serde(default)]
    pub points: Decimal,
    /// Units counted just now; `null` if nobody counts; left out, the count stays as it is.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub stock: Option<Option<u64>>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::option_option, reason = "not mentioned and null are two things in a request")]
fn said<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(input).map(Some)
}

impl ProductChange {
    /// Names every wrong member.
    pub fn check(&self) -> Result<(), OrderError> {
        let mut wrong = Vec::new();
        let mut refuse = |pointer: String, detail: String| wrong.push(FieldError { pointer, detail });
        for (locale, name) in [("es", &self.name.es), ("en", &self.name.en)] {
            if name.trim().is_empty() || name.chars().count() > 200 {
                refuse(format!("/name/{locale}"), "expected 1 to 200 characters".to_owned());
            }
        }
        if !is_code(&self.category) {
            refuse("/category".to_owned(), format!("{CODE}; found {:?}", self.category));
        }
        if self.vat_percent > Decimal::ONE_HUNDRED || !is_amount(self.vat_percent, VOLUME_DIGITS) {
            refuse("/vat_percent".to_owned(), format!("expected 0 to 100; found {}", self.vat_percent));
        }
        for (member, value) in [("vq", self.vq), ("vc", self.vc), ("points", self.points)] {
            if !is_amount(value, VOLUME_DIGITS) {
                let detail = format!(
                    "expected 0 to {AMOUNT_MAX} with at most {VOLUME_DIGITS} decimals; found {value}"
                );
                refuse(format!("/{member}"), detail);
            }
        }
        if !self.price_lists.contains_key(PUBLIC_LIST) || self.price_lists.len() > LISTS_MAX {
            let detail = format!("expected the list {PUBLIC_LIST:?} and at most {LISTS_MAX} lists");
            refuse("/price_lists".to_owned(), detail);
        }
        for (name, list) in &self.price_lists {
            if !is_code(name) {
                refuse(format!("/price_lists/{name}"), CODE.to_owned());
            }
            if list.amounts.is_empty() {
                refuse(format!("/price_lists/{name}/amounts"), "expected a price".to_owned());
            }
            for (currency, price) in &list.amounts {
                if !is_amount(*price, currency.minor_digits()) {
                    let detail = format!(
                        "expected 0 to {AMOUNT_MAX} with at most {} decimals; found {price}",
                        currency.minor_digits()
                    );
                    refuse(format!("/price_lists/{name}/amounts/{currency}"), detail);
                }
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(OrderError::Product(wrong)) }
    }
}

const CODE: &str = "expected 1 to 40 lower-case letters, digits and hyphens";

fn is_code(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_amount(value: Decimal, digits: u32) -> bool {
    (Decimal::ZERO..=AMOUNT_MAX).contains(&value) && value.normalize().scale() <= digits
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn change() -> Value {
        json!({
            "version": 0, "name": {"es": "Té", "en": "Tea"}, "category": "nutricion", "vat_percent": "5",
            "price_lists": {"public": {"amounts": {"COP": "29900.00", "CLP": "7000"}}}, "vq": "4.50", "vc": "3.60",
        })
    }

    #[test]
    fn a_wrong_member_is_named_by_its_pointer() {
        let cases = [
            ("/vat_percent", json!("100.1"), "/vat_percent"),
            ("/vat_percent", json!("-1"), "/vat_percent"),
            ("/vq", json!("-0.01"), "/vq"),
            ("/vc", json!("1.00001"), "/vc"),
            ("/category", json!("Nutrición"), "/category"),
            ("/name/en", json!(" "), "/name/en"),
            ("/price_lists", json!({}), "/price_lists"),
            ("/price_lists/public/amounts", json!({}), "/price_lists/public/amounts"),
            ("/price_lists/public/amounts/CLP", json!("0.5"), "/price_lists/public/amounts/CLP"),
            ("/price_lists/public/amounts/COP", json!("1000000000001"), "/price_lists/public/amounts/COP"),
        ];
        for (pointer, value, expected) in cases {
            let mut body = change();
            *body.pointer_mut(pointer).unwrap() = value;
            let change: ProductChange = serde_json::from_value(body).unwrap();
            let Err(OrderError::Product(wrong)) = change.check() else { panic!("{pointer} passed") };
            assert_eq!(wrong[0].pointer, expected);
        }
        let sound: ProductChange = serde_json::from_value(change()).unwrap();
        sound.check().unwrap();
    }

    #[test]
    fn a_stock_that_is_not_mentioned_differs_from_one_that_is_not_counted() {
        let cases = [(None, None), (Some(Value::Null), Some(None)), (Some(json!(7)), Some(Some(7)))];
        for (given, expected) in cases {
            let mut body = change();
            if let Some(given) = given {
                body["stock"] = given;
            }
            let change: ProductChange = serde_json::from_value(body).unwrap();
            assert_eq!(change.stock, expected);
        }
    }
}
