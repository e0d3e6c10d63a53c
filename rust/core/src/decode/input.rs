//! The values of one decode call.

use std::ops::Range;

use arrow_buffer::Buffer;

use crate::columns::{Bytes, Texts};

/// Values to decode; `None` is a tombstone.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Somebody else's memory: each value is copied once.
    Copied(&'a [Option<&'a [u8]>]),
    /// Ranges of one buffer, ascending: text without escapes is viewed where it is.
    Shared(&'a Buffer, &'a [Option<Range<usize>>]),
}

impl<'a> Input<'a> {
    /// How many values.
    pub fn len(self) -> usize {
        match self {
            Self::Copied(values) => values.len(),
            Self::Shared(_, values) => values.len(),
        }
    }

    /// One value.
    #[inline(always)]
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        match self {
            Self::Copied(values) => values[index],
            Self::Shared(buffer, values) => {
                let range = values[index].as_ref()?;
                Some(&buffer.as_slice()[range.start..range.end])
            }
        }
    }

    /// Put one value among `texts`; about `more` bytes follow it.
    #[inline(always)]
    pub fn place(self, index: usize, more: usize, texts: &mut Texts) -> Bytes {
        match self {
            Self::Copied(values) => texts.copy(values[index].unwrap_or_default(), more),
            Self::Shared(buffer, values) => {
                let range = values[index].clone().unwrap_or_default();
                texts.share(buffer, range.start, range.end)
            }
        }
    }
}

/// The lines of `text` that are not blank; a line ends with LF, and the last one may do without.
#[must_use]
pub fn lines(text: &[u8]) -> Vec<Option<Range<usize>>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text).chain([text.len()]) {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
        if !text[start..end].iter().all(blank) {
            lines.push(Some(start..end));
        }
        start = end + 1;
    }
    lines
}
