//! What goes into `ingest`, and what comes out.

use arrow_array::RecordBatch;

use super::table::AssignmentId;
use crate::decode::RejectionCode;
use crate::error::EngineError;
use crate::report::Report;

/// What one poll brought for one partition: columns of equal lengths, offsets ascending. Nothing is copied.
#[derive(Clone, Copy)]
pub struct RawBatch<'a> {
    /// Topic name.
    pub topic: &'a str,
    /// Partition number.
    pub partition: i32,
    /// The partition's epoch.
    pub epoch: i64,
    /// End of the offsets it covers.
    pub next_offset: i64,
    /// No more than so many of its records are taken.
    pub limit: Option<usize>,
    /// Record values; `None` is a tombstone.
    pub values: &'a [Option<&'a [u8]>],
    /// Record offsets.
    pub offsets: &'a [i64],
    /// Milliseconds since the epoch, -1 where absent.
    pub timestamps: &'a [i64],
    /// Keys and headers, read only for records that are rejected.
    pub envelopes: &'a dyn Envelopes,
}

/// The keys and headers of a batch's records, which most records never need.
pub trait Envelopes: Sync {
    /// The envelopes of the records at `indices`, in that order.
    ///
    /// # Errors
    /// A sentence on what is wrong with them.
    fn read(&self, indices: &[u32]) -> Result<Vec<Envelope>, String>;
}

/// A record's key and headers. Header keys are bytes: Kafka does not say that they are text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// What became of one batch.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Counts.
    pub report: Report,
    /// End of what was taken of the batch.
    pub next_offset: i64,
    /// Records that the decoder rejected, in offset order. Those of `verdicts` are counted only.
    pub rejections: Vec<OffsetRejection>,
    /// The rows as files would hold them, where the engine hands them back.
    pub rows: Option<RecordBatch>,
}

/// One record that is not a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetRejection {
    /// Which of the batch's records it is.
    pub index: u32,
    /// The record's offset.
    pub offset: i64,
    /// Why.
    pub code: RejectionCode,
    /// Where in the value, in bytes.
    pub byte_position: u64,
    /// A short text for people.
    pub message: String,
}

impl RawBatch<'_> {
    /// What is taken of it.
    pub(super) fn taken(mut self) -> Self {
        if let Some(limit) = self.limit
            && let Some(&next) = self.offsets.get(limit)
        {
            self.values = &self.values[..limit];
            self.offsets = &self.offsets[..limit];
            self.timestamps = &self.timestamps[..limit];
            self.next_offset = next;
        }
        self
    }

    pub(super) fn assignment(&self) -> AssignmentId {
        AssignmentId {
            topic: self.topic.into(),
            partition: self.partition,
            epoch: self.epoch,
        }
    }

    pub(super) fn check(&self) -> Result<(), EngineError> {
        for (column, other) in [
            ("offsets", self.offsets.len()),
            ("timestamps", self.timestamps.len()),
        ] {
            if other != self.values.len() {
                let (assignment, values) = (self.assignment(), self.values.len());
                return Err(EngineError::UnequalColumns {
                    assignment,
                    values,
                    column,
                    other,
                });
            }
        }
        if !self.offsets.is_sorted_by(|a, b| a < b) {
            return Err(EngineError::UnorderedOffsets(self.assignment()));
        }
        Ok(())
    }
}
