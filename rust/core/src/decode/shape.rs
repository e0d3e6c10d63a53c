//! Shapes: what a producer's records have in common, learnt as the literal text between their values.
//!
//! Producers write keys in one order and white space in one style. So a record that was read the long way teaches its
//! shape: the text up to its first value, up to its second, and so on. Where optional keys make records differ the
//! shapes branch: they form a trie, alternatives kept with the most frequent one in front.
//!
//! A record that follows a shape is checked as strictly as one read the long way. Its literals equal, byte for byte,
//! those of a record that was acceptable and had no key twice; each value is read by its grammar; and the last
//! literal has to end where the record ends. Whatever does not follow is read the long way, which decides.

use arrow_schema::TimeUnit;

use super::members::Unknown;
use super::plan::{Plan, ROOT};
use super::tape::Row;
use crate::columns::{Place, Plain, common_timestamp, view};
use crate::json::{Kind, Scanner, Scratch, Token, short_float, short_integer};
use crate::simd::{
    BLOCK, Backend, Block, Isa, Literal, StringEnd, find_string_and_unescape, find_string_end,
};

/// Most records that an alternative stays in front without being taken.
const MOST_LEAD: i32 = 64;

/// No step.
pub const NONE: u32 = u32::MAX;

/// A key nobody declared, in an object at `node`. The key's token begins `key` bytes before the value and ends `key_end`
/// bytes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undeclared {
    pub node: u32,
    pub key: u32,
    pub key_end: u32,
}

/// What follows a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// More literal text.
    Literal,
    /// The value of a node, most likely a string of which a view is staged.
    Text(u32),
    /// A string: a date-time, of which the units since the epoch are staged.
    Time(u32, TimeUnit),
    /// A number, staged as an int64.
    Integer(u32),
    /// A number, staged as a float64.
    Float(u32),
    /// `true` or `false`, staged as 1 or 0.
    Bool(u32),
    /// A string, of which nothing is staged.
    String(u32),
    /// A number, of which nothing is staged.
    Number(u32),
    /// A value of another kind or of any.
    Other(u32),
    /// The value of an undeclared key, by its number in [`Trie::undeclared`].
    Undeclared(u32),
    /// The end of the record.
    End,
}

impl Slot {
    /// Whose value stands here.
    pub fn node(self) -> Option<u32> {
        match self {
            Self::Literal | Self::Undeclared(_) | Self::End => None,
            Self::Text(node)
            | Self::Time(node, _)
            | Self::Integer(node)
            | Self::Float(node)
            | Self::Bool(node)
            | Self::String(node)
            | Self::Number(node)
            | Self::Other(node) => Some(node),
        }
    }
}

/// A literal and what follows it. Its successors are alternatives, chained by `other`.
#[derive(Clone, Debug)]
pub struct Step {
    pub literal: Literal,
    pub slot: Slot,
    /// Containers around the slot.
    pub depth: u32,
    /// First of the steps that may follow.
    pub next: u32,
    /// What to try if this does not fit.
    pub other: u32,
    /// How often it did, of late, more than what comes after it.
    pub lead: i32,
}

/// The shapes of one producer.
#[derive(Clone, Debug)]
pub struct Trie {
    pub steps: Vec<Step>,
    /// The undeclared keys of all steps.
    pub undeclared: Vec<Undeclared>,
    /// First alternative for the beginning of a record.
    pub first: u32,
}

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

impl Trie {
    pub fn new() -> Self {
        Self {
            steps: Vec::new(),
            undeclared: Vec::new(),
            first: NONE,
        }
    }

    /// Whether the record follows a shape. If it does its values are in `tokens` and `unknown`; if not, what is in
    /// them means nothing.
    #[inline(always)]
    pub fn find<B: Backend>(
        &mut self,
        plan: &Plan,
        record: &mut Record<'_>,
        row: &mut Row<'_>,
    ) -> bool {
        let text = record.padded;
        let mut at = 0;
        let mut before = NONE;
        let mut current = self.first;
        let mut passed = NONE;
        loop {
            let Some(step) = self.steps.get(current as usize) else {
                return false;
            };
            let block = block_at(text, at);
            if block.is_some_and(|block| B::begins_with(block, &step.literal)) {
                let start = at + step.literal.length;
                let (next, alone) = (step.next, step.other == NONE && passed == NONE);
                let common = match step.slot {
                    Slot::Literal => Some(start),
                    Slot::End if start == record.text.len() => {
                        if !alone {
                            self.taken(before, passed, current);
                        }
                        return true;
                    }
                    Slot::End => None,
                    Slot::Text(node) => text_value::<B>(record, start, node, row),
                    Slot::Time(node, unit) => time::<B>(text, start, (node, unit), row),
                    Slot::Integer(node) => integer::<B>(text, start, node, row),
                    Slot::Float(node) => float::<B>(text, start, node, row),
                    Slot::Bool(node) => word(text, start, node, row),
                    Slot::String(node) => any_string::<B>(record, start, node, row),
                    Slot::Number(node) => any_number::<B>(text, start, node, row),
                    Slot::Other(_) => None,
                    Slot::Undeclared(number) => {
                        let key = self.undeclared[number as usize];
                        undeclared::<B>(record, start, key, row)
                    }
                };
                let end = match common {
                    Some(end) => Some(end),
                    None => self.uncommon(plan, record, (current, start), row),
                };
                if let Some(end) = end {
                    if !alone {
                        self.taken(before, passed, current);
                        passed = NONE;
                    }
                    at = end;
                    before = current;
                    current = next;
                    continue;
                }
            }
            passed = current;
            current = step.other;
        }
    }

    /// The end of the value at `start`, which stands in the slot of `step`, whatever it is; none if it is wrong, or an
    /// object that has to be entered, or if no value is expected.
    #[inline(never)]
    fn uncommon(
        &self,
        plan: &Plan,
        record: &mut Record<'_>,
        (step, start): (u32, usize),
        row: &mut Row<'_>,
    ) -> Option<usize> {
        let step = &self.steps[step as usize];
        let node = match step.slot {
            Slot::Literal | Slot::End => return None,
            Slot::Undeclared(number) => {
                let value = record.value(start, step.depth)?;
                row.unknown
                    .push(self.undeclared[number as usize].with(value));
                return Some(value.end as usize);
            }
            slot => slot.node()?,
        };
        if record.text.as_bytes()[start..].starts_with(b"null") {
            row.note(node, Token::new(Kind::Null, start, start + 4));
            return Some(start + 4);
        }
        let first = *record.text.as_bytes().get(start)?;
        if first == b'{' && !plan.nodes[node as usize].children.is_empty() {
            return None;
        }
        let value = record.value(start, step.depth)?;
        row.note(node, value);
        if value.kind != Kind::Null {
            row.mark(node);
        }
        Some(value.end as usize)
    }

    /// `step` was taken after `before`, and after `passed`, the one in front of it among the alternatives, was not.
    #[inline(always)]
    fn taken(&mut self, before: u32, passed: u32, step: u32) {
        if passed == NONE {
            let lead = &mut self.steps[step as usize].lead;
            *lead = (*lead + 1).min(MOST_LEAD);
        } else {
            self.overtake(before, passed, step);
        }
    }

    /// The first alternative gives way once it has lost its lead.
    #[inline(never)]
    fn overtake(&mut self, before: u32, passed: u32, step: u32) {
        let first = match self.steps.get(before as usize) {
            Some(before) => before.next,
            None => self.first,
        };
        let front = &mut self.steps[first as usize];
        front.lead -= 1;
        if front.lead >= 0 {
            return;
        }
        front.lead = 0;
        let after = std::mem::replace(&mut self.steps[step as usize].other, first);
        self.steps[passed as usize].other = after;
        match self.steps.get_mut(before as usize) {
            Some(before) => before.next = step,
            None => self.first = step,
        }
    }
}

#[inline(always)]
fn block_at(text: &[u8], at: usize) -> Option<&Block> {
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
fn text_value<B: Backend>(
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
fn time<B: Backend>(
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
fn any_string<B: Backend>(
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
fn integer<B: Backend>(text: &[u8], start: usize, node: u32, row: &mut Row<'_>) -> Option<usize> {
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
fn float<B: Backend>(text: &[u8], start: usize, node: u32, row: &mut Row<'_>) -> Option<usize> {
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
fn any_number<B: Backend>(
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
fn word(text: &[u8], start: usize, node: u32, row: &mut Row<'_>) -> Option<usize> {
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
fn undeclared<B: Backend>(
    record: &Record<'_>,
    start: usize,
    key: Undeclared,
    row: &mut Row<'_>,
) -> Option<usize> {
    string::<B>(record.isa, record.padded, start, |kind, end| {
        row.unknown.push(key.with(Token::new(kind, start, end)));
    })
}

impl Undeclared {
    /// The member of a record whose key this is.
    #[inline(always)]
    fn with(self, value: Token) -> Unknown {
        let key = Token {
            kind: Kind::String { escaped: false },
            start: value.start - self.key,
            end: value.start - self.key_end,
        };
        Unknown::plain(self.node as usize, key, value)
    }
}

impl Record<'_> {
    /// The value at `start`, whatever it is; none if it is wrong.
    #[inline(never)]
    fn value(&mut self, start: usize, depth: u32) -> Option<Token> {
        let mut scanner = Scanner::new(self.text, self.max_depth, false, self.scratch);
        scanner.go_to(start);
        scanner.value(depth as usize).ok()
    }
}

/// Containers around the value of a node.
pub fn depth(plan: &Plan, mut node: usize) -> u32 {
    let mut depth = 0;
    while node != ROOT {
        node = plan.nodes[node].parent;
        depth += 1;
    }
    depth
}
