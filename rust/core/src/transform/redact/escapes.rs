//! A text without its JSON escapes, and where each part of it came from.
//!
//! Any text is taken, whether JSON or not: a backslash that begins no escape stays what it is. So JSON in JSON in prose
//! is looked into as well, and what is found is replaced where it stands, whatever is around it.

use super::hit::Hit;
use crate::json;

/// A text that had escapes.
#[derive(Debug)]
pub struct Unescaped {
    pub text: String,
    /// The escapes, and the plain parts between them: where each begins here and there.
    parts: Vec<Part>,
    /// Bytes of the outer text.
    outer_length: usize,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    inner: usize,
    outer: usize,
    escape: bool,
}

impl Unescaped {
    /// `None` if there is nothing to undo.
    pub fn of(outer: &str) -> Option<Self> {
        memchr::memchr(b'\\', outer.as_bytes())?;
        let mut text = String::with_capacity(outer.len());
        let mut parts = Vec::new();
        let mut at = 0;
        let mut any = false;
        while at < outer.len() {
            let rest = &outer[at..];
            let plain = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
            if plain > 0 {
                parts.push(Part {
                    inner: text.len(),
                    outer: at,
                    escape: false,
                });
                text.push_str(&rest[..plain]);
                at += plain;
                continue;
            }
            let length = escape_length(rest.as_bytes());
            parts.push(Part {
                inner: text.len(),
                outer: at,
                escape: length > 1,
            });
            if length > 1 {
                any = true;
                // Writing to a String can't fail.
                let _: std::fmt::Result = json::unescape(&rest[..length], &mut text);
            } else {
                text.push('\\');
            }
            at += length;
        }
        any.then_some(Self {
            text,
            parts,
            outer_length: outer.len(),
        })
    }

    /// Where a hit in the inner text stands in the outer one.
    pub fn outwards(&self, hit: Hit) -> Hit {
        let first = self.parts[self.part_of_inner(hit.start)];
        let last_index = self.part_of_inner(hit.end.max(1) - 1);
        let last = self.parts[last_index];
        let start = if first.escape {
            first.outer
        } else {
            first.outer + (hit.start - first.inner)
        };
        let end = if last.escape {
            self.outer_end(last_index)
        } else {
            last.outer + (hit.end - last.inner)
        };
        Hit { start, end, ..hit }
    }

    /// A hit of the outer text, made not to end within an escape: `\nme@x.org` is an address after a line's end.
    /// Nothing if the inner text has it better.
    pub fn whole_escapes(&self, hit: Hit, inner: &[Hit]) -> Option<Hit> {
        let (first, last) = (
            self.part_of_outer(hit.start),
            self.part_of_outer(hit.end.max(1) - 1),
        );
        let cut_before = self.parts[first].escape && self.parts[first].outer < hit.start;
        let cut_after = self.parts[last].escape && self.outer_end(last) > hit.end;
        if !cut_before && !cut_after {
            return Some(hit);
        }
        if inner
            .iter()
            .any(|better| better.start < hit.end && hit.start < better.end)
        {
            return None;
        }
        Some(Hit {
            start: if cut_before {
                self.parts[first].outer
            } else {
                hit.start
            },
            end: if cut_after {
                self.outer_end(last)
            } else {
                hit.end
            },
            ..hit
        })
    }

    fn part_of_inner(&self, position: usize) -> usize {
        self.parts
            .partition_point(|part| part.inner <= position)
            .saturating_sub(1)
    }

    fn part_of_outer(&self, position: usize) -> usize {
        self.parts
            .partition_point(|part| part.outer <= position)
            .saturating_sub(1)
    }

    fn outer_end(&self, part: usize) -> usize {
        self.parts
            .get(part + 1)
            .map_or(self.outer_length, |next| next.outer)
    }
}

/// Bytes of the escape that begins `rest`; 1 if its backslash begins none.
fn escape_length(rest: &[u8]) -> usize {
    let unit = |at: usize| -> Option<u32> {
        let digits = rest.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |unit, &digit| {
            Some(unit << 4 | char::from(digit).to_digit(16)?)
        })
    };
    match rest.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
        Some(b'u') => match (unit(0), unit(6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(_), _) => 6,
            (None, _) => 1,
        },
        _ => 1,
    }
}
