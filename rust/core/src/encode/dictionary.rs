//! The distinct values of a column chunk.

use arrow_buffer::Buffer;

use super::bounds::Bounds;
use super::slots::{Hashes, Slots, are_equal};
use super::view::{self, INLINE};

/// A dictionary has at most about this many bytes: larger ones save nothing, and readers hold them whole.
pub const MOST_BYTES: usize = 256 << 10;

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

    /// Appends the index of each value to `indices`, until the dictionary is full; how many.
    pub fn take(&mut self, views: &[u128], buffers: &[Buffer], indices: &mut Vec<u32>) -> usize {
        indices.reserve(views.len());
        let mut taken = 0;
        loop {
            taken += self.take_known(&views[taken..], buffers, indices);
            let Some(&new) = views.get(taken) else {
                return taken;
            };
            indices.push(self.insert(new, buffers));
            taken += 1;
            if self.is_full() {
                return taken;
            }
        }
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Takes its values from an index on into account.
    pub fn observe(&self, from: usize, bounds: &mut Bounds) {
        for &value in &self.values[from..] {
            if view::length(value) <= INLINE {
                view::with(value, &[], |value| bounds.observe_text(value));
            } else {
                bounds.observe_text(self.read_long(value));
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

    /// Appends the indices of values until one is new; how many.
    fn take_known(&self, views: &[u128], buffers: &[Buffer], indices: &mut Vec<u32>) -> usize {
        for (taken, &view) in views.iter().enumerate() {
            let found = if view::length(view) <= INLINE {
                let is_it = |index| self.values.get(index) == Some(&view);
                self.slots.find(self.hashes.short(view), is_it)
            } else {
                let value = &view::long(view, buffers)[..view::length(view)];
                let is_it = |index| {
                    let other = self.values.get(index).copied().unwrap_or_default();
                    other as u64 == view as u64 && are_equal(self.read_long(other), value)
                };
                self.slots.find(self.hashes.long(value), is_it)
            };
            let Some(index) = found else {
                return taken;
            };
            indices.push(index);
        }
        views.len()
    }

    /// Adds a value that it does not have; its index.
    #[inline(never)]
    fn insert(&mut self, view: u128, buffers: &[Buffer]) -> u32 {
        if !self.slots.have_room(self.values.len()) {
            self.slots = self
                .slots
                .more(self.values.iter().map(|&value| self.hash(value)));
        }
        let index = self.values.len() as u32;
        let length = view::length(view);
        if self.text {
            self.page.extend_from_slice(&(length as u32).to_le_bytes());
        }
        let start = self.page.len() as u128;
        view::with(view, buffers, |value| self.page.extend_from_slice(value));
        let value = if length <= INLINE {
            view
        } else {
            u128::from(view as u64) | start << 96
        };
        self.values.push(value);
        self.slots.insert(self.hash(value), index);
        index
    }

    fn read_long(&self, value: u128) -> &[u8] {
        &self.page[(value >> 96) as usize..][..view::length(value)]
    }

    fn hash(&self, value: u128) -> u64 {
        if view::length(value) <= INLINE {
            self.hashes.short(value)
        } else {
            self.hashes.long(self.read_long(value))
        }
    }
}
