//! Decoding under a predicate, in two passes over a block of records.
//!
//! The first pass checks every record and notes where its values are; only the predicate's columns are filled. Then
//! the predicate says which records stay, and the second pass appends those: the text of the others is never
//! unescaped and never copied. A block is small enough to stay in the cache between the passes.

use std::borrow::Cow;

use arrow_array::ArrayRef;
use arrow_buffer::BooleanBufferBuilder;

use super::DecodeError;
use super::demand::Predicate;
use super::drift::Drift;
use super::members::Noted;
use super::plan::Plan;
use super::rejection::Rejection;
use super::row::Rows;
use crate::columns::{Column, Findings};

const BLOCK_RECORDS: usize = 1024;
const BLOCK_BYTES: usize = 256 << 10;

/// What became of the values of one call.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The values that are rows, ascending.
    pub rows: Vec<u32>,
    /// In the order of the values.
    pub rejections: Vec<Rejection>,
    pub tombstones: u64,
    pub filtered: u64,
    /// Rows that an open question about a value that drifted kept.
    pub undecided: u64,
}

/// Decode all values under `predicate`.
pub fn decode(
    rows: &mut Rows<'_>,
    predicate: &dyn Predicate,
    values: &[Option<&[u8]>],
) -> Result<Outcome, DecodeError> {
    let mut outcome = Outcome::default();
    let mut block = Block::default();
    let mut start = 0;
    while start < values.len() {
        let end = start + block_length(&values[start..]);
        block.decode(
            rows,
            predicate,
            (start as u32, &values[start..end]),
            &mut outcome,
        )?;
        start = end;
    }
    Ok(outcome)
}

fn block_length(values: &[Option<&[u8]>]) -> usize {
    let mut bytes = 0;
    let full = values.iter().take(BLOCK_RECORDS).position(|value| {
        bytes += value.map_or(0, <[u8]>::len);
        bytes >= BLOCK_BYTES
    });
    full.map_or(BLOCK_RECORDS, |last| last + 1)
        .min(values.len())
}

/// A record that is acceptable.
struct Record<'v> {
    index: u32,
    text: Cow<'v, str>,
    drift: Drift,
}

/// Memory of the first pass, kept from block to block.
#[derive(Default)]
struct Block {
    noted: Noted,
}

impl Block {
    fn decode(
        &mut self,
        rows: &mut Rows<'_>,
        predicate: &dyn Predicate,
        (start, values): (u32, &[Option<&[u8]>]),
        outcome: &mut Outcome,
    ) -> Result<(), DecodeError> {
        self.noted.clear();
        let mut scouts = Scouts::new(rows.plan(), predicate.columns(), values.len());
        let mut records: Vec<Record<'_>> = Vec::with_capacity(values.len());
        for (index, value) in (start..).zip(values) {
            let Some(value) = value else {
                outcome.tombstones += 1;
                continue;
            };
            match rows.check(value, &mut scouts) {
                Ok((text, drift)) => {
                    scouts.append(&text, rows.findings())?;
                    self.noted.push(rows.members());
                    records.push(Record { index, text, drift });
                }
                Err(reason) => outcome.rejections.push(reason.of(index)),
            }
        }
        let (columns, drifted) = scouts.finish()?;
        let verdict = predicate.verdict(&columns, &drifted, records.len())?;
        outcome.undecided += verdict.undecided;
        for (position, record) in records.iter().enumerate() {
            if !verdict.stays.value(position) {
                outcome.filtered += 1;
                continue;
            }
            rows.members_mut().recall(&self.noted, position);
            rows.push_checked(&record.text, record.drift)?;
            outcome.rows.push(record.index);
        }
        Ok(())
    }
}

/// The predicate's columns for one block.
#[derive(Debug)]
pub struct Scouts<'a> {
    plan: &'a Plan,
    numbers: &'a [usize],
    columns: Vec<Column>,
    drifted: Vec<BooleanBufferBuilder>,
}

impl<'a> Scouts<'a> {
    fn new(plan: &'a Plan, numbers: &'a [usize], capacity: usize) -> Self {
        let column = |&number: &usize| Column::new(&plan.columns[number].kind, capacity);
        Self {
            plan,
            numbers,
            columns: numbers.iter().map(column).collect(),
            drifted: numbers
                .iter()
                .map(|_| BooleanBufferBuilder::new(capacity))
                .collect(),
        }
    }

    /// Each column with its number and its drift.
    pub fn each(
        &mut self,
    ) -> impl Iterator<Item = (usize, &mut Column, &mut BooleanBufferBuilder)> {
        let columns = self.numbers.iter().copied().zip(&mut self.columns);
        columns
            .zip(&mut self.drifted)
            .map(|((number, column), drifted)| (number, column, drifted))
    }

    fn append(&mut self, text: &str, findings: &Findings) -> Result<(), DecodeError> {
        for (number, column) in self.numbers.iter().zip(&mut self.columns) {
            let name = || DecodeError::TooMuchText(self.plan.columns[*number].name.clone());
            column.append(text, findings).map_err(|_| name())?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(Vec<ArrayRef>, Vec<arrow_buffer::BooleanBuffer>), DecodeError> {
        let columns = self.columns.into_iter().map(Column::finish);
        let drifted = self.drifted.into_iter().map(|mut rows| rows.finish());
        Ok((columns.collect::<Result<_, _>>()?, drifted.collect()))
    }
}
