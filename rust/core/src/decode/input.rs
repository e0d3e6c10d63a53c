//! The values of one decode call.

use arrow_buffer::Buffer;

use crate::columns::{Bytes, Texts};
use crate::frame::Span;

/// Values to decode; `None` is a tombstone.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// In somebody else's memory: each is copied once.
    Copied(&'a [Option<&'a [u8]>]),
    /// Lines of a text, ascending: what needs no change is viewed where it is.
    Lines(&'a [Option<&'a [u8]>], &'a Buffer),
    /// Parts of buffers, among bytes of other kinds, ascending in each: viewed where they are.
    Spans(&'a [Span], &'a [Buffer]),
}

impl<'a> Input<'a> {
    /// How many values.
    pub fn len(self) -> usize {
        match self {
            Self::Copied(values) | Self::Lines(values, _) => values.len(),
            Self::Spans(spans, _) => spans.len(),
        }
    }

    /// Whether nothing but text is between two values that follow one another.
    pub fn is_dense(self) -> bool {
        !matches!(self, Self::Spans(..))
    }

    /// One value.
    #[inline(always)]
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        match self {
            Self::Copied(values) | Self::Lines(values, _) => values[index],
            Self::Spans(spans, buffers) => bytes(spans[index], buffers),
        }
    }

    /// Put one value among `texts`; about `more` bytes follow it.
    #[inline(always)]
    pub fn place(self, index: usize, more: usize, texts: &mut Texts) -> Bytes {
        match self {
            Self::Copied(values) => texts.copy(values[index].unwrap_or_default(), more),
            Self::Lines(values, source) => {
                let value = values[index].unwrap_or_default();
                let start = value.as_ptr() as usize - source.as_ptr() as usize;
                texts.share(0, source, start, start + value.len())
            }
            Self::Spans(spans, buffers) => {
                let Span {
                    buffer,
                    start,
                    length,
                } = spans[index];
                let start = start as usize;
                let end = start + length.max(0) as usize;
                texts.share(buffer, &buffers[buffer as usize], start, end)
            }
        }
    }
}

#[inline(always)]
fn bytes(span: Span, buffers: &[Buffer]) -> Option<&[u8]> {
    let length = usize::try_from(span.length).ok()?;
    let start = span.start as usize;
    Some(&buffers[span.buffer as usize][start..start + length])
}
