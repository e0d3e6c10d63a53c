//! JSON strings: where they end, and what their escapes stand for.
//!
//! Both loops take block after block and never start anew at an escape: what a block leaves open (a backslash at its
//! end, the digits of a `\u`, the other half of a surrogate pair) is carried into the next one as bits.

#![allow(
    unsafe_code,
    reason = "a string is unescaped into memory that is not initialized before"
)]

use std::mem::MaybeUninit;

use super::{BLOCK, Backend, Block, Isa, Kernel};

#[cfg(test)]
mod tests;

/// Where a string ends, and what was met on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StringEnd {
    /// Where the closing quote is.
    pub end: usize,
    /// Whether there is a backslash before it.
    pub escaped: bool,
}

/// The end of the string whose opening quote is right before `start`, if it is one by RFC 8259 without lone
/// surrogates. Does not look at whether it is UTF-8.
///
/// `text` may go on behind the string. `None` if it isn't closed, holds a control byte, or an escape is wrong; what
/// and where is for [`crate::json::Scanner`] to say.
#[inline(always)]
#[must_use]
pub fn string_end<B: Backend>(text: &[u8], start: usize) -> Option<StringEnd> {
    let mut position = start;
    loop {
        let rest = text.get(position..)?;
        let mut padded = MaybeUninit::uninit();
        let first = B::first_special(block_of::<B>(rest, &mut padded));
        if first < BLOCK {
            return match rest.get(first)? {
                b'"' => Some(StringEnd {
                    end: position + first,
                    escaped: false,
                }),
                b'\\' => escaped_end::<B>(text, position, Escapes::default()),
                _ => None,
            };
        }
        position += BLOCK;
    }
}

/// [`string_end`] compiled by itself: for callers that are no kernel, and for strings so long that a loop with all
/// registers to itself pays for the call.
#[must_use]
pub fn find_string_end(isa: Isa, text: &[u8], start: usize) -> Option<StringEnd> {
    isa.run(End(text, start))
}

struct End<'t>(&'t [u8], usize);

impl Kernel for End<'_> {
    type Output = Option<StringEnd>;

    #[inline(always)]
    fn run<B: Backend>(self) -> Self::Output {
        string_end::<B>(self.0, self.1)
    }
}

/// [`string_end`] from a block on, of which the one before may have left an escape open.
#[inline(always)]
fn escaped_end<B: Backend>(
    text: &[u8],
    mut position: usize,
    mut carry: Escapes,
) -> Option<StringEnd> {
    let mut units = CodeUnits::default();
    loop {
        let mut padded = MaybeUninit::uninit();
        let block = block_of::<B>(text.get(position..)?, &mut padded);
        let bits = B::string_bits(block);
        let escaped = carry.next(bits.backslash);
        let quote = bits.quote & !escaped;
        // All bytes up to the closing quote, and that one.
        let through = quote ^ quote.wrapping_sub(1);
        if bits.control & through != 0 {
            return None;
        }
        if escaped | units.open != 0 {
            let escape = B::escape_bits(block);
            let unicode = escape.unicode & escaped & through;
            if escaped & through & !escape.valid != 0
                || (unicode | units.open != 0 && !units.next::<B>(block, unicode, quote))
            {
                return None;
            }
        }
        if quote != 0 {
            return Some(StringEnd {
                end: position + quote.trailing_zeros() as usize,
                escaped: true,
            });
        }
        position += BLOCK;
    }
}

/// [`string_end`] in one pass with [`unescape`]: if the string has escapes, what it stands for is appended to `out`. If
/// it is none, what is appended means nothing.
#[must_use]
pub fn find_string_and_unescape(
    isa: Isa,
    text: &[u8],
    start: usize,
    out: &mut Vec<u8>,
) -> Option<StringEnd> {
    isa.run(Both(isa, text, start, out))
}

struct Both<'t, 'o>(Isa, &'t [u8], usize, &'o mut Vec<u8>);

impl Kernel for Both<'_, '_> {
    type Output = Option<StringEnd>;

    #[inline(always)]
    fn run<B: Backend>(self) -> Self::Output {
        let Self(isa, text, start, out) = self;
        let mut position = start;
        let first = loop {
            let rest = text.get(position..)?;
            let mut padded = MaybeUninit::uninit();
            let first = B::first_special(block_of::<B>(rest, &mut padded));
            if first < BLOCK {
                break *rest.get(first)?;
            }
            position += BLOCK;
        };
        match first {
            b'"' => string_end::<B>(text, position),
            b'\\' => {
                out.reserve(text.len() - start + BLOCK);
                out.extend_from_slice(&text[start..position]);
                unescape_to_end::<B>(isa, text, position, out)
            }
            _ => None,
        }
    }
}

/// Find the end of a string whose first backslash is in the block at `position`, and write what it stands for on the
/// way. From a surrogate or a fault on the two are done one after the other.
#[inline(always)]
fn unescape_to_end<B: Backend>(
    isa: Isa,
    text: &[u8],
    mut position: usize,
    out: &mut Vec<u8>,
) -> Option<StringEnd> {
    out.reserve(text.len() - position + BLOCK);
    let start = out.len();
    let spare = out.spare_capacity_mut();
    let mut carry = Escapes::default();
    let mut written = 0;
    let end = loop {
        let before = carry;
        let mut padded = MaybeUninit::uninit();
        let block = block_of::<B>(text.get(position..)?, &mut padded);
        let to = spare.get_mut(written..)?.first_chunk_mut()?;
        let bits = B::string_bits(block);
        let escaped = carry.next(bits.backslash);
        let quote = bits.quote & !escaped;
        let inside = quote.wrapping_sub(1) & !quote;
        if bits.control & inside != 0 {
            return None;
        }
        let keep = inside & !(bits.backslash & !escaped);
        if B::unescape_simple(block, escaped & inside, keep, to) {
            written += keep.count_ones() as usize;
        } else {
            let Some((kept, taken)) = unescape_units::<B>(block, escaped & inside, keep, to) else {
                break Err(before);
            };
            written += kept;
            if taken < BLOCK {
                // The next block begins with the `u`.
                carry.open = 1;
                position += taken;
                continue;
            }
        }
        if quote != 0 {
            break Ok(position + quote.trailing_zeros() as usize);
        }
        position += BLOCK;
    };
    // SAFETY: `unescape_simple` and `unescape_units` have written the first `written` bytes of the spare capacity: each
    // block starts where the kept bytes of the one before ended.
    unsafe { out.set_len(start + written) };
    match end {
        Ok(end) => Some(StringEnd { end, escaped: true }),
        Err(before) => isa.run(Rest(text, position, before, out)),
    }
}

/// Write the bytes at `keep`, those at `escaped` as what they mean, some with a `u`: how many bytes that are, and how many
/// of the block's are taken. `None` if an escape is wrong or a surrogate.
#[inline(always)]
fn unescape_units<B: Backend>(
    block: &Block,
    escaped: u64,
    keep: u64,
    out: &mut [MaybeUninit<u8>; BLOCK],
) -> Option<(usize, usize)> {
    let escapes = B::escape_bits(block);
    let unicode = escapes.unicode & escaped;
    // Those whose digits are in the block.
    let whole = unicode & u64::MAX >> 4;
    let hex = B::hex_bits(block);
    let (first, second) = (whole << 1, whole << 2);
    let digits = first | second | whole << 3 | whole << 4;
    let surrogate = (first & hex.d) << 1 & (hex.high | hex.low);
    if escaped & !escapes.valid | digits & !hex.digit | surrogate != 0 {
        return None;
    }
    let decoded = B::decode_units(block, unicode, keep);
    B::unescape_block(&decoded.block, escaped & !unicode, decoded.keep, out);
    Some((decoded.keep.count_ones() as usize, decoded.taken))
}

/// Find the end of a string from a block on, of which the one before may have left an escape open, then unescape it.
struct Rest<'t, 'o>(&'t [u8], usize, Escapes, &'o mut Vec<u8>);

impl Kernel for Rest<'_, '_> {
    type Output = Option<StringEnd>;

    #[inline(always)]
    fn run<B: Backend>(self) -> Self::Output {
        let Self(text, position, carry, out) = self;
        let found = escaped_end::<B>(text, position, carry)?;
        unescape_from::<B>(text.get(position..found.end)?, carry, out);
        Some(found)
    }
}

/// [`unescape`] compiled by itself.
pub fn append_unescaped(isa: Isa, inside: &[u8], out: &mut Vec<u8>) {
    isa.run(Unescape(inside, out));
}

struct Unescape<'t, 'o>(&'t [u8], &'o mut Vec<u8>);

impl Kernel for Unescape<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self) {
        unescape::<B>(self.0, self.1);
    }
}

/// Append what `inside`, the inside of a valid JSON string, stands for; a lone surrogate becomes U+FFFD.
#[inline(always)]
pub fn unescape<B: Backend>(inside: &[u8], out: &mut Vec<u8>) {
    unescape_from::<B>(inside, Escapes::default(), out);
}

/// [`unescape`] of a part of a string, of which the part before it may have left an escape open.
#[inline(always)]
fn unescape_from<B: Backend>(inside: &[u8], mut carry: Escapes, out: &mut Vec<u8>) {
    // No escape is shorter than what it stands for, and whole blocks are written.
    out.reserve(inside.len() + BLOCK);
    let start = out.len();
    let spare = out.spare_capacity_mut();
    let (mut read, mut written) = (0, 0);
    while let Some(rest @ [_, ..]) = inside.get(read..) {
        let mut padded = MaybeUninit::uninit();
        let block = block_of::<B>(rest, &mut padded);
        let Some(to) = spare
            .get_mut(written..)
            .and_then(<[MaybeUninit<u8>]>::first_chunk_mut)
        else {
            break;
        };
        let present = u64::MAX >> BLOCK.saturating_sub(rest.len());
        let backslash = B::string_bits(block).backslash;
        if backslash | carry.open == 0 {
            to.write_copy_of_slice(block);
            written += rest.len().min(BLOCK);
            read += BLOCK;
            continue;
        }
        let escaped = carry.next(backslash);
        let keep = present & !(backslash & !escaped);
        let unicode = B::escape_bits(block).unicode & escaped;
        if unicode == 0 {
            B::unescape_block(block, escaped, keep, to);
            written += keep.count_ones() as usize;
            read += BLOCK;
        } else {
            let decoded = B::decode_units(block, unicode, keep);
            if decoded.taken < BLOCK {
                // The next block begins with the `u`.
                carry.open = 1;
            }
            B::unescape_block(&decoded.block, escaped & !unicode, decoded.keep, to);
            written += decoded.keep.count_ones() as usize;
            read += decoded.taken;
        }
    }
    // SAFETY: `unescape_block` and the copy have written the first `written` bytes of the spare capacity: each loop
    // starts where the kept bytes of the one before ended.
    unsafe { out.set_len(start + written) };
}

/// The first bytes of `rest`, which is no shorter than a block but at the text's end; zeros follow it there.
#[inline(always)]
fn block_of<'t, B: Backend>(rest: &'t [u8], padded: &'t mut MaybeUninit<Block>) -> &'t Block {
    match rest.first_chunk() {
        Some(block) => block,
        None => padded.write(B::padded(rest)),
    }
}

/// Which bytes are escaped, block after block.
#[derive(Clone, Copy, Default)]
struct Escapes {
    /// 1 if the next block's first byte is escaped.
    open: u64,
}

impl Escapes {
    /// The bytes right behind a backslash that is not escaped itself. In a run of backslashes every second one escapes
    /// the next byte, from the first one on: adding finds where the runs end, as in simdjson's stage 1.
    #[inline(always)]
    fn next(&mut self, backslash: u64) -> u64 {
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        let start = backslash & !self.open;
        let behind = (start << 1 | ODD).wrapping_sub(start) ^ ODD;
        let escaped = behind ^ (backslash | self.open);
        self.open = (behind & backslash) >> 63;
        escaped
    }
}

/// Checks the `\uXXXX` of a string, block after block.
#[derive(Default)]
struct CodeUnits {
    /// Of the block before: each `u` of an escape, each `d`, and the second digit of each high surrogate.
    unicode: u64,
    d: u64,
    high: u64,
    /// Not 0 if the next block has digits of the last `\u`, or the other half of a pair.
    open: u64,
}

impl CodeUnits {
    /// Whether all is right in `block`, in which the escapes with a `u` at `unicode` begin, and the string ends at the
    /// first bit of `quote`.
    #[inline(always)]
    fn next<B: Backend>(&mut self, block: &Block, unicode: u64, quote: u64) -> bool {
        let hex = B::hex_bits(block);
        let after = |now: u64, before: u64, bytes: u32| now << bytes | before >> (64 - bytes);
        let digits = after(unicode, self.unicode, 1)
            | after(unicode, self.unicode, 2)
            | after(unicode, self.unicode, 3)
            | after(unicode, self.unicode, 4);
        let second = after(unicode, self.unicode, 2) & after(hex.d, self.d, 1);
        let (high, low) = (second & hex.high, second & hex.low);
        // Where the second digit of a low surrogate has to be.
        let expected = after(high, self.high, 6);
        let through = quote ^ quote.wrapping_sub(1);
        let wrong = (digits & !hex.digit | low ^ expected) & through;
        // A quote is no digit, so only a pair can be open behind it.
        let behind = expected & !through | high >> 58;
        *self = Self {
            unicode,
            d: hex.d,
            high,
            open: unicode >> 60 | high >> 58,
        };
        wrong == 0 && (quote == 0 || behind == 0)
    }
}
