//! Where the values of a block's records are: what the first pass over a block leaves for the second.

use super::members::{Members, Unknown, Written};
use super::plan::Plan;
use crate::columns::{ColumnKind, Expected, Place, Plain, Stage, common_timestamp, view};
use crate::json::{Kind, Token, short_float, short_integer};

/// By node and record its value, and each record's undeclared keys.
#[derive(Debug)]
pub struct Tape {
    /// The values.
    pub stage: Stage,
    /// Undeclared keys of all records.
    pub unknown: Vec<Unknown>,
    /// The text of those that have escapes.
    plain_keys: String,
    /// Where each record's part of `unknown` ends.
    ends: Vec<u32>,
}

/// What the values of a record are read from that was read without a shape.
#[derive(Clone, Copy, Debug)]
pub struct Source<'t> {
    /// Where its text is.
    pub place: Place,
    /// Its text, and what can be read after it.
    pub padded: &'t [u8],
    /// Where text with escapes was written out.
    pub plain: &'t Plain,
}

/// Where the values of one record are noted.
#[derive(Debug)]
pub struct Row<'t> {
    /// The record's number in the block.
    pub number: usize,
    /// To be appended to.
    pub unknown: &'t mut Vec<Unknown>,
    pub stage: &'t mut Stage,
}

impl Row<'_> {
    /// Note where the value of `node` is: a null or, on the way to columns, an object.
    #[inline(always)]
    pub fn note(&mut self, node: u32, token: Token) {
        self.stage.at_mut(node).note(self.number, token);
    }

    /// Stage the value of `node`.
    #[inline(always)]
    pub fn stage(&mut self, node: u32, token: Token, cell: u128) {
        self.stage.at_mut(node).put(self.number, token, cell);
    }

    /// Note where the value of `node` is, which has to be read by its token.
    #[inline(always)]
    pub fn mark(&mut self, node: u32, token: Token) {
        self.stage.at_mut(node).mark(self.number, token);
    }
}

impl Tape {
    /// An empty one.
    pub fn new(plan: &Plan) -> Self {
        Self {
            stage: Stage::new(plan.nodes.len()),
            unknown: Vec::new(),
            plain_keys: String::new(),
            ends: Vec::new(),
        }
    }

    /// Begin a block.
    pub fn clear(&mut self) {
        self.stage.clear();
        self.unknown.clear();
        self.plain_keys.clear();
        self.ends.clear();
    }

    /// How many records are complete.
    pub fn records(&self) -> usize {
        self.ends.len()
    }

    /// The next record, of which nothing is noted at first.
    #[inline(always)]
    pub fn next(&mut self) -> Row<'_> {
        Row {
            number: self.ends.len(),
            unknown: &mut self.unknown,
            stage: &mut self.stage,
        }
    }

    /// The next record is complete.
    #[inline(always)]
    pub fn complete(&mut self) {
        self.ends.push(self.unknown.len() as u32);
    }

    /// Forget what was noted of the next record.
    pub fn undo(&mut self) {
        let row = self.next();
        row.stage.undo(row.number);
        let complete = self.ends.last().map_or(0, |&end| end as usize);
        self.unknown.truncate(complete);
    }

    /// The next record is the one that `members` has read and settled.
    pub fn push(&mut self, plan: &Plan, members: &Members, source: Source<'_>) {
        let mut row = self.next();
        for (node, planned) in plan.nodes.iter().enumerate() {
            let Some(token) = members.get(node) else {
                continue;
            };
            let column = planned.column.map(|column| &plan.columns[column].kind);
            let node = node as u32;
            match (column, token.kind) {
                (_, Kind::Null) | (None, Kind::Object) => row.note(node, token),
                (None, _) => row.mark(node, token),
                (Some(kind), _) => {
                    let written = members.written(node as usize, token);
                    match source.common(kind, token, written) {
                        Some(cell) => row.stage(node, token, cell),
                        None => row.mark(node, token),
                    }
                }
            }
        }
        for unknown in &members.unknown {
            let unknown = members.with_key_in(unknown, &mut self.plain_keys);
            self.unknown.push(unknown);
        }
        self.complete();
    }

    /// The value at `node` of a record.
    #[inline]
    pub fn get(&self, record: u32, node: usize) -> Option<Token> {
        self.stage.at(node).token(record as usize)
    }

    /// The undeclared keys of a record.
    #[inline]
    pub fn unknown(&self, record: u32) -> &[Unknown] {
        let record = record as usize;
        let start = record.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.unknown[start as usize..self.ends[record] as usize]
    }

    /// The text of an undeclared key in the record `text`.
    pub fn key<'t>(&'t self, unknown: &Unknown, text: &'t str) -> &'t str {
        unknown.key(text, &self.plain_keys)
    }
}

impl Source<'_> {
    /// What is staged of a value of a column of `kind`, if it is of the common form.
    #[inline]
    fn common(&self, kind: &ColumnKind, token: Token, written: Option<Written>) -> Option<u128> {
        let text = self.padded.get(token.start as usize..)?;
        let length = (token.end - token.start) as usize;
        match (Expected::of(Some(kind), token.kind), token.kind) {
            (Expected::Text, Kind::String { escaped: false }) => {
                let (slab, start) = (self.place.slab(), self.place.start() + token.start + 1);
                Some(view(text.get(1..)?, length - 2, slab, start))
            }
            (Expected::Text, Kind::String { escaped: true }) => {
                let Written { start, length, .. } = written?;
                let text = self.plain.bytes.get(start as usize..)?;
                Some(view(text, length as usize, self.plain.number(), start))
            }
            (Expected::Time(unit), Kind::String { escaped: false }) => {
                common_timestamp(text.get(1..)?, length - 2, unit)
                    .map(|units| u128::from(units as u64))
            }
            (Expected::Integer, Kind::Number { integer: true }) => {
                let (digits, whole, _, negative) = parts(text, length)?;
                short_integer(digits, whole, negative).map(|value| u128::from(value as u64))
            }
            (Expected::Float, Kind::Number { .. }) => {
                let (digits, whole, fraction, negative) = parts(text, length)?;
                short_float(digits, whole, fraction, negative)
                    .map(|value| u128::from(value.to_bits()))
            }
            (Expected::Bool, Kind::Bool(value)) => Some(u128::from(value)),
            _ => None,
        }
    }
}

/// Of the number that is the first `length` bytes of `text`: all behind its sign, how many bytes stand before the point,
/// how many behind it, and whether it is negative.
fn parts(text: &[u8], length: usize) -> Option<(&[u8], usize, usize, bool)> {
    let negative = text.first() == Some(&b'-');
    let digits = text.get(usize::from(negative)..)?;
    let number = digits.get(..length - usize::from(negative))?;
    let point = number.iter().position(|&byte| byte == b'.');
    let whole = point.unwrap_or(number.len());
    let fraction = number.len().saturating_sub(whole + 1);
    Some((digits, whole, fraction, negative))
}
