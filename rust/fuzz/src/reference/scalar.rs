//! What a column of a scalar type holds for a value other than null.

use chrono::NaiveDate;
use penstock_core::columns::{BinaryText, ScalarKind};

use super::number;
use super::value::{Kind, Value, number_kind};
use crate::cell::Cell;

/// Why a value does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    TypeMismatch,
    OutOfRange,
}

/// The value in `kind`, and whether it took `coerce` to fit it.
///
/// # Errors
/// If it does not fit.
pub fn fit(kind: ScalarKind, value: &Value<'_>, coerce: bool) -> Result<(Cell, bool), Misfit> {
    match exact(kind, value) {
        Err(Misfit::TypeMismatch) if coerce => Ok((coerced(kind, value)?, true)),
        exact => Ok((exact?, false)),
    }
}

fn exact(kind: ScalarKind, value: &Value<'_>) -> Result<Cell, Misfit> {
    match (kind, value.kind) {
        (ScalarKind::Bool, Kind::Bool) => Ok(Cell::Bool(value.text == "true")),
        (ScalarKind::Json, _) => Ok(Cell::Text(value.text.to_owned())),
        (ScalarKind::String, Kind::String) => Ok(Cell::Text(value.string())),
        (ScalarKind::Int64 | ScalarKind::Timestamp(_), Kind::Integer)
        | (ScalarKind::Float64 | ScalarKind::Decimal { .. }, Kind::Integer | Kind::Number) => {
            number::fit(kind, value.text, value.kind)
        }
        (ScalarKind::Date, Kind::String) => {
            let text = value.string();
            let day = (text.len() == 10).then(|| day(&text)).flatten();
            Ok(Cell::Date(day.ok_or(Misfit::TypeMismatch)? as i32))
        }
        (ScalarKind::Timestamp(unit), Kind::String) => {
            let text = value.string();
            let (seconds, fraction) = instant(&text).ok_or(Misfit::TypeMismatch)?;
            number::timestamp(seconds, fraction, unit)
        }
        (ScalarKind::Binary(encoding), Kind::String) => {
            let text = value.string();
            let bytes = match encoding {
                BinaryText::Base64 => base64(text.as_bytes()),
                BinaryText::Hex => hex(text.as_bytes()),
            };
            bytes.map(Cell::Bytes).ok_or(Misfit::TypeMismatch)
        }
        _ => Err(Misfit::TypeMismatch),
    }
}

/// A value of another kind that says exactly what the column wants.
fn coerced(kind: ScalarKind, value: &Value<'_>) -> Result<Cell, Misfit> {
    match (kind, value.kind) {
        (ScalarKind::String, Kind::Bool | Kind::Integer | Kind::Number) => {
            Ok(Cell::Text(value.text.to_owned()))
        }
        (ScalarKind::Bool, Kind::String) => match value.string().as_str() {
            "true" => Ok(Cell::Bool(true)),
            "false" => Ok(Cell::Bool(false)),
            _ => Err(Misfit::TypeMismatch),
        },
        (_, Kind::String) => {
            let text = value.string();
            let of = number_kind(&text).ok_or(Misfit::TypeMismatch)?;
            number::fit(kind, &text, of)
        }
        (_, Kind::Integer | Kind::Number) => number::fit(kind, value.text, value.kind),
        _ => Err(Misfit::TypeMismatch),
    }
}

/// Days since the epoch of the `YYYY-MM-DD` that `text` begins with.
fn day(text: &str) -> Option<i64> {
    if text.get(4..5)? != "-" || text.get(7..8)? != "-" {
        return None;
    }
    let (year, month, day) = (
        digits(text, 0, 4)?,
        digits(text, 5, 2)?,
        digits(text, 8, 2)?,
    );
    let date = NaiveDate::from_ymd_opt(year as i32, month, day)?;
    (year > 0).then(|| (date - NaiveDate::default()).num_days())
}

/// Seconds since the epoch, and the digits of the fraction.
fn instant(text: &str) -> Option<(i64, &str)> {
    let days = day(text)?;
    let (hour, minute, second) = (
        digits(text, 11, 2)?,
        digits(text, 14, 2)?,
        digits(text, 17, 2)?,
    );
    let marked = ["T", "t", " "].contains(&text.get(10..11)?)
        && text.get(13..14)? == ":"
        && text.get(16..17)? == ":";
    if !marked || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let rest = text.get(19..)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("", rest),
    };
    if rest.starts_with('.') && fraction.is_empty() {
        return None;
    }
    let local = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    Some((local - east(offset)?, fraction))
}

/// Seconds east of UTC.
fn east(offset: &str) -> Option<i64> {
    if offset == "Z" || offset == "z" {
        return Some(0);
    }
    let sign = match offset.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = (digits(offset, 1, 2)?, digits(offset, 4, 2)?);
    let possible = offset.len() == 6 && &offset[3..4] == ":" && hours < 24 && minutes < 60;
    possible.then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

fn digits(text: &str, start: usize, count: usize) -> Option<u32> {
    let part = text.get(start..start + count)?;
    let all = part.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| part.parse().ok()).flatten()
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text
        .iter()
        .map(|&byte| char::from(byte).to_digit(16))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| (pair[0] * 16 + pair[1]) as u8)
            .collect(),
    )
}

/// Bit by bit. Only the text that encoding the bytes again gives is theirs.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padding = text.iter().rev().take_while(|&&byte| byte == b'=').count();
    let (symbols, _) = text.split_at(text.len() - padding);
    let mut bits = Vec::new();
    for symbol in symbols {
        let value = ALPHABET.iter().position(|other| other == symbol)?;
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
    }
    let (bytes, stray) = bits.split_at(bits.len() / 8 * 8);
    let canonical =
        text.len() % 4 == 0 && stray.len() == 2 * padding && stray.iter().all(|&bit| bit == 0);
    let byte = |bits: &[usize]| bits.iter().fold(0, |byte, bit| byte << 1 | bit) as u8;
    canonical.then(|| bytes.chunks(8).map(byte).collect())
}
