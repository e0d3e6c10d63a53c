//! The text of a page that is being filled: the lengths of its values, and the values one after the other.

use arrow_buffer::Buffer;

use super::bounds::Bounds;
use super::packing;
use super::values::PAGE_BYTES;
use super::view::{self, INLINE};

/// Room before the text for what a page has there: it is written when the page is full, and the text is not moved.
const HEADROOM: usize = 64 << 10;

/// Room behind the text: up to this length values are copied as if they had it, and what is too much is overwritten.
/// That of a UUID, or a key with a few letters before one.
const WIDE: usize = 48;

/// How many values before one that is copied its text is asked for from memory.
const AHEAD: usize = 16;

/// Values without their nulls.
#[derive(Debug)]
pub struct TextPage {
    lengths: Vec<i32>,
    /// The text after the headroom, up to `end`; what is behind it means nothing.
    text: Vec<u8>,
    end: usize,
}

impl Default for TextPage {
    fn default() -> Self {
        Self {
            lengths: Vec::new(),
            text: Vec::new(),
            end: HEADROOM,
        }
    }
}

impl TextPage {
    /// Takes values. If the page is full then, it ends there: after how many.
    pub fn take(
        &mut self,
        views: &[u128],
        buffers: &[Buffer],
        mut bounds: Option<&mut Bounds>,
    ) -> Option<usize> {
        self.lengths.reserve(views.len());
        view::prefetch(&views[..views.len().min(AHEAD)], buffers);
        for (taken, &view) in views.iter().enumerate() {
            let later = views.get(taken + AHEAD);
            view::prefetch(later.map_or(&[], std::slice::from_ref), buffers);
            let length = view::length(view);
            if self.text.len() < self.end + length + WIDE {
                self.grow(length);
            }
            let to = &mut self.text[self.end..];
            if length <= INLINE {
                to[..16].copy_from_slice(&(view >> 32).to_le_bytes());
            } else {
                let from = view::long(view, buffers);
                match from.first_chunk::<WIDE>() {
                    Some(wide) if length <= WIDE => to[..WIDE].copy_from_slice(wide),
                    _ => to[..length].copy_from_slice(&from[..length]),
                }
            }
            self.lengths.push(length as i32);
            self.end += length;
            if let Some(bounds) = &mut bounds
                && bounds.may_grow(view)
            {
                view::with(view, buffers, |value| bounds.observe_text(value));
            }
            if self.end >= HEADROOM + PAGE_BYTES {
                return Some(taken + 1);
            }
        }
        None
    }

    /// The body of the page that begins with `head`. It lies in `head` or here.
    pub fn body<'a>(&'a mut self, head: &'a mut Vec<u8>) -> &'a [u8] {
        packing::deltas(head, &self.lengths);
        match HEADROOM.checked_sub(head.len()) {
            Some(start) if self.end > HEADROOM => {
                self.text[start..HEADROOM].copy_from_slice(head);
                &self.text[start..self.end]
            }
            _ => {
                head.extend_from_slice(self.text.get(HEADROOM..self.end).unwrap_or_default());
                head
            }
        }
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self) {
        self.lengths.clear();
        self.end = HEADROOM;
    }

    /// About how many bytes they have on the page.
    pub fn size(&self) -> usize {
        self.end - HEADROOM + self.lengths.len()
    }

    /// Bytes of memory held, without the headroom, which is address space.
    pub fn memory_size(&self) -> usize {
        self.text.capacity().saturating_sub(HEADROOM) + 4 * self.lengths.capacity()
    }

    /// Makes room for a value of this length, and for as much again, up to what a page needs.
    #[cold]
    fn grow(&mut self, length: usize) {
        let needed = self.end + length + WIDE;
        let doubled = (2 * self.text.len()).min(HEADROOM + PAGE_BYTES + WIDE);
        let mut text = vec![0; needed.max(doubled)];
        text[HEADROOM..self.end]
            .copy_from_slice(self.text.get(HEADROOM..self.end).unwrap_or_default());
        self.text = text;
    }
}
