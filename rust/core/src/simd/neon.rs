//! NEON, which every aarch64 machine has.
//!
//! There is no movemask. Where it only matters whether any of 16 bytes is hit, a shift that narrows leaves four bits per
//! byte; for the bits of a whole block each byte is reduced to its bit, then neighbours are added three times.
//!
//! Invariant: [`Neon`] only exists where NEON is part of the target, so its methods run on no other machine.

#![allow(unsafe_code, reason = "intrinsics; each block says what it relies on")]

use std::arch::aarch64::{
    uint8x16_t, uint8x16x2_t, vandq_u8, vbicq_u8, vbslq_u8, vceqq_u8, vcgeq_u8, vcleq_u8, vcltq_u8,
    vcnt_u8, vcombine_u8, vcreate_u8, vdup_n_u8, vdupq_n_u8, veorq_u8, vextq_u8, vget_lane_u64,
    vgetq_lane_u32, vgetq_lane_u64, vld1q_u8, vmlaq_u8, vornq_u8, vorrq_u8, vqtbl1q_u8, vqtbx2q_u8,
    vreinterpret_u64_u8, vreinterpretq_u16_u8, vreinterpretq_u32_u8, vreinterpretq_u64_u8,
    vshrn_n_u16, vshrq_n_u8, vsliq_n_u8, vst1q_u8, vsubq_u8, vtstq_u8,
};
use std::arch::asm;
use std::mem::MaybeUninit;

use super::classes::MEANINGS;
use super::classes::nibbles::{self, COMPACT};
use super::sealed::Sealed;
use super::units::{self, Decoded};
use super::{BLOCK, Backend, Block, EscapeBits, HexBits, Kernel, Literal, StringBits};

#[derive(Clone, Copy, Debug)]
pub struct Neon;

/// As it is: all code of this target is compiled with NEON.
#[inline(always)]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Neon>()
}

impl Sealed for Neon {}

impl Backend for Neon {
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
}

/// A block in four registers.
type Quarters = [uint8x16_t; 4];

#[inline]
#[target_feature(enable = "neon")]
fn load(block: &Block) -> Quarters {
    // SAFETY: reads the 64 bytes of `block`, 16 by 16, at any alignment.
    unsafe {
        [
            vld1q_u8(block.as_ptr()),
            vld1q_u8(block.as_ptr().add(16)),
            vld1q_u8(block.as_ptr().add(32)),
            vld1q_u8(block.as_ptr().add(48)),
        ]
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn store(block: &mut Block, [a, b, c, d]: Quarters) {
    // SAFETY: writes the 64 bytes of `block`, 16 by 16, at any alignment.
    unsafe {
        vst1q_u8(block.as_mut_ptr(), a);
        vst1q_u8(block.as_mut_ptr().add(16), b);
        vst1q_u8(block.as_mut_ptr().add(32), c);
        vst1q_u8(block.as_mut_ptr().add(48), d);
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn sixteen(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: reads the 16 bytes of `bytes`, at any alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

/// Each two neighbours added, those of `low` first. LLVM 22 makes three instructions of the intrinsic where what is
/// added comes from comparisons.
#[inline]
#[target_feature(enable = "neon")]
fn add_pairs(low: uint8x16_t, high: uint8x16_t) -> uint8x16_t {
    let sums: uint8x16_t;
    // SAFETY: one instruction on three registers, without memory and flags.
    unsafe {
        asm!(
            "addp {sums:v}.16b, {low:v}.16b, {high:v}.16b",
            sums = lateout(vreg) sums,
            low = in(vreg) low,
            high = in(vreg) high,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// The bit that stands for a byte among its eight, in bytes that are all ones.
#[inline]
#[target_feature(enable = "neon")]
fn own_bit(text: uint8x16_t) -> uint8x16_t {
    const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
    vandq_u8(text, sixteen(&BITS))
}

/// The bit of each byte; bytes are all ones or zeros.
#[inline]
#[target_feature(enable = "neon")]
fn bits([a, b, c, d]: Quarters) -> u64 {
    let low = add_pairs(own_bit(a), own_bit(b));
    let high = add_pairs(own_bit(c), own_bit(d));
    let eights = add_pairs(low, high);
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(add_pairs(eights, eights)))
}

/// Four bits per byte; bytes are all ones or zeros.
#[inline]
#[target_feature(enable = "neon")]
fn fours(text: uint8x16_t) -> u64 {
    let narrow = vshrn_n_u16::<4>(vreinterpretq_u16_u8(text));
    vget_lane_u64::<0>(vreinterpret_u64_u8(narrow))
}

#[inline]
#[target_feature(enable = "neon")]
fn is_any([a, b, c, d]: Quarters) -> bool {
    fours(vorrq_u8(vorrq_u8(a, b), vorrq_u8(c, d))) != 0
}

#[inline]
#[target_feature(enable = "neon")]
fn equal([a, b, c, d]: Quarters, byte: u8) -> Quarters {
    let byte = vdupq_n_u8(byte);
    [
        vceqq_u8(a, byte),
        vceqq_u8(b, byte),
        vceqq_u8(c, byte),
        vceqq_u8(d, byte),
    ]
}

/// One comparison for quotes and control bytes: flipping bit 1 takes `"` to 0x20, and each control byte to another.
#[inline]
#[target_feature(enable = "neon")]
fn special(text: uint8x16_t) -> uint8x16_t {
    let flipped = veorq_u8(text, vdupq_n_u8(2));
    let quote_or_control = vcleq_u8(flipped, vdupq_n_u8(0x20));
    vorrq_u8(quote_or_control, vceqq_u8(text, vdupq_n_u8(b'\\')))
}

#[inline]
#[target_feature(enable = "neon")]
fn first_special(block: &Block) -> usize {
    let [a, b, c, d] = load(block);
    let special = [special(a), special(b), special(c), special(d)];
    if is_any(special) {
        bits(special).trailing_zeros() as usize
    } else {
        BLOCK
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn special_bits(block: &Block) -> u64 {
    let [a, b, c, d] = load(block);
    bits([special(a), special(b), special(c), special(d)])
}

/// Control bytes are looked for before they are located: in strings there are none.
#[inline]
#[target_feature(enable = "neon")]
fn string_bits(block: &Block) -> StringBits {
    let text @ [a, b, c, d] = load(block);
    let space = vdupq_n_u8(b' ');
    let control = [
        vcltq_u8(a, space),
        vcltq_u8(b, space),
        vcltq_u8(c, space),
        vcltq_u8(d, space),
    ];
    StringBits {
        quote: bits(equal(text, b'"')),
        backslash: bits(equal(text, b'\\')),
        control: if is_any(control) { bits(control) } else { 0 },
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn digit_bits(bytes: &[u8; 32]) -> u32 {
    // SAFETY: reads the 32 bytes of `bytes`, at any alignment.
    let (low, high) = unsafe { (vld1q_u8(bytes.as_ptr()), vld1q_u8(bytes.as_ptr().add(16))) };
    let (zero, nine) = (vdupq_n_u8(b'0'), vdupq_n_u8(9));
    let low = vcleq_u8(vsubq_u8(low, zero), nine);
    let high = vcleq_u8(vsubq_u8(high, zero), nine);
    let pairs = add_pairs(own_bit(low), own_bit(high));
    let fours = add_pairs(pairs, pairs);
    vgetq_lane_u32::<0>(vreinterpretq_u32_u8(add_pairs(fours, fours)))
}

/// Bytes behind the literal count as equal.
#[inline]
#[target_feature(enable = "neon")]
fn begins_with(block: &Block, literal: &Literal) -> bool {
    let [a, b, ..] = load(block);
    // SAFETY: reads the 32 bytes of the literal.
    let (low, high) = unsafe {
        (
            vld1q_u8(literal.bytes.as_ptr()),
            vld1q_u8(literal.bytes.as_ptr().add(16)),
        )
    };
    let places = sixteen(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    // What is left of the literal from each of its halves on, or none.
    let left = |from: usize| vdupq_n_u8(literal.length().saturating_sub(from) as u8);
    let low = vorrq_u8(vceqq_u8(a, low), vcgeq_u8(places, left(0)));
    let high = vorrq_u8(vceqq_u8(b, high), vcgeq_u8(places, left(16)));
    fours(vandq_u8(low, high)) == u64::MAX
}

/// What each byte is. A byte that isn't ASCII finds 0 in the second table.
#[inline]
#[target_feature(enable = "neon")]
fn look_up([a, b, c, d]: Quarters, by_low: &[u8; 16], by_high: &[u8; 16]) -> Quarters {
    let (by_low, by_high, low_half) = (sixteen(by_low), sixteen(by_high), vdupq_n_u8(15));
    let classes = |text| {
        let low = vqtbl1q_u8(by_low, vandq_u8(text, low_half));
        vandq_u8(low, vqtbl1q_u8(by_high, vshrq_n_u8::<4>(text)))
    };
    [classes(a), classes(b), classes(c), classes(d)]
}

/// The bit of each byte that has any bit of `class`.
#[inline]
#[target_feature(enable = "neon")]
fn class_bits([a, b, c, d]: Quarters, class: u8) -> u64 {
    let class = vdupq_n_u8(class);
    bits([
        vtstq_u8(a, class),
        vtstq_u8(b, class),
        vtstq_u8(c, class),
        vtstq_u8(d, class),
    ])
}

#[inline]
#[target_feature(enable = "neon")]
fn escape_bits(block: &Block) -> EscapeBits {
    let text = load(block);
    let classes = look_up(text, &nibbles::ESCAPE_BY_LOW, &nibbles::ESCAPE_BY_HIGH);
    let unicode = equal(text, b'u');
    EscapeBits {
        valid: class_bits(classes, u8::MAX),
        unicode: if is_any(unicode) { bits(unicode) } else { 0 },
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn hex_bits(block: &Block) -> HexBits {
    let classes = look_up(load(block), &nibbles::HEX_BY_LOW, &nibbles::HEX_BY_HIGH);
    HexBits {
        digit: class_bits(classes, u8::MAX),
        d: class_bits(classes, nibbles::D),
        high: class_bits(classes, nibbles::HIGH),
        low: class_bits(classes, nibbles::LOW),
    }
}

/// Each byte all ones or zeros, as the lowest 16 bits are.
#[inline]
#[target_feature(enable = "neon")]
fn spread(bits: u64) -> uint8x16_t {
    let repeated = vcombine_u8(vdup_n_u8(bits as u8), vdup_n_u8((bits >> 8) as u8));
    vtstq_u8(repeated, own_bit(vdupq_n_u8(u8::MAX)))
}

/// `text`, but letters at `escaped` as what they mean behind a backslash: for all else `tbx` has no entry, and leaves
/// it as it is.
#[inline]
#[target_feature(enable = "neon")]
fn replace(text: uint8x16_t, escaped: u64) -> uint8x16_t {
    // SAFETY: reads the last 32 of the table's 128 bytes.
    let letters = unsafe {
        uint8x16x2_t(
            vld1q_u8(MEANINGS.0.as_ptr().add(0x60)),
            vld1q_u8(MEANINGS.0.as_ptr().add(0x70)),
        )
    };
    let entry = vornq_u8(vsubq_u8(text, vdupq_n_u8(0x60)), spread(escaped));
    vqtbx2q_u8(text, letters, entry)
}

/// Sixteen bytes at a time, each time sixteen are written and the next ones go over those too many. Where they go is
/// counted from `keep` alone, so no step waits for the one before.
#[inline]
#[target_feature(enable = "neon")]
fn unescape_block(block: &Block, escaped: u64, keep: u64, out: &mut [MaybeUninit<u8>; BLOCK]) {
    // How many of each eight are kept, then by a product how many before them.
    let counts = vcnt_u8(vcreate_u8(keep));
    let counts = vget_lane_u64::<0>(vreinterpret_u64_u8(counts));
    let before = counts.wrapping_mul(0x0101_0101_0101_0101) << 8;
    for (sixteen, text) in load(block).into_iter().enumerate() {
        let plain = replace(text, escaped >> (16 * sixteen));
        let places = &COMPACT[usize::from((keep >> (16 * sixteen)) as u16)];
        let to = (before >> (16 * sixteen) & 0xFF) as usize;
        // SAFETY: reads the 16 bytes of `places`, and writes 16 of the 64 bytes of `out`: `to` is at most `16 * sixteen`.
        unsafe {
            let places = vld1q_u8(places.as_ptr());
            vst1q_u8(out.as_mut_ptr().add(to).cast(), vqtbl1q_u8(plain, places));
        }
    }
}

/// 16 bytes of a block whose `\uXXXX` become UTF-8.
struct Units {
    /// The bytes, characters in their places.
    text: uint8x16_t,
    /// Second and third digits over which nothing is written.
    dropped: uint8x16_t,
    /// Second digits of surrogates.
    surrogates: uint8x16_t,
}

/// In UTF-8 each byte of a character is made of a digit and the one before, so it is written over that digit. `digit` and
/// `unicode`, which is all ones at each `u`, are those of `text`, `earlier` those of the bytes before.
#[inline]
#[target_feature(enable = "neon")]
fn units(text: uint8x16_t, [digit, unicode]: [uint8x16_t; 2], earlier: [uint8x16_t; 2]) -> Units {
    let [second, third, fourth] = [
        vextq_u8::<14>(earlier[1], unicode),
        vextq_u8::<13>(earlier[1], unicode),
        vextq_u8::<12>(earlier[1], unicode),
    ];
    let [before, before_2, before_3] = [
        vextq_u8::<15>(earlier[0], digit),
        vextq_u8::<14>(earlier[0], digit),
        vextq_u8::<13>(earlier[0], digit),
    ];
    let (zero, eight) = (vdupq_n_u8(0), vdupq_n_u8(8));
    let (small, small_before) = (vcltq_u8(digit, eight), vcltq_u8(before, eight));
    let zero_before_2 = vceqq_u8(before_2, zero);
    let small_behind_0 = vandq_u8(vceqq_u8(before, zero), small);
    let one_byte = vandq_u8(vceqq_u8(vorrq_u8(before_2, before_3), zero), small_before);
    let two_bytes = vandq_u8(zero_before_2, small_before);
    let dropped = vorrq_u8(
        vandq_u8(second, small_behind_0),
        vandq_u8(third, vandq_u8(zero_before_2, small_behind_0)),
    );
    let middle = vsliq_n_u8::<2>(vshrq_n_u8::<2>(digit), before);
    let lead = vbslq_u8(two_bytes, vdupq_n_u8(0xC0), vdupq_n_u8(0x80));
    let ascii = vsliq_n_u8::<4>(digit, before);
    let last = vorrq_u8(vandq_u8(ascii, vdupq_n_u8(0x3F)), vdupq_n_u8(0x80));
    let text = vbslq_u8(second, vorrq_u8(before, vdupq_n_u8(0xE0)), text);
    let text = vbslq_u8(third, vorrq_u8(middle, lead), text);
    let text = vbslq_u8(fourth, vbslq_u8(one_byte, ascii, last), text);
    let d_before = vandq_u8(second, vceqq_u8(before, vdupq_n_u8(13)));
    Units {
        text,
        dropped,
        surrogates: vbicq_u8(d_before, small),
    }
}

/// All escapes at once if they are several; one after the other where there is a surrogate.
#[inline]
#[target_feature(enable = "neon")]
fn decode_units(block: &Block, unicode: u64, keep: u64) -> Decoded {
    if unicode.count_ones() < 4 {
        return units::decode(block, unicode, keep);
    }
    let whole = unicode & u64::MAX >> 4;
    let taken = (unicode & !whole).trailing_zeros();
    let [a, b, c, d] = load(block);
    let digit = |text| {
        let low_half = vandq_u8(text, vdupq_n_u8(15));
        vmlaq_u8(low_half, vshrq_n_u8::<6>(text), vdupq_n_u8(9))
    };
    let with_unicode = |text, from: u32| [digit(text), spread(whole >> from)];
    let all = [
        with_unicode(a, 0),
        with_unicode(b, 16),
        with_unicode(c, 32),
        with_unicode(d, 48),
    ];
    let [a, b, c, d] = [
        units(a, all[0], [vdupq_n_u8(0); 2]),
        units(b, all[1], all[0]),
        units(c, all[2], all[1]),
        units(d, all[3], all[2]),
    ];
    if is_any([a.surrogates, b.surrogates, c.surrogates, d.surrogates]) {
        return units::decode(block, unicode, keep);
    }
    let dropped = bits([a.dropped, b.dropped, c.dropped, d.dropped]);
    let mut decoded = [0; BLOCK];
    store(&mut decoded, [a.text, b.text, c.text, d.text]);
    Decoded {
        block: decoded,
        keep: units::kept(keep, whole, dropped) & u64::MAX >> (64 - taken),
        taken: taken as usize,
    }
}
