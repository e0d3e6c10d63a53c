//! Text columns whose values are views: 16 bytes with the length and either the text itself, up to 12 bytes, or its
//! beginning and where it is (Arrow columnar format, variable-size binary view layout).

#![allow(
    unsafe_code,
    reason = "text that was checked as a block is not checked again for each of its values"
)]

use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray};
use arrow_buffer::{Buffer, ScalarBuffer};

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
        let view = if length <= INLINE {
            let wide = match text.first_chunk::<16>() {
                Some(wide) => u128::from_le_bytes(*wide),
                None => short(&text[..length]),
            };
            let kept = wide & ((1_u128 << (8 * length)) - 1);
            length as u128 | kept << 32
        } else {
            let prefix = text
                .first_chunk::<4>()
                .map_or(0, |prefix| u32::from_le_bytes(*prefix));
            length as u128
                | u128::from(prefix) << 32
                | u128::from(slab) << 64
                | u128::from(start) << 96
        };
        self.views.push(view);
        self.valid.push(true);
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

#[cold]
fn short(text: &[u8]) -> u128 {
    let mut wide = [0; 16];
    wide[..text.len()].copy_from_slice(text);
    u128::from_le_bytes(wide)
}
