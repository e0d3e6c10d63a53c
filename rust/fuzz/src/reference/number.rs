//! Numerals to numbers, digit by digit, as at school.

use arrow_schema::TimeUnit;
use penstock_core::columns::ScalarKind;

use super::scalar::Misfit;
use super::value::Kind;
use crate::cell::Cell;

/// 0001-01-01T00:00:00Z.
const FIRST_SECOND: i128 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: i128 = 253_402_300_799;
/// No input has so many digits that they could make up for a larger exponent.
const LARGEST_EXPONENT: i64 = 10_000;

/// A numeral, by itself or as `coerce` finds it, in a column of `kind`.
///
/// # Errors
/// If the column can't hold it exactly, or holds no numbers.
pub fn fit(kind: ScalarKind, text: &str, of: Kind) -> Result<Cell, Misfit> {
    match kind {
        ScalarKind::Int64 => Ok(Cell::Integer(int64(text)?)),
        ScalarKind::Timestamp(unit) => {
            let units = i128::from(int64(text)?);
            let per_second = 10_i128.pow(fraction_digits(unit) as u32);
            let seconds = units.div_euclid(per_second);
            in_calendar(seconds)?;
            Ok(Cell::Integer(units as i64))
        }
        ScalarKind::Float64 => {
            // Its own algorithm (float_roundtrip), not that of the standard library.
            let float: f64 = serde_json::from_str(text).map_err(|_| Misfit::OutOfRange)?;
            let digits = text.trim_start_matches('-');
            if !float.is_finite() || (of == Kind::Integer && digits_of(float.abs()) != digits) {
                return Err(Misfit::OutOfRange);
            }
            Ok(Cell::Float(float.to_bits()))
        }
        ScalarKind::Decimal { precision, scale } => {
            let (digits, negative) = scaled(text, i64::from(scale))?;
            let unscaled: i128 = match digits.len() {
                0 => 0,
                length if length <= usize::from(precision) => {
                    digits.parse().map_err(|_| Misfit::OutOfRange)?
                }
                _ => return Err(Misfit::OutOfRange),
            };
            Ok(Cell::Decimal(if negative { -unscaled } else { unscaled }))
        }
        _ => Err(Misfit::TypeMismatch),
    }
}

/// Units since the epoch of an instant with a fraction of a second.
///
/// # Errors
/// If the unit can't hold it exactly, or it is not of the years 1 to 9999.
pub fn timestamp(seconds: i64, fraction: &str, unit: TimeUnit) -> Result<Cell, Misfit> {
    in_calendar(i128::from(seconds))?;
    let digits = fraction_digits(unit);
    let padded = format!("{fraction:0<digits$}");
    let (units, beyond) = padded.split_at(digits);
    if beyond.bytes().any(|digit| digit != b'0') {
        return Err(Misfit::OutOfRange);
    }
    let fraction: i128 = if units.is_empty() {
        0
    } else {
        units.parse().map_err(|_| Misfit::OutOfRange)?
    };
    let units = i128::from(seconds) * 10_i128.pow(digits as u32) + fraction;
    i64::try_from(units)
        .map(Cell::Integer)
        .map_err(|_| Misfit::OutOfRange)
}

fn in_calendar(seconds: i128) -> Result<(), Misfit> {
    let inside = (FIRST_SECOND..=LAST_SECOND).contains(&seconds);
    inside.then_some(()).ok_or(Misfit::OutOfRange)
}

fn fraction_digits(unit: TimeUnit) -> usize {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

fn int64(text: &str) -> Result<i64, Misfit> {
    let (digits, negative) = scaled(text, 0)?;
    let magnitude: i128 = match digits.len() {
        0 => 0,
        1..=19 => digits.parse().map_err(|_| Misfit::OutOfRange)?,
        _ => return Err(Misfit::OutOfRange),
    };
    i64::try_from(if negative { -magnitude } else { magnitude }).map_err(|_| Misfit::OutOfRange)
}

/// The digits of a numeral times `10^places`, without leading zeros (so zero has none), and whether there is a minus.
///
/// # Errors
/// If that is no integer, or is beyond any column.
fn scaled(text: &str, places: i64) -> Result<(String, bool), Misfit> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let negative = mantissa.starts_with('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: Vec<u8> = [whole, fraction]
        .concat()
        .bytes()
        .filter(u8::is_ascii_digit)
        .collect();
    if digits.iter().all(|&digit| digit == b'0') {
        return Ok((String::new(), negative));
    }
    // How far the point stands right of the first digit.
    let exponent: i64 = exponent.parse().map_err(|_| Misfit::OutOfRange)?;
    if exponent.abs() > LARGEST_EXPONENT {
        return Err(Misfit::OutOfRange);
    }
    let point = (digits.len() - fraction.len()) as i64 + exponent + places;
    if point <= 0
        || digits
            .iter()
            .skip(point as usize)
            .any(|&digit| digit != b'0')
    {
        return Err(Misfit::OutOfRange);
    }
    digits.resize(point as usize, b'0');
    let digits: String = digits.into_iter().map(char::from).collect();
    Ok((digits.trim_start_matches('0').to_owned(), negative))
}

/// The digits of a float without sign that is an integer, all of them; of another, those of its whole part.
fn digits_of(float: f64) -> String {
    if float < 1.0 {
        return "0".to_owned();
    }
    let bits = float.to_bits();
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let exponent = (bits >> 52) as i64 - 1075;
    if exponent < 0 {
        return (mantissa >> -exponent).to_string();
    }
    // Least digit first.
    let mut digits: Vec<u8> = mantissa
        .to_string()
        .bytes()
        .rev()
        .map(|digit| digit - b'0')
        .collect();
    for _ in 0..exponent {
        let mut carry = 0;
        for digit in &mut digits {
            let doubled = *digit * 2 + carry;
            *digit = doubled % 10;
            carry = doubled / 10;
        }
        if carry > 0 {
            digits.push(carry);
        }
    }
    digits
        .iter()
        .rev()
        .map(|digit| char::from(b'0' + digit))
        .collect()
}
