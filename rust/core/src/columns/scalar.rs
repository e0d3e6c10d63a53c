//! Which JSON values fit a scalar type, and what they are in it.

use super::findings::Findings;
use super::kind::ScalarKind;
use super::{binary, coerce, time};
use crate::json::{self, Kind, Token};

/// Why a value does not fit a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Another kind of value, or text that is not of the column's form.
    TypeMismatch,
    /// The right kind of value, but one that the column can't hold exactly.
    OutOfRange,
}

impl From<json::Inexact> for Misfit {
    fn from(_: json::Inexact) -> Self {
        Self::OutOfRange
    }
}

/// A value that fits, as its type's builder takes it. 16 bytes: one is copied for each field of each record.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    Bool(bool),
    /// Of int64 and timestamps.
    Int64(i64),
    Float64(f64),
    Date(i32),
    /// Which of [`Findings::decimals`].
    Decimal(u32),
    /// A string token, to be unescaped.
    String(Token),
    /// Text kept as written.
    Verbatim(Token),
    /// Where its bytes are in [`Findings::bytes`].
    Binary {
        start: u32,
        end: u32,
    },
}

/// What the value at `token` of `text`, not null, is in `kind`.
///
/// # Errors
/// If it does not fit.
#[inline]
pub fn fit(
    kind: ScalarKind,
    token: Token,
    text: &str,
    findings: &mut Findings,
) -> Result<Value, Misfit> {
    match exact(kind, token, text, findings) {
        Err(Misfit::TypeMismatch) if findings.coerce => {
            let value = coerce::fit(kind, token, text, findings)?;
            findings.coerced += 1;
            Ok(value)
        }
        fitted => fitted,
    }
}

/// The same without reading a value of another kind as the column's: counts nothing.
///
/// # Errors
/// If it does not fit as it is.
#[inline]
pub fn exact(
    kind: ScalarKind,
    token: Token,
    text: &str,
    findings: &mut Findings,
) -> Result<Value, Misfit> {
    let plain = &mut findings.plain;
    Ok(match (kind, token.kind) {
        (ScalarKind::Bool, Kind::Bool(value)) => Value::Bool(value),
        (ScalarKind::Int64, Kind::Number { integer: true }) => {
            Value::Int64(json::to_int64(token.of(text))?)
        }
        (ScalarKind::Float64, Kind::Number { integer }) => {
            Value::Float64(json::to_float64(token.of(text), integer)?)
        }
        (ScalarKind::String, Kind::String { .. }) => Value::String(token),
        (ScalarKind::Json, _) => Value::Verbatim(token),
        (ScalarKind::Date, Kind::String { .. }) => {
            Value::Date(time::parse_date(plain_text(token, text, plain))?)
        }
        (ScalarKind::Decimal { precision, scale }, Kind::Number { .. }) => {
            findings.decimal(json::to_decimal(token.of(text), precision, scale)?)
        }
        (ScalarKind::Timestamp(unit), Kind::String { .. }) => {
            Value::Int64(time::parse_timestamp(plain_text(token, text, plain), unit)?)
        }
        (ScalarKind::Timestamp(unit), Kind::Number { integer: true }) => {
            let units = json::to_int64(token.of(text))?;
            Value::Int64(time::check_timestamp(units, unit)?)
        }
        (ScalarKind::Binary(encoding), Kind::String { .. }) => {
            let start = findings.bytes.len();
            if !binary::decode(
                encoding,
                plain_text(token, text, plain),
                &mut findings.bytes,
            ) {
                findings.bytes.truncate(start);
                return Err(Misfit::TypeMismatch);
            }
            let end = findings.bytes.len();
            Value::Binary {
                start: start as u32,
                end: end as u32,
            }
        }
        _ => return Err(Misfit::TypeMismatch),
    })
}

/// The text a string token stands for, unescaped into `plain` if it must be.
pub fn plain_text<'t>(token: Token, text: &'t str, plain: &'t mut String) -> &'t str {
    if token.kind != (Kind::String { escaped: true }) {
        return token.inside(text);
    }
    plain.clear();
    // Writing to a String can't fail.
    let _: std::fmt::Result = json::unescape(token.inside(text), plain);
    plain
}
