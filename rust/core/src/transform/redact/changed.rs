//! A column of text with some rows changed.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray, StringViewArray};
use arrow_schema::ArrowError;

use crate::columns::{Patch, append_text};

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
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else {
            continue;
        };
        other.clear();
        if change(text, &mut other) {
            patch
                .get_or_insert_with(|| Patch::new(texts))
                .set(row, &other)?;
        }
    }
    Ok(patch.map(Patch::finish))
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
