//! A container passed over to its end, whatever it nests: one loop, so that it is a kernel.

use super::cursor::Cursor;
use super::scan::{Fault, Scanner};
use crate::simd::{Backend, Kernel};

/// Passes the container at the cursor of `scanner`, an object or else an array, inside of `depth` others.
pub struct Skip<'s, 't> {
    pub scanner: &'s mut Scanner<'t>,
    pub depth: usize,
    pub object: bool,
    /// Takes, from its end on, whether the containers between that one and the innermost are objects.
    pub open: &'s mut Vec<bool>,
}

impl Kernel for Skip<'_, '_> {
    type Output = Result<(), Fault>;

    #[inline(always)]
    fn run<B: Backend>(self) -> Self::Output {
        let Self {
            scanner,
            mut depth,
            mut object,
            open,
        } = self;
        let mut cursor = Cursor::new(scanner);
        cursor.open(depth)?;
        let mut first = true;
        loop {
            if !cursor.next_member(first, if object { b'}' } else { b']' })? {
                let Some(around) = open.pop() else {
                    break;
                };
                (depth, object, first) = (depth - 1, around, false);
                continue;
            }
            if object {
                cursor.key::<B>()?;
            }
            first = matches!(cursor.peek(), Some(b'{' | b'['));
            depth += usize::from(first);
            if first {
                open.push(std::mem::replace(&mut object, cursor.peek() == Some(b'{')));
                cursor.open(depth)?;
            } else {
                cursor.value::<B>(depth)?;
            }
        }
        cursor.stop();
        Ok(())
    }
}
