//! One cell of a column as plain data.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use penstock_core::columns::timestamp_units;

/// What stands in a row, whatever array holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Null,
    Bool(bool),
    /// Of int64 and timestamps.
    Integer(i64),
    /// Its bits: zeros have signs.
    Float(u64),
    Decimal(i128),
    Date(i32),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Struct(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// The cell of `array` at `row`.
///
/// # Panics
/// If no column has such an array.
pub fn cell(array: &ArrayRef, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Int64 => Cell::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Cell::Float(array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Decimal128(..) => {
            Cell::Decimal(array.as_primitive::<Decimal128Type>().value(row))
        }
        DataType::Date32 => Cell::Date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(unit, _) => timestamp(array, *unit, row),
        DataType::Utf8 | DataType::Utf8View => Cell::Text(text(array, row).to_owned()),
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(row).to_vec()),
        DataType::BinaryView => Cell::Bytes(array.as_binary_view().value(row).to_vec()),
        DataType::List(_) => Cell::List(cells(&array.as_list::<i32>().value(row)).collect()),
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            Cell::Struct(columns.map(|column| cell(column, row)).collect())
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let key = |index| text(keys, index).to_owned();
            Cell::Map(
                cells(values)
                    .enumerate()
                    .map(|(index, cell)| (key(index), cell))
                    .collect(),
            )
        }
        other => panic!("a column of {other}"),
    }
}

/// The text at `row` of a string column of either layout.
///
/// # Panics
/// If it is none.
pub fn text(array: &ArrayRef, row: usize) -> &str {
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row),
        _ => array.as_string::<i32>().value(row),
    }
}

fn cells(array: &ArrayRef) -> impl Iterator<Item = Cell> {
    (0..array.len()).map(|row| cell(array, row))
}

fn timestamp(array: &ArrayRef, unit: TimeUnit, row: usize) -> Cell {
    Cell::Integer(timestamp_units(array, unit, row))
}
