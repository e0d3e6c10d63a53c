//! How far rows are from what was declared.

use std::ops::AddAssign;

/// Counts of what rows' records held beside values that fit. Rejected records are not counted. Of a key that is
/// repeated in one object only the last value counts, apart from `duplicate_key` itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Values of another kind than their column's, and values on the way to a column that are not objects.
    pub type_mismatch: u64,
    /// Values that their column can't hold exactly.
    pub out_of_range: u64,
    /// Keys that no column declares, those included that a struct has no field for.
    pub unknown_key: u64,
    /// Earlier values of repeated keys, at the root, in objects on the way to a column, in structs and in maps. Not of
    /// undeclared keys in what a `json` column keeps: there all of them stay.
    pub duplicate_key: u64,
    /// Invalid sequences and lone surrogates replaced with U+FFFD.
    pub replaced_text: u64,
    /// Values of another kind that were taken as their column's, by `coerce`.
    pub coerced: u64,
    /// Rows that a filter could not decide on, because a value that it reads drifted.
    pub filter_undecided: u64,
}

impl Drift {
    /// Each count with its stable name.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, u64); 7] {
        [
            ("type_mismatch", self.type_mismatch),
            ("out_of_range", self.out_of_range),
            ("unknown_key", self.unknown_key),
            ("duplicate_key", self.duplicate_key),
            ("replaced_text", self.replaced_text),
            ("coerced", self.coerced),
            ("filter_undecided", self.filter_undecided),
        ]
    }
}

impl AddAssign for Drift {
    fn add_assign(&mut self, other: Self) {
        self.type_mismatch += other.type_mismatch;
        self.out_of_range += other.out_of_range;
        self.unknown_key += other.unknown_key;
        self.duplicate_key += other.duplicate_key;
        self.replaced_text += other.replaced_text;
        self.coerced += other.coerced;
        self.filter_undecided += other.filter_undecided;
    }
}
