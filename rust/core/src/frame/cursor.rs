//! Reading forward in bytes that may say anything: nothing is read past their end.

use thiserror::Error;

/// Why something can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Flaw {
    /// The bytes end first.
    #[error("it goes on past the end")]
    Cut,
    /// More bits than the number has.
    #[error("a number has too many bits")]
    Overflow,
    /// A length that can't be.
    #[error("a length or count is negative")]
    Negative,
    /// Its parts are shorter than it says it is.
    #[error("its length is not that of its parts")]
    Length,
    /// Offsets ascend, up to the last one that the batch's header tells.
    #[error("its offset is not between those beside it")]
    Offset,
    /// A time beyond all times.
    #[error("its timestamp is out of range")]
    Timestamp,
}

/// A place in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// How far it has come.
    #[inline(always)]
    pub fn position(&self) -> usize {
        self.position
    }

    /// What is left.
    #[inline(always)]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    #[inline(always)]
    pub fn byte(&mut self) -> Result<u8, Flaw> {
        let byte = *self.bytes.get(self.position).ok_or(Flaw::Cut)?;
        self.position += 1;
        Ok(byte)
    }

    /// The next `length` bytes.
    #[inline(always)]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Flaw> {
        let end = self.position.checked_add(length).ok_or(Flaw::Cut)?;
        let bytes = self.bytes.get(self.position..end).ok_or(Flaw::Cut)?;
        self.position = end;
        Ok(bytes)
    }

    /// The next `N` bytes, for a number of fixed width.
    #[inline(always)]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (bytes, _) = self.rest().split_first_chunk().ok_or(Flaw::Cut)?;
        self.position += N;
        Ok(*bytes)
    }

    /// A zigzag number of 32 bits in 1 to 5 bytes.
    #[inline(always)]
    pub fn varint(&mut self) -> Result<i32, Flaw> {
        let value = self.unsigned(32)? as u32;
        Ok((value >> 1) as i32 ^ -((value & 1) as i32))
    }

    /// A zigzag number of 64 bits in 1 to 10 bytes.
    #[inline(always)]
    pub fn varlong(&mut self) -> Result<i64, Flaw> {
        let value = self.unsigned(64)?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Step over bytes that are preceded by their length; its length is -1 for null. Gives where they begin.
    #[inline(always)]
    pub fn nullable(&mut self) -> Result<(usize, i32), Flaw> {
        let length = self.varint()?;
        let start = self.position;
        match length {
            -1 => Ok((start, -1)),
            ..-1 => Err(Flaw::Negative),
            _ => {
                self.take(length as usize)?;
                Ok((start, length))
            }
        }
    }

    #[inline(always)]
    fn unsigned(&mut self, bits: u32) -> Result<u64, Flaw> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let second = self.byte()?;
        let low = u64::from(first & 0x7F) | u64::from(second & 0x7F) << 7;
        if second < 0x80 {
            return Ok(low);
        }
        self.longer(low, bits)
    }

    /// The third byte and those after it.
    fn longer(&mut self, mut value: u64, bits: u32) -> Result<u64, Flaw> {
        let mut shift = 14;
        loop {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7F);
            let room = bits.saturating_sub(shift);
            if room < 7 && part >> room != 0 {
                return Err(Flaw::Overflow);
            }
            // With no room left only zeros follow, and not for ever.
            if room == 0 {
                return Err(Flaw::Overflow);
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
    }
}
