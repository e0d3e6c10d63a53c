//! Text columns whose values are views: 16 bytes with the length and either the text itself, up to 12 bytes, or its
//! beginning and where it is (Arrow columnar format, variable-size binary view layout).

#![allow(
    unsafe_code,
    reason = "text that was checked as a block is not checked again for each of its values"
)]

use std::hint::select_unpredictable;
use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray};
use arrow_buffer::{Buffer, ScalarBuffer};

use super::cells::Whole;
use super::validity::Validity;

/// Longest text that a view holds itself.
const INLINE: usize = 12;

/// The builder of a column of views.
#[derive(Debug)]
pub struct Views {
    views: Vec<u128>,
    valid: Validity,
}

impl Views {
    /// An empty one with room for `rows`.
    pub fn new(rows: usize) -> Self {
        Self {
            views: Vec::with_capacity(rows),
            valid: Validity::new(rows),
        }
    }

    /// Make room for `rows` more.
    pub fn reserve(&mut self, rows: usize) {
        self.views.reserve(rows);
    }

    /// Append the first `length` bytes of `text`, which has to be UTF-8 that lies at `start` of slab number `slab`.
    #[inline(always)]
    pub fn push(&mut self, text: &[u8], length: usize, slab: u32, start: u32) {
        self.push_view(view(text, length, slab, start));
    }

    /// Append what [`view`] has made of such a text.
    #[inline(always)]
    pub fn push_view(&mut self, view: u128) {
        self.views.push(view);
        self.valid.push(true);
    }

    /// Append staged values: what [`view`] has made of such texts.
    #[inline(always)]
    pub fn push_whole(&mut self, whole: Whole<'_>) {
        whole.append_to(&mut self.views, |view| view);
        self.valid.push_all(whole.valid(), whole.rows());
    }

    /// Append `rows` nulls, at most 64.
    pub fn push_nulls(&mut self, rows: usize) {
        self.views.resize(self.views.len() + rows, 0);
        self.valid.push_all(0, rows);
    }

    /// Append a null.
    #[inline(always)]
    pub fn push_null(&mut self) {
        self.views.push(0);
        self.valid.push(false);
    }

    /// The array; `slabs` are those that the views name, by their numbers.
    pub fn finish(self, slabs: &[Buffer]) -> ArrayRef {
        let views = ScalarBuffer::from(self.views);
        // SAFETY: `push` is given text that was found to be UTF-8, or was made from such, at the place in the slab that
        // it names; slabs are not changed once they are finished.
        Arc::new(unsafe {
            StringViewArray::new_unchecked(views, slabs.to_vec(), self.valid.finish())
        })
    }
}

/// By length, the bytes that a view holds itself: of the first four, and of the other eight.
const KEPT: [(u64, u64); INLINE + 1] = {
    let mut kept = [(0, 0); INLINE + 1];
    let mut length = 0;
    while length <= INLINE {
        let bytes: u128 = (1 << (8 * length)) - 1;
        kept[length] = (bytes as u64 & 0xFFFF_FFFF, (bytes >> 32) as u64);
        length += 1;
    }
    kept
};

/// Whether a view refers to no slab.
#[inline(always)]
pub fn holds_its_text(view: u128) -> bool {
    view as u32 as usize <= INLINE
}

/// The view of the first `length` bytes of `text`, which lies at `start` of slab number `slab`.
#[inline(always)]
pub fn view(text: &[u8], length: usize, slab: u32, start: u32) -> u128 {
    match text.first_chunk() {
        Some(wide) => view_of(wide, length, slab, start),
        None => short(&text[..length.min(text.len())], length, slab, start),
    }
}

#[cold]
fn short(text: &[u8], length: usize, slab: u32, start: u32) -> u128 {
    let mut wide = [0; 16];
    wide[..text.len()].copy_from_slice(text);
    view_of(&wide, length, slab, start)
}

/// The same if 16 bytes can be read. In 64-bit halves: the first is alike for views that hold their text and others.
#[inline(always)]
pub fn view_of(wide: &[u8; 16], length: usize, slab: u32, start: u32) -> u128 {
    let first = wide
        .first_chunk()
        .map_or(0, |first| u32::from_le_bytes(*first));
    let first = u64::from(first);
    let others = wide[4..].first_chunk();
    let others = others.map_or(0, |others| u64::from_le_bytes(*others));
    let (kept_first, kept_others) = KEPT[length.min(INLINE)];
    let place = u64::from(slab) | u64::from(start) << 32;
    let low = u64::from(length as u32) | (first & kept_first) << 32;
    let high = select_unpredictable(length <= INLINE, others & kept_others, place);
    u128::from(low) | u128::from(high) << 64
}

#[cfg(test)]
mod tests {
    use super::view;
    use arrow_data::ByteView;

    /// A view is what Arrow's own maker makes, whatever follows the text, and if nothing does.
    #[test]
    fn views_are_arrows() {
        let text = "an ordinary text of some length, and more";
        for length in 0..=24 {
            for end in [length, length + 1, text.len()] {
                let made = view(&text.as_bytes()[..end], length, 7, 1234);
                let bytes = &text.as_bytes()[..length];
                let expected = if length <= 12 {
                    let mut inline = [0; 16];
                    inline[0] = length as u8;
                    inline[4..4 + length].copy_from_slice(bytes);
                    u128::from_le_bytes(inline)
                } else {
                    ByteView::new(length as u32, &bytes[..4])
                        .with_buffer_index(7)
                        .with_offset(1234)
                        .as_u128()
                };
                assert_eq!(made, expected, "{length} of {end}");
            }
        }
    }
}
