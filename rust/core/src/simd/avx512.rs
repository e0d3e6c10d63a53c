//! AVX-512 with permutation and compression of bytes: Ice Lake, Zen 4 and what came after them.
//!
//! Invariant: [`Avx512`] is private to `simd`, and only [`run`] hands it to a kernel; who calls [`run`] has seen
//! [`is_available`]. So its methods run on no other machine.

#![allow(unsafe_code, reason = "intrinsics; each block says what it relies on")]

use std::mem::MaybeUninit;

use std::arch::x86_64::{
    __m512i, _mm256_cmple_epu8_mask, _mm256_loadu_si256, _mm256_set1_epi8, _mm256_sub_epi8,
    _mm512_cmpeq_epi8_mask, _mm512_cmple_epu8_mask, _mm512_cmplt_epu8_mask, _mm512_loadu_si512,
    _mm512_mask_cmpneq_epu8_mask, _mm512_mask_test_epi8_mask, _mm512_mask2_permutex2var_epi8,
    _mm512_maskz_compress_epi8, _mm512_maskz_loadu_epi8, _mm512_movepi8_mask,
    _mm512_permutex2var_epi8, _mm512_set1_epi8, _mm512_storeu_si512, _mm512_xor_si512,
};

use super::classes::{CLASSES, D, HEX, HIGH, LOW, MEANINGS, Table, VALID};
use super::sealed::Sealed;
use super::{BLOCK, Backend, Block, EscapeBits, HexBits, Kernel, Literal, StringBits};

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

impl Sealed for Avx512 {}

impl Backend for Avx512 {
    #[inline(always)]
    fn padded(rest: &[u8]) -> Block {
        // SAFETY: runs on no machine without it, by the module's invariant.
        unsafe { padded(rest) }
    }

    #[inline(always)]
    fn first_special(block: &Block) -> usize {
        // SAFETY: the same.
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

    #[inline(always)]
    fn escape_bits(block: &Block) -> EscapeBits {
        // SAFETY: the same.
        unsafe { escape_bits(block) }
    }

    #[inline(always)]
    fn hex_bits(block: &Block) -> HexBits {
        // SAFETY: the same.
        unsafe { hex_bits(block) }
    }

    #[inline(always)]
    fn unescape_block(block: &Block, escaped: u64, keep: u64, out: &mut [MaybeUninit<u8>; BLOCK]) {
        // SAFETY: the same.
        unsafe { unescape_block(block, escaped, keep, out) }
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

/// Bytes that are not there are not read: their lanes of the load are off.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn padded(rest: &[u8]) -> Block {
    let mut block = [0; BLOCK];
    let present = u64::MAX.unbounded_shr(BLOCK.saturating_sub(rest.len()) as u32);
    // SAFETY: reads the first bytes of `rest`, at most as many as it has, and writes the 64 of `block`.
    unsafe {
        let text = _mm512_maskz_loadu_epi8(present, rest.as_ptr().cast());
        _mm512_storeu_si512(block.as_mut_ptr().cast(), text);
    }
    block
}

/// Each byte's entry of a table; that of its low seven bits for bytes that aren't ASCII.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn look_up(text: __m512i, table: &Table) -> __m512i {
    let [low, high] = halves(table);
    _mm512_permutex2var_epi8(low, text, high)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn halves(table: &Table) -> [__m512i; 2] {
    // SAFETY: reads the first and the last 64 bytes of the table's 128.
    unsafe {
        [
            _mm512_loadu_si512(table.0.as_ptr().cast()),
            _mm512_loadu_si512(table.0.as_ptr().add(BLOCK).cast()),
        ]
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn escape_bits(block: &Block) -> EscapeBits {
    let text = load(block);
    let classes = look_up(text, &CLASSES);
    let ascii = !_mm512_movepi8_mask(text);
    EscapeBits {
        valid: _mm512_mask_test_epi8_mask(ascii, classes, _mm512_set1_epi8(VALID as i8)),
        unicode: _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(b'u' as i8)),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn hex_bits(block: &Block) -> HexBits {
    let text = load(block);
    let classes = look_up(text, &CLASSES);
    let ascii = !_mm512_movepi8_mask(text);
    HexBits {
        digit: _mm512_mask_test_epi8_mask(ascii, classes, _mm512_set1_epi8(HEX as i8)),
        d: _mm512_mask_test_epi8_mask(ascii, classes, _mm512_set1_epi8(D as i8)),
        high: _mm512_mask_test_epi8_mask(ascii, classes, _mm512_set1_epi8(HIGH as i8)),
        low: _mm512_mask_test_epi8_mask(ascii, classes, _mm512_set1_epi8(LOW as i8)),
    }
}

/// Compressed in a register and stored whole: compressing into memory takes over a hundred cycles on Zen 4.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2")]
fn unescape_block(block: &Block, escaped: u64, keep: u64, out: &mut [MaybeUninit<u8>; BLOCK]) {
    let [low, high] = halves(&MEANINGS);
    let plain = _mm512_mask2_permutex2var_epi8(low, load(block), escaped, high);
    let kept = _mm512_maskz_compress_epi8(keep, plain);
    // SAFETY: writes the 64 bytes of `out`, at any alignment.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), kept) };
}
