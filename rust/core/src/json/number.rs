//! Number literals to numbers. Each function takes a literal that follows RFC 8259's grammar.

use super::scan::{Kind, Scanner, Scratch, Token};

/// The literal stands for a value that the type can't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inexact;

/// Longest integer literal that float64 surely holds: 15 digits are below 2^53.
const EXACT_FLOAT64_DIGITS: usize = 15;
/// Most digits of a Decimal128.
const MAX_DECIMAL_DIGITS: i64 = 38;

/// Whether `text` is one number literal and nothing else, and then whether it has neither fraction nor exponent.
#[must_use]
pub fn is_integer(text: &str) -> Option<bool> {
    let mut scratch = Scratch::default();
    match Scanner::new(text, 0, false, &mut scratch).value(0) {
        Ok(Token {
            kind: Kind::Number { integer },
            end,
            ..
        }) if end as usize == text.len() => Some(integer),
        _ => None,
    }
}

/// An integer literal as int64.
///
/// # Errors
/// If it is beyond int64.
pub fn to_int64(literal: &str) -> Result<i64, Inexact> {
    literal.parse().map_err(|_| Inexact)
}

/// Any literal as the nearest float64; one too small to tell from zero is zero. `integer` says that it has neither
/// fraction nor exponent.
///
/// # Errors
/// If the nearest float64 is infinite, or if the literal is an integer that float64 can't hold exactly: integers
/// that long are identifiers, and rounding one makes it another.
pub fn to_float64(literal: &str, integer: bool) -> Result<f64, Inexact> {
    let float: f64 = literal.parse().map_err(|_| Inexact)?;
    let exact = !integer || literal.len() <= EXACT_FLOAT64_DIGITS || {
        // Displayed without precision a float64 shows the shortest digits, with precision 0 its exact integer.
        float.is_finite() && format!("{float:.0}") == literal
    };
    if float.is_finite() && exact {
        Ok(float)
    } else {
        Err(Inexact)
    }
}

/// An integer literal of few digits: the first `count` bytes of `text`, which begins behind the sign; what follows them may
/// be anything. `None` says that [`to_int64`] has to be asked.
#[inline(always)]
#[must_use]
pub fn short_integer(text: &[u8], count: usize, negative: bool) -> Option<i64> {
    if count > 18 {
        return None;
    }
    let magnitude = digits_at(text, count)? as i64;
    Some(if negative { -magnitude } else { magnitude })
}

/// A number literal of few digits and no exponent: `text` begins behind the sign with `whole` digits, then, if there are
/// any, a point and `fraction` more; what follows may be anything. Digits and power of ten are both exact in float64, so
/// one division rounds correctly (Clinger, How to Read Floating Point Numbers Accurately, 1990). `None` says that
/// [`to_float64`] has to be asked.
#[inline(always)]
#[must_use]
pub fn short_float(text: &[u8], whole: usize, fraction: usize, negative: bool) -> Option<f64> {
    if whole + fraction > EXACT_FLOAT64_DIGITS {
        return None;
    }
    // No more than 15 digits: as signed numbers they are floats in one instruction.
    let digits = digits_at(text, whole)? as i64;
    let magnitude = if fraction == 0 {
        digits as f64
    } else {
        let (scale, exact_scale) = POWERS_OF_TEN[fraction % POWERS_OF_TEN.len()];
        let part = digits_at(text.get(whole + 1..)?, fraction)? as i64;
        (digits * scale + part) as f64 / exact_scale
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Each as an integer and as a float, which is exact.
static POWERS_OF_TEN: [(i64, f64); 16] = {
    let mut powers = [(1, 1.0); 16];
    let mut exponent = 1;
    while exponent < 16 {
        let power = powers[exponent - 1].0 * 10;
        powers[exponent] = (power, power as f64);
        exponent += 1;
    }
    powers
};

const ONES: u64 = u64::MAX / 0xFF;

/// The number that the first `count` bytes of `text` write, at most 19. `None` if they are not all digits, or too few
/// bytes follow to look at whole words.
#[inline(always)]
#[must_use]
pub fn digits_at(text: &[u8], count: usize) -> Option<u64> {
    let first = count % 8;
    let mut value = 0;
    if first > 0 {
        // The digits go to the upper bytes; zeros stand for the leading ones that are not there.
        let word = u64::from_le_bytes(*text.first_chunk::<8>()?) ^ (ONES * 0x30);
        value = eight_digits(word << (64 - 8 * first))?;
    }
    let mut at = first;
    while at < count {
        let word = u64::from_le_bytes(*text.get(at..)?.first_chunk::<8>()?) ^ (ONES * 0x30);
        value = value * 100_000_000 + eight_digits(word)?;
        at += 8;
    }
    Some(value)
}

/// The number that eight digits write, given by their values, the first in the lowest byte.
#[inline(always)]
fn eight_digits(digits: u64) -> Option<u64> {
    if (digits.wrapping_add(ONES * 0x76) | digits) & (ONES << 7) != 0 {
        return None;
    }
    // Neighbours are joined: to pairs, to fours, to eight.
    let pairs = (digits * 10) + (digits >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul((1_000_000 << 32) + 100);
    let high = (pairs >> 16 & 0x0000_00FF_0000_00FF).wrapping_mul((10_000 << 32) + 1);
    Some(low.wrapping_add(high) >> 32)
}

/// Any literal as an integer number of `10^-scale`.
///
/// # Errors
/// If it has more than `precision` digits, or a digit other than zero beyond `scale`.
pub fn to_decimal(literal: &str, precision: u8, scale: u8) -> Result<i128, Inexact> {
    let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
    let (negative, digits) = mantissa
        .strip_prefix('-')
        .map_or((false, mantissa), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));

    let significant = || {
        whole
            .bytes()
            .chain(fraction.bytes())
            .skip_while(|&digit| digit == b'0')
    };
    let trailing_zeros = whole
        .bytes()
        .chain(fraction.bytes())
        .rev()
        .take_while(|&digit| digit == b'0')
        .count() as i64;
    let length = significant().count() as i64 - trailing_zeros;
    if length <= 0 {
        return Ok(0);
    }
    let shift = saturating_exponent(exponent)
        .saturating_add(i64::from(scale))
        .saturating_sub(fraction.len() as i64)
        .saturating_add(trailing_zeros);
    if shift < 0
        || length > MAX_DECIMAL_DIGITS
        || length.saturating_add(shift) > i64::from(precision)
    {
        return Err(Inexact);
    }
    let unscaled = significant()
        .take(length as usize)
        .fold(0, |sum: i128, digit| sum * 10 + i128::from(digit - b'0'));
    let magnitude = unscaled * 10_i128.pow(shift as u32);
    Ok(if negative { -magnitude } else { magnitude })
}

/// An exponent of any length, held within what no literal's digits can outweigh.
fn saturating_exponent(exponent: &str) -> i64 {
    const BOUND: i64 = 1 << 40;
    let magnitude = exponent
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(0, |sum: i64, digit| {
            (sum * 10 + i64::from(digit - b'0')).min(BOUND)
        });
    if exponent.starts_with('-') {
        -magnitude
    } else {
        magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::{Inexact, digits_at, short_float, short_integer, to_decimal, to_float64, to_int64};

    /// The quick way either agrees with the careful one or declines.
    #[test]
    fn short_numbers_are_what_their_literals_say() {
        let padding = "9".repeat(32);
        let mut quick = 0;
        for whole in [
            "0",
            "7",
            "-0",
            "-12",
            "1234567",
            "12345678",
            "123456789012345",
            "-123456789012345678",
            "9223372036854775808",
        ] {
            for fraction in [
                "",
                ".0",
                ".5",
                ".25",
                ".1234567",
                ".12345678",
                ".123456789",
                ".12345678901234567",
                "e5",
                ".5e3",
                "E-2",
            ] {
                let literal = format!("{whole}{fraction}");
                let text = format!("{literal},{padding}");
                let negative = literal.starts_with('-');
                let number = literal.trim_start_matches('-');
                let count = number.find('.').unwrap_or(number.len());
                let behind = number.len().saturating_sub(count + 1);
                let text = &text.as_bytes()[usize::from(negative)..];
                if fraction.is_empty()
                    && let Some(value) = short_integer(text, count, negative)
                {
                    assert_eq!(Ok(value), to_int64(&literal), "{literal}");
                    quick += 1;
                }
                if let Some(value) = short_float(text, count, behind, negative) {
                    let exact = to_float64(&literal, fraction.is_empty()).map(f64::to_bits);
                    assert_eq!(Ok(value.to_bits()), exact, "{literal}");
                    quick += 1;
                }
            }
        }
        assert!(quick > 40, "{quick}");
        assert_eq!(short_integer(b"12", 2, false), None);
        assert_eq!(digits_at(b"1234567:12345678", 8), None);
    }

    /// Integers are taken to the very ends of int64 and no further.
    #[test]
    fn int64_has_exact_ends() {
        assert_eq!(to_int64("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(to_int64("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(to_int64("-0"), Ok(0));
        assert_eq!(to_int64("9223372036854775808"), Err(Inexact));
        assert_eq!(to_int64("-9223372036854775809"), Err(Inexact));
        assert_eq!(to_int64(&"9".repeat(1000)), Err(Inexact));
    }

    /// A float64 column takes an integer literal only if it does not become another integer.
    #[test]
    fn float64_takes_integers_only_if_exact() {
        assert_eq!(
            to_float64("9007199254740992", true),
            Ok(9_007_199_254_740_992.0)
        );
        assert_eq!(to_float64("9007199254740993", true), Err(Inexact));
        assert_eq!(
            to_float64("9007199254740993.0", false),
            Ok(9_007_199_254_740_992.0)
        );
        assert_eq!(
            to_float64("-9007199254740994", true),
            Ok(-9_007_199_254_740_994.0)
        );
        assert_eq!(to_float64("100000000000000000000000", true), Err(Inexact));
        assert_eq!(to_float64("10000000000000000000000", true), Ok(1e22));
        assert_eq!(
            to_float64("18446744073709551616", true),
            Ok(18_446_744_073_709_551_616.0)
        );
    }

    /// Fractions and exponents are rounded to nearest; only infinity is out of range.
    #[test]
    fn float64_rounds_to_nearest() {
        assert_eq!(to_float64("0.1", false), Ok(0.1));
        assert_eq!(
            to_float64("2.2250738585072011e-308", false),
            Ok(2.225_073_858_507_201e-308)
        );
        assert_eq!(to_float64("5e-324", false).map(f64::to_bits), Ok(1));
        assert_eq!(to_float64("1e-400", false).map(f64::to_bits), Ok(0));
        assert_eq!(
            to_float64("-0", true).map(f64::to_bits),
            Ok((-0.0_f64).to_bits())
        );
        assert_eq!(to_float64("1.7976931348623157e308", false), Ok(f64::MAX));
        assert_eq!(to_float64("1.7976931348623159e308", false), Err(Inexact));
        assert_eq!(to_float64("1e400", false), Err(Inexact));
        assert_eq!(to_float64(&"9".repeat(400), true), Err(Inexact));
    }

    /// A decimal takes every literal of its value, however written, and loses no digit.
    #[test]
    fn decimal_is_exact_or_refused() {
        assert_eq!(to_decimal("12.34", 4, 2), Ok(1234));
        assert_eq!(to_decimal("-12.3400", 4, 2), Ok(-1234));
        assert_eq!(to_decimal("1234e-2", 4, 2), Ok(1234));
        assert_eq!(to_decimal("0.1234E+2", 4, 2), Ok(1234));
        assert_eq!(to_decimal("12.345", 10, 2), Err(Inexact));
        assert_eq!(to_decimal("100", 4, 2), Err(Inexact));
        assert_eq!(to_decimal("99", 4, 2), Ok(9900));
        assert_eq!(to_decimal("0.00", 4, 2), Ok(0));
        assert_eq!(to_decimal("-0", 1, 0), Ok(0));
        assert_eq!(to_decimal("0e999999999999999999999", 4, 2), Ok(0));
        assert_eq!(to_decimal("1e999999999999999999999", 4, 2), Err(Inexact));
        assert_eq!(to_decimal("1e-999999999999999999999", 4, 2), Err(Inexact));
        assert_eq!(to_decimal(&"9".repeat(38), 38, 0), Ok(10_i128.pow(38) - 1));
        assert_eq!(to_decimal(&"9".repeat(39), 38, 0), Err(Inexact));
        assert_eq!(
            to_decimal(&format!("0.{}", "9".repeat(38)), 38, 38),
            Ok(10_i128.pow(38) - 1)
        );
        assert_eq!(to_decimal(&format!("1{}e-50", "0".repeat(50)), 1, 0), Ok(1));
    }
}
