//! What goes into `ingest`, and what comes out.

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_schema::ArrowError;
use arrow_select::concat::concat_batches;

use super::table::AssignmentId;
use crate::decode::RejectionCode;
use crate::error::EngineError;
use crate::frame::{Counts, Fault};
use crate::report::Report;

/// What one poll brought for one partition. Nothing is copied.
#[derive(Clone, Copy)]
pub struct RawBatch<'a> {
    /// Topic name.
    pub topic: &'a str,
    /// Partition number.
    pub partition: i32,
    /// The partition's epoch.
    pub epoch: i64,
    /// The first offset that is wanted.
    pub fetch_offset: i64,
    /// End of the offsets it covers.
    pub next_offset: i64,
    /// No more than so many of its records are taken.
    pub limit: Option<usize>,
    /// Its records.
    pub records: RawRecords<'a>,
}

/// Records that nothing is known of yet.
#[derive(Clone, Copy)]
pub enum RawRecords<'a> {
    /// Taken apart already.
    Columns(RecordColumns<'a>),
    /// As they came.
    Frame(RawFrame<'a>),
    /// The lines of a text, numbered from `fetch_offset` on.
    Lines(RawLines<'a>),
}

/// Columns of equal lengths, offsets ascending.
#[derive(Clone, Copy)]
pub struct RecordColumns<'a> {
    /// Record values; `None` is a tombstone.
    pub values: &'a [Option<&'a [u8]>],
    /// Record offsets.
    pub offsets: &'a [i64],
    /// Milliseconds since the epoch, -1 where absent.
    pub timestamps: &'a [i64],
    /// Keys and headers, read only for records that are rejected.
    pub envelopes: &'a dyn Envelopes,
}

/// Record batches as a broker sent them.
#[derive(Clone, Copy)]
pub struct RawFrame<'a> {
    /// Whole batches.
    pub data: &'a Buffer,
    /// The aborted transactions in them: producer id and first offset, by offset.
    pub aborted: &'a [(i64, i64)],
    /// Leave out what belongs to them.
    pub read_committed: bool,
}

/// Newline-delimited JSON: lines that are not blank are records, without keys, headers or times.
#[derive(Clone, Copy)]
pub struct RawLines<'a> {
    /// Whole lines.
    pub data: &'a Buffer,
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
    /// End of what was taken of the batch: lower than its own under a limit, at a fault, and after a batch of the same
    /// assignment of which not all was taken.
    pub next_offset: i64,
    /// Why no more was taken of a frame. What comes before it is good.
    pub fault: Option<Fault>,
    /// What was in a frame.
    pub counts: Counts,
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

impl RecordColumns<'_> {
    /// The first `limit` records, and the offset of the next one, if there are more.
    pub(super) fn limited(self, limit: Option<usize>) -> (Self, Option<i64>) {
        let next = limit.and_then(|limit| self.offsets.get(limit).copied());
        let records = match (limit, next) {
            (Some(limit), Some(_)) => limit,
            _ => self.offsets.len(),
        };
        let taken = Self {
            values: &self.values[..records],
            offsets: &self.offsets[..records],
            timestamps: &self.timestamps[..records],
            ..self
        };
        (taken, next)
    }
}

impl Outcome {
    /// More rows, in the order of the records.
    pub(super) fn add_rows(&mut self, more: RecordBatch) -> Result<(), ArrowError> {
        self.rows = Some(match self.rows.take() {
            Some(rows) => concat_batches(&more.schema(), [&rows, &more])?,
            None => more,
        });
        Ok(())
    }

    /// Of a batch that follows one of which not all was taken.
    pub(super) fn of_none(batch: &RawBatch<'_>) -> Self {
        Self {
            next_offset: batch.fetch_offset,
            ..Self::default()
        }
    }
}

impl RawBatch<'_> {
    pub(super) fn assignment(&self) -> AssignmentId {
        AssignmentId {
            topic: self.topic.into(),
            partition: self.partition,
            epoch: self.epoch,
        }
    }

    pub(super) fn check(&self) -> Result<(), EngineError> {
        let RawRecords::Columns(columns) = self.records else {
            return Ok(());
        };
        for (column, other) in [
            ("offsets", columns.offsets.len()),
            ("timestamps", columns.timestamps.len()),
        ] {
            if other != columns.values.len() {
                let (assignment, values) = (self.assignment(), columns.values.len());
                return Err(EngineError::UnequalColumns {
                    assignment,
                    values,
                    column,
                    other,
                });
            }
        }
        if !columns.offsets.is_sorted_by(|a, b| a < b) {
            return Err(EngineError::UnorderedOffsets(self.assignment()));
        }
        Ok(())
    }
}
