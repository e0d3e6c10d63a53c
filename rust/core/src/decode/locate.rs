//! The first pass over a block: which values are acceptable records, and where their members are.

use std::ops::Range;

use super::block::BLOCK_BYTES;
use super::config::{DecodeOptions, InvalidText};
use super::demand::Demand;
use super::drift::Drift;
use super::input::Input;
use super::learn::Shapes;
use super::members::{Early, Members};
use super::plan::{Plan, ROOT};
use super::rejection::{Reason, Rejection, RejectionCode};
use super::slot::Record;
use super::tape::{Origin, Tape};
use super::text::{original_position, to_text};
use crate::columns::{BLOCK_RECORDS, Bytes, Place, Slabs, Texts};
use crate::json::{Kind, Token};
use crate::simd::{Backend, Isa, Kernel, prefetch};

/// How far before they are looked at bytes are asked for: all of the block after this one, of which the first who
/// looks at it, quickly, would else wait for memory.
const AHEAD: usize = BLOCK_BYTES;

/// By record its text, and what can be read after it.
pub type BlockTexts<'b> = [&'b [u8]; BLOCK_RECORDS];

/// What is to be decoded, and how.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub plan: &'a Plan,
    pub options: DecodeOptions,
    pub input: Input<'a>,
}

/// The acceptable records of a block. Memory is kept from block to block.
#[derive(Debug)]
pub struct Located {
    members: Members,
    /// By node, whether text with escapes is written out when it is found: then all of it is surely needed.
    early: Vec<bool>,
    pub tape: Tape,
    /// By record, which value it is.
    pub indexes: Vec<u32>,
    /// By record, where its text is.
    pub places: Vec<Place>,
    /// What some records hold beside what was declared, found by reading them; ascending.
    pub drifts: Vec<(u32, Drift)>,
    /// Before a value is known to be text, and to be a record.
    bytes: Vec<Bytes>,
    candidates: Vec<u32>,
    texts: Vec<Place>,
    /// Candidates whose text was repaired, with how many replacements; ascending.
    repaired: Vec<(u32, u64)>,
}

impl Located {
    pub fn new(plan: &Plan, demand: &Demand) -> Self {
        let is_early = |column: usize| demand.predicate.is_none() && demand.columns[column].built;
        let nodes = plan.nodes.iter();
        Self {
            members: Members::new(plan),
            early: nodes
                .map(|node| node.column.is_some_and(is_early))
                .collect(),
            tape: Tape::new(plan, demand),
            indexes: Vec::new(),
            places: Vec::new(),
            drifts: Vec::new(),
            bytes: Vec::new(),
            candidates: Vec::new(),
            texts: Vec::new(),
            repaired: Vec::new(),
        }
    }

    /// Take the values of `range` that are texts. How many are tombstones; `more` is about how many bytes follow.
    pub fn admit(
        &mut self,
        rules: Rules<'_>,
        range: Range<usize>,
        more: usize,
        texts: &mut Texts,
        rejections: &mut Vec<Rejection>,
    ) -> u64 {
        self.bytes.clear();
        self.candidates.clear();
        self.texts.clear();
        self.repaired.clear();
        let mut tombstones = 0;
        let max_bytes = rules.options.max_bytes;
        for index in range {
            let Some(value) = rules.input.get(index) else {
                tombstones += 1;
                continue;
            };
            let refused = if value.is_empty() {
                Reason::new(RejectionCode::EmptyValue, 0, "the value has no bytes")
            } else if value.len() > max_bytes {
                let message = "longer than max_bytes";
                Reason::new(RejectionCode::TooLarge, max_bytes, message)
            } else {
                self.candidates.push(index as u32);
                self.bytes.push(rules.input.place(index, more, texts));
                continue;
            };
            rejections.push(refused.of(index as u32));
        }
        let texts_all = if rules.input.is_dense() {
            texts.texts_at(&self.bytes, &mut self.texts)
        } else {
            texts.each_text_at(&self.bytes, &mut self.texts)
        };
        if !texts_all {
            self.admit_each(rules, texts, rejections);
        }
        tombstones
    }

    /// Some value of the block is not text.
    #[cold]
    fn admit_each(&mut self, rules: Rules<'_>, texts: &mut Texts, rejections: &mut Vec<Rejection>) {
        let candidates = std::mem::take(&mut self.candidates);
        for (&index, &bytes) in candidates.iter().zip(&self.bytes) {
            if let Some(place) = texts.text_at(bytes) {
                self.candidates.push(index);
                self.texts.push(place);
                continue;
            }
            let value = rules.input.get(index as usize).unwrap_or_default();
            match to_text(value, rules.options.invalid_text) {
                Ok((text, replaced)) => {
                    let repaired = texts.copy(text.as_bytes(), 0);
                    if let Some(place) = texts.text_at(repaired) {
                        self.candidates.push(index);
                        self.texts.push(place);
                        self.repaired.push((index, replaced));
                    }
                }
                Err(reason) => rejections.push(reason.of(index)),
            }
        }
    }

    /// Find the members of the texts that were admitted.
    pub fn locate(
        &mut self,
        rules: Rules<'_>,
        slabs: &mut Slabs,
        shapes: &mut Shapes,
        isa: Isa,
        rejections: &mut Vec<Rejection>,
    ) {
        self.indexes.clear();
        self.places.clear();
        self.drifts.clear();
        self.tape.clear();
        isa.run(Locate {
            located: self,
            rules,
            slabs,
            shapes,
            isa,
            rejections,
        });
        self.tape.stage.finish(self.places.len());
    }

    /// Read a record without the help of a shape. The place of its text, which may have had to be repaired.
    #[inline(never)]
    fn read(
        &mut self,
        rules: Rules<'_>,
        candidate: usize,
        Slabs { texts, plain }: &mut Slabs,
        shapes: &mut Shapes,
    ) -> Result<Place, Reason> {
        let place = self.texts[candidate];
        let text = texts.text(place);
        let early = Early {
            plain,
            nodes: &self.early,
        };
        let value = self.members.read(
            rules.plan,
            text,
            rules.options.max_depth,
            rules.options.invalid_text == InvalidText::Replace,
            Some(early),
        )?;
        if value.kind != Kind::Object {
            let message = "expected an object as the record";
            let position = value.start as usize;
            return Err(Reason::new(RejectionCode::NotAnObject, position, message));
        }
        let mut drift = Drift {
            duplicate_key: self.members.settle(text),
            ..Drift::default()
        };
        let index = self.candidates[candidate];
        if let Ok(at) = self.repaired.binary_search_by_key(&index, |entry| entry.0) {
            drift.replaced_text = self.repaired[at].1;
        }
        let lone = &self.members.scratch.lone_surrogates;
        drift.replaced_text += lone.len() as u64;
        if drift.duplicate_key == 0 && lone.is_empty() {
            shapes.observe(rules.plan, &self.members, text);
        }
        let place = if lone.is_empty() {
            place
        } else {
            let mut repaired = text.to_owned();
            for &escape in lone {
                let escape = escape as usize;
                repaired.replace_range(escape..escape + 6, r"\ufffd");
            }
            let bytes = texts.copy(repaired.as_bytes(), 0);
            texts.text_at(bytes).unwrap_or(place)
        };
        if drift != Drift::default() {
            self.drifts.push((self.tape.records() as u32, drift));
        }
        let origin = Origin {
            place,
            padded: texts.padded(place),
            plain,
        };
        self.tape.push(rules.plan, &self.members, origin);
        Ok(place)
    }

    /// The records' texts, from where they are in `slabs`.
    pub fn texts<'b>(&self, slabs: &'b Texts) -> BlockTexts<'b> {
        let mut texts: BlockTexts<'b> = [&[]; BLOCK_RECORDS];
        for (text, &place) in texts.iter_mut().zip(&self.places) {
            *text = slabs.padded(place);
        }
        texts
    }

    /// Why a record is rejected that lacks the required column `number`.
    pub fn incomplete(
        &mut self,
        rules: Rules<'_>,
        record: u32,
        number: usize,
        texts: &Texts,
    ) -> Rejection {
        let text = texts.text(self.places[record as usize]);
        // It was read before: there is no fault to find.
        let _: Result<Token, _> = self.members.read(rules.plan, text, usize::MAX, true, None);
        self.members.settle(text);
        let planned = &rules.plan.columns[number];
        let mut node = planned.node;
        let problem = match self.members.get(node).map(|token| token.kind) {
            None => "is absent",
            Some(Kind::Null) => "is null",
            Some(_) => "does not fit its type",
        };
        while node != ROOT && self.members.get(node).is_none() {
            node = rules.plan.nodes[node].parent;
        }
        let innermost = self.members.get(node);
        let position = innermost.map_or(0, |token| token.start as usize);
        let message = format!("the required column `{}` {problem}", planned.name);
        let reason = Reason::new(RejectionCode::MissingRequired, position, message);
        rules.reject(reason, self.indexes[record as usize])
    }
}

impl Rules<'_> {
    /// The rejection of a value whose text may be a repaired one.
    pub fn reject(self, mut reason: Reason, index: u32) -> Rejection {
        let value = self.input.get(index as usize).unwrap_or_default();
        reason.position = original_position(value, reason.position);
        reason.of(index)
    }
}

struct Locate<'l, 'r, 's> {
    located: &'l mut Located,
    rules: Rules<'r>,
    slabs: &'s mut Slabs,
    shapes: &'s mut Shapes,
    isa: Isa,
    rejections: &'s mut Vec<Rejection>,
}

impl Kernel for Locate<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self) {
        let Self {
            located,
            rules,
            slabs,
            shapes,
            isa,
            rejections,
        } = self;
        for candidate in 0..located.texts.len() {
            let place = located.texts[candidate];
            let index = located.candidates[candidate];
            let before = slabs.plain.bytes.len();
            prefetch(slabs.texts.ahead(place, AHEAD));
            if shapes.are_tried() {
                let Slabs { texts, plain } = &mut *slabs;
                let mut record = Record {
                    padded: texts.padded(place),
                    text: texts.text(place),
                    place,
                    max_depth: rules.options.max_depth,
                    isa,
                    scratch: &mut located.members.scratch,
                    plain,
                    early: &located.early,
                };
                let mut row = located.tape.next();
                if shapes.trie.find::<B>(rules.plan, &mut record, &mut row) {
                    shapes.hit();
                    if let Ok(at) = located
                        .repaired
                        .binary_search_by_key(&index, |entry| entry.0)
                    {
                        let drift = Drift {
                            replaced_text: located.repaired[at].1,
                            ..Drift::default()
                        };
                        located.drifts.push((located.tape.records() as u32, drift));
                    }
                    located.tape.complete();
                    located.indexes.push(index);
                    located.places.push(place);
                    continue;
                }
                located.tape.undo();
                slabs.plain.bytes.truncate(before);
            }
            match located.read(rules, candidate, slabs, shapes) {
                Ok(place) => {
                    located.indexes.push(index);
                    located.places.push(place);
                }
                Err(reason) => {
                    slabs.plain.bytes.truncate(before);
                    rejections.push(rules.reject(reason, index));
                }
            }
        }
    }
}
