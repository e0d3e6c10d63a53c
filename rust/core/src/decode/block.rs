//! One block of records after the other: where their values are, which of them are rows, and the rows' columns.
//!
//! A block is small enough to stay in the cache. The first pass over it checks every record and notes where its values
//! are (`locate`). What a record can still be rejected for, and the predicate, come next; only then are columns
//! appended, one by one, for the records that are rows. So the text of the others is neither unescaped nor copied, and
//! whatever is wrong with a record leaves no trace.

use std::ops::Range;

use arrow_array::ArrayRef;
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use super::DecodeError;
use super::config::DecodeOptions;
use super::demand::{Demand, Predicate};
use super::drift::Drift;
use super::fill::Block;
use super::learn::Shapes;
use super::leftover::{Leftover, ResidueText};
use super::locate::{BlockTexts, Located, Rules};
use super::plan::Plan;
use super::rejection::{Reason, Rejection};
use crate::columns::{
    BLOCK_RECORDS, Column, Findings, Plain, Slabs, Surroundings, Views, append_plain_text,
};
use crate::simd::Isa;

/// Bytes of a block, unless its last record goes over that.
pub const BLOCK_BYTES: usize = 64 << 10;

/// What became of the values of one call.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The values that are rows, ascending.
    pub rows: Vec<u32>,
    /// In the order of the values.
    pub rejections: Vec<Rejection>,
    pub tombstones: u64,
    pub filtered: u64,
    pub drift: Drift,
}

/// What the rows of a call are made of.
#[derive(Debug)]
pub struct Finished {
    /// The columns that are built, in order, then the residue if it is.
    pub arrays: Vec<ArrayRef>,
    /// Of each column that is watched: its number, and the rows whose value drifted.
    pub drifted: Vec<(usize, BooleanBuffer)>,
    pub outcome: Outcome,
}

/// The columns of one decode call while they are filled.
#[derive(Debug)]
pub struct Blocks<'p> {
    plan: &'p Plan,
    demand: &'p Demand,
    isa: Isa,
    slabs: Slabs,
    located: Located,
    /// Those that are built, and those that are required.
    columns: Vec<Option<Column>>,
    /// Of the columns that are watched: for each row, whether its value drifted.
    drifted: Vec<(usize, BooleanBufferBuilder)>,
    residue: Option<Views>,
    residue_text: ResidueText,
    findings: Findings,
    outcome: Outcome,
    /// The current block's records that are rows, and what they leave to the residue.
    records: Vec<u32>,
    leftovers: Vec<Leftover>,
    taken: usize,
}

impl<'p> Blocks<'p> {
    /// With room for `rows` rows: as many as there are values, also where a predicate drops some.
    pub fn new(
        plan: &'p Plan,
        options: DecodeOptions,
        demand: &'p Demand,
        isa: Isa,
        rows: usize,
    ) -> Self {
        let watched = demand.columns.iter().enumerate();
        let residue = options.residue && demand.residue;
        let mut blocks = Self {
            plan,
            demand,
            isa,
            slabs: Slabs::new(),
            located: Located::new(plan, demand),
            columns: Vec::new(),
            drifted: watched
                .filter(|(_, column)| column.watched)
                .map(|(number, _)| (number, BooleanBufferBuilder::new(rows)))
                .collect(),
            residue: residue.then(|| Views::new(rows)),
            residue_text: ResidueText::default(),
            findings: Findings::new(options.coerce),
            outcome: Outcome::default(),
            records: Vec::new(),
            leftovers: Vec::new(),
            taken: 0,
        };
        blocks.columns = blocks.empty_columns(rows);
        blocks
    }

    /// Decode the values at `range`; about `more` bytes of values follow them.
    ///
    /// # Errors
    /// If a column can't take more text, or by a bug.
    pub fn decode(
        &mut self,
        rules: Rules<'_>,
        range: Range<usize>,
        more: usize,
        shapes: &mut Shapes,
    ) -> Result<(), DecodeError> {
        let length = |index: usize| rules.input.get(index).map_or(0, <[u8]>::len);
        let mut bytes_left: usize = more + range.clone().map(length).sum::<usize>();
        let mut start = range.start;
        while start < range.end {
            let (mut end, mut bytes) = (start, 0);
            while end < range.end && end - start < BLOCK_RECORDS && bytes < BLOCK_BYTES {
                bytes += length(end);
                end += 1;
            }
            self.slabs.reserve_plain(bytes, bytes_left);
            self.block(rules, start..end, bytes_left, shapes)?;
            bytes_left -= bytes;
            start = end;
            self.taken = end;
        }
        Ok(())
    }

    /// How many values have been decoded.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// What the rows have become.
    ///
    /// # Errors
    /// Only by a bug.
    pub fn finish(mut self) -> Result<Finished, DecodeError> {
        self.outcome.drift.duplicate_key += self.findings.duplicate_key;
        self.outcome.drift.unknown_key += self.findings.unknown_key;
        self.outcome.drift.coerced += self.findings.coerced;
        let slabs = self.slabs.finish();
        let demanded = self.columns.into_iter().zip(&self.demand.columns);
        let built = demanded.filter(|(_, demand)| demand.built);
        let mut arrays: Vec<ArrayRef> = built
            .filter_map(|(column, _)| column.map(|column| column.finish(&slabs)))
            .collect::<Result<_, _>>()?;
        arrays.extend(self.residue.map(|residue| residue.finish(&slabs)));
        let drifted = self.drifted.into_iter();
        Ok(Finished {
            arrays,
            drifted: drifted
                .map(|(number, mut rows)| (number, rows.finish()))
                .collect(),
            outcome: self.outcome,
        })
    }

    fn empty_columns(&self, rows: usize) -> Vec<Option<Column>> {
        let planned = self.plan.columns.iter().zip(&self.demand.columns);
        planned
            .map(|(column, demand)| {
                (demand.built || column.required).then(|| Column::new(&column.kind, rows))
            })
            .collect()
    }

    fn block(
        &mut self,
        rules: Rules<'_>,
        range: Range<usize>,
        bytes_left: usize,
        shapes: &mut Shapes,
    ) -> Result<(), DecodeError> {
        let texts = &mut self.slabs.texts;
        let rejections = &mut self.outcome.rejections;
        let before = rejections.len();
        self.outcome.tombstones += self
            .located
            .admit(rules, range, bytes_left, texts, rejections);
        self.located
            .locate(rules, &mut self.slabs, shapes, self.isa, rejections);
        self.records.clear();
        self.records.extend(0..self.located.places.len() as u32);
        self.reject_incomplete(rules)?;
        self.reject_overlong(rules)?;
        self.outcome.rejections[before..].sort_unstable_by_key(|rejection| rejection.index);
        if let Some(predicate) = &self.demand.predicate {
            self.filter(rules, predicate.as_ref())?;
        }
        self.append(rules)
    }

    /// The current records, located; `texts` are those of the block.
    fn current<'b>(&'b self, rules: Rules<'b>, texts: &'b BlockTexts<'b>) -> Block<'b> {
        Block {
            rules,
            demand: self.demand,
            slabs: &self.slabs.texts,
            texts,
            located: &self.located,
            records: &self.records,
        }
    }

    /// Reject the records without a fitting value for a required column.
    fn reject_incomplete(&mut self, rules: Rules<'_>) -> Result<(), DecodeError> {
        for (number, planned) in rules.plan.columns.iter().enumerate() {
            if !planned.required {
                continue;
            }
            let texts = self.located.texts(&self.slabs.texts);
            let column = self.current(rules, &texts).scout(number, self.isa)?;
            if column.null_count() == 0 {
                continue;
            }
            let records = std::mem::take(&mut self.records);
            for (row, record) in records.into_iter().enumerate() {
                if column.is_valid(row) {
                    self.records.push(record);
                } else {
                    let texts = &self.slabs.texts;
                    let rejection = self.located.incomplete(rules, record, number, texts);
                    self.outcome.rejections.push(rejection);
                }
            }
        }
        Ok(())
    }

    /// Reject the records whose residue would be too long. Nearly always it can't be, and nothing is looked at.
    fn reject_overlong(&mut self, rules: Rules<'_>) -> Result<(), DecodeError> {
        let plan = rules.plan;
        let texts = self.located.places.iter();
        let bytes: usize = texts.map(|place| place.length() as usize).sum();
        let members = self.located.tape.unknown.len() + plan.nodes.len();
        if self.residue.is_none() || !may_be_too_long(rules, bytes, members) {
            return Ok(());
        }
        for row in (0..self.records.len()).rev() {
            let record = self.records[row];
            if self.residue_may_be_too_long(rules, record)
                && let Err(reason) = self.residue_of(rules, record)?
            {
                let index = self.located.indexes[record as usize];
                self.outcome.rejections.push(rules.reject(reason, index));
                self.records.remove(row);
            }
        }
        Ok(())
    }

    fn residue_may_be_too_long(&self, rules: Rules<'_>, record: u32) -> bool {
        let bytes = self.located.places[record as usize].length() as usize;
        let members = self.located.tape.unknown(record).len() + rules.plan.nodes.len();
        may_be_too_long(rules, bytes, members)
    }

    /// Write the residue of one record, to see how long it is.
    fn residue_of(
        &mut self,
        rules: Rules<'_>,
        record: u32,
    ) -> Result<Result<(), Reason>, DecodeError> {
        let mut columns = self.empty_columns(1);
        let mut leftovers = Vec::new();
        let mut findings = Findings::new(rules.options.coerce);
        let mut around = Surroundings {
            plain: &mut Plain::new(0),
            copied: true,
            findings: &mut findings,
            isa: self.isa,
        };
        let texts = self.located.texts(&self.slabs.texts);
        let block = Block {
            records: &[record],
            ..self.current(rules, &texts)
        };
        block.fill(&mut columns, &mut around, &mut leftovers)?;
        let text = self.slabs.texts.text(self.located.places[record as usize]);
        Ok(ResidueText::default().write(rules, &self.located.tape, record, &leftovers, text))
    }

    /// Drop the records that the predicate does not want.
    fn filter(&mut self, rules: Rules<'_>, predicate: &dyn Predicate) -> Result<(), DecodeError> {
        let (mut columns, mut drifted) = (Vec::new(), Vec::new());
        let texts = self.located.texts(&self.slabs.texts);
        let block = self.current(rules, &texts);
        for &number in predicate.columns() {
            let column = block.scout(number, self.isa)?;
            drifted.push(block.drift_of(number, &column));
            columns.push(column);
        }
        let verdict = predicate.verdict(&columns, &drifted, self.records.len())?;
        self.outcome.drift.filter_undecided += verdict.undecided;
        let before = self.records.len();
        let mut row = 0;
        self.records.retain(|_| {
            row += 1;
            verdict.stays.value(row - 1)
        });
        self.outcome.filtered += (before - self.records.len()) as u64;
        Ok(())
    }

    /// Append the current records, which are rows now.
    fn append(&mut self, rules: Rules<'_>) -> Result<(), DecodeError> {
        self.leftovers.clear();
        let mut around = Surroundings {
            plain: &mut self.slabs.plain,
            copied: false,
            findings: &mut self.findings,
            isa: self.isa,
        };
        let texts = self.located.texts(&self.slabs.texts);
        let block = Block {
            rules,
            demand: self.demand,
            slabs: &self.slabs.texts,
            texts: &texts,
            located: &self.located,
            records: &self.records,
        };
        block.fill(&mut self.columns, &mut around, &mut self.leftovers)?;
        for (number, rows) in &mut self.drifted {
            block.append_drift(*number, &self.leftovers, rows);
        }
        block.count(&self.leftovers, &mut self.outcome.drift);
        self.leftovers.retain(|leftover| leftover.kept);
        if let Some(residue) = &mut self.residue {
            self.leftovers
                .sort_by_key(|leftover| (leftover.record, leftover.value().start));
            append_residues(
                rules,
                &self.located,
                &mut self.slabs,
                (&self.records, &self.leftovers),
                &mut self.residue_text,
                residue,
            );
        }
        let indexes = &self.located.indexes;
        let rows = self.records.iter();
        self.outcome
            .rows
            .extend(rows.map(|&record| indexes[record as usize]));
        Ok(())
    }
}

/// Whether the limit of a residue can be passed at all, by records of `bytes` with so many `members`, or by one of them:
/// each byte may be escaped to six, and each path comes once for each undeclared key.
fn may_be_too_long(rules: Rules<'_>, bytes: usize, members: usize) -> bool {
    let around = 6 * (rules.plan.longest_path + 2);
    6 * bytes + members * around >= rules.options.max_bytes
}

fn append_residues(
    rules: Rules<'_>,
    located: &Located,
    slabs: &mut Slabs,
    (records, leftovers): (&[u32], &[Leftover]),
    residue_text: &mut ResidueText,
    residue: &mut Views,
) {
    if leftovers.is_empty() && located.tape.unknown.is_empty() {
        residue.push_nulls(records.len());
        return;
    }
    let mut rest = leftovers;
    for &record in records {
        let here = rest.partition_point(|leftover| leftover.record <= record);
        let (of_record, later) = rest.split_at(here);
        rest = later;
        if of_record.is_empty() && located.tape.unknown(record).is_empty() {
            residue.push_null();
            continue;
        }
        let text = slabs.texts.text(located.places[record as usize]);
        // Those that are too long have been rejected.
        let _: Result<(), Reason> =
            residue_text.write(rules, &located.tape, record, of_record, text);
        slabs.reserve_plain(residue_text.text.len(), 0);
        append_plain_text(residue, &mut slabs.plain, &residue_text.text);
    }
}
