//! The reference: what every other backend has to agree with.

use std::mem::MaybeUninit;

use super::classes::{CLASSES, D, HEX, HIGH, LOW, VALID, meaning};
use super::sealed::Sealed;
use super::{BLOCK, Backend, Block, EscapeBits, HexBits, Literal, StringBits};

/// Plain Rust.
#[derive(Clone, Copy, Debug)]
pub struct Scalar;

impl Sealed for Scalar {}

impl Backend for Scalar {
    #[inline(always)]
    fn first_special(block: &Block) -> usize {
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        block.iter().position(special).unwrap_or(BLOCK)
    }

    #[inline(always)]
    fn special_bits(block: &Block) -> u64 {
        bits(block, |byte| matches!(byte, b'"' | b'\\' | 0..0x20))
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
        block[..literal.length()] == literal.bytes[..literal.length()]
    }

    #[inline(always)]
    fn escape_bits(block: &Block) -> EscapeBits {
        EscapeBits {
            valid: class_bits(block, VALID),
            unicode: bits(block, |byte| byte == b'u'),
        }
    }

    #[inline(always)]
    fn hex_bits(block: &Block) -> HexBits {
        HexBits {
            digit: class_bits(block, HEX),
            d: class_bits(block, D),
            high: class_bits(block, HIGH),
            low: class_bits(block, LOW),
        }
    }

    #[inline(always)]
    fn unescape_block(block: &Block, escaped: u64, keep: u64, out: &mut [MaybeUninit<u8>; BLOCK]) {
        let kept = (0..).zip(block).filter(|(index, _)| keep >> index & 1 == 1);
        for (out, (index, &byte)) in out.iter_mut().zip(kept) {
            let is_escaped = escaped >> index & 1 == 1;
            out.write(if is_escaped { meaning(byte) } else { byte });
        }
    }
}

#[inline(always)]
fn class_bits(block: &Block, class: u8) -> u64 {
    bits(block, |byte| {
        let classes = CLASSES.0.get(usize::from(byte));
        classes.is_some_and(|classes| classes & class != 0)
    })
}

#[inline(always)]
fn bits(bytes: &[u8], is_meant: impl Fn(u8) -> bool) -> u64 {
    (0..).zip(bytes).fold(0, |bits, (index, &byte)| {
        bits | u64::from(is_meant(byte)) << index
    })
}
