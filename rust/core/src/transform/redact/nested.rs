//! Text inside lists, structs and maps: their leaves are changed like columns of their own.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray};
use arrow_schema::ArrowError;

use super::changed::changed;
use crate::columns::{ColumnKind, ScalarKind};

/// Appends what stands for a text, if it is not itself, and says so; told whether it is JSON.
type Change<'c> = dyn FnMut(&str, bool, &mut String) -> bool + 'c;

/// Whether a column of this type holds text anywhere; the keys of a map are text.
pub fn has_text(kind: &ColumnKind) -> bool {
    match kind {
        ColumnKind::Scalar(kind) => matches!(kind, ScalarKind::String | ScalarKind::Json),
        ColumnKind::List(item) => has_text(item),
        ColumnKind::Struct(fields) => fields.iter().any(|field| has_text(&field.kind)),
        ColumnKind::Map(_) => true,
    }
}

/// The column with its texts changed; `None` if none was: then nothing is copied.
///
/// # Errors
/// If text inside a nested column passes 2 GiB by it.
pub fn redact(
    array: &ArrayRef,
    kind: &ColumnKind,
    change: &mut Change<'_>,
) -> Result<Option<ArrayRef>, ArrowError> {
    match kind {
        ColumnKind::Scalar(ScalarKind::String) => {
            changed(array, |text, out| change(text, false, out))
        }
        ColumnKind::Scalar(ScalarKind::Json) => changed(array, |text, out| change(text, true, out)),
        ColumnKind::Scalar(_) => Ok(None),
        ColumnKind::List(item) => list(array.as_list(), item, change),
        ColumnKind::Struct(fields) => {
            let kinds: Vec<&ColumnKind> = fields.iter().map(|field| &field.kind).collect();
            structure(array.as_struct(), &kinds, change)
        }
        ColumnKind::Map(value) => map(array.as_map(), value, change),
    }
}

fn list(
    array: &ListArray,
    item: &ColumnKind,
    change: &mut Change<'_>,
) -> Result<Option<ArrayRef>, ArrowError> {
    let Some(values) = redact(array.values(), item, change)? else {
        return Ok(None);
    };
    let arrow_schema::DataType::List(field) = array.data_type() else {
        return Ok(None);
    };
    let (field, offsets, nulls) = (
        field.clone(),
        array.offsets().clone(),
        array.nulls().cloned(),
    );
    Ok(Some(Arc::new(ListArray::try_new(
        field, offsets, values, nulls,
    )?)))
}

fn structure(
    array: &StructArray,
    kinds: &[&ColumnKind],
    change: &mut Change<'_>,
) -> Result<Option<ArrayRef>, ArrowError> {
    let mut columns = array.columns().to_vec();
    let mut any = false;
    for (column, kind) in columns.iter_mut().zip(kinds) {
        if let Some(redacted) = redact(column, kind, change)? {
            *column = redacted;
            any = true;
        }
    }
    if !any {
        return Ok(None);
    }
    let (fields, nulls) = (array.fields().clone(), array.nulls().cloned());
    Ok(Some(Arc::new(StructArray::try_new(
        fields, columns, nulls,
    )?)))
}

fn map(
    array: &MapArray,
    value: &ColumnKind,
    change: &mut Change<'_>,
) -> Result<Option<ArrayRef>, ArrowError> {
    let key = ColumnKind::Scalar(ScalarKind::String);
    let Some(entries) = structure(array.entries(), &[&key, value], change)? else {
        return Ok(None);
    };
    let arrow_schema::DataType::Map(field, ordered) = array.data_type() else {
        return Ok(None);
    };
    let (field, offsets, nulls) = (
        field.clone(),
        array.offsets().clone(),
        array.nulls().cloned(),
    );
    let entries = entries.as_struct().clone();
    Ok(Some(Arc::new(MapArray::try_new(
        field, offsets, entries, nulls, *ordered,
    )?)))
}
