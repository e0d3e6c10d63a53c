//! What became of the records of one batch.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::decode::Drift;

/// Counts of one raw batch; `records == rows + dead_letters + filtered + tombstones`.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Records in the batch.
    pub records: u64,
    /// Rows of the main table.
    pub rows: u64,
    /// Dead letters, those included that the dead-letter table has already.
    pub dead_letters: u64,
    /// Records that a transform dropped.
    pub filtered: u64,
    /// Records without a value.
    pub tombstones: u64,
    /// Bytes of record values.
    pub bytes: u64,
    /// Values that did not fit, by reason.
    pub drift: Drift,
    /// How much was taken out of texts, by the name of the pattern; every pattern is there.
    pub redacted: BTreeMap<String, u64>,
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.rows += other.rows;
        self.dead_letters += other.dead_letters;
        self.filtered += other.filtered;
        self.tombstones += other.tombstones;
        self.bytes += other.bytes;
        self.drift += other.drift;
        for (name, count) in other.redacted {
            *self.redacted.entry(name).or_default() += count;
        }
    }
}
