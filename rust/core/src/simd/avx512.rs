//! AVX-512 with permutation and compression of bytes: Ice Lake, Zen 4 and what came after them.
//!
//! Invariant: [`Avx512`] is private to `simd`, and only [`run`] hands it to a kernel; who calls [`run`] has seen
//! [`is_available`]. So its methods run on no other machine.

#![allow(unsafe_code, reason = "intrinsics; each block says what it relies on")]

use std::arch::x86_64::{
    __m512i, _mm256_cmple_epu8_mask, _mm256_loadu_si256, _mm256_set1_epi8, _mm256_sub_epi8,
    _mm512_cmpeq_epi8_mask, _mm512_cmple_epu8_mask, _mm512_cmplt_epu8_mask, _mm512_loadu_si512,
    _mm512_mask_cmpneq_epu8_mask, _mm512_set1_epi8, _mm512_xor_si512,
};

use super::{Backend, Block, Kernel, Literal, StringBits};

#[derive(Clone, Copy, Debug)]
pub struct Avx512;

/// Whether the machine has what [`run`] is compiled with.
pub fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

#[target_feature(
    enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,lzcnt,popcnt"
)]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

impl Backend for Avx512 {
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

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &Block) -> __m512i {
    // SAFETY: reads the 64 bytes of `block`, at any alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

/// One comparison for quotes and control bytes: flipping bit 1 takes `"` to 0x20, and each control byte to another.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,bmi1")]
fn first_special(block: &Block) -> usize {
    let text = load(block);
    let flipped = _mm512_xor_si512(text, _mm512_set1_epi8(2));
    let quote_or_control = _mm512_cmple_epu8_mask(flipped, _mm512_set1_epi8(0x20));
    let backslash = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(b'\\' as i8));
    (quote_or_control | backslash).trailing_zeros() as usize
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn string_bits(block: &Block) -> StringBits {
    let text = load(block);
    StringBits {
        quote: _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(b'"' as i8)),
        backslash: _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(b'\\' as i8)),
        control: _mm512_cmplt_epu8_mask(text, _mm512_set1_epi8(0x20)),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn digit_bits(bytes: &[u8; 32]) -> u32 {
    // SAFETY: reads the 32 bytes of `bytes`, at any alignment.
    let text = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
    let value = _mm256_sub_epi8(text, _mm256_set1_epi8(b'0' as i8));
    _mm256_cmple_epu8_mask(value, _mm256_set1_epi8(9))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn begins_with(block: &Block, literal: &Literal) -> bool {
    _mm512_mask_cmpneq_epu8_mask(literal.mask, load(block), load(&literal.bytes)) == 0
}
