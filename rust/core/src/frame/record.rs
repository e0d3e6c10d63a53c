//! From the records of one batch to columns.

use super::cursor::{Cursor, Flaw};
use super::fault::Cause;
use super::header::Header;
use super::records::{Records, Span};

/// Bytes that every record has: seven numbers of at least one byte.
const SMALLEST_RECORD: usize = 7;

/// The records of a batch, where they lie.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    pub bytes: &'a [u8],
    /// The buffer they are in, and where they begin in it.
    pub buffer: u32,
    pub start: u32,
}

/// Which records are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Those from here.
    pub from: i64,
    /// At most so many.
    pub most: u64,
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// After the last record.
    Batch,
    /// Before the record at this offset: enough was taken.
    Enough(i64),
}

/// Append the records of a batch to `records`. After an error some may have been appended.
pub fn walk(
    header: &Header,
    body: Body<'_>,
    wanted: Wanted,
    records: &mut Records,
) -> Result<End, Cause> {
    let count = header.count.max(0) as u32;
    // The header may lie: room is made for no more than there can be.
    let room = (count as usize)
        .min(body.bytes.len() / SMALLEST_RECORD)
        .min(usize::try_from(wanted.most).unwrap_or(usize::MAX));
    records.reserve(room);
    let mut cursor = Cursor::new(body.bytes);
    let mut earliest = 0;
    let mut left = wanted.most;
    for record in 0..count {
        let begin = cursor.position();
        let fault = |flaw| Cause::Record {
            record,
            count,
            position: begin,
            flaw,
        };
        let parts = Parts::read(&mut cursor, header, earliest).map_err(fault)?;
        earliest = parts.offset_delta + 1;
        let offset = header.base_offset + i64::from(parts.offset_delta);
        if offset < wanted.from {
            records.counts.earlier_records += 1;
            continue;
        }
        if left == 0 {
            return Ok(End::Enough(offset));
        }
        left -= 1;
        let span = |(start, length): (usize, i32)| Span {
            buffer: body.buffer,
            start: body.start + start as u32,
            length,
        };
        records.values.push(span(parts.value));
        records.keys.push(span(parts.key));
        records.headers.push(span(parts.headers));
        records.offsets.push(offset);
        records.timestamps.push(parts.timestamp);
    }
    match cursor.rest().len() {
        0 => Ok(End::Batch),
        bytes => Err(Cause::TrailingBytes { bytes, count }),
    }
}

/// One record; places count from the beginning of its batch's records.
struct Parts {
    offset_delta: i32,
    timestamp: i64,
    key: (usize, i32),
    value: (usize, i32),
    headers: (usize, i32),
}

impl Parts {
    #[inline(always)]
    fn read(cursor: &mut Cursor<'_>, header: &Header, earliest: i32) -> Result<Self, Flaw> {
        let length = usize::try_from(cursor.varint()?).map_err(|_| Flaw::Negative)?;
        let origin = cursor.position();
        let mut record = Cursor::new(cursor.take(length)?);
        let _attributes = record.byte()?;
        let timestamp_delta = record.varlong()?;
        let offset_delta = record.varint()?;
        if offset_delta < earliest || offset_delta > header.last_offset_delta {
            return Err(Flaw::Offset);
        }
        let timestamp = match header.append_time() {
            Some(time) => time,
            None => header
                .base_timestamp
                .checked_add(timestamp_delta)
                .ok_or(Flaw::Timestamp)?,
        };
        let (key, key_length) = record.nullable()?;
        let (value, value_length) = record.nullable()?;
        let headers = record.position();
        let tail = record.rest();
        if tail != [0] {
            check_headers(tail)?;
        }
        Ok(Self {
            offset_delta,
            timestamp,
            key: (origin + key, key_length),
            value: (origin + value, value_length),
            headers: (origin + headers, tail.len() as i32),
        })
    }
}

/// Headers are read when somebody asks for them. That they can be is known before.
#[cold]
fn check_headers(bytes: &[u8]) -> Result<(), Flaw> {
    let mut cursor = Cursor::new(bytes);
    let count = cursor.varint()?;
    if count < 0 {
        return Err(Flaw::Negative);
    }
    for _ in 0..count {
        let (_, key) = cursor.nullable()?;
        if key < 0 {
            return Err(Flaw::Negative);
        }
        cursor.nullable()?;
    }
    if cursor.rest().is_empty() {
        Ok(())
    } else {
        Err(Flaw::Length)
    }
}
