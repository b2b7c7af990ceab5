//! Quotients: numbers of 18 decimals, which need 128 bits.

use plan::{AMOUNT_SCALE, RATIO_SCALE};
use rust_decimal::Decimal;

/// Stands in a column of quotients for a value that is missing: the mean of nobody.
pub const MISSING: i128 = i128::MIN;

/// A column of quotients, in the forms those who read it need.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quotients {
    /// With [`RATIO_SCALE`] decimals; [`MISSING`] where there is none.
    pub(crate) mantissas: Vec<i128>,
    /// The same for rules; 0 where there is none.
    pub(crate) decimals: Vec<Decimal>,
    pub(crate) missing: Vec<bool>,
}

impl Quotients {
    pub(crate) fn of(mantissas: Vec<i128>) -> Self {
        Self {
            decimals: mantissas.iter().map(|mantissa| decimal(*mantissa, RATIO_SCALE)).collect(),
            missing: mantissas.iter().map(|mantissa| *mantissa == MISSING).collect(),
            mantissas,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.mantissas.is_empty()
    }

    pub(crate) fn set(&mut self, row: usize, mantissa: i128) {
        self.mantissas[row] = mantissa;
        self.decimals[row] = decimal(mantissa, RATIO_SCALE);
        self.missing[row] = mantissa == MISSING;
    }
}

/// A quotient as bonuses see it, cut to the decimals of amounts so that it reaches a bracket only where the quotient does; `None`
/// if it is too large.
pub(crate) fn cut(mantissa: i128) -> Option<i64> {
    if mantissa == MISSING {
        return Some(0);
    }
    i64::try_from(mantissa.div_euclid(10_i128.pow(RATIO_SCALE - AMOUNT_SCALE))).ok()
}

/// `mantissa / 10^scale`, 0 if it is [`MISSING`], with as many decimals as 28 digits hold, half to even.
pub(crate) fn decimal(mantissa: i128, scale: u32) -> Decimal {
    if mantissa == MISSING {
        return Decimal::ZERO;
    }
    (0..=scale)
        .find_map(|drop| {
            let shorter = divided(mantissa, 10_i128.pow(drop))?;
            Decimal::try_from_i128_with_scale(shorter, scale - drop).ok()
        })
        .unwrap_or_default()
}

/// The quotient of whole numbers, half to even; `None` for a divisor of 0.
pub(crate) fn divided(dividend: i128, divisor: i128) -> Option<i128> {
    let (quotient, rest) = (dividend.checked_div_euclid(divisor)?, dividend.checked_rem_euclid(divisor)?);
    let up = match rest.cmp(&(divisor.abs() - rest)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    quotient.checked_add(i128::from(up) * divisor.signum())
}

/// `number` with `scale` decimals, half to even; `None` if it is too large.
pub(crate) fn mantissa(number: Decimal, scale: u32) -> Option<i128> {
    let number =
        number.round_dp_with_strategy(scale, rust_decimal::RoundingStrategy::MidpointNearestEven).normalize();
    number.mantissa().checked_mul(10_i128.checked_pow(scale.checked_sub(number.scale())?)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_quotient_is_the_nearest_whole_number_and_the_even_one_of_two(
            dividend in -1_000_i128..1_000,
            divisor in 1_i128..50,
        ) {
            let quotient = divided(dividend, divisor).unwrap();
            let off = (dividend - quotient * divisor).abs() * 2;
            prop_assert!(off < divisor || (off == divisor && quotient % 2 == 0));
        }

        #[test]
        fn a_mantissa_survives_being_a_decimal(mantissa_of in -1_000_000_000_000_i128..1_000_000_000_000) {
            let number = decimal(mantissa_of, RATIO_SCALE);
            prop_assert_eq!(mantissa(number, RATIO_SCALE), Some(mantissa_of));
        }
    }

    #[test]
    fn what_has_more_than_28_digits_loses_its_last_decimals() {
        let number = decimal(923_456_789_012_345_678_901_234_567_890_125, RATIO_SCALE);
        assert_eq!(number.to_string(), "923456789012345.6789012345679");
        assert_eq!(cut(-1), Some(-1), "less than 0 is not cut to 0");
        assert_eq!(cut(MISSING), Some(0));
    }
}
