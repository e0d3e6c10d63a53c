//! Reads the value of a nested column to be staged: one loop over all it nests, so that it is a kernel.

use super::kind::ScalarKind;
use super::nested_read::find;
use super::nested_stage::Parts;
use super::nested_types::{NONE, Part, Step, Ways};
use super::scalar::{Misfit, Value, exact};
use crate::json::{Cursor, Fault, Kind, Scanner, Token};
use crate::simd::{Backend, Isa, Kernel};

/// The value is wrong, or one that can't be staged.
#[derive(Debug)]
pub struct Unstaged;

impl From<Fault> for Unstaged {
    fn from(_: Fault) -> Self {
        Self
    }
}

impl From<Misfit> for Unstaged {
    fn from(_: Misfit) -> Self {
        Self
    }
}

/// Read the value at the cursor of `scanner`, which goes over `text`, into `parts`. `depth` containers are open around it.
///
/// # Errors
/// If it can't be staged; then some of it is in `parts`.
pub fn read<'t>(
    parts: &mut Parts,
    ways: &mut Ways,
    text: &'t str,
    depth: usize,
    scanner: &mut Scanner<'t>,
) -> Result<(), Unstaged> {
    Isa::detect().run(Read {
        parts,
        ways,
        text,
        depth,
        scanner,
    })
}

struct Read<'a, 's, 't> {
    parts: &'a mut Parts,
    ways: &'a mut Ways,
    text: &'t str,
    depth: usize,
    scanner: &'s mut Scanner<'t>,
}

impl Kernel for Read<'_, '_, '_> {
    type Output = Result<(), Unstaged>;

    #[inline(always)]
    fn run<B: Backend>(self) -> Self::Output {
        let mut reader = Reader {
            parts: self.parts,
            text: self.text,
            depth: self.depth,
            cursor: Cursor::new(self.scanner),
        };
        let mut before = NONE;
        loop {
            let next = match reader.follow::<B>(self.ways, before)? {
                Some(next) => next,
                None => reader.walk::<B>(self.ways, before)?,
            };
            if next == NONE {
                break;
            }
            reader.value::<B>(next)?;
            before = next;
        }
        reader.cursor.stop();
        Ok(())
    }
}

/// What the loop works with. What is open around the cursor is what the type before it is in.
struct Reader<'a, 's, 't> {
    parts: &'a mut Parts,
    text: &'t str,
    depth: usize,
    cursor: Cursor<'s, 't>,
}

impl Reader<'_, '_, '_> {
    /// Go to the value after that of type `before` by a way that has been gone before, if there is one: its type.
    #[inline(always)]
    fn follow<B: Backend>(
        &mut self,
        ways: &mut Ways,
        before: u32,
    ) -> Result<Option<u32>, Unstaged> {
        let text = self.text.as_bytes();
        let text = text.get(self.cursor.position()..).unwrap_or_default();
        let Some(way) = ways.find::<B>(before, text) else {
            return Ok(None);
        };
        self.cursor.advance(way.length());
        for &step in &way.steps {
            self.parts.step(step)?;
        }
        Ok(Some(way.next))
    }

    /// Go there by reading what is in between.
    #[inline(always)]
    fn walk<B: Backend>(&mut self, ways: &mut Ways, before: u32) -> Result<u32, Unstaged> {
        let (parts, cursor) = (&mut *self.parts, &mut self.cursor);
        let start = cursor.position();
        parts.steps.clear();
        // What is open, whether nothing of it has been read, and the type of the value at the cursor.
        let (mut around, mut first, mut value) = match before {
            NONE => (NONE, true, 0),
            _ => (parts.types.get(before).parent, false, NONE),
        };
        loop {
            let mut step = None;
            if value != NONE {
                let kind = parts.types.get(value);
                match (&kind.part, cursor.peek()) {
                    (Part::List(_), Some(b'[')) | (Part::Struct { .. }, Some(b'{')) => {}
                    _ => break,
                }
                cursor.open(self.depth + kind.depth)?;
                if !kind.is_struct_item {
                    step = Some(Step::Open(value));
                }
                (around, first, value) = (value, true, NONE);
            } else if around == NONE {
                break;
            } else {
                let kind = parts.types.get(around);
                let close = match kind.part {
                    Part::List(_) => b']',
                    _ => b'}',
                };
                if !cursor.next_member(first, close)? {
                    around = kind.parent;
                } else if let Part::Struct { fields, keys } = &kind.part {
                    let key = cursor.key::<B>()?;
                    value = fields[find(keys, key, self.text).ok_or(Unstaged)?];
                } else if let Part::List(item) = kind.part {
                    step = Some(Step::Item(around));
                    value = item;
                }
                first = false;
            }
            if let Some(step) = step {
                parts.steps.push(step);
                parts.step(step)?;
            }
        }
        let text = &self.text.as_bytes()[start..cursor.position()];
        ways.remember(&parts.types, before, text, &parts.steps, value);
        Ok(value)
    }

    /// Read the value at the cursor, which is no container of the type `number`.
    #[inline(always)]
    fn value<B: Backend>(&mut self, number: u32) -> Result<(), Unstaged> {
        let parts = &mut *self.parts;
        let kind = parts.types.get(number);
        if let Part::Scalar(ScalarKind::String) = kind.part
            && let Some((start, end)) = self.cursor.pass_short_string::<B>()
        {
            // Each part of it is known when this is compiled, or it would be read back before it is written.
            let token = Token::new(Kind::String { escaped: false }, start, end);
            return parts.put(number, Some(Value::String(token)));
        }
        let token = self.cursor.value::<B>(self.depth + kind.depth)?;
        match (&kind.part, token.kind) {
            (Part::Scalar(_), Kind::Null) => parts.put(number, None),
            (&Part::Scalar(kind), _) => {
                let value = exact(kind, token, self.text, &mut parts.findings)?;
                parts.put(number, Some(value))
            }
            (_, Kind::Null) if !kind.is_struct_item => parts.open(number, true),
            _ => Err(Unstaged),
        }
    }
}
