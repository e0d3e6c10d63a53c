//! The memory that text columns view: texts as they came, and the text that escapes stand for.
//!
//! A text is either shared (it stays in the buffer it came in) or owned (copied, once, into a slab). Nearly always some
//! bytes after its end can be read, so that a kernel may look at whole blocks; a slab sees to that. What has escapes is
//! written out once, to the open slab of [`Plain`]. Views name a slab by its number.

#![allow(
    unsafe_code,
    reason = "text that was checked as a block is not checked again for each of its values"
)]

use arrow_buffer::Buffer;

use crate::simd::{BLOCK, is_utf8};

/// Bytes of a slab, unless one text needs more.
const SLAB_BYTES: usize = 2 << 20;
/// Bytes that can be read after a text.
const PADDING: usize = BLOCK;
/// Last byte of a slab that a view reaches.
const REACH: usize = i32::MAX as usize;

/// Where some bytes are that may be text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes {
    slab: u32,
    start: u32,
    length: u32,
}

/// Where a text is: bytes that are known to be UTF-8. Only for the [`Slabs`] that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(Bytes);

impl Place {
    /// The number of its slab.
    pub fn slab(self) -> u32 {
        self.0.slab
    }

    /// How many bytes it has.
    pub fn length(self) -> u32 {
        self.0.length
    }

    /// Where it begins in its slab.
    pub fn start(self) -> u32 {
        self.0.start
    }
}

#[derive(Debug)]
enum Slab {
    Shared(Buffer),
    Owned(Vec<u8>),
    /// The open slab of [`Plain`] will be put here.
    Plain,
}

/// All texts of one decode call.
#[derive(Debug)]
pub struct Slabs {
    pub texts: Texts,
    pub plain: Plain,
}

/// The texts as they came.
#[derive(Debug, Default)]
pub struct Texts {
    slabs: Vec<Slab>,
    /// The owned slab that takes more.
    open: Option<usize>,
    /// The part of a buffer that is shared now.
    shared: Option<Part>,
}

/// A part of a buffer: which one, the number of its slab, and where in the buffer it begins.
#[derive(Clone, Copy, Debug)]
struct Part {
    buffer: u32,
    slab: u32,
    origin: usize,
}

/// The slab that takes what escapes stand for.
#[derive(Debug)]
pub struct Plain {
    pub bytes: Vec<u8>,
    number: u32,
}

impl Plain {
    /// One that is slab `number`.
    pub fn new(number: u32) -> Self {
        Self {
            bytes: Vec::new(),
            number,
        }
    }

    /// The number of its slab.
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl Slabs {
    pub fn new() -> Self {
        Self {
            texts: Texts {
                slabs: vec![Slab::Plain],
                ..Texts::default()
            },
            plain: Plain::new(0),
        }
    }

    /// Take a slab with room for `bytes` as the open one; about `in_all` are still to come.
    pub fn reserve_plain(&mut self, bytes: usize, in_all: usize) {
        let room = self.plain.bytes.capacity() - self.plain.bytes.len();
        if room >= bytes + PADDING {
            return;
        }
        let capacity = bytes.max(in_all.min(SLAB_BYTES)) + PADDING;
        if !self.plain.bytes.is_empty() {
            let number = self.texts.slabs.len() as u32;
            let full = std::mem::replace(&mut self.plain, Plain::new(number));
            self.texts.slabs[full.number as usize] = Slab::Owned(full.bytes);
            self.texts.slabs.push(Slab::Plain);
        }
        self.plain.bytes.reserve_exact(capacity);
    }

    /// The slabs by their numbers.
    pub fn finish(self) -> Vec<Buffer> {
        let mut plain = Some(self.plain.bytes);
        let slabs = self.texts.slabs.into_iter();
        slabs
            .map(|slab| match slab {
                Slab::Shared(buffer) => buffer,
                Slab::Owned(bytes) => Buffer::from_vec(bytes),
                Slab::Plain => Buffer::from_vec(plain.take().unwrap_or_default()),
            })
            .collect()
    }
}

impl Texts {
    /// Copy `value`. `more` is about how many bytes will be copied after it.
    pub fn copy(&mut self, value: &[u8], more: usize) -> Bytes {
        let needed = value.len() + PADDING;
        let fits = |slab: &Slab| match slab {
            Slab::Owned(bytes) => bytes.capacity() - bytes.len() >= value.len(),
            _ => false,
        };
        let number = match self.open {
            Some(number) if fits(&self.slabs[number]) => number,
            _ => {
                let capacity = needed.saturating_add(more).min(SLAB_BYTES).max(needed);
                self.slabs
                    .push(Slab::Owned(Vec::with_capacity(capacity + PADDING)));
                *self.open.insert(self.slabs.len() - 1)
            }
        };
        let Slab::Owned(bytes) = &mut self.slabs[number] else {
            return Bytes {
                slab: 0,
                start: 0,
                length: 0,
            };
        };
        // The padding after the text before it, but for one byte, which keeps them apart.
        let start = bytes.len().saturating_sub(PADDING - 1);
        bytes.truncate(start);
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(&[0; PADDING]);
        Bytes {
            slab: number as u32,
            start: start as u32,
            length: value.len() as u32,
        }
    }

    /// Take `start..end` of the buffer with this number as it is. Calls that name one buffer must go forward in it.
    #[inline]
    pub fn share(&mut self, number: u32, buffer: &Buffer, start: usize, end: usize) -> Bytes {
        let Part { slab, origin, .. } = match self.shared {
            Some(part) if part.buffer == number && end - part.origin <= REACH - PADDING => part,
            _ => self.begin_part(number, buffer, start),
        };
        Bytes {
            slab,
            start: (start - origin) as u32,
            length: (end - start) as u32,
        }
    }

    #[cold]
    fn begin_part(&mut self, number: u32, buffer: &Buffer, origin: usize) -> Part {
        let length = (buffer.len() - origin).min(REACH);
        self.slabs
            .push(Slab::Shared(buffer.slice_with_length(origin, length)));
        *self.shared.insert(Part {
            buffer: number,
            slab: self.slabs.len() as u32 - 1,
            origin,
        })
    }

    /// The bytes at `bytes`.
    pub fn bytes(&self, bytes: Bytes) -> &[u8] {
        let start = bytes.start as usize;
        &self.slab(bytes.slab)[start..start + bytes.length as usize]
    }

    /// `bytes` as a text, if it is one.
    pub fn text_at(&self, bytes: Bytes) -> Option<Place> {
        is_utf8(self.bytes(bytes)).then_some(Place(bytes))
    }

    /// `all` as texts, if every one is. They have to lie in ascending order; looked at is what is between them too.
    pub fn texts_at(&self, all: &[Bytes], places: &mut Vec<Place>) -> bool {
        let (Some(first), Some(last)) = (all.first(), all.last()) else {
            return true;
        };
        if first.slab != last.slab {
            return false;
        }
        let slab = self.slab(first.slab);
        let end = last.start + last.length;
        let Some(region) = slab.get(first.start as usize..end as usize) else {
            return false;
        };
        // Inside a region that is text, whatever begins and ends between two characters is text too.
        let between = |position: u32| {
            slab.get(position as usize)
                .is_none_or(|&b| b & 0xC0 != 0x80)
        };
        let whole = all.iter().all(|bytes| {
            bytes.slab == first.slab
                && bytes.start >= first.start
                && bytes.start + bytes.length <= end
                && between(bytes.start)
                && between(bytes.start + bytes.length)
        });
        if !whole || !is_utf8(region) {
            return false;
        }
        places.extend(all.iter().copied().map(Place));
        true
    }

    /// `all` as texts, if every one is. Nothing is looked at but them.
    pub fn each_text_at(&self, all: &[Bytes], places: &mut Vec<Place>) -> bool {
        let before = places.len();
        for &bytes in all {
            let Some(place) = self.text_at(bytes) else {
                places.truncate(before);
                return false;
            };
            places.push(place);
        }
        true
    }

    /// The text at `place`.
    #[inline]
    pub fn text(&self, place: Place) -> &str {
        // SAFETY: a place is made by `text_at` and `texts_at` only, after its bytes were found to be UTF-8; no slab is
        // changed before its end, and callers use a place with the slabs that made it.
        unsafe { str::from_utf8_unchecked(self.bytes(place.0)) }
    }

    /// The text at `place`, and up to a block of bytes after it.
    #[inline]
    pub fn padded(&self, place: Place) -> &[u8] {
        let slab = self.slab(place.0.slab);
        let start = place.0.start as usize;
        let end = start + place.0.length as usize + PADDING;
        &slab[start..end.min(slab.len())]
    }

    /// As many bytes as the text at `place` has, so far behind its beginning; fewer at its slab's end.
    #[inline]
    pub fn ahead(&self, place: Place, distance: usize) -> &[u8] {
        let slab = self.slab(place.0.slab);
        let start = slab.len().min(place.0.start as usize + distance);
        let end = slab.len().min(start + place.0.length as usize);
        &slab[start..end]
    }

    #[inline(always)]
    fn slab(&self, number: u32) -> &[u8] {
        match &self.slabs[number as usize] {
            Slab::Shared(buffer) => buffer.as_slice(),
            Slab::Owned(bytes) => bytes,
            Slab::Plain => &[],
        }
    }
}
