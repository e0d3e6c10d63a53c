//! The distinct values of a column chunk.

use std::hint;

use arrow_buffer::Buffer;

use super::bounds::Bounds;
use super::slots::{Hashes, Slots, are_equal};
use super::view::{self, INLINE};

/// A dictionary has at most about this many bytes: larger ones save nothing, and readers hold them whole.
pub const MOST_BYTES: usize = 256 << 10;

/// No value.
const NONE: u128 = u128::MAX;

/// From so many values on a dictionary is larger than the nearest cache.
const MANY: usize = 512;

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
    page: Vec<u8>,
}

impl Dictionary {
    /// One without values. Those of text are written with their lengths, others have one width.
    pub fn new(text: bool) -> Self {
        Self {
            text,
            hashes: Hashes::default(),
            slots: Slots::default(),
            values: Vec::new(),
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
        let mut groups = views.chunks(GROUP).enumerate();
        groups.find_map(|(number, group)| {
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
        self.page.clear();
    }

    /// Gives back the memory of an empty dictionary.
    pub fn release(&mut self) {
        *self = Self::new(self.text);
    }

    /// Bytes of memory held.
    pub fn memory_size(&self) -> usize {
        self.page.capacity() + 16 * self.values.capacity() + self.slots.memory_size()
    }

    /// The same for up to [`GROUP`] values, in rounds: their hashes, for which their text is read; whether each is what its
    /// first slot leads to, as it nearly always is; a look-up of those that are not. So the processor reads for many values
    /// at once, where one value after the other would have it wait for each of them.
    fn take_group(
        &mut self,
        views: &[u128],
        buffers: &[Buffer],
        indices: &mut Vec<u32>,
    ) -> Option<usize> {
        let mut hashes = [0; GROUP];
        for (hash, &view) in hashes.iter_mut().zip(views) {
            *hash = self.hashes.of(view, buffers);
        }
        let hashes = &hashes[..views.len()];
        let (likely, known) = if self.values.len() < MANY {
            self.try_near(views, hashes, buffers)
        } else {
            self.try_far(views, hashes, buffers)
        };
        if known.count_ones() as usize == views.len() {
            indices.extend_from_slice(&likely[..views.len()]);
            return None;
        }
        for (taken, (&view, (&hash, &index))) in
            views.iter().zip(hashes.iter().zip(&likely)).enumerate()
        {
            if (known >> taken) & 1 == 1 {
                indices.push(index);
                continue;
            }
            let is_it = |index: usize| {
                let value = self.values.get(index);
                value.is_some_and(|&value| self.is_it(value, view, buffers))
            };
            if let Some(index) = self.slots.find(hash, is_it) {
                indices.push(index);
                continue;
            }
            indices.push(self.insert(hash, view, buffers));
            if self.is_full() {
                return Some(taken + 1);
            }
        }
        None
    }

    /// The indices in the first slots of these hashes, and for which values they are right.
    #[inline(always)]
    fn try_near(&self, views: &[u128], hashes: &[u64], buffers: &[Buffer]) -> ([u32; GROUP], u64) {
        let (mut likely, mut known) = ([0; GROUP], 0);
        for (number, (&view, &hash)) in views.iter().zip(hashes).enumerate() {
            let index = self.slots.first(hash);
            let value = self.values.get(index).copied().unwrap_or(NONE);
            likely[number] = index as u32;
            known |= u64::from(self.is_it(value, view, buffers)) << number;
        }
        (likely, known)
    }

    /// The same where slots and values are too many for the nearest cache: each step reads for all values what it can read
    /// at once, before the next one reads what that leads to; the last one begins with a byte of each text for that alone.
    #[inline(always)]
    fn try_far(&self, views: &[u128], hashes: &[u64], buffers: &[Buffer]) -> ([u32; GROUP], u64) {
        let (mut likely, mut values, mut known) = ([0; GROUP], [NONE; GROUP], 0);
        for (index, &hash) in likely.iter_mut().zip(hashes) {
            *index = self.slots.first(hash) as u32;
        }
        for (value, &index) in values.iter_mut().zip(&likely[..hashes.len()]) {
            *value = self.values.get(index as usize).copied().unwrap_or(NONE);
        }
        let first_bytes = values[..hashes.len()]
            .iter()
            .map(|&value| self.page.get((value >> 96) as usize).copied());
        hint::black_box(first_bytes.fold(0, |all, byte| all | byte.unwrap_or_default()));
        for (number, (&view, &value)) in views.iter().zip(&values).enumerate() {
            known |= u64::from(self.is_it(value, view, buffers)) << number;
        }
        (likely, known)
    }

    /// Whether `value`, which is one of the dictionary's, is what `view` is.
    #[inline(always)]
    fn is_it(&self, value: u128, view: u128, buffers: &[Buffer]) -> bool {
        let length = view::length(view);
        if length <= INLINE {
            return value == view;
        }
        value as u64 == view as u64
            && are_equal(self.read_long(value), &view::long(view, buffers)[..length])
    }

    /// Adds a value that it does not have; its index.
    #[inline(never)]
    fn insert(&mut self, hash: u64, view: u128, buffers: &[Buffer]) -> u32 {
        if !self.slots.have_room(self.values.len()) {
            let more = self.slots.more(self.values.iter().map(|&value| {
                if view::length(value) <= INLINE {
                    self.hashes.short(value)
                } else {
                    self.hashes.long(self.read_long(value))
                }
            }));
            self.slots = more;
        }
        let index = self.values.len() as u32;
        let length = view::length(view);
        if self.text {
            self.page.extend_from_slice(&(length as u32).to_le_bytes());
        }
        let start = self.page.len() as u128;
        view::with(view, buffers, |value| self.page.extend_from_slice(value));
        self.values.push(if length <= INLINE {
            view
        } else {
            u128::from(view as u64) | start << 96
        });
        self.slots.insert(hash, index);
        index
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
        let kinds = 2 * MANY + 100;
        let texts = (0..4 * kinds).map(|row| {
            let kind = row * 7 % kinds;
            let before = ["", "longer than a view: "][kind % 2];
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
