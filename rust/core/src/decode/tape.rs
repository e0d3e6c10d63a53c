//! Where the values of a block's records are: what the first pass over a block leaves for the second.

use super::members::{Members, Unknown};
use super::plan::Plan;
use crate::json::Token;

/// By record and node its value, and each record's undeclared keys.
#[derive(Debug, Default)]
pub struct Tape {
    width: usize,
    /// Of each record `width` values.
    pub tokens: Vec<Option<Token>>,
    /// Undeclared keys of all records.
    pub unknown: Vec<Unknown>,
    /// The text of those that have escapes.
    plain_keys: String,
    /// Where each record's part of `unknown` ends.
    ends: Vec<u32>,
}

impl Tape {
    /// Begin a block of at most `records`.
    pub fn clear(&mut self, plan: &Plan, records: usize) {
        self.width = plan.nodes.len();
        self.tokens.clear();
        self.tokens.resize(self.width * records, None);
        self.unknown.clear();
        self.plain_keys.clear();
        self.ends.clear();
    }

    /// Values of a record.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many records are complete.
    pub fn records(&self) -> usize {
        self.ends.len()
    }

    /// The values of the next record, all absent at first, and the undeclared keys, to be appended to.
    #[inline(always)]
    pub fn next(&mut self) -> (&mut [Option<Token>], &mut Vec<Unknown>) {
        let start = self.ends.len() * self.width;
        (
            &mut self.tokens[start..start + self.width],
            &mut self.unknown,
        )
    }

    /// The next record is complete.
    #[inline(always)]
    pub fn complete(&mut self) {
        self.ends.push(self.unknown.len() as u32);
    }

    /// Forget what was noted of the next record.
    pub fn undo(&mut self) {
        self.next().0.fill(None);
        let complete = self.ends.last().map_or(0, |&end| end as usize);
        self.unknown.truncate(complete);
    }

    /// The next record is the one that `members` has read and settled.
    pub fn push(&mut self, members: &Members) {
        let (tokens, _) = self.next();
        for (node, token) in tokens.iter_mut().enumerate() {
            *token = members.get(node);
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
        self.tokens[record as usize * self.width + node]
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
