//! Decompression into slabs, within limits. What a batch says of its size is a guess and nothing more.

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow_buffer::Buffer;

use self::gzip::Gzip;
use self::zstd::Zstd;
use super::Limits;
use super::cursor::Flaw;
use super::fault::Cause;
use super::header::Codec;
use super::records::Records;
use super::slab::{PADDING, SLAB_BYTES, Slab};

/// Bytes expected from one compressed byte if nothing is said, and believed if more is said.
const USUAL_RATIO: usize = 8;
const BELIEVED_RATIO: usize = 64;

/// Decompressors and slabs for all partitions, used again and again. Shared by threads.
pub struct Unpackers {
    limits: Limits,
    idle: Mutex<Vec<Unpacker>>,
    slabs: Mutex<Vec<Vec<u8>>>,
    most_slabs: usize,
}

impl Unpackers {
    /// Keeps at most `kept_bytes` of slabs that are not in use.
    #[must_use]
    pub fn new(limits: Limits, kept_bytes: usize) -> Self {
        Self {
            limits,
            idle: Mutex::default(),
            slabs: Mutex::default(),
            most_slabs: kept_bytes / (SLAB_BYTES + PADDING),
        }
    }

    /// Take back the slabs of `records`, unless something still points into them.
    pub fn reuse(&self, records: Records) {
        for buffer in records.buffers {
            // The fetched bytes are somebody else's memory, and stay so.
            if let Ok(memory) = buffer.into_vec::<u8>()
                && memory.len() == SLAB_BYTES + PADDING
            {
                let mut slabs = held(&self.slabs);
                if slabs.len() < self.most_slabs {
                    slabs.push(memory);
                }
            }
        }
    }

    /// Bytes of slabs that are not in use.
    pub fn kept_bytes(&self) -> usize {
        held(&self.slabs).len() * (SLAB_BYTES + PADDING)
    }

    /// Start on a fetch.
    pub(super) fn begin(&self) -> Unpacking<'_> {
        Unpacking {
            unpackers: self,
            unpacker: None,
            slab: None,
        }
    }

    fn slab(&self, bytes: usize) -> Slab {
        let kept = (bytes <= SLAB_BYTES)
            .then(|| held(&self.slabs).pop())
            .flatten();
        Slab::new(kept.unwrap_or_else(|| vec![0; bytes.max(SLAB_BYTES) + PADDING]))
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half-done under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a batch did not come out.
pub enum Trouble {
    /// There is more than the output has room for.
    Full,
    /// The data is not what the codec writes.
    Corrupt(&'static str),
}

impl From<Flaw> for Trouble {
    fn from(_: Flaw) -> Self {
        Self::Corrupt("it ends early")
    }
}

/// The decompressors that keep something from batch to batch.
#[derive(Default)]
struct Unpacker {
    gzip: Gzip,
    zstd: Zstd,
}

impl Unpacker {
    fn decompress(
        &mut self,
        codec: Codec,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, Trouble> {
        match codec {
            Codec::None => Ok(0),
            Codec::Gzip => self.gzip.decompress(input, output),
            Codec::Snappy => snappy::decompress(input, output),
            Codec::Lz4 => lz4::decompress(input, output),
            Codec::Zstd => self.zstd.decompress(input, output),
        }
    }
}

/// The size that compressed data claims to have.
fn claimed(codec: Codec, input: &[u8]) -> Option<u64> {
    match codec {
        Codec::None => None,
        Codec::Gzip => gzip::claimed(input),
        Codec::Snappy => snappy::claimed(input),
        Codec::Lz4 => lz4::claimed(input),
        Codec::Zstd => zstd::claimed(input),
    }
}

/// Decompression of the batches of one fetch.
pub struct Unpacking<'a> {
    unpackers: &'a Unpackers,
    unpacker: Option<Unpacker>,
    slab: Option<Slab>,
}

/// Where a decompressed batch is: in the slab that is open, which will be the next of the buffers.
#[derive(Clone, Copy, Debug)]
pub struct Unpacked {
    pub start: usize,
    pub length: usize,
}

impl Unpacking<'_> {
    /// Decompress one batch. A slab that is full goes to `buffers`.
    pub fn unpack(
        &mut self,
        codec: Codec,
        input: &[u8],
        buffers: &mut Vec<Buffer>,
    ) -> Result<Unpacked, Cause> {
        let limit = self.unpackers.limits.of(input.len());
        let usual = input.len().saturating_mul(USUAL_RATIO);
        let claim = claimed(codec, input).map_or(usual, |claim| {
            usize::try_from(claim)
                .unwrap_or(usize::MAX)
                .min(input.len().saturating_mul(BELIEVED_RATIO))
        });
        let mut wanted = claim.min(limit);
        let idle = || held(&self.unpackers.idle).pop().unwrap_or_default();
        let unpacker = self.unpacker.get_or_insert_with(idle);
        loop {
            if let Some(full) = self.slab.take_if(|slab| slab.room(wanted).len() < wanted) {
                buffers.push(full.close());
            }
            let fresh = || self.unpackers.slab(wanted);
            let slab = self.slab.get_or_insert_with(fresh);
            let room = slab.room(limit);
            let length = room.len();
            match unpacker.decompress(codec, input, room) {
                Ok(length) => {
                    let start = slab.fill(length);
                    return Ok(Unpacked { start, length });
                }
                Err(Trouble::Full) if length >= limit => {
                    return Err(Cause::TooLarge { codec, limit });
                }
                Err(Trouble::Full) => wanted = length.saturating_mul(2).max(SLAB_BYTES).min(limit),
                Err(Trouble::Corrupt(reason)) => {
                    return Err(Cause::Compression { codec, reason });
                }
            }
        }
    }

    /// The bytes of the batch that was decompressed last.
    pub fn bytes(&self, unpacked: Unpacked) -> &[u8] {
        self.slab
            .as_ref()
            .map_or(&[], |slab| slab.bytes(unpacked.start, unpacked.length))
    }

    /// No more will be decompressed.
    pub fn end(self, buffers: &mut Vec<Buffer>) {
        buffers.extend(self.slab.map(Slab::close));
        if let Some(unpacker) = self.unpacker {
            held(&self.unpackers.idle).push(unpacker);
        }
    }
}
