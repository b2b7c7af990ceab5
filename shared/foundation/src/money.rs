//! Money and currencies. The only door from exact decimals to minor units is [`Currency::round`].

use std::{fmt, str::FromStr};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// An ISO 4217 currency that is in circulation somewhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// A text that is no known currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 4217 currency code: {found:?}")]
pub struct UnknownCurrency {
    /// The refused text.
    pub found: String,
}

/// ISO 4217 codes with two decimals, then those with another number of decimals.
const TWO_DECIMALS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF \
    CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS \
    INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD \
    NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP \
    SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG";
const OTHER_DECIMALS: &[(&str, u32)] = &[
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("TND", 3),
    ("CLF", 4),
    ("UYW", 4),
];

impl Currency {
    /// The three-letter code.
    pub fn code(&self) -> &str {
        // Only ASCII letters get in.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Decimals of the minor unit: 2 for COP, 0 for CLP, 3 for KWD.
    pub fn minor_digits(self) -> u32 {
        let known = OTHER_DECIMALS.iter().find(|(code, _)| code.as_bytes() == self.0);
        known.map_or(2, |(_, digits)| *digits)
    }

    /// `exact` rounded to the minor unit.
    pub fn round(self, exact: Decimal, rounding: Rounding) -> Decimal {
        let mut rounded = exact.round_dp_with_strategy(self.minor_digits(), rounding.strategy());
        rounded.rescale(self.minor_digits());
        rounded
    }

    /// Whether `amount` has no more decimals than the minor unit.
    pub fn can_hold(self, amount: Decimal) -> bool {
        amount.normalize().scale() <= self.minor_digits()
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;
    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        let known = TWO_DECIMALS.split_whitespace().any(|other| other == code)
            || OTHER_DECIMALS.iter().any(|(other, _)| *other == code);
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(bytes) if known => Ok(Self(bytes)),
            _ => Err(UnknownCurrency { found: code.to_owned() }),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = UnknownCurrency;
    fn try_from(code: String) -> Result<Self, UnknownCurrency> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How halves are rounded. `HalfEven` unless a plan says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Halves go to the even neighbour.
    #[default]
    HalfEven,
    /// Halves go away from zero.
    HalfUp,
    /// Everything goes towards zero.
    Down,
    /// Everything goes away from zero.
    Up,
}

impl Rounding {
    fn strategy(self) -> RoundingStrategy {
        match self {
            Self::HalfEven => RoundingStrategy::MidpointNearestEven,
            Self::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Self::Down => RoundingStrategy::ToZero,
            Self::Up => RoundingStrategy::AwayFromZero,
        }
    }
}

/// An amount of a currency, never finer than its minor unit. In JSON `{"amount": "12.30", "currency": "COP"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "MoneyParts", into = "MoneyParts")]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MoneyParts {
    amount: Decimal,
    currency: Currency,
}

/// Why two amounts cannot be put together, or a number is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The amounts are of two currencies.
    #[error("{0} and {1} cannot be added")]
    CurrencyMismatch(Currency, Currency),
    /// The result has more than 28 digits.
    #[error("the amount is too large")]
    Overflow,
    /// The number is finer than the currency's minor unit.
    #[error("{amount} has more decimals than {currency} has ({digits})", digits = currency.minor_digits())]
    TooFine {
        /// The refused number.
        amount: Decimal,
        /// The currency it was meant in.
        currency: Currency,
    },
}

impl Money {
    /// No money.
    pub fn zero(currency: Currency) -> Self {
        Self { amount: currency.round(Decimal::ZERO, Rounding::HalfEven), currency }
    }

    /// `amount` as it is, which must fit the minor unit.
    pub fn exactly(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        if currency.can_hold(amount) {
            Ok(Self { amount: currency.round(amount, Rounding::HalfEven), currency })
        } else {
            Err(MoneyError::TooFine { amount, currency })
        }
    }

    /// `exact` rounded to the minor unit.
    pub fn rounded(exact: Decimal, currency: Currency, rounding: Rounding) -> Self {
        Self { amount: currency.round(exact, rounding), currency }
    }

    /// The number.
    pub fn amount(self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The sum of two amounts of one currency.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let amount = self.amount.checked_add(other.amount).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, currency: self.currency })
    }

    /// The opposite amount.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { amount: -self.amount, currency: self.currency }
    }
}

impl TryFrom<MoneyParts> for Money {
    type Error = MoneyError;
    fn try_from(parts: MoneyParts) -> Result<Self, MoneyError> {
        Self::exactly(parts.amount, parts.currency)
    }
}

impl From<Money> for MoneyParts {
    fn from(money: Money) -> Self {
        Self { amount: money.amount, currency: money.currency }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn halves_go_where_the_rounding_says() {
        let cases = [
            ("2.345", "COP", Rounding::HalfEven, "2.34"),
            ("2.355", "COP", Rounding::HalfEven, "2.36"),
            ("2.345", "COP", Rounding::HalfUp, "2.35"),
            ("-2.345", "COP", Rounding::HalfUp, "-2.35"),
            ("2.349", "COP", Rounding::Down, "2.34"),
            ("2.341", "COP", Rounding::Up, "2.35"),
            ("2.5", "CLP", Rounding::HalfEven, "2"),
            ("1", "KWD", Rounding::HalfEven, "1.000"),
        ];
        for (exact, code, rounding, expected) in cases {
            let rounded = currency(code).round(exact.parse().unwrap(), rounding);
            assert_eq!(rounded.to_string(), expected, "{exact} {code} {rounding:?}");
        }
    }

    #[test]
    fn money_finer_than_its_currency_is_refused() {
        let text = r#"{"amount":"1.234","currency":"COP"}"#;
        assert!(serde_json::from_str::<Money>(text).is_err());
        assert!("cop".parse::<Currency>().is_err());
        assert!("XYZ".parse::<Currency>().is_err());
    }

    proptest! {
        #[test]
        fn json_gives_back_the_same_money(minor in -1_000_000_000_000_i64..1_000_000_000_000) {
            let money = Money::exactly(Decimal::new(minor, 2), currency("USD")).unwrap();
            let text = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), money);
        }

        #[test]
        fn rounding_moves_by_at_most_half_a_minor_unit(mantissa in any::<i64>(), scale in 0_u32..10) {
            let exact = Decimal::new(mantissa, scale);
            let rounded = currency("COP").round(exact, Rounding::HalfEven);
            prop_assert!((rounded - exact).abs() <= Decimal::new(5, 3));
        }
    }
}
