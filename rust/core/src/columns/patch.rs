//! Other text for some rows of a column of views.

#![allow(
    unsafe_code,
    reason = "what is text already is not checked again because other rows change"
)]

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StringViewArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, ScalarBuffer};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use arrow_schema::ArrowError;

/// A column in which some rows get another text. All others stay views of the text they are views of now: it is not
/// copied, and not freed either while the new column lives.
pub struct Patch<'a> {
    column: &'a StringViewArray,
    views: Vec<u128>,
    /// Text that is too long for its view, in full buffers and the one that is being filled.
    full: Vec<Buffer>,
    text: Vec<u8>,
    /// Of a column with nulls: the rows that have a text in the end.
    valid: Option<BooleanBufferBuilder>,
}

impl<'a> Patch<'a> {
    /// Nothing is changed yet.
    #[must_use]
    pub fn new(column: &'a StringViewArray) -> Self {
        let valid = column.nulls().map(|nulls| {
            let mut valid = BooleanBufferBuilder::new(nulls.len());
            valid.append_buffer(nulls.inner());
            valid
        });
        Self {
            column,
            views: column.views().to_vec(),
            full: Vec::new(),
            text: Vec::new(),
            valid,
        }
    }

    /// Give `row` this text.
    ///
    /// # Errors
    /// If the text has 4 GiB.
    pub fn set(&mut self, row: usize, text: &str) -> Result<(), ArrowError> {
        self.views[row] = self.view(text)?;
        if let Some(valid) = &mut self.valid {
            valid.set_bit(row, true);
        }
        Ok(())
    }

    fn view(&mut self, text: &str) -> Result<u128, ArrowError> {
        let bytes = text.as_bytes();
        let length =
            u32::try_from(bytes.len()).map_err(|_| ArrowError::OffsetOverflowError(bytes.len()))?;
        if length <= MAX_INLINE_VIEW_LEN {
            let mut view = [0; 16];
            view[..4].copy_from_slice(&length.to_le_bytes());
            view[4..4 + bytes.len()].copy_from_slice(bytes);
            return Ok(u128::from_le_bytes(view));
        }
        if self.text.len() + bytes.len() > u32::MAX as usize {
            self.full
                .push(Buffer::from_vec(std::mem::take(&mut self.text)));
        }
        let offset = self.text.len() as u32;
        self.text.extend_from_slice(bytes);
        let buffer_index = (self.column.data_buffers().len() + self.full.len()) as u32;
        let view = ByteView::new(length, &bytes[..4]);
        Ok(view
            .with_buffer_index(buffer_index)
            .with_offset(offset)
            .as_u128())
    }

    /// The column with the texts it was given.
    #[must_use]
    pub fn finish(mut self) -> ArrayRef {
        let mut buffers = self.column.data_buffers().to_vec();
        buffers.append(&mut self.full);
        if !self.text.is_empty() {
            buffers.push(Buffer::from_vec(self.text));
        }
        let nulls = self
            .valid
            .map(|mut valid| NullBuffer::new(valid.finish()))
            .filter(|nulls| nulls.null_count() > 0);
        let views = ScalarBuffer::from(self.views);
        // SAFETY: a view is the column's, whose buffers keep their places, or one that `view` made: of a `str`, in itself
        // or at the place in the buffer that it names. As many rows are valid or not as there are views.
        Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow_array::cast::AsArray;
    use proptest::prelude::*;

    use super::*;

    fn texts() -> impl Strategy<Value = Vec<Option<String>>> {
        prop::collection::vec(prop::option::of("[a-zé]{0,30}"), 0..40)
    }

    proptest! {
        /// Rows that are given a text have it, whatever they had; the others have what they had, slices included.
        #[test]
        fn only_what_is_given_changes(
            rows in texts(),
            given in prop::collection::vec((any::<prop::sample::Index>(), "[a-zé]{0,30}"), 0..20),
            cut in any::<prop::sample::Index>(),
        ) {
            prop_assume!(!rows.is_empty());
            let from = cut.index(rows.len());
            let column = rows.iter().collect::<StringViewArray>().slice(from, rows.len() - from);
            let mut expected = rows[from..].to_vec();
            let mut patch = Patch::new(&column);
            for (row, text) in &given {
                let row = row.index(column.len());
                patch.set(row, text).unwrap();
                expected[row] = Some(text.clone());
            }
            let patched = patch.finish();
            patched.to_data().validate_full().unwrap();
            let found: Vec<_> = patched.as_string_view().iter().map(|text| text.map(str::to_owned)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
