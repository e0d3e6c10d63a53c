//! A value of a parsed record, whichever parser it is of.

use crate::digest::Sink;

/// A value. Null is no value; one of another type is left out, and so shows in the digest.
pub trait Node<'a>: Sized {
    fn text_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String>;
    fn integer_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String>;
    fn number_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String>;
    fn boolean_into(&self, leaf: usize, sink: &mut impl Sink) -> Result<(), String>;

    /// The members of an object; none of anything else.
    fn members(self, each: impl FnMut(&str, Self) -> Result<(), String>) -> Result<(), String>;

    /// The elements of an array; none of anything else.
    fn elements(self, each: impl FnMut(Self) -> Result<(), String>) -> Result<(), String>;
}
