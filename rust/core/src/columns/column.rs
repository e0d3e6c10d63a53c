//! One column of one decode call, filled in two steps: a value is held first and appended only once the whole record
//! is known to be a row. So a rejected record leaves nothing behind, and every column always has the same length.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::PrimitiveArray;
use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
    StringBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_schema::TimeUnit;

use super::{BinaryText, ColumnKind, binary, time};
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

/// The column's text would pass the 2 GiB that Arrow's 32-bit offsets reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuchText;

/// A column's builder with the value held for the current record.
#[derive(Debug)]
pub struct Column(Cells);

#[derive(Debug)]
enum Cells {
    Bool {
        held: Option<bool>,
        builder: BooleanBuilder,
    },
    Int64 {
        held: Option<i64>,
        builder: Int64Builder,
    },
    Float64 {
        held: Option<f64>,
        builder: Float64Builder,
    },
    String {
        held: Option<Token>,
        builder: StringBuilder,
    },
    Json {
        held: Option<Token>,
        builder: StringBuilder,
    },
    Date {
        held: Option<i32>,
        builder: Date32Builder,
    },
    Decimal {
        held: Option<i128>,
        precision: u8,
        scale: u8,
        builder: Decimal128Builder,
    },
    Timestamp {
        held: Option<i64>,
        unit: TimeUnit,
        builder: Int64Builder,
    },
    Binary {
        held: bool,
        bytes: Vec<u8>,
        encoding: BinaryText,
        builder: BinaryBuilder,
    },
}

impl Column {
    /// An empty column with room for `rows`.
    #[must_use]
    pub fn new(kind: ColumnKind, rows: usize) -> Self {
        Self(match kind {
            ColumnKind::Bool => Cells::Bool {
                held: None,
                builder: BooleanBuilder::with_capacity(rows),
            },
            ColumnKind::Int64 => Cells::Int64 {
                held: None,
                builder: Int64Builder::with_capacity(rows),
            },
            ColumnKind::Float64 => Cells::Float64 {
                held: None,
                builder: Float64Builder::with_capacity(rows),
            },
            ColumnKind::String => Cells::String {
                held: None,
                builder: StringBuilder::with_capacity(rows, 0),
            },
            ColumnKind::Json => Cells::Json {
                held: None,
                builder: StringBuilder::with_capacity(rows, 0),
            },
            ColumnKind::Date => Cells::Date {
                held: None,
                builder: Date32Builder::with_capacity(rows),
            },
            ColumnKind::Decimal { precision, scale } => Cells::Decimal {
                held: None,
                precision,
                scale,
                builder: Decimal128Builder::with_capacity(rows).with_data_type(kind.data_type()),
            },
            ColumnKind::Timestamp(unit) => Cells::Timestamp {
                held: None,
                unit,
                builder: Int64Builder::with_capacity(rows),
            },
            ColumnKind::Binary(encoding) => Cells::Binary {
                held: false,
                bytes: Vec::new(),
                encoding,
                builder: BinaryBuilder::with_capacity(rows, 0),
            },
        })
    }

    /// Hold the value at `token` of `text` for the current row; JSON null holds nothing. `plain` is scratch memory.
    ///
    /// # Errors
    /// If the value does not fit; then nothing is held.
    pub fn hold(&mut self, token: Token, text: &str, plain: &mut String) -> Result<(), Misfit> {
        if token.kind == Kind::Null {
            return Ok(());
        }
        match (&mut self.0, token.kind) {
            (Cells::Bool { held, .. }, Kind::Bool(value)) => *held = Some(value),
            (Cells::Int64 { held, .. }, Kind::Number { integer: true }) => {
                *held = Some(json::to_int64(token.of(text))?);
            }
            (Cells::Float64 { held, .. }, Kind::Number { integer }) => {
                *held = Some(json::to_float64(token.of(text), integer)?);
            }
            (Cells::String { held, .. }, Kind::String { .. }) | (Cells::Json { held, .. }, _) => {
                *held = Some(token);
            }
            (Cells::Date { held, .. }, Kind::String { .. }) => {
                *held = Some(time::parse_date(plain_text(token, text, plain))?);
            }
            (
                Cells::Decimal {
                    held,
                    precision,
                    scale,
                    ..
                },
                Kind::Number { .. },
            ) => {
                *held = Some(json::to_decimal(token.of(text), *precision, *scale)?);
            }
            (Cells::Timestamp { held, unit, .. }, Kind::String { .. }) => {
                *held = Some(time::parse_timestamp(
                    plain_text(token, text, plain),
                    *unit,
                )?);
            }
            (Cells::Timestamp { held, unit, .. }, Kind::Number { integer: true }) => {
                *held = Some(time::check_timestamp(
                    json::to_int64(token.of(text))?,
                    *unit,
                )?);
            }
            (
                Cells::Binary {
                    held,
                    bytes,
                    encoding,
                    ..
                },
                Kind::String { .. },
            ) => {
                bytes.clear();
                *held = binary::decode(*encoding, plain_text(token, text, plain), bytes);
                return if *held {
                    Ok(())
                } else {
                    Err(Misfit::TypeMismatch)
                };
            }
            _ => return Err(Misfit::TypeMismatch),
        }
        Ok(())
    }

    /// Whether a value is held.
    #[must_use]
    pub fn holds(&self) -> bool {
        match &self.0 {
            Cells::Bool { held, .. } => held.is_some(),
            Cells::Int64 { held, .. } | Cells::Timestamp { held, .. } => held.is_some(),
            Cells::Float64 { held, .. } => held.is_some(),
            Cells::String { held, .. } | Cells::Json { held, .. } => held.is_some(),
            Cells::Date { held, .. } => held.is_some(),
            Cells::Decimal { held, .. } => held.is_some(),
            Cells::Binary { held, .. } => *held,
        }
    }

    /// Forget what is held: the record is not a row.
    pub fn forget(&mut self) {
        match &mut self.0 {
            Cells::Bool { held, .. } => *held = None,
            Cells::Int64 { held, .. } | Cells::Timestamp { held, .. } => *held = None,
            Cells::Float64 { held, .. } => *held = None,
            Cells::String { held, .. } | Cells::Json { held, .. } => *held = None,
            Cells::Date { held, .. } => *held = None,
            Cells::Decimal { held, .. } => *held = None,
            Cells::Binary { held, .. } => *held = false,
        }
    }

    /// Append what is held, or null; nothing is held afterwards. `text` is the one given to [`Self::hold`], in which
    /// bytes may have been exchanged for others but none moved.
    ///
    /// # Errors
    /// If the column can't take more text; the call is lost then.
    pub fn append(&mut self, text: &str) -> Result<(), TooMuchText> {
        match &mut self.0 {
            Cells::Bool { held, builder } => builder.append_option(held.take()),
            Cells::Int64 { held, builder } | Cells::Timestamp { held, builder, .. } => {
                builder.append_option(held.take());
            }
            Cells::Float64 { held, builder } => builder.append_option(held.take()),
            Cells::Date { held, builder } => builder.append_option(held.take()),
            Cells::Decimal { held, builder, .. } => builder.append_option(held.take()),
            Cells::String { held, builder } => match held.take() {
                Some(token) => append_string(token, text, builder)?,
                None => builder.append_null(),
            },
            Cells::Json { held, builder } => match held.take() {
                Some(token) => append_text(token.of(text), builder)?,
                None => builder.append_null(),
            },
            Cells::Binary {
                held,
                bytes,
                builder,
                ..
            } => {
                if std::mem::take(held) {
                    check_room(builder.values_slice().len(), bytes.len())?;
                    builder.append_value(bytes);
                } else {
                    builder.append_null();
                }
            }
        }
        Ok(())
    }

    /// The array of all rows appended, of the kind's data type.
    #[must_use]
    pub fn finish(self) -> ArrayRef {
        match self.0 {
            Cells::Bool { mut builder, .. } => Arc::new(builder.finish()),
            Cells::Int64 { mut builder, .. } => Arc::new(builder.finish()),
            Cells::Float64 { mut builder, .. } => Arc::new(builder.finish()),
            Cells::String { mut builder, .. } | Cells::Json { mut builder, .. } => {
                Arc::new(builder.finish())
            }
            Cells::Date { mut builder, .. } => Arc::new(builder.finish()),
            Cells::Decimal { mut builder, .. } => Arc::new(builder.finish()),
            Cells::Timestamp {
                mut builder, unit, ..
            } => timestamps(&builder.finish(), unit),
            Cells::Binary { mut builder, .. } => Arc::new(builder.finish()),
        }
    }
}

/// Append `value` as it is.
///
/// # Errors
/// If the builder can't take more text.
pub fn append_text(value: &str, builder: &mut StringBuilder) -> Result<(), TooMuchText> {
    check_room(builder.values_slice().len(), value.len())?;
    builder.append_value(value);
    Ok(())
}

fn append_string(token: Token, text: &str, builder: &mut StringBuilder) -> Result<(), TooMuchText> {
    let inside = token.inside(text);
    if token.kind != (Kind::String { escaped: true }) {
        return append_text(inside, builder);
    }
    // No escape is shorter than what it stands for.
    check_room(builder.values_slice().len(), inside.len())?;
    json::unescape(inside, builder).map_err(|_| TooMuchText)?;
    // Ends the value that the pieces were written to.
    builder.append_value("");
    Ok(())
}

fn check_room(used: usize, more: usize) -> Result<(), TooMuchText> {
    if i32::try_from(used.saturating_add(more)).is_ok() {
        Ok(())
    } else {
        Err(TooMuchText)
    }
}

/// The text a string token stands for, unescaped into `plain` if it must be.
fn plain_text<'t>(token: Token, text: &'t str, plain: &'t mut String) -> &'t str {
    if token.kind != (Kind::String { escaped: true }) {
        return token.inside(text);
    }
    plain.clear();
    // Writing to a String can't fail.
    let _: std::fmt::Result = json::unescape(token.inside(text), plain);
    plain
}

/// Units since the epoch as a timestamp column.
#[must_use]
pub fn timestamps(units: &PrimitiveArray<Int64Type>, unit: TimeUnit) -> ArrayRef {
    match unit {
        TimeUnit::Second => Arc::new(
            units
                .reinterpret_cast::<TimestampSecondType>()
                .with_timezone("UTC"),
        ),
        TimeUnit::Millisecond => Arc::new(
            units
                .reinterpret_cast::<TimestampMillisecondType>()
                .with_timezone("UTC"),
        ),
        TimeUnit::Microsecond => Arc::new(
            units
                .reinterpret_cast::<TimestampMicrosecondType>()
                .with_timezone("UTC"),
        ),
        TimeUnit::Nanosecond => Arc::new(
            units
                .reinterpret_cast::<TimestampNanosecondType>()
                .with_timezone("UTC"),
        ),
    }
}

/// Units since the epoch at a row of a timestamp column.
#[must_use]
pub fn timestamp_units(array: &ArrayRef, unit: TimeUnit, row: usize) -> i64 {
    match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().value(row),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().value(row),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(row),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value(row),
    }
}
