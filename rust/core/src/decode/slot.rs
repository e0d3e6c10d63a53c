//! The values in a shape's slots: each reader finds where the one that is expected there ends, and stages it. `None` says
//! that it is another, or wrong.

use arrow_schema::TimeUnit;

use super::shape::Undeclared;
use super::tape::Row;
use crate::columns::{Place, Plain, common_timestamp, view};
use crate::json::{Kind, Scanner, Scratch, Token, short_float, short_integer};
use crate::simd::{
    BLOCK, Backend, Block, Isa, StringEnd, find_string_and_unescape, find_string_end,
};

/// A record, and what is needed to read values in it.
pub struct Record<'t> {
    /// Its text, which is UTF-8, and what can be read after it.
    pub padded: &'t [u8],
    pub text: &'t str,
    pub place: Place,
    pub max_depth: usize,
    pub isa: Isa,
    pub scratch: &'t mut Scratch,
    /// Where text with escapes is written out at once, for the columns that surely need it.
    pub plain: &'t mut Plain,
    /// By node, whether that is so.
    pub early: &'t [bool],
}

#[inline(always)]
pub fn block_at(text: &[u8], at: usize) -> Option<&Block> {
    text.get(at..)?.first_chunk::<BLOCK>()
}

/// Inside of a short string without escapes at `start`: how long it is.
#[inline(always)]
fn short_string<B: Backend>(text: &[u8], start: usize) -> Option<usize> {
    if text.get(start) != Some(&b'"') {
        return None;
    }
    let length = B::closing_quote(block_at(text, start + 1)?);
    (length < BLOCK).then_some(length)
}

/// The end of the string at `start`, if there is one.
#[inline(always)]
fn string<B: Backend>(
    isa: Isa,
    text: &[u8],
    start: usize,
    mut put: impl FnMut(Kind, usize),
) -> Option<usize> {
    if let Some(length) = short_string::<B>(text, start) {
        let end = start + length + 2;
        put(Kind::String { escaped: false }, end);
        return Some(end);
    }
    if text.get(start) != Some(&b'"') {
        return None;
    }
    let found = find_string_end(isa, text, start + 1)?;
    let end = found.end + 1;
    if found.escaped {
        put(Kind::String { escaped: true }, end);
    } else {
        put(Kind::String { escaped: false }, end);
    }
    Some(end)
}

/// The end of the string at `start`, of which a view is staged.
#[inline(always)]
pub fn text_value<B: Backend>(
    record: &mut Record<'_>,
    start: usize,
    node: u32,
    row: &mut Row<'_>,
) -> Option<usize> {
    let text = record.padded;
    let Some(length) = short_string::<B>(text, start) else {
        return long_text(record, start, node, row);
    };
    let end = start + length + 2;
    row.note(
        node,
        Token::new(Kind::String { escaped: false }, start, end),
    );
    let inside = (start + 1) as u32;
    let (slab, at) = (record.place.slab(), record.place.start() + inside);
    row.stage(node, view(&text[start + 1..], length, slab, at));
    Some(end)
}

/// The same of a string that is long or has escapes. Those are written out on the way, if there is somewhere to.
fn long_text(record: &mut Record<'_>, start: usize, node: u32, row: &mut Row<'_>) -> Option<usize> {
    let text = record.padded;
    if text.get(start) != Some(&b'"') {
        return None;
    }
    let early = record.early[node as usize];
    let plain = &mut *record.plain;
    let before = plain.bytes.len();
    let found = if early {
        find_string_and_unescape(record.isa, text, start + 1, &mut plain.bytes)
    } else {
        find_string_end(record.isa, text, start + 1)
    };
    let Some(StringEnd { end, escaped }) = found else {
        plain.bytes.truncate(before);
        return None;
    };
    row.note(node, Token::new(Kind::String { escaped }, start, end + 1));
    if !escaped {
        let inside = (start + 1) as u32;
        let (slab, at) = (record.place.slab(), record.place.start() + inside);
        row.stage(node, view(&text[start + 1..], end - start - 1, slab, at));
    } else if early {
        let written = &plain.bytes[before..];
        let (slab, at) = (plain.number(), before as u32);
        row.stage(node, view(written, written.len(), slab, at));
    } else {
        row.mark(node);
    }
    Some(end + 1)
}

/// The end of the string at `start`, of which the time is staged that it says.
#[inline(always)]
pub fn time<B: Backend>(
    text: &[u8],
    start: usize,
    (node, unit): (u32, TimeUnit),
    row: &mut Row<'_>,
) -> Option<usize> {
    let length = short_string::<B>(text, start)?;
    let end = start + length + 2;
    row.note(
        node,
        Token::new(Kind::String { escaped: false }, start, end),
    );
    match common_timestamp(&text[start + 1..], length, unit) {
        Some(units) => row.stage(node, u128::from(units as u64)),
        None => row.mark(node),
    }
    Some(end)
}

/// The end of the string at `start`, to be looked at later.
#[inline(always)]
pub fn any_string<B: Backend>(
    record: &Record<'_>,
    start: usize,
    node: u32,
    row: &mut Row<'_>,
) -> Option<usize> {
    let end = string::<B>(record.isa, record.padded, start, |kind, end| {
        row.note(node, Token::new(kind, start, end));
    })?;
    row.mark(node);
    Some(end)
}

/// The end of the number at `start`, which is staged as an integer.
#[inline(always)]
pub fn integer<B: Backend>(
    text: &[u8],
    start: usize,
    node: u32,
    row: &mut Row<'_>,
) -> Option<usize> {
    number::<B>(text, start, |integer, end| {
        row.note(node, Token::new(Kind::Number { integer }, start, end));
        let value = integer.then(|| short_integer(&text[start..], end - start));
        match value.flatten() {
            Some(value) => row.stage(node, u128::from(value as u64)),
            None => row.mark(node),
        }
    })
}

/// The end of the number at `start`, which is staged as a float.
#[inline(always)]
pub fn float<B: Backend>(text: &[u8], start: usize, node: u32, row: &mut Row<'_>) -> Option<usize> {
    number::<B>(text, start, |integer, end| {
        row.note(node, Token::new(Kind::Number { integer }, start, end));
        match short_float(&text[start..], end - start) {
            Some(value) => row.stage(node, u128::from(value.to_bits())),
            None => row.mark(node),
        }
    })
}

/// The end of the number at `start`, to be looked at later.
#[inline(always)]
pub fn any_number<B: Backend>(
    text: &[u8],
    start: usize,
    node: u32,
    row: &mut Row<'_>,
) -> Option<usize> {
    number::<B>(text, start, |integer, end| {
        row.note(node, Token::new(Kind::Number { integer }, start, end));
        row.mark(node);
    })
}

/// The end of the number at `start`, if it is one of the common forms: neither very long nor with an exponent.
#[inline(always)]
fn number<B: Backend>(
    text: &[u8],
    start: usize,
    mut put: impl FnMut(bool, usize),
) -> Option<usize> {
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
            put(false, start + end);
            Some(start + end)
        }
        b'e' | b'E' => None,
        _ => {
            put(true, start + end);
            Some(start + end)
        }
    }
}

/// The end of the literal name at `start`, if there is one; `true` and `false` are staged.
#[inline(always)]
pub fn word(text: &[u8], start: usize, node: u32, row: &mut Row<'_>) -> Option<usize> {
    match text.get(start..)?.first_chunk::<4>()? {
        b"true" => {
            row.note(node, Token::new(Kind::Bool(true), start, start + 4));
            row.stage(node, 1);
            Some(start + 4)
        }
        b"null" => {
            row.note(node, Token::new(Kind::Null, start, start + 4));
            Some(start + 4)
        }
        b"fals" if text.get(start + 4) == Some(&b'e') => {
            row.note(node, Token::new(Kind::Bool(false), start, start + 5));
            row.stage(node, 0);
            Some(start + 5)
        }
        _ => None,
    }
}

/// The end of the string at `start`, the value of a key nobody declared.
#[inline(always)]
pub fn undeclared<B: Backend>(
    record: &Record<'_>,
    start: usize,
    key: Undeclared,
    row: &mut Row<'_>,
) -> Option<usize> {
    string::<B>(record.isa, record.padded, start, |kind, end| {
        row.unknown.push(key.with(Token::new(kind, start, end)));
    })
}

impl Record<'_> {
    /// The value at `start`, whatever it is; none if it is wrong.
    #[inline(never)]
    pub fn value(&mut self, start: usize, depth: u32) -> Option<Token> {
        let mut scanner = Scanner::new(self.text, self.max_depth, false, self.scratch);
        scanner.go_to(start);
        scanner.value(depth as usize).ok()
    }
}
