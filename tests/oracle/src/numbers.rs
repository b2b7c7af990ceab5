//! Exact arithmetic as the specification words it.

use anyhow::{Context, Result, bail};
use rust_decimal::Decimal;

/// Half to even at `digits` decimals, by hand and not by a library's strategy.
pub(crate) fn half_even(exact: Decimal, digits: u32) -> Decimal {
    let unit = Decimal::new(1, digits);
    let floor = (exact / unit).floor();
    let rest = exact / unit - floor;
    let half = Decimal::new(5, 1);
    let up = half < rest || (rest == half && floor % Decimal::TWO != Decimal::ZERO);
    (if up { floor + Decimal::ONE } else { floor }) * unit
}

/// Decimals of a currency's minor unit, of those the demo pays in.
pub(crate) fn minor_digits(currency: &str) -> Result<u32> {
    match currency {
        "COP" | "USD" | "MXN" | "PEN" | "EUR" => Ok(2),
        "CLP" | "PYG" => Ok(0),
        other => bail!("the oracle does not know the minor unit of {other}"),
    }
}

/// A JSON text or number as the decimal it says.
pub(crate) fn decimal(value: &serde_json::Value) -> Result<Decimal> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().with_context(|| format!("not a number: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour_on_both_sides_of_zero() {
        for (exact, rounded) in
            [("0.125", "0.12"), ("0.135", "0.14"), ("-0.125", "-0.12"), ("-0.135", "-0.14"), ("2", "2")]
        {
            assert_eq!(half_even(exact.parse().unwrap(), 2), rounded.parse().unwrap(), "{exact}");
        }
    }
}
