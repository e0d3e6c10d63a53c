//! Parquet's bit-packed forms of integers: runs of levels and of dictionary indices, and deltas.

use std::ops::BitOr;

use crate::simd::{Backend, Isa, Kernel};

/// Deltas that share a smallest one, and those of them that share a width. Parquet wants multiples of 128 and 32.
const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;

/// Values that are packed together: they fill whole bytes, whatever their width.
const GROUP: usize = 8;

/// Room behind what is packed: a group is written as if it were of the widest kind, and the next one begins in it.
const SLACK: usize = 16;

/// An integer of a column, by which its deltas wrap around.
pub trait Integer: Copy + Default + Ord + BitOr<Output = Self> {
    /// The largest one.
    const MOST: Self;

    /// It less `other`.
    #[must_use]
    fn less(self, other: Self) -> Self;

    /// Its bits.
    fn bits(self) -> u64;

    /// It with its sign.
    fn signed(self) -> i64;
}

impl Integer for i32 {
    const MOST: Self = Self::MAX;

    #[inline(always)]
    fn less(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    #[inline(always)]
    fn bits(self) -> u64 {
        u64::from(self as u32)
    }

    #[inline(always)]
    fn signed(self) -> i64 {
        self.into()
    }
}

impl Integer for i64 {
    const MOST: Self = Self::MAX;

    #[inline(always)]
    fn less(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    #[inline(always)]
    fn bits(self) -> u64 {
        self as u64
    }

    #[inline(always)]
    fn signed(self) -> i64 {
        self
    }
}

/// Appends the definition levels of `rows` rows of a column that has a value or none: one bit each, which is what Arrow's
/// `validity` has already. Without it every row has a value.
pub fn levels(out: &mut Vec<u8>, rows: usize, validity: Option<&[u8]>) {
    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    if let Some(bits) = validity {
        let groups = rows.div_ceil(8);
        varint(out, ((groups as u64) << 1) | 1);
        out.extend_from_slice(&bits[..groups]);
    } else {
        varint(out, (rows as u64) << 1);
        out.push(1);
    }
    let length = (out.len() - length_at - 4) as u32;
    out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
}

/// Appends dictionary indices: their width, then one run of them.
pub fn indices(out: &mut Vec<u8>, indices: &[u32], dictionary_size: usize) {
    let width = bits(dictionary_size.saturating_sub(1) as u64);
    out.push(width as u8);
    let Some(&first) = indices.first() else {
        return;
    };
    if indices.iter().all(|&index| index == first) {
        varint(out, (indices.len() as u64) << 1);
        out.extend_from_slice(&first.to_le_bytes()[..width.div_ceil(8)]);
        return;
    }
    let groups = indices.len().div_ceil(GROUP);
    varint(out, ((groups as u64) << 1) | 1);
    Isa::detect().run(PackIndices {
        out,
        indices,
        width,
    });
}

struct PackIndices<'a> {
    out: &'a mut Vec<u8>,
    indices: &'a [u32],
    width: usize,
}

impl Kernel for PackIndices<'_> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self) {
        let Self {
            out,
            indices,
            width,
        } = self;
        let mut at = out.len();
        out.resize(at + indices.len().div_ceil(GROUP) * width + SLACK, 0);
        let (groups, rest) = indices.as_chunks::<GROUP>();
        for group in groups {
            write(out, at, packed(&group.map(u64::from), width));
            at += width;
        }
        if !rest.is_empty() {
            let mut last = [0; GROUP];
            last.iter_mut()
                .zip(rest)
                .for_each(|(to, &index)| *to = index.into());
            write(out, at, packed(&last, width));
            at += width;
        }
        out.truncate(at);
    }
}

/// Appends `values` as `DELTA_BINARY_PACKED`.
pub fn deltas<T: Integer>(out: &mut Vec<u8>, values: &[T]) {
    let first = values.first().copied().unwrap_or_default();
    varint(out, BLOCK as u64);
    varint(out, (BLOCK / MINIBLOCK) as u64);
    varint(out, values.len() as u64);
    varint(out, zigzag(first.signed()));
    Isa::detect().run(PackDeltas { out, values });
}

struct PackDeltas<'a, T> {
    out: &'a mut Vec<u8>,
    values: &'a [T],
}

impl<T: Integer> Kernel for PackDeltas<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self) {
        let Self { out, mut values } = self;
        while let Some(block) = values.first_chunk::<{ BLOCK + 1 }>() {
            pack_block(out, block, BLOCK);
            values = &values[BLOCK..];
        }
        if let (Some(&last), count @ 1..) = (values.last(), values.len().saturating_sub(1)) {
            let mut block = [last; BLOCK + 1];
            block[..values.len()].copy_from_slice(values);
            pack_block(out, &block, count);
        }
    }
}

/// Appends the first `count` deltas of a block.
#[inline(always)]
fn pack_block<T: Integer>(out: &mut Vec<u8>, values: &[T; BLOCK + 1], count: usize) {
    let mut deltas = [T::default(); BLOCK];
    let mut smallest = T::MOST;
    for (number, delta) in deltas.iter_mut().enumerate() {
        *delta = values[number + 1].less(values[number]);
    }
    for &delta in &deltas[..count] {
        smallest = smallest.min(delta);
    }
    // What is missing of the last block counts as its smallest delta, and is packed as zeros.
    deltas[count..].fill(smallest);
    for delta in &mut deltas {
        *delta = delta.less(smallest);
    }
    varint(out, zigzag(smallest.signed()));
    let mut widths_at = out.len();
    let mut at = widths_at + BLOCK / MINIBLOCK;
    out.resize(at + BLOCK * size_of::<T>() + SLACK, 0);
    for miniblock in deltas
        .chunks_exact(MINIBLOCK)
        .take(count.div_ceil(MINIBLOCK))
    {
        let all = miniblock
            .iter()
            .fold(T::default(), |all, &delta| all | delta);
        let width = bits(all.bits());
        out[widths_at] = width as u8;
        widths_at += 1;
        if width <= WIDTH_OF_GROUPS {
            for group in miniblock.as_chunks::<GROUP>().0 {
                write(out, at, packed(&group.map(T::bits), width));
                at += width;
            }
        } else {
            at = pack_wide(out, at, width, miniblock);
        }
    }
    out.truncate(at);
}

/// The widest values of which [`packed`] makes a group.
const WIDTH_OF_GROUPS: usize = 16;

/// Values of `width` bits each, the lowest bit first.
#[inline(always)]
fn packed(values: &[u64; GROUP], width: usize) -> u128 {
    let half = |values: [u64; 4]| {
        let [a, b, c, d] = values;
        (a | b << width) | (c | d << width) << (2 * width)
    };
    let [a, b, c, d, e, f, g, h] = *values;
    u128::from(half([a, b, c, d])) | u128::from(half([e, f, g, h])) << (4 * width)
}

#[inline(always)]
fn write(out: &mut [u8], at: usize, group: u128) {
    out[at..at + SLACK].copy_from_slice(&group.to_le_bytes());
}

/// Writes values of more bits to `at`; where they end.
fn pack_wide<T: Integer>(out: &mut [u8], mut at: usize, width: usize, values: &[T]) -> usize {
    let (mut word, mut filled) = (0_u64, 0);
    for value in values.iter().map(|value| value.bits()) {
        word |= value << filled;
        filled += width;
        if filled >= 64 {
            out[at..at + 8].copy_from_slice(&word.to_le_bytes());
            at += 8;
            filled -= 64;
            word = if filled == 0 {
                0
            } else {
                value >> (width - filled)
            };
        }
    }
    let rest = filled / 8;
    out[at..at + rest].copy_from_slice(&word.to_le_bytes()[..rest]);
    at + rest
}

/// How many bits hold it.
#[inline(always)]
fn bits(value: u64) -> usize {
    (u64::BITS - value.leading_zeros()) as usize
}

#[inline(always)]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline(always)]
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
