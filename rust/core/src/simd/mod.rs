//! What is done to many bytes at once, written once and compiled for each instruction set.
//!
//! A [`Backend`] is an instruction set's way of looking at a block of text. A [`Kernel`] is a whole loop over a text, in
//! terms of a backend; [`Isa::run`] compiles it for each of them and takes the one that was chosen, so the choice is
//! made once per loop and never inside of it. Whatever a kernel calls on its way to the backend has to be
//! `#[inline(always)]`: what is not inlined into it is compiled without its instructions.
//!
//! Blocks are taken from slices, with their bounds checked; no backend reads outside of the block it is given.

#![allow(
    clippy::inline_always,
    reason = "what is not inlined into a kernel is compiled without its instructions"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod isa;
mod literal;
mod scalar;

#[cfg(test)]
mod tests;

pub use isa::{Found, Isa};
pub use literal::Literal;
pub use scalar::Scalar;

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

/// An instruction set's way of looking at text.
pub trait Backend: Copy + Send + Sync + 'static {
    /// Where the first `"`, `\` or byte below 0x20 is; [`BLOCK`] if there is none.
    fn first_special(block: &Block) -> usize;

    /// Every `"`, `\` and byte below 0x20.
    fn string_bits(block: &Block) -> StringBits;

    /// Which of `bytes` are decimal digits: bit `i` is byte `i`.
    fn digit_bits(bytes: &[u8; 32]) -> u32;

    /// Whether the block begins with `literal`.
    fn begins_with(block: &Block, literal: &Literal) -> bool;
}

/// A loop that is compiled for each instruction set.
pub trait Kernel {
    /// What it returns.
    type Output;

    /// The loop. Has to be `#[inline(always)]`.
    fn run<B: Backend>(self) -> Self::Output;
}
