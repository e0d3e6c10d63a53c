//! What one column is given: its values in some records.

use super::scalar::Misfit;
use super::slab::{Place, Texts};
use super::stage::{BLOCK_RECORDS, Staged};
use crate::json::Token;

/// The values of one column in some of a block's records.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    /// By record its text, and what can be read after it.
    pub texts: &'a [&'a [u8]],
    /// By record, where its text is.
    pub places: &'a [Place],
    /// What those are places in.
    pub slabs: &'a Texts,
    /// Of each record `width` values; this column's is at `node`. `None` where the record has none.
    pub tokens: &'a [Option<Token>],
    /// See `tokens`.
    pub width: usize,
    /// See `tokens`.
    pub node: usize,
    /// What is staged of them.
    pub staged: &'a Staged,
    /// The records that become rows, ascending.
    pub records: &'a [u32],
}

impl<'a> Cells<'a> {
    /// Each record and its value.
    #[inline(always)]
    pub fn each(self) -> impl Iterator<Item = (u32, Option<Token>)> + 'a {
        self.records.iter().map(move |&record| {
            let token = self.tokens[record as usize * self.width + self.node];
            (record, token)
        })
    }

    /// The staged values, if all records of the block become rows and each value is either staged or absent.
    #[inline(always)]
    #[must_use]
    pub fn whole(self) -> Option<(&'a [u128], u64)> {
        let whole = self.records.len() == self.places.len() && self.staged.odd == 0;
        let staged = self.staged;
        whole.then(|| (&staged.cells[..self.records.len()], staged.valid))
    }

    /// The staged value of a record; none if it has to be read by its token.
    #[inline(always)]
    #[must_use]
    pub fn staged(self, record: u32) -> Option<u128> {
        let bit = 1 << (record as usize % BLOCK_RECORDS);
        (self.staged.valid & bit != 0).then(|| self.staged.cells[record as usize % BLOCK_RECORDS])
    }

    /// All there is from `position` of a record on, what follows it included.
    #[inline(always)]
    #[must_use]
    pub fn from(&self, record: u32, position: u32) -> &'a [u8] {
        &self.texts[record as usize][position as usize..]
    }

    /// The text of a record.
    #[must_use]
    pub fn text(&self, record: u32) -> &'a str {
        self.slabs.text(self.places[record as usize])
    }

    /// Where a part of a record's text is: its slab's number, and where in the slab.
    #[inline(always)]
    #[must_use]
    pub fn place(&self, record: u32, position: u32) -> (u32, u32) {
        let place = self.places[record as usize];
        (place.slab(), place.start() + position)
    }
}

/// Something about a value that does not show in its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// It does not fit; the column is null.
    Misfit(Misfit, Token),
    /// It fits, but a part of it has no place in the column; the path of that part below the column's own.
    Inside(String, Token),
}
