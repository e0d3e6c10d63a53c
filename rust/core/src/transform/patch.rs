//! Other text for some rows of a column.

use arrow_array::builder::StringViewBuilder;
use arrow_array::{Array, ArrayRef, BooleanArray, StringViewArray};
use arrow_buffer::BooleanBufferBuilder;
use arrow_schema::ArrowError;
use arrow_select::zip::zip;

/// The rows that get another text, in order. All others stay views of the text they are views of now: it is not copied,
/// and not freed either while the column lives.
pub struct Patch {
    patched: BooleanBufferBuilder,
    /// By row; null where nothing changes.
    texts: StringViewBuilder,
}

impl Patch {
    /// No rows yet, of a column of `rows`.
    pub fn new(rows: usize) -> Self {
        Self {
            patched: BooleanBufferBuilder::new(rows),
            texts: StringViewBuilder::with_capacity(rows),
        }
    }

    /// Give `row`, which comes after all rows given before, this text.
    ///
    /// # Errors
    /// If the text has 4 GiB.
    pub fn set(&mut self, row: usize, text: &str) -> Result<(), ArrowError> {
        self.keep_to(row);
        self.patched.append(true);
        self.texts.try_append_value(text)
    }

    /// `column`, of the same rows, with the others' texts.
    ///
    /// # Errors
    /// Never, if the rows are the column's.
    pub fn apply(mut self, column: &StringViewArray) -> Result<ArrayRef, ArrowError> {
        self.keep_to(column.len());
        let patched = BooleanArray::new(self.patched.finish(), None);
        zip(&patched, &self.texts.finish(), column)
    }

    fn keep_to(&mut self, row: usize) {
        let kept = row - self.patched.len();
        self.patched.append_n(kept, false);
        (0..kept).for_each(|_| self.texts.append_null());
    }
}
