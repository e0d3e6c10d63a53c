//! The values of one decode call.

use arrow_buffer::Buffer;

use crate::columns::{Bytes, Texts};

/// Values to decode; `None` is a tombstone.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    values: &'a [Option<&'a [u8]>],
    /// Where they are, ascending, if text may be viewed there.
    source: Option<&'a Buffer>,
}

impl<'a> Input<'a> {
    /// Values in somebody else's memory: each is copied once.
    pub fn copied(values: &'a [Option<&'a [u8]>]) -> Self {
        Self {
            values,
            source: None,
        }
    }

    /// Parts of `source`, ascending: text without escapes is viewed where it is.
    pub fn shared(values: &'a [Option<&'a [u8]>], source: &'a Buffer) -> Self {
        Self {
            values,
            source: Some(source),
        }
    }

    /// How many values.
    pub fn len(self) -> usize {
        self.values.len()
    }

    /// One value.
    #[inline(always)]
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        self.values[index]
    }

    /// Put one value among `texts`; about `more` bytes follow it.
    #[inline(always)]
    pub fn place(self, index: usize, more: usize, texts: &mut Texts) -> Bytes {
        let value = self.values[index].unwrap_or_default();
        match self.source {
            Some(source) => {
                let start = value.as_ptr() as usize - source.as_ptr() as usize;
                texts.share(source, start, start + value.len())
            }
            None => texts.copy(value, more),
        }
    }
}
