//! The distinct values of a column chunk.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// A dictionary has at most about this many bytes: larger ones save nothing, and readers hold them whole.
const MOST_BYTES: usize = 256 << 10;

/// Values in the order in which they came, as the body of a dictionary page.
#[derive(Debug)]
pub struct Dictionary {
    /// Of text: each value after its length.
    text: bool,
    hasher: RandomState,
    found: HashTable<u32>,
    page: Vec<u8>,
    /// Where in `page` each value ends.
    ends: Vec<u32>,
}

impl Dictionary {
    /// One without values. Those of text are written with their lengths, others have one width.
    pub fn new(text: bool) -> Self {
        Self {
            text,
            hasher: RandomState::default(),
            found: HashTable::new(),
            page: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// The index of `value`, and whether it is new.
    pub fn index_of(&mut self, value: &[u8]) -> (u32, bool) {
        let Self {
            text,
            hasher,
            found,
            page,
            ends,
        } = self;
        let hash = hasher.hash_one(value);
        let prefix = if *text { 4 } else { 0 };
        let read = |index: u32| {
            let end = ends[index as usize] as usize;
            let start = index
                .checked_sub(1)
                .map_or(0, |before| ends[before as usize] as usize);
            &page[start + prefix..end]
        };
        if let Some(&index) = found.find(hash, |&index| read(index) == value) {
            return (index, false);
        }
        let index = ends.len() as u32;
        found.insert_unique(hash, index, |&index| hasher.hash_one(read(index)));
        if *text {
            page.extend_from_slice(&(value.len() as u32).to_le_bytes());
        }
        page.extend_from_slice(value);
        ends.push(page.len() as u32);
        (index, true)
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it should get no more values.
    pub fn is_full(&self) -> bool {
        self.page.len() >= MOST_BYTES
    }

    /// The body of its page.
    pub fn page(&self) -> &[u8] {
        &self.page
    }

    /// Forgets all values and keeps its memory.
    pub fn clear(&mut self) {
        self.found.clear();
        self.page.clear();
        self.ends.clear();
    }

    /// Bytes of memory held.
    pub fn memory_size(&self) -> usize {
        self.page.capacity() + 4 * (self.ends.capacity() + self.found.capacity())
    }
}
