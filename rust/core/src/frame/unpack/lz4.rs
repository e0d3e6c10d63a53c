//! LZ4 frames. The framing is read here, so that blocks are decompressed to where they stay: a reader of frames has a
//! buffer of its own. Checksums of frames are not looked at: that of the batch covers the same bytes.
//!
//! Blocks that stand alone, as Kafka's own clients write them, are for the C library, which is quicker where matches are
//! long, as in records that are alike; those that refer to the block before, and what is wrong with one, for `lz4_flex`.

use lz4::block::decompress_to_buffer;
use lz4_flex::block::{DecompressError, decompress_into, decompress_into_with_dict};

use super::Trouble;
use crate::frame::cursor::{Cursor, Flaw};

const MAGIC: u32 = 0x184D_2204;
/// The first of 16 that begin bytes to step over.
const SKIPPABLE: u32 = 0x184D_2A50;
/// How far back a block may point.
const WINDOW: usize = 64 << 10;
/// Set in the size of a block that is stored as it is.
const STORED: u32 = 1 << 31;
/// Bytes that can come out of one byte.
const MOST_RATIO: usize = 255;

/// The beginning of a frame.
struct Frame {
    linked: bool,
    block_checksums: bool,
    content_size: Option<u64>,
    content_checksum: bool,
    block_bytes: usize,
}

impl Frame {
    /// The next frame; `None` at the end.
    fn next(cursor: &mut Cursor<'_>) -> Result<Option<Self>, Trouble> {
        loop {
            if cursor.rest().is_empty() {
                return Ok(None);
            }
            match u32::from_le_bytes(cursor.array()?) {
                MAGIC => return Self::read(cursor).map(Some),
                magic if magic & !0xF == SKIPPABLE => {
                    let length = u32::from_le_bytes(cursor.array()?);
                    cursor.take(length as usize)?;
                }
                _ => return Err(Trouble::Corrupt("it does not begin with a frame")),
            }
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Trouble> {
        let [flags, sizes] = cursor.array()?;
        if flags >> 6 != 1 {
            return Err(Trouble::Corrupt("a frame of an unknown version"));
        }
        if flags & 0x01 != 0 {
            return Err(Trouble::Corrupt("a frame that needs a dictionary"));
        }
        let block_bytes = match sizes >> 4 & 7 {
            size @ 4..=7 => 1 << (8 + 2 * size),
            _ => return Err(Trouble::Corrupt("a frame of an unknown block size")),
        };
        let content_size = match flags & 0x08 {
            0 => None,
            _ => Some(u64::from_le_bytes(cursor.array()?)),
        };
        let _header_checksum = cursor.byte()?;
        Ok(Self {
            linked: flags & 0x20 == 0,
            block_checksums: flags & 0x10 != 0,
            content_size,
            content_checksum: flags & 0x04 != 0,
            block_bytes,
        })
    }

    /// The next block, and whether it is stored as it is; `None` after the last one.
    fn block<'a>(&self, cursor: &mut Cursor<'a>) -> Result<Option<(&'a [u8], bool)>, Flaw> {
        let size = u32::from_le_bytes(cursor.array()?);
        if size == 0 {
            if self.content_checksum {
                cursor.take(4)?;
            }
            return Ok(None);
        }
        let block = cursor.take((size & !STORED) as usize)?;
        if self.block_checksums {
            cursor.take(4)?;
        }
        Ok(Some((block, size & STORED != 0)))
    }
}

/// What the frames say will come out, or the most that can.
pub fn claimed(input: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(input);
    let mut most: u64 = 0;
    while let Some(frame) = Frame::next(&mut cursor).ok()? {
        let mut blocks: u64 = 0;
        while let Some((block, stored)) = frame.block(&mut cursor).ok()? {
            let ratio = if stored { 1 } else { MOST_RATIO };
            blocks += block.len().saturating_mul(ratio).min(frame.block_bytes) as u64;
        }
        most = most.saturating_add(frame.content_size.unwrap_or(blocks));
    }
    Some(most)
}

pub fn decompress(input: &[u8], output: &mut [u8]) -> Result<usize, Trouble> {
    let mut cursor = Cursor::new(input);
    let mut length = 0;
    while let Some(frame) = Frame::next(&mut cursor)? {
        let begin = length;
        while let Some((block, stored)) = frame.block(&mut cursor)? {
            let (done, room) = output.split_at_mut(length);
            let full = room.len() < frame.block_bytes;
            let most = room.len().min(frame.block_bytes);
            let room = &mut room[..most];
            let window = if frame.linked {
                &done[begin.max(length.saturating_sub(WINDOW))..]
            } else {
                &[]
            };
            length += match write(block, stored, window, room) {
                Err(Trouble::Full) if !full => {
                    return Err(Trouble::Corrupt("a block is larger than its frame allows"));
                }
                written => written?,
            };
        }
        if frame
            .content_size
            .is_some_and(|size| size != (length - begin) as u64)
        {
            return Err(Trouble::Corrupt("a frame is not as long as it says"));
        }
    }
    Ok(length)
}

fn write(block: &[u8], stored: bool, window: &[u8], room: &mut [u8]) -> Result<usize, Trouble> {
    if stored {
        let room = room.get_mut(..block.len()).ok_or(Trouble::Full)?;
        room.copy_from_slice(block);
        return Ok(block.len());
    }
    let written = if window.is_empty() {
        let most = i32::try_from(room.len()).ok();
        let decompressed = most.and_then(|most| decompress_to_buffer(block, Some(most), room).ok());
        match decompressed {
            Some(written) => Ok(written),
            None => decompress_into(block, room),
        }
    } else {
        decompress_into_with_dict(block, room, window)
    };
    written.map_err(|error| match error {
        DecompressError::OutputTooSmall { .. } => Trouble::Full,
        _ => Trouble::Corrupt("a block can't be decompressed"),
    })
}
