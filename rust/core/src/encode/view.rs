//! Values as Arrow's views of them: 16 bytes with the length and either all of the text or its beginning and place.
//!
//! Everything that takes text takes views, since most values are so short that their view is all there is to look at.
//! Numbers become views too, of their bytes, where they are told apart like text.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{BinaryViewType, StringViewType};
use arrow_array::{Array, GenericByteViewArray};
use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_schema::DataType;

use crate::simd::prefetch_line;

/// Longest text that a view holds itself.
pub const INLINE: usize = 12;

/// The views of an array, nulls included, and what they refer to.
#[derive(Debug)]
pub struct Views {
    pub views: ScalarBuffer<u128>,
    pub buffers: Arc<[Buffer]>,
}

impl Views {
    /// Of an array of text or bytes; `None` if it is of something else. The text is not copied.
    pub fn of(array: &dyn Array) -> Option<Self> {
        let (views, buffers, _) = match array.data_type() {
            DataType::Utf8View => array.as_string_view().clone().into_parts(),
            DataType::Utf8 => {
                GenericByteViewArray::<StringViewType>::from(array.as_string::<i32>()).into_parts()
            }
            DataType::Binary => {
                GenericByteViewArray::<BinaryViewType>::from(array.as_binary::<i32>()).into_parts()
            }
            _ => return None,
        };
        Some(Self { views, buffers })
    }
}

/// The length of a value.
#[inline(always)]
pub fn length(view: u128) -> usize {
    view as u32 as usize
}

/// The view of a number of `width` bytes, at most 8.
#[inline(always)]
pub fn of_number(value: u64, width: usize) -> u128 {
    width as u128 | u128::from(value) << 32
}

/// A value that its view does not hold, and what follows it in its buffer.
#[inline(always)]
pub fn long(view: u128, buffers: &[Buffer]) -> &[u8] {
    let buffer = &buffers[(view >> 64) as u32 as usize];
    &buffer.as_slice()[(view >> 96) as usize..]
}

/// Has the values that their views do not hold brought near by the time that they are read.
#[inline(always)]
pub fn prefetch(views: &[u128], buffers: &[Buffer]) {
    for &view in views {
        if length(view) > INLINE
            && let Some(first) = long(view, buffers).first()
        {
            prefetch_line(first);
        }
    }
}

/// Calls `look` with the value.
#[inline(always)]
pub fn with<T>(view: u128, buffers: &[Buffer], look: impl FnOnce(&[u8]) -> T) -> T {
    let length = length(view);
    if length <= INLINE {
        look(&view.to_le_bytes()[4..4 + length])
    } else {
        look(&long(view, buffers)[..length])
    }
}
