//! A scanner inside of a kernel: common forms are read by blocks, without a call, its position being in a register.
//!
//! What is not of a common form, which is whatever is wrong as well, is left to the [`Scanner`], from where it begins.

use super::scan::{Fault, Kind, Scanner, Token};
use crate::simd::{BLOCK, Backend, Isa, StringEnd, find_string_and_unescape};

/// A [`Scanner`] at a position of its own.
pub struct Cursor<'s, 't> {
    scanner: &'s mut Scanner<'t>,
    bytes: &'t [u8],
    at: usize,
}

impl<'s, 't> Cursor<'s, 't> {
    /// One where `scanner` is, whose position means nothing from then on.
    #[inline(always)]
    pub fn new(scanner: &'s mut Scanner<'t>) -> Self {
        let (bytes, at) = (scanner.bytes(), scanner.position());
        Self { scanner, bytes, at }
    }

    /// Leave the scanner here.
    #[inline(always)]
    pub fn stop(self) {
        self.scanner.go_to(self.at);
    }

    /// Where the next byte to read is.
    #[inline(always)]
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Go over `bytes` whose grammar is known.
    #[inline(always)]
    pub fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// The next byte, if there is one.
    #[inline(always)]
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// As [`Scanner::space`].
    #[inline(always)]
    pub fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// As [`Scanner::end`].
    ///
    /// # Errors
    /// The same.
    #[inline(always)]
    pub fn end(&mut self) -> Result<(), Fault> {
        self.by_scanner(Scanner::end)
    }

    /// As [`Scanner::open`].
    ///
    /// # Errors
    /// The same.
    #[inline(always)]
    pub fn open(&mut self, depth: usize) -> Result<(), Fault> {
        if depth < self.scanner.max_depth() {
            self.at += 1;
            return Ok(());
        }
        self.by_scanner(|scanner| scanner.open(depth))
    }

    /// As [`Scanner::next_member`].
    ///
    /// # Errors
    /// The same.
    #[inline(always)]
    pub fn next_member(&mut self, first: bool, close: u8) -> Result<bool, Fault> {
        self.space();
        match self.peek() {
            Some(b',') if !first => {
                self.at += 1;
                self.space();
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ if first => Ok(true),
            _ => self.by_scanner(|scanner| scanner.next_member(false, close)),
        }
    }

    /// As [`Scanner::key`].
    ///
    /// # Errors
    /// The same.
    #[inline(always)]
    pub fn key<B: Backend>(&mut self) -> Result<Token, Fault> {
        let start = self.at;
        let Some(end) = self.short_string::<B>() else {
            return self.by_scanner(Scanner::key);
        };
        self.at = end;
        self.space();
        if self.peek() != Some(b':') {
            self.at = start;
            return self.by_scanner(Scanner::key);
        }
        self.at += 1;
        self.space();
        Ok(Token::new(Kind::String { escaped: false }, start, end))
    }

    /// Pass the string at the cursor if it has no escapes and is shorter than a block. Where it is, quotes included.
    #[inline(always)]
    pub fn pass_short_string<B: Backend>(&mut self) -> Option<(usize, usize)> {
        let (start, end) = (self.at, self.short_string::<B>()?);
        self.at = end;
        Some((start, end))
    }

    /// As [`Scanner::value`].
    ///
    /// # Errors
    /// The same.
    #[inline(always)]
    pub fn value<B: Backend>(&mut self, depth: usize) -> Result<Token, Fault> {
        let start = self.at;
        let common = match self.peek() {
            Some(b'"') => {
                let end = self.short_string::<B>();
                end.map(|end| (Kind::String { escaped: false }, end))
            }
            Some(b'-' | b'0'..=b'9') => number::<B>(self.bytes, start),
            Some(b't' | b'f' | b'n') => word(self.bytes, start),
            _ => None,
        };
        if let Some((kind, end)) = common {
            self.at = end;
            return Ok(Token::new(kind, start, end));
        }
        self.by_scanner(|scanner| scanner.value(depth))
    }

    /// [`Self::value`] that appends to `out` what the value stands for if it is a string with escapes.
    ///
    /// # Errors
    /// The same; what has been appended then means nothing.
    #[inline(always)]
    pub fn value_and_text<B: Backend>(
        &mut self,
        depth: usize,
        isa: Isa,
        out: &mut Vec<u8>,
    ) -> Result<Token, Fault> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return self.value::<B>(depth);
        }
        if let Some(end) = self.short_string::<B>() {
            self.at = end;
            return Ok(Token::new(Kind::String { escaped: false }, start, end));
        }
        let before = out.len();
        let found = find_string_and_unescape(isa, self.bytes, start + 1, out);
        let Some(StringEnd { end, escaped }) = found else {
            out.truncate(before);
            return self.by_scanner(|scanner| scanner.value(depth));
        };
        self.at = end + 1;
        Ok(Token::new(Kind::String { escaped }, start, self.at))
    }

    /// The end of the string at the cursor if it is one without escapes, and shorter than a block.
    #[inline(always)]
    fn short_string<B: Backend>(&self) -> Option<usize> {
        let (quote, inside) = self.bytes.get(self.at..)?.split_first()?;
        if *quote != b'"' {
            return None;
        }
        let length = match inside.first_chunk() {
            Some(block) => B::closing_quote(block),
            None => B::closing_quote(&B::padded(inside)),
        };
        (length < BLOCK).then(|| self.at + 1 + length + 1)
    }

    #[inline(always)]
    fn by_scanner<T>(
        &mut self,
        read: impl FnOnce(&mut Scanner<'t>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let (read, at) = read_at(self.scanner, self.at, read);
        self.at = at;
        read
    }
}

/// What `read` makes of the text from `at` on, and where it stops.
#[cold]
#[inline(never)]
fn read_at<'t, T>(
    scanner: &mut Scanner<'t>,
    at: usize,
    read: impl FnOnce(&mut Scanner<'t>) -> Result<T, Fault>,
) -> (Result<T, Fault>, usize) {
    scanner.go_to(at);
    let read = read(scanner);
    (read, scanner.position())
}

/// The number at `start` and its end, if it is neither very long nor has an exponent.
#[inline(always)]
fn number<B: Backend>(text: &[u8], start: usize) -> Option<(Kind, usize)> {
    let window = text.get(start..)?.first_chunk::<32>()?;
    let digits = u64::from(B::digit_bits(window));
    let first = usize::from(window[0] == b'-');
    let whole = (!(digits >> first)).trailing_zeros() as usize;
    let end = first + whole;
    if whole == 0 || (window[first] == b'0' && whole > 1) {
        return None;
    }
    match window.get(end)? {
        b'.' => {
            let fraction = (!(digits >> (end + 1))).trailing_zeros() as usize;
            let end = end + 1 + fraction;
            if fraction == 0 || matches!(window.get(end)?, b'e' | b'E') {
                return None;
            }
            Some((Kind::Number { integer: false }, start + end))
        }
        b'e' | b'E' => None,
        _ => Some((Kind::Number { integer: true }, start + end)),
    }
}

/// The literal name at `start` and its end, if there is one.
#[inline(always)]
fn word(text: &[u8], start: usize) -> Option<(Kind, usize)> {
    match text.get(start..)?.first_chunk::<4>()? {
        b"true" => Some((Kind::Bool(true), start + 4)),
        b"null" => Some((Kind::Null, start + 4)),
        b"fals" if text.get(start + 4) == Some(&b'e') => Some((Kind::Bool(false), start + 5)),
        _ => None,
    }
}
