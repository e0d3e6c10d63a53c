//! Text that ends where memory ends: reading one byte behind it ends the process.

#![allow(unsafe_code, reason = "pages are mapped and protected")]

use std::ptr;

use crate::simd::{Backend, Isa, Kernel, string_end, unescape};

/// A page with another one behind it that nobody may touch.
struct Guarded {
    start: *mut u8,
    page: usize,
}

impl Guarded {
    fn new() -> Self {
        // SAFETY: asks for memory of its own and leaves all other alone.
        unsafe {
            let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap();
            let start = libc::mmap(
                ptr::null_mut(),
                2 * page,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(start, libc::MAP_FAILED);
            let start = start.cast::<u8>();
            assert_eq!(
                libc::mprotect(start.add(page).cast(), page, libc::PROT_NONE),
                0
            );
            Self { start, page }
        }
    }

    /// `text`, right before the guard.
    fn put(&mut self, text: &[u8]) -> &[u8] {
        assert!(text.len() <= self.page);
        // SAFETY: the page is this object's, initialized by the system, and `text` fits into it.
        let place = unsafe {
            let end = self.start.add(self.page);
            std::slice::from_raw_parts_mut(end.sub(text.len()), text.len())
        };
        place.copy_from_slice(text);
        place
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: what `new` has mapped; nothing borrows from it any more.
        unsafe { libc::munmap(self.start.cast(), 2 * self.page) };
    }
}

struct ReadToTheEnd<'t>(&'t [u8], &'t mut Vec<u8>);

impl Kernel for ReadToTheEnd<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<B: Backend>(self) -> Option<usize> {
        let Self(text, out) = self;
        let inside = text.strip_suffix(b"\"").unwrap_or(text);
        unescape::<B>(inside, out);
        string_end::<B>(text, 0).map(|string| string.end)
    }
}

/// Strings closed by the last byte of their memory, and strings that are not closed, of every length.
#[test]
fn nothing_is_read_behind_the_text() {
    let mut guarded = Guarded::new();
    for unit in ["x", "\\n", "\\u00e9", "\\ud83d\\ude00"] {
        for length in 0..=150 {
            let inside = "x".repeat(length) + unit;
            for closing in ["\"", ""] {
                let text = guarded.put((inside.clone() + closing).as_bytes());
                for isa in Isa::available() {
                    let mut out = Vec::new();
                    let end = isa.run(ReadToTheEnd(text, &mut out));
                    assert_eq!(
                        end,
                        (closing == "\"").then_some(inside.len()),
                        "{}",
                        isa.name()
                    );
                    assert!(out.len() <= inside.len());
                }
            }
        }
    }
}
