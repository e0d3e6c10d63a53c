//! A nested type as its values are staged: the types it is made of, and the ways from one value to the next.
//!
//! Between two scalars there is text that no value is in: brackets, commas, keys. Producers write it in few forms, so
//! whoever has read it once remembers it with what it does, and only compares it from then on. What may follow a scalar
//! depends on nothing but its place in the type: that says which containers are open around it.

use super::kind::{ColumnKind, ScalarKind};
use crate::json::Keys;
use crate::simd::{Backend, LITERAL, Literal};

/// Most ways that are remembered from one type.
const MOST_WAYS: usize = 16;
/// Most bytes of a way.
const LONGEST: usize = 256;

/// The number of no type.
pub const NONE: u32 = u32::MAX;

/// By number, the types a nested type is made of; the whole is number 0.
#[derive(Debug)]
pub struct Types(Vec<Type>);

/// A type, wherever in the whole it is; others by their numbers.
#[derive(Debug)]
pub struct Type {
    pub part: Part,
    /// What it is in; [`NONE`] if nothing.
    pub parent: u32,
    /// The innermost list it is in, of whose items it has one value each; how many types there are if it is in none.
    pub group: u32,
    /// How many containers are around it.
    pub depth: usize,
    /// It is a struct, and an item of a list: each item has one.
    pub is_struct_item: bool,
}

#[derive(Debug)]
pub enum Part {
    Scalar(ScalarKind),
    List(u32),
    Struct { fields: Box<[u32]>, keys: Keys },
}

/// Something that text between scalars does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Opens a list or a struct.
    Open(u32),
    /// Goes to the next item of a list.
    Item(u32),
}

/// The text from one value to the next.
#[derive(Debug)]
pub struct Way {
    /// How it begins, and what does not fit in there.
    head: Literal,
    tail: Box<[u8]>,
    /// Of [`BEGINS`], what has to be behind it; 0 if that does not matter.
    behind: u8,
    pub steps: Box<[Step]>,
    /// The type whose value is next, which is no container of it; [`NONE`] at the end of the whole.
    pub next: u32,
    /// How often it was gone.
    taken: u32,
}

/// By the number of the type that was read before, the last entry being for none.
#[derive(Debug)]
pub struct Ways(Vec<Vec<Way>>);

/// A value.
const VALUE: u8 = 1;
/// A value that is no list.
const NO_LIST: u8 = 2;
/// A value that is no object.
const NO_OBJECT: u8 = 4;
/// By byte, what begins with it.
const BEGINS: [u8; 256] = {
    let mut begins = [0; 256];
    let others = *b"\"-0123456789tfn";
    let mut other = 0;
    while other < others.len() {
        begins[others[other] as usize] = VALUE | NO_LIST | NO_OBJECT;
        other += 1;
    }
    begins[b'[' as usize] = VALUE | NO_OBJECT;
    begins[b'{' as usize] = VALUE | NO_LIST;
    begins
};

impl Types {
    /// Those of `kind`; none if there is a map among them.
    pub fn new(kind: &ColumnKind) -> Option<Self> {
        let mut types = Vec::new();
        add(kind, NONE, &mut types)?;
        let all = types.len() as u32;
        for kind in &mut types {
            kind.group = kind.group.min(all);
        }
        Some(Self(types))
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    pub fn get(&self, number: u32) -> &Type {
        &self.0[number as usize]
    }
}

/// Add `kind`, which is in `parent`, and what it is made of; its number.
fn add(kind: &ColumnKind, parent: u32, types: &mut Vec<Type>) -> Option<u32> {
    let number = types.len() as u32;
    let (group, depth) = match types.get(parent as usize) {
        None => (NONE, 0),
        Some(around) => match around.part {
            Part::List(_) => (parent, around.depth + 1),
            _ => (around.group, around.depth + 1),
        },
    };
    let is_item = group == parent && parent != NONE;
    types.push(Type {
        // Which items or fields it has is known when they are added.
        part: match kind {
            ColumnKind::Scalar(kind) => Part::Scalar(*kind),
            ColumnKind::List(_) => Part::List(NONE),
            ColumnKind::Struct(fields) => {
                let names = fields.iter().map(|field| field.name.as_str().into());
                Part::Struct {
                    keys: Keys::new(&names.zip(0..).collect::<Vec<_>>()),
                    fields: Box::default(),
                }
            }
            ColumnKind::Map(_) => return None,
        },
        parent,
        group,
        depth,
        is_struct_item: is_item && matches!(kind, ColumnKind::Struct(_)),
    });
    match kind {
        ColumnKind::List(item) => {
            types[number as usize].part = Part::List(add(item, number, types)?);
        }
        ColumnKind::Struct(members) => {
            let members = members.iter();
            let added: Option<Box<[u32]>> = members
                .map(|member| add(&member.kind, number, types))
                .collect();
            if let Part::Struct { fields, .. } = &mut types[number as usize].part {
                *fields = added?;
            }
        }
        _ => {}
    }
    Some(number)
}

impl Ways {
    /// None yet, between values of `types`.
    pub fn new(types: &Types) -> Self {
        Self((0..=types.count()).map(|_| Vec::new()).collect())
    }

    /// The way that `text` begins with behind a value of type `from`; [`NONE`] stands for the beginning.
    #[inline(always)]
    pub fn find<B: Backend>(&mut self, from: u32, text: &[u8]) -> Option<&Way> {
        let place = self.place(from);
        let ways = &mut self.0[place];
        let mut found = 0;
        // No closure: it would not be compiled with the kernel's instructions.
        while !ways.get(found)?.begins::<B>(text) {
            found += 1;
        }
        ways[found].taken = ways[found].taken.saturating_add(1);
        // The most frequent one comes to the front.
        if found > 0 && ways[found - 1].taken < ways[found].taken {
            ways.swap(found - 1, found);
            found -= 1;
        }
        Some(&ways[found])
    }

    /// Remember that `text`, behind a value of type `from`, makes `steps` and goes to a value of type `next`.
    #[cold]
    pub fn remember(&mut self, types: &Types, from: u32, text: &[u8], steps: &[Step], next: u32) {
        let place = self.place(from);
        let ways = &mut self.0[place];
        if ways.len() == MOST_WAYS || text.len() > LONGEST {
            return;
        }
        let behind = match next {
            NONE => 0,
            next => match types.get(next).part {
                Part::Scalar(_) => VALUE,
                Part::List(_) => NO_LIST,
                Part::Struct { .. } => NO_OBJECT,
            },
        };
        let (head, tail) = text.split_at(text.len().min(LITERAL - 1));
        if let Some(head) = Literal::new(head) {
            ways.push(Way {
                head,
                tail: tail.into(),
                behind,
                steps: steps.into(),
                next,
                taken: 0,
            });
        }
    }

    #[inline(always)]
    fn place(&self, from: u32) -> usize {
        (from as usize).min(self.0.len() - 1)
    }
}

impl Way {
    /// How many bytes it has.
    #[inline(always)]
    pub fn length(&self) -> usize {
        self.head.length() + self.tail.len()
    }

    #[inline(always)]
    fn begins<B: Backend>(&self, text: &[u8]) -> bool {
        let length = self.head.length();
        let head = match text.first_chunk() {
            Some(block) => B::begins_with(block, &self.head),
            None => text.starts_with(&self.head.bytes[..length]),
        };
        if !head || !self.tail.is_empty() && !text[length..].starts_with(&self.tail) {
            return false;
        }
        // It may go on otherwise: with white space, into a container, to the end of one.
        let behind = text.get(self.length()).copied().unwrap_or(0);
        self.behind == 0 || BEGINS[behind as usize] & self.behind != 0
    }
}
