//! Gzip files. Their CRC-32 is not looked at: the checksum of the batch covers the same bytes.

use flate2::{Decompress, FlushDecompress, Status};

use super::Trouble;
use crate::frame::cursor::Cursor;

const MAGIC: [u8; 3] = [0x1F, 0x8B, 0x08];
const HEADER_CHECKSUM: u8 = 0x02;
const EXTRA: u8 = 0x04;
const NAME: u8 = 0x08;
const COMMENT: u8 = 0x10;

/// A state for one batch after the other.
#[derive(Default)]
pub struct Gzip(Option<Decompress>);

/// What the file says came in, modulo 2^32: right if there is one member, as there always is.
pub fn claimed(input: &[u8]) -> Option<u64> {
    let size = input.last_chunk()?;
    Some(u64::from(u32::from_le_bytes(*size)))
}

impl Gzip {
    pub fn decompress(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize, Trouble> {
        let inflate = self.0.get_or_insert_with(|| Decompress::new(false));
        let mut cursor = Cursor::new(input);
        let mut length = 0;
        loop {
            skip_header(&mut cursor)?;
            inflate.reset(false);
            let room = output.get_mut(length..).unwrap_or_default();
            let room_bytes = room.len();
            let status = inflate
                .decompress(cursor.rest(), room, FlushDecompress::Finish)
                .map_err(|_| Trouble::Corrupt("it can't be decompressed"))?;
            let written = inflate.total_out() as usize;
            if status != Status::StreamEnd {
                return Err(if written == room_bytes {
                    Trouble::Full
                } else {
                    Trouble::Corrupt("it ends early")
                });
            }
            cursor.take(inflate.total_in() as usize)?;
            let _checksum: [u8; 4] = cursor.array()?;
            if u32::from_le_bytes(cursor.array()?) != written as u32 {
                return Err(Trouble::Corrupt("it is not as long as it says"));
            }
            length += written;
            if cursor.rest().is_empty() {
                return Ok(length);
            }
        }
    }
}

fn skip_header(cursor: &mut Cursor<'_>) -> Result<(), Trouble> {
    let magic: [u8; 3] = cursor.array()?;
    if magic != MAGIC {
        return Err(Trouble::Corrupt("it does not begin as gzip does"));
    }
    let flags = cursor.byte()?;
    let _time_and_system: [u8; 6] = cursor.array()?;
    if flags & EXTRA != 0 {
        let length = u16::from_le_bytes(cursor.array()?);
        cursor.take(length.into())?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            while cursor.byte()? != 0 {}
        }
    }
    if flags & HEADER_CHECKSUM != 0 {
        cursor.take(2)?;
    }
    Ok(())
}
