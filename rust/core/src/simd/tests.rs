//! Every backend of the machine against the reference.

use super::{BLOCK, Backend, Block, Isa, Kernel, Literal, StringBits};

/// All that a backend says about 64 bytes.
#[derive(Debug, PartialEq)]
struct Seen {
    first_special: usize,
    string_bits: StringBits,
    digit_bits: u32,
    begins_with: Vec<bool>,
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
            string_bits: B::string_bits(block),
            digit_bits: B::digit_bits(block.first_chunk().unwrap()),
            begins_with,
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
    let literals = [&b"aaa\\\""[..], b"aaa\"", b""].map(|text| Literal::new(text).unwrap());
    let seen = Isa::Scalar.run(Look(&block, &literals));
    let expected = Seen {
        first_special: 3,
        string_bits: StringBits {
            quote: 1 << 4,
            backslash: 1 << 3,
            control: 1 << 6,
        },
        digit_bits: 1 << 5 | 1 << 8,
        begins_with: vec![true, false, true],
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
    let literals: Vec<_> = (0..=BLOCK)
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
    assert_eq!(Literal::new(&[b'a'; BLOCK + 1]), None);
}

/// Where a block lies in memory changes nothing.
#[test]
fn blocks_are_read_at_any_alignment() {
    let text: Vec<u8> = (0..2 * BLOCK).map(|index| (index * 37) as u8).collect();
    for alignment in 0..BLOCK {
        let block = text[alignment..].first_chunk().unwrap();
        let literals = [Literal::new(&block[..alignment]).unwrap()];
        assert_all_agree(block, &literals);
    }
}
