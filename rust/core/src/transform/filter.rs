//! Which rows stay.

use arrow_array::{Array, ArrayRef};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::ArrowError;

use super::expression::{Expression, evaluate};
use crate::decode::{Predicate, Verdict};

/// One compiled condition. Rows stay for which it is true, and those for which it is NULL while one of the columns it
/// reads drifted: nobody can say that they should go.
#[derive(Clone, Debug)]
pub struct Filter {
    pub condition: Expression,
    /// The slots it reads, ascending.
    pub reads: Vec<usize>,
}

impl Filter {
    /// Both by row: whether it stays, and whether that was left open. `drifted` by slot.
    pub fn verdict(
        &self,
        columns: &[Option<ArrayRef>],
        drifted: &[Option<BooleanBuffer>],
        rows: usize,
    ) -> Result<(BooleanBuffer, BooleanBuffer), ArrowError> {
        let truths = evaluate(&self.condition, columns, rows)?;
        let nothing = BooleanBuffer::new_unset(rows);
        let Some(known) = truths.nulls().map(NullBuffer::inner) else {
            return Ok((truths.values().clone(), nothing));
        };
        let open = self
            .reads
            .iter()
            .filter_map(|&slot| drifted.get(slot)?.as_ref())
            .fold(nothing, |open, drifted| &open | drifted);
        let undecided = &open & &!known;
        let stays = &(truths.values() & known) | &undecided;
        Ok((stays, undecided))
    }
}

/// Filters that run on what the decoder reads first.
#[derive(Debug)]
pub struct FirstFilters {
    filters: Vec<Filter>,
    reads: Vec<usize>,
}

impl FirstFilters {
    pub fn new(filters: Vec<Filter>) -> Self {
        let mut reads: Vec<usize> = filters
            .iter()
            .flat_map(|filter| filter.reads.clone())
            .collect();
        reads.sort_unstable();
        reads.dedup();
        Self { filters, reads }
    }
}

impl Predicate for FirstFilters {
    fn columns(&self) -> &[usize] {
        &self.reads
    }

    fn verdict(
        &self,
        columns: &[ArrayRef],
        drifted: &[BooleanBuffer],
        rows: usize,
    ) -> Result<Verdict, ArrowError> {
        let slots = self.reads.last().map_or(0, |last| last + 1);
        let (mut by_slot, mut drifted_by_slot) = (vec![None; slots], vec![None; slots]);
        for ((&slot, column), drifted) in self.reads.iter().zip(columns).zip(drifted) {
            by_slot[slot] = Some(column.clone());
            drifted_by_slot[slot] = Some(drifted.clone());
        }
        let mut stays = BooleanBuffer::new_set(rows);
        let mut undecided = BooleanBuffer::new_unset(rows);
        for filter in &self.filters {
            let (passed, open) = filter.verdict(&by_slot, &drifted_by_slot, rows)?;
            stays = &stays & &passed;
            undecided = &undecided | &open;
        }
        let undecided = (&stays & &undecided).count_set_bits() as u64;
        Ok(Verdict { stays, undecided })
    }
}
