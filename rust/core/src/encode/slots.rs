//! A hash table of the indices of a dictionary's values, which are at most 65,536.

use std::hash::BuildHasher;
use std::iter;

use foldhash::fast::RandomState;

use crate::simd::prefetch_line;

const EMPTY: u32 = u32::MAX;
const INDEX_BITS: u32 = 17;
const INDEX: u32 = (1 << INDEX_BITS) - 1;

/// There are at least this many slots, and four for each value while there are few, so that most values are found
/// where they are looked for; two when there are so many that it costs a cache.
const FEWEST: usize = 256;
const MANY: usize = 1 << 14;

/// Up to this length a value is four words that overlap, with nothing to decide.
pub const FOUR_WORDS: usize = 32;

/// How values are hashed: not foreseeably, since producers choose the values.
#[derive(Debug)]
pub struct Hashes {
    state: RandomState,
    keys: [u64; 4],
}

impl Default for Hashes {
    fn default() -> Self {
        let state = RandomState::default();
        let keys = [0, 1, 2, 3].map(|key: u64| state.hash_one(key));
        Self { state, keys }
    }
}

impl Hashes {
    /// Of a value that its view holds.
    #[inline(always)]
    pub fn short(&self, view: u128) -> u64 {
        folded(
            view as u64 ^ self.keys[0],
            (view >> 64) as u64 ^ self.keys[1],
        )
    }

    /// Of a value that four words hold.
    #[inline(always)]
    pub fn words(&self, Words(words): Words) -> u64 {
        let keys = self.keys;
        let ends = folded(words[0] ^ keys[0], words[1] ^ keys[1]);
        let middle = folded(words[2] ^ keys[2], words[3] ^ keys[3]);
        ends ^ middle.rotate_left(23)
    }

    /// Of a value that is longer than that.
    pub fn long(&self, value: &[u8]) -> u64 {
        self.state.hash_one(value)
    }
}

/// Both halves of the product.
#[inline(always)]
fn folded(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

/// All of a value of 8 to [`FOUR_WORDS`] bytes: two of one length are equal if these are. In one cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(32))]
pub struct Words([u64; 4]);

impl Words {
    /// Those of `value`.
    #[inline(always)]
    pub fn of(value: &[u8]) -> Self {
        let last = value.len().saturating_sub(8);
        let begins = [0, last, last.min(8), value.len().saturating_sub(16)];
        Self(begins.map(|at| {
            let bytes = value.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
        }))
    }

    /// Whether they are the same; without a branch.
    #[inline(always)]
    pub fn are(self, Self(others): Self) -> bool {
        let pairs = iter::zip(self.0, others);
        pairs.fold(0, |different, (word, other)| different | (word ^ other)) == 0
    }
}

/// Indices by the hashes of their values, each with some bits of the hash.
#[derive(Debug, Default)]
pub struct Slots {
    slots: Vec<u32>,
}

impl Slots {
    /// Have the first slot that a value with this hash may have brought near.
    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        if let Some(slot) = self
            .slots
            .get(hash as usize & self.slots.len().wrapping_sub(1))
        {
            prefetch_line(slot);
        }
    }

    /// The index in the first slot that a value with this hash may have; of no value if there is none.
    #[inline(always)]
    pub fn first(&self, hash: u64) -> usize {
        let at = hash as usize & self.slots.len().wrapping_sub(1);
        (self.slots.get(at).unwrap_or(&EMPTY) & INDEX) as usize
    }

    /// The index of a value with this hash that is the right one. `is_it` may be asked about an index that there is not.
    #[inline(always)]
    pub fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<u32> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        while let Some(&slot) = self.slots.get(at) {
            let index = slot & INDEX;
            if slot ^ tag(hash) == index && is_it(index as usize) {
                return Some(index);
            }
            if slot == EMPTY {
                break;
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Whether one more than `values` have room.
    pub fn have_room(&self, values: usize) -> bool {
        let each = if self.slots.len() < MANY { 4 } else { 2 };
        each * (values + 1) <= self.slots.len()
    }

    /// More of them, with the values that have these hashes, in the order of their indices.
    pub fn more(&self, hashes: impl Iterator<Item = u64>) -> Self {
        let times = if self.slots.len() < MANY { 4 } else { 2 };
        let count = (times * self.slots.len()).max(FEWEST);
        let mut more = Self {
            slots: vec![EMPTY; count],
        };
        iter::zip(0.., hashes).for_each(|(index, hash)| more.insert(hash, index));
        more
    }

    /// Adds an index that is not in it.
    pub fn insert(&mut self, hash: u64, index: u32) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.slots[at] = tag(hash) | index;
    }

    /// Forgets all indices and keeps its memory.
    pub fn clear(&mut self) {
        self.slots.fill(EMPTY);
    }

    /// Bytes of memory held.
    pub fn memory_size(&self) -> usize {
        4 * self.slots.capacity()
    }
}

/// The highest bits of a hash, which do not choose the slot.
#[inline(always)]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 & !INDEX
}
