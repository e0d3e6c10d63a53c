//! Kafka's record batches, as a broker sends them, to columns of records.
//!
//! [`scan`] looks at headers only. [`Walker::read`] checks each batch (CRC-32C, offsets, leader epoch), leaves out what is
//! not for readers (markers, aborted transactions, what lies before the offset asked for), decompresses it into a slab
//! and walks its records. Nothing of a record is copied: [`Records`] says where its parts are, in the fetched bytes or in
//! a slab. Batches may say anything; what can't be taken is a [`Fault`] at an offset, and what lies before it is good.

mod checksum;
mod cursor;
mod fault;
mod header;
mod record;
mod records;
mod scan;
mod slab;
mod transactions;
mod unpack;
mod walker;

pub use cursor::Flaw;
pub use fault::{Cause, Fault, Place};
pub use header::Codec;
pub use records::{Counts, Headers, Records, Span};
pub use scan::{Scan, scan};
pub use unpack::Unpackers;
pub use walker::{Fetched, Walk, Walker};

use slab::SLAB_BYTES;

/// What a batch may decompress to: `max_batch_bytes`, and `max_ratio` times its compressed size; a small batch may have
/// any ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one batch.
    pub max_batch_bytes: usize,
    /// Bytes that come out of one byte.
    pub max_ratio: u32,
}

impl Default for Limits {
    /// More than brokers let producers write.
    fn default() -> Self {
        Self {
            max_batch_bytes: 128 << 20,
            max_ratio: 1000,
        }
    }
}

impl Limits {
    /// How many bytes may come out of `compressed` bytes.
    fn of(self, compressed: usize) -> usize {
        // What fits a slab costs no memory that is not there.
        compressed
            .saturating_mul(self.max_ratio as usize)
            .max(SLAB_BYTES)
            .min(self.max_batch_bytes)
            // Spans have 32 bits.
            .min(i32::MAX as usize)
    }
}
