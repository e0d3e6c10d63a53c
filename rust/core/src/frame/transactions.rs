//! Which batches belong to transactions that were aborted.

use std::borrow::Cow;

use foldhash::{HashSet, HashSetExt};

use super::cursor::{Cursor, Flaw};

/// The type of an abort marker.
const ABORT: i16 = 0;

/// The aborted transactions that a fetch overlaps, as its batches are gone through.
pub struct Aborted<'a> {
    /// Producer and first offset of each, by first offset.
    transactions: Cow<'a, [(i64, i64)]>,
    /// How many have begun.
    begun: usize,
    /// Producers whose transaction at this place was aborted.
    active: HashSet<i64>,
}

impl<'a> Aborted<'a> {
    /// `transactions` as the broker sent them: by first offset, but nothing rests on it.
    pub fn new(transactions: &'a [(i64, i64)]) -> Self {
        let mut transactions = Cow::Borrowed(transactions);
        if !transactions.is_sorted_by_key(|&(_, first)| first) {
            transactions.to_mut().sort_by_key(|&(_, first)| first);
        }
        Self {
            transactions,
            begun: 0,
            active: HashSet::new(),
        }
    }

    /// A batch of some producer, up to `last_offset`, is next.
    pub fn advance(&mut self, last_offset: i64) {
        while let Some(&(producer, first)) = self.transactions.get(self.begun)
            && first <= last_offset
        {
            self.active.insert(producer);
            self.begun += 1;
        }
    }

    /// Whether what `producer` writes here is aborted.
    pub fn has(&self, producer: i64) -> bool {
        !self.active.is_empty() && self.active.contains(&producer)
    }

    /// A marker ends a transaction of `producer`. There may be none: a marker is all that compaction leaves of some.
    pub fn end(&mut self, producer: i64) {
        self.active.remove(&producer);
    }
}

/// Whether the first record of a control batch says that its producer's transaction was aborted.
pub fn is_abort(body: &[u8]) -> Result<bool, Flaw> {
    let mut cursor = Cursor::new(body);
    let length = usize::try_from(cursor.varint()?).map_err(|_| Flaw::Negative)?;
    let mut record = Cursor::new(cursor.take(length)?);
    let _attributes = record.byte()?;
    let _timestamp_delta = record.varlong()?;
    let _offset_delta = record.varint()?;
    let length = usize::try_from(record.varint()?).map_err(|_| Flaw::Negative)?;
    let mut key = Cursor::new(record.take(length)?);
    let _version: [u8; 2] = key.array()?;
    Ok(i16::from_be_bytes(key.array()?) == ABORT)
}
