//! Memory that batches are decompressed into: several batches to a slab.

use arrow_buffer::Buffer;

/// Bytes of a slab, unless one batch needs more.
pub const SLAB_BYTES: usize = 4 << 20;
/// Zeros after a slab's last batch, so that a kernel may look at whole blocks.
pub const PADDING: usize = 128;

/// A slab that takes more.
#[derive(Debug)]
pub struct Slab {
    memory: Vec<u8>,
    used: usize,
}

impl Slab {
    /// In `memory`, all of which may be overwritten.
    pub fn new(memory: Vec<u8>) -> Self {
        Self { memory, used: 0 }
    }

    /// Room for more, at most `most` bytes.
    pub fn room(&mut self, most: usize) -> &mut [u8] {
        let end = self.memory.len().saturating_sub(PADDING);
        let room = self.memory.get_mut(self.used..end).unwrap_or_default();
        let length = room.len().min(most);
        &mut room[..length]
    }

    /// `bytes` of the room hold a batch now. Gives where it begins.
    pub fn fill(&mut self, bytes: usize) -> usize {
        let start = self.used;
        self.used += bytes;
        start
    }

    /// A batch in it.
    pub fn bytes(&self, start: usize, length: usize) -> &[u8] {
        self.memory.get(start..start + length).unwrap_or_default()
    }

    /// No more will come.
    pub fn close(mut self) -> Buffer {
        let end = self.memory.len().min(self.used + PADDING);
        self.memory[self.used..end].fill(0);
        Buffer::from_vec(self.memory)
    }
}
