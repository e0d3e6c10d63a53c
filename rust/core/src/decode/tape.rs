//! Where the values of a block's records are: what the first pass over a block leaves for the second.

use arrow_schema::TimeUnit;

use super::demand::Demand;
use super::members::{Members, Unknown, Written};
use super::plan::Plan;
use crate::columns::{
    ColumnKind, Expected, NestedStage, Place, Plain, Stage, common_timestamp, view,
};
use crate::json::{Kind, Token, short_float, short_integer};

/// By node and record its value, and each record's undeclared keys.
#[derive(Debug)]
pub struct Tape {
    /// The values.
    pub stage: Stage,
    /// By node, if a nested column is there that is built: its values.
    pub nested: Vec<Option<Box<NestedStage>>>,
    /// By node, what its values most likely are.
    expected: Vec<Expected>,
    /// Undeclared keys of all records.
    pub unknown: Vec<Unknown>,
    /// The text of those that have escapes.
    plain_keys: String,
    /// Where each record's part of `unknown` ends.
    ends: Vec<u32>,
}

/// What the values of a record are read from that was read without a shape.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'t> {
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
    pub nested: &'t mut [Option<Box<NestedStage>>],
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
    pub fn new(plan: &Plan, demand: &Demand) -> Self {
        let nodes = plan.nodes.iter();
        let kind = |column: usize| &plan.columns[column].kind;
        let nested = |column: usize| {
            let planned = &plan.columns[column];
            let filled = demand.columns[column].built || planned.required;
            let nested = !matches!(planned.kind, ColumnKind::Scalar(_));
            let stage = (filled && nested).then(|| NestedStage::new(&planned.kind));
            stage.flatten().map(Box::new)
        };
        Self {
            stage: Stage::new(plan.nodes.len()),
            nested: nodes
                .clone()
                .map(|node| node.column.and_then(nested))
                .collect(),
            expected: nodes
                .map(|node| Expected::of(node.column.map(kind), Kind::Null))
                .collect(),
            unknown: Vec::new(),
            plain_keys: String::new(),
            ends: Vec::new(),
        }
    }

    /// Begin a block.
    pub fn clear(&mut self) {
        self.stage.clear();
        self.nested
            .iter_mut()
            .flatten()
            .for_each(|nested| nested.clear());
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
            nested: &mut self.nested,
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
        for nested in row.nested.iter_mut().flatten() {
            nested.undo(row.number);
        }
        let complete = self.ends.last().map_or(0, |&end| end as usize);
        self.unknown.truncate(complete);
    }

    /// The next record is the one that `members` has read and settled.
    pub fn push(&mut self, plan: &Plan, members: &Members, origin: Origin<'_>) {
        let record = self.ends.len();
        for (node, &expected) in self.expected.iter().enumerate() {
            let Some(token) = members.get(node) else {
                continue;
            };
            let staged = self.stage.at_mut(node as u32);
            let cell = match (expected, token.kind) {
                (Expected::Text, Kind::String { escaped: false }) => Some(origin.text(token)),
                (Expected::Text, Kind::String { escaped: true }) => {
                    let written = members.written(node, token);
                    written.map(|written| origin.written(written))
                }
                (Expected::Time(unit), Kind::String { escaped: false }) => origin.time(token, unit),
                (Expected::Integer, Kind::Number { integer: true }) => origin.integer(token),
                (Expected::Float, Kind::Number { integer }) => origin.float(token, integer),
                (Expected::Bool, Kind::Bool(value)) => Some(u128::from(value)),
                (_, Kind::Null) => {
                    staged.note(record, token);
                    continue;
                }
                (_, Kind::Object) if plan.nodes[node].column.is_none() => {
                    staged.note(record, token);
                    continue;
                }
                _ => None,
            };
            match cell {
                Some(cell) => staged.put(record, token, cell),
                None => staged.mark(record, token),
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

impl<'t> Origin<'t> {
    #[inline(always)]
    fn from(&self, token: Token) -> (&'t [u8], usize) {
        let text = self.padded.get(token.start as usize..).unwrap_or_default();
        (text, (token.end - token.start) as usize)
    }

    /// A view of a string without escapes.
    #[inline(always)]
    fn text(&self, token: Token) -> u128 {
        let (text, length) = self.from(token);
        let start = self.place.start() + token.start + 1;
        let inside = text.get(1..).unwrap_or_default();
        view(inside, length - 2, self.place.slab(), start)
    }

    /// A view of what was written out.
    #[inline(never)]
    fn written(&self, Written { start, length, .. }: Written) -> u128 {
        let text = self.plain.bytes.get(start as usize..).unwrap_or_default();
        view(text, length as usize, self.plain.number(), start)
    }

    #[inline(never)]
    fn time(&self, token: Token, unit: TimeUnit) -> Option<u128> {
        let (text, length) = self.from(token);
        let units = common_timestamp(text.get(1..)?, length - 2, unit)?;
        Some(u128::from(units as u64))
    }

    #[inline(never)]
    fn integer(&self, token: Token) -> Option<u128> {
        let (text, length) = self.from(token);
        let (digits, whole, _, negative) = parts(text, length, true)?;
        let value = short_integer(digits, whole, negative)?;
        Some(u128::from(value as u64))
    }

    #[inline(never)]
    fn float(&self, token: Token, integer: bool) -> Option<u128> {
        let (text, length) = self.from(token);
        let (digits, whole, fraction, negative) = parts(text, length, integer)?;
        let value = short_float(digits, whole, fraction, negative)?;
        Some(u128::from(value.to_bits()))
    }
}

/// Of the number that is the first `length` bytes of `text`, an `integer` if it has neither point nor exponent: all behind
/// its sign, how many bytes stand before the point, how many behind it, and whether it is negative. `None` if there should
/// be a point and none is among the first nine bytes.
#[inline(always)]
fn parts(text: &[u8], length: usize, integer: bool) -> Option<(&[u8], usize, usize, bool)> {
    let negative = text.first() == Some(&b'-');
    let digits = text.get(usize::from(negative)..)?;
    let length = length - usize::from(negative);
    if integer {
        return Some((digits, length, 0, negative));
    }
    let begin = u64::from_le_bytes(*digits.first_chunk()?);
    // A point's byte is zero now, and the lowest zero byte is the lowest to set its high bit.
    let points = begin ^ u64::from_le_bytes([b'.'; 8]);
    let zeros = points.wrapping_sub(u64::from_le_bytes([0x01; 8])) & !points & HIGH_BITS;
    let whole = zeros.trailing_zeros() as usize / 8;
    let fraction = length.checked_sub(whole + 1)?;
    (digits.get(whole) == Some(&b'.')).then_some((digits, whole, fraction, negative))
}

const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);
