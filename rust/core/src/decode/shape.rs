//! Shapes: what a producer's records have in common, learnt as the literal text between their values.
//!
//! Producers write keys in one order and white space in one style. So a record that was read the long way teaches its
//! shape: the text up to its first value, up to its second, and so on. Where optional keys make records differ the
//! shapes branch: they form a trie, alternatives kept with the most frequent one in front.
//!
//! A record that follows a shape is checked as strictly as one read the long way. Its literals equal, byte for byte,
//! those of a record that was acceptable and had no key twice; each value is read by its grammar; and the last
//! literal has to end where the record ends. Whatever does not follow is read the long way, which decides.

use super::members::Unknown;
use super::plan::{Plan, ROOT};
use crate::json::{Kind, Scanner, Scratch, Token};
use crate::simd::{BLOCK, Backend, Block, Literal, string_end};

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
    /// The value of a node, most likely a string.
    String(u32),
    /// The value of a node, most likely a number.
    Number(u32),
    /// The value of a node, of another kind or of any.
    Other(u32),
    /// The value of an undeclared key, by its number in [`Trie::undeclared`].
    Undeclared(u32),
    /// The end of the record.
    End,
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
    pub max_depth: usize,
    pub scratch: &'t mut Scratch,
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
        tokens: &mut [Option<Token>],
        unknown: &mut Vec<Unknown>,
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
                let end = match step.slot {
                    Slot::Literal => Some(start),
                    Slot::End if start == record.text.len() => {
                        if !alone {
                            self.taken(before, passed, current);
                        }
                        return true;
                    }
                    Slot::End => None,
                    Slot::String(node) => string::<B>(text, start, |kind, end| {
                        tokens[node as usize] = Some(Token::new(kind, start, end));
                    })
                    .or_else(|| other(plan, record, (start, step.depth), node, tokens)),
                    Slot::Number(node) => number::<B>(text, start, |kind, end| {
                        tokens[node as usize] = Some(Token::new(kind, start, end));
                    })
                    .or_else(|| other(plan, record, (start, step.depth), node, tokens)),
                    Slot::Other(node) => word(text, start, |kind, end| {
                        tokens[node as usize] = Some(Token::new(kind, start, end));
                    })
                    .or_else(|| other(plan, record, (start, step.depth), node, tokens)),
                    Slot::Undeclared(number) => {
                        let key = self.undeclared[number as usize];
                        undeclared::<B>(record, (start, step.depth), key, unknown)
                    }
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

/// The end of the string at `start`, if there is one.
#[inline(always)]
fn string<B: Backend>(
    text: &[u8],
    start: usize,
    mut put: impl FnMut(Kind, usize),
) -> Option<usize> {
    if text.get(start) != Some(&b'"') {
        return None;
    }
    let inside = start + 1;
    let length = B::closing_quote(block_at(text, inside)?);
    if length < BLOCK {
        let end = inside + length + 1;
        put(Kind::String { escaped: false }, end);
        return Some(end);
    }
    let found = string_end::<B>(text, inside)?;
    let end = found.end + 1;
    if found.escaped {
        put(Kind::String { escaped: true }, end);
    } else {
        put(Kind::String { escaped: false }, end);
    }
    Some(end)
}

/// The end of the number at `start`, if it is one of the common forms: neither very long nor with an exponent.
#[inline(always)]
fn number<B: Backend>(
    text: &[u8],
    start: usize,
    mut put: impl FnMut(Kind, usize),
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
            put(Kind::Number { integer: false }, start + end);
            Some(start + end)
        }
        b'e' | b'E' => None,
        _ => {
            put(Kind::Number { integer: true }, start + end);
            Some(start + end)
        }
    }
}

/// The end of the literal name at `start`, if there is one.
#[inline(always)]
fn word(text: &[u8], start: usize, mut put: impl FnMut(Kind, usize)) -> Option<usize> {
    let end = match text.get(start..)?.first_chunk::<4>()? {
        b"true" => {
            put(Kind::Bool(true), start + 4);
            start + 4
        }
        b"null" => {
            put(Kind::Null, start + 4);
            start + 4
        }
        b"fals" if text.get(start + 4) == Some(&b'e') => {
            put(Kind::Bool(false), start + 5);
            start + 5
        }
        _ => return None,
    };
    Some(end)
}

/// The end of the value of `node` at `start`, whatever it is; none if it is wrong, or an object that has to be entered.
#[inline(never)]
fn other(
    plan: &Plan,
    record: &mut Record<'_>,
    (start, depth): (usize, u32),
    node: u32,
    tokens: &mut [Option<Token>],
) -> Option<usize> {
    let first = *record.text.as_bytes().get(start)?;
    if first == b'{' && !plan.nodes[node as usize].children.is_empty() {
        return None;
    }
    let value = record.value(start, depth)?;
    tokens[node as usize] = Some(value);
    Some(value.end as usize)
}

/// The end of the value at `start` of a key nobody declared.
#[inline(always)]
fn undeclared<B: Backend>(
    record: &mut Record<'_>,
    (start, depth): (usize, u32),
    key: Undeclared,
    unknown: &mut Vec<Unknown>,
) -> Option<usize> {
    let mut put = |kind, end| {
        let value = Token::new(kind, start, end);
        let escaped = false;
        let token = Token {
            kind: Kind::String { escaped },
            start: value.start - key.key,
            end: value.start - key.key_end,
        };
        unknown.push(Unknown::plain(key.node as usize, token, value));
    };
    if let Some(end) = string::<B>(record.padded, start, &mut put) {
        return Some(end);
    }
    let value = record.value(start, depth)?;
    put(value.kind, value.end as usize);
    Some(value.end as usize)
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
