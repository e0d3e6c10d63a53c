//! What comes out of a fetch: columns that say where each record's parts are.

use std::ops::AddAssign;

use arrow_buffer::Buffer;

use super::cursor::{Cursor, Flaw};
use super::fault::Fault;

/// Bytes in one of the buffers of [`Records`], or null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which buffer.
    pub buffer: u32,
    /// Where in it.
    pub start: u32,
    /// How many bytes; -1 is null.
    pub length: i32,
}

/// The records of one fetch that are to be decoded: one entry per record in each column, offsets ascending.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// What spans point into: first the fetched bytes themselves, then slabs that batches were decompressed into.
    pub buffers: Vec<Buffer>,
    /// Values; null is a tombstone.
    pub values: Vec<Span>,
    /// Keys.
    pub keys: Vec<Span>,
    /// Headers as they came, count first: [`Headers`] reads them.
    pub headers: Vec<Span>,
    /// Offsets.
    pub offsets: Vec<i64>,
    /// Milliseconds since the epoch, the producer's or the broker's, as the topic is set.
    pub timestamps: Vec<i64>,
    /// Where the next fetch goes on. All records before it are here, or counted as not wanted.
    pub next_offset: i64,
    /// Why not all was taken.
    pub fault: Option<Fault>,
    /// What was seen on the way.
    pub counts: Counts,
}

/// What was seen on the way. A batch that can't be taken is in none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Batches, those included that are counted again below.
    pub batches: u64,
    /// Batches of transaction markers and the like.
    pub control_batches: u64,
    /// Records of aborted transactions.
    pub aborted_records: u64,
    /// Records before the offset that was asked for.
    pub earlier_records: u64,
    /// Bytes of the batches as they came.
    pub wire_bytes: u64,
    /// Bytes that came out of compressed batches.
    pub decompressed_bytes: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.batches += other.batches;
        self.control_batches += other.control_batches;
        self.aborted_records += other.aborted_records;
        self.earlier_records += other.earlier_records;
        self.wire_bytes += other.wire_bytes;
        self.decompressed_bytes += other.decompressed_bytes;
    }
}

impl Records {
    /// How many records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The bytes at `span`; `None` is null.
    #[inline]
    #[must_use]
    pub fn bytes(&self, span: Span) -> Option<&[u8]> {
        let length = usize::try_from(span.length).ok()?;
        let start = span.start as usize;
        self.buffers
            .get(span.buffer as usize)?
            .get(start..start + length)
    }

    pub(super) fn reserve(&mut self, records: usize) {
        self.values.reserve(records);
        self.keys.reserve(records);
        self.headers.reserve(records);
        self.offsets.reserve(records);
        self.timestamps.reserve(records);
    }

    pub(super) fn truncate(&mut self, records: usize) {
        self.values.truncate(records);
        self.keys.truncate(records);
        self.headers.truncate(records);
        self.offsets.truncate(records);
        self.timestamps.truncate(records);
    }
}

/// Reads the headers of one record: pairs of key and value, which may be null. Keys need not be UTF-8.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    cursor: Cursor<'a>,
    left: i32,
}

impl<'a> Headers<'a> {
    /// Of the bytes that a span of [`Records::headers`] points to.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut cursor = Cursor::new(bytes);
        let left = cursor.varint().unwrap_or(0);
        Self { cursor, left }
    }

    fn pair(&mut self) -> Result<(&'a [u8], Option<&'a [u8]>), Flaw> {
        let length = usize::try_from(self.cursor.varint()?).map_err(|_| Flaw::Negative)?;
        let key = self.cursor.take(length)?;
        let length = self.cursor.varint()?;
        let value = match usize::try_from(length) {
            Ok(length) => Some(self.cursor.take(length)?),
            Err(_) => None,
        };
        Ok((key, value))
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0 {
            return None;
        }
        self.left -= 1;
        // The walker has read them once, so they can be read.
        self.pair().ok()
    }
}
