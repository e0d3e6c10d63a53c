//! AVX-512 with permutation and compression of bytes: Ice Lake, Zen 4 and what came after them.
//!
//! Invariant: [`Avx512`] is private to `simd`, and only [`run`] hands it to a kernel; who calls [`run`] has seen
//! [`is_available`]. So its methods run on no other machine.

#![allow(unsafe_code, reason = "intrinsics; each block says what it relies on")]

use std::mem::MaybeUninit;

use std::arch::x86_64::{
    __m512i, _mm256_cmpeq_epi8_mask, _mm256_cmple_epu8_mask, _mm256_cmplt_epu8_mask,
    _mm256_loadu_si256, _mm256_mask_cmpneq_epu8_mask, _mm256_set1_epi8, _mm256_sub_epi8,
    _mm512_and_si512, _mm512_cmpeq_epi8_mask, _mm512_cmple_epu8_mask, _mm512_cmplt_epu8_mask,
    _mm512_loadu_si512, _mm512_mask_mov_epi8, _mm512_mask_test_epi8_mask,
    _mm512_mask_testn_epi8_mask, _mm512_mask2_permutex2var_epi8, _mm512_maskz_compress_epi8,
    _mm512_maskz_loadu_epi8, _mm512_movepi8_mask, _mm512_or_si512, _mm512_permutex2var_epi8,
    _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_slli_epi16,
    _mm512_srli_epi16, _mm512_storeu_si512, _mm512_xor_si512,
};

use super::classes::{CLASSES, D, HEX, HIGH, LOW, MEANINGS, Table, VALID, VALUES};
use super::sealed::Sealed;
use super::units::{self, Decoded};
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
    fn closing_quote(block: &Block) -> usize {
        // SAFETY: the same.
        unsafe { closing_quote(block) }
    }

    #[inline(always)]
    fn special_bits(block: &Block) -> u64 {
        // SAFETY: the same.
        unsafe { special_bits(block) }
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
    fn decode_units(block: &Block, unicode: u64, keep: u64) -> Decoded {
        // SAFETY: the same.
        unsafe { decode_units(block, unicode, keep) }
    }

    #[inline(always)]
    fn unescape_block(block: &Block, escaped: u64, keep: u64, out: &mut [MaybeUninit<u8>; BLOCK]) {
        // SAFETY: the same.
        unsafe { unescape_block(block, escaped, keep, out) }
    }

    #[inline(always)]
    fn unescape_simple(
        block: &Block,
        escaped: u64,
        keep: u64,
        out: &mut [MaybeUninit<u8>; BLOCK],
    ) -> bool {
        // SAFETY: the same.
        unsafe { unescape_simple(block, escaped, keep, out) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &Block) -> __m512i {
    // SAFETY: reads the 64 bytes of `block`, at any alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,bmi1")]
fn first_special(block: &Block) -> usize {
    special_bits(block).trailing_zeros() as usize
}

/// One comparison for quotes and control bytes: flipping bit 1 takes `"` to 0x20, and each control byte to another.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn special_bits(block: &Block) -> u64 {
    let text = load(block);
    let flipped = _mm512_xor_si512(text, _mm512_set1_epi8(2));
    let quote_or_control = _mm512_cmple_epu8_mask(flipped, _mm512_set1_epi8(0x20));
    let backslash = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(b'\\' as i8));
    quote_or_control | backslash
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1")]
fn closing_quote(block: &Block) -> usize {
    // Most strings are short, and half a vector is looked at sooner.
    // SAFETY: reads the first 32 of the 64 bytes of `block`, at any alignment.
    let text = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
    let quote = _mm256_cmpeq_epi8_mask(text, _mm256_set1_epi8(b'"' as i8));
    let backslash = _mm256_cmpeq_epi8_mask(text, _mm256_set1_epi8(b'\\' as i8));
    let control = _mm256_cmplt_epu8_mask(text, _mm256_set1_epi8(0x20));
    if quote != 0 {
        let before = quote ^ quote.wrapping_sub(1);
        return if (backslash | control) & before == 0 {
            quote.trailing_zeros() as usize
        } else {
            BLOCK
        };
    }
    let bits = string_bits(block);
    let before = bits.quote ^ bits.quote.wrapping_sub(1);
    if (bits.backslash | bits.control) & before == 0 {
        bits.quote.trailing_zeros() as usize
    } else {
        BLOCK
    }
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn begins_with(block: &Block, literal: &Literal) -> bool {
    // SAFETY: both read 32 bytes, of the block its first ones, at any alignment.
    let (text, expected) = unsafe {
        (
            _mm256_loadu_si256(block.as_ptr().cast()),
            _mm256_loadu_si256(literal.bytes.as_ptr().cast()),
        )
    };
    _mm256_mask_cmpneq_epu8_mask(literal.mask, text, expected) == 0
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

/// What is no escape, or one with a `u`, has no meaning; the table is looked up by a byte's low seven bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2")]
fn unescape_simple(
    block: &Block,
    escaped: u64,
    keep: u64,
    out: &mut [MaybeUninit<u8>; BLOCK],
) -> bool {
    let [low, high] = halves(&MEANINGS);
    let text = load(block);
    let plain = _mm512_mask2_permutex2var_epi8(low, text, escaped, high);
    let meaningless = _mm512_mask_testn_epi8_mask(escaped, plain, plain);
    let kept = _mm512_maskz_compress_epi8(keep, plain);
    // SAFETY: writes the 64 bytes of `out`, at any alignment.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), kept) };
    meaningless | _mm512_movepi8_mask(text) & escaped == 0
}

/// All escapes at once; one after the other only where there is a surrogate. In UTF-8 each byte of a character is made
/// of a digit and the one before, so it is written over that digit, in its lane.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn decode_units(block: &Block, unicode: u64, keep: u64) -> Decoded {
    let whole = unicode & u64::MAX >> 4;
    let taken = (unicode & !whole).trailing_zeros();
    let (first, second) = (whole << 1, whole << 2);

    let digit = look_up(load(block), &VALUES);
    let before = _mm512_permutexvar_epi8(load(&LANE_BEFORE), digit);
    let zero = _mm512_cmpeq_epi8_mask(digit, _mm512_setzero_si512());
    let below_8 = _mm512_cmplt_epu8_mask(digit, _mm512_set1_epi8(8));
    let d = _mm512_cmpeq_epi8_mask(digit, _mm512_set1_epi8(13));
    if (first & d) << 1 & !below_8 != 0 {
        return units::decode(block, unicode, keep);
    }
    // At the second, and at the third digit.
    let below_0x800 = (first & zero) << 1 & below_8;
    let below_0x80 = ((first & zero) << 1 & zero) << 1 & below_8;

    // No digit has more than four bits, so these shifts leave the neighbours alone, but for the one to the right.
    let left = _mm512_slli_epi16::<4>(before);
    let left_two = _mm512_and_si512(left, _mm512_set1_epi8(0x30));
    let right = _mm512_and_si512(_mm512_srli_epi16::<2>(digit), _mm512_set1_epi8(3));
    let middle = _mm512_or_si512(_mm512_slli_epi16::<2>(before), right);
    let last = _mm512_or_si512(left_two, digit);
    let put = |text, lanes, lead: u8, bits| {
        let byte = _mm512_or_si512(_mm512_set1_epi8(lead as i8), bits);
        _mm512_mask_mov_epi8(text, lanes, byte)
    };
    let text = put(load(block), second, 0xE0, before);
    let text = put(text, whole << 3, 0x80, middle);
    let text = put(text, below_0x800 << 1, 0xC0, middle);
    let text = put(text, whole << 4, 0x80, last);
    let text = _mm512_mask_mov_epi8(text, below_0x80 << 1, _mm512_or_si512(left, digit));

    let mut decoded = [0; BLOCK];
    // SAFETY: writes the 64 bytes of `decoded`.
    unsafe { _mm512_storeu_si512(decoded.as_mut_ptr().cast(), text) };
    Decoded {
        block: decoded,
        keep: units::kept(keep, whole, below_0x80 | below_0x800) & u64::MAX >> (64 - taken),
        taken: taken as usize,
    }
}

/// The lane before each lane.
const LANE_BEFORE: Block = {
    let mut lanes = [0; BLOCK];
    let mut lane = 1;
    while lane < BLOCK {
        lanes[lane] = lane as u8 - 1;
        lane += 1;
    }
    lanes
};
