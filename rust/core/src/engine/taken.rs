//! The records of a batch that are taken up, wherever they lie.

use std::borrow::Cow;

use super::batch::{Envelope, RawBatch, RawRecords, RecordColumns};
use crate::decode::{DecodeError, Decoded, Decoder, Shapes};
use crate::frame::{self, Counts, Fault, Fetched, Headers, Span, Unpackers, Walker};

const NULL: Span = Span {
    buffer: 0,
    start: 0,
    length: -1,
};

/// What is taken of one batch.
pub struct Taken<'a> {
    pub topic: &'a str,
    pub partition: i32,
    records: Records<'a>,
    /// End of what columns cover.
    next_offset: i64,
}

enum Records<'a> {
    Columns(RecordColumns<'a>),
    Frame(frame::Records),
}

impl<'a> Taken<'a> {
    /// As much of `batch` as may be taken. `walker` is its assignment's.
    pub fn new(batch: &RawBatch<'a>, walker: &mut Walker, unpackers: &Unpackers) -> Self {
        let mut taken = Self {
            topic: batch.topic,
            partition: batch.partition,
            next_offset: batch.next_offset,
            records: match batch.records {
                RawRecords::Columns(columns) => Records::Columns(columns),
                RawRecords::Frame(frame) => Records::Frame(walker.read(
                    &Fetched {
                        bytes: frame.data,
                        fetch_offset: batch.fetch_offset,
                        aborted: frame.aborted,
                        read_committed: frame.read_committed,
                        most_records: batch.limit.map(|limit| limit as u64),
                    },
                    unpackers,
                )),
            },
        };
        if let Records::Columns(columns) = &mut taken.records
            && let Some(limit) = batch.limit
            && let Some(&next) = columns.offsets.get(limit)
        {
            columns.values = &columns.values[..limit];
            columns.offsets = &columns.offsets[..limit];
            columns.timestamps = &columns.timestamps[..limit];
            taken.next_offset = next;
        }
        taken
    }

    /// End of it, why there is no more, and what was seen on the way. Memory is used again if nothing views it any more.
    pub fn end(self, unpackers: &Unpackers) -> (i64, Option<Fault>, Counts) {
        match self.records {
            Records::Columns(_) => (self.next_offset, None, Counts::default()),
            Records::Frame(mut frame) => {
                let end = (frame.next_offset, frame.fault.take(), frame.counts);
                unpackers.reuse(frame);
                end
            }
        }
    }

    /// The records' offsets; ascending.
    pub fn offsets(&self) -> &[i64] {
        match &self.records {
            Records::Columns(columns) => columns.offsets,
            Records::Frame(frame) => &frame.offsets,
        }
    }

    /// Milliseconds since the epoch, -1 where absent.
    pub fn timestamps(&self) -> &[i64] {
        match &self.records {
            Records::Columns(columns) => columns.timestamps,
            Records::Frame(frame) => &frame.timestamps,
        }
    }

    /// One value; `None` is a tombstone.
    pub fn value(&self, index: usize) -> Option<&[u8]> {
        match &self.records {
            Records::Columns(columns) => columns.values[index],
            Records::Frame(frame) => frame.bytes(frame.values[index]),
        }
    }

    /// Bytes of all values.
    pub fn value_bytes(&self) -> u64 {
        match &self.records {
            Records::Columns(columns) => {
                let values = columns.values.iter().flatten();
                values.map(|value| value.len() as u64).sum()
            }
            Records::Frame(frame) => {
                let values = frame.values.iter();
                values.map(|span| span.length.max(0) as u64).sum()
            }
        }
    }

    /// The records as columns; those at `without` as if they had no value.
    pub fn decode(
        &self,
        decoder: &Decoder,
        without: &[usize],
        shapes: &mut Shapes,
    ) -> Result<Decoded, DecodeError> {
        match &self.records {
            Records::Columns(columns) => {
                decoder.decode_with(&blanked(columns.values, without, None), shapes)
            }
            Records::Frame(frame) => {
                let values = blanked(&frame.values, without, NULL);
                decoder.decode_spans(&values, &frame.buffers, shapes)
            }
        }
    }

    /// Keys and headers of the records at `indices`, in that order.
    ///
    /// # Errors
    /// A sentence on what is wrong with them.
    pub fn envelopes(&self, indices: &[u32]) -> Result<Vec<Envelope>, String> {
        match &self.records {
            Records::Columns(columns) => columns.envelopes.read(indices),
            Records::Frame(frame) => Ok(indices
                .iter()
                .map(|&index| envelope(frame, index as usize))
                .collect()),
        }
    }
}

fn envelope(frame: &frame::Records, index: usize) -> Envelope {
    let headers = frame.bytes(frame.headers[index]).unwrap_or_default();
    Envelope {
        key: frame.bytes(frame.keys[index]).map(<[u8]>::to_vec),
        headers: Headers::new(headers)
            .map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec)))
            .collect(),
    }
}

fn blanked<'v, T: Copy>(values: &'v [T], without: &[usize], null: T) -> Cow<'v, [T]> {
    let mut values = Cow::Borrowed(values);
    for &index in without {
        values.to_mut()[index] = null;
    }
    values
}
