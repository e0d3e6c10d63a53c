//! Snappy: one raw block (librdkafka), or blocks in the framing of xerial's library (Java, aiokafka).

use snap::raw::{Decoder, decompress_len};

use super::Trouble;
use crate::frame::cursor::Cursor;

const XERIAL: &[u8; 8] = b"\x82SNAPPY\0";
/// Three bytes make 64 at most.
const MOST_RATIO: usize = 22;

/// The blocks of a batch.
struct Blocks<'a> {
    cursor: Cursor<'a>,
    framed: bool,
}

impl<'a> Blocks<'a> {
    fn new(input: &'a [u8]) -> Result<Self, Trouble> {
        let mut cursor = Cursor::new(input);
        let framed = input.starts_with(XERIAL);
        if framed {
            // Two versions follow, of which nothing depends.
            cursor.take(XERIAL.len() + 8)?;
        }
        Ok(Self { cursor, framed })
    }

    /// The next block and the size it claims; `None` after the last one.
    fn next(&mut self) -> Result<Option<(&'a [u8], usize)>, Trouble> {
        let rest = self.cursor.rest().len();
        if rest == 0 {
            return Ok(None);
        }
        let length = if self.framed {
            u32::from_be_bytes(self.cursor.array()?) as usize
        } else {
            rest
        };
        let block = self.cursor.take(length)?;
        match decompress_len(block) {
            Ok(size) if size <= block.len().saturating_mul(MOST_RATIO) => Ok(Some((block, size))),
            _ => Err(Trouble::Corrupt("a block does not tell its size")),
        }
    }
}

/// What the blocks say will come out.
pub fn claimed(input: &[u8]) -> Option<u64> {
    let mut blocks = Blocks::new(input).ok()?;
    let mut all: u64 = 0;
    while let Some((_, size)) = blocks.next().ok()? {
        all = all.saturating_add(size as u64);
    }
    Some(all)
}

pub fn decompress(input: &[u8], output: &mut [u8]) -> Result<usize, Trouble> {
    let mut blocks = Blocks::new(input)?;
    let mut length = 0;
    while let Some((block, size)) = blocks.next()? {
        let room = output.get_mut(length..length + size).ok_or(Trouble::Full)?;
        length += Decoder::new()
            .decompress(block, room)
            .map_err(|_| Trouble::Corrupt("a block can't be decompressed"))?;
    }
    Ok(length)
}
