//! Every backend of the machine against the reference.

#![allow(
    unsafe_code,
    reason = "backends write to memory that may not be initialized"
)]

#[cfg(unix)]
mod guard;

use std::mem::MaybeUninit;

use super::units::Decoded;
use super::{
    BLOCK, Backend, Block, EscapeBits, HexBits, Isa, Kernel, LITERAL, Literal, StringBits,
};

/// All that a backend says about 64 bytes.
#[derive(Debug, PartialEq)]
struct Seen {
    first_special: usize,
    closing_quote: usize,
    special_bits: u64,
    string_bits: StringBits,
    digit_bits: u32,
    begins_with: Vec<bool>,
    escape_bits: EscapeBits,
    hex_bits: HexBits,
}

struct Look<'t>(&'t Block, &'t [Literal]);

impl Kernel for Look<'_> {
    type Output = Seen;

    #[inline(always)]
    fn run<B: Backend>(self) -> Seen {
        let Self(block, literals) = self;
        let mut begins_with = Vec::new();
        for literal in literals {
            begins_with.push(B::begins_with(block, literal));
        }
        Seen {
            first_special: B::first_special(block),
            closing_quote: B::closing_quote(block),
            special_bits: B::special_bits(block),
            string_bits: B::string_bits(block),
            digit_bits: B::digit_bits(block.first_chunk().unwrap()),
            begins_with,
            escape_bits: B::escape_bits(block),
            hex_bits: B::hex_bits(block),
        }
    }
}

fn assert_all_agree(block: &Block, literals: &[Literal]) {
    let expected = Isa::Scalar.run(Look(block, literals));
    for isa in Isa::available() {
        let seen = isa.run(Look(block, literals));
        assert_eq!(seen, expected, "{} {block:?}", isa.name());
    }
}

/// The reference's own words, on a block that has everything.
#[test]
fn the_reference_sees_what_is_there() {
    let mut block = [b'a'; BLOCK];
    block[3..10].copy_from_slice(b"\\\"0\x1F\x209\xFF");
    block[61..63].copy_from_slice(b"Du");
    let literals = [&b"aaa\\\""[..], b"aaa\"", b""].map(|text| Literal::new(text).unwrap());
    let seen = Isa::Scalar.run(Look(&block, &literals));
    let expected = Seen {
        first_special: 3,
        closing_quote: BLOCK,
        special_bits: 1 << 3 | 1 << 4 | 1 << 6,
        string_bits: StringBits {
            quote: 1 << 4,
            backslash: 1 << 3,
            control: 1 << 6,
        },
        digit_bits: 1 << 5 | 1 << 8,
        begins_with: vec![true, false, true],
        escape_bits: EscapeBits {
            valid: 1 << 3 | 1 << 4 | 1 << 62,
            unicode: 1 << 62,
        },
        hex_bits: HexBits {
            digit: !(1 << 3 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 62),
            d: 1 << 61,
            high: !(1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 9 | 3 << 61),
            low: 1 << 61,
        },
    };
    assert_eq!(seen, expected);
}

/// Every byte value at every place of a block, among bytes that are next to a boundary of some class.
#[test]
fn every_byte_is_classified_alike_wherever_it_stands() {
    for background in [b'a', b'"', b'\\', b'5', 0x1F, 0x20, 0x80, 0xFF] {
        for place in 0..BLOCK {
            for byte in 0..=u8::MAX {
                let mut block = [background; BLOCK];
                block[place] = byte;
                assert_all_agree(&block, &[]);
            }
        }
    }
}

/// A literal of every length against a text that differs from it in one byte, or just behind it.
#[test]
fn a_literal_of_any_length_begins_a_block_or_does_not() {
    let text: Block = std::array::from_fn(|index| index as u8 + b'0');
    let literals: Vec<_> = (0..LITERAL)
        .map(|length| Literal::new(&text[..length]).unwrap())
        .collect();
    assert_all_agree(&text, &literals);
    for place in 0..BLOCK {
        for flip in [1, 0x80, 0xFF] {
            let mut block = text;
            block[place] ^= flip;
            assert_all_agree(&block, &literals);
            block[place] = 0;
            assert_all_agree(&block, &literals);
        }
    }
    assert_eq!(Literal::new(&[b'a'; LITERAL]), None);
}

/// Where a block lies in memory changes nothing.
#[test]
fn blocks_are_read_at_any_alignment() {
    let text: Vec<u8> = (0..2 * BLOCK).map(|index| (index * 37) as u8).collect();
    for alignment in 0..BLOCK {
        let block = text[alignment..].first_chunk().unwrap();
        let literals = [Literal::new(&block[..alignment % LITERAL]).unwrap()];
        assert_all_agree(block, &literals);
    }
}

struct Compact<'t>(&'t Block, u64, u64);

impl Kernel for Compact<'_> {
    type Output = Vec<u8>;

    #[inline(always)]
    fn run<B: Backend>(self) -> Vec<u8> {
        let mut out = [MaybeUninit::new(0); BLOCK];
        let Self(block, escaped, keep) = self;
        B::unescape_block(block, escaped, keep, &mut out);
        let kept = &out[..keep.count_ones() as usize];
        // SAFETY: all of `out` was initialized above.
        kept.iter()
            .map(|byte| unsafe { byte.assume_init() })
            .collect()
    }
}

/// What is kept, and what it means, for masks that are empty, full, and anything between.
#[test]
fn kept_bytes_move_to_the_front() {
    let mut masks = vec![0, u64::MAX];
    masks.extend((0..64).flat_map(|bit| [1 << bit, !(1 << bit), u64::MAX << bit]));
    masks.extend((1..64).map(|step| 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(step)));
    let simple = b"\"\\/bfnrt";
    let block: Block = std::array::from_fn(|index| simple[index * 5 % simple.len()]);
    for &keep in &masks {
        for &escaped in &masks {
            let expected = Isa::Scalar.run(Compact(&block, escaped, keep));
            for isa in Isa::available() {
                let kept = isa.run(Compact(&block, escaped, keep));
                assert_eq!(kept, expected, "{} {escaped:x} {keep:x}", isa.name());
            }
        }
    }
}

/// A text shorter than a block is followed by zeros.
#[test]
fn a_short_text_is_filled_up() {
    struct Padded<'t>(&'t [u8]);

    impl Kernel for Padded<'_> {
        type Output = Block;

        #[inline(always)]
        fn run<B: Backend>(self) -> Block {
            B::padded(self.0)
        }
    }

    let text: Block = std::array::from_fn(|index| index as u8 + 1);
    for length in 0..BLOCK {
        let mut expected = [0; BLOCK];
        expected[..length].copy_from_slice(&text[..length]);
        for isa in Isa::available() {
            assert_eq!(isa.run(Padded(&text[..length])), expected, "{}", isa.name());
        }
    }
}

struct Decode<'t>(&'t Block, u64, u64);

impl Kernel for Decode<'_> {
    type Output = (Vec<u8>, usize);

    #[inline(always)]
    fn run<B: Backend>(self) -> Self::Output {
        let Decoded { block, keep, taken } = B::decode_units(self.0, self.1, self.2);
        let kept = (0..BLOCK).filter(|index| keep >> index & 1 == 1);
        (kept.map(|index| block[index]).collect(), taken)
    }
}

/// Every code unit, at places that change from one to the next, beside others.
#[test]
fn every_code_unit_becomes_utf8_alike() {
    for unit in 0..=0xFFFF_u32 {
        let escape = format!("\\u{unit:04x}");
        let text = "x".repeat(unit as usize % 61)
            + &escape
            + "-"
            + &escape.to_uppercase().replace('U', "u");
        let text = text.repeat(5);
        let block: &Block = text.as_bytes().first_chunk().unwrap();
        let at = |byte| {
            (0..BLOCK)
                .filter(|&index| block[index] == byte)
                .fold(0, |bits, index| bits | 1_u64 << index)
        };
        let (unicode, keep) = (at(b'u'), !at(b'\\'));
        let expected = Isa::Scalar.run(Decode(block, unicode, keep));
        for isa in Isa::available() {
            let decoded = isa.run(Decode(block, unicode, keep));
            assert_eq!(decoded, expected, "{} {text}", isa.name());
        }
    }
}
