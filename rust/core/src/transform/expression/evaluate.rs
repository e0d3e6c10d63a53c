//! Expressions to arrays, a kernel per node.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_arith::boolean::{and_kleene, is_not_null, is_null, not, or_kleene};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Datum, Decimal128Array, Decimal256Array, Int64Array,
    StringViewArray, UInt32Array,
};
use arrow_buffer::i256;
use arrow_ord::cmp;
use arrow_schema::{ArrowError, DataType, TimeUnit};
use arrow_select::take::take;
use arrow_select::zip::zip;
use arrow_string::like;

use super::{Comparison, Expression, Function, arithmetic};
use crate::transform::cast;
use crate::transform::derived::Derived;

/// Nanoseconds of a day.
const DAY: i128 = 86_400 * 1_000_000_000;

/// The value of a condition for each of `rows` rows; `columns` by slot.
///
/// # Errors
/// Never because of what the columns hold; a bug.
pub fn evaluate(
    condition: &Expression,
    columns: &[Option<ArrayRef>],
    rows: usize,
) -> Result<BooleanArray, ArrowError> {
    Batch { columns, rows }.truth(condition)
}

/// An array, or one value that stands for every row.
struct Cells {
    array: ArrayRef,
    one: bool,
}

impl Datum for Cells {
    fn get(&self) -> (&dyn Array, bool) {
        (&self.array, self.one)
    }
}

struct Batch<'a> {
    columns: &'a [Option<ArrayRef>],
    rows: usize,
}

impl Batch<'_> {
    fn cells(&self, expression: &Expression) -> Result<Cells, ArrowError> {
        if let Expression::Literal(array) = expression {
            return Ok(Cells {
                array: array.clone(),
                one: true,
            });
        }
        Ok(Cells {
            array: self.array(expression)?,
            one: false,
        })
    }

    fn array(&self, expression: &Expression) -> Result<ArrayRef, ArrowError> {
        Ok(match expression {
            Expression::Column(slot) => {
                let column = self.columns.get(*slot).cloned().flatten();
                column.ok_or_else(|| {
                    ArrowError::InvalidArgumentError(format!("slot {slot} was not built"))
                })?
            }
            Expression::Literal(one) => take(one, &UInt32Array::from(vec![0; self.rows]), None)?,
            Expression::Arithmetic(operator, left, right) => {
                arithmetic::calculate(*operator, &self.array(left)?, &self.array(right)?)
            }
            Expression::Cast { of, from, to } => cast::cast(&self.array(of)?, *from, *to)?.array,
            Expression::Wide(of, scale) => wide(&self.cells(of)?.array, *scale),
            Expression::Nanoseconds(of) => nanoseconds(&self.array(of)?),
            Expression::Call(function, arguments) => self.call(*function, arguments)?,
            condition => Arc::new(self.truth(condition)?),
        })
    }

    fn truth(&self, expression: &Expression) -> Result<BooleanArray, ArrowError> {
        match expression {
            Expression::Not(of) => not(&self.truth(of)?),
            Expression::And(left, right) => and_kleene(&self.truth(left)?, &self.truth(right)?),
            Expression::Or(left, right) => or_kleene(&self.truth(left)?, &self.truth(right)?),
            Expression::IsNull(of) => is_null(&self.array(of)?),
            Expression::IsTruth(of, value) => {
                let truths = self.truth(of)?;
                Ok(truths
                    .iter()
                    .map(|truth| Some(truth == Some(*value)))
                    .collect())
            }
            Expression::Compare(comparison, left, right) => {
                let (left, right) = (self.comparable(left)?, self.comparable(right)?);
                self.full(compare(*comparison, &left, &right)?)
            }
            Expression::Like {
                text,
                pattern,
                any_case,
            } => {
                let (text, pattern) = (self.cells(text)?, self.cells(pattern)?);
                self.full(if *any_case {
                    like::ilike(&text, &pattern)?
                } else {
                    like::like(&text, &pattern)?
                })
            }
            Expression::StartsWith(text, prefix) => {
                self.full(like::starts_with(&self.cells(text)?, &self.cells(prefix)?)?)
            }
            Expression::Regex(text, regex) => {
                let text = self.array(text)?;
                let texts = text.as_string_view().iter();
                Ok(texts
                    .map(|text| text.map(|text| regex.is_match(text)))
                    .collect())
            }
            other => Ok(self.array(other)?.as_boolean().clone()),
        }
    }

    /// The kernels give one value if both sides are one.
    fn full(&self, truths: BooleanArray) -> Result<BooleanArray, ArrowError> {
        if truths.len() == self.rows {
            return Ok(truths);
        }
        let all = take(&truths, &UInt32Array::from(vec![0; self.rows]), None)?;
        Ok(all.as_boolean().clone())
    }

    /// Arrow orders -0.0 before 0.0; SQL has one zero.
    fn comparable(&self, expression: &Expression) -> Result<Cells, ArrowError> {
        // `Wide` keeps a literal one value.
        let one =
            matches!(expression, Expression::Wide(of, _) if matches!(**of, Expression::Literal(_)));
        let mut cells = self.cells(expression)?;
        cells.one |= one;
        if cells.array.data_type() == &DataType::Float64 {
            let floats = cells.array.as_primitive::<Float64Type>();
            cells.array = Arc::new(floats.unary::<_, Float64Type>(|value| value + 0.0));
        }
        Ok(cells)
    }

    fn call(&self, function: Function, arguments: &[Expression]) -> Result<ArrayRef, ArrowError> {
        let arrays = arguments
            .iter()
            .map(|of| self.array(of))
            .collect::<Result<Vec<_>, _>>()?;
        let texts = |index: usize| -> &StringViewArray { arrays[index].as_string_view() };
        Ok(match function {
            Function::Lower => mapped(&arrays[0], lower)?,
            Function::Upper => mapped(&arrays[0], upper)?,
            Function::Trim => mapped(&arrays[0], |text| text.trim_matches(' ').into())?,
            Function::Length => {
                let lengths = texts(0)
                    .iter()
                    .map(|text| text.map(|text| text.chars().count() as i64));
                Arc::new(lengths.collect::<Int64Array>())
            }
            Function::Substr => substr(&arrays)?,
            Function::Abs => arithmetic::absolute(&arrays[0]),
            Function::Round(digits) => arithmetic::round(&arrays[0], digits),
            Function::Float => arithmetic::to_float(&arrays[0]),
            Function::Join => joined(&arrays, true),
            Function::Concat => joined(&arrays, false),
            Function::Coalesce => {
                let mut found = arrays[0].clone();
                for next in &arrays[1..] {
                    found = zip(&is_not_null(&found)?, &found, next)?;
                }
                found
            }
        })
    }
}

fn compare(
    comparison: Comparison,
    left: &Cells,
    right: &Cells,
) -> Result<BooleanArray, ArrowError> {
    match comparison {
        Comparison::Equal => cmp::eq(left, right),
        Comparison::NotEqual => cmp::neq(left, right),
        Comparison::Less => cmp::lt(left, right),
        Comparison::LessOrEqual => cmp::lt_eq(left, right),
        Comparison::Greater => cmp::gt(left, right),
        Comparison::GreaterOrEqual => cmp::gt_eq(left, right),
        Comparison::Distinct => cmp::distinct(left, right),
        Comparison::NotDistinct => cmp::not_distinct(left, right),
    }
}

fn wide(of: &dyn Array, scale: i8) -> ArrayRef {
    let widen = |value: i128, from: i8| {
        let factor = i256::from_i128(10).wrapping_pow((scale - from).max(0) as u32);
        i256::from_i128(value).wrapping_mul(factor)
    };
    let array: Decimal256Array = if let DataType::Decimal128(_, from) = of.data_type() {
        let values = of.as_primitive::<Decimal128Type>().iter();
        values.map(|value| Some(widen(value?, *from))).collect()
    } else {
        let values = of.as_primitive::<Int64Type>().iter();
        let widened = values.map(|value| Some(widen(i128::from(value?), 0)));
        widened.collect()
    };
    Arc::new(array.with_data_type(DataType::Decimal256(76, scale)))
}

fn nanoseconds(of: &ArrayRef) -> ArrayRef {
    let scaled =
        |factor: i128| move |value: Option<i64>| value.map(|value| i128::from(value) * factor);
    let array: Decimal128Array = match of.data_type() {
        DataType::Date32 => {
            let days = of.as_primitive::<Date32Type>().iter();
            days.map(|day| day.map(|day| i128::from(day) * DAY))
                .collect()
        }
        DataType::Timestamp(TimeUnit::Second, _) => of
            .as_primitive::<TimestampSecondType>()
            .iter()
            .map(scaled(1_000_000_000))
            .collect(),
        DataType::Timestamp(TimeUnit::Millisecond, _) => of
            .as_primitive::<TimestampMillisecondType>()
            .iter()
            .map(scaled(1_000_000))
            .collect(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => of
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .map(scaled(1_000))
            .collect(),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => of
            .as_primitive::<TimestampNanosecondType>()
            .iter()
            .map(scaled(1))
            .collect(),
        _ => return of.clone(),
    };
    Arc::new(array.with_data_type(DataType::Decimal128(38, 0)))
}

fn mapped(texts: &ArrayRef, map: impl Fn(&str) -> Cow<'_, str>) -> Result<ArrayRef, ArrowError> {
    let mut mapped = Derived::from_column(texts);
    for (row, text) in texts.as_string_view().iter().enumerate() {
        mapped.push(row, text.map(&map))?;
    }
    Ok(mapped.finish())
}

/// Most text that is asked for in a case has it already.
fn lower(text: &str) -> Cow<'_, str> {
    let other = |byte: u8| byte.is_ascii_uppercase() || !byte.is_ascii();
    if text.bytes().any(other) {
        text.to_lowercase().into()
    } else {
        text.into()
    }
}

fn upper(text: &str) -> Cow<'_, str> {
    let other = |byte: u8| byte.is_ascii_lowercase() || !byte.is_ascii();
    if text.bytes().any(other) {
        text.to_uppercase().into()
    } else {
        text.into()
    }
}

/// Characters from `start` (1 is the first), `length` of them or all; what lies before the first is counted too, as
/// SQL has it. NULL if a length is negative.
fn substr(arrays: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
    let texts = arrays[0].as_string_view();
    let starts = arrays[1].as_primitive::<Int64Type>();
    let lengths = arrays.get(2).map(AsArray::as_primitive::<Int64Type>);
    let cut = |row: usize| -> Option<&str> {
        let present = |array: &dyn Array| array.is_valid(row);
        if !present(texts) || !present(starts) || !lengths.is_none_or(|lengths| present(lengths)) {
            return None;
        }
        let (text, start) = (texts.value(row), starts.value(row));
        let end = match lengths.map(|lengths| lengths.value(row)) {
            Some(length) if length < 0 => return None,
            Some(length) => start.saturating_add(length),
            None => i64::MAX,
        };
        let first = start.max(1);
        let from = byte_of(text, first - 1);
        let to = byte_of(text, end.max(first) - 1);
        text.get(from..to)
    };
    let mut parts = Derived::from_column(&arrays[0]);
    for row in 0..texts.len() {
        parts.push(row, cut(row).map(Cow::from))?;
    }
    Ok(parts.finish())
}

/// Where the character number `index` begins, or the end.
fn byte_of(text: &str, index: i64) -> usize {
    usize::try_from(index)
        .ok()
        .and_then(|index| text.char_indices().nth(index))
        .map_or(text.len(), |(byte, _)| byte)
}

fn joined(arrays: &[ArrayRef], strict: bool) -> ArrayRef {
    let texts: Vec<&StringViewArray> = arrays.iter().map(AsArray::as_string_view).collect();
    let rows = arrays.first().map_or(0, Array::len);
    let join = |row: usize| {
        if strict && texts.iter().any(|texts| texts.is_null(row)) {
            return None;
        }
        let parts = texts.iter().filter(|texts| texts.is_valid(row));
        Some(parts.map(|texts| texts.value(row)).collect::<String>())
    };
    Arc::new((0..rows).map(join).collect::<StringViewArray>())
}
