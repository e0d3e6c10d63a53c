//! Builders of the arrays of scalar columns.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
    StringBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_schema::TimeUnit;

use super::findings::Findings;
use super::kind::ScalarKind;
use super::scalar::Value;
use crate::json::{self, Kind, Token};

/// The column's text would pass the 2 GiB that Arrow's 32-bit offsets reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuchText;

/// The builder of one scalar kind. It takes the values of that kind; another's would be null.
#[derive(Debug)]
pub enum ScalarBuilder {
    Bool(BooleanBuilder),
    Int64(Int64Builder),
    Float64(Float64Builder),
    Text(StringBuilder),
    Date(Date32Builder),
    Decimal(Decimal128Builder),
    Timestamp(Int64Builder, TimeUnit),
    Binary(BinaryBuilder),
}

impl ScalarBuilder {
    /// An empty one with room for `rows`.
    pub fn new(kind: ScalarKind, rows: usize) -> Self {
        match kind {
            ScalarKind::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
            ScalarKind::Int64 => Self::Int64(Int64Builder::with_capacity(rows)),
            ScalarKind::Float64 => Self::Float64(Float64Builder::with_capacity(rows)),
            ScalarKind::String | ScalarKind::Json => {
                Self::Text(StringBuilder::with_capacity(rows, 0))
            }
            ScalarKind::Date => Self::Date(Date32Builder::with_capacity(rows)),
            ScalarKind::Decimal { .. } => Self::Decimal(
                Decimal128Builder::with_capacity(rows).with_data_type(kind.data_type()),
            ),
            ScalarKind::Timestamp(unit) => Self::Timestamp(Int64Builder::with_capacity(rows), unit),
            ScalarKind::Binary(_) => Self::Binary(BinaryBuilder::with_capacity(rows, 0)),
        }
    }

    /// Append a value of `text`, or null.
    ///
    /// # Errors
    /// If the column can't take more text.
    #[inline]
    pub fn append(
        &mut self,
        value: Option<Value>,
        text: &str,
        findings: &Findings,
    ) -> Result<(), TooMuchText> {
        match (self, value) {
            (Self::Bool(builder), Some(Value::Bool(value))) => builder.append_value(value),
            (Self::Int64(builder) | Self::Timestamp(builder, _), Some(Value::Int64(value))) => {
                builder.append_value(value);
            }
            (Self::Float64(builder), Some(Value::Float64(value))) => builder.append_value(value),
            (Self::Date(builder), Some(Value::Date(value))) => builder.append_value(value),
            (Self::Decimal(builder), Some(Value::Decimal(index))) => {
                builder.append_option(findings.decimals.get(index as usize).copied());
            }
            (Self::Text(builder), Some(Value::String(token))) => {
                return append_string(token, text, builder);
            }
            (Self::Text(builder), Some(Value::Verbatim(token))) => {
                return append_text(token.of(text), builder);
            }
            (Self::Binary(builder), Some(Value::Binary { start, end })) => {
                let bytes = &findings.bytes[start as usize..end as usize];
                check_room(builder.values_slice().len(), bytes.len())?;
                builder.append_value(bytes);
            }
            (builder, _) => builder.append_null(),
        }
        Ok(())
    }

    /// Append null.
    pub fn append_null(&mut self) {
        match self {
            Self::Bool(builder) => builder.append_null(),
            Self::Int64(builder) | Self::Timestamp(builder, _) => builder.append_null(),
            Self::Float64(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Decimal(builder) => builder.append_null(),
            Self::Binary(builder) => builder.append_null(),
        }
    }

    /// The array of all that was appended, of the kind's data type.
    pub fn finish(self) -> ArrayRef {
        match self {
            Self::Bool(mut builder) => Arc::new(builder.finish()),
            Self::Int64(mut builder) => Arc::new(builder.finish()),
            Self::Float64(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Date(mut builder) => Arc::new(builder.finish()),
            Self::Decimal(mut builder) => Arc::new(builder.finish()),
            Self::Timestamp(mut builder, unit) => timestamps(&builder.finish(), unit),
            Self::Binary(mut builder) => Arc::new(builder.finish()),
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

/// Append what a string token stands for; another token as written.
///
/// # Errors
/// If the builder can't take more text.
pub fn append_string(
    token: Token,
    text: &str,
    builder: &mut StringBuilder,
) -> Result<(), TooMuchText> {
    let inside = match token.kind {
        Kind::String { escaped: true } => token.inside(text),
        Kind::String { escaped: false } => return append_text(token.inside(text), builder),
        _ => return append_text(token.of(text), builder),
    };
    // No escape is shorter than what it stands for.
    check_room(builder.values_slice().len(), inside.len())?;
    json::unescape(inside, builder).map_err(|_| TooMuchText)?;
    // Ends the value that the pieces were written to.
    builder.append_value("");
    Ok(())
}

/// Whether 32-bit offsets reach `more` beyond `used`.
pub fn check_room(used: usize, more: usize) -> Result<(), TooMuchText> {
    if i32::try_from(used.saturating_add(more)).is_ok() {
        Ok(())
    } else {
        Err(TooMuchText)
    }
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
