//! Builders of the arrays of scalar columns.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, PrimitiveArray,
};
use arrow_schema::{DataType, TimeUnit};

use super::findings::Findings;
use super::kind::ScalarKind;
use super::nested_stage::{Entry, StagedRecord};
use super::scalar::Value;
use super::strings::{Binaries, Strings};
use super::validity::Validity;

/// Most entries that room is made for before they come: what comes first may not be like the rest.
const MOST_ROOM: usize = 16 << 20;

/// The column's text would pass the 2 GiB that Arrow's 32-bit offsets reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuchText;

/// The builder of one scalar kind. It takes the values of that kind; another's would be null.
#[derive(Debug)]
pub struct ScalarBuilder {
    values: Values,
    valid: Validity,
}

#[derive(Debug)]
enum Values {
    Bool(Validity),
    Int64(Vec<i64>),
    Float64(Vec<f64>),
    Text(Strings),
    Date(Vec<i32>),
    Decimal(Vec<i128>, DataType),
    Timestamp(Vec<i64>, TimeUnit),
    Binary(Binaries),
}

impl ScalarBuilder {
    /// An empty one with room for `rows`.
    pub fn new(kind: ScalarKind, rows: usize) -> Self {
        let values = match kind {
            ScalarKind::Bool => Values::Bool(Validity::new(rows)),
            ScalarKind::Int64 => Values::Int64(Vec::with_capacity(rows)),
            ScalarKind::Float64 => Values::Float64(Vec::with_capacity(rows)),
            ScalarKind::String | ScalarKind::Json => Values::Text(Strings::new(rows)),
            ScalarKind::Date => Values::Date(Vec::with_capacity(rows)),
            ScalarKind::Decimal { .. } => {
                Values::Decimal(Vec::with_capacity(rows), kind.data_type())
            }
            ScalarKind::Timestamp(unit) => Values::Timestamp(Vec::with_capacity(rows), unit),
            ScalarKind::Binary(_) => Values::Binary(Binaries::new(rows)),
        };
        let valid = Validity::new(rows);
        Self { values, valid }
    }

    /// Append a value of `text`, or null.
    ///
    /// # Errors
    /// If the column can't take more text.
    #[inline(always)]
    pub fn append(
        &mut self,
        value: Option<Value>,
        text: &str,
        findings: &Findings,
    ) -> Result<(), TooMuchText> {
        match (&mut self.values, value) {
            (Values::Bool(values), Some(Value::Bool(value))) => values.push(value),
            (Values::Int64(values) | Values::Timestamp(values, _), Some(Value::Int64(value))) => {
                values.push(value);
            }
            (Values::Float64(values), Some(Value::Float64(value))) => values.push(value),
            (Values::Date(values), Some(Value::Date(value))) => values.push(value),
            (Values::Decimal(values, _), Some(Value::Decimal(index))) => {
                values.push(findings.decimals[index as usize]);
            }
            (Values::Text(texts), Some(Value::String(token))) => texts.push(token, text)?,
            (Values::Text(texts), Some(Value::Verbatim(token))) => {
                texts.push_written(token, text)?;
            }
            (Values::Binary(values), Some(Value::Binary { start, end })) => {
                values.push(&findings.bytes[start as usize..end as usize])?;
            }
            _ => {
                self.append_null();
                return Ok(());
            }
        }
        self.valid.push(true);
        Ok(())
    }

    /// Append the `entries` of a record, each at its row of `rows`, and null where there is none.
    ///
    /// # Errors
    /// The same.
    pub fn append_entries(
        &mut self,
        entries: &[Entry],
        rows: Range<u32>,
        record: &StagedRecord<'_>,
    ) -> Result<(), TooMuchText> {
        let mut row = rows.start;
        for entry in entries {
            if entry.row > row {
                self.append_nulls((entry.row - row) as usize);
            }
            self.append(entry.value, record.text, record.findings())?;
            row = entry.row + 1;
        }
        if rows.end > row {
            self.append_nulls((rows.end - row) as usize);
        }
        Ok(())
    }

    /// Make room for `times` as much as there is.
    pub fn reserve(&mut self, times: usize) {
        let rows = room(times, self.valid.rows());
        match &mut self.values {
            Values::Int64(values) | Values::Timestamp(values, _) => values.reserve(rows),
            Values::Float64(values) => values.reserve(rows),
            Values::Text(texts) => texts.reserve(times),
            Values::Decimal(values, _) => values.reserve(rows),
            // Too small to matter, or rare.
            Values::Bool(_) | Values::Date(_) | Values::Binary(_) => {}
        }
    }

    /// Append `rows` nulls.
    #[inline]
    fn append_nulls(&mut self, rows: usize) {
        match &mut self.values {
            Values::Bool(values) => values.push_run(false, rows),
            Values::Int64(values) | Values::Timestamp(values, _) => {
                values.resize(values.len() + rows, 0);
            }
            Values::Float64(values) => values.resize(values.len() + rows, 0.0),
            Values::Text(texts) => texts.push_nothing(rows),
            Values::Date(values) => values.resize(values.len() + rows, 0),
            Values::Decimal(values, _) => values.resize(values.len() + rows, 0),
            Values::Binary(values) => values.push_nothing(rows),
        }
        self.valid.push_run(false, rows);
    }

    /// Append null.
    pub fn append_null(&mut self) {
        self.append_nulls(1);
    }

    /// The array of all that was appended, of the kind's data type.
    pub fn finish(self) -> ArrayRef {
        let nulls = self.valid.finish();
        match self.values {
            Values::Bool(values) => Arc::new(BooleanArray::new(values.into_bits(), nulls)),
            Values::Int64(values) => Arc::new(Int64Array::new(values.into(), nulls)),
            Values::Float64(values) => Arc::new(Float64Array::new(values.into(), nulls)),
            Values::Text(texts) => texts.finish(nulls),
            Values::Date(values) => Arc::new(Date32Array::new(values.into(), nulls)),
            Values::Decimal(values, kind) => {
                Arc::new(Decimal128Array::new(values.into(), nulls).with_data_type(kind))
            }
            Values::Timestamp(values, unit) => {
                timestamps(&Int64Array::new(values.into(), nulls), unit)
            }
            Values::Binary(values) => values.finish(nulls),
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

/// Whether 32-bit offsets reach `more` beyond `used`.
pub fn check_room(used: usize, more: usize) -> Result<(), TooMuchText> {
    if i32::try_from(used.saturating_add(more)).is_ok() {
        Ok(())
    } else {
        Err(TooMuchText)
    }
}

/// How many entries to make room for, where `times` as many as there are, `count`, may follow: no more than are worth it.
#[must_use]
pub fn room(times: usize, count: usize) -> usize {
    times.saturating_mul(count).min(MOST_ROOM)
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
