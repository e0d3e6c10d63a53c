//! The distinct values of a column chunk.

use arrow_buffer::Buffer;

use super::bounds::Bounds;
use super::slots::{Hashes, Slots, are_equal};
use super::view::{self, INLINE};

/// A dictionary has at most about this many bytes: larger ones save nothing, and readers hold them whole.
pub const MOST_BYTES: usize = 256 << 10;

/// No value.
const NONE: u128 = u128::MAX;

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

    /// Appends the index of each value to `indices`, until the dictionary is full; how many.
    pub fn take(&mut self, views: &[u128], buffers: &[Buffer], indices: &mut Vec<u32>) -> usize {
        indices.reserve(views.len());
        for (number, group) in views.chunks(GROUP).enumerate() {
            let taken = self.take_group(group, buffers, indices);
            if taken < group.len() || self.is_full() {
                return number * GROUP + taken;
            }
        }
        views.len()
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

    /// The same for up to [`GROUP`] values. In three rounds, each of which reads one thing of every value, the text, the
    /// slot, the value it leads to: reads that do not wait for each other, where one value after the other would have
    /// the processor wait for each of them in turn.
    fn take_group(&mut self, views: &[u128], buffers: &[Buffer], indices: &mut Vec<u32>) -> usize {
        let mut hashes = [0; GROUP];
        for (hash, &view) in hashes.iter_mut().zip(views) {
            *hash = self.hashes.of(view, buffers);
        }
        let mut likely = [(0, 0); GROUP];
        for (likely, &hash) in likely.iter_mut().zip(&hashes[..views.len()]) {
            let index = self.slots.first(hash);
            *likely = (
                index as u32,
                self.values.get(index).copied().unwrap_or(NONE),
            );
        }
        for (taken, (&view, (&hash, &(index, value)))) in
            views.iter().zip(hashes.iter().zip(&likely)).enumerate()
        {
            if self.is_it(value, view, buffers) {
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
                return taken + 1;
            }
        }
        views.len()
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
