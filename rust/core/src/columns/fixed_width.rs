//! Columns of fixed width: one loop for each kind, over its common form; what else there is goes the long way.

use std::sync::Arc;

use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::ScalarBuffer;
use arrow_schema::TimeUnit;

use super::builder::timestamps;
use super::cells::{Cells, Oddity};
use super::column::{Surroundings, present};
use super::kind::ScalarKind;
use super::scalar::{Value, fit};
use super::validity::Validity;
use crate::json::Token;

/// The builder of such a column.
#[derive(Debug)]
pub enum FixedWidth {
    Bool(Validity, Validity),
    Int64(Vec<i64>, Validity),
    Float64(Vec<f64>, Validity),
    Timestamp(Vec<i64>, Validity, TimeUnit),
}

impl FixedWidth {
    /// An empty one with room for `rows`, if it is for `kind`.
    pub fn new(kind: ScalarKind, rows: usize) -> Option<Self> {
        let valid = Validity::new(rows);
        match kind {
            ScalarKind::Bool => Some(Self::Bool(Validity::new(rows), valid)),
            ScalarKind::Int64 => Some(Self::Int64(Vec::with_capacity(rows), valid)),
            ScalarKind::Float64 => Some(Self::Float64(Vec::with_capacity(rows), valid)),
            ScalarKind::Timestamp(unit) => {
                Some(Self::Timestamp(Vec::with_capacity(rows), valid, unit))
            }
            _ => None,
        }
    }

    /// Append the value of each record, or null.
    pub fn append(
        &mut self,
        cells: Cells<'_>,
        around: &mut Surroundings<'_>,
        odd: &mut dyn FnMut(u32, Oddity),
    ) {
        match self {
            Self::Bool(values, valid) => {
                if let Some(whole) = cells.whole() {
                    values.push_all(whole.trues(), whole.rows());
                    valid.push_all(whole.valid(), whole.rows());
                    return;
                }
                let kind = ScalarKind::Bool;
                let long_way =
                    |record, token| match long_way(kind, (record, token), cells, around, odd)? {
                        Value::Bool(value) => Some(value),
                        _ => None,
                    };
                let push = |value| values.push(value);
                append_each(cells, valid, push, |cell| cell != 0, long_way);
            }
            Self::Int64(values, valid) => append_all(
                cells,
                valid,
                values,
                |cell| cell as i64,
                |record, token| integer(ScalarKind::Int64, (record, token), cells, around, odd),
            ),
            Self::Timestamp(values, valid, unit) => append_all(
                cells,
                valid,
                values,
                |cell| cell as i64,
                |record, token| {
                    let kind = ScalarKind::Timestamp(*unit);
                    integer(kind, (record, token), cells, around, odd)
                },
            ),
            Self::Float64(values, valid) => append_all(
                cells,
                valid,
                values,
                |cell| f64::from_bits(cell as u64),
                |record, token| match long_way(
                    ScalarKind::Float64,
                    (record, token),
                    cells,
                    around,
                    odd,
                )? {
                    Value::Float64(value) => Some(value),
                    _ => None,
                },
            ),
        }
    }

    /// The array of all that was appended.
    pub fn finish(self) -> ArrayRef {
        match self {
            Self::Bool(values, valid) => {
                Arc::new(BooleanArray::new(values.into_bits(), valid.finish()))
            }
            Self::Int64(values, valid) => Arc::new(integers(values, valid)),
            Self::Timestamp(values, valid, unit) => timestamps(&integers(values, valid), unit),
            Self::Float64(values, valid) => Arc::new(PrimitiveArray::<Float64Type>::new(
                ScalarBuffer::from(values),
                valid.finish(),
            )),
        }
    }
}

fn integers(values: Vec<i64>, valid: Validity) -> PrimitiveArray<arrow_array::types::Int64Type> {
    PrimitiveArray::new(ScalarBuffer::from(values), valid.finish())
}

/// Append the value of each record, all at once if all are staged.
#[inline(always)]
fn append_all<T: Default>(
    cells: Cells<'_>,
    valid: &mut Validity,
    values: &mut Vec<T>,
    of_cell: impl Fn(u128) -> T,
    long_way: impl FnMut(u32, Token) -> Option<T>,
) {
    if let Some(whole) = cells.whole() {
        whole.append_to(values, of_cell);
        valid.push_all(whole.valid(), whole.rows());
        return;
    }
    append_each(cells, valid, |value| values.push(value), of_cell, long_way);
}

/// Append the value of each record: the one that is staged, else what `long_way` makes of its token.
#[inline(always)]
fn append_each<T: Default>(
    cells: Cells<'_>,
    valid: &mut Validity,
    mut push: impl FnMut(T),
    of_cell: impl Fn(u128) -> T,
    mut long_way: impl FnMut(u32, Token) -> Option<T>,
) {
    for (record, token) in cells.each() {
        let value = match cells.staged(record) {
            Some(cell) => Some(of_cell(cell)),
            None => present(token).and_then(|token| long_way(record, token)),
        };
        valid.push(value.is_some());
        push(value.unwrap_or_default());
    }
}

fn integer(
    kind: ScalarKind,
    value: (u32, Token),
    cells: Cells<'_>,
    around: &mut Surroundings<'_>,
    odd: &mut dyn FnMut(u32, Oddity),
) -> Option<i64> {
    match long_way(kind, value, cells, around, odd)? {
        Value::Int64(value) => Some(value),
        _ => None,
    }
}

#[inline(never)]
fn long_way(
    kind: ScalarKind,
    (record, token): (u32, Token),
    cells: Cells<'_>,
    around: &mut Surroundings<'_>,
    odd: &mut dyn FnMut(u32, Oddity),
) -> Option<Value> {
    around.findings.clear_scratch();
    fit(kind, token, cells.text(record), around.findings)
        .map_err(|misfit| odd(record, Oddity::Misfit(misfit, token)))
        .ok()
}
