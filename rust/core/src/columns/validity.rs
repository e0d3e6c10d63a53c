//! Which rows of a column are not null.

use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

/// A bitmap that is written 64 rows at a time.
#[derive(Debug, Default)]
pub struct Validity {
    words: Vec<u64>,
    word: u64,
    rows: usize,
    valid: usize,
}

impl Validity {
    /// An empty one with room for `rows`.
    pub fn new(rows: usize) -> Self {
        Self {
            words: Vec::with_capacity(rows.div_ceil(64)),
            ..Self::default()
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Append a row.
    #[inline(always)]
    pub fn push(&mut self, valid: bool) {
        self.word |= u64::from(valid) << (self.rows % 64);
        self.valid += usize::from(valid);
        self.rows += 1;
        if self.rows.is_multiple_of(64) {
            self.words.push(self.word);
            self.word = 0;
        }
    }

    /// Append `rows` rows that are alike.
    pub fn push_run(&mut self, valid: bool, mut rows: usize) {
        let bits = if valid { u64::MAX } else { 0 };
        while rows > 0 {
            let some = rows.min(64);
            self.push_all(bits >> (64 - some), some);
            rows -= some;
        }
    }

    /// Append `rows` rows, at most 64: the low bits of `valid`, which has no others.
    #[inline(always)]
    pub fn push_all(&mut self, valid: u64, rows: usize) {
        let filled = self.rows % 64;
        self.word |= valid << filled;
        self.valid += valid.count_ones() as usize;
        self.rows += rows;
        if filled + rows >= 64 {
            self.words.push(self.word);
            self.word = valid.unbounded_shr(64 - filled as u32);
        }
    }

    /// The rows as bits.
    pub fn into_bits(mut self) -> BooleanBuffer {
        self.words.push(self.word);
        BooleanBuffer::new(Buffer::from_vec(self.words), 0, self.rows)
    }

    /// The nulls, if there are any.
    pub fn finish(self) -> Option<NullBuffer> {
        (self.valid < self.rows).then(|| NullBuffer::new(self.into_bits()))
    }
}

#[cfg(test)]
mod tests {
    use super::Validity;

    /// Rows appended together are those appended one by one, wherever in a word they begin.
    #[test]
    fn many_rows_are_so_many_rows() {
        let bits = 0x9E37_79B9_7F4A_7C15_u64;
        for before in 0..130 {
            for rows in 0..=64 {
                let valid = bits & u64::MAX.checked_shr(64 - rows).unwrap_or(0);
                let (mut together, mut single) = (Validity::new(0), Validity::new(0));
                for row in 0..before {
                    together.push(row % 3 == 0);
                    single.push(row % 3 == 0);
                }
                together.push_all(valid, rows as usize);
                (0..rows).for_each(|row| single.push(valid >> row & 1 == 1));
                together.push(true);
                single.push(true);
                assert_eq!(together.finish(), single.finish(), "{before} {rows}");
            }
        }
    }
}
