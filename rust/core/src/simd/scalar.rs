//! The reference: what every other backend has to agree with.

use super::{BLOCK, Backend, Block, Literal, StringBits};

/// Plain Rust.
#[derive(Clone, Copy, Debug)]
pub struct Scalar;

impl Backend for Scalar {
    #[inline(always)]
    fn first_special(block: &Block) -> usize {
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        block.iter().position(special).unwrap_or(BLOCK)
    }

    #[inline(always)]
    fn string_bits(block: &Block) -> StringBits {
        StringBits {
            quote: bits(block, |byte| byte == b'"'),
            backslash: bits(block, |byte| byte == b'\\'),
            control: bits(block, |byte| byte < 0x20),
        }
    }

    #[inline(always)]
    fn digit_bits(bytes: &[u8; 32]) -> u32 {
        bits(bytes, |byte| byte.is_ascii_digit()) as u32
    }

    #[inline(always)]
    fn begins_with(block: &Block, literal: &Literal) -> bool {
        block[..literal.length] == literal.bytes[..literal.length]
    }
}

#[inline(always)]
fn bits(bytes: &[u8], is_meant: impl Fn(u8) -> bool) -> u64 {
    (0..).zip(bytes).fold(0, |bits, (index, &byte)| {
        bits | u64::from(is_meant(byte)) << index
    })
}
