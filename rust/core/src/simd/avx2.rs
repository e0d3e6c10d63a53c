//! AVX2: Haswell, Zen and what came after them.
//!
//! Invariant: [`Avx2`] is private to `simd`, and only [`run`] hands it to a kernel; who calls [`run`] has seen
//! [`is_available`]. So its methods run on no other machine.

#![allow(unsafe_code, reason = "intrinsics; each block says what it relies on")]

use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_max_epu8, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_sub_epi8, _mm256_xor_si256,
};

use super::{Backend, Block, Kernel, Literal, StringBits};

#[derive(Clone, Copy, Debug)]
pub struct Avx2;

/// Whether the machine has what [`run`] is compiled with.
pub fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

impl Backend for Avx2 {
    #[inline(always)]
    fn first_special(block: &Block) -> usize {
        // SAFETY: runs on no machine without it, by the module's invariant.
        unsafe { first_special(block) }
    }

    #[inline(always)]
    fn string_bits(block: &Block) -> StringBits {
        // SAFETY: the same.
        unsafe { string_bits(block) }
    }

    #[inline(always)]
    fn digit_bits(bytes: &[u8; 32]) -> u32 {
        // SAFETY: the same.
        unsafe { digit_bits(bytes) }
    }

    #[inline(always)]
    fn begins_with(block: &Block, literal: &Literal) -> bool {
        // SAFETY: the same.
        unsafe { begins_with(block, literal) }
    }
}

/// A block in two registers.
type Halves = [__m256i; 2];

#[inline]
#[target_feature(enable = "avx2")]
fn load(block: &Block) -> Halves {
    // SAFETY: reads the block's first and last 32 bytes, at any alignment.
    unsafe {
        [
            _mm256_loadu_si256(block.as_ptr().cast()),
            _mm256_loadu_si256(block.as_ptr().add(32).cast()),
        ]
    }
}

/// The bit of each byte whose high bit is set.
#[inline]
#[target_feature(enable = "avx2")]
fn bits([low, high]: Halves) -> u64 {
    let low = u64::from(_mm256_movemask_epi8(low).cast_unsigned());
    let high = u64::from(_mm256_movemask_epi8(high).cast_unsigned());
    high << 32 | low
}

#[inline]
#[target_feature(enable = "avx2")]
fn equal(text: __m256i, byte: u8) -> __m256i {
    _mm256_cmpeq_epi8(text, _mm256_set1_epi8(byte as i8))
}

/// Unsigned `text <= byte`, which is no instruction.
#[inline]
#[target_feature(enable = "avx2")]
fn at_most(text: __m256i, byte: u8) -> __m256i {
    let byte = _mm256_set1_epi8(byte as i8);
    _mm256_cmpeq_epi8(_mm256_max_epu8(text, byte), byte)
}

/// One comparison for quotes and control bytes: flipping bit 1 takes `"` to 0x20, and each control byte to another.
#[inline]
#[target_feature(enable = "avx2")]
fn special(text: __m256i) -> __m256i {
    let flipped = _mm256_xor_si256(text, _mm256_set1_epi8(2));
    _mm256_or_si256(at_most(flipped, 0x20), equal(text, b'\\'))
}

#[inline]
#[target_feature(enable = "avx2,bmi1")]
fn first_special(block: &Block) -> usize {
    let [low, high] = load(block);
    bits([special(low), special(high)]).trailing_zeros() as usize
}

#[inline]
#[target_feature(enable = "avx2")]
fn string_bits(block: &Block) -> StringBits {
    let [low, high] = load(block);
    StringBits {
        quote: bits([equal(low, b'"'), equal(high, b'"')]),
        backslash: bits([equal(low, b'\\'), equal(high, b'\\')]),
        control: bits([at_most(low, 0x1F), at_most(high, 0x1F)]),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn digit_bits(bytes: &[u8; 32]) -> u32 {
    // SAFETY: reads the 32 bytes of `bytes`, at any alignment.
    let text = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
    let value = _mm256_sub_epi8(text, _mm256_set1_epi8(b'0' as i8));
    let digit = at_most(value, 9);
    _mm256_movemask_epi8(digit).cast_unsigned()
}

#[inline]
#[target_feature(enable = "avx2")]
fn begins_with(block: &Block, literal: &Literal) -> bool {
    let ([low, high], expected) = (load(block), load(&literal.bytes));
    let equal = bits([
        _mm256_cmpeq_epi8(low, expected[0]),
        _mm256_cmpeq_epi8(high, expected[1]),
    ]);
    equal & literal.mask == literal.mask
}
