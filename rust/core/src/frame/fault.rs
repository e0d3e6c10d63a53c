//! What is wrong with a batch that can't be taken.

use thiserror::Error;

use super::cursor::Flaw;
use super::header::Codec;

/// The first batch of a fetch that can't be taken. What lies before it is good.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("batch at offset {batch}, byte {position} of the fetched records: {cause}")]
pub struct Fault {
    /// The first offset that was not taken: where to fetch again.
    pub offset: i64,
    /// The batch's base offset, as it says.
    pub batch: i64,
    /// Where it begins in the fetched bytes.
    pub position: usize,
    /// What is wrong.
    pub cause: Cause,
}

/// What is wrong. Texts name no contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Cause {
    /// Written for brokers before 0.11: the record path reads it.
    #[error("message format {0}, older than record batches; it has to be read record by record")]
    OldMagic(i8),
    /// Not a format that there is.
    #[error("message format {0} is unknown")]
    UnknownMagic(i8),
    /// Shorter than a batch can be.
    #[error("its length, {0}, is less than that of its header")]
    Length(i32),
    /// Bytes changed on their way, or on a disk.
    #[error("its checksum is {stored:#010x}, that of its bytes {computed:#010x}: it is corrupt")]
    Checksum {
        /// What the batch says.
        stored: u32,
        /// What its bytes say.
        computed: u32,
    },
    /// A number that can't be.
    #[error("its header is wrong: {0}")]
    Header(&'static str),
    /// The batch does not follow what was read before it.
    #[error("it should begin {should}")]
    Misplaced {
        /// Where.
        should: Place,
    },
    /// The partition's log was cut and written anew behind our back.
    #[error("its leader epoch is {epoch}, after {before}: the partition's log was truncated")]
    LeaderEpochFell {
        /// The batch's.
        epoch: i32,
        /// The one before.
        before: i32,
    },
    /// Not a codec that there is.
    #[error("compression codec {0} is unknown")]
    UnknownCodec(u8),
    /// Not what its codec writes.
    #[error("its {codec} data is corrupt: {reason}")]
    Compression {
        /// The codec.
        codec: Codec,
        /// What the decompressor said.
        reason: &'static str,
    },
    /// More than is allowed comes out of it.
    #[error("its {codec} data is larger than {limit} bytes when decompressed")]
    TooLarge {
        /// The codec.
        codec: Codec,
        /// What would have been allowed.
        limit: usize,
    },
    /// A record that is not one.
    #[error("record {record} of {count}, byte {position} of the records: {flaw}")]
    Record {
        /// Its number in the batch, from 0.
        record: u32,
        /// How many there should be.
        count: u32,
        /// Where in the (decompressed) records it was noticed.
        position: usize,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// Bytes after the last record.
    #[error("{bytes} bytes follow its {count} records")]
    TrailingBytes {
        /// How many.
        bytes: usize,
        /// How many records there should be.
        count: u32,
    },
    /// A control batch that says nothing.
    #[error("its control record can't be read")]
    Marker,
}

/// Where a batch should begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Place {
    /// Offsets ascend.
    #[error("at offset {0} or later")]
    After(i64),
    /// The batches before it lie before what was asked for, so this one has to have it.
    #[error("at offset {0} or earlier")]
    UpTo(i64),
}

impl Cause {
    /// Its name in metrics and alarms: stable.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OldMagic(_) => "old_magic",
            Self::UnknownMagic(_) => "unknown_magic",
            Self::Length(_) => "invalid_length",
            Self::Checksum { .. } => "checksum_mismatch",
            Self::Header(_) => "invalid_header",
            Self::Misplaced { .. } => "misplaced_batch",
            Self::LeaderEpochFell { .. } => "leader_epoch_fell",
            Self::UnknownCodec(_) => "unknown_codec",
            Self::Compression { .. } => "invalid_compression",
            Self::TooLarge { .. } => "decompressed_too_large",
            Self::Record { .. } => "invalid_record",
            Self::TrailingBytes { .. } => "trailing_bytes",
            Self::Marker => "invalid_marker",
        }
    }
}
