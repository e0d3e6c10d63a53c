//! The second pass over a block: columns from what the first one noted.

use arrow_array::{Array, ArrayRef};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer};

use super::DecodeError;
use super::demand::Demand;
use super::drift::Drift;
use super::leftover::Leftover;
use super::locate::{Located, Rules};
use super::plan::ROOT;
use crate::columns::{Cells, Column, Findings, Misfit, Oddity, Plain, Surroundings, Texts};
use crate::json::Kind;
use crate::simd::Isa;

/// Some records of a block, located.
#[derive(Clone, Copy, Debug)]
pub struct Block<'b> {
    pub rules: Rules<'b>,
    pub demand: &'b Demand,
    pub slabs: &'b Texts,
    /// By record its text, and what can be read after it.
    pub texts: &'b [&'b [u8]],
    pub located: &'b Located,
    pub records: &'b [u32],
}

impl Block<'_> {
    /// Append the records to each of `columns` that is there; what does not show in them goes to `leftovers`.
    ///
    /// # Errors
    /// If a column can't take more text.
    pub fn fill(
        self,
        columns: &mut [Option<Column>],
        around: &mut Surroundings<'_>,
        leftovers: &mut Vec<Leftover>,
    ) -> Result<(), DecodeError> {
        let plan = self.rules.plan;
        for (number, column) in columns.iter_mut().enumerate() {
            let (planned, kept) = (&plan.columns[number], self.demand.columns[number].kept);
            let node = planned.node;
            if let Some(column) = column {
                column
                    .append(self.cells(node), around, &mut |record, oddity| {
                        leftovers.push(Leftover {
                            record,
                            node,
                            oddity,
                            kept,
                        });
                    })
                    .map_err(|_| DecodeError::TooMuchText(planned.name.clone()))?;
            }
        }
        for (node, planned) in plan.nodes.iter().enumerate().skip(1) {
            if planned.column.is_none() && !planned.kept_as_json {
                self.note_mismatches(node, leftovers);
            }
        }
        Ok(())
    }

    /// Note the values on the way to a column that are not objects.
    fn note_mismatches(self, node: usize, leftovers: &mut Vec<Leftover>) {
        if self.located.tape.stage.at(node).odd == 0 {
            return;
        }
        for (record, token) in self.cells(node).each() {
            if let Some(token) = token
                && !matches!(token.kind, Kind::Object | Kind::Null)
            {
                leftovers.push(Leftover {
                    record,
                    node,
                    oddity: Oddity::Misfit(Misfit::TypeMismatch, token),
                    kept: true,
                });
            }
        }
    }

    /// Add what the records hold beside what was declared to `drift`. What nested values hold is counted elsewhere.
    pub fn count(self, leftovers: &[Leftover], drift: &mut Drift) {
        for leftover in leftovers {
            match leftover.oddity {
                _ if !leftover.kept => {}
                Oddity::Misfit(Misfit::TypeMismatch, _) => drift.type_mismatch += 1,
                Oddity::Misfit(Misfit::OutOfRange, _) => drift.out_of_range += 1,
                Oddity::Inside(..) => {}
            }
        }
        let tape = &self.located.tape;
        if !tape.unknown.is_empty() {
            let counts = self
                .records
                .iter()
                .map(|&record| tape.unknown(record).len() as u64);
            drift.unknown_key += counts.sum::<u64>();
        }
        for &(record, of_record) in &self.located.drifts {
            if self.records.binary_search(&record).is_ok() {
                *drift += of_record;
            }
        }
    }

    /// The values at `node`.
    pub fn cells(&self, node: usize) -> Cells<'_> {
        Cells {
            texts: self.texts,
            slabs: self.slabs,
            places: &self.located.places,
            staged: self.located.tape.stage.at(node),
            nested: self.located.tape.nested[node].as_deref(),
            records: self.records,
        }
    }

    /// Column `number` of the records, by itself.
    ///
    /// # Errors
    /// If it can't take so much text.
    pub fn scout(self, number: usize, isa: Isa) -> Result<ArrayRef, DecodeError> {
        let planned = &self.rules.plan.columns[number];
        let mut column = Column::new(&planned.kind, self.records.len());
        let mut plain = Plain::new(0);
        let mut around = Surroundings {
            plain: &mut plain,
            copied: true,
            findings: &mut Findings::new(self.rules.options.coerce),
            isa,
        };
        column
            .append(self.cells(planned.node), &mut around, &mut |_, _| ())
            .map_err(|_| DecodeError::TooMuchText(planned.name.clone()))?;
        Ok(column.finish(&[Buffer::from_vec(plain.bytes)])?)
    }

    /// For each record, whether column `number`, which `column` is, is null because of a value that did not fit.
    pub fn drift_of(self, number: usize, column: &ArrayRef) -> BooleanBuffer {
        let records = self.records.iter().enumerate();
        records
            .map(|(row, &record)| column.is_null(row) && self.is_there(number, record))
            .collect()
    }

    /// The same of a column that has just been filled, appended to `rows`.
    pub fn append_drift(
        self,
        number: usize,
        leftovers: &[Leftover],
        rows: &mut BooleanBufferBuilder,
    ) {
        let node = self.rules.plan.columns[number].node;
        let misfit = |leftover: &&Leftover| {
            leftover.node == node && matches!(leftover.oddity, Oddity::Misfit(..))
        };
        // In the order of the records, as columns are filled.
        let mut misfits = leftovers.iter().filter(misfit).peekable();
        for &record in self.records {
            let misfit = misfits
                .next_if(|leftover| leftover.record == record)
                .is_some();
            let absent = self.located.tape.get(record, node).is_none();
            rows.append(misfit || absent && self.is_there(number, record));
        }
    }

    /// Whether a record has a value at the column's path, or one on the way to it that is no object.
    fn is_there(self, number: usize, record: u32) -> bool {
        let (plan, tape) = (self.rules.plan, &self.located.tape);
        let mut node = plan.columns[number].node;
        if let Some(value) = tape.get(record, node) {
            return value.kind != Kind::Null;
        }
        while node != ROOT {
            node = plan.nodes[node].parent;
            if let Some(value) = tape.get(record, node) {
                return !matches!(value.kind, Kind::Null | Kind::Object)
                    && !plan.nodes[node].kept_as_json;
            }
        }
        false
    }
}
