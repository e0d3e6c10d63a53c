//! The records of a batch that are taken up, wherever they lie.

use std::borrow::Cow;

use super::batch::{Envelope, RawBatch, RecordColumns};
use crate::decode::{DecodeError, Decoded, Decoder, Shapes};
use crate::frame::{self, Headers, Span};

const NULL: Span = Span {
    buffer: 0,
    start: 0,
    length: -1,
};

/// Records of one batch that are taken at once.
pub struct Taken<'a> {
    pub topic: &'a str,
    pub partition: i32,
    records: Records<'a>,
}

enum Records<'a> {
    Columns(RecordColumns<'a>),
    Frame(&'a frame::Records),
}

impl<'a> Taken<'a> {
    pub fn columns(batch: &RawBatch<'a>, columns: RecordColumns<'a>) -> Self {
        Self {
            topic: batch.topic,
            partition: batch.partition,
            records: Records::Columns(columns),
        }
    }

    pub fn frame(batch: &RawBatch<'a>, records: &'a frame::Records) -> Self {
        Self {
            topic: batch.topic,
            partition: batch.partition,
            records: Records::Frame(records),
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
