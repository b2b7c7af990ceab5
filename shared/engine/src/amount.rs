//! From a base and a rate to an exact amount, and from there, once, to minor units of a currency.

use foundation::money::{Currency, Rounding};
use plan::AMOUNT_SCALE;
use rust_decimal::Decimal;

/// Decimals exact amounts are kept with.
pub const EXACT_SCALE: u32 = 24;
/// Decimals rates are kept with.
pub const RATE_SCALE: u32 = 9;

/// What a base of [`AMOUNT_SCALE`] decimals is multiplied with to get an exact amount of [`EXACT_SCALE`] decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Factor(i128);

impl Factor {
    /// The product of a rate, the value of a unit and an exchange rate; `None` if it has too many digits.
    pub(crate) fn of(parts: [Decimal; 3]) -> Option<Self> {
        let (mut mantissa, mut scale) = (1_i128, 0_u32);
        for part in parts {
            let part = part.normalize();
            mantissa = mantissa.checked_mul(part.mantissa())?;
            scale += part.scale();
        }
        let missing = (EXACT_SCALE - AMOUNT_SCALE).checked_sub(scale)?;
        mantissa.checked_mul(10_i128.checked_pow(missing)?).map(Self)
    }

    /// The factor of a rate less another, both on the same thing in the same currency.
    pub(crate) fn less(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The factor that made `exact` out of `base`.
    pub(crate) fn between(base: i64, exact: i128) -> Option<Self> {
        (base != 0).then(|| Self(exact / i128::from(base)))
    }

    /// Whether every product is 0.
    pub(crate) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The exact amount.
    pub(crate) fn times(self, base: i64) -> Option<i128> {
        // 64 bits by 63 always fit, and most factors are that short.
        if u64::try_from(self.0.unsigned_abs()).is_ok() {
            return Some(self.0.wrapping_mul(i128::from(base)));
        }
        self.0.checked_mul(i128::from(base))
    }
}

/// Rounds exact amounts of one currency to its minor unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounder {
    divisor: i128,
    /// How many tens the divisor is the product of.
    tens: u32,
    /// As many fives: the divisor without its twos, short enough for one division of the processor.
    fives: u64,
    rounding: Rounding,
}

impl Rounder {
    pub(crate) fn of(currency: Currency, rounding: Rounding) -> Self {
        Self::of_tens(EXACT_SCALE - currency.minor_digits(), rounding)
    }

    /// To whole ones.
    pub(crate) fn whole(rounding: Rounding) -> Self {
        Self::of_tens(EXACT_SCALE, rounding)
    }

    fn of_tens(tens: u32, rounding: Rounding) -> Self {
        Self { divisor: 10_i128.pow(tens), tens, fives: 5_u64.pow(tens), rounding }
    }

    /// Quotient and rest of an exact amount by the divisor, both with the sign of the amount.
    fn divided(self, exact: i128) -> (i128, i128) {
        let size = exact.unsigned_abs();
        let quotient = (size >> self.tens) / u128::from(self.fives);
        // Neither passes the size of the amount.
        let quotient = i128::try_from(quotient).unwrap_or(i128::MAX);
        let quotient = if exact < 0 { -quotient } else { quotient };
        (quotient, exact.wrapping_sub(quotient.wrapping_mul(self.divisor)))
    }

    /// `exact` in minor units.
    pub(crate) fn round(self, exact: i128) -> Option<i64> {
        let (quotient, rest) = self.divided(exact);
        let (twice, away) = (rest.abs() * 2, if exact < 0 { -1 } else { 1 });
        let up = match self.rounding {
            Rounding::HalfEven => self.divisor < twice || (twice == self.divisor && quotient % 2 != 0),
            Rounding::HalfUp => self.divisor <= twice,
            Rounding::Down => false,
            Rounding::Up => rest != 0,
        };
        i64::try_from(if up { quotient + away } else { quotient }).ok()
    }

    /// `exact` and perhaps a bit more than 0, away from 0, in minor units: for a quotient that was cut to [`EXACT_SCALE`] decimals.
    pub(crate) fn round_cut(self, exact: i128, cut: bool) -> Option<i64> {
        let (_, rest) = self.divided(exact);
        let touches = match self.rounding {
            Rounding::HalfEven | Rounding::HalfUp => rest.abs() * 2 == self.divisor,
            Rounding::Up => rest == 0,
            Rounding::Down => false,
        };
        // One digit more decides as the digits that were cut would.
        let more = i128::from(cut && touches);
        self.round(exact.checked_add(if exact < 0 { -more } else { more })?)
    }

    /// The same with another way of rounding.
    pub(crate) fn with(self, rounding: Rounding) -> Self {
        Self { rounding, ..self }
    }

    /// Minor units as an exact amount.
    pub(crate) fn exactly(self, minor: i64) -> Option<i128> {
        self.divisor.checked_mul(i128::from(minor))
    }
}

/// `whole` × `part` / `of` cut towards 0, and whether anything was cut; `None` if it does not fit or `of` is 0.
pub(crate) fn share(whole: i128, part: i128, of: i128) -> Option<(i128, bool)> {
    if of == 0 {
        return None;
    }
    if let Some(product) = whole.checked_mul(part) {
        return Some((product.checked_div(of)?, product % of != 0));
    }
    let negative = (whole < 0) ^ (part < 0) ^ (of < 0);
    let (whole, part, of) = (whole.unsigned_abs(), part.unsigned_abs(), of.unsigned_abs());
    // whole = quotient × of + rest, and rest × part / of digit by digit, so that nothing passes 128 bits on the way.
    let mut result = (whole / of).checked_mul(part)?;
    let addend = whole % of;
    let (mut quotient, mut rest) = (0_u128, 0_u128);
    for bit in (0..u128::BITS - part.leading_zeros()).rev() {
        quotient = quotient.checked_mul(2)?;
        for add in [rest, if part >> bit & 1 == 1 { addend } else { 0 }] {
            rest = rest.checked_add(add)?;
            if of <= rest {
                rest -= of;
                quotient = quotient.checked_add(1)?;
            }
        }
    }
    result = result.checked_add(quotient)?;
    let result = i128::try_from(result).ok()?;
    Some((if negative { -result } else { result }, rest != 0))
}

/// The greatest number that divides both; 0 if both are 0.
pub(crate) fn greatest_divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Minor units as a decimal of the currency.
pub fn from_minor(minor: i64, currency: Currency) -> Decimal {
    Decimal::new(minor, currency.minor_digits())
}

/// An exact amount as a decimal, to 18 decimals at most (a decimal holds 28 digits).
pub fn from_exact(exact: i128) -> Decimal {
    let shortened =
        |drop: u32| Decimal::try_from_i128_with_scale(exact / 10_i128.pow(drop), EXACT_SCALE - drop);
    [0, 6, 12, 18].into_iter().find_map(|drop| shortened(drop).ok()).unwrap_or_default().normalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MODES: [Rounding; 4] = [Rounding::HalfEven, Rounding::HalfUp, Rounding::Down, Rounding::Up];

    proptest! {
        #[test]
        fn rounding_agrees_with_that_of_money(mantissa in -1_000_000_000_i64..1_000_000_000, scale in 0_u32..8) {
            let exact = i128::from(mantissa) * 10_i128.pow(EXACT_SCALE - scale);
            for code in ["COP", "CLP", "KWD"] {
                let currency: Currency = code.parse().unwrap();
                for rounding in MODES {
                    let minor = Rounder::of(currency, rounding).round(exact).unwrap();
                    let expected = currency.round(Decimal::new(mantissa, scale), rounding);
                    prop_assert_eq!(from_minor(minor, currency), expected);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_share_of_large_numbers_is_that_of_long_division(whole in any::<i64>(), part in 1_i64.., of in 1_i64..) {
            // Both sides of the same fraction widened: the product passes 128 bits, the quotient does not.
            let wide = 1_i128 << 63;
            let plain = i128::from(whole) * i128::from(part);
            let (of, part) = (i128::from(of) * wide, i128::from(part) * wide);
            let (quotient, cut) = share(i128::from(whole), part, of).unwrap();
            prop_assert_eq!(quotient, plain / (of / wide));
            prop_assert_eq!(cut, plain % (of / wide) != 0);
        }

        #[test]
        fn a_cut_quotient_rounds_as_the_whole_one(number in -100_000_i64..100_000, digits in 0_u32..3) {
            // number / 3 to 24 decimals, and thirds of a tie: 0.5 + a third of the last digit.
            let currency: Currency = "CLP".parse().unwrap();
            let one = 10_i128.pow(EXACT_SCALE);
            for rounding in MODES {
                let rounder = Rounder::of(currency, rounding);
                let exact = i128::from(number) * one / 10_i128.pow(digits);
                let more = exact + if exact < 0 { -1 } else { 1 };
                if number != 0 {
                    prop_assert_eq!(rounder.round_cut(exact, true), rounder.round(more));
                }
                prop_assert_eq!(rounder.round_cut(exact, false), rounder.round(exact));
            }
        }
    }

    proptest! {
        #[test]
        fn quotient_and_rest_are_those_of_division(exact in any::<i128>(), short in any::<i64>(), base in any::<i64>()) {
            for code in ["COP", "CLP", "KWD"] {
                let rounder = Rounder::of(code.parse().unwrap(), Rounding::HalfEven);
                for exact in [exact, i128::from(short), i128::MIN, i128::MAX, rounder.divisor, -rounder.divisor] {
                    prop_assert_eq!(rounder.divided(exact), (exact / rounder.divisor, exact % rounder.divisor));
                }
            }
            for factor in [i128::from(short) * 2, i128::from(u64::MAX), -i128::from(u64::MAX), exact] {
                prop_assert_eq!(Factor(factor).times(base), factor.checked_mul(i128::from(base)));
            }
        }
    }

    #[test]
    fn a_factor_with_too_many_digits_is_refused() {
        let fine: Decimal = "0.0000000000000001".parse().unwrap();
        assert_eq!(Factor::of([fine, fine, Decimal::ONE]), None);
        let rate: Decimal = "0.05".parse().unwrap();
        let factor = Factor::of([rate, Decimal::from(1000), Decimal::ONE]).unwrap();
        assert_eq!(from_exact(factor.times(1_0000).unwrap()), Decimal::from(50));
    }
}
