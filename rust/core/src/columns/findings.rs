//! What the values of one record hold beside what fits their columns.

use super::scalar::Value;
use crate::json::Token;

/// A place inside a column's value that goes to the residue although the value fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undeclared {
    /// In [`Findings::path_of`]: the place below the column's, empty for the column's own.
    path: (usize, usize),
    /// What stands there.
    pub value: Token,
}

/// Counts and places of one record, and memory that is kept from record to record.
#[derive(Debug, Default)]
pub struct Findings {
    /// Whether values of another kind may be read as the column's.
    pub coerce: bool,
    /// Values that were.
    pub coerced: u64,
    /// Earlier values of repeated keys.
    pub duplicate_key: u64,
    /// Keys of structs' values that the structs have no field for.
    pub unknown_key: u64,
    /// Where these keys are: each by itself if all around it are structs; else, once for all in it, the outermost list
    /// or map around them, because inside of that a path can't name one value.
    pub undeclared: Vec<Undeclared>,
    paths: String,
    /// What binary values stand for.
    pub(super) bytes: Vec<u8>,
    pub(super) decimals: Vec<i128>,
    /// Scratch.
    pub(super) plain: String,
}

/// A state to return to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    coerced: u64,
    duplicate_key: u64,
    unknown_key: u64,
    undeclared: usize,
}

impl Findings {
    /// Nothing found yet.
    #[must_use]
    pub fn new(coerce: bool) -> Self {
        Self {
            coerce,
            ..Self::default()
        }
    }

    /// Another value: forget all but the counts.
    pub fn clear_scratch(&mut self) {
        self.undeclared.clear();
        self.paths.clear();
        self.bytes.clear();
        self.decimals.clear();
    }

    /// The path of `undeclared` below the column's, as the residue writes paths.
    #[must_use]
    pub fn path_of(&self, undeclared: &Undeclared) -> &str {
        let (start, end) = undeclared.path;
        self.paths.get(start..end).unwrap_or_default()
    }

    pub(super) fn decimal(&mut self, unscaled: i128) -> Value {
        self.decimals.push(unscaled);
        Value::Decimal(self.decimals.len() as u32 - 1)
    }

    pub(super) fn note(&mut self, path: &str, value: Token) {
        let start = self.paths.len();
        self.paths.push_str(path);
        let path = (start, self.paths.len());
        self.undeclared.push(Undeclared { path, value });
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            coerced: self.coerced,
            duplicate_key: self.duplicate_key,
            unknown_key: self.unknown_key,
            undeclared: self.undeclared.len(),
        }
    }

    /// Forget what was found since `mark`: it is in a value that goes to the residue whole.
    pub(super) fn forget_since(&mut self, mark: Mark) {
        self.coerced = mark.coerced;
        self.duplicate_key = mark.duplicate_key;
        self.unknown_key = mark.unknown_key;
        self.undeclared.truncate(mark.undeclared);
    }
}
