//! The distinct values of a column chunk.

use arrow_buffer::Buffer;

use super::bounds::Bounds;
use super::slots::{FOUR_WORDS, Hashes, Slots, Words};
use super::view::{self, INLINE};
use crate::simd::prefetch_line;

/// A dictionary has at most about this many bytes: larger ones save nothing, and readers hold them whole.
pub const MOST_BYTES: usize = 256 << 10;

/// Values that are looked up together.
const GROUP: usize = 64;

/// Values in the order in which they came, as the body of a dictionary page.
#[derive(Debug)]
pub struct Dictionary {
    /// Of text: each value after its length.
    text: bool,
    hashes: Hashes,
    slots: Slots,
    /// By index: the value's view, which refers to the page.
    values: Vec<u128>,
    /// By index: the value, where four words hold it. Whatever the dictionary has, a value is found by its slot and one
    /// more cache line.
    words: Vec<Words>,
    /// By index: the value's length, at most [`LONGER`].
    lengths: Vec<u8>,
    page: Vec<u8>,
}

/// The length of all values that are longer than four words.
const LONGER: usize = FOUR_WORDS + 1;

/// A value that is looked up.
#[derive(Clone, Copy, Default)]
struct Sought {
    view: u128,
    words: Words,
    hash: u64,
}

impl Dictionary {
    /// One without values. Those of text are written with their lengths, others have one width.
    pub fn new(text: bool) -> Self {
        Self {
            text,
            hashes: Hashes::default(),
            slots: Slots::default(),
            values: Vec::new(),
            words: Vec::new(),
            lengths: Vec::new(),
            page: Vec::new(),
        }
    }

    /// Appends the index of each value to `indices`. If the dictionary is full then, it ends there: after how many.
    pub fn take(
        &mut self,
        views: &[u128],
        buffers: &[Buffer],
        indices: &mut Vec<u32>,
    ) -> Option<usize> {
        indices.reserve(views.len());
        view::prefetch(&views[..views.len().min(GROUP)], buffers);
        let mut groups = views.chunks(GROUP).enumerate();
        groups.find_map(|(number, group)| {
            let next = views.len().min((number + 1) * GROUP);
            view::prefetch(&views[next..views.len().min(next + GROUP)], buffers);
            let end = self.take_group(group, buffers, indices)?;
            Some(number * GROUP + end)
        })
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Takes its values from an index on into account.
    pub fn observe(&self, from: usize, bounds: &mut Bounds) {
        for &value in &self.values[from..] {
            if bounds.may_grow(value) {
                if view::length(value) <= INLINE {
                    view::with(value, &[], |value| bounds.observe_text(value));
                } else {
                    bounds.observe_text(self.read_long(value));
                }
            }
        }
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
        self.slots.clear();
        self.values.clear();
        self.words.clear();
        self.lengths.clear();
        self.page.clear();
    }

    /// Gives back the memory of an empty dictionary.
    pub fn release(&mut self) {
        *self = Self::new(self.text);
    }

    /// Bytes of memory held.
    pub fn memory_size(&self) -> usize {
        self.page.capacity()
            + size_of::<u128>() * self.values.capacity()
            + size_of::<Words>() * self.words.capacity()
            + self.lengths.capacity()
            + self.slots.memory_size()
    }

    /// The same for up to [`GROUP`] values, in rounds: what is sought, for which their text is read; what the first slot of
    /// each leads to, which nearly always is it; a look-up of those that are not. So the processor reads for many values at
    /// once, where one value after the other would have it wait for each of them.
    fn take_group(
        &mut self,
        views: &[u128],
        buffers: &[Buffer],
        indices: &mut Vec<u32>,
    ) -> Option<usize> {
        let mut all = [Sought::default(); GROUP];
        for (sought, &view) in all.iter_mut().zip(views) {
            *sought = self.seek(view, buffers);
            self.slots.prefetch(sought.hash);
        }
        let all = &all[..views.len()];
        let mut likely = [0; GROUP];
        for (index, sought) in likely.iter_mut().zip(all) {
            *index = self.slots.first(sought.hash) as u32;
            if let Some(words) = self.words.get(*index as usize) {
                prefetch_line(words);
            }
        }
        let mut known = 0;
        for (number, (sought, &index)) in all.iter().zip(&likely).enumerate() {
            known |= u64::from(self.is_it(index as usize, sought, buffers)) << number;
        }
        if known.count_ones() as usize == views.len() {
            indices.extend_from_slice(&likely[..views.len()]);
            return None;
        }
        for (taken, (sought, &index)) in all.iter().zip(&likely).enumerate() {
            if (known >> taken) & 1 == 1 {
                indices.push(index);
                continue;
            }
            let is_it = |index: usize| self.is_it(index, sought, buffers);
            if let Some(index) = self.slots.find(sought.hash, is_it) {
                indices.push(index);
                continue;
            }
            indices.push(self.insert(sought, buffers));
            if self.is_full() {
                return Some(taken + 1);
            }
        }
        None
    }

    #[inline(always)]
    fn seek(&self, view: u128, buffers: &[Buffer]) -> Sought {
        let length = view::length(view);
        let mut words = Words::default();
        let hash = if length <= INLINE {
            self.hashes.short(view)
        } else {
            let value = &view::long(view, buffers)[..length];
            if length <= FOUR_WORDS {
                words = Words::of(value);
                self.hashes.words(words)
            } else {
                self.hashes.long(value)
            }
        };
        Sought { view, words, hash }
    }

    /// Whether it is the dictionary's value with this index, which there need not be.
    #[inline(always)]
    fn is_it(&self, index: usize, sought: &Sought, buffers: &[Buffer]) -> bool {
        let length = view::length(sought.view);
        if length <= INLINE {
            return self.values.get(index) == Some(&sought.view);
        }
        if length <= FOUR_WORDS {
            // Those of others are zeros, and have another length.
            let words = self.words.get(index).copied().unwrap_or_default();
            let of_length = self.lengths.get(index) == Some(&(length as u8));
            return words.are(sought.words) & of_length;
        }
        self.values.get(index).is_some_and(|&value| {
            value as u64 == sought.view as u64
                && self.read_long(value) == &view::long(sought.view, buffers)[..length]
        })
    }

    /// Adds a value that it does not have; its index.
    #[inline(never)]
    fn insert(&mut self, sought: &Sought, buffers: &[Buffer]) -> u32 {
        if !self.slots.have_room(self.values.len()) {
            let hashes = (0..self.values.len()).map(|index| self.hash_of(index));
            let more = self.slots.more(hashes);
            self.slots = more;
        }
        let index = self.values.len();
        let length = view::length(sought.view);
        if self.text {
            self.page.extend_from_slice(&(length as u32).to_le_bytes());
        }
        let start = self.page.len() as u128;
        view::with(sought.view, buffers, |value| {
            self.page.extend_from_slice(value);
        });
        self.values.push(if length <= INLINE {
            sought.view
        } else {
            u128::from(sought.view as u64) | start << 96
        });
        self.lengths.push(length.min(LONGER) as u8);
        if (INLINE + 1..=FOUR_WORDS).contains(&length) {
            self.words.resize(index, Words::default());
            self.words.push(sought.words);
        }
        self.slots.insert(sought.hash, index as u32);
        index as u32
    }

    fn hash_of(&self, index: usize) -> u64 {
        let value = self.values[index];
        let length = view::length(value);
        if length <= INLINE {
            self.hashes.short(value)
        } else if length <= FOUR_WORDS {
            self.hashes.words(self.words[index])
        } else {
            self.hashes.long(self.read_long(value))
        }
    }

    fn read_long(&self, value: u128) -> &[u8] {
        &self.page[(value >> 96) as usize..][..view::length(value)]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow_array::StringViewArray;

    use super::super::view::Views;
    use super::*;

    #[test]
    fn indices_lead_to_their_values_however_many_there_are() {
        let kinds = 3_000;
        let texts = (0..4 * kinds).map(|row| {
            let kind = row * 7 % kinds;
            let before = [
                "",
                "longer than a view: ",
                "longer than four words: ********",
            ][kind % 3];
            format!("{before}{kind}")
        });
        let texts: Vec<String> = texts.collect();
        let array = StringViewArray::from_iter_values(&texts);
        let Views { views, buffers } = Views::of(&array).unwrap();
        let (mut dictionary, mut indices) = (Dictionary::new(true), Vec::new());
        assert_eq!(dictionary.take(&views, &buffers, &mut indices), None);
        assert_eq!(dictionary.len(), kinds);
        for (text, &index) in texts.iter().zip(&indices) {
            let value = dictionary.values[index as usize];
            if view::length(value) <= INLINE {
                view::with(value, &[], |value| assert_eq!(value, text.as_bytes()));
            } else {
                assert_eq!(dictionary.read_long(value), text.as_bytes());
            }
        }
    }
}
