//! Texts or bytes one behind the other, and where each ends (Arrow columnar format, variable-size binary layout).

#![allow(
    unsafe_code,
    reason = "text that was checked as a block is not checked again for each of its values"
)]

use std::fmt;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, StringArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::builder::{TooMuchText, check_room, room};
use crate::json::{self, Kind, Token};

/// Up to so many bytes are copied at once, needed or not.
const WIDE: usize = 32;

/// How many bytes of room are made beyond what is needed.
const AHEAD: usize = 64 << 10;

/// Values one behind the other.
#[derive(Debug)]
struct Values {
    /// Where the first one begins, and each ends.
    offsets: Vec<i32>,
    /// The values, and room behind them.
    bytes: Vec<u8>,
    /// Where the last one ends that was written.
    end: usize,
}

/// The builder of a column of text.
#[derive(Debug)]
pub struct Strings(Values);

/// The builder of a column of bytes.
#[derive(Debug)]
pub struct Binaries(Values);

impl Values {
    fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self {
            offsets,
            bytes: Vec::new(),
            end: 0,
        }
    }

    /// Append `value`, which is how `rest` begins.
    #[inline(always)]
    fn push(&mut self, value: &[u8], rest: &[u8]) -> Result<(), TooMuchText> {
        check_room(self.end, value.len())?;
        let room = self.bytes.get_mut(self.end..);
        let room = room.and_then(<[u8]>::first_chunk_mut::<WIDE>);
        match (rest.first_chunk(), room) {
            (Some(wide), Some(room)) if value.len() <= WIDE => {
                *room = *wide;
                self.end += value.len();
            }
            _ => self.write(value),
        }
        self.close();
        Ok(())
    }

    /// Write a piece of the next value.
    #[inline(never)]
    fn write(&mut self, piece: &[u8]) {
        let end = self.end + piece.len();
        let needed = end + WIDE;
        if needed > self.bytes.len() {
            self.bytes.reserve(needed - self.bytes.len());
            let room = self.bytes.capacity().min(needed + AHEAD);
            self.bytes.resize(room, 0);
        }
        self.bytes[self.end..end].copy_from_slice(piece);
        self.end = end;
    }

    /// What has been written since the last value is one.
    #[inline(always)]
    fn close(&mut self) {
        // Whoever writes has seen that there is room.
        self.offsets.push(self.end as i32);
    }

    /// Make room for `times` as much as there is.
    fn reserve(&mut self, times: usize) {
        self.offsets.reserve(room(times, self.offsets.len()));
        self.bytes.reserve(room(times, self.end));
    }

    fn push_nothing(&mut self, rows: usize) {
        self.offsets
            .resize(self.offsets.len() + rows, self.end as i32);
    }

    fn finish(mut self) -> (OffsetBuffer<i32>, Buffer) {
        self.bytes.truncate(self.end);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        (offsets, Buffer::from_vec(self.bytes))
    }
}

impl Strings {
    /// None yet, with room for `rows`.
    pub fn new(rows: usize) -> Self {
        Self(Values::new(rows))
    }

    /// Append what the string at `token` of `text` stands for.
    ///
    /// # Errors
    /// If 32-bit offsets can't reach its end.
    #[inline(always)]
    pub fn push(&mut self, token: Token, text: &str) -> Result<(), TooMuchText> {
        if token.kind == (Kind::String { escaped: true }) {
            return self.push_escaped(token.inside(text));
        }
        let rest = text.as_bytes().get(token.start as usize + 1..);
        let inside = token.inside(text).as_bytes();
        self.0.push(inside, rest.unwrap_or_default())
    }

    /// Append what is written at `token` of `text`.
    ///
    /// # Errors
    /// The same.
    pub fn push_written(&mut self, token: Token, text: &str) -> Result<(), TooMuchText> {
        let written = token.of(text).as_bytes();
        self.0.push(written, written)
    }

    #[inline(never)]
    fn push_escaped(&mut self, inside: &str) -> Result<(), TooMuchText> {
        // No escape is shorter than what it stands for.
        check_room(self.0.end, inside.len())?;
        json::unescape(inside, self).map_err(|_| TooMuchText)?;
        self.0.close();
        Ok(())
    }

    /// Append `rows` nulls.
    pub fn push_nothing(&mut self, rows: usize) {
        self.0.push_nothing(rows);
    }

    /// Make room for `times` as much as there is.
    pub fn reserve(&mut self, times: usize) {
        self.0.reserve(times);
    }

    /// The array; `nulls` are those of its rows.
    pub fn finish(self, nulls: Option<NullBuffer>) -> ArrayRef {
        let (offsets, bytes) = self.0.finish();
        // SAFETY: nothing but whole `str`s is written to the bytes, and each offset is where one of them ended.
        Arc::new(unsafe { StringArray::new_unchecked(offsets, bytes, nulls) })
    }
}

/// Pieces of the value that is ended next.
impl fmt::Write for Strings {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.0.write(piece.as_bytes());
        Ok(())
    }
}

impl Binaries {
    /// None yet, with room for `rows`.
    pub fn new(rows: usize) -> Self {
        Self(Values::new(rows))
    }

    /// Append a value.
    ///
    /// # Errors
    /// If 32-bit offsets can't reach its end.
    pub fn push(&mut self, value: &[u8]) -> Result<(), TooMuchText> {
        self.0.push(value, value)
    }

    /// Append `rows` nulls.
    pub fn push_nothing(&mut self, rows: usize) {
        self.0.push_nothing(rows);
    }

    /// The array; `nulls` are those of its rows.
    pub fn finish(self, nulls: Option<NullBuffer>) -> ArrayRef {
        let (offsets, bytes) = self.0.finish();
        Arc::new(BinaryArray::new(offsets, bytes, nulls))
    }
}
