//! The values of the current block in the form that nearly all have, noted while their text is at hand.
//!
//! One cell and one token per column and record. Where all that a block holds is staged, a column takes it whole: 64 rows
//! at a time, validity included. What is not of the common form is marked as odd and read again by its token.

use crate::json::{Kind, Token};

/// Most records of a block: each is a bit of a word.
pub const BLOCK_RECORDS: usize = 64;

/// What is staged of one column.
#[derive(Clone, Debug)]
pub struct Staged {
    /// By record: a view, or what the value is in the column's memory. Once the block is finished, 0 where nothing is
    /// staged.
    pub cells: [u128; BLOCK_RECORDS],
    /// By record where its value is, if it has one.
    tokens: [Token; BLOCK_RECORDS],
    /// The records that have a cell.
    pub valid: u64,
    /// The records that have a value which has to be read by its token: one that is not of the common form or, on the way
    /// to columns, no object.
    pub odd: u64,
    /// The records that have a value of which there is no more to say: a null or, on the way to columns, an object.
    plain: u64,
}

impl Staged {
    const NOTHING: Self = Self {
        cells: [0; BLOCK_RECORDS],
        tokens: [Token::new(Kind::Null, 0, 0); BLOCK_RECORDS],
        valid: 0,
        odd: 0,
        plain: 0,
    };

    /// Stage the value of a record, which is at `token`.
    #[inline(always)]
    pub fn put(&mut self, record: usize, token: Token, cell: u128) {
        self.cells[record % BLOCK_RECORDS] = cell;
        self.tokens[record % BLOCK_RECORDS] = token;
        self.valid |= 1 << (record % BLOCK_RECORDS);
    }

    /// Say that a record's value, which is at `token`, is not of the common form.
    #[inline(always)]
    pub fn mark(&mut self, record: usize, token: Token) {
        self.tokens[record % BLOCK_RECORDS] = token;
        self.odd |= 1 << (record % BLOCK_RECORDS);
    }

    /// Say that there is a value at `token`, and no more.
    #[inline(always)]
    pub fn note(&mut self, record: usize, token: Token) {
        self.tokens[record % BLOCK_RECORDS] = token;
        self.plain |= 1 << (record % BLOCK_RECORDS);
    }

    /// Where a record's value is, if it has one.
    #[inline(always)]
    #[must_use]
    pub fn token(&self, record: usize) -> Option<Token> {
        let here = self.valid | self.odd | self.plain;
        let record = record % BLOCK_RECORDS;
        (here >> record & 1 == 1).then(|| self.tokens[record])
    }
}

/// What is staged of a block, by the number of the column's node.
#[derive(Debug)]
pub struct Stage(Vec<Staged>);

impl Stage {
    /// Room for `nodes` columns.
    pub fn new(nodes: usize) -> Self {
        Self(vec![Staged::NOTHING; nodes])
    }

    /// Begin a block.
    pub fn clear(&mut self) {
        for staged in &mut self.0 {
            (staged.valid, staged.odd, staged.plain) = (0, 0, 0);
        }
    }

    /// End a block of `records`: what is left of others where nothing is staged becomes 0.
    pub fn finish(&mut self, records: usize) {
        let block = u64::MAX.unbounded_shr((BLOCK_RECORDS - records) as u32);
        for staged in &mut self.0 {
            let mut missing = block & !staged.valid;
            if staged.valid == 0 {
                staged.cells[..records].fill(0);
                continue;
            }
            while missing != 0 {
                staged.cells[missing.trailing_zeros() as usize] = 0;
                missing &= missing - 1;
            }
        }
    }

    /// Forget what was staged of a record.
    pub fn undo(&mut self, record: usize) {
        let others = !(1 << (record % BLOCK_RECORDS));
        for staged in &mut self.0 {
            staged.valid &= others;
            staged.odd &= others;
            staged.plain &= others;
        }
    }

    /// The column at a node.
    #[inline(always)]
    pub fn at(&self, node: usize) -> &Staged {
        &self.0[node]
    }

    /// The column at a node, to be staged.
    #[inline(always)]
    pub fn at_mut(&mut self, node: u32) -> &mut Staged {
        &mut self.0[node as usize]
    }
}
