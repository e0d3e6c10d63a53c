//! Decoding under a predicate.

use arrow_array::{Array, ArrayRef};
use arrow_buffer::BooleanBuffer;
use arrow_schema::ArrowError;
use penstock_core::decode::{Predicate, Verdict};

/// Keeps the records that have a value in one column, and, as undecided, those whose value drifted.
#[derive(Debug)]
pub struct HasValue(pub [usize; 1]);

impl Predicate for HasValue {
    fn columns(&self) -> &[usize] {
        &self.0
    }

    fn verdict(
        &self,
        columns: &[ArrayRef],
        drifted: &[BooleanBuffer],
        records: usize,
    ) -> Result<Verdict, ArrowError> {
        let (column, drifted) = (&columns[0], &drifted[0]);
        assert_eq!((column.len(), drifted.len()), (records, records));
        let stays = (0..records).map(|row| column.is_valid(row) || drifted.value(row));
        let undecided = (0..records).filter(|&row| column.is_null(row) && drifted.value(row));
        Ok(Verdict {
            stays: stays.collect(),
            undecided: undecided.count() as u64,
        })
    }
}
