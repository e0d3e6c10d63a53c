//! Parquet's bit-packed forms of integers: runs of levels and of dictionary indices, and deltas.

use std::iter;

/// Deltas that share a smallest one, and those of them that share a width. Parquet wants multiples of 128 and 32.
const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;

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
    let groups = indices.len().div_ceil(8);
    varint(out, ((groups as u64) << 1) | 1);
    let padding = iter::repeat_n(0, groups * 8 - indices.len());
    let values = indices.iter().map(|&index| u64::from(index));
    pack(out, width, values.chain(padding));
}

/// Appends `values` as `DELTA_BINARY_PACKED`. `narrow` values have 32 bits, and so have their deltas.
pub fn deltas(out: &mut Vec<u8>, values: &[i64], narrow: bool) {
    let first = values.first().copied().unwrap_or_default();
    varint(out, BLOCK as u64);
    varint(out, (BLOCK / MINIBLOCK) as u64);
    varint(out, values.len() as u64);
    varint(out, zigzag(first));
    let mut previous = first;
    for block in values.get(1..).unwrap_or_default().chunks(BLOCK) {
        // What is missing of the last block counts as its smallest delta, and is packed as zeros.
        let mut packed = [0_u64; BLOCK];
        let mut smallest = i64::MAX;
        for (delta, &value) in packed.iter_mut().zip(block) {
            let wide = value.wrapping_sub(previous);
            let wrapped = if narrow { i64::from(wide as i32) } else { wide };
            smallest = smallest.min(wrapped);
            *delta = wrapped as u64;
            previous = value;
        }
        for delta in &mut packed[..block.len()] {
            *delta = delta.wrapping_sub(smallest as u64);
        }
        varint(out, zigzag(smallest));
        let widths_at = out.len();
        out.extend_from_slice(&[0; BLOCK / MINIBLOCK]);
        let used = block.len().div_ceil(MINIBLOCK);
        for (number, miniblock) in packed.chunks_exact(MINIBLOCK).take(used).enumerate() {
            let width = bits(miniblock.iter().fold(0, |all, delta| all | delta));
            out[widths_at + number] = width as u8;
            pack(out, width, miniblock.iter().copied());
        }
    }
}

/// Appends values of `width` bits each, the lowest bit first. Together they must fill whole bytes.
fn pack(out: &mut Vec<u8>, width: usize, values: impl Iterator<Item = u64>) {
    if width == 0 {
        return;
    }
    let (mut word, mut filled) = (0_u64, 0);
    for value in values {
        word |= value << filled;
        filled += width;
        if filled >= 64 {
            out.extend_from_slice(&word.to_le_bytes());
            filled -= 64;
            word = if filled == 0 {
                0
            } else {
                value >> (width - filled)
            };
        }
    }
    out.extend_from_slice(&word.to_le_bytes()[..filled / 8]);
}

/// How many bits hold it.
fn bits(value: u64) -> usize {
    (u64::BITS - value.leading_zeros()) as usize
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
