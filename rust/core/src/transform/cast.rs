//! Values to another type: exactly, or not at all.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
};
use arrow_schema::{ArrowError, TimeUnit};

use super::derived::Derived;
use crate::columns::{
    Misfit, ScalarKind, check_timestamp, parse_date, parse_timestamp, timestamp_units, timestamps,
    units_per_second, write_date, write_timestamp,
};
use crate::json::{self, Kind, Scanner, Scratch, Token};

const SECONDS_PER_DAY: i64 = 86_400;
/// The decoder's deepest.
const MAX_DEPTH: usize = 10_000;

/// A column after its cast.
pub struct Cast {
    /// Of the new type; null where the value did not fit.
    pub array: ArrayRef,
    /// The rows whose value did not fit, ascending, and why.
    pub misfits: Vec<(usize, Misfit)>,
}

/// Whether any value of `from` can be one of `to`.
pub fn possible(from: ScalarKind, to: ScalarKind) -> bool {
    use ScalarKind::{Binary, Bool, Date, Decimal, Float64, Int64, Json, String, Timestamp};
    match (from, to) {
        (Binary(_), _) | (_, Binary(_)) => false,
        (Json | String, _)
        | (_, Json | String)
        | (Int64 | Float64 | Decimal { .. }, Int64 | Float64 | Decimal { .. })
        | (Timestamp(_) | Date, Timestamp(_) | Date)
        | (Timestamp(_), Int64)
        | (Int64, Timestamp(_))
        | (Bool, Bool) => true,
        _ => false,
    }
}

/// Cast every value; null stays null. Text that stays the same is not copied.
///
/// # Errors
/// If a text has 4 GiB.
pub fn cast(array: &ArrayRef, from: ScalarKind, to: ScalarKind) -> Result<Cast, ArrowError> {
    if from == to {
        return Ok(Cast {
            array: array.clone(),
            misfits: Vec::new(),
        });
    }
    let mut scratch = Scratch::default();
    let mut rows = Rows {
        array,
        misfits: Vec::new(),
        read: |row: usize| read(array, from, row, &mut scratch),
    };
    let array: ArrayRef = match to {
        ScalarKind::Bool => Arc::new(rows.all(|value| value.to_bool()).collect::<BooleanArray>()),
        ScalarKind::Int64 => Arc::new(rows.all(|value| value.to_int64()).collect::<Int64Array>()),
        ScalarKind::Float64 => Arc::new(
            rows.all(|value| value.to_float64())
                .collect::<Float64Array>(),
        ),
        ScalarKind::Date => Arc::new(rows.all(|value| value.to_date()).collect::<Date32Array>()),
        ScalarKind::Decimal { precision, scale } => {
            let values: Decimal128Array = rows
                .all(|value| value.to_decimal(precision, scale))
                .collect();
            Arc::new(values.with_data_type(to.data_type()))
        }
        ScalarKind::Timestamp(unit) => {
            let values: Int64Array = rows.all(|value| value.to_timestamp(unit)).collect();
            timestamps(&values, unit)
        }
        ScalarKind::String | ScalarKind::Json | ScalarKind::Binary(_) => {
            let mut texts = Derived::from_column(array);
            let as_json = to == ScalarKind::Json;
            let values = rows.all(|value| value.into_column_text(as_json));
            for (row, text) in values.enumerate() {
                texts.push(row, text)?;
            }
            texts.finish()
        }
    };
    Ok(Cast {
        array,
        misfits: rows.misfits,
    })
}

/// The value of a row as JSON.
pub fn to_json(array: &ArrayRef, kind: ScalarKind, row: usize) -> String {
    match kind {
        // As it is: the text was checked when it was read.
        ScalarKind::Json => array.as_string_view().value(row).to_owned(),
        _ => read(array, kind, row, &mut Scratch::default())
            .into_text(true)
            .into_owned(),
    }
}

struct Rows<'a, R> {
    array: &'a ArrayRef,
    misfits: Vec<(usize, Misfit)>,
    read: R,
}

impl<'a, R: FnMut(usize) -> Value<'a>> Rows<'a, R> {
    fn all<T>(
        &mut self,
        mut to: impl FnMut(Value<'a>) -> Result<T, Misfit>,
    ) -> impl Iterator<Item = Option<T>> {
        let Self {
            array,
            misfits,
            read,
        } = self;
        (0..array.len()).map(move |row| {
            if array.is_null(row) {
                return None;
            }
            let value = read(row);
            if matches!(value, Value::Null) {
                return None;
            }
            to(value).map_err(|misfit| misfits.push((row, misfit))).ok()
        })
    }
}

/// One value of any type.
enum Value<'a> {
    /// JSON's.
    Null,
    Bool(bool),
    Int64(i64),
    Float64(f64),
    Text(Cow<'a, str>),
    /// A JSON number.
    Number {
        literal: &'a str,
        integer: bool,
    },
    /// A JSON array or object.
    Container(&'a str),
    Date(i32),
    Decimal(i128, u8),
    Timestamp(i64, TimeUnit),
}

fn read<'a>(array: &'a ArrayRef, kind: ScalarKind, row: usize, scratch: &mut Scratch) -> Value<'a> {
    match kind {
        ScalarKind::Bool => Value::Bool(array.as_boolean().value(row)),
        ScalarKind::Int64 => Value::Int64(array.as_primitive::<Int64Type>().value(row)),
        ScalarKind::Float64 => Value::Float64(array.as_primitive::<Float64Type>().value(row)),
        ScalarKind::Date => Value::Date(array.as_primitive::<Date32Type>().value(row)),
        ScalarKind::Decimal { scale, .. } => {
            Value::Decimal(array.as_primitive::<Decimal128Type>().value(row), scale)
        }
        ScalarKind::Timestamp(unit) => Value::Timestamp(timestamp_units(array, unit, row), unit),
        ScalarKind::String => Value::Text(array.as_string_view().value(row).into()),
        ScalarKind::Json => {
            let text = array.as_string_view().value(row);
            scan(text, scratch).map_or(Value::Null, |token| of_json(token, text))
        }
        ScalarKind::Binary(_) => Value::Null,
    }
}

/// The one JSON value that `text` is.
fn scan(text: &str, scratch: &mut Scratch) -> Option<Token> {
    let mut scanner = Scanner::new(text, MAX_DEPTH, true, scratch);
    scanner.space();
    let token = scanner.value(0).ok()?;
    scanner.end().ok().map(|()| token)
}

fn of_json(token: Token, text: &str) -> Value<'_> {
    match token.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(value),
        Kind::Number { integer } => Value::Number {
            literal: token.of(text),
            integer,
        },
        Kind::String { escaped: false } => Value::Text(token.inside(text).into()),
        Kind::String { escaped: true } => {
            let mut plain = String::new();
            // Writing to a String can't fail.
            let _: std::fmt::Result = json::unescape(token.inside(text), &mut plain);
            Value::Text(plain.into())
        }
        Kind::Array | Kind::Object => Value::Container(token.of(text)),
    }
}

/// A text that is a JSON number.
fn number(text: &str) -> Option<(&str, bool)> {
    let token = scan(text, &mut Scratch::default())?;
    match token.kind {
        Kind::Number { integer } => Some((token.of(text), integer)),
        _ => None,
    }
}

impl<'a> Value<'a> {
    fn to_bool(&self) -> Result<bool, Misfit> {
        match self {
            Self::Bool(value) => Ok(*value),
            Self::Text(text) if text == "true" => Ok(true),
            Self::Text(text) if text == "false" => Ok(false),
            _ => Err(Misfit::TypeMismatch),
        }
    }

    fn to_int64(&self) -> Result<i64, Misfit> {
        match self {
            Self::Int64(value) | Self::Timestamp(value, _) => Ok(*value),
            Self::Float64(value) => integer_of_float(*value),
            Self::Decimal(value, scale) => rescale(*value, *scale, 38, 0).and_then(narrow),
            Self::Number {
                literal,
                integer: true,
            } => Ok(json::to_int64(literal)?),
            Self::Text(text) => match number(text) {
                Some((literal, true)) => Ok(json::to_int64(literal)?),
                _ => Err(Misfit::TypeMismatch),
            },
            _ => Err(Misfit::TypeMismatch),
        }
    }

    fn to_float64(&self) -> Result<f64, Misfit> {
        match self {
            Self::Float64(value) => Ok(*value),
            Self::Int64(value) => Ok(json::to_float64(&value.to_string(), true)?),
            Self::Decimal(value, scale) => {
                Ok(json::to_float64(&format!("{value}e-{scale}"), false)?)
            }
            Self::Number { literal, integer } => Ok(json::to_float64(literal, *integer)?),
            Self::Text(text) => {
                let (literal, integer) = number(text).ok_or(Misfit::TypeMismatch)?;
                Ok(json::to_float64(literal, integer)?)
            }
            _ => Err(Misfit::TypeMismatch),
        }
    }

    fn to_decimal(&self, precision: u8, scale: u8) -> Result<i128, Misfit> {
        match self {
            Self::Int64(value) => rescale(i128::from(*value), 0, precision, scale),
            Self::Decimal(value, from) => rescale(*value, *from, precision, scale),
            Self::Float64(value) => decimal_of_float(*value, precision, scale),
            Self::Number { literal, .. } => Ok(json::to_decimal(literal, precision, scale)?),
            Self::Text(text) => {
                let (literal, _) = number(text).ok_or(Misfit::TypeMismatch)?;
                Ok(json::to_decimal(literal, precision, scale)?)
            }
            _ => Err(Misfit::TypeMismatch),
        }
    }

    fn to_date(&self) -> Result<i32, Misfit> {
        match self {
            Self::Date(days) => Ok(*days),
            Self::Text(text) => parse_date(text),
            Self::Timestamp(units, unit) => {
                let day = SECONDS_PER_DAY * units_per_second(*unit);
                if units % day == 0 {
                    Ok((units / day) as i32)
                } else {
                    Err(Misfit::OutOfRange)
                }
            }
            _ => Err(Misfit::TypeMismatch),
        }
    }

    fn to_timestamp(&self, unit: TimeUnit) -> Result<i64, Misfit> {
        let per_second = units_per_second(unit);
        match self {
            Self::Text(text) => parse_timestamp(text, unit),
            Self::Int64(units) => check_timestamp(*units, unit),
            Self::Number {
                literal,
                integer: true,
            } => check_timestamp(json::to_int64(literal)?, unit),
            Self::Date(days) => i64::from(*days)
                .checked_mul(SECONDS_PER_DAY * per_second)
                .ok_or(Misfit::OutOfRange),
            Self::Timestamp(units, from) => {
                let scaled = i128::from(*units) * i128::from(per_second);
                let from = i128::from(units_per_second(*from));
                if scaled % from == 0 {
                    narrow(scaled / from)
                } else {
                    Err(Misfit::OutOfRange)
                }
            }
            _ => Err(Misfit::TypeMismatch),
        }
    }

    /// As plain text, or as JSON: then a text must be the text of a JSON value.
    fn into_column_text(self, as_json: bool) -> Result<Cow<'a, str>, Misfit> {
        match self {
            Self::Text(text) if as_json => {
                let token = scan(&text, &mut Scratch::default()).ok_or(Misfit::TypeMismatch)?;
                Ok(match text {
                    Cow::Borrowed(text) => Cow::Borrowed(token.of(text)),
                    Cow::Owned(text) => Cow::Owned(token.of(&text).to_owned()),
                })
            }
            _ => Ok(self.into_text(as_json)),
        }
    }

    /// As plain text, or as the text of a JSON value.
    fn into_text(self, as_json: bool) -> Cow<'a, str> {
        let plain = match self {
            Self::Null => return "null".into(),
            Self::Bool(value) => return value.to_string().into(),
            Self::Int64(value) => return value.to_string().into(),
            Self::Float64(value) => return serde_json::Value::from(value).to_string().into(),
            Self::Decimal(value, scale) => return decimal_text(value, scale).into(),
            Self::Number { literal: text, .. } | Self::Container(text) => return text.into(),
            Self::Text(text) => text,
            Self::Date(days) => write_date(days).into(),
            Self::Timestamp(units, unit) => write_timestamp(units, unit).into(),
        };
        if !as_json {
            return plain;
        }
        let mut quoted = String::with_capacity(plain.len() + 2);
        json::write_string(&plain, &mut quoted);
        quoted.into()
    }
}

fn narrow(value: i128) -> Result<i64, Misfit> {
    i64::try_from(value).map_err(|_| Misfit::OutOfRange)
}

fn rescale(value: i128, from: u8, precision: u8, scale: u8) -> Result<i128, Misfit> {
    Ok(json::to_decimal(
        &format!("{value}e-{from}"),
        precision,
        scale,
    )?)
}

fn integer_of_float(value: f64) -> Result<i64, Misfit> {
    // 2^63 as float64: the least that int64 does not hold.
    let bound = -(i64::MIN as f64);
    if value.fract() == 0.0 && (-bound..bound).contains(&value) {
        Ok(value as i64)
    } else {
        Err(Misfit::OutOfRange)
    }
}

/// By its shortest digits, which is how it was written.
fn decimal_of_float(value: f64, precision: u8, scale: u8) -> Result<i128, Misfit> {
    Ok(json::to_decimal(&format!("{value:e}"), precision, scale)?)
}

fn decimal_text(value: i128, scale: u8) -> String {
    let digits = format!(
        "{:0>width$}",
        value.unsigned_abs(),
        width = usize::from(scale) + 1
    );
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}
