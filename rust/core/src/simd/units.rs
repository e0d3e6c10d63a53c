//! The `\uXXXX` of a block, from digits to UTF-8.

use super::{BLOCK, Block};

/// A block whose `\uXXXX` are in UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The block; each character is written over its last digits.
    pub block: Block,
    /// Which bytes of it remain.
    pub keep: u64,
    /// How many of its bytes that was; the next one is the `u` of an escape that goes over the block's edge.
    pub taken: usize,
}

/// What remains of escapes that are all in a block, the `u` of each at a bit of `whole`: the last of the bytes that its
/// digits are written over, and those before it that are not among `dropped`.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
pub fn kept(keep: u64, whole: u64, dropped: u64) -> u64 {
    let escapes = whole | whole << 1 | whole << 2 | whole << 3 | whole << 4;
    let characters = whole << 4 | (whole << 3 | whole << 2) & !dropped;
    keep & !escapes | characters
}

/// [`super::Backend::decode_units`], one escape after the other.
#[inline(always)]
pub fn decode(block: &Block, mut unicode: u64, mut keep: u64) -> Decoded {
    let mut decoded = *block;
    while unicode != 0 {
        let at = unicode.trailing_zeros() as usize;
        unicode &= unicode - 1;
        let read = match code_unit(block, at) {
            Some(unit @ 0xD800..0xE000) => surrogate(block, at, unit, unicode),
            unit => unit.map(|unit| (unit, at + 5)),
        };
        let Some((character, end)) = read else {
            return Decoded {
                block: decoded,
                keep: keep & ((1 << at) - 1),
                taken: at,
            };
        };
        if end > at + 5 {
            unicode &= unicode - 1;
        }
        let (bytes, length) = utf8(character);
        if let Some(digits) = decoded.get_mut(end - 4..end) {
            digits.copy_from_slice(&bytes);
        }
        let escape = 0x7FF >> (at + 11 - end) << at;
        keep = keep & !escape | (0xF0 >> length & 0xF) << (end - 4);
    }
    Decoded {
        block: decoded,
        keep,
        taken: BLOCK,
    }
}

/// The code unit of the four digits behind the `u` at `at`; `None` if they aren't all in the block.
#[inline(always)]
fn code_unit(block: &Block, at: usize) -> Option<u32> {
    let digits = block.get(at + 1..)?.first_chunk()?;
    let digits = u32::from_be_bytes(*digits);
    // Bit 6 is that of letters: `a` and `A` are 9 more than their low half.
    let values = (digits & 0x0F0F_0F0F) + (digits >> 6 & 0x0101_0101) * 9;
    let pairs = (values | values >> 4) & 0x00FF_00FF;
    Some((pairs | pairs >> 8) & 0xFFFF)
}

/// The character of the surrogate `unit`, whose `u` is at `at`, and where its escapes end: with the next one, whose `u`
/// is at a bit of `unicode`, or U+FFFD alone. `None` if the next one may be over the block's edge.
#[inline(always)]
fn surrogate(block: &Block, at: usize, unit: u32, unicode: u64) -> Option<(u32, usize)> {
    let alone = (u32::from(char::REPLACEMENT_CHARACTER), at + 5);
    if unit >= 0xDC00 {
        return Some(alone);
    }
    let low = code_unit(block, at + 6)?;
    let follows = unicode.trailing_zeros() as usize == at + 6;
    if !follows || !matches!(low, 0xDC00..0xE000) {
        return Some(alone);
    }
    let character = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    Some((character, at + 11))
}

/// A character in UTF-8, at the end of four bytes, and its length.
#[inline(always)]
fn utf8(character: u32) -> ([u8; 4], u32) {
    let last = |shift: u32| 0x80 | character >> shift & 0x3F;
    let (bytes, length) = match character {
        0..0x80 => (character, 1),
        0x80..0x800 => ((0xC0 | character >> 6) << 8 | last(0), 2),
        0x800..0x1_0000 => {
            let first = 0xE0 | character >> 12;
            (first << 16 | last(6) << 8 | last(0), 3)
        }
        _ => {
            let first = 0xF0 | character >> 18;
            (first << 24 | last(12) << 16 | last(6) << 8 | last(0), 4)
        }
    };
    (bytes.to_be_bytes(), length)
}
