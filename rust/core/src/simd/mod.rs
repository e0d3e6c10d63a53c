//! What is done to many bytes at once, written once and compiled for each instruction set.
//!
//! A [`Backend`] is an instruction set's way of looking at a block of text. A [`Kernel`] is a whole loop over a text, in
//! terms of a backend; [`Isa::run`] compiles it for each of them and takes the one that was chosen, so the choice is
//! made once per loop and never inside of it. Whatever a kernel calls on its way to the backend has to be
//! `#[inline(always)]`: what is not inlined into it is compiled without its instructions.
//!
//! Blocks are taken from slices, with their bounds checked; no backend reads outside of the block it is given.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod classes;
mod isa;
mod literal;
#[cfg(target_arch = "aarch64")]
mod neon;
mod prefetch;
mod scalar;
mod string;
mod units;
mod utf8;

#[cfg(test)]
mod tests;

pub use isa::{Found, Isa};
pub use literal::{LITERAL, Literal};
pub use prefetch::{prefetch, prefetch_line};
pub use scalar::Scalar;
pub use string::{
    StringEnd, append_unescaped, find_string_and_unescape, find_string_end, string_end, unescape,
};
pub use utf8::is_utf8;

use std::mem::MaybeUninit;

use units::Decoded;

/// Bytes of a block.
pub const BLOCK: usize = 64;

/// Some bytes of a text.
pub type Block = [u8; BLOCK];

/// Which bytes of a block matter in a string: bit `i` is byte `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StringBits {
    /// `"`
    pub quote: u64,
    /// `\`
    pub backslash: u64,
    /// Below 0x20.
    pub control: u64,
}

/// Which bytes of a block can be part of an escape, at their place in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EscapeBits {
    /// One of `"\/bfnrtu`, which may follow a backslash.
    pub valid: u64,
    /// `u`
    pub unicode: u64,
}

/// Which bytes of a block can be digits of a `\uXXXX`, and of a surrogate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HexBits {
    /// A hexadecimal digit.
    pub digit: u64,
    /// `d` or `D`, a surrogate's first digit.
    pub d: u64,
    /// `8`, `9`, `a` or `b`: the second one of a high surrogate.
    pub high: u64,
    /// `c` to `f`: the second one of a low surrogate.
    pub low: u64,
}

/// An instruction set's way of looking at text. Implemented here only: who calls it relies on what it writes.
pub trait Backend: sealed::Sealed + Copy + Send + Sync + 'static {
    /// `rest`, which is shorter than a block, and zeros behind it.
    #[inline(always)]
    #[must_use]
    fn padded(rest: &[u8]) -> Block {
        let mut block = [0; BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        block
    }

    /// Where the first `"`, `\` or byte below 0x20 is; [`BLOCK`] if there is none.
    fn first_special(block: &Block) -> usize;

    /// Where the first `"` is, if there is neither `\` nor a byte below 0x20 before it; else [`BLOCK`].
    #[inline(always)]
    #[must_use]
    fn closing_quote(block: &Block) -> usize {
        let first = Self::first_special(block);
        match block.get(first) {
            Some(b'"') => first,
            _ => BLOCK,
        }
    }

    /// Each `"`, `\` and byte below 0x20: bit `i` is byte `i`.
    fn special_bits(block: &Block) -> u64;

    /// Every `"`, `\` and byte below 0x20.
    fn string_bits(block: &Block) -> StringBits;

    /// Which of `bytes` are decimal digits: bit `i` is byte `i`.
    fn digit_bits(bytes: &[u8; 32]) -> u32;

    /// Whether the block begins with `literal`.
    fn begins_with(block: &Block, literal: &Literal) -> bool;

    /// Every byte that may follow a backslash.
    fn escape_bits(block: &Block) -> EscapeBits;

    /// Every byte that may be a digit of a `\uXXXX`.
    fn hex_bits(block: &Block) -> HexBits;

    /// Make UTF-8 of the `\uXXXX` whose `u` is at `unicode`, as far as they, and for a high surrogate the escape behind
    /// it, are in the block. `keep` has no bit at their backslash.
    #[inline(always)]
    #[must_use]
    fn decode_units(block: &Block, unicode: u64, keep: u64) -> Decoded {
        units::decode(block, unicode, keep)
    }

    /// Write the bytes at `keep`, one after the other, those at `escaped` as what they mean behind a backslash; all of
    /// those are `"\/bfnrt`. What is in `out` behind them afterwards is not defined.
    fn unescape_block(block: &Block, escaped: u64, keep: u64, out: &mut [MaybeUninit<u8>; BLOCK]);

    /// The same if all bytes at `escaped` are `"\/fnrt`, or perhaps `b`. False if one is not; then `out` means nothing.
    #[inline(always)]
    #[must_use]
    fn unescape_simple(
        block: &Block,
        escaped: u64,
        keep: u64,
        out: &mut [MaybeUninit<u8>; BLOCK],
    ) -> bool {
        let escapes = Self::escape_bits(block);
        let simple = escaped & (escapes.unicode | !escapes.valid) == 0;
        if simple {
            Self::unescape_block(block, escaped, keep, out);
        }
        simple
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A loop that is compiled for each instruction set.
pub trait Kernel {
    /// What it returns.
    type Output;

    /// The loop. Has to be `#[inline(always)]`.
    fn run<B: Backend>(self) -> Self::Output;
}
