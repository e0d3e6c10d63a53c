//! The 61 bytes before the records of a batch, and the attributes in them.

use std::fmt;

use super::fault::Cause;

/// Bytes of a batch before its records.
pub const HEADER_BYTES: usize = 61;
/// Bytes of a batch that its length does not count: base offset and length.
pub const PREFIX_BYTES: usize = 12;
/// Where the bytes begin that the checksum covers: those before are the broker's to change.
pub const CHECKED_FROM: usize = 21;
const MAGIC_AT: usize = 16;

const CODEC: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;

/// How records are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    None,
    /// One gzip file.
    Gzip,
    /// One raw block, or blocks in the framing of xerial's library.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        })
    }
}

/// What a batch says of itself. Other bits of its attributes mean nothing to a reader: bit 6, the delete horizon, only
/// moves the base timestamp.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub base_offset: i64,
    pub leader_epoch: i32,
    pub checksum: u32,
    attributes: i16,
    pub last_offset_delta: i32,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub count: i32,
}

/// How much of a batch is there.
pub enum Extent {
    /// All of its bytes, this many.
    Whole(usize),
    /// A part: brokers cut the last one.
    Cut,
}

/// How long the batch at the beginning of `bytes` is.
pub fn extent(bytes: &[u8]) -> Result<Extent, Cause> {
    let Some(length) = bytes.get(8..).and_then(|rest| rest.first_chunk()) else {
        return Ok(Extent::Cut);
    };
    let Some(&magic) = bytes.get(MAGIC_AT) else {
        return Ok(Extent::Cut);
    };
    match magic as i8 {
        2 => (),
        magic @ (0 | 1) => return Err(Cause::OldMagic(magic)),
        magic => return Err(Cause::UnknownMagic(magic)),
    }
    let length = i32::from_be_bytes(*length);
    match usize::try_from(length) {
        Ok(length) if length >= HEADER_BYTES - PREFIX_BYTES => {
            let whole = PREFIX_BYTES + length;
            Ok(if whole <= bytes.len() {
                Extent::Whole(whole)
            } else {
                Extent::Cut
            })
        }
        _ => Err(Cause::Length(length)),
    }
}

impl Header {
    /// Of a whole batch of format 2. `None` if it is shorter than a header.
    pub fn read(batch: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER_BYTES] = batch.first_chunk()?;
        Some(Self {
            base_offset: i64::from_be_bytes(field(header, 0)),
            leader_epoch: i32::from_be_bytes(field(header, 12)),
            checksum: u32::from_be_bytes(field(header, 17)),
            attributes: i16::from_be_bytes(field(header, 21)),
            last_offset_delta: i32::from_be_bytes(field(header, 23)),
            base_timestamp: i64::from_be_bytes(field(header, 27)),
            max_timestamp: i64::from_be_bytes(field(header, 35)),
            producer_id: i64::from_be_bytes(field(header, 43)),
            count: i32::from_be_bytes(field(header, 57)),
        })
    }

    /// The last offset the batch covers; records may be missing there.
    pub fn last_offset(&self) -> Option<i64> {
        self.base_offset
            .checked_add(i64::from(self.last_offset_delta))
    }

    pub fn codec(&self) -> Result<Codec, Cause> {
        Ok(match self.attributes & CODEC {
            0 => Codec::None,
            1 => Codec::Gzip,
            2 => Codec::Snappy,
            3 => Codec::Lz4,
            4 => Codec::Zstd,
            other => return Err(Cause::UnknownCodec(other as u8)),
        })
    }

    /// The time of every record, if the broker set it.
    pub fn append_time(&self) -> Option<i64> {
        (self.attributes & LOG_APPEND_TIME != 0).then_some(self.max_timestamp)
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }
}

fn field<const N: usize>(header: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&header[at..at + N]);
    bytes
}
