//! The distinct values of a column chunk.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// A dictionary has at most about this many bytes: larger ones save nothing, and readers hold them whole.
pub const MOST_BYTES: usize = 256 << 10;

/// How many values are remembered by their ends, to save most look-ups the hash: four for each that there is, within
/// these. All fit a processor's own cache.
const FEWEST_RECENT: usize = 256;
const MOST_RECENT: usize = 8_192;
const UNKNOWN: (Ends, u32) = (
    Ends {
        length: 0,
        first: 0,
        last: 0,
    },
    u32::MAX,
);

/// What is known of a value without looking at all of it: all there is, if it has at most 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    length: u32,
    first: u64,
    last: u64,
}

impl Ends {
    fn of(value: &[u8]) -> Self {
        let (first, last) = if let (Some(first), Some(last)) =
            (value.first_chunk::<8>(), value.last_chunk::<8>())
        {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        } else if let (Some(first), Some(last)) =
            (value.first_chunk::<4>(), value.last_chunk::<4>())
        {
            (
                u32::from_le_bytes(*first).into(),
                u32::from_le_bytes(*last).into(),
            )
        } else {
            let shift = |bytes, &byte: &u8| (bytes << 8) | u64::from(byte);
            (value.iter().fold(0, shift), 0)
        };
        Self {
            length: value.len() as u32,
            first,
            last,
        }
    }

    fn is_all(self) -> bool {
        self.length <= 16
    }

    /// Its place among `count` recent values, which is a power of two.
    fn slot(self, count: usize) -> usize {
        let mixed = (self.first ^ self.last.rotate_left(29) ^ u64::from(self.length))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (u64::BITS - count.ilog2())) as usize
    }
}

/// Values in the order in which they came, as the body of a dictionary page.
#[derive(Debug)]
pub struct Dictionary {
    /// Of text: each value after its length.
    text: bool,
    hasher: RandomState,
    found: HashTable<u32>,
    /// By slot; an index is only right while the dictionary has it.
    recent: Vec<(Ends, u32)>,
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
            recent: Vec::new(),
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
            recent,
            page,
            ends,
        } = self;
        let prefix = if *text { 4 } else { 0 };
        let read = |index: u32| {
            let end = ends[index as usize] as usize;
            let start = index
                .checked_sub(1)
                .map_or(0, |before| ends[before as usize] as usize);
            &page[start + prefix..end]
        };
        if recent.is_empty() {
            recent.resize(FEWEST_RECENT, UNKNOWN);
        }
        let looks = Ends::of(value);
        let slot = looks.slot(recent.len());
        let (recent_looks, recent_index) = &mut recent[slot];
        if *recent_looks == looks
            && (*recent_index as usize) < ends.len()
            && (looks.is_all() || read(*recent_index) == value)
        {
            return (*recent_index, false);
        }
        let hash = hasher.hash_one(value);
        *recent_looks = looks;
        if let Some(&index) = found.find(hash, |&index| read(index) == value) {
            *recent_index = index;
            return (index, false);
        }
        let index = ends.len() as u32;
        found.insert_unique(hash, index, |&index| hasher.hash_one(read(index)));
        if *text {
            page.extend_from_slice(&(value.len() as u32).to_le_bytes());
        }
        page.extend_from_slice(value);
        ends.push(page.len() as u32);
        *recent_index = index;
        if ends.len() * 4 > recent.len() && recent.len() < MOST_RECENT {
            let count = recent.len() * 2;
            recent.clear();
            recent.resize(count, UNKNOWN);
        }
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
        self.recent.fill(UNKNOWN);
        self.page.clear();
        self.ends.clear();
    }

    /// Gives back the memory of an empty dictionary.
    pub fn release(&mut self) {
        *self = Self::new(self.text);
    }

    /// Bytes of memory held.
    pub fn memory_size(&self) -> usize {
        self.page.capacity()
            + 4 * (self.ends.capacity() + self.found.capacity())
            + self.recent.capacity() * size_of::<(Ends, u32)>()
    }
}
