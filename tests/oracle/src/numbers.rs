//! Exact arithmetic, straight from the definitions in the plan guide.

use anyhow::{Context, Result, bail};
use num_bigint::BigInt;
use num_rational::BigRational;
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// `exact` at `digits` decimals by a rounding of the plan, by hand and not by a library's strategy.
pub(crate) fn rounded(exact: Decimal, digits: u32, rounding: &str) -> Result<Decimal> {
    if exact.scale() <= digits {
        return Ok(exact);
    }
    let unit = Decimal::new(1, digits);
    let rest = exact % unit;
    let toward_zero = exact - rest;
    let away = toward_zero + if exact.is_sign_negative() { -unit } else { unit };
    let twice = rest.abs() * Decimal::TWO;
    let up = match rounding {
        "half-even" => unit < twice || (twice == unit && !(toward_zero / unit % Decimal::TWO).is_zero()),
        "half-up" => unit <= twice,
        "down" => false,
        "up" => !rest.is_zero(),
        other => bail!("there is no rounding {other:?}"),
    };
    Ok(if up { away } else { toward_zero })
}

/// A number that can be divided by any other and stays exact.
pub(crate) fn ratio(number: Decimal) -> BigRational {
    BigRational::new(number.mantissa().into(), BigInt::from(10).pow(number.scale()))
}

/// As [`rounded`], of what may have more decimals than there are: it is rounded as a number on the same side of the half.
pub(crate) fn rounded_ratio(exact: &BigRational, digits: u32, rounding: &str) -> Result<Decimal> {
    let minor = exact * BigInt::from(10).pow(digits);
    let whole = minor.trunc();
    let rest = minor - &whole;
    let toward = Decimal::from(i64::try_from(whole.to_integer()).context("an amount is too large")?);
    let same_side =
        [0, 25, 50, 75, -25, -50, -75].map(|percent| Decimal::new(percent, 2)).into_iter().find(|side| {
            let of_side = ratio(*side);
            let half = ratio(Decimal::new(if side.is_sign_negative() { -5 } else { 5 }, 1));
            let zero = ratio(Decimal::ZERO);
            rest.cmp(&zero) == of_side.cmp(&zero) && rest.cmp(&half) == of_side.cmp(&half)
        });
    let side = same_side.context("a rest is less than one")?;
    Ok(rounded(toward + side, 0, rounding)? * Decimal::new(1, digits))
}

/// Half to even at `digits` decimals.
pub(crate) fn half_even(exact: Decimal, digits: u32) -> Decimal {
    rounded(exact, digits, "half-even").unwrap_or(exact)
}

/// The product, or a failure where it has too many digits to be kept exactly.
pub(crate) fn product(factors: &[Decimal]) -> Result<Decimal> {
    let mut all = Decimal::ONE;
    for factor in factors {
        let (left, right) = (all.normalize(), factor.normalize());
        let next = left.checked_mul(right).context("a product is too large")?;
        let exact = left.is_zero() || right.is_zero() || next.scale() == left.scale() + right.scale();
        if !exact {
            bail!("{left} × {right} has too many digits");
        }
        all = next;
    }
    Ok(all)
}

/// A whole number.
pub(crate) fn whole(number: Decimal) -> Result<i64> {
    let fits = number.fract().is_zero().then(|| number.to_i64()).flatten();
    fits.with_context(|| format!("{number} is no whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rounding_goes_its_way_on_both_sides_of_zero() {
        for (exact, even, up_at_half, down, up) in [
            ("0.125", "0.12", "0.13", "0.12", "0.13"),
            ("0.135", "0.14", "0.14", "0.13", "0.14"),
            ("-0.125", "-0.12", "-0.13", "-0.12", "-0.13"),
            ("-0.1251", "-0.13", "-0.13", "-0.12", "-0.13"),
            ("-0.1201", "-0.12", "-0.12", "-0.12", "-0.13"),
            ("2", "2", "2", "2", "2"),
        ] {
            let modes = [("half-even", even), ("half-up", up_at_half), ("down", down), ("up", up)];
            for (mode, expected) in modes {
                let found = rounded(exact.parse().unwrap(), 2, mode).unwrap();
                assert_eq!(found, expected.parse().unwrap(), "{exact} {mode}");
            }
        }
    }

    #[test]
    fn a_ratio_is_rounded_by_all_of_its_decimals() {
        let hair = ratio(Decimal::new(1, 28)) * ratio(Decimal::new(1, 28));
        for (near, off, even, up_at_half, down, up) in [
            ("0.125", 1, "0.13", "0.13", "0.12", "0.13"),
            ("0.125", -1, "0.12", "0.12", "0.12", "0.13"),
            ("0.125", 0, "0.12", "0.13", "0.12", "0.13"),
            ("-0.125", 1, "-0.12", "-0.12", "-0.12", "-0.13"),
            ("-0.125", -1, "-0.13", "-0.13", "-0.12", "-0.13"),
            ("0.12", 1, "0.12", "0.12", "0.12", "0.13"),
            ("-0.12", 0, "-0.12", "-0.12", "-0.12", "-0.12"),
        ] {
            let exact = ratio(near.parse().unwrap()) + &hair * ratio(Decimal::from(off));
            let modes = [("half-even", even), ("half-up", up_at_half), ("down", down), ("up", up)];
            for (mode, expected) in modes {
                let found = rounded_ratio(&exact, 2, mode).unwrap();
                assert_eq!(found, expected.parse().unwrap(), "{near} {off} {mode}");
            }
        }
    }

    #[test]
    fn a_product_that_would_lose_digits_is_refused() {
        let fine: Decimal = "0.000000000000001".parse().unwrap();
        assert!(product(&[fine, fine]).is_err());
        assert_eq!(product(&["1.5".parse().unwrap(), Decimal::TEN]).unwrap(), Decimal::from(15));
    }
}
