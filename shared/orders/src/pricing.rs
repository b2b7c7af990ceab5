//! What lines cost and count for: list price, quantity, VAT, rounded per line to the currency; every part is kept.
//!
//! A draft is priced here and placing freezes exactly that, so a draft is a quote.

use std::collections::{BTreeMap, BTreeSet};

use foundation::{
    id::{PersonId, ProductId},
    locale::Text,
    money::{Currency, Rounding},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    failure::OrderError,
    product::{CONSULTANT_LIST, PUBLIC_LIST, PriceList, Product},
};

/// Lines an order has at most: all of them go into one transaction.
pub const LINES_MAX: usize = 50;
/// Units of a product an order has at most.
pub const QUANTITY_MAX: u32 = 10_000;

/// Who an order is for, as far as prices depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// The person.
    pub id: PersonId,
    /// Whether the person sells, and so buys at the consultants' list.
    pub is_consultant: bool,
    /// Whether the person has left the network.
    pub is_terminated: bool,
    /// The currency the person buys in, unless the order says another.
    pub currency: Currency,
}

/// A product and how many of it are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The product.
    pub product: ProductId,
    /// Units.
    pub quantity: u32,
}

/// A line with every part of its price. Amounts are in the order's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The product.
    pub product: ProductId,
    /// Its name then.
    pub name: Text,
    /// Its category then.
    pub category: String,
    /// Units.
    pub quantity: u32,
    /// The price list the price is from.
    pub price_list: String,
    /// Whether that list states prices with VAT.
    pub includes_vat: bool,
    /// List price of a unit.
    pub unit_price: Decimal,
    /// List price of all units, as the list states it.
    pub list_price: Decimal,
    /// What is paid without VAT.
    pub net: Decimal,
    /// VAT in percent.
    pub vat_percent: Decimal,
    /// VAT.
    pub vat: Decimal,
    /// What is paid.
    pub gross: Decimal,
    /// Qualifying volume of all units.
    pub vq: Decimal,
    /// Commissionable volume of all units.
    pub vc: Decimal,
    /// Loyalty points of all units.
    pub points: Decimal,
    /// What somebody without a list of their own pays for the same, without VAT.
    pub customer_price: Decimal,
    /// What a consultant pays for the same, without VAT.
    pub consultant_price: Decimal,
    /// The version of the product the price is from.
    pub product_version: u64,
    /// Whether units of it were counted then.
    pub is_counted: bool,
}

/// Sums over the lines of an order. Amounts are in the order's currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// What is paid without VAT.
    pub net: Decimal,
    /// VAT.
    pub vat: Decimal,
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
    /// What somebody without a list of their own pays for the same, without VAT.
    pub customer_price: Decimal,
    /// What a consultant pays for the same, without VAT.
    pub consultant_price: Decimal,
}

/// Checks what is wanted before anything is read for it.
pub fn check_wanted(wanted: &[Wanted]) -> Result<(), OrderError> {
    if wanted.is_empty() {
        return Err(OrderError::Empty);
    }
    if wanted.len() > LINES_MAX {
        return Err(OrderError::TooManyLines { found: wanted.len() });
    }
    let mut seen = BTreeSet::new();
    for (line, Wanted { product, quantity }) in wanted.iter().enumerate() {
        if !(1..=QUANTITY_MAX).contains(quantity) {
            return Err(OrderError::Quantity { found: *quantity, line });
        }
        if !seen.insert(product) {
            return Err(OrderError::RepeatedProduct { product: product.clone(), line });
        }
    }
    Ok(())
}

/// The lines for `wanted` at the prices of `products`, for `buyer` in `currency`.
pub fn price(
    wanted: &[Wanted],
    products: &BTreeMap<ProductId, Product>,
    buyer: &Buyer,
    currency: Currency,
) -> Result<Vec<Line>, OrderError> {
    check_wanted(wanted)?;
    let line = |(line, wanted): (usize, &Wanted)| {
        let product = products.get(&wanted.product);
        let product =
            product.ok_or_else(|| OrderError::UnknownProduct { product: wanted.product.clone(), line })?;
        price_line(product, wanted.quantity, buyer, currency)
    };
    wanted.iter().enumerate().map(line).collect()
}

fn price_line(
    product: &Product,
    quantity: u32,
    buyer: &Buyer,
    currency: Currency,
) -> Result<Line, OrderError> {
    if !product.active {
        return Err(OrderError::InactiveProduct { product: product.id.clone() });
    }
    let no_price = || OrderError::NoPrice { product: product.id.clone(), currency };
    let lists: &[&str] = if buyer.is_consultant { &[CONSULTANT_LIST, PUBLIC_LIST] } else { &[PUBLIC_LIST] };
    let units = Decimal::from(quantity);
    let (name, list, unit_price) = first_price(product, lists, currency).ok_or_else(no_price)?;
    let parts = Parts::of(unit_price, units, list, product.vat_percent, currency)?;
    let price_at = |lists: &[&str]| match first_price(product, lists, currency) {
        None => Ok(parts.net),
        Some((_, list, unit)) => {
            Parts::of(unit, units, list, product.vat_percent, currency).map(|parts| parts.net)
        }
    };
    Ok(Line {
        product: product.id.clone(),
        name: product.name.clone(),
        category: product.category.clone(),
        quantity,
        price_list: name.to_owned(),
        includes_vat: list.includes_vat,
        unit_price,
        list_price: parts.list_price,
        net: parts.net,
        vat_percent: product.vat_percent,
        vat: parts.vat,
        gross: parts.gross,
        vq: times(product.vq, units)?,
        vc: times(product.vc, units)?,
        points: times(product.points, units)?,
        customer_price: price_at(&[PUBLIC_LIST])?,
        consultant_price: price_at(&[CONSULTANT_LIST, PUBLIC_LIST])?,
        product_version: product.version,
        is_counted: product.stock.is_some(),
    })
}

/// The first of `lists` that has a price in `currency`.
fn first_price<'a>(
    product: &'a Product,
    lists: &[&str],
    currency: Currency,
) -> Option<(&'a str, &'a PriceList, Decimal)> {
    lists.iter().find_map(|name| {
        let (name, list) = product.price_lists.get_key_value(*name)?;
        let price = list.amounts.get(&currency)?;
        Some((name.as_str(), list, *price))
    })
}

struct Parts {
    list_price: Decimal,
    net: Decimal,
    vat: Decimal,
    gross: Decimal,
}

impl Parts {
    /// Net and VAT are rounded once each; their sum is the gross price exactly, whichever of them the list states.
    fn of(
        unit_price: Decimal,
        units: Decimal,
        list: &PriceList,
        vat_percent: Decimal,
        currency: Currency,
    ) -> Result<Self, OrderError> {
        let round = |exact: Decimal| currency.round(exact, Rounding::HalfEven);
        let list_price = round(times(unit_price, units)?);
        let hundred = Decimal::ONE_HUNDRED;
        if list.includes_vat {
            let net = times(list_price, hundred)?.checked_div(hundred + vat_percent);
            let net = round(net.ok_or(OrderError::AmountsTooLarge)?);
            return Ok(Self { list_price, net, vat: list_price - net, gross: list_price });
        }
        let vat = round(times(list_price, vat_percent)? / hundred);
        Ok(Self { list_price, net: list_price, vat, gross: plus(list_price, vat)? })
    }
}

/// The sums over `lines`.
pub fn totals(lines: &[Line]) -> Result<Totals, OrderError> {
    lines.iter().try_fold(Totals::default(), |sum, line| {
        Ok(Totals {
            net: plus(sum.net, line.net)?,
            vat: plus(sum.vat, line.vat)?,
            gross: plus(sum.gross, line.gross)?,
            vq: plus(sum.vq, line.vq)?,
            vc: plus(sum.vc, line.vc)?,
            points: plus(sum.points, line.points)?,
            units: plus(sum.units, Decimal::from(line.quantity))?,
            customer_price: plus(sum.customer_price, line.customer_price)?,
            consultant_price: plus(sum.consultant_price, line.consultant_price)?,
        })
    })
}

fn times(one: Decimal, other: Decimal) -> Result<Decimal, OrderError> {
    one.checked_mul(other).ok_or(OrderError::AmountsTooLarge)
}

fn plus(one: Decimal, other: Decimal) -> Result<Decimal, OrderError> {
    one.checked_add(other).ok_or(OrderError::AmountsTooLarge)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    pub(crate) fn buyer(is_consultant: bool) -> Buyer {
        Buyer {
            id: "P1".parse().unwrap(),
            is_consultant,
            is_terminated: false,
            currency: "COP".parse().unwrap(),
        }
    }

    /// A product with a public price, and a consultants' price three quarters of it, in COP.
    pub(crate) fn product(id: &str, price: &str, vat_percent: &str, includes_vat: bool) -> Product {
        let list = |price: Decimal| PriceList {
            includes_vat,
            amounts: BTreeMap::from([("COP".parse().unwrap(), price)]),
        };
        Product {
            id: id.parse().unwrap(),
            name: Text { es: id.into(), en: id.into() },
            category: "nutricion".into(),
            active: true,
            vat_percent: decimal(vat_percent),
            price_lists: BTreeMap::from([
                (PUBLIC_LIST.to_owned(), list(decimal(price))),
                (CONSULTANT_LIST.to_owned(), list((decimal(price) * decimal("0.75")).round_dp(2))),
            ]),
            vq: decimal("4.50"),
            vc: decimal("3.60"),
            points: decimal("2"),
            stock: Some(100),
            version: 3,
        }
    }

    pub(crate) fn wanted(id: &str, quantity: u32) -> Wanted {
        Wanted { product: id.parse().unwrap(), quantity }
    }

    pub(crate) fn catalogue(products: Vec<Product>) -> BTreeMap<ProductId, Product> {
        products.into_iter().map(|product| (product.id.clone(), product)).collect()
    }

    #[test]
    fn vat_is_added_or_taken_out_and_rounded_once_per_line() {
        let cases = [
            // price, VAT, with VAT, quantity: net, VAT, gross
            ("10.05", "19", false, 1, "10.05", "1.91", "11.96"),
            ("10.05", "19", false, 3, "30.15", "5.73", "35.88"),
            ("11.90", "19", true, 1, "10.00", "1.90", "11.90"),
            ("0.05", "19", true, 1, "0.04", "0.01", "0.05"),
            ("0.50", "5", false, 1, "0.50", "0.02", "0.52"),
            ("0.70", "5", false, 1, "0.70", "0.04", "0.74"),
            ("7.00", "0", false, 2, "14.00", "0.00", "14.00"),
        ];
        for (price_of_unit, vat_percent, includes_vat, quantity, net, vat, gross) in cases {
            let products = catalogue(vec![product("T", price_of_unit, vat_percent, includes_vat)]);
            let lines = price(&[wanted("T", quantity)], &products, &buyer(false), "COP".parse().unwrap());
            let lines = lines.unwrap();
            let found = (lines[0].net.to_string(), lines[0].vat.to_string(), lines[0].gross.to_string());
            let name = format!("{quantity} x {price_of_unit} at {vat_percent}%");
            assert_eq!(found, (net.to_owned(), vat.to_owned(), gross.to_owned()), "{name}");
        }
    }

    #[test]
    fn consultants_buy_at_their_list_and_both_prices_are_kept() {
        let products = catalogue(vec![product("T", "100.00", "19", false)]);
        let currency = "COP".parse().unwrap();
        let consultant = price(&[wanted("T", 2)], &products, &buyer(true), currency).unwrap();
        let customer = price(&[wanted("T", 2)], &products, &buyer(false), currency).unwrap();
        assert_eq!((consultant[0].net, customer[0].net), (decimal("150.00"), decimal("200.00")));
        assert_eq!(consultant[0].price_list, CONSULTANT_LIST);
        for line in [&consultant[0], &customer[0]] {
            assert_eq!((line.customer_price, line.consultant_price), (decimal("200.00"), decimal("150.00")));
        }
        let sums = totals(&consultant).unwrap();
        assert_eq!((sums.vq, sums.vc, sums.points), (decimal("9.00"), decimal("7.20"), decimal("4")));
    }

    #[test]
    fn what_cannot_be_ordered_is_refused_by_name() {
        let mut off = product("OFF", "1.00", "19", false);
        off.active = false;
        let products = catalogue(vec![product("T", "1.00", "19", false), off]);
        let many: Vec<_> = (0..=LINES_MAX).map(|number| wanted(&format!("T{number}"), 1)).collect();
        let cases = [
            (vec![], "COP", "order.empty"),
            (many, "COP", "order.too-many-lines"),
            (vec![wanted("T", 0)], "COP", "order.quantity"),
            (vec![wanted("T", QUANTITY_MAX + 1)], "COP", "order.quantity"),
            (vec![wanted("T", 1), wanted("T", 1)], "COP", "order.repeated-product"),
            (vec![wanted("X", 1)], "COP", "order.unknown-product"),
            (vec![wanted("OFF", 1)], "COP", "order.inactive-product"),
            (vec![wanted("T", 1)], "USD", "order.no-price"),
        ];
        for (wanted, currency, code) in cases {
            let refused = price(&wanted, &products, &buyer(true), currency.parse().unwrap()).unwrap_err();
            assert_eq!(foundation::problem::Problem::code(&refused), code);
        }
    }

    proptest! {
        #[test]
        fn net_and_vat_are_the_gross_price_and_fit_the_currency(
            minor in 0_i64..1_000_000_000_000, percent in 0_i64..=100_0000, quantity in 1..=QUANTITY_MAX, includes_vat: bool,
        ) {
            let mut product = product("T", "1.00", "0", includes_vat);
            product.vat_percent = Decimal::new(percent, 4);
            let currency: Currency = "COP".parse().unwrap();
            for list in product.price_lists.values_mut() {
                list.amounts.insert(currency, Decimal::new(minor, 2));
            }
            let lines = price(&[wanted("T", quantity)], &catalogue(vec![product]), &buyer(true), currency);
            let line = &lines.unwrap()[0];
            prop_assert_eq!(line.net + line.vat, line.gross);
            for part in [line.net, line.vat, line.gross, line.list_price] {
                prop_assert!(currency.can_hold(part) && !part.is_sign_negative());
            }
            prop_assert_eq!(if includes_vat { line.gross } else { line.net }, line.list_price);
        }
    }
}
