//! Shapes: what a producer's records have in common, learnt as the literal text between their values.
//!
//! Producers write keys in one order and white space in one style. So a record that was read the long way teaches its
//! shape: the text up to its first value, up to its second, and so on. Where optional keys make records differ the
//! shapes branch: they form a trie, alternatives kept with the most frequent one in front.
//!
//! A record that follows a shape is checked as strictly as one read the long way. Its literals equal, byte for byte,
//! those of a record that was acceptable and had no key twice; each value is read by its grammar; and the last
//! literal has to end where the record ends. Whatever does not follow is read the long way, which decides.

use std::cell::Cell;
use std::num::NonZeroUsize;

use arrow_schema::TimeUnit;

use super::members::Unknown;
use super::plan::{Plan, ROOT};
use super::slot::{
    End, Record, Spot, any_number, any_string, block_at, float, integer, text_value, time,
    undeclared, word,
};
use super::tape::Row;
use crate::json::{Kind, Token};
use crate::simd::{Backend, Literal};

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

/// A literal and what follows it. Its successors are alternatives, chained by `other`. One line of the cache.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub struct Step {
    pub literal: Literal,
    pub slot: Slot,
    /// Containers around the slot.
    pub depth: u32,
    /// First of the steps that may follow.
    pub next: Cell<u32>,
    /// What to try if this does not fit.
    pub other: Cell<u32>,
    /// How often it did, of late, more than what comes after it.
    pub lead: Cell<i32>,
}

/// The shapes of one producer.
#[derive(Clone, Debug)]
pub struct Trie {
    pub steps: Vec<Step>,
    /// The undeclared keys of all steps.
    pub undeclared: Vec<Undeclared>,
    /// First alternative for the beginning of a record.
    pub first: Cell<u32>,
}

impl Trie {
    pub fn new() -> Self {
        Self {
            steps: Vec::new(),
            undeclared: Vec::new(),
            first: Cell::new(NONE),
        }
    }

    /// Whether the record follows a shape. If it does its values are in `tokens` and `unknown`; if not, what is in
    /// them means nothing.
    #[inline(always)]
    pub fn find<B: Backend>(
        &self,
        plan: &Plan,
        record: &mut Record<'_>,
        row: &mut Row<'_>,
    ) -> bool {
        let (text, steps) = (record.padded, self.steps.as_slice());
        let (mut at, mut before, mut current) = (0, NONE, self.first.get());
        loop {
            let Some(block) = block_at(text, at) else {
                return false;
            };
            let mut passed = NONE;
            // One alternative after the other.
            let (end, next, other) = loop {
                let Some(step) = steps.get(current as usize) else {
                    return false;
                };
                if B::begins_with(block, &step.literal) {
                    let spot = Spot::new(block, at, step.literal.length());
                    let common = match step.slot {
                        Slot::Literal => NonZeroUsize::new(spot.start),
                        Slot::End if spot.start == record.text.len() => {
                            if step.other.get() & passed != NONE {
                                self.taken(before, passed, current);
                            }
                            return true;
                        }
                        Slot::Text(node) => text_value::<B>(record, spot, node, row),
                        Slot::Time(node, unit) => time::<B>(text, spot, (node, unit), row),
                        Slot::Integer(node) => integer::<B>(spot, node, row),
                        Slot::Float(node) => float::<B>(spot, node, row),
                        Slot::Bool(node) => word(spot, node, row),
                        Slot::String(node) => any_string::<B>(record, spot, node, row),
                        Slot::Number(node) => any_number::<B>(spot, node, row),
                        Slot::End | Slot::Other(_) => None,
                        Slot::Undeclared(number) => {
                            let key = self.undeclared[number as usize];
                            undeclared::<B>(record, spot, key, row)
                        }
                    };
                    let end = match common {
                        Some(end) => Some(end),
                        None => self.uncommon(plan, record, (current, spot.start), row),
                    };
                    if let Some(end) = end {
                        break (end.get(), step.next.get(), step.other.get());
                    }
                }
                passed = current;
                current = step.other.get();
            };
            if other & passed != NONE {
                self.taken(before, passed, current);
            }
            at = end;
            before = current;
            current = next;
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
    ) -> End {
        let step = &self.steps[step as usize];
        let node = match step.slot {
            Slot::Literal | Slot::End => return None,
            Slot::Undeclared(number) => {
                let value = record.value(start, step.depth)?;
                row.unknown
                    .push(self.undeclared[number as usize].with(value));
                return NonZeroUsize::new(value.end as usize);
            }
            slot => slot.node()?,
        };
        if record.text.as_bytes()[start..].starts_with(b"null") {
            row.note(node, Token::new(Kind::Null, start, start + 4));
            return NonZeroUsize::new(start + 4);
        }
        let first = *record.text.as_bytes().get(start)?;
        if first == b'{' && !plan.nodes[node as usize].children.is_empty() {
            return None;
        }
        let depth = step.depth;
        let nested = match (&mut row.nested[node as usize], first) {
            (Some(nested), b'{' | b'[') => record.nested(nested, row.number, start, depth),
            _ => None,
        };
        let value = match nested {
            Some(value) => value,
            None => record.value(start, depth)?,
        };
        if value.kind == Kind::Null {
            row.note(node, value);
        } else {
            row.mark(node, value);
        }
        NonZeroUsize::new(value.end as usize)
    }

    /// `step` was taken after `before`, and after `passed`, the one in front of it among the alternatives, was not.
    #[inline(always)]
    fn taken(&self, before: u32, passed: u32, step: u32) {
        if passed == NONE {
            let lead = &self.steps[step as usize].lead;
            lead.set((lead.get() + 1).min(MOST_LEAD));
        } else {
            self.overtake(before, passed, step);
        }
    }

    /// The first alternative gives way once it has lost its lead.
    #[inline(never)]
    fn overtake(&self, before: u32, passed: u32, step: u32) {
        let before = self.steps.get(before as usize);
        let first = before.map_or(&self.first, |before| &before.next);
        let front = &self.steps[first.get() as usize];
        front.lead.set(front.lead.get() - 1);
        if front.lead.get() >= 0 {
            return;
        }
        front.lead.set(0);
        let after = self.steps[step as usize].other.replace(first.get());
        self.steps[passed as usize].other.set(after);
        first.set(step);
    }
}

impl Undeclared {
    /// The member of a record whose key this is.
    #[inline(always)]
    pub fn with(self, value: Token) -> Unknown {
        let key = Token {
            kind: Kind::String { escaped: false },
            start: value.start - self.key,
            end: value.start - self.key_end,
        };
        Unknown::plain(self.node as usize, key, value)
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
