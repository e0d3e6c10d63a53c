//! One pass over a JSON text: its grammar checked, its values located.

use super::skip::Skip;
use super::words::next_special;
use crate::simd::{Isa, StringEnd, find_string_end};

/// A string of no more than this many bytes is not worth the call of a kernel.
const SHORT: usize = 16;

/// What kind of value stands at a [`Token`], with what the scan learnt on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; `integer` if it is written without fraction and exponent.
    Number {
        /// Neither fraction nor exponent.
        integer: bool,
    },
    /// A string; the token includes the quotes.
    String {
        /// Holds at least one backslash.
        escaped: bool,
    },
    /// An array, brackets included.
    Array,
    /// An object, braces included.
    Object,
}

/// Where one value or key stands in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its first byte.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
}

impl Token {
    /// A token of `kind` from byte `start` up to `end`.
    #[must_use]
    pub const fn new(kind: Kind, start: usize, end: usize) -> Self {
        Self {
            kind,
            start: start as u32,
            end: end as u32,
        }
    }

    /// The token's bytes as written.
    #[inline]
    #[must_use]
    pub fn of<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// A string's bytes between its quotes, escapes as written.
    #[inline]
    #[must_use]
    pub fn inside<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start as usize + 1..self.end as usize - 1)
            .unwrap_or_default()
    }
}

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Not in the grammar of RFC 8259.
    Grammar,
    /// A `\uD800`..`\uDFFF` escape without its other half.
    LoneSurrogate,
    /// More nested arrays and objects than allowed.
    TooDeep,
}

/// The first thing wrong with a text, in reading order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub kind: FaultKind,
    /// The byte that can't stand where it stands; the text's length if it ends too early.
    pub position: usize,
    /// What was expected.
    pub message: &'static str,
}

/// Memory of a [`Scanner`], kept from text to text.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The containers around the one that is being skipped: true for objects.
    open: Vec<bool>,
    /// Where the lone surrogate escapes of the current text are; only filled if they are allowed.
    pub lone_surrogates: Vec<u32>,
}

/// A cursor over one text of less than 4 GiB.
#[derive(Debug)]
pub struct Scanner<'t> {
    bytes: &'t [u8],
    position: usize,
    max_depth: usize,
    allow_lone_surrogates: bool,
    isa: Isa,
    scratch: &'t mut Scratch,
}

impl<'t> Scanner<'t> {
    /// A scanner at the start of `text`. Lone surrogates are faults, or noted in `scratch` if allowed.
    pub fn new(
        text: &'t str,
        max_depth: usize,
        allow_lone_surrogates: bool,
        scratch: &'t mut Scratch,
    ) -> Self {
        scratch.lone_surrogates.clear();
        Self {
            bytes: text.as_bytes(),
            position: 0,
            max_depth,
            allow_lone_surrogates,
            isa: Isa::detect(),
            scratch,
        }
    }

    /// The same scanner by other instructions; by [`Isa::Scalar`] it uses nothing of what it is a reference for.
    #[must_use]
    pub fn with_isa(mut self, isa: Isa) -> Self {
        self.isa = isa;
        self
    }

    /// A scanner at `position` of a text that another one went over: without limits, which held then.
    pub fn resume(text: &'t str, position: usize, scratch: &'t mut Scratch) -> Self {
        let mut scanner = Self::new(text, usize::MAX, true, scratch);
        scanner.position = position;
        scanner
    }

    /// Go on at `position`, where a value begins.
    pub fn go_to(&mut self, position: usize) {
        self.position = position;
    }

    /// Where the next byte to read is.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// The whole text.
    pub(super) fn bytes(&self) -> &'t [u8] {
        self.bytes
    }

    /// How many containers may be open.
    pub(super) fn max_depth(&self) -> usize {
        self.max_depth
    }

    /// The next byte, if there is one.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    /// Skip white space.
    pub fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.position += 1;
        }
    }

    /// Check that nothing but white space follows.
    ///
    /// # Errors
    /// If something does.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.space();
        if self.position == self.bytes.len() {
            Ok(())
        } else {
            self.grammar("expected the end after the value")
        }
    }

    /// Pass the bracket or brace at the cursor, which opens a container inside `depth` others.
    ///
    /// # Errors
    /// If the container is nested too deep.
    pub fn open(&mut self, depth: usize) -> Result<(), Fault> {
        if depth >= self.max_depth {
            return Err(Fault {
                kind: FaultKind::TooDeep,
                position: self.position,
                message: "nested deeper than max_depth",
            });
        }
        self.position += 1;
        Ok(())
    }

    /// Go to the next member of the open container, or past its `close`. True if there is a member, whose first byte
    /// is then at the cursor. `first` holds right after [`Self::open`].
    ///
    /// # Errors
    /// If neither a comma nor `close` stands there.
    pub fn next_member(&mut self, first: bool, close: u8) -> Result<bool, Fault> {
        self.space();
        match self.peek() {
            Some(byte) if byte == close => {
                self.position += 1;
                Ok(false)
            }
            _ if first => Ok(true),
            Some(b',') => {
                self.position += 1;
                self.space();
                Ok(true)
            }
            _ if close == b'}' => self.grammar("expected `,` or `}` after a member of an object"),
            _ => self.grammar("expected `,` or `]` after an element of an array"),
        }
    }

    /// Read an object's key and its colon, up to the first byte of the value.
    ///
    /// # Errors
    /// If there is no string, or no colon after it.
    pub fn key(&mut self) -> Result<Token, Fault> {
        let start = self.position;
        if self.peek() != Some(b'"') {
            return self.grammar("expected a string as key");
        }
        let escaped = self.string()?;
        let end = self.position;
        self.space();
        if self.peek() != Some(b':') {
            return self.grammar("expected `:` after a key");
        }
        self.position += 1;
        self.space();
        Ok(Token {
            kind: Kind::String { escaped },
            start: start as u32,
            end: end as u32,
        })
    }

    /// Read one whole value of any kind, `depth` containers being open around it.
    ///
    /// # Errors
    /// The first fault in it.
    pub fn value(&mut self, depth: usize) -> Result<Token, Fault> {
        let start = self.position;
        let kind = match self.peek() {
            Some(b'{') => {
                self.container(depth, true)?;
                Kind::Object
            }
            Some(b'[') => {
                self.container(depth, false)?;
                Kind::Array
            }
            _ => self.scalar()?,
        };
        Ok(Token::new(kind, start, self.position))
    }

    /// Read the container at the cursor to its end, whatever it nests.
    fn container(&mut self, depth: usize, object: bool) -> Result<(), Fault> {
        let isa = self.isa;
        let mut open = std::mem::take(&mut self.scratch.open);
        open.clear();
        let read = isa.run(Skip {
            scanner: self,
            depth,
            object,
            open: &mut open,
        });
        self.scratch.open = open;
        read
    }

    fn scalar(&mut self) -> Result<Kind, Fault> {
        match self.peek() {
            Some(b'"') => Ok(Kind::String {
                escaped: self.string()?,
            }),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number {
                integer: self.number()?,
            }),
            Some(b't') => self.literal(b"true", Kind::Bool(true)),
            Some(b'f') => self.literal(b"false", Kind::Bool(false)),
            Some(b'n') => self.literal(b"null", Kind::Null),
            _ => self.grammar("expected a value"),
        }
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<Kind, Fault> {
        for &expected in word {
            if self.peek() != Some(expected) {
                return self.grammar("expected `true`, `false` or `null`");
            }
            self.position += 1;
        }
        Ok(kind)
    }

    /// Read a number; true if it has neither fraction nor exponent.
    fn number(&mut self) -> Result<bool, Fault> {
        if self.peek() == Some(b'-') {
            self.position += 1;
        }
        if self.peek() == Some(b'0') {
            self.position += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.grammar("expected no digit after a leading zero");
            }
        } else {
            self.digits()?;
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            integer = false;
            self.position += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            integer = false;
            self.position += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.position += 1;
            }
            self.digits()?;
        }
        Ok(integer)
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.position;
        while let Some(b'0'..=b'9') = self.peek() {
            self.position += 1;
        }
        if self.position == start {
            self.grammar("expected a digit")
        } else {
            Ok(())
        }
    }

    /// Read the string at the cursor; true if it has escapes.
    fn string(&mut self) -> Result<bool, Fault> {
        self.position += 1;
        let short = self.bytes.len().min(self.position + SHORT);
        let near = next_special(self.bytes.get(..short).unwrap_or_default(), self.position);
        if near < short && self.bytes.get(near) == Some(&b'"') {
            self.position = near + 1;
            return Ok(false);
        }
        let by_blocks = if self.isa == Isa::Scalar {
            None
        } else {
            find_string_end(self.isa, self.bytes, self.position)
        };
        match by_blocks {
            Some(StringEnd { end, escaped }) => {
                self.position = end + 1;
                Ok(escaped)
            }
            None => self.string_by_words(),
        }
    }

    /// The same from its first character on, without kernels, which do not tell what is wrong where.
    fn string_by_words(&mut self) -> Result<bool, Fault> {
        let mut escaped = false;
        loop {
            self.position = next_special(self.bytes, self.position);
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => {
                    return self.grammar("expected control characters in a string to be escaped");
                }
                None => return self.grammar("expected `\"` to end a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let start = self.position;
        self.position += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.position += 1;
                return Ok(());
            }
            Some(b'u') => self.position += 1,
            _ => return self.grammar("expected one of `\"\\/bfnrtu` after `\\`"),
        }
        let unit = self.hex4()?;
        let lone = match unit {
            0xD800..=0xDBFF => !self.low_surrogate(),
            0xDC00..=0xDFFF => true,
            _ => false,
        };
        if lone && self.allow_lone_surrogates {
            self.scratch.lone_surrogates.push(start as u32);
        } else if lone {
            return Err(Fault {
                kind: FaultKind::LoneSurrogate,
                position: start,
                message: "half of a surrogate pair without the other half",
            });
        }
        Ok(())
    }

    fn hex4(&mut self) -> Result<u16, Fault> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.grammar("expected four hexadecimal digits after `\\u`");
            };
            unit = unit << 4 | digit as u16;
            self.position += 1;
        }
        Ok(unit)
    }

    /// Pass the escape of a low surrogate if one stands at the cursor.
    fn low_surrogate(&mut self) -> bool {
        let found = matches!(
            self.bytes.get(self.position..self.position + 6),
            Some([b'\\', b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', a, b])
                if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()
        );
        if found {
            self.position += 6;
        }
        found
    }

    fn grammar<T>(&self, message: &'static str) -> Result<T, Fault> {
        Err(Fault {
            kind: FaultKind::Grammar,
            position: self.position,
            message,
        })
    }
}
