//! JSON text by RFC 8259, strictly: a scanner that finds where values are, and conversions of what it found.
//!
//! Nothing here builds a tree and nothing recurses, so neither depth nor length of a text can exhaust the stack.
//! Invariant: a [`Token`] comes from a [`Scanner`] that went over the same text, so its bytes follow the grammar of
//! its kind and its ends are character boundaries.

mod cursor;
mod keys;
mod number;
mod scan;
mod skip;
mod text;
mod words;

pub use cursor::Cursor;
pub use keys::{Digest, Keys};
pub use number::{
    Inexact, digits_at, is_integer, short_float, short_integer, to_decimal, to_float64, to_int64,
};
pub use scan::{Fault, FaultKind, Kind, Scanner, Scratch, Token};
pub use text::{unescape, write_string};
