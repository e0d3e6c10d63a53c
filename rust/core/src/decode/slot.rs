//! The values in a shape's slots: each reader finds where the one that is expected there ends, and stages it. `None` says
//! that it is another, or wrong.

use std::num::NonZeroUsize;

use arrow_schema::TimeUnit;

use super::shape::Undeclared;
use super::tape::Row;
use crate::columns::{NestedStage, Place, Plain, common_timestamp, view, view_of};
use crate::json::{Kind, Scanner, Scratch, Token, short_float, short_integer};
use crate::simd::{
    BLOCK, Backend, Block, Isa, LITERAL, StringEnd, find_string_and_unescape, find_string_end,
};

/// Most bytes of a number or name: what is left of a block behind the longest literal.
const WINDOW: usize = BLOCK - LITERAL;

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

/// Where a value ends, which is never 0: so it and its absence are one word.
pub type End = Option<NonZeroUsize>;

/// Where a value begins, seen with the literal before it.
#[derive(Clone, Copy)]
pub struct Spot<'t> {
    /// Begins with the literal.
    block: &'t Block,
    /// How long that is.
    literal: usize,
    /// Where the value begins in its text.
    pub start: usize,
}

impl<'t> Spot<'t> {
    /// The one behind a literal of `literal` bytes at `at`, where `block` begins.
    #[inline(always)]
    pub fn new(block: &'t Block, at: usize, literal: usize) -> Self {
        Self {
            block,
            literal: literal % LITERAL,
            start: at + literal,
        }
    }

    /// What begins with the value.
    #[inline(always)]
    fn window(&self) -> Option<&'t [u8; WINDOW]> {
        self.block.get(self.literal..)?.first_chunk()
    }

    /// The first bytes of the inside, if the value is a string.
    #[inline(always)]
    fn inside(&self) -> Option<&'t [u8; 16]> {
        self.block.get(self.literal + 1..)?.first_chunk()
    }

    /// How long the inside of the string is that begins here, if it is short and has no escapes.
    #[inline(always)]
    fn short_string<B: Backend>(&self, text: &[u8]) -> Option<usize> {
        if self.block[self.literal] != b'"' {
            return None;
        }
        let special = B::special_bits(self.block) >> (self.literal + 1);
        if special == 0 {
            let length = B::closing_quote(block_at(text, self.start + 1)?);
            return (length < BLOCK).then_some(length);
        }
        let length = special.trailing_zeros() as usize;
        (self.block[(self.literal + 1 + length) % BLOCK] == b'"').then_some(length)
    }
}

/// The end of the string at `spot`, if there is one.
#[inline(always)]
fn string<B: Backend>(
    isa: Isa,
    text: &[u8],
    spot: Spot<'_>,
    mut put: impl FnMut(Kind, usize),
) -> End {
    let start = spot.start;
    if let Some(length) = spot.short_string::<B>(text) {
        let end = start + length + 2;
        put(Kind::String { escaped: false }, end);
        return NonZeroUsize::new(end);
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
    NonZeroUsize::new(end)
}

/// The end of the string at `spot`, of which a view is staged.
#[inline(always)]
pub fn text_value<B: Backend>(
    record: &mut Record<'_>,
    spot: Spot<'_>,
    node: u32,
    row: &mut Row<'_>,
) -> End {
    let start = spot.start;
    let Some(length) = spot.short_string::<B>(record.padded) else {
        return long_text(record, start, node, row);
    };
    let end = start + length + 2;
    let token = Token::new(Kind::String { escaped: false }, start, end);
    let inside = (start + 1) as u32;
    let (slab, at) = (record.place.slab(), record.place.start() + inside);
    row.stage(node, token, view_of(spot.inside()?, length, slab, at));
    NonZeroUsize::new(end)
}

/// The same of a string that is long or has escapes. Those are written out on the way, if there is somewhere to.
fn long_text(record: &mut Record<'_>, start: usize, node: u32, row: &mut Row<'_>) -> End {
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
    let token = Token::new(Kind::String { escaped }, start, end + 1);
    if !escaped {
        let inside = (start + 1) as u32;
        let (slab, at) = (record.place.slab(), record.place.start() + inside);
        let cell = view(&text[start + 1..], end - start - 1, slab, at);
        row.stage(node, token, cell);
    } else if early {
        let written = &plain.bytes[before..];
        let (slab, at) = (plain.number(), before as u32);
        row.stage(node, token, view(written, written.len(), slab, at));
    } else {
        row.mark(node, token);
    }
    NonZeroUsize::new(end + 1)
}

/// The end of the string at `spot`, of which the time is staged that it says.
#[inline(always)]
pub fn time<B: Backend>(
    text: &[u8],
    spot: Spot<'_>,
    (node, unit): (u32, TimeUnit),
    row: &mut Row<'_>,
) -> End {
    let start = spot.start;
    let length = spot.short_string::<B>(text)?;
    let end = start + length + 2;
    stage_time(text, (start, end), (node, unit), row);
    NonZeroUsize::new(end)
}

/// Stage the time that the string from `start` to `end` says. By itself, so that the loop has its registers; it is not
/// given a token, which would go by way of memory.
#[inline(never)]
fn stage_time(
    text: &[u8],
    (start, end): (usize, usize),
    (node, unit): (u32, TimeUnit),
    row: &mut Row<'_>,
) {
    let token = Token::new(Kind::String { escaped: false }, start, end);
    match common_timestamp(&text[start + 1..], end - start - 2, unit) {
        Some(units) => row.stage(node, token, u128::from(units as u64)),
        None => row.mark(node, token),
    }
}

/// The end of the string at `spot`, to be looked at later.
#[inline(always)]
pub fn any_string<B: Backend>(
    record: &Record<'_>,
    spot: Spot<'_>,
    node: u32,
    row: &mut Row<'_>,
) -> End {
    string::<B>(record.isa, record.padded, spot, |kind, end| {
        row.mark(node, Token::new(kind, spot.start, end));
    })
}

/// A number of a common form: neither very long nor with an exponent.
struct Number<'t> {
    window: &'t [u8; WINDOW],
    negative: bool,
    /// Digits before the point.
    whole: usize,
    /// Digits behind it; 0 if there is none.
    fraction: usize,
}

impl<'t> Number<'t> {
    #[inline(always)]
    fn at<B: Backend>(spot: Spot<'t>) -> Option<Self> {
        let window = spot.window()?;
        let digits = u64::from(B::digit_bits(window));
        let negative = window[0] == b'-';
        let first = usize::from(negative);
        let whole = (!(digits >> first)).trailing_zeros() as usize;
        let end = first + whole;
        if whole == 0 || (window[first] == b'0' && whole > 1) {
            return None;
        }
        let fraction = match window.get(end)? {
            b'.' => {
                let fraction = (!(digits >> (end + 1))).trailing_zeros() as usize;
                let end = end + 1 + fraction;
                if fraction == 0 || matches!(window.get(end)?, b'e' | b'E') {
                    return None;
                }
                fraction
            }
            b'e' | b'E' => return None,
            _ => 0,
        };
        Some(Self {
            window,
            negative,
            whole,
            fraction,
        })
    }

    fn digits(&self) -> &'t [u8] {
        &self.window[usize::from(self.negative)..]
    }

    #[inline(never)]
    fn stage_integer(&self, start: usize, node: u32, row: &mut Row<'_>) {
        let token = self.token(start);
        let value = if self.fraction == 0 {
            short_integer(self.digits(), self.whole, self.negative)
        } else {
            None
        };
        match value {
            Some(value) => row.stage(node, token, u128::from(value as u64)),
            None => row.mark(node, token),
        }
    }

    #[inline(never)]
    fn stage_float(&self, start: usize, node: u32, row: &mut Row<'_>) {
        let token = self.token(start);
        match short_float(self.digits(), self.whole, self.fraction, self.negative) {
            Some(value) => row.stage(node, token, u128::from(value.to_bits())),
            None => row.mark(node, token),
        }
    }

    #[inline(always)]
    fn length(&self) -> usize {
        let fraction = if self.fraction == 0 {
            0
        } else {
            1 + self.fraction
        };
        usize::from(self.negative) + self.whole + fraction
    }

    /// Where it is, if it begins at `start`. Each kind is known when this is compiled.
    #[inline(always)]
    fn token(&self, start: usize) -> Token {
        let end = start + self.length();
        if self.fraction == 0 {
            Token::new(Kind::Number { integer: true }, start, end)
        } else {
            Token::new(Kind::Number { integer: false }, start, end)
        }
    }
}

/// The end of the number at `spot`, which is staged as an integer.
#[inline(always)]
pub fn integer<B: Backend>(spot: Spot<'_>, node: u32, row: &mut Row<'_>) -> End {
    let number = Number::at::<B>(spot)?;
    number.stage_integer(spot.start, node, row);
    NonZeroUsize::new(spot.start + number.length())
}

/// The end of the number at `spot`, which is staged as a float.
#[inline(always)]
pub fn float<B: Backend>(spot: Spot<'_>, node: u32, row: &mut Row<'_>) -> End {
    let number = Number::at::<B>(spot)?;
    number.stage_float(spot.start, node, row);
    NonZeroUsize::new(spot.start + number.length())
}

/// The end of the number at `spot`, to be looked at later.
#[inline(always)]
pub fn any_number<B: Backend>(spot: Spot<'_>, node: u32, row: &mut Row<'_>) -> End {
    let token = Number::at::<B>(spot)?.token(spot.start);
    row.mark(node, token);
    NonZeroUsize::new(token.end as usize)
}

/// The end of the literal name at `spot`, if there is one; `true` and `false` are staged.
#[inline(always)]
pub fn word(spot: Spot<'_>, node: u32, row: &mut Row<'_>) -> End {
    let (start, window) = (spot.start, spot.window()?);
    match window.first_chunk::<4>()? {
        b"true" => {
            let token = Token::new(Kind::Bool(true), start, start + 4);
            row.stage(node, token, 1);
            NonZeroUsize::new(start + 4)
        }
        b"null" => {
            row.note(node, Token::new(Kind::Null, start, start + 4));
            NonZeroUsize::new(start + 4)
        }
        b"fals" if window[4] == b'e' => {
            let token = Token::new(Kind::Bool(false), start, start + 5);
            row.stage(node, token, 0);
            NonZeroUsize::new(start + 5)
        }
        _ => None,
    }
}

/// The end of the string at `spot`, the value of a key nobody declared.
#[inline(always)]
pub fn undeclared<B: Backend>(
    record: &Record<'_>,
    spot: Spot<'_>,
    key: Undeclared,
    row: &mut Row<'_>,
) -> End {
    string::<B>(record.isa, record.padded, spot, |kind, end| {
        row.unknown
            .push(key.with(Token::new(kind, spot.start, end)));
    })
}

impl Record<'_> {
    /// The list or object at `start`, which is staged in `stage` as that of record `number`; none if it is wrong.
    #[inline(never)]
    pub fn nested(
        &mut self,
        stage: &mut NestedStage,
        number: usize,
        start: usize,
        depth: u32,
    ) -> Option<Token> {
        let mut scanner = Scanner::new(self.text, self.max_depth, false, self.scratch);
        scanner.go_to(start);
        stage.read(number, self.text, depth as usize, &mut scanner)
    }

    /// The value at `start`, whatever it is; none if it is wrong.
    #[inline(never)]
    pub fn value(&mut self, start: usize, depth: u32) -> Option<Token> {
        let mut scanner = Scanner::new(self.text, self.max_depth, false, self.scratch);
        scanner.go_to(start);
        scanner.value(depth as usize).ok()
    }
}
