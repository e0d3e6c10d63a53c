//! A column of text with some rows changed.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray, StringViewArray};
use arrow_schema::ArrowError;

use crate::columns::{Patch, append_text};

/// Rows of one round. Their texts lie far apart: memory is asked for all of them at once, and not for each when the one
/// before has been searched.
const ROUND: usize = 32;

/// The column with the rows changed that `change` has another text for, which it appends and then says so; `None` if
/// there are none. It is one of views, or, inside a nested type, of strings.
///
/// # Errors
/// If a column of strings passes 2 GiB by it.
pub fn changed(
    texts: &ArrayRef,
    change: impl FnMut(&str, &mut String) -> bool,
) -> Result<Option<ArrayRef>, ArrowError> {
    match texts.as_string_view_opt() {
        Some(texts) => changed_views(texts, change),
        None => changed_strings(texts.as_string(), change),
    }
}

/// The text of the other rows is not copied.
fn changed_views(
    texts: &StringViewArray,
    mut change: impl FnMut(&str, &mut String) -> bool,
) -> Result<Option<ArrayRef>, ArrowError> {
    let mut patch: Option<Patch<'_>> = None;
    let mut other = String::new();
    for row in 0..texts.len() {
        if row % ROUND == 0 {
            black_box(first_bytes(texts, row..texts.len().min(row + ROUND)));
        }
        if texts.is_null(row) {
            continue;
        }
        let text = texts.value(row);
        other.clear();
        if change(text, &mut other) {
            patch
                .get_or_insert_with(|| Patch::new(texts))
                .set(row, &other)?;
        }
    }
    Ok(patch.map(Patch::finish))
}

/// Something that depends on the first byte of each text.
fn first_bytes(texts: &StringViewArray, rows: Range<usize>) -> u8 {
    let first = |row| texts.value(row).bytes().next().unwrap_or_default();
    rows.map(first).fold(0, u8::wrapping_add)
}

/// Runs of rows between those that change are copied as one.
fn changed_strings(
    texts: &StringArray,
    mut change: impl FnMut(&str, &mut String) -> bool,
) -> Result<Option<ArrayRef>, ArrowError> {
    let mut builder: Option<StringBuilder> = None;
    let (mut copied, mut other) = (0, String::new());
    for row in 0..texts.len() {
        if texts.is_null(row) {
            continue;
        }
        other.clear();
        if !change(texts.value(row), &mut other) {
            continue;
        }
        let builder = builder.get_or_insert_with(|| {
            StringBuilder::with_capacity(texts.len(), texts.value_data().len())
        });
        builder.append_array(&texts.slice(copied, row - copied))?;
        append_text(&other, builder).map_err(|_| ArrowError::OffsetOverflowError(other.len()))?;
        copied = row + 1;
    }
    let Some(mut builder) = builder else {
        return Ok(None);
    };
    builder.append_array(&texts.slice(copied, texts.len() - copied))?;
    Ok(Some(Arc::new(builder.finish())))
}
