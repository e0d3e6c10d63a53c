//! What one column is given: its values in some records.

use super::nested_stage::{NestedStage, StagedRecord};
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
    /// Where each record's value is, and what is staged of it.
    pub staged: &'a Staged,
    /// The same of a nested column.
    pub nested: Option<&'a NestedStage>,
    /// The records that become rows, ascending.
    pub records: &'a [u32],
}

impl<'a> Cells<'a> {
    /// Each record and its value.
    #[inline(always)]
    pub fn each(self) -> impl Iterator<Item = (u32, Option<Token>)> + 'a {
        self.records.iter().map(move |&record| {
            let token = self.staged.token(record as usize);
            (record, token)
        })
    }

    /// The values of all the records, if each value of the block is either staged or absent.
    #[inline(always)]
    #[must_use]
    pub fn whole(self) -> Option<Whole<'a>> {
        let block = self.places.len();
        (self.staged.odd == 0).then_some(Whole {
            cells: &self.staged.cells,
            valid: self.staged.valid,
            block,
            records: self.records,
        })
    }

    /// The staged value of a record; none if it has to be read by its token.
    #[inline(always)]
    #[must_use]
    pub fn staged(self, record: u32) -> Option<u128> {
        let bit = 1 << (record as usize % BLOCK_RECORDS);
        (self.staged.valid & bit != 0).then(|| self.staged.cells[record as usize % BLOCK_RECORDS])
    }

    /// What is staged of a record, if the column is nested; none if its value has to be read by its token.
    #[inline(always)]
    #[must_use]
    pub fn nested(&self, record: u32) -> Option<StagedRecord<'a>> {
        self.nested?.record(record, self.text(record))
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

/// Staged values of some of a block's records; 0 where a record has none.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    cells: &'a [u128; BLOCK_RECORDS],
    valid: u64,
    /// How many records the block has.
    block: usize,
    records: &'a [u32],
}

impl Whole<'_> {
    /// How many there are.
    #[inline(always)]
    #[must_use]
    pub fn rows(self) -> usize {
        self.records.len()
    }

    /// What `of_cell` makes of each.
    #[inline(always)]
    pub fn append_to<T>(self, values: &mut Vec<T>, of_cell: impl Fn(u128) -> T) {
        if self.rows() == self.block {
            let cells = self.cells.iter().take(self.block);
            values.extend(cells.map(|&cell| of_cell(cell)));
        } else {
            let records = self.records.iter();
            values.extend(
                records.map(|&record| of_cell(self.cells[record as usize % BLOCK_RECORDS])),
            );
        }
    }

    /// Whether `is_so` of each.
    #[inline(always)]
    pub fn all(self, is_so: impl Fn(u128) -> bool) -> bool {
        let mut records = self.records.iter();
        records.all(|&record| is_so(self.cells[record as usize % BLOCK_RECORDS]))
    }

    /// By row a bit: whether there is a value.
    #[inline(always)]
    #[must_use]
    pub fn valid(self) -> u64 {
        if self.rows() == self.block {
            self.valid
        } else if self.valid == first(self.block) {
            first(self.rows())
        } else {
            self.bits(|record| self.valid >> record & 1)
        }
    }

    /// By row a bit: whether the value is true.
    #[inline(always)]
    #[must_use]
    pub fn trues(self) -> u64 {
        self.bits(|record| u64::from(self.cells[record] != 0))
    }

    #[inline(always)]
    fn bits(self, of_record: impl Fn(usize) -> u64) -> u64 {
        let rows = self.records.iter().enumerate();
        rows.map(|(row, &record)| of_record(record as usize % BLOCK_RECORDS) << row)
            .sum()
    }
}

/// The lowest `rows` bits.
#[inline(always)]
fn first(rows: usize) -> u64 {
    u64::MAX.unbounded_shr((BLOCK_RECORDS - rows) as u32)
}

/// Something about a value that does not show in its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// It does not fit; the column is null.
    Misfit(Misfit, Token),
    /// It fits, but a part of it has no place in the column; the path of that part below the column's own.
    Inside(String, Token),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whichever records a filter leaves, and whichever of them have a value.
    #[test]
    fn values_of_some_records_are_those_of_each() {
        let cells: [u128; BLOCK_RECORDS] = std::array::from_fn(|record| record as u128 % 3);
        let every: Vec<u32> = (0..50).collect();
        let some: Vec<u32> = (0..50).filter(|record| record % 7 != 3).collect();
        for (records, valid) in [
            (&every, first(50)),
            (&every, 0x2_4924),
            (&some, first(50)),
            (&some, 0x2_4924),
            (&Vec::new(), first(50)),
        ] {
            let whole = Whole {
                cells: &cells,
                valid,
                block: 50,
                records,
            };
            let (mut values, mut by_row, mut trues) = (vec![7], 0_u64, 0_u64);
            whole.append_to(&mut values, |cell| cell);
            assert_eq!(values.len(), 1 + records.len());
            for (row, &record) in records.iter().enumerate() {
                assert_eq!(values[1 + row], cells[record as usize]);
                by_row |= (valid >> record & 1) << row;
                trues |= u64::from(record % 3 != 0) << row;
            }
            assert_eq!(whole.valid(), by_row);
            assert_eq!(whole.trues(), trues);
            assert!(whole.all(|cell| cell < 3));
            assert_eq!(
                whole.all(|cell| cell < 2),
                records.iter().all(|record| record % 3 < 2)
            );
        }
    }
}
