//! AVX2: Haswell, Zen and what came after them.
//!
//! Invariant: [`Avx2`] is private to `simd`, and only [`run`] hands it to a kernel; who calls [`run`] has seen
//! [`is_available`]. So its methods run on no other machine.

#![allow(unsafe_code, reason = "intrinsics; each block says what it relies on")]

use std::mem::MaybeUninit;

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm_shuffle_epi8, _mm_storeu_si128, _mm256_add_epi8,
    _mm256_alignr_epi8, _mm256_and_si256, _mm256_andnot_si256, _mm256_avg_epu8, _mm256_blendv_epi8,
    _mm256_broadcastsi128_si256, _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8,
    _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_max_epu8, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_set1_epi32,
    _mm256_set1_epi64x, _mm256_setr_epi64x, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_slli_epi16, _mm256_srli_epi16, _mm256_storeu_si256, _mm256_sub_epi8, _mm256_testc_si256,
    _mm256_xor_si256,
};

use super::classes::nibbles::{self, COMPACT};
use super::sealed::Sealed;
use super::units::{self, Decoded};
use super::{BLOCK, Backend, Block, EscapeBits, HexBits, Kernel, Literal, StringBits};

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

impl Sealed for Avx2 {}

impl Backend for Avx2 {
    #[inline(always)]
    fn first_special(block: &Block) -> usize {
        // SAFETY: runs on no machine without it, by the module's invariant.
        unsafe { first_special(block) }
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

#[inline]
#[target_feature(enable = "avx2")]
fn store(block: &mut Block, [low, high]: Halves) {
    // SAFETY: writes the block's first and last 32 bytes, at any alignment.
    unsafe {
        _mm256_storeu_si256(block.as_mut_ptr().cast(), low);
        _mm256_storeu_si256(block.as_mut_ptr().add(32).cast(), high);
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
#[target_feature(enable = "avx2")]
fn special_bits(block: &Block) -> u64 {
    let [low, high] = load(block);
    bits([special(low), special(high)])
}

#[inline]
#[target_feature(enable = "avx2,bmi1")]
fn first_special(block: &Block) -> usize {
    special_bits(block).trailing_zeros() as usize
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
    // SAFETY: both read 32 bytes, of the block its first ones, at any alignment.
    let (text, expected) = unsafe {
        (
            _mm256_loadu_si256(block.as_ptr().cast()),
            _mm256_loadu_si256(literal.bytes.as_ptr().cast()),
        )
    };
    let equal = _mm256_movemask_epi8(_mm256_cmpeq_epi8(text, expected)).cast_unsigned();
    equal & literal.mask == literal.mask
}

/// A table of 16 bytes, in both halves of a register.
#[inline]
#[target_feature(enable = "avx2")]
fn table(entries: &[u8; 16]) -> __m256i {
    // SAFETY: reads the 16 bytes of `entries`.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(entries.as_ptr().cast()) })
}

/// Bits 4 to 7 of each byte, or others if `shift` isn't 4.
#[inline]
#[target_feature(enable = "avx2")]
fn four_bits<const SHIFT: i32>(text: __m256i) -> __m256i {
    _mm256_and_si256(_mm256_srli_epi16::<SHIFT>(text), _mm256_set1_epi8(15))
}

/// What each byte is; a byte that isn't ASCII finds 0 in the first table.
#[inline]
#[target_feature(enable = "avx2")]
fn look_up(text: __m256i, by_low: &[u8; 16], by_high: &[u8; 16]) -> __m256i {
    let low = _mm256_shuffle_epi8(table(by_low), text);
    let high = _mm256_shuffle_epi8(table(by_high), four_bits::<4>(text));
    _mm256_and_si256(low, high)
}

/// The bit of each byte that has any bit of `class`.
#[inline]
#[target_feature(enable = "avx2")]
fn class_bits([low, high]: Halves, class: u8) -> u64 {
    let class = _mm256_set1_epi8(class as i8);
    !bits([
        equal(_mm256_and_si256(low, class), 0),
        equal(_mm256_and_si256(high, class), 0),
    ])
}

#[inline]
#[target_feature(enable = "avx2")]
fn escape_bits(block: &Block) -> EscapeBits {
    let [low, high] = load(block);
    let classes = [
        look_up(low, &nibbles::ESCAPE_BY_LOW, &nibbles::ESCAPE_BY_HIGH),
        look_up(high, &nibbles::ESCAPE_BY_LOW, &nibbles::ESCAPE_BY_HIGH),
    ];
    EscapeBits {
        valid: class_bits(classes, u8::MAX),
        unicode: bits([equal(low, b'u'), equal(high, b'u')]),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn hex_bits(block: &Block) -> HexBits {
    let [low, high] = load(block);
    let classes = [
        look_up(low, &nibbles::HEX_BY_LOW, &nibbles::HEX_BY_HIGH),
        look_up(high, &nibbles::HEX_BY_LOW, &nibbles::HEX_BY_HIGH),
    ];
    HexBits {
        digit: class_bits(classes, u8::MAX),
        d: class_bits(classes, nibbles::D),
        high: class_bits(classes, nibbles::HIGH),
        low: class_bits(classes, nibbles::LOW),
    }
}

/// Each byte the bit that is its own, if it is set in `bits`; else 0.
#[inline]
#[target_feature(enable = "avx2")]
fn own_bits(bits: u32) -> (__m256i, __m256i) {
    let bytes = _mm256_setr_epi64x(
        0,
        0x0101_0101_0101_0101,
        0x0202_0202_0202_0202,
        0x0303_0303_0303_0303,
    );
    let own = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    let repeated = _mm256_shuffle_epi8(_mm256_set1_epi32(bits.cast_signed()), bytes);
    (_mm256_and_si256(repeated, own), own)
}

/// Each byte all ones or zeros, as its bit is.
#[inline]
#[target_feature(enable = "avx2")]
fn spread(bits: u32) -> __m256i {
    let (set, own) = own_bits(bits);
    _mm256_cmpeq_epi8(set, own)
}

/// `text`, its bytes at `escaped` as what they mean behind a backslash, and all ones at each byte of which that is known or
/// that is not escaped. It is not known of `b`, nor of what has no meaning there.
#[inline]
#[target_feature(enable = "avx2")]
fn replace(text: __m256i, escaped: u32) -> Halves {
    let entry = _mm256_avg_epu8(text, _mm256_setzero_si256());
    let meaning = _mm256_shuffle_epi8(table(&nibbles::MEANING_BY_HALF), entry);
    let escape = _mm256_shuffle_epi8(table(&nibbles::ESCAPE_BY_HALF), entry);
    let plain = _mm256_cmpeq_epi8(own_bits(escaped).0, _mm256_setzero_si256());
    [
        _mm256_blendv_epi8(meaning, text, plain),
        _mm256_or_si256(_mm256_cmpeq_epi8(escape, text), plain),
    ]
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn unescape_simple(
    block: &Block,
    escaped: u64,
    keep: u64,
    out: &mut [MaybeUninit<u8>; BLOCK],
) -> bool {
    let [low, high] = load(block);
    let [low, low_known] = replace(low, escaped as u32);
    let [high, high_known] = replace(high, (escaped >> 32) as u32);
    let known = _mm256_and_si256(low_known, high_known);
    let simple = _mm256_testc_si256(known, _mm256_set1_epi8(-1)) != 0;
    if simple {
        compact([low, high], keep, out);
    }
    simple
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn unescape_block(block: &Block, escaped: u64, keep: u64, out: &mut [MaybeUninit<u8>; BLOCK]) {
    // All have a meaning, so those of which it is not known are `b`.
    let replace_all = |text, escaped| {
        let [text, known] = replace(text, escaped);
        _mm256_blendv_epi8(_mm256_set1_epi8(8), text, known)
    };
    let [low, high] = load(block);
    let low = replace_all(low, escaped as u32);
    let high = replace_all(high, (escaped >> 32) as u32);
    compact([low, high], keep, out);
}

/// Write the bytes of `text` at `keep`, one after the other.
///
/// Sixteen bytes at a time, each time sixteen are written and the next ones go over those too many. Where they go is
/// counted from `keep` alone, so no step waits for the one before.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn compact([low, high]: Halves, keep: u64, out: &mut [MaybeUninit<u8>; BLOCK]) {
    let sixteens = [
        _mm256_castsi256_si128(low),
        _mm256_extracti128_si256::<1>(low),
        _mm256_castsi256_si128(high),
        _mm256_extracti128_si256::<1>(high),
    ];
    for (sixteen, text) in sixteens.into_iter().enumerate() {
        let kept = keep >> (16 * sixteen);
        let to = (keep & ((1 << (16 * sixteen)) - 1)).count_ones() as usize;
        let places = &COMPACT[usize::from(kept as u16)];
        // SAFETY: reads the 16 bytes of `places`, and writes 16 of the 64 bytes of `out`: `to` is at most 48.
        unsafe {
            let places = _mm_loadu_si128(places.as_ptr().cast());
            let front = _mm_shuffle_epi8(text, places);
            _mm_storeu_si128(out.as_mut_ptr().add(to).cast(), front);
        }
    }
}

/// `now`, each byte `BYTES` places further, after the last ones of `before`. `SHIFT` is 16 less `BYTES`.
#[inline]
#[target_feature(enable = "avx2")]
fn after<const SHIFT: i32>(now: __m256i, before: __m256i) -> __m256i {
    let between = _mm256_permute2x128_si256::<0x21>(before, now);
    _mm256_alignr_epi8::<SHIFT>(now, between)
}

/// Some bytes of a block whose `\uXXXX` become UTF-8.
struct Units {
    /// The bytes, characters in their places.
    text: __m256i,
    /// Second and third digits over which nothing is written.
    dropped: __m256i,
    /// Second digits of surrogates.
    surrogates: __m256i,
}

/// In UTF-8 each byte of a character is made of a digit and the one before, so it is written over that digit. `digit` and
/// `unicode`, which is all ones at each `u`, are those of `text`, `earlier` those of the bytes before.
#[inline]
#[target_feature(enable = "avx2")]
fn units(text: __m256i, [digit, unicode]: Halves, earlier: Halves) -> Units {
    let splat = |byte: u8| _mm256_set1_epi8(byte as i8);
    let [second, third, fourth] = [
        after::<14>(unicode, earlier[1]),
        after::<13>(unicode, earlier[1]),
        after::<12>(unicode, earlier[1]),
    ];
    let [before, before_2, before_3] = [
        after::<15>(digit, earlier[0]),
        after::<14>(digit, earlier[0]),
        after::<13>(digit, earlier[0]),
    ];
    let small = _mm256_cmpgt_epi8(splat(8), digit);
    let small_before = _mm256_cmpgt_epi8(splat(8), before);
    let zero_before_2 = equal(before_2, 0);
    let small_behind_0 = _mm256_and_si256(equal(before, 0), small);
    let one_byte = _mm256_and_si256(equal(_mm256_or_si256(before_2, before_3), 0), small_before);
    let two_bytes = _mm256_and_si256(zero_before_2, small_before);
    let dropped = _mm256_or_si256(
        _mm256_and_si256(second, small_behind_0),
        _mm256_and_si256(third, _mm256_and_si256(zero_before_2, small_behind_0)),
    );
    // No digit has more than four bits, so these shifts leave the neighbours alone, but for the one to the right.
    let right = _mm256_and_si256(_mm256_srli_epi16::<2>(digit), splat(3));
    let middle = _mm256_or_si256(_mm256_slli_epi16::<2>(before), right);
    let lead = _mm256_or_si256(splat(0x80), _mm256_and_si256(two_bytes, splat(0x40)));
    let ascii = _mm256_or_si256(_mm256_slli_epi16::<4>(before), digit);
    let last = _mm256_or_si256(_mm256_and_si256(ascii, splat(0x3F)), splat(0x80));
    let text = _mm256_blendv_epi8(text, _mm256_or_si256(before, splat(0xE0)), second);
    let text = _mm256_blendv_epi8(text, _mm256_or_si256(middle, lead), third);
    let text = _mm256_blendv_epi8(text, _mm256_blendv_epi8(last, ascii, one_byte), fourth);
    let d_before = _mm256_and_si256(second, equal(before, 13));
    Units {
        text,
        dropped,
        surrogates: _mm256_andnot_si256(small, d_before),
    }
}

/// All escapes at once if they are several; one after the other where there is a surrogate.
#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn decode_units(block: &Block, unicode: u64, keep: u64) -> Decoded {
    if unicode.count_ones() < 3 {
        return units::decode(block, unicode, keep);
    }
    let whole = unicode & u64::MAX >> 4;
    let taken = (unicode & !whole).trailing_zeros();
    let text = load(block);
    let digit = |text| {
        let letter = _mm256_cmpgt_epi8(text, _mm256_set1_epi8(0x40));
        let nine = _mm256_and_si256(letter, _mm256_set1_epi8(9));
        _mm256_add_epi8(_mm256_and_si256(text, _mm256_set1_epi8(15)), nine)
    };
    let none = [_mm256_setzero_si256(); 2];
    let low = [digit(text[0]), spread(whole as u32)];
    let high = [digit(text[1]), spread((whole >> 32) as u32)];
    let [low, high] = [units(text[0], low, none), units(text[1], high, low)];
    if bits([low.surrogates, high.surrogates]) != 0 {
        return units::decode(block, unicode, keep);
    }
    let dropped = bits([low.dropped, high.dropped]);
    let mut decoded = [0; BLOCK];
    store(&mut decoded, [low.text, high.text]);
    Decoded {
        block: decoded,
        keep: units::kept(keep, whole, dropped) & u64::MAX >> (64 - taken),
        taken: taken as usize,
    }
}
