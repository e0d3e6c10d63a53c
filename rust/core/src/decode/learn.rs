//! Which shapes are worth keeping.
//!
//! A shape is learnt when it is seen for the second time, so that records all of which differ teach nothing. If none
//! of many records follows a shape, nothing is looked up or learnt for a while: such a producer costs no more than the
//! long way. Their number is bounded; when there are too many, all are forgotten, and those still in use come back.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use super::members::Members;
use super::plan::Plan;
use super::shape::{NONE, Slot, Step, Trie, Undeclared, depth};
use crate::columns::Expected;
use crate::json::{Kind, Token};
use crate::simd::{LITERAL, Literal};

/// Most shapes.
const MOST_SHAPES: usize = 64;
/// Most steps of all of them.
const MOST_STEPS: usize = 4096;
/// Most values of a record that can teach.
const MOST_SLOTS: usize = 512;
/// Shapes seen once that are remembered.
const SIGHTINGS: usize = 64;
/// Records in a row without a hit after which to rest.
const PATIENCE: u32 = 256;
/// First rest, in records; each one that follows is twice as long, up to the longest.
const FIRST_REST: u32 = 1024;
const LONGEST_REST: u32 = 1 << 16;

/// Whose value stands in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Node(u32),
    Undeclared(Undeclared),
}

/// The shapes of one producer, usually a partition's, and the memory of learning them.
#[derive(Clone, Debug)]
pub struct Shapes {
    pub(super) trie: Trie,
    /// How many there are.
    known: usize,
    sightings: [u64; SIGHTINGS],
    sighted: usize,
    hits: u64,
    /// Records since the last hit.
    misses: u32,
    /// Records for which nothing is to be tried.
    rest: u32,
    next_rest: u32,
    slots: Vec<(Token, Target)>,
}

impl Default for Shapes {
    fn default() -> Self {
        Self {
            trie: Trie::new(),
            known: 0,
            sightings: [0; SIGHTINGS],
            sighted: 0,
            hits: 0,
            misses: 0,
            rest: 0,
            next_rest: FIRST_REST,
            slots: Vec::new(),
        }
    }
}

impl Shapes {
    /// Whether to look the next record up.
    #[inline(always)]
    pub(super) fn are_tried(&self) -> bool {
        self.rest == 0
    }

    /// How many records followed a shape.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// A record followed a shape.
    #[inline(always)]
    pub(super) fn hit(&mut self) {
        self.hits += 1;
        self.misses = 0;
    }

    /// The record `text` followed none; `members` has read it. Pass only records without repeated keys.
    pub(super) fn observe(&mut self, plan: &Plan, members: &Members, text: &str) {
        if self.rest > 0 {
            self.rest -= 1;
            return;
        }
        self.misses += 1;
        if self.misses > PATIENCE {
            self.misses = 0;
            self.rest = self.next_rest;
            self.next_rest = (2 * self.next_rest).min(LONGEST_REST);
            return;
        }
        if !self.find_slots(plan, members) {
            return;
        }
        let signature = self.signature(text);
        if !self.sightings.contains(&signature) {
            self.sightings[self.sighted % SIGHTINGS] = signature;
            self.sighted += 1;
            return;
        }
        if self.known == MOST_SHAPES || self.trie.steps.len() + self.slots.len() > MOST_STEPS {
            self.trie = Trie::new();
            self.known = 0;
        }
        self.learn(plan, text);
        self.known += 1;
        self.next_rest = FIRST_REST;
    }

    /// Where the record's values are, in reading order. False if its shape can't be learnt.
    fn find_slots(&mut self, plan: &Plan, members: &Members) -> bool {
        self.slots.clear();
        // What a json column keeps lies over the values inside of it.
        let mut lies_over = false;
        for (node, planned) in plan.nodes.iter().enumerate().skip(1) {
            match members.get(node) {
                Some(Token {
                    kind: Kind::Object, ..
                }) if !planned.children.is_empty() => {
                    lies_over |= planned.kept_as_json;
                }
                Some(token) => self.slots.push((token, Target::Node(node as u32))),
                None => {}
            }
        }
        for unknown in &members.unknown {
            if unknown.is_escaped() {
                return false;
            }
            let (key, value) = (unknown.key_token(), unknown.value);
            let target = Target::Undeclared(Undeclared {
                node: unknown.node as u32,
                key: value.start - key.start,
                key_end: value.start - key.end,
            });
            self.slots.push((value, target));
        }
        self.slots.sort_unstable_by_key(|(token, _)| token.start);
        self.slots.len() <= MOST_SLOTS && !lies_over
    }

    fn signature(&self, text: &str) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        let mut at = 0;
        for (token, _) in &self.slots {
            hasher.write(&text.as_bytes()[at..token.start as usize]);
            at = token.end as usize;
        }
        hasher.write(&text.as_bytes()[at..]);
        hasher.finish()
    }

    fn learn(&mut self, plan: &Plan, text: &str) {
        let text = text.as_bytes();
        let (mut at, mut before) = (0, NONE);
        let slots = std::mem::take(&mut self.slots);
        for &(token, target) in &slots {
            let (slot, depth) = match target {
                Target::Node(node) => {
                    let column = plan.nodes[node as usize].column;
                    let kind = column.map(|column| &plan.columns[column].kind);
                    let slot = slot(Expected::of(kind, token.kind), node);
                    (slot, depth(plan, node as usize))
                }
                Target::Undeclared(key) => {
                    self.trie.undeclared.push(key);
                    let number = self.trie.undeclared.len() as u32 - 1;
                    let depth = depth(plan, key.node as usize) + 1;
                    (Slot::Undeclared(number), depth)
                }
            };
            before = self.add(before, &text[at..token.start as usize], slot, depth);
            at = token.end as usize;
        }
        self.add(before, &text[at..], Slot::End, 0);
        self.slots = slots;
    }

    /// The step after `before` for `literal` and `slot`, new or known. Long literals take several.
    fn add(&mut self, mut before: u32, literal: &[u8], slot: Slot, depth: u32) -> u32 {
        let mut rest = literal;
        while let Some((head, tail)) = rest.split_at_checked(LITERAL - 1)
            && !tail.is_empty()
        {
            before = self.add_step(before, head, Slot::Literal, 0);
            rest = tail;
        }
        self.add_step(before, rest, slot, depth)
    }

    fn add_step(&mut self, before: u32, literal: &[u8], slot: Slot, depth: u32) -> u32 {
        let steps = &mut self.trie.steps;
        let first = match steps.get(before as usize) {
            Some(before) => before.next.get(),
            None => self.trie.first.get(),
        };
        let Some(literal) = Literal::new(literal) else {
            return before;
        };
        let undeclared = &self.trie.undeclared;
        let same = |known: Slot| match (known, slot) {
            (Slot::Undeclared(known), Slot::Undeclared(number)) => {
                undeclared[known as usize] == undeclared[number as usize]
            }
            _ => known == slot || known.node().is_some() && known.node() == slot.node(),
        };
        let mut known = first;
        while let Some(step) = steps.get(known as usize) {
            if step.literal == literal && same(step.slot) {
                return known;
            }
            known = step.other.get();
        }
        let step = steps.len() as u32;
        steps.push(Step {
            literal,
            slot,
            depth,
            next: Cell::new(NONE),
            other: Cell::new(first),
            lead: Cell::new(0),
        });
        match steps.get_mut(before as usize) {
            Some(before) => before.next.set(step),
            None => self.trie.first.set(step),
        }
        step
    }
}

/// The slot of the value of a node of which `expected` is known.
fn slot(expected: Expected, node: u32) -> Slot {
    match expected {
        Expected::Text => Slot::Text(node),
        Expected::Time(unit) => Slot::Time(node, unit),
        Expected::Integer => Slot::Integer(node),
        Expected::Float => Slot::Float(node),
        Expected::Bool => Slot::Bool(node),
        Expected::String => Slot::String(node),
        Expected::Number => Slot::Number(node),
        Expected::Other => Slot::Other(node),
    }
}
