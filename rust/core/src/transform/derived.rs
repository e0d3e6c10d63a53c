//! A column of text made from another column.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringViewArray};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use arrow_schema::ArrowError;

/// Built row by row. Text that is part of what the old column says in the same row stays where it is in memory.
pub struct Derived<'a> {
    old: Option<&'a StringViewArray>,
    texts: StringViewBuilder,
}

impl<'a> Derived<'a> {
    /// No rows yet, from a column of any type.
    pub fn from_column(old: &'a ArrayRef) -> Self {
        let mut texts = StringViewBuilder::with_capacity(old.len());
        let old = old.as_string_view_opt();
        for buffer in old.map(StringViewArray::data_buffers).unwrap_or_default() {
            texts.append_block(buffer.clone());
        }
        Self { old, texts }
    }

    /// Append the text that the old column's `row` becomes, or null.
    ///
    /// # Errors
    /// If the text has 4 GiB.
    pub fn push(&mut self, row: usize, text: Option<Cow<'_, str>>) -> Result<(), ArrowError> {
        let Some(text) = text else {
            self.texts.append_null();
            return Ok(());
        };
        if let (Some(old), Cow::Borrowed(part)) = (self.old, &text)
            && let Some((block, offset)) = place(old, row, part)
        {
            return self.texts.try_append_view(block, offset, part.len() as u32);
        }
        self.texts.try_append_value(text)
    }

    /// The column.
    pub fn finish(mut self) -> ArrayRef {
        Arc::new(self.texts.finish())
    }
}

/// The buffer and the offset of `part` in it, if it is part of the row's text and worth a view.
fn place(old: &StringViewArray, row: usize, part: &str) -> Option<(u32, u32)> {
    if part.len() <= MAX_INLINE_VIEW_LEN as usize {
        return None;
    }
    let text = old.value(row);
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    if start + part.len() > text.len() {
        return None;
    }
    let view = ByteView::from(old.views()[row]);
    Some((view.buffer_index, view.offset + start as u32))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A part of the row's own text is where it was, in a slice as well; any other text is copied.
    #[test]
    fn parts_stay_in_place() {
        let rows = [
            Some("before"),
            Some("first of two long texts"),
            None,
            Some("second of two long texts"),
        ];
        let old: ArrayRef = Arc::new(StringViewArray::from(rows.to_vec()));
        let old = old.slice(1, 3);
        let texts = old.as_string_view();
        let parts = [
            Some(&texts.value(0)[6..]),
            None,
            Some(&texts.value(0)[9..23]),
        ];
        let mut derived = Derived::from_column(&old);
        for (row, part) in parts.into_iter().enumerate() {
            derived.push(row, part.map(Cow::from)).unwrap();
        }
        derived
            .push(2, Some("new and long enough".to_owned().into()))
            .unwrap();
        derived.push(2, Some(texts.value(2)[..6].into())).unwrap();
        let array = derived.finish();
        let derived = array.as_string_view();
        let expected = [
            Some("of two long texts"),
            None,
            Some("two long texts"),
            Some("new and long enough"),
            Some("second"),
        ];
        assert_eq!(derived.iter().collect::<Vec<_>>(), expected);
        assert_eq!(derived.value(0).as_ptr(), texts.value(0)[6..].as_ptr());
        assert_ne!(derived.value(2).as_ptr(), texts.value(0)[9..].as_ptr());
    }

    /// A column of another type has no text to share.
    #[test]
    fn numbers_become_new_text() {
        let old: ArrayRef = Arc::new(arrow_array::Int64Array::from(vec![1]));
        let mut derived = Derived::from_column(&old);
        derived.push(0, Some("1".into())).unwrap();
        assert_eq!(derived.finish().as_string_view().value(0), "1");
    }
}
